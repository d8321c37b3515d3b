//! Rules made ready to decide. Making a set from its rows takes many queries, so each kind is
//! made once for each `rule_version`, a number that the file itself changes with everything that rules are made from
//! (the triggers in schema.sql). A set that decided is kept as it was (table
//! `rule_set`): traces point at it instead of repeating it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{Actor, condition, decision};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::FieldId;
use crate::rules::{Facts, Formula, Moment};

/// A set of rules with the text it is kept as.
pub struct RuleSet<T> {
    pub rules: T,
    body: String,
    /// Names the text.
    pub hash: String,
}

/// A set with the version it was made of.
type Made = (i64, Rc<dyn Any>);

thread_local! {
    /// The sets last made on this thread, by kind. Versions are random: no two files share one, and a change that was
    /// undone leaves none behind.
    static MADE: RefCell<HashMap<&'static str, Made>> = RefCell::default();
}

/// The set of this kind as it is now. `make` also tells whether the set holds values that mean something else at
/// another time, such as `@today`: such a set is made each time.
pub fn current<T: Serialize + 'static>(
    s: &Snapshot<'_>,
    kind: &'static str,
    make: impl FnOnce(&Moment) -> Result<(T, bool)>,
    now: crate::time::Timestamp,
) -> Result<Rc<RuleSet<T>>> {
    let version = s.number("SELECT version FROM rule_version", [])?;
    let made = MADE.with_borrow(|made| match made.get(kind) {
        Some((known, set)) if *known == version => set.clone().downcast::<RuleSet<T>>().ok(),
        _ => None,
    });
    if let Some(set) = made {
        return Ok(set);
    }
    let moment = condition::moment(s, now, &Actor::System, None)?;
    let (rules, is_fleeting) = make(&moment)?;
    let set = Rc::new(RuleSet::new(rules)?);
    if !is_fleeting {
        MADE.with_borrow_mut(|made| made.insert(kind, (version, set.clone())));
    }
    Ok(set)
}

impl<T: Serialize> RuleSet<T> {
    pub fn new(rules: T) -> Result<Self> {
        let body = serde_json::to_string(&rules).map_err(Error::internal)?;
        let mut hash = String::with_capacity(32);
        for byte in &Sha256::digest(body.as_bytes())[..16] {
            let _ = write!(hash, "{byte:02x}");
        }
        Ok(Self { rules, body, hash })
    }

    /// Keeps the set, once, so that a trace of now that names its hash can be read.
    pub fn keep(&self, tx: &Tx<'_>) -> Result<()> {
        tx.run(
            "INSERT INTO rule_set (hash, body, used_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (hash) DO UPDATE SET used_at = ?3 WHERE used_at < ?4",
            (&self.hash, &self.body, tx.now(), tx.now().minus(DAY)),
        )?;
        Ok(())
    }
}

/// So seldom is it written down that a set is still in use.
const DAY: Duration = Duration::from_secs(86_400);

/// Removes the sets that no trace can name any more, once the old traces are gone; tells how many.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    let since = decision::kept_since(tx, tx.now())?;
    tx.run(
        "DELETE FROM rule_set WHERE used_at < ?1 AND NOT EXISTS (SELECT 1 FROM decision WHERE at < ?2)",
        (since.minus(DAY), since),
    )
}

/// The set that a trace names.
pub fn kept<T: DeserializeOwned>(s: &Snapshot<'_>, hash: &str) -> Result<T> {
    let body: String = s
        .one("SELECT body FROM rule_set WHERE hash = ?", [hash], |row| row.get(0))?
        .ok_or_else(|| Error::internal(format!("the rule set {hash} is gone")))?;
    serde_json::from_str(&body).map_err(Error::internal)
}

/// Whether a formula holds values that mean something else at another time.
pub fn is_fleeting(formula: &Formula) -> bool {
    formula.conditions.iter().any(|condition| condition.value.trim_start().starts_with('@'))
}

/// The facts of these fields alone: what a trace keeps.
pub fn only(facts: &Facts, fields: impl IntoIterator<Item = FieldId>) -> Facts {
    let mut kept = Facts::default();
    for field in fields {
        kept.set(field, facts.get(field).iter().cloned());
    }
    kept
}

/// Results of conditions as `0` and `1`: short, and easy to compare.
pub fn bits(results: impl IntoIterator<Item = bool>) -> String {
    results.into_iter().map(|holds| if holds { '1' } else { '0' }).collect()
}
