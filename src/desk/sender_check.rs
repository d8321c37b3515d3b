//! Who a mail is really from, as far as that can be told: what the receiving server found out (its authserv-id is a
//! setting of the site; without one nothing is believed), and what looks like a trick. Shown on the message; a mail that
//! its own domain disowns is answered by nobody but a person.

use super::audit::{self, Action};
use super::{Actor, Permission};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::mail::Mailbox;
use crate::mail::incoming::Incoming;
use crate::mail::incoming::authentication::{self, Verdict};
use crate::mail::sender;

/// What is known of the sender of one mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SenderCheck {
    /// `None` where nobody was asked: the site trusts no server, or it is no mail that came in.
    pub verdict: Option<Verdict>,
    /// The server's words, such as `dkim=pass, spf=fail`.
    pub said: String,
    /// What looks like a trick, a sentence each.
    pub warnings: Vec<String>,
}

impl SenderCheck {
    /// From the columns `authentication`, `authentication_said` and `sender_warnings`.
    pub(super) fn read(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let verdict: Option<String> = row.get(first)?;
        Ok(Self {
            verdict: verdict.and_then(|name| Verdict::parse(&name)),
            said: row.get(first + 1)?,
            warnings: row.get::<_, String>(first + 2)?.lines().map(str::to_owned).collect(),
        })
    }

    pub fn result(&self) -> Option<&'static str> {
        self.verdict.map(Verdict::name)
    }

    /// As it is stored, a line each.
    pub(super) fn warning_lines(&self) -> String {
        self.warnings.join("\n")
    }
}

/// Checks the sender of a mail that arrives, and remembers the domain of one that has nothing about it: another that
/// looks like it will be noticed.
pub(super) fn check(tx: &Tx<'_>, mail: &Incoming) -> Result<SenderCheck> {
    let mut check = SenderCheck::default();
    if let Some(server) = authserv_id(tx)? {
        let (verdict, said) = authentication::judge(mail, &server);
        check = SenderCheck { verdict: Some(verdict), said, ..check };
    }
    let Some(from) = &mail.from else { return Ok(check) };
    check.warnings = sender::tricks(from, &mail.reply_to);
    check.warnings.extend(look_alike(tx, from)?);
    check.warnings.extend(agents_name(tx, from)?);
    if check.warnings.is_empty() && check.verdict != Some(Verdict::Failed) {
        let domain = sender::domain_of(&from.address);
        tx.run(
            "INSERT OR IGNORE INTO sender_domain (look, domain) VALUES (?, ?)",
            (sender::look(&domain), &domain),
        )?;
    }
    Ok(check)
}

/// A domain that only looks like one of ours, or like one that wrote before.
fn look_alike(s: &Snapshot<'_>, from: &Mailbox) -> Result<Option<String>> {
    let domain = sender::domain_of(&from.address);
    let look = sender::look(&domain);
    let ours: Vec<String> =
        s.all("SELECT email FROM email_account UNION SELECT email FROM agent", [], |row| row.get(0))?;
    let ours: Vec<String> = ours.iter().map(|address| sender::domain_of(address)).collect();
    if ours.contains(&domain) {
        return Ok(None);
    }
    if let Some(own) = ours.iter().find(|own| sender::look(own) == look) {
        return Ok(Some(format!("the domain {domain} only looks like our own {own}")));
    }
    let known: Option<String> =
        s.one("SELECT domain FROM sender_domain WHERE look = ? LIMIT 1", [&look], |row| row.get(0))?;
    Ok(known
        .filter(|known| *known != domain)
        .map(|known| format!("the domain {domain} only looks like {known}, which wrote to us before")))
}

/// Somebody from outside under the name of an agent.
fn agents_name(s: &Snapshot<'_>, from: &Mailbox) -> Result<Option<String>> {
    let Some(name) = from.name.as_deref().map(str::trim).filter(|name| name.contains(' ')) else {
        return Ok(None);
    };
    let email: Option<String> = s.one(
        "SELECT email FROM agent WHERE display_name = ? COLLATE NOCASE AND deleted_at IS NULL AND is_active = 1",
        [name],
        |row| row.get(0),
    )?;
    Ok(email
        .filter(|email| !email.eq_ignore_ascii_case(&from.address))
        .map(|_| format!("the name is that of an agent, but the address {} is not", from.address)))
}

/// Whether the last mail of the contact was disowned by its own domain: nothing automatic goes to them.
pub(super) fn is_disowned(s: &Snapshot<'_>, conversation: ConversationId) -> Result<bool> {
    let last: Option<Option<String>> = s.one(
        "SELECT authentication FROM message
         WHERE conversation_id = ? AND sender_type = 'contact' AND type = 'email' ORDER BY id DESC LIMIT 1",
        [conversation],
        |row| row.get(0),
    )?;
    Ok(last.flatten().as_deref() == Some(Verdict::Failed.name()))
}

/// The server whose `Authentication-Results` are believed.
pub fn authserv_id(s: &Snapshot<'_>) -> Result<Option<String>> {
    let id: Option<String> = s.one("SELECT authserv_id FROM site", [], |row| row.get(0))?;
    Ok(id.filter(|id| !id.is_empty()))
}

/// Sets it; empty believes nobody. Mail that is here already keeps what was found.
pub fn set_authserv_id(tx: &Tx<'_>, by: &Actor, id: &str) -> Result<()> {
    by.require(Permission::ManageChannels)?;
    let id = id.trim();
    let is_name = id.len() <= 255 && id.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
    if !is_name {
        return Err(Error::invalid("authservId", format!("'{id}' is not the name of a server")));
    }
    tx.run("UPDATE site SET authserv_id = ?", [id])?;
    let told = match id {
        "" => "no server's results about senders are believed any more".to_owned(),
        id => format!("believes what '{id}' says about senders"),
    };
    audit::record(tx, by, Action::Channel, told, "")
}
