//! How a demo's desk is set up, by the product's own verbs, so that the audit log tells of it: fields, prepared answers,
//! rules, triggers, filters, webhooks and who is kept out.

use crate::db::{Snapshot, Tx};
use crate::desk::blocked_sender::{self, Action};
use crate::desk::canned_message::{self, CannedMessageChange};
use crate::desk::canned_message_category::{self, CannedMessageCategoryChange};
use crate::desk::code::{Priority, Status, TriggerEvent};
use crate::desk::condition::{NewCondition, NewFormula};
use crate::desk::field::{self, FieldChange, NewOption};
use crate::desk::filter::{self, NewFilter};
use crate::desk::routing::{self, Kind, Object, RoutingChange, RoutingRuleChange, TargetChange};
use crate::desk::secret::Vault;
use crate::desk::trigger::Unit;
use crate::desk::trigger::change::{self as trigger, NewMail, SetValue, TriggerChange};
use crate::desk::webhook::{self, Event, WebhookChange};
use crate::desk::{Actor, department, tag};
use crate::error::{Error, Result};
use crate::ids::{CannedMessageCategoryId, DepartmentId};
use crate::rules::field::FieldType;

pub fn set_up(tx: &Tx<'_>, ann: &Actor, vault: &Vault) -> Result<()> {
    fields(tx, ann)?;
    prepared_answers(tx, ann)?;
    routes(tx, ann)?;
    triggers(tx, ann)?;
    filters(tx, ann)?;
    webhooks(tx, ann, vault)?;
    for (address, action) in [
        ("cheap-tyres.example", Action::Junk),
        ("anna@cheap-tyres.example", Action::Allow),
        ("rank-rocket.example", Action::Reject),
    ] {
        blocked_sender::put(tx, ann, address, action)?;
    }
    Ok(())
}

fn fields(tx: &Tx<'_>, ann: &Actor) -> Result<()> {
    let option = |name: &str| NewOption { name: name.to_owned(), ..NewOption::default() };
    let products =
        ["Kranich 3", "Kranich City", "Wanderfalke E", "Lastkranich E", "Zugvogel GT", "Spatz 20", OTHER];
    for new in [
        FieldChange {
            kind: Some(FieldType::DropdownList),
            name: Some("Product".to_owned()),
            is_required: Some(true),
            default_value: Some(OTHER.to_owned()),
            help_text: Some("What it is about".to_owned()),
            options: Some(products.map(option).to_vec()),
            ..FieldChange::default()
        },
        FieldChange {
            kind: Some(FieldType::Text),
            name: Some("Order number".to_owned()),
            help_text: Some("FB- and five digits, as on the delivery note".to_owned()),
            length: Some(20),
            ..FieldChange::default()
        },
        FieldChange {
            kind: Some(FieldType::Date),
            name: Some("Bought on".to_owned()),
            ..FieldChange::default()
        },
        FieldChange {
            kind: Some(FieldType::Checkbox),
            name: Some("Bike is in the workshop".to_owned()),
            ..FieldChange::default()
        },
    ] {
        field::create(tx, ann, &new)?;
    }
    Ok(())
}

const OTHER: &str = "Something else";

/// Category, name, shortcut and text.
const ANSWERS: &[(&str, &str, &str, &str)] = &[
    (
        "Every day",
        "Thanks, we look into it",
        "thx",
        "Hello {!Contact.Name},\n\nthank you for writing. I am looking into it and come back to you today.\n\n\
         {!Agent.Name}",
    ),
    (
        "Every day",
        "Please send a picture",
        "pic",
        "Hello {!Contact.Name},\n\na picture would help us most: one of the whole part, and one from close by. \
         Simply answer this mail and attach them.\n\n{!Agent.Name}",
    ),
    (
        "Every day",
        "Anything else?",
        "else",
        "Is there anything else I can do for you? If not, I close this request ({!Conversation.Id}). An answer \
         opens it again.",
    ),
    (
        "Delivery",
        "Where is my parcel",
        "track",
        "Your parcel left our warehouse yesterday. The carrier needs two to four working days within the EU, and up \
         to eight beyond. If it has not come by then, tell us, and we send a new one.",
    ),
    (
        "Delivery",
        "Address change before dispatch",
        "addr",
        "I have changed the address of your order. It leaves tomorrow morning; from then on only the carrier can \
         redirect it.",
    ),
    (
        "Returns and warranty",
        "Return label",
        "label",
        "The return label is attached. Put it on the box, cover the old one, and hand the parcel in at any shop of \
         the carrier. The money is back within five working days after it has arrived.",
    ),
    (
        "Returns and warranty",
        "Wheel out of true",
        "wheel",
        "Spokes settle during the first 300 km. Have the wheel trued at a shop near you and send us the receipt: we \
         pay up to 45 EUR. Please ride without luggage until then.",
    ),
    (
        "Returns and warranty",
        "Frame warranty",
        "frame",
        "Our steel frames have a warranty of ten years for the first owner, forks of five. Wear parts such as \
         chains, pads and tyres are not part of it.",
    ),
    (
        "Billing",
        "Invoice with VAT number",
        "vat",
        "The corrected invoice with your VAT number is attached; the old one is cancelled. Nothing else changes.",
    ),
];

fn prepared_answers(tx: &Tx<'_>, ann: &Actor) -> Result<()> {
    let mut last: Option<(&str, CannedMessageCategoryId)> = None;
    for (category, name, shortcut, text) in ANSWERS {
        let id = match last {
            Some((known, id)) if known == *category => id,
            _ => {
                let name = Some((*category).to_owned());
                let new = CannedMessageCategoryChange { name, ..CannedMessageCategoryChange::default() };
                canned_message_category::create(tx, ann, &new)?.id
            }
        };
        last = Some((category, id));
        canned_message::create(tx, ann, &answer(name, shortcut, text, Some(id)))?;
    }
    let own =
        answer("My holiday note", "away", "I am away until Monday; my colleagues read this mailbox.", None);
    canned_message::create(tx, ann, &CannedMessageChange { is_private: Some(true), ..own })?;
    Ok(())
}

fn answer(
    name: &str,
    shortcut: &str,
    text: &str,
    category: Option<CannedMessageCategoryId>,
) -> CannedMessageChange {
    CannedMessageChange {
        name: Some(name.to_owned()),
        message: Some(text.to_owned()),
        shortcuts: Some(shortcut.to_owned()),
        category_id: Some(category),
        ..CannedMessageChange::default()
    }
}

fn formula(when: &str, conditions: &[(&str, &str, &str)]) -> NewFormula {
    let condition = |(field, match_type, value): &(&str, &str, &str)| NewCondition {
        field: (*field).to_owned(),
        match_type: (*match_type).to_owned(),
        value: (*value).to_owned(),
        number: None,
    };
    NewFormula {
        when: Some(when.to_owned()),
        logic_expression: None,
        conditions: conditions.iter().map(condition).collect(),
    }
}

fn department_id(s: &Snapshot<'_>, name: &str) -> Result<DepartmentId> {
    let found = department::list(s)?.into_iter().find(|department| department.name == name);
    Ok(found.ok_or_else(|| Error::not_found("department", name))?.id)
}

fn to(s: &Snapshot<'_>, name: &str, priority: Priority) -> Result<TargetChange> {
    let id = Some(department_id(s, name)?.0);
    Ok(TargetChange { object: Some(Object::Department), id, priority: Some(priority) })
}

/// The first rule that matches decides; without one it is for Support.
fn routes(tx: &Tx<'_>, ann: &Actor) -> Result<()> {
    let says = "contains";
    for (name, department, priority, words) in [
        ("Danger: brakes, fork, frame", "Workshop", Priority::Urgent, &["brake", "fork", "frame"][..]),
        ("Dealers and fleets", "Sales", Priority::High, &["price list", "dealer", "fleet", "quote"]),
        ("Money", "Billing", Priority::Normal, &["invoice", "refund", "rechnung", "payment"]),
        ("Returns and warranty", "Returns", Priority::Normal, &["return", "warranty", "retour", "broken"]),
        ("E-bike systems", "Workshop", Priority::Normal, &["battery", "akku", "display", "motor"]),
    ] {
        let conditions: Vec<(&str, &str, &str)> = words.iter().map(|word| ("Subject", says, *word)).collect();
        let new = RoutingRuleChange {
            is_enabled: Some(true),
            name: Some(name.to_owned()),
            formula: Some(formula("any", &conditions)),
            target: to(tx, department, priority)?,
            position: None,
        };
        routing::rule::create(tx, ann, &new)?;
    }
    let support = to(tx, "Support", Priority::Normal)?;
    let change = RoutingChange {
        is_enabled: Some(true),
        kind: Some(Kind::Custom),
        simple: support,
        match_failed: support,
    };
    routing::update(tx, ann, 1, change)?;
    Ok(())
}

/// What a condition on tags asks for.
fn tag_id(s: &Snapshot<'_>, name: &str) -> Result<String> {
    let found = tag::names(s)?.into_iter().find(|(_, known)| known == name);
    Ok(found.ok_or_else(|| Error::not_found("tag", name))?.0.to_string())
}

fn triggers(tx: &Tx<'_>, ann: &Actor) -> Result<()> {
    let complaint = tag_id(tx, "complaint")?;
    let new = |name: &str, about: &str, event: TriggerEvent| TriggerChange {
        name: Some(name.to_owned()),
        description: Some(about.to_owned()),
        event: Some(event),
        is_enabled: Some(true),
        ..TriggerChange::default()
    };
    let mail = |subject: &str, text: &str| NewMail {
        place: "mail".to_owned(),
        subject: subject.to_owned(),
        text_body: text.to_owned(),
        ..NewMail::default()
    };
    let urgent = NewMail {
        agents: ann.agent_id().into_iter().collect(),
        ..mail(
            "Urgent: {!Conversation.Subject}",
            "{!Contact.Name} writes:\n\n{!Message.Text}\n\n{!Conversation.ConsoleUrl}",
        )
    };
    let waiting = NewMail {
        to_contact: true,
        ..mail(
            "Is there anything we can still do?",
            "Hello {!Contact.Name},\n\nwe have not heard from you about “{!Conversation.Subject}” for a week. If all \
             is well, nothing needs to be done. If not, simply answer this mail.\n\n{!Site.Name}",
        )
    };
    let keeper = |field: &str, value: &str| SetValue {
        place: "values[0]".to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
    };
    for change in [
        TriggerChange {
            formula: Some(formula("all", &[("Priority", "is", "urgent")])),
            mail: Some(Some(urgent)),
            ..new("Tell Ann of what is urgent", "By mail, at once", TriggerEvent::ConversationCreated)
        },
        TriggerChange {
            formula: Some(formula("any", &[("Tag", "is", &complaint)])),
            values: Some(vec![keeper("Priority", "high")]),
            ..new(
                "A complaint that goes on is high",
                "When the customer writes again",
                TriggerEvent::ConversationReplyIsReceived,
            )
        },
        TriggerChange {
            formula: Some(formula("all", &[])),
            status: Some(Some(Status::PendingExternal)),
            span: Some(Some(7)),
            unit: Some(Unit::Days),
            mail: Some(Some(waiting)),
            ..new(
                "Ask once after a week of silence",
                "While we wait for the customer",
                TriggerEvent::StaysAtStatusPeriod,
            )
        },
    ] {
        trigger::create(tx, ann, &change)?;
    }
    Ok(())
}

fn filters(tx: &Tx<'_>, ann: &Actor) -> Result<()> {
    for (name, is_private, tag) in [
        ("Dealers, open", false, "b2b"),
        ("E-bikes, open", false, "e-bike"),
        ("Complaints", true, "complaint"),
    ] {
        let tag = tag_id(tx, tag)?;
        let formula = formula("all", &[("Tag", "is", &tag), ("Status", "isNot", "closed")]);
        filter::create(tx, ann, &NewFilter { name: name.to_owned(), is_private, formula })?;
    }
    Ok(())
}

/// Switched off: a demo tells nobody anything.
fn webhooks(tx: &Tx<'_>, ann: &Actor, vault: &Vault) -> Result<()> {
    for (event, url) in [
        (Event::Created, "https://erp.fernweh-bikes.example/hooks/conversation"),
        (Event::SlaBreached, "https://chat.fernweh-bikes.example/hooks/support"),
    ] {
        let new = WebhookChange {
            event: Some(event),
            target_url: Some(url.to_owned()),
            is_enabled: Some(false),
            secret: None,
        };
        webhook::create(tx, ann, vault, &new)?;
    }
    Ok(())
}
