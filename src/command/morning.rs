//! What happens in a demo on the morning it is started, by the product's own verbs: mail comes in and is decided about,
//! colleagues answer, begin answers and put things aside. So "Why?", the queue out, drafts and junk have something to
//! show. A demo that is made for measuring has none of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::demo_setting;
use crate::app::App;
use crate::db::{Snapshot, Tx};
use crate::demo::letter::{self, Stamp};
use crate::desk::conversation::draft::{self, DraftText};
use crate::desk::conversation::{self, Body, ConversationChange, MessageType, NewMessage, Source, snooze};
use crate::desk::field::NewValue;
use crate::desk::{
    Actor, Rights, agent, allocation, blob, contact, contact_password, email_account, event, inbound_mail,
    intake, notification, sign_in, trigger,
};
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::language::Language;
use crate::mail::incoming;

/// The contact with the address `visitor` has set the password that `password_hash` is of.
pub fn run(app: &App, visitor: &str, password_hash: &str) -> Result<()> {
    let vault = app.vault().clone();
    let (visitor, hash) = (visitor.to_owned(), password_hash.to_owned());
    app.db().write(move |tx| {
        // Whatever is written from here on is news to those who read the log.
        for consumer in [trigger::CONSUMER, allocation::CONSUMER, notification::CONSUMER] {
            event::cursor(tx, consumer)?;
        }
        let contact =
            contact::by_email(tx, &visitor)?.ok_or_else(|| Error::not_found("contact", &visitor))?;
        contact_password::set(tx, contact, &hash, &[], Language::En)?;
        demo_setting::set_up(tx, &actor(tx, "ann")?, &vault)?;
        receive(tx)?;
        work(tx)
    })
}

fn actor(tx: &Tx<'_>, name: &str) -> Result<Actor> {
    let email = format!("{name}@fernweh-bikes.example");
    let agent = agent::by_email(tx, &email)?.ok_or_else(|| Error::not_found("agent", &email))?;
    sign_in::record(tx, agent.id, "signed in to the console", IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17)))?;
    let rights = Rights::of(tx, agent.id)?.ok_or_else(|| Error::not_found("agent", &email))?;
    Ok(Actor::Agent(Arc::new(rights)))
}

fn receive(tx: &Tx<'_>) -> Result<()> {
    let account =
        email_account::default(tx)?.ok_or_else(|| Error::internal("the demo has no e-mail account"))?;
    for number in 0..letter::MORNING {
        let unique = format!("morning-{number}");
        let bytes = letter::morning(number, &Stamp { at: tx.now(), unique: &unique });
        let blob = blob::create(tx)?;
        blob::append(tx, blob, &bytes)?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let id = inbound_mail::store(tx, account.id, &unique, blob, &sha256, bytes.len() as i64)?;
        intake::receive(tx, id, &intake::prepare(incoming::parse(&bytes))?)?;
    }
    Ok(())
}

/// The newest conversation with a subject; none in a demo too small for it.
fn find(s: &Snapshot<'_>, subject: &str) -> Result<Option<ConversationId>> {
    s.one("SELECT max(id) FROM conversation WHERE subject = ? AND is_deleted = 0", [subject], |row| {
        row.get(0)
    })
    .map(Option::flatten)
}

fn work(tx: &Tx<'_>) -> Result<()> {
    let [ann, luis, camille, jonas, sofia, layla] =
        ["ann", "luis", "camille", "jonas", "sofia", "layla"].map(|name| actor(tx, name));
    let (ann, luis, camille) = (ann?, luis?, camille?);
    let (jonas, sofia, layla) = (jonas?, sofia?, layla?);
    for (subject, values) in FACTS {
        let Some(id) = find(tx, subject)? else { continue };
        let fields = values
            .iter()
            .map(|(field, value)| NewValue { field: (*field).to_owned(), value: (*value).to_owned() });
        let change = ConversationChange { fields: fields.collect(), ..ConversationChange::default() };
        conversation::update(tx, &ann, id, &change)?;
    }
    write(tx, &sofia, "Refund for the returned lights", REFUND, None)?;
    let tomorrow = tx.now().plus(Duration::from_secs(20 * 3600));
    write(tx, &layla, "Händlerkonditionen Frühjahr", CONDITIONS, Some(tomorrow))?;
    note(tx, &luis, "Do you sell gift cards?", GIFT_CARDS)?;
    begin(tx, &jonas, "Rear wheel out of true after 300 km", FRONT_WHEEL)?;
    begin(tx, &camille, "Colis bloqué en douane", CUSTOMS)?;
    for (by, subject, days) in [
        (&layla, "14 cargo bikes for our London riders", Some(3)),
        (&camille, "Pannier clip broke on day two of the tour", Some(1)),
        (&jonas, "Does the child trailer fit a thru axle?", None),
    ] {
        if let Some(id) = find(tx, subject)? {
            let until = days.map(|days| tx.now().plus(Duration::from_secs(days * 24 * 3600)));
            snooze::snooze(tx, by, id, until)?;
        }
    }
    Ok(())
}

/// A mail; with `send_at` it waits until then.
fn write(
    tx: &Tx<'_>,
    by: &Actor,
    subject: &str,
    text: &str,
    send_at: Option<crate::time::Timestamp>,
) -> Result<()> {
    let Some(id) = find(tx, subject)? else { return Ok(()) };
    let body = Body::new(None, Some(text))?;
    let new = NewMessage { send_at, ..NewMessage::new(MessageType::Email, Source::AgentConsole, body) };
    conversation::reply(tx, by, id, &new)?;
    Ok(())
}

fn note(tx: &Tx<'_>, by: &Actor, subject: &str, text: &str) -> Result<()> {
    let Some(id) = find(tx, subject)? else { return Ok(()) };
    let ann = agent::by_email(tx, "ann@fernweh-bikes.example")?.map(|agent| agent.id);
    let new = NewMessage {
        mentioned: ann.into_iter().collect(),
        ..NewMessage::new(MessageType::Note, Source::AgentConsole, Body::new(None, Some(text))?)
    };
    conversation::reply(tx, by, id, &new)?;
    Ok(())
}

fn begin(tx: &Tx<'_>, by: &Actor, subject: &str, text: &str) -> Result<()> {
    let Some(id) = find(tx, subject)? else { return Ok(()) };
    let body = Body::new(None, Some(text))?;
    draft::save(tx, by, id, &DraftText { body, ..DraftText::default() }, &[])?;
    Ok(())
}

/// Values of the site's own fields.
const FACTS: &[(&str, &[(&str, &str)])] = &[
    (
        "Rear wheel out of true after 300 km",
        &[("Product", "Kranich 3"), ("Order number", "FB-40217"), ("Bought on", "2026-04-18")],
    ),
    ("Parcel says delivered, nothing here", &[("Product", "Something else"), ("Order number", "FB-47120")]),
    (
        "E-bike display shows E-07 in the rain",
        &[("Product", "Wanderfalke E"), ("Bike is in the workshop", "true")],
    ),
    ("Bremsen quietschen nach der Inspektion", &[("Product", "Kranich 3"), ("Order number", "W-2209")]),
    ("Refund still not here after 12 days", &[("Product", "Something else"), ("Order number", "FB-45510")]),
    ("Which size Zugvogel for 171 cm?", &[("Product", "Zugvogel GT")]),
];

const REFUND: &str = "Dear Mr Tanaka,\n\nthe lights are back with us, thank you. I have released the refund of 89 EUR \
    this morning; it is on your card within three working days.\n\nKind regards\nSofia Almeida";
const CONDITIONS: &str = "Guten Morgen,\n\nwie besprochen die Bestätigung: Die Räder sind reserviert, die Rechnung kommt \
    mit der Lieferung, und die zwei Prozent Skonto gelten auch diesmal.\n\nViele Grüße\nLayla Haddad";
const GIFT_CARDS: &str = "Third question about gift cards this month. @Ann Becker, shall we put them into the shop before \
    the holidays?";
const FRONT_WHEEL: &str = "Hi Oliver,\n\nthank you for the receipt: the 38 £ go back to you today. And yes, have the front \
    wheel looked at as well. If it needs";
const CUSTOMS: &str = "Bonjour,\n\nj’ai appelé la douane de Genève ce matin. Il leur manque";
