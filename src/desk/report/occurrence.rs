//! What happened to conversations, one query for each metric.

use super::Scope;
use crate::db::Snapshot;
use crate::error::Result;
use crate::time::Timestamp;

/// Open conversations with a further condition; the period does not matter.
macro_rules! now {
    ($condition:literal) => {
        concat!(
            "SELECT c.created_at, c.id, c.agent_assignee_id, c.department_assignee_id, c.channel, c.email_account_id,
               c.sla_policy_id
             FROM conversation c INDEXED BY conversation_open
             WHERE c.is_deleted = 0 AND c.status < 5 AND :from = :from AND :to = :to AND ",
            $condition
        )
    };
}

/// Waits that ended in the period.
macro_rules! ended {
    ($condition:literal) => {
        concat!(
            "SELECT k.stopped_at, c.id, k.stopped_agent_id, k.stopped_department_id, c.channel, c.email_account_id,
               k.sla_policy_id
             FROM clock k INDEXED BY clock_stopped JOIN conversation c ON c.id = k.conversation_id
             WHERE :from <= k.stopped_at AND k.stopped_at < :to AND c.is_deleted = 0 AND ",
            $condition
        )
    };
}

/// Targets that were met or missed in the period.
macro_rules! decided {
    ($condition:literal) => {
        concat!(
            "SELECT coalesce(k.breached_at, k.stopped_at), c.id, coalesce(k.stopped_agent_id, c.agent_assignee_id),
               coalesce(k.stopped_department_id, c.department_assignee_id), c.channel, c.email_account_id,
               k.sla_policy_id
             FROM clock k INDEXED BY clock_decided JOIN conversation c ON c.id = k.conversation_id
             WHERE k.due_at IS NOT NULL AND coalesce(k.breached_at, k.stopped_at) IS NOT NULL
               AND :from <= coalesce(k.breached_at, k.stopped_at) AND coalesce(k.breached_at, k.stopped_at) < :to
               AND c.is_deleted = 0 AND ",
            $condition
        )
    };
}

/// Something that is counted. Attribution: who did it, else the assignee (contract 23.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Created,
    /// Transitions to closed.
    Closed,
    /// Answers of agents.
    Replied,
    /// Transitions from closed.
    Reopened,
    /// Not closed at the end of the period.
    Open,
    /// Answers of agents and messages of contacts.
    Messages,
    /// Targets missed in the period.
    Breached,
    /// Waits for a first answer that ended.
    FirstAnswered,
    /// Waits for any answer that ended.
    Answered,
    /// Closed in the period, and still closed.
    Resolved,
    // Targets that were met or missed.
    FirstTarget,
    NextTarget,
    ResolveTarget,
    // Open ones as they are now.
    Unassigned,
    OpenNow,
    New,
    PendingInternal,
    PendingExternal,
    OnHold,
    Urgent,
    High,
}

impl Metric {
    pub const ALL: [Self; 21] = [
        Self::Created,
        Self::Closed,
        Self::Replied,
        Self::Reopened,
        Self::Open,
        Self::Messages,
        Self::Breached,
        Self::FirstAnswered,
        Self::Answered,
        Self::Resolved,
        Self::FirstTarget,
        Self::NextTarget,
        Self::ResolveTarget,
        Self::Unassigned,
        Self::OpenNow,
        Self::New,
        Self::PendingInternal,
        Self::PendingExternal,
        Self::OnHold,
        Self::Urgent,
        Self::High,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Closed => "closed",
            Self::Replied => "replied",
            Self::Reopened => "reopened",
            Self::Open => "open",
            Self::Messages => "messages",
            Self::Breached => "breached",
            Self::FirstAnswered => "firstAnswered",
            Self::Answered => "answered",
            Self::Resolved => "resolved",
            Self::FirstTarget => "firstTarget",
            Self::NextTarget => "nextTarget",
            Self::ResolveTarget => "resolveTarget",
            Self::Unassigned => "unassigned",
            Self::OpenNow => "openNow",
            Self::New => "new",
            Self::PendingInternal => "pendingInternal",
            Self::PendingExternal => "pendingExternal",
            Self::OnHold => "onHold",
            Self::Urgent => "urgent",
            Self::High => "high",
        }
    }

    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name().eq_ignore_ascii_case(text.trim()))
    }

    /// Rows of: time, conversation, agent, department, channel, account, policy.
    fn sql(self) -> &'static str {
        match self {
            Self::Created => {
                "SELECT c.created_at, c.id, c.agent_assignee_id, c.department_assignee_id, c.channel,
                   c.email_account_id, c.sla_policy_id
                 FROM conversation c INDEXED BY conversation_created
                 WHERE c.is_deleted = 0 AND :from <= c.created_at AND c.created_at < :to"
            }
            Self::Closed => ended!("k.target = 3"),
            Self::Reopened => {
                "SELECT k.opened_at, c.id, k.opened_agent_id, k.opened_department_id, c.channel, c.email_account_id,
                   k.sla_policy_id
                 FROM clock k INDEXED BY clock_opened JOIN conversation c ON c.id = k.conversation_id
                 WHERE k.target = 3 AND 1 < k.cycle AND :from <= k.opened_at AND k.opened_at < :to
                   AND c.is_deleted = 0"
            }
            Self::Replied => {
                "SELECT m.created_at, c.id, m.sender_id, c.department_assignee_id, c.channel, c.email_account_id,
                   c.sla_policy_id
                 FROM message m INDEXED BY message_sent JOIN conversation c ON c.id = m.conversation_id
                 WHERE m.type <> 'note' AND m.sender_type <> 'system' AND m.sender_type = 'agent'
                   AND :from <= m.created_at AND m.created_at < :to AND c.is_deleted = 0"
            }
            Self::Messages => {
                "SELECT m.created_at, c.id, iif(m.sender_type = 'agent', m.sender_id, c.agent_assignee_id),
                   c.department_assignee_id, c.channel, c.email_account_id, c.sla_policy_id
                 FROM message m INDEXED BY message_sent JOIN conversation c ON c.id = m.conversation_id
                 WHERE m.type <> 'note' AND m.sender_type <> 'system'
                   AND :from <= m.created_at AND m.created_at < :to AND c.is_deleted = 0"
            }
            // Those that run now, and those that stopped only after the end.
            Self::Open => {
                "SELECT k.opened_at, c.id, c.agent_assignee_id, c.department_assignee_id, c.channel,
                   c.email_account_id, k.sla_policy_id
                 FROM conversation c INDEXED BY conversation_open
                 JOIN clock k ON k.conversation_id = c.id AND k.target = 3 AND k.stopped_at IS NULL
                 WHERE c.is_deleted = 0 AND c.status < 5 AND k.opened_at < :to AND :from = :from
                 UNION ALL
                 SELECT k.opened_at, c.id, c.agent_assignee_id, c.department_assignee_id, c.channel,
                   c.email_account_id, k.sla_policy_id
                 FROM clock k INDEXED BY clock_stopped JOIN conversation c ON c.id = k.conversation_id
                 WHERE k.target = 3 AND :to <= k.stopped_at AND k.opened_at < :to AND c.is_deleted = 0"
            }
            Self::Breached => decided!("k.breached_at IS NOT NULL"),
            Self::FirstAnswered => ended!("k.target = 1 AND c.created_by_type = 'contact'"),
            Self::Answered => ended!("k.target IN (1, 2) AND (k.target = 2 OR c.created_by_type = 'contact')"),
            Self::Resolved => ended!("k.target = 3 AND c.closed_at = k.stopped_at"),
            Self::FirstTarget => decided!("k.target = 1"),
            Self::NextTarget => decided!("k.target = 2"),
            Self::ResolveTarget => decided!("k.target = 3"),
            Self::Unassigned => now!("c.agent_assignee_id IS NULL"),
            Self::OpenNow => now!("1"),
            Self::New => now!("c.status = 1"),
            Self::PendingInternal => now!("c.status = 2"),
            Self::PendingExternal => now!("c.status = 3"),
            Self::OnHold => now!("c.status = 4"),
            Self::Urgent => now!("c.priority = 1"),
            Self::High => now!("c.priority = 2"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// UTC milliseconds.
    pub at: i64,
    pub conversation: i64,
    /// 0 is nobody; the same for the others.
    pub agent: i64,
    pub department: i64,
    pub channel: i64,
    pub account: i64,
    pub policy: i64,
}

impl Occurrence {
    /// From the first six columns: when, conversation, agent, department, channel, e-mail account; no policy.
    pub(super) fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            at: row.get(0)?,
            conversation: row.get(1)?,
            agent: id_or_zero(row, 2)?,
            department: id_or_zero(row, 3)?,
            channel: row.get(4)?,
            account: id_or_zero(row, 5)?,
            policy: 0,
        })
    }
}

/// Zero stands for nobody.
pub(super) fn id_or_zero(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<i64> {
    row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default)
}

/// What happened between two instants in a scope.
pub fn occurrences(
    s: &Snapshot<'_>,
    metric: Metric,
    scope: Scope,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Occurrence>> {
    let mut found = s.all(metric.sql(), rusqlite::named_params! { ":from": from, ":to": to }, |row| {
        Ok(Occurrence { policy: id_or_zero(row, 6)?, ..Occurrence::from_row(row)? })
    })?;
    found.retain(|it| scope.holds(it));
    Ok(found)
}

/// When conversations were opened and closed again, of all that were open at some time of a period.
pub(super) fn open_stretches(
    s: &Snapshot<'_>,
    scope: Scope,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(i64, Option<i64>)>> {
    let found = s.all(
        "SELECT k.opened_at, NULL, c.agent_assignee_id, c.department_assignee_id, c.channel, c.email_account_id
         FROM conversation c INDEXED BY conversation_open
         JOIN clock k ON k.conversation_id = c.id AND k.target = 3 AND k.stopped_at IS NULL
         WHERE c.is_deleted = 0 AND c.status < 5 AND k.opened_at < :to
         UNION ALL
         SELECT k.opened_at, k.stopped_at, c.agent_assignee_id, c.department_assignee_id, c.channel,
           c.email_account_id
         FROM clock k INDEXED BY clock_stopped JOIN conversation c ON c.id = k.conversation_id
         WHERE k.target = 3 AND :from <= k.stopped_at AND k.opened_at < :to AND c.is_deleted = 0",
        rusqlite::named_params! { ":from": from, ":to": to },
        |row| {
            let id = |column: usize| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
            let it = Occurrence {
                at: row.get(0)?,
                conversation: 0,
                agent: id(2)?,
                department: id(3)?,
                channel: row.get(4)?,
                account: id(5)?,
                policy: 0,
            };
            Ok((it, row.get::<_, Option<i64>>(1)?))
        },
    )?;
    Ok(found.into_iter().filter(|(it, _)| scope.holds(it)).map(|(it, stopped)| (it.at, stopped)).collect())
}
