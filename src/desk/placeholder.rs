//! Dynamic values such as `{!Conversation.Subject}` in subjects and bodies (contract 16.6). Names are read in any case
//! and with or without blanks; an unknown one is left as it is, an empty one becomes nothing.

use jiff::tz::TimeZone;

use super::agent::{self, Agent};
use super::contact::{self, Contact};
use super::conversation::{self, Conversation, Message};
use super::site::{self, Site};
use super::{Actor, department, field, tag};
use crate::db::Snapshot;
use crate::error::Result;
use crate::html;
use crate::ids::{ConversationId, MessageId};
use crate::time::Timestamp;

/// What a text is for: values are put in accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Values are escaped.
    Html,
    Text,
    /// A subject: values lose their line breaks.
    Line,
}

/// Whose times and clock: an agent's own, or the site's.
#[derive(Debug, Clone)]
pub struct Reader {
    zone: TimeZone,
    /// As jiff's `strftime` reads it.
    format: String,
}

impl Reader {
    /// Contacts see the site's time.
    pub fn contact(site: &Site) -> Self {
        Self { zone: zone(&site.time_zone), format: "%Y-%m-%d %H:%M".to_owned() }
    }

    pub fn agent(site: &Site, agent: &Agent) -> Self {
        let zone_name = agent.time_zone.as_deref().unwrap_or(&site.time_zone);
        Self { zone: zone(zone_name), format: strftime(&agent.date_time_format) }
    }

    fn show(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).strftime(&self.format).to_string()
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// The contract's `MM/dd/yyyy HH:mm:ss` and its relatives.
fn strftime(pattern: &str) -> String {
    let pairs = [("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")];
    pairs.iter().fold(pattern.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

/// Everything that values are taken from.
#[derive(Debug, Clone)]
pub struct Scene {
    pub site: Site,
    pub conversation: Conversation,
    pub contact: Option<Contact>,
    /// Who acts; in trigger mails the assignee.
    pub agent: Option<Agent>,
    /// What raised the event, else the last one that is not a note.
    pub message: Option<Message>,
    department_name: String,
    assignee_name: String,
    tags: String,
    sender: String,
    custom: Vec<(String, String)>,
    base_url: String,
    now: Timestamp,
}

impl Scene {
    /// `None` when the conversation is gone. `agent` is the assignee unless given.
    pub fn of(
        s: &Snapshot<'_>,
        conversation: ConversationId,
        message: Option<MessageId>,
        agent: Option<Agent>,
        base_url: &str,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let Some(conversation) = conversation::get(s, &Actor::System, conversation)? else { return Ok(None) };
        let contact = conversation.contact_id.map(|id| contact::get(s, id)).transpose()?.flatten();
        let assignee = conversation.agent_assignee_id.map(|id| agent::get_ever(s, id)).transpose()?.flatten();
        let department = conversation.department_assignee_id.map(|id| department::get(s, id)).transpose()?;
        let message = match message {
            Some(id) => conversation::message::get(s, &Actor::System, id)?,
            None => last_message(s, conversation.id)?,
        };
        let names = tag::names(s)?;
        let tags =
            names.iter().filter(|(id, _)| conversation.tags.contains(id)).map(|(_, name)| name.as_str());
        let tags = tags.collect::<Vec<_>>().join(", ");
        let sender = match &message {
            Some(message) => sender(s, message)?,
            None => String::new(),
        };
        Ok(Some(Self {
            site: site::get(s)?,
            department_name: department.flatten().map(|department| department.name).unwrap_or_default(),
            assignee_name: assignee.as_ref().map(|agent| agent.display_name.clone()).unwrap_or_default(),
            agent: agent.or(assignee),
            custom: custom(s, &conversation)?,
            base_url: base_url.to_owned(),
            conversation,
            contact,
            message,
            tags,
            sender,
            now,
        }))
    }

    /// The template with every value that is known put in.
    pub fn fill(&self, template: &str, form: Form, reader: &Reader) -> String {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(start) = rest.find("{!") {
            let (before, from) = rest.split_at(start);
            filled.push_str(before);
            let Some(end) = from.find('}') else {
                rest = from;
                break;
            };
            let (written, after) = from.split_at(end + 1);
            match self.value(&written[2..end], form, reader) {
                Some(value) => filled.push_str(&value),
                // Perhaps one begins inside: only the opening is certainly no value.
                None => {
                    filled.push_str("{!");
                    rest = &from[2..];
                    continue;
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, name: &str, form: Form, reader: &Reader) -> Option<String> {
        let (group, field) = name.split_once('.')?;
        let field = squeeze(field);
        let value = match squeeze(group).as_str() {
            "conversation" | "ticket" => self.of_conversation(&field, reader)?,
            "contact" | "visitor" => self.of_contact(&field)?,
            "agent" => self.of_agent(&field)?,
            "message" => {
                let message = self.message.as_ref();
                match field.as_str() {
                    "html" if form == Form::Html => {
                        return Some(
                            message.map(|it| html::with_remote_images(&it.html_body)).unwrap_or_default(),
                        );
                    }
                    "text" | "html" => message.map(|it| it.plain_body.clone()).unwrap_or_default(),
                    "sender" => self.sender.clone(),
                    "time" => message.map(|it| reader.show(it.created_at)).unwrap_or_default(),
                    _ => return None,
                }
            }
            "site" => match field.as_str() {
                "name" => self.site.name.clone(),
                "company" => self.site.company.clone(),
                "website" => self.site.website.clone(),
                "time" => reader.show(self.now),
                _ => return None,
            },
            _ => return None,
        };
        Some(match form {
            Form::Html => html::from_text_inline(&value),
            Form::Text => value,
            Form::Line => value.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }

    fn of_conversation(&self, field: &str, reader: &Reader) -> Option<String> {
        let about = &self.conversation;
        let time = |at: Option<Timestamp>| at.map(|at| reader.show(at)).unwrap_or_default();
        Some(match field {
            "id" | "conversationid" | "ticketid" => about.id.to_string(),
            "subject" => about.subject.clone(),
            "status" => about.status.name().to_owned(),
            "priority" => about.priority.name().to_owned(),
            "channel" => about.channel.name().to_owned(),
            "departmentassignee" => self.department_name.clone(),
            "agentassignee" => self.assignee_name.clone(),
            "datecreated" => reader.show(about.created_at),
            "lastactivitytime" => reader.show(about.last_activity_at),
            "laststatuschangetime" => reader.show(about.last_status_change_at),
            "lastreplytime" => time(about.last_replied_at),
            "closetime" => time(about.closed_at),
            "receivedfrom" => about.received_from.clone().unwrap_or_default(),
            "totalreplies" => about.total_replies.to_string(),
            "tags" => self.tags.clone(),
            "lastmessage" => about.last_message.clone(),
            "portalurl" => format!("{}/portal/conversations/{}", self.base_url, about.id),
            "consoleurl" => format!("{}/console/conversations/{}", self.base_url, about.id),
            _ => self.custom.iter().find(|(name, _)| squeeze(name) == field)?.1.clone(),
        })
    }

    fn of_contact(&self, field: &str) -> Option<String> {
        let of = |value: fn(&Contact) -> String| Some(self.contact.as_ref().map(value).unwrap_or_default());
        match field {
            "id" => of(|contact| contact.id.to_string()),
            "name" => of(|contact| contact.name.clone()),
            "alias" => of(|contact| contact.alias.clone()),
            "email" => of(|contact| contact.email().unwrap_or_default().to_owned()),
            "company" => of(|contact| contact.company.clone()),
            "title" => of(|contact| contact.title.clone()),
            "phone" => of(|contact| contact.phone_number.clone()),
            "city" => of(|contact| contact.city.clone()),
            "country" => of(|contact| contact.country.clone()),
            _ => None,
        }
    }

    fn of_agent(&self, field: &str) -> Option<String> {
        let of = |value: fn(&Agent) -> String| Some(self.agent.as_ref().map(value).unwrap_or_default());
        match field {
            "id" => of(|agent| agent.id.to_string()),
            "name" => of(|agent| agent.display_name.clone()),
            "firstname" => of(|agent| agent.first_name.clone()),
            "lastname" => of(|agent| agent.last_name.clone()),
            "email" => of(|agent| agent.email.clone()),
            "title" => of(|agent| agent.title.clone()),
            _ => None,
        }
    }
}

/// The site's own fields with their values, empty where there is none.
fn custom(s: &Snapshot<'_>, about: &Conversation) -> Result<Vec<(String, String)>> {
    let value = |id| about.fields.iter().find(|value| value.field_id == id).map(|value| value.text.clone());
    Ok(field::own(s)?.into_iter().map(|own| (own.name, value(own.id).unwrap_or_default())).collect())
}

fn squeeze(name: &str) -> String {
    name.chars().filter(|character| !character.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn last_message(s: &Snapshot<'_>, conversation: ConversationId) -> Result<Option<Message>> {
    let id = s.one(
        "SELECT id FROM message WHERE conversation_id = ? AND type <> 'note' ORDER BY id DESC LIMIT 1",
        [conversation],
        |row| row.get(0),
    )?;
    id.map_or(Ok(None), |id| conversation::message::get(s, &Actor::System, id))
}

fn sender(s: &Snapshot<'_>, message: &Message) -> Result<String> {
    let id = message.sender_id.unwrap_or(0);
    Ok(match message.sender_type.as_str() {
        "agent" => agent::get_ever(s, crate::ids::AgentId(id))?.map(|agent| agent.display_name),
        "contact" => contact::get(s, crate::ids::ContactId(id))?.map(|contact| contact.name),
        _ => Some(site::get(s)?.name),
    }
    .unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_date_patterns_become_jiffs() {
        assert_eq!(strftime("MM/dd/yyyy HH:mm:ss"), "%m/%d/%Y %H:%M:%S");
        assert_eq!(strftime("yyyy-MM-dd HH:mm:ss"), "%Y-%m-%d %H:%M:%S");
    }
}
