//! Finding words in a handful of conversations without an index: the recycle bin's, a contact's.

use rusqlite::ToSql;

use super::Named;
use crate::desk::like;

/// Words that must all occur somewhere in a conversation.
pub(super) struct Words {
    patterns: String,
    numbers: String,
    sees_internals: bool,
}

impl Words {
    pub(super) fn new(words: &[String], sees_internals: bool) -> Self {
        let patterns: Vec<String> = words.iter().map(|word| like(word)).collect();
        let numbers: Vec<&str> = words.iter().map(|word| word.trim_start_matches('#')).collect();
        Self {
            patterns: serde_json::to_string(&patterns).unwrap_or_default(),
            numbers: serde_json::to_string(&numbers).unwrap_or_default(),
            sees_internals,
        }
    }

    pub(super) fn params(&self) -> Named<'_> {
        vec![
            (":patterns", &self.patterns as &dyn ToSql),
            (":numbers", &self.numbers),
            (":sees_internals", &self.sees_internals),
        ]
    }
}

/// Condition on `conversation c`: each word is in the subject, a message, the contact's name or addresses, or is the
/// number.
pub(super) const OCCUR: &str =
    "NOT EXISTS (SELECT 1 FROM json_each(:patterns) p JOIN json_each(:numbers) n ON n.key = p.key WHERE NOT (
      c.subject LIKE p.value ESCAPE '\\' OR CAST(c.id AS TEXT) = n.value
      OR EXISTS (SELECT 1 FROM contact k WHERE k.id = c.contact_id
                 AND (k.name LIKE p.value ESCAPE '\\' OR k.alias LIKE p.value ESCAPE '\\'))
      OR EXISTS (SELECT 1 FROM contact_identity i WHERE i.contact_id = c.contact_id
                 AND i.value LIKE p.value ESCAPE '\\')
      OR EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id AND m.plain_body LIKE p.value ESCAPE '\\'
                 AND (:sees_internals
                   OR (m.type <> 'note' AND m.forward_of_id IS NULL AND m.is_third_party = 0)))))";
