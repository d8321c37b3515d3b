//! Conversations: the noun everything turns around. One file for each thing that is done to them; here the type, who
//! may see and change one, and reading one.

pub mod batch;
pub mod create;
pub mod draft;
pub mod edit;
mod envelope;
pub mod facts;
pub mod forward;
pub mod list;
pub mod mention;
pub mod merge;
pub mod message;
mod place;
pub mod portal;
pub mod presence;
pub mod read_state;
pub mod recipient;
pub mod reply;
pub mod snooze;
pub mod split;
pub mod status;
pub(super) mod summary;
pub mod take_back;
pub mod tally;
pub mod trash;
pub mod unread;
pub mod update;
mod words;

use std::collections::HashMap;

use rusqlite::ToSql;

use super::code::{Channel, Priority, Status};
use super::event::Assignee;
use super::field::{self, FieldValue};
use super::{Actor, Named, Permission};
use crate::db::Snapshot;
use crate::error::{Error, Result};
use crate::ids::{
    AgentId, ContactId, ConversationId, DepartmentId, EmailAccountId, MessageId, SlaPolicyId, TagId,
};
use crate::time::Timestamp;

pub use create::{NewConversation, check_unbegun, create, newest};
pub use list::{Aside, Filter, ListQuery, list};
pub use message::{Body, Message, MessageType, Source};
pub use place::{Beside, Place, Sort};
pub use reply::{NewMessage, reply};
pub use update::{ConversationChange, update};

#[derive(Debug, Clone)]
pub struct Conversation {
    pub id: ConversationId,
    pub subject: String,
    pub channel: Channel,
    pub status: Status,
    pub priority: Priority,
    pub contact_id: Option<ContactId>,
    pub agent_assignee_id: Option<AgentId>,
    pub department_assignee_id: Option<DepartmentId>,
    pub email_account_id: Option<EmailAccountId>,
    /// Our address that the first mail came to.
    pub received_from: Option<String>,
    pub is_read: bool,
    pub is_read_by_contact: bool,
    pub created_by: Party,
    pub created_at: Timestamp,
    pub last_activity_at: Timestamp,
    pub last_status_change_at: Timestamp,
    pub last_replied_at: Option<Timestamp>,
    pub last_replied_by: Option<Party>,
    pub closed_at: Option<Timestamp>,
    pub closed_by: Option<Party>,
    pub last_message: String,
    pub total_replies: i64,
    pub has_draft: bool,
    pub is_deleted: bool,
    pub merged_into_id: Option<ConversationId>,
    pub tags: Vec<TagId>,
    pub mentions: Vec<Mention>,
    /// Of the site's own fields, those that are set.
    pub fields: Vec<FieldValue>,
    /// While it is out of the way.
    pub snooze: Option<snooze::Snooze>,
    pub sla: SlaDues,
    /// Whether the caller may change it and reply (contract 6.3).
    pub is_editable: bool,
    /// Whether they may by their permissions, a mention aside: it takes that to delete it.
    pub is_managed: bool,
}

impl Conversation {
    pub fn assignee(&self) -> Assignee {
        Assignee { agent: self.agent_assignee_id, department: self.department_assignee_id }
    }
}

/// The SLA policy that applies, and when its targets are due (contract 18.4).
#[derive(Debug, Clone, Default)]
pub struct SlaDues {
    pub policy_id: Option<SlaPolicyId>,
    pub first_respond_at: Option<Timestamp>,
    pub next_respond_at: Option<Timestamp>,
    pub resolve_at: Option<Timestamp>,
    /// The earliest of the three.
    pub next_breach_at: Option<Timestamp>,
}

/// Somebody who did something: the contract's `…ById` and `…ByType`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// `agent`, `contact` or `system`.
    pub kind: String,
    /// `None` for the system.
    pub id: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Mention {
    pub agent_id: AgentId,
    pub is_read: bool,
    pub message_id: MessageId,
}

/// Which conversations an actor sees and may change, as parameters of `VISIBLE` and `MANAGED`.
pub struct Visibility {
    pub sees_all: bool,
    manages_all: bool,
    agent: i64,
    contact: i64,
    departments: String,
    sees_departments: bool,
    manages_departments: bool,
    sees_no_department: bool,
    manages_no_department: bool,
    manages_own: bool,
}

/// Condition on `conversation c` that the caller may see it (contract 6.3).
pub const VISIBLE: &str = "(:sees_all OR c.agent_assignee_id = :agent OR c.contact_id = :contact
    OR (:sees_departments AND c.department_assignee_id IN (SELECT value FROM json_each(:departments)))
    OR (:sees_no_department AND c.department_assignee_id IS NULL)
    OR EXISTS (SELECT 1 FROM mention v WHERE v.agent_id = :agent AND v.conversation_id = c.id))";

/// Expression on `conversation c`: whether the caller manages it, never NULL.
const MANAGED: &str = "coalesce(:manages_all OR (:manages_own AND c.agent_assignee_id = :agent)
    OR c.contact_id = :contact
    OR (:manages_departments AND c.department_assignee_id IN (SELECT value FROM json_each(:departments)))
    OR (:manages_no_department AND c.department_assignee_id IS NULL), 0)";

/// Expression on `conversation c`: whether the caller is mentioned in it, and so may change it whatever the permissions.
const MENTIONED: &str =
    "EXISTS (SELECT 1 FROM mention v WHERE v.agent_id = :agent AND v.conversation_id = c.id)";

impl Visibility {
    pub fn of(by: &Actor) -> Self {
        let nobody = Self {
            sees_all: false,
            manages_all: false,
            agent: 0,
            contact: 0,
            departments: "[]".to_owned(),
            sees_departments: false,
            manages_departments: false,
            sees_no_department: false,
            manages_no_department: false,
            manages_own: false,
        };
        match by {
            Actor::System | Actor::Rule(_) => Self { sees_all: true, manages_all: true, ..nobody },
            Actor::Contact(id) => Self { contact: id.0, ..nobody },
            Actor::Agent(rights) => Self {
                sees_all: rights.allows(Permission::ViewAll) || rights.allows(Permission::ManageAll),
                manages_all: rights.allows(Permission::ManageAll),
                agent: rights.agent_id.0,
                departments: serde_json::to_string(&rights.departments).unwrap_or_default(),
                sees_departments: rights.allows(Permission::ViewInMyDepartments)
                    || rights.allows(Permission::ManageInMyDepartments),
                manages_departments: rights.allows(Permission::ManageInMyDepartments),
                sees_no_department: rights.allows(Permission::ViewWithNoDepartment)
                    || rights.allows(Permission::ManageWithNoDepartment),
                manages_no_department: rights.allows(Permission::ManageWithNoDepartment),
                manages_own: rights.allows(Permission::ManageAssignedToMe),
                ..nobody
            },
        }
    }

    /// The parameters of `VISIBLE` alone.
    pub fn params(&self) -> Named<'_> {
        vec![
            (":sees_all", &self.sees_all as &dyn ToSql),
            (":agent", &self.agent),
            (":contact", &self.contact),
            (":departments", &self.departments),
            (":sees_departments", &self.sees_departments),
            (":sees_no_department", &self.sees_no_department),
        ]
    }

    /// The further parameters that `columns()` needs beside those of `VISIBLE`.
    pub fn edit_params(&self) -> Named<'_> {
        let mut params = self.params();
        params.extend([
            (":manages_all", &self.manages_all as &dyn ToSql),
            (":manages_own", &self.manages_own),
            (":manages_departments", &self.manages_departments),
            (":manages_no_department", &self.manages_no_department),
        ]);
        params
    }
}

/// A conversation that the caller may see, deleted ones included; else `None`.
pub fn get(s: &Snapshot<'_>, by: &Actor, id: ConversationId) -> Result<Option<Conversation>> {
    let visibility = Visibility::of(by);
    let mut params = visibility.edit_params();
    params.push((":id", &id));
    let mut found = s.one(
        &["SELECT ", &columns(), " FROM conversation c WHERE c.id = :id AND ", VISIBLE].concat(),
        params.as_slice(),
        from_row,
    )?;
    complete(s, found.as_mut_slice())?;
    Ok(found)
}

/// A conversation that is not deleted, or `NotFound`: also when the caller may not know that it exists.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: ConversationId) -> Result<Conversation> {
    match get(s, by, id)? {
        Some(conversation) if !conversation.is_deleted => Ok(conversation),
        _ => Err(Error::not_found("conversation", id)),
    }
}

/// The conversation, if the caller may change it: `NotFound` when they may not see it, `Conflict` when it is in the
/// recycle bin, `Forbidden` when they only see it.
pub fn editable(s: &Snapshot<'_>, by: &Actor, id: ConversationId) -> Result<Conversation> {
    let conversation = match get(s, by, id)? {
        Some(conversation) if !conversation.is_deleted => conversation,
        Some(conversation) if !matches!(by, Actor::Contact(_)) => {
            return Err(trash::is_deleted(&conversation));
        }
        _ => return Err(Error::not_found("conversation", id)),
    };
    if !conversation.is_editable {
        return Err(Error::may_not("change this conversation"));
    }
    Ok(conversation)
}

/// Fills in what stands in other tables, for a whole page at once.
fn complete(s: &Snapshot<'_>, conversations: &mut [Conversation]) -> Result<()> {
    if conversations.is_empty() {
        return Ok(());
    }
    let place: HashMap<ConversationId, usize> =
        conversations.iter().enumerate().map(|(index, conversation)| (conversation.id, index)).collect();
    let ids: Vec<ConversationId> = conversations.iter().map(|conversation| conversation.id).collect();
    for (id, value) in field::value::of_each(s, &ids)? {
        conversations[place[&id]].fields.push(value);
    }
    let ids = serde_json::to_string(&ids).map_err(Error::internal)?;
    let tags: Vec<(ConversationId, TagId)> = s.all(
        "SELECT conversation_id, tag_id FROM conversation_tag
         WHERE conversation_id IN (SELECT value FROM json_each(?))",
        [&ids],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (id, tag) in tags {
        conversations[place[&id]].tags.push(tag);
    }
    let mentions: Vec<(ConversationId, Mention)> = s.all(
        "SELECT conversation_id, agent_id, is_read, message_id FROM mention
         WHERE conversation_id IN (SELECT value FROM json_each(?))",
        [&ids],
        |row| {
            let mention = Mention { agent_id: row.get(1)?, is_read: row.get(2)?, message_id: row.get(3)? };
            Ok((row.get(0)?, mention))
        },
    )?;
    for (id, mention) in mentions {
        conversations[place[&id]].mentions.push(mention);
    }
    for (id, snooze) in snooze::of_conversations(s, &ids)? {
        conversations[place[&id]].snooze = Some(snooze);
    }
    Ok(())
}

fn columns() -> String {
    [COLUMNS, ", ", MANAGED, ", ", MENTIONED].concat()
}

const COLUMNS: &str = "c.id, c.subject, c.channel, c.status, c.priority, c.contact_id, c.agent_assignee_id,
    c.department_assignee_id, c.email_account_id, c.received_from, c.is_read, c.is_read_by_contact, c.created_by_type,
    c.created_by_id, c.created_at, c.last_activity_at, c.last_status_change_at, c.last_replied_at,
    c.last_replied_by_type, c.last_replied_by_id, c.closed_at, c.closed_by_type, c.closed_by_id, c.last_message,
    c.total_replies, c.has_draft, c.is_deleted, c.merged_into_id, c.sla_policy_id, c.first_respond_due_at,
    c.next_respond_due_at, c.resolve_due_at, c.next_breach_at";

/// The caller fills in the rest with `complete`.
fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Conversation> {
    let party = |kind: Option<String>, id: Option<i64>| kind.map(|kind| Party { kind, id });
    Ok(Conversation {
        id: row.get(0)?,
        subject: row.get(1)?,
        channel: row.get(2)?,
        status: row.get(3)?,
        priority: row.get(4)?,
        contact_id: row.get(5)?,
        agent_assignee_id: row.get(6)?,
        department_assignee_id: row.get(7)?,
        email_account_id: row.get(8)?,
        received_from: row.get(9)?,
        is_read: row.get(10)?,
        is_read_by_contact: row.get(11)?,
        created_by: Party { kind: row.get(12)?, id: row.get(13)? },
        created_at: row.get(14)?,
        last_activity_at: row.get(15)?,
        last_status_change_at: row.get(16)?,
        last_replied_at: row.get(17)?,
        last_replied_by: party(row.get(18)?, row.get(19)?),
        closed_at: row.get(20)?,
        closed_by: party(row.get(21)?, row.get(22)?),
        last_message: row.get(23)?,
        total_replies: row.get(24)?,
        has_draft: row.get(25)?,
        is_deleted: row.get(26)?,
        merged_into_id: row.get(27)?,
        tags: Vec::new(),
        mentions: Vec::new(),
        fields: Vec::new(),
        snooze: None,
        sla: SlaDues {
            policy_id: row.get(28)?,
            first_respond_at: row.get(29)?,
            next_respond_at: row.get(30)?,
            resolve_at: row.get(31)?,
            next_breach_at: row.get(32)?,
        },
        is_editable: row.get::<_, bool>(33)? || row.get::<_, bool>(34)?,
        is_managed: row.get(33)?,
    })
}
