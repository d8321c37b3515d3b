//! The fields that conditions ask about: the twenty system fields (contract 13.3) and the site's own. `desk::field`
//! builds the `Catalogue` of a site; here is what a system field is, which comparisons fit a type, and which values.

use serde::{Deserialize, Serialize};

use super::{MatchType, text};
use crate::ids::FieldId;

pub const CONVERSATION_ID: FieldId = FieldId(1);
pub const SUBJECT: FieldId = FieldId(2);
pub const DEPARTMENT_ASSIGNEE: FieldId = FieldId(3);
pub const AGENT_ASSIGNEE: FieldId = FieldId(4);
pub const STATUS: FieldId = FieldId(5);
pub const PRIORITY: FieldId = FieldId(6);
pub const CHANNEL: FieldId = FieldId(7);
pub const CREATED_TIME: FieldId = FieldId(8);
pub const LAST_ACTIVITY_TIME: FieldId = FieldId(9);
pub const LAST_STATUS_CHANGE_TIME: FieldId = FieldId(10);
pub const CLOSED_TIME: FieldId = FieldId(11);
pub const TOTAL_REPLIES: FieldId = FieldId(12);
pub const CONTACT: FieldId = FieldId(13);
pub const MENTIONED_AGENT: FieldId = FieldId(14);
pub const RECEIVED_FROM: FieldId = FieldId(15);
pub const TAG: FieldId = FieldId(16);
pub const LAST_REPLIED_TIME: FieldId = FieldId(17);
pub const IS_READ: FieldId = FieldId(18);
pub const CONTACT_EMAIL: FieldId = FieldId(19);
pub const CONTACT_COMPANY: FieldId = FieldId(20);

/// The contract's types of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FieldType {
    Text,
    Textarea,
    Email,
    Url,
    Date,
    Integer,
    Float,
    Operator,
    Radio,
    Checkbox,
    DropdownList,
    CheckboxList,
    Link,
    Department,
}

/// Where a field may be used: the bits of the contract's `availableIn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    TriggerCondition = 1,
    View = 2,
    Sla = 4,
    Routing = 8,
    Macro = 16,
    TriggerSet = 32,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Text,
    Whole,
    Real,
    /// UTC milliseconds.
    Instant,
    /// A calendar date without a zone, as UTC milliseconds of its midnight.
    Day,
    /// 1 or 0; a missing one is as good as 0.
    Flag,
    /// The id of one of the field's choices.
    Choice,
    Agent,
    Department,
    Tag,
    Contact,
}

/// A field as conditions see it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: FieldId,
    pub name: String,
    pub kind: FieldType,
    pub choices: Vec<Choice>,
    /// Bits of `Usage`.
    pub usages: u8,
}

/// One thing to choose from: an option of a list, a status, a priority, a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub id: i64,
    pub name: String,
    pub value: String,
}

/// Every field of a site.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(Vec<Entry>);

/// A row of contract 13.3.
pub struct System {
    pub id: FieldId,
    pub name: &'static str,
    /// Other names it goes by; the first is the property of a conversation.
    pub aliases: &'static [&'static str],
    pub kind: FieldType,
    pub usages: u8,
}

const fn system(
    id: FieldId,
    name: &'static str,
    aliases: &'static [&'static str],
    kind: FieldType,
    usages: u8,
) -> System {
    System { id, name, aliases, kind, usages }
}

/// The system fields, by id from 1.
pub const SYSTEM: [System; 20] = {
    use FieldType::{Checkbox, CheckboxList, Date, Department, DropdownList, Email, Integer, Operator, Text};
    [
        system(CONVERSATION_ID, "Conversation Id", &["id", "ticketId"], Integer, 18),
        system(SUBJECT, "Subject", &["subject"], Text, 63),
        system(DEPARTMENT_ASSIGNEE, "Department Assignee", &["departmentAssigneeId"], Department, 55),
        system(AGENT_ASSIGNEE, "Agent Assignee", &["agentAssigneeId"], Operator, 55),
        system(STATUS, "Status", &["status"], DropdownList, 55),
        system(PRIORITY, "Priority", &["priority"], DropdownList, 55),
        system(CHANNEL, "Channel", &["channel"], DropdownList, 31),
        system(CREATED_TIME, "Date Created", &["createdTime"], Date, 19),
        system(LAST_ACTIVITY_TIME, "Last Activity Time", &["lastActivityTime"], Date, 18),
        system(LAST_STATUS_CHANGE_TIME, "Last Status Change Time", &["lastStatusChangeTime"], Date, 18),
        system(CLOSED_TIME, "Close Time", &["closedTime"], Date, 18),
        system(TOTAL_REPLIES, "Total Replies", &["totalReplies"], Integer, 19),
        system(CONTACT, "Contact", &["contactId"], Integer, 31),
        system(MENTIONED_AGENT, "@Mentioned Agent", &["mentionedAgents", "mentionedAgentIds"], Operator, 3),
        system(RECEIVED_FROM, "Received From", &["receivedFrom"], Email, 31),
        system(TAG, "Tag", &["tagIds", "tags", "tagId"], CheckboxList, 39),
        system(LAST_REPLIED_TIME, "Last Reply Time", &["lastRepliedTime"], Date, 18),
        system(IS_READ, "Is Read", &["isRead"], Checkbox, 2),
        system(CONTACT_EMAIL, "Contact Email", &["contactEmail"], Email, 31),
        system(CONTACT_COMPANY, "Contact Company", &["contactCompany"], Text, 31),
    ]
};

/// The system field that goes by this name, whatever the case and blanks.
pub fn system_by_name(name: &str) -> Option<&'static System> {
    let wanted = squeeze(name);
    SYSTEM.iter().find(|field| {
        squeeze(field.name) == wanted || field.aliases.iter().any(|alias| squeeze(alias) == wanted)
    })
}

fn squeeze(name: &str) -> String {
    text::fold(name).chars().filter(|character| character.is_alphanumeric()).collect()
}

impl FieldType {
    pub const ALL: [Self; 14] = [
        Self::Text,
        Self::Textarea,
        Self::Email,
        Self::Url,
        Self::Date,
        Self::Integer,
        Self::Float,
        Self::Operator,
        Self::Radio,
        Self::Checkbox,
        Self::DropdownList,
        Self::CheckboxList,
        Self::Link,
        Self::Department,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Textarea => "textarea",
            Self::Email => "email",
            Self::Url => "url",
            Self::Date => "date",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Operator => "operator",
            Self::Radio => "radio",
            Self::Checkbox => "checkbox",
            Self::DropdownList => "dropdownList",
            Self::CheckboxList => "checkboxList",
            Self::Link => "link",
            Self::Department => "department",
        }
    }

    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
    }

    /// Whether a field of this type has options of its own.
    pub fn has_options(self) -> bool {
        matches!(self, Self::Radio | Self::DropdownList | Self::CheckboxList)
    }
}

impl Domain {
    /// Whether "less" and "more" mean something.
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::Whole | Self::Real | Self::Instant | Self::Day)
    }

    /// The comparisons that fit (contract 13.3). Texts may be compared whole as well, not only those of system fields.
    pub fn match_types(self) -> &'static [MatchType] {
        use MatchType::{After, Before, Between, Contains, Is, IsLessThan, IsMoreThan, IsNot, NotContains};
        match self {
            Self::Text => &[Contains, NotContains, Is, IsNot],
            Self::Whole | Self::Real => &[Is, IsNot, IsMoreThan, IsLessThan, Between],
            Self::Instant | Self::Day => &[Is, IsNot, Before, After, Between],
            Self::Flag | Self::Choice | Self::Agent | Self::Department | Self::Tag | Self::Contact => {
                &[Is, IsNot]
            }
        }
    }
}

impl Entry {
    pub fn is_system(&self) -> bool {
        self.id.0 <= SYSTEM.len() as i64
    }

    pub fn allows(&self, usage: Usage) -> bool {
        self.usages & usage as u8 != 0
    }

    pub fn domain(&self) -> Domain {
        match self.kind {
            _ if self.id == CONTACT => Domain::Contact,
            _ if self.id == TAG => Domain::Tag,
            FieldType::Text | FieldType::Textarea | FieldType::Email | FieldType::Url | FieldType::Link => {
                Domain::Text
            }
            FieldType::Date if self.is_system() => Domain::Instant,
            FieldType::Date => Domain::Day,
            FieldType::Integer => Domain::Whole,
            FieldType::Float => Domain::Real,
            FieldType::Operator => Domain::Agent,
            FieldType::Department => Domain::Department,
            FieldType::Checkbox => Domain::Flag,
            FieldType::Radio | FieldType::DropdownList | FieldType::CheckboxList => Domain::Choice,
        }
    }

    /// A choice by its name or value in any case, else by its id.
    pub fn choice(&self, written: &str) -> Option<&Choice> {
        let mut folded = text::fold(written.trim());
        // The later documents' word (contract 27.1 row 18).
        if self.id == STATUS && folded == "resolved" {
            folded = "closed".to_owned();
        }
        self.choices
            .iter()
            .find(|choice| text::is(&choice.name, &folded) || text::is(&choice.value, &folded))
            .or_else(|| self.choices.iter().find(|choice| choice.id.to_string() == folded))
    }
}

impl Catalogue {
    pub fn new(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    pub fn get(&self, id: FieldId) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.id == id)
    }

    /// By id or by name: the site's own fields by their whole name, system fields by each of their names.
    pub fn find(&self, written: &str) -> Option<&Entry> {
        if let Ok(id) = written.trim().parse() {
            return self.get(FieldId(id));
        }
        let folded = text::fold(written.trim());
        self.0
            .iter()
            .find(|entry| !entry.is_system() && text::is(&entry.name, &folded))
            .or_else(|| self.get(system_by_name(written)?.id))
    }

    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_fields_are_numbered_in_order_and_known_by_their_names() {
        for (index, field) in SYSTEM.iter().enumerate() {
            assert_eq!(field.id, FieldId(index as i64 + 1));
            assert!(field.usages & Usage::View as u8 != 0, "{} is usable in views", field.name);
        }
        for name in ["Date Created", "createdTime", "CREATEDTIME", "date created", "DateCreated"] {
            assert_eq!(system_by_name(name).map(|field| field.id), Some(CREATED_TIME), "{name}");
        }
        assert_eq!(system_by_name("mentioned agent").map(|field| field.id), Some(MENTIONED_AGENT));
        assert!(system_by_name("colour").is_none());
        assert!(system_by_name("").is_none());
    }

    #[test]
    fn a_choice_is_found_by_name_and_value_before_id() {
        let choice = |id, name: &str| Choice { id, name: name.to_owned(), value: name.to_owned() };
        let entry = Entry {
            id: FieldId(1000),
            name: "Size".to_owned(),
            kind: FieldType::Radio,
            choices: vec![choice(1, "Large"), choice(2, "1")],
            usages: 63,
        };
        assert_eq!(entry.choice("LARGE").map(|choice| choice.id), Some(1));
        assert_eq!(entry.choice("1").map(|choice| choice.id), Some(2));
        assert_eq!(entry.choice("2").map(|choice| choice.id), Some(2));
        assert_eq!(entry.choice("3"), None);
    }
}
