//! What passwords must be like and when failed sign-ins lock an agent (contract 2.3). One row. Everything in it works
//! but the expiry, which is kept for clients that set it: forcing people to new passwords makes them choose worse ones.

use super::audit::{self, Action};
use super::{Actor, Permission, password, second_factor};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Without it the shortest password has `SHORTEST` characters.
    pub checks_length: bool,
    pub minimum_length: i64,
    pub checks_history: bool,
    /// So many last passwords may not be used again.
    pub history: i64,
    pub expires: bool,
    pub expires_in_days: i64,
    /// Three of: lower case, upper case, digits, anything else.
    pub checks_complexity: bool,
    /// Whether names and address of the agent are refused.
    pub checks_agent_name: bool,
    pub checks_common_phrases: bool,
    pub limits_changes: bool,
    /// Changes of the own password within 24 hours.
    pub maximum_changes: i64,
    pub locks: bool,
    /// Wrong passwords before the first lock.
    pub allowed_failures: i64,
    /// Agents who sign in by password must set up a second factor before anything else.
    pub requires_second_factor: bool,
}

/// No policy allows a shorter password.
const SHORTEST: i64 = 8;
/// Longest history that can be asked for.
pub const LONGEST_HISTORY: i64 = 24;

pub fn get(s: &Snapshot<'_>) -> Result<PasswordPolicy> {
    s.one(
        "SELECT checks_length, minimum_length, checks_history, history, expires, expires_in_days, checks_complexity,
           checks_agent_name, checks_common_phrases, limits_changes, maximum_changes, locks, allowed_failures,
           requires_second_factor
         FROM password_policy",
        [],
        |row| {
            Ok(PasswordPolicy {
                checks_length: row.get(0)?,
                minimum_length: row.get(1)?,
                checks_history: row.get(2)?,
                history: row.get(3)?,
                expires: row.get(4)?,
                expires_in_days: row.get(5)?,
                checks_complexity: row.get(6)?,
                checks_agent_name: row.get(7)?,
                checks_common_phrases: row.get(8)?,
                limits_changes: row.get(9)?,
                maximum_changes: row.get(10)?,
                locks: row.get(11)?,
                allowed_failures: row.get(12)?,
                requires_second_factor: row.get(13)?,
            })
        },
    )?
    .ok_or_else(|| Error::internal("the file has no password policy"))
}

/// The policy, for who manages security.
pub fn view(s: &Snapshot<'_>, by: &Actor) -> Result<PasswordPolicy> {
    by.require(Permission::ManageSecurity)?;
    get(s)
}

/// Passwords that there are already stay as they are.
pub fn set(tx: &Tx<'_>, by: &Actor, policy: &PasswordPolicy) -> Result<()> {
    by.require(Permission::ManageSecurity)?;
    let mut problems = Problems::default();
    for (field, value, range) in [
        ("minimumPasswordLength", policy.minimum_length, SHORTEST..=128),
        ("verificationValueOfPasswordHistory", policy.history, 1..=LONGEST_HISTORY),
        ("passwordExpireInDays", policy.expires_in_days, 1..=3650),
        ("maximumChangeTimes", policy.maximum_changes, 1..=100),
        ("allowedFailedLoginAttempts", policy.allowed_failures, 1..=100),
    ] {
        let wanted = format!("must be between {} and {}, not {value}", range.start(), range.end());
        problems.require(range.contains(&value), field, wanted);
    }
    problems.check()?;
    let before = get(tx)?;
    if policy.requires_second_factor && !before.requires_second_factor {
        lead_by_example(tx, by)?;
    }
    tx.run(
        "UPDATE password_policy SET checks_length = ?, minimum_length = ?, checks_history = ?, history = ?,
           expires = ?, expires_in_days = ?, checks_complexity = ?, checks_agent_name = ?, checks_common_phrases = ?,
           limits_changes = ?, maximum_changes = ?, locks = ?, allowed_failures = ?,
           requires_second_factor = ?",
        rusqlite::params![
            policy.checks_length,
            policy.minimum_length,
            policy.checks_history,
            policy.history,
            policy.expires,
            policy.expires_in_days,
            policy.checks_complexity,
            policy.checks_agent_name,
            policy.checks_common_phrases,
            policy.limits_changes,
            policy.maximum_changes,
            policy.locks,
            policy.allowed_failures,
            policy.requires_second_factor,
        ],
    )?;
    if policy.requires_second_factor {
        // Whoever has none sets one up at the next sign-in, which is now.
        tx.run(
            "DELETE FROM session WHERE proof = 'password' AND agent_id IS NOT NULL
               AND agent_id NOT IN (SELECT agent_id FROM second_factor WHERE is_confirmed = 1)",
            [],
        )?;
    }
    let details = audit::difference(&facts(&before), &facts(policy));
    audit::record(tx, by, Action::Security, "changed the password policy", details)
}

/// Whoever asks it of all others has set it up first, and so knows that it works; unless they have no password.
fn lead_by_example(s: &Snapshot<'_>, by: &Actor) -> Result<()> {
    let Some(me) = by.agent_id() else { return Ok(()) };
    let has_password = s.exists("SELECT 1 FROM agent WHERE id = ? AND password_hash IS NOT NULL", [me])?;
    if has_password && !second_factor::is_on(s, me)? {
        let message = "set up your own two-step sign-in first, in your security settings";
        return Err(Error::Conflict(message.to_owned()));
    }
    Ok(())
}

impl PasswordPolicy {
    /// What a new password needs at least, in characters.
    pub fn shortest(&self) -> i64 {
        if self.checks_length { self.minimum_length } else { SHORTEST }
    }

    /// Refuses what is too short, absurdly long, too simple, or among the first that anyone would try.
    pub fn check(&self, field: &str, text: &str, own_words: &[&str]) -> Result<()> {
        if password::MAX_BYTES < text.len() {
            return Err(Error::invalid(field, format!("is longer than {} bytes", password::MAX_BYTES)));
        }
        if (text.chars().count() as i64) < self.shortest() {
            return Err(Error::invalid(field, format!("needs at least {} characters", self.shortest())));
        }
        if self.checks_complexity && classes(text) < 3 {
            let message = "needs three of: lower case, upper case, digits, other characters";
            return Err(Error::invalid(field, message));
        }
        let folded = text.to_lowercase();
        let is_own = self.checks_agent_name
            && own_words.iter().any(|word| 3 < word.len() && folded == word.to_lowercase());
        let is_common = self.checks_common_phrases && password::is_common(text);
        if is_own || is_common || password::is_monotonous(text) {
            return Err(Error::invalid(field, "is too easy to guess"));
        }
        Ok(())
    }
}

fn classes(text: &str) -> usize {
    let kinds: [fn(char) -> bool; 4] = [
        char::is_lowercase,
        char::is_uppercase,
        |c| c.is_numeric(),
        |c| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric(),
    ];
    kinds.iter().filter(|is_kind| text.chars().any(**is_kind)).count()
}

/// What the audit log tells of a change.
fn facts(policy: &PasswordPolicy) -> [(&'static str, String); 9] {
    let when = |is_on: bool, value: i64| if is_on { value.to_string() } else { "off".to_owned() };
    [
        ("minimum length", when(policy.checks_length, policy.minimum_length)),
        ("history", when(policy.checks_history, policy.history)),
        ("expiry in days", when(policy.expires, policy.expires_in_days)),
        ("complexity", policy.checks_complexity.to_string()),
        ("agent's name", policy.checks_agent_name.to_string()),
        ("common phrases", policy.checks_common_phrases.to_string()),
        ("changes a day", when(policy.limits_changes, policy.maximum_changes)),
        ("lock after failures", when(policy.locks, policy.allowed_failures)),
        ("two steps for everybody", policy.requires_second_factor.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> PasswordPolicy {
        PasswordPolicy {
            checks_length: true,
            minimum_length: 12,
            checks_history: false,
            history: 5,
            expires: false,
            expires_in_days: 90,
            checks_complexity: false,
            checks_agent_name: true,
            checks_common_phrases: true,
            limits_changes: false,
            maximum_changes: 5,
            locks: true,
            allowed_failures: 5,
            requires_second_factor: false,
        }
    }

    #[test]
    fn short_long_and_guessable_passwords_are_refused() {
        for bad in ["", "short", "12345678901", "Password12345", "aaaaaaaaaaaaaaaa", &"x".repeat(1025)] {
            assert!(policy().check("password", bad, &[]).is_err(), "{bad} was accepted");
        }
        assert!(policy().check("password", "ann@example.com", &["ann@example.com"]).is_err());
        assert!(policy().check("password", "korrekt pferd batterie", &[]).is_ok());
    }

    #[test]
    fn complexity_counts_kinds_of_characters() {
        let policy = PasswordPolicy { checks_complexity: true, ..policy() };
        assert!(policy.check("password", "korrektpferdbatterie", &[]).is_err());
        assert!(policy.check("password", "Korrekt pferd batterie", &[]).is_ok());
        assert!(policy.check("password", "korrekt pferd 9", &[]).is_ok());
    }
}
