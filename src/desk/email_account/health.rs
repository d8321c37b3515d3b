//! How fetching from an account goes: what went wrong, when to try again, and when somebody should be told.

use std::time::Duration;

use super::{COLUMNS, EmailAccount, from_row, get};
use crate::db::{Snapshot, Tx};
use crate::desk::audit::{self, Action};
use crate::desk::{Actor, notice};
use crate::error::Result;
use crate::ids::EmailAccountId;

/// Longest wait between attempts at a failing server.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);
/// After as many failures in a row an account counts as failing: one may be the network.
pub const FAILING_AFTER: i64 = 3;

/// Writes down how a fetch went and when the next is due: after the poll interval, or doubling up to half an hour
/// while it fails, but not before the server wants to be asked again. The error is shown on the account's page and as
/// `lastError`. When an account begins to fail, and when it works again, the audit log says so.
pub fn record_check(
    tx: &Tx<'_>,
    id: EmailAccountId,
    error: Option<&str>,
    not_before: Option<Duration>,
) -> Result<()> {
    let Some(account) = get(tx, id)? else {
        return Ok(());
    };
    let interval = Duration::from_secs(account.poll_interval_seconds.max(1) as u64);
    let failures = if error.is_some() { account.failures + 1 } else { 0 };
    let wait = match failures {
        0 => interval,
        _ => interval.max(Duration::from_secs(60 << (failures - 1).min(5))).min(LONGEST_WAIT.max(interval)),
    };
    let wait = wait.max(not_before.unwrap_or_default());
    tx.run(
        "UPDATE email_account SET last_checked_at = ?1, last_error = ?2, failures = ?3, next_check_at = ?4,
           last_success_at = CASE WHEN ?2 IS NULL THEN ?1 ELSE last_success_at END,
           failing_since_at = CASE WHEN ?3 < ?5 THEN NULL ELSE coalesce(failing_since_at, ?1) END
         WHERE id = ?6",
        (tx.now(), error, failures, tx.now().plus(wait), FAILING_AFTER, id),
    )?;
    if failures == FAILING_AFTER {
        let summary = format!("mail can no longer be fetched from '{}'", account.email);
        audit::record(tx, &Actor::System, Action::Channel, summary, error.unwrap_or_default())?;
        notice::waiting::account_fails(tx, &account, error.unwrap_or_default())?;
    } else if failures == 0 && account.failing_since_at.is_some() {
        let summary = format!("mail can be fetched from '{}' again", account.email);
        audit::record(tx, &Actor::System, Action::Channel, summary, "")?;
    }
    Ok(())
}

/// Enabled accounts that fail.
pub fn failing(s: &Snapshot<'_>) -> Result<Vec<EmailAccount>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM email_account WHERE is_enabled = 1 AND failing_since_at IS NOT NULL ORDER BY failing_since_at",
        ]
        .concat(),
        [],
        from_row,
    )
}
