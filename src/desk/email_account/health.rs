//! How fetching from an account and sending through it go: what went wrong, when to try again, when somebody should be
//! told, and when to stop, because providers lock mailboxes to which a wrong password is shown again and again.

use std::time::Duration;

use super::{COLUMNS, EmailAccount, from_row, get};
use crate::db::{Snapshot, Tx};
use crate::desk::audit::{self, Action};
use crate::desk::{Actor, notice};
use crate::error::Result;
use crate::ids::EmailAccountId;
use crate::time::Timestamp;

/// Longest wait between attempts at a failing server.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);
/// After as many failures in a row an account counts as failing: one may be the network.
pub const FAILING_AFTER: i64 = 3;
/// After as many refused sign-ins without one that worked nothing is tried any more, until the account is changed,
/// authorised or tested with success.
pub const REFUSALS: i64 = 5;
/// Mails that fail within it are one failure of the account; and how exact the time of the last success is.
const MINUTE: Duration = Duration::from_secs(60);

/// What kept us from an account's server.
#[derive(Debug, Clone)]
pub struct Failure {
    pub text: String,
    /// The server does not take the user name and password.
    pub is_refusal: bool,
}

/// How sending goes.
#[derive(Debug, Clone)]
pub struct Sending {
    pub failures: i64,
    pub refusals: i64,
    pub last_error: Option<String>,
    pub last_failure_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    pub failing_since_at: Option<Timestamp>,
}

impl Sending {
    /// Whether mail waits until somebody acts.
    pub fn is_stopped(&self) -> bool {
        REFUSALS <= self.refusals
    }
}

/// Writes down how a fetch went and when the next is due: after the poll interval, or doubling up to half an hour
/// while it fails, but not before the server wants to be asked again. The error is shown on the account's page and as
/// `lastError`. When an account begins to fail, is given up, and works again, the audit log says so.
pub fn record_check(
    tx: &Tx<'_>,
    id: EmailAccountId,
    failure: Option<&Failure>,
    not_before: Option<Duration>,
) -> Result<()> {
    let Some(account) = get(tx, id)? else {
        return Ok(());
    };
    let error = failure.map(|failure| failure.text.as_str());
    let interval = Duration::from_secs(account.poll_interval_seconds.max(1) as u64);
    let (failures, refusals) = match failure {
        Some(failure) => (account.failures + 1, account.refusals + i64::from(failure.is_refusal)),
        None => (0, 0),
    };
    let wait = match failures {
        0 => interval,
        _ => interval.max(Duration::from_secs(60 << (failures - 1).min(5))).min(LONGEST_WAIT.max(interval)),
    };
    let wait = wait.max(not_before.unwrap_or_default());
    tx.run(
        "UPDATE email_account SET last_checked_at = ?1, last_error = ?2, failures = ?3, next_check_at = ?4,
           last_success_at = CASE WHEN ?2 IS NULL THEN ?1 ELSE last_success_at END,
           failing_since_at = CASE WHEN ?3 < ?5 THEN NULL ELSE coalesce(failing_since_at, ?1) END, refusals = ?6
         WHERE id = ?7",
        (tx.now(), error, failures, tx.now().plus(wait), FAILING_AFTER, refusals, id),
    )?;
    let (email, error) = (&account.email, error.unwrap_or_default());
    if refusals == REFUSALS && account.refusals < REFUSALS {
        let summary = format!("stopped fetching mail from '{email}': {REFUSALS} sign-ins were refused");
        tell(tx, summary, &format!("{email} is no longer checked, {REFUSALS} sign-ins were refused"), error)
    } else if failures == FAILING_AFTER {
        let summary = format!("mail can no longer be fetched from '{email}'");
        tell(tx, summary, &format!("{email} cannot be checked"), error)
    } else if failures == 0 && account.failing_since_at.is_some() {
        let summary = format!("mail can be fetched from '{email}' again");
        audit::record(tx, &Actor::System, Action::Channel, summary, "")
    } else {
        Ok(())
    }
}

/// Writes down how the account's server took a mail, whatever became of the mail itself.
pub fn record_sending(tx: &Tx<'_>, id: EmailAccountId, failure: Option<&Failure>) -> Result<()> {
    let Some(account) = get(tx, id)? else {
        return Ok(());
    };
    let (email, before) = (&account.email, &account.sending);
    let is_recent = |at: Option<Timestamp>| at.is_some_and(|at| tx.now().since(at) < MINUTE);
    let Some(failure) = failure else {
        if before.failures == 0 && before.refusals == 0 && is_recent(before.last_success_at) {
            return Ok(());
        }
        tx.run(
            "UPDATE email_account SET send_failures = 0, send_refusals = 0, send_error = NULL,
               send_failing_since_at = NULL, send_success_at = ? WHERE id = ?",
            (tx.now(), id),
        )?;
        if before.failing_since_at.is_some() {
            let summary = format!("mail leaves from '{email}' again");
            audit::record(tx, &Actor::System, Action::Channel, summary, "")?;
        }
        return Ok(());
    };
    let is_another = !is_recent(before.last_failure_at);
    let failures = before.failures + i64::from(is_another);
    let refusals = before.refusals + i64::from(failure.is_refusal);
    let is_failing = FAILING_AFTER <= failures || REFUSALS <= refusals;
    tx.run(
        "UPDATE email_account SET send_failures = ?1, send_refusals = ?2, send_error = ?3,
           send_failed_at = CASE WHEN ?4 THEN ?5 ELSE send_failed_at END,
           send_failing_since_at = CASE WHEN ?6 THEN coalesce(send_failing_since_at, ?5) END WHERE id = ?7",
        (failures, refusals, &failure.text, is_another, tx.now(), is_failing, id),
    )?;
    if REFUSALS <= refusals && before.refusals < REFUSALS {
        let summary = format!("stopped sending mail from '{email}': {REFUSALS} sign-ins were refused");
        let sentence = format!("No mail leaves from {email} any more, {REFUSALS} sign-ins were refused");
        tell_of_sending(tx, &account, summary, &sentence, &failure.text)
    } else if is_failing && before.failing_since_at.is_none() {
        let summary = format!("mail can no longer be sent from '{email}'");
        tell_of_sending(tx, &account, summary, &format!("No mail leaves from {email}"), &failure.text)
    } else {
        Ok(())
    }
}

fn tell(tx: &Tx<'_>, summary: String, sentence: &str, error: &str) -> Result<()> {
    audit::record(tx, &Actor::System, Action::Channel, summary, error)?;
    notice::waiting::account_fails(tx, &format!("{sentence}: {error}"))
}

/// The same about mail that does not leave. A mail about it would have to leave by the default account: it is written
/// where that is another one.
fn tell_of_sending(
    tx: &Tx<'_>,
    account: &EmailAccount,
    summary: String,
    sentence: &str,
    error: &str,
) -> Result<()> {
    match super::default(tx)?.is_some_and(|default| default.id != account.id) {
        true => tell(tx, summary, sentence, error),
        false => audit::record(tx, &Actor::System, Action::Channel, summary, error),
    }
}

/// Somebody acted: the account is fetched from at once, as if nothing had failed.
pub fn resume_fetching(tx: &Tx<'_>, id: EmailAccountId) -> Result<()> {
    tx.run(
        "UPDATE email_account SET next_check_at = 0, failures = 0, refusals = 0, last_error = NULL,
           failing_since_at = NULL WHERE id = ?",
        [id],
    )?;
    Ok(())
}

/// The same for the mail that waits to leave.
pub fn resume_sending(tx: &Tx<'_>, id: EmailAccountId) -> Result<()> {
    tx.run(
        "UPDATE email_account SET send_failures = 0, send_refusals = 0, send_error = NULL,
           send_failing_since_at = NULL WHERE id = ?",
        [id],
    )?;
    Ok(())
}

/// Enabled accounts from which mail cannot be fetched or does not leave.
pub fn failing(s: &Snapshot<'_>) -> Result<Vec<EmailAccount>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM email_account
             WHERE is_enabled = 1 AND (failing_since_at IS NOT NULL OR send_failing_since_at IS NOT NULL)
             ORDER BY coalesce(failing_since_at, send_failing_since_at)",
        ]
        .concat(),
        [],
        from_row,
    )
}
