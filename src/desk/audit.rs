//! The audit log (contract 24): who changed what in the settings, and who signed in. Written in the transaction of the
//! change and never changed itself. What happens to conversations is in `event`; secrets are in neither.

use super::{Actor, Page, Paging, Permission, like};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, AuditLogId};
use crate::time::Timestamp;

macro_rules! actions {
    ($($product:ident { $($variant:ident $name:literal),+ $(,)? })+) => {
        /// What an entry is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action { $($($variant),+),+ }

        impl Action {
            pub const ALL: &'static [Self] = &[$($(Self::$variant),+),+];

            /// The contract's `actionType`, also as stored.
            pub fn name(self) -> &'static str {
                match self { $($(Self::$variant => $name),+),+ }
            }

            pub fn product(self) -> Product {
                match self { $($(Self::$variant => Product::$product),+),+ }
            }
        }
    };
}

actions!(
    Conversations {
        AutoAllocation "autoAllocationManagement",
        BlockedSender "blockSenderManagement",
        Channel "channelIntegrationManagement",
        Conversation "conversationManagement",
        Field "fieldsAndMappingsManagement",
        RoutingRule "routingRulesManagement",
        SlaPolicy "slaPoliciesManagement",
        Trigger "triggerManagement",
        WorkingTime "workingTimeAndHolidaysManagement",
    }
    Global {
        Profile "accountProfileManagement",
        Agent "agentManagement",
        Role "agentRoleManagement",
        CannedMessage "cannedMessageManagement",
        Contact "customerAccountsManagement",
        Department "departmentManagement",
        Integration "integrationAndAPIManagement",
        Security "securityManagement",
        Site "siteProfileManagement",
    }
);

impl Action {
    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// The part of the product that an action belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Conversations,
    Global,
}

impl Product {
    pub const ALL: &'static [Self] = &[Self::Conversations, Self::Global];

    pub fn name(self) -> &'static str {
        match self {
            Self::Conversations => "Anytime Conversations",
            Self::Global => "Global",
        }
    }

    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|product| product.name().eq_ignore_ascii_case(text.trim()))
    }
}

#[derive(Debug, Clone)]
pub struct AuditLog {
    pub id: AuditLogId,
    pub at: Timestamp,
    /// `None` for what the program did by itself or from the command line.
    pub agent_id: Option<AgentId>,
    /// As the agent was called then.
    pub agent_name: String,
    pub action: Action,
    pub summary: String,
    /// Before and after, a line for each property; may be empty.
    pub details: String,
}

/// What `list` looks for; times are inclusive.
#[derive(Debug, Clone)]
pub struct AuditQuery {
    pub from: Timestamp,
    pub to: Timestamp,
    pub product: Option<Product>,
    pub action: Option<Action>,
    pub agent: Option<AgentId>,
    /// In the agent's name, summary or details.
    pub keywords: Option<String>,
}

/// Newest first.
pub fn list(s: &Snapshot<'_>, by: &Actor, query: &AuditQuery, paging: Paging) -> Result<Page<AuditLog>> {
    by.require(Permission::ViewAuditLog)?;
    let actions: Vec<&str> = Action::ALL
        .iter()
        .filter(|action| query.action.is_none_or(|wanted| wanted == **action))
        .filter(|action| query.product.is_none_or(|wanted| wanted == action.product()))
        .map(|action| action.name())
        .collect();
    let actions = serde_json::to_string(&actions).map_err(Error::internal)?;
    let pattern = query.keywords.as_deref().map(like);
    let total = s.number(
        &["SELECT count(*)", LISTED].concat(),
        (query.from, query.to, &actions, query.agent, &pattern),
    )?;
    let items = s.all(
        &["SELECT ", COLUMNS, LISTED, " ORDER BY l.at DESC, l.id DESC LIMIT ?6 OFFSET ?7"].concat(),
        (query.from, query.to, &actions, query.agent, &pattern, paging.size, paging.offset()),
        from_row,
    )?;
    Ok(Page { items, total })
}

const LISTED: &str = " FROM audit_log l WHERE l.at BETWEEN ?1 AND ?2
    AND l.action IN (SELECT value FROM json_each(?3)) AND (?4 IS NULL OR l.agent_id = ?4)
    AND (?5 IS NULL OR l.agent_name LIKE ?5 ESCAPE '\\' OR l.summary LIKE ?5 ESCAPE '\\'
      OR l.details LIKE ?5 ESCAPE '\\')";

/// Longest texts kept, in characters.
const SUMMARY_CHARS: usize = 300;
const DETAIL_CHARS: usize = 4000;

/// Writes down that `by` did something. `summary` is one line that completes "the agent …", such as
/// `created the department 'Billing'`; `details` says more (see `difference`) or nothing. Neither may hold a secret.
pub fn record(
    tx: &Tx<'_>,
    by: &Actor,
    action: Action,
    summary: impl AsRef<str>,
    details: impl AsRef<str>,
) -> Result<()> {
    insert(tx, by.agent_id(), action, summary.as_ref(), details.as_ref())
}

/// Writes down that somebody signed in, or tried to, as `agent`.
pub(super) fn record_sign_in(tx: &Tx<'_>, agent: AgentId, summary: &str, details: &str) -> Result<()> {
    insert(tx, Some(agent), Action::Security, summary, details)
}

fn insert(tx: &Tx<'_>, agent: Option<AgentId>, action: Action, summary: &str, details: &str) -> Result<()> {
    tx.run(
        "INSERT INTO audit_log (at, agent_id, agent_name, action, summary, details)
         VALUES (?1, ?2, coalesce((SELECT display_name FROM agent WHERE id = ?2), 'System'), ?3, ?4, ?5)",
        (
            tx.now(),
            agent,
            action.name(),
            summary.chars().take(SUMMARY_CHARS).collect::<String>(),
            details.chars().take(DETAIL_CHARS).collect::<String>(),
        ),
    )?;
    Ok(())
}

/// What differs between two lists of the same properties: a line `name: 'before' → 'after'` for each. Leave secrets
/// out of the lists.
pub fn difference(before: &[(&str, String)], after: &[(&str, String)]) -> String {
    let lines = before.iter().zip(after).filter(|(old, new)| old.1 != new.1);
    let lines = lines.map(|(old, new)| ["\n", old.0, ": '", &old.1, "' → '", &new.1, "'"].concat());
    lines.collect::<String>().trim_start().to_owned()
}

/// Ids as `difference` shows them.
pub fn ids<T: std::fmt::Display>(ids: &[T]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

const COLUMNS: &str = "l.id, l.at, l.agent_id, l.agent_name, l.action, l.summary, l.details";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditLog> {
    let action: String = row.get(4)?;
    Ok(AuditLog {
        id: row.get(0)?,
        at: row.get(1)?,
        agent_id: row.get(2)?,
        agent_name: row.get(3)?,
        action: Action::parse(&action).ok_or(rusqlite::types::FromSqlError::InvalidType)?,
        summary: row.get(5)?,
        details: row.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let facts = |name: &str, title: &str| [("name", name.to_owned()), ("title", title.to_owned())];
        assert_eq!(difference(&facts("Ann", "x"), &facts("Ann", "y")), "title: 'x' → 'y'");
        assert_eq!(difference(&facts("Ann", "x"), &facts("Ann", "x")), "");
    }

    #[test]
    fn actions_and_products_are_found_by_their_names() {
        for action in Action::ALL {
            assert_eq!(Action::parse(&action.name().to_uppercase()), Some(*action));
        }
        assert_eq!(Product::parse("anytime conversations"), Some(Product::Conversations));
        assert_eq!(Action::Agent.product(), Product::Global);
    }
}
