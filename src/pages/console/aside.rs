//! Putting a conversation aside and bringing it back; taking a mail back before it leaves; putting a message into a
//! conversation of its own, or into another one.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};

use super::list::Context;
use super::settings::Sent;
use crate::app::App;
use crate::desk::conversation::{self, message, snooze, split};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, MessageId};
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::PageError;
use crate::web::page::see_other;

/// Until `until`: `hours`, `tomorrow`, `monday`, `reply`, or a time of the agent's clock in `at`.
#[post("/console/conversations/{id:\\d+}/snooze")]
pub async fn put_aside(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let until = until(&sent, app.now())?;
    app.write(move |tx| snooze::snooze(tx, &by, id, until)).await?;
    Ok(see_other(&Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context")).href(id)))
}

fn until(sent: &Sent, now: Timestamp) -> Result<Option<Timestamp>> {
    let zone = Zone::of_agent(&sent.signed_in);
    let wrong = |field: &str| Error::invalid(field, format!("'{}' is no time", sent.fields.text(field)));
    Ok(match sent.fields.text("until") {
        "reply" => None,
        "hours" => Some(now.plus(std::time::Duration::from_secs(3 * 3600))),
        "tomorrow" => Some(zone.morning(now, 1).ok_or_else(|| wrong("until"))?),
        "monday" => Some(zone.morning(now, zone.days_to_monday(now)).ok_or_else(|| wrong("until"))?),
        "at" => Some(zone.instant(sent.fields.text("at")).ok_or_else(|| wrong("at"))?),
        _ => return Err(wrong("until")),
    })
}

#[post("/console/conversations/{id:\\d+}/wake")]
pub async fn wake(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    app.write(move |tx| snooze::wake(tx, &by, id)).await?;
    Ok(see_other(&Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context")).href(id)))
}

/// The mail does not leave; its text is the draft again.
#[post("/console/messages/{id:\\d+}/take-back")]
pub async fn take_back(app: App, id: Path<MessageId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let conversation = app
        .write(move |tx| {
            let conversation = message::require(tx, &by, id)?.conversation_id;
            conversation::take_back::take_back(tx, &by, conversation, id)?;
            Ok(conversation)
        })
        .await?;
    Ok(see_other(
        &[
            &Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context")).href(conversation),
            "#composer",
        ]
        .concat(),
    ))
}

#[post("/console/messages/{id:\\d+}/split")]
pub async fn split_off(app: App, id: Path<MessageId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let made = app
        .write(move |tx| {
            let conversation = message::require(tx, &by, id)?.conversation_id;
            split::split(tx, &by, conversation, &[id], None)
        })
        .await?;
    Ok(see_other(&format!("/console/conversations/{}", made.id)))
}

#[post("/console/messages/{id:\\d+}/move")]
pub async fn move_to(app: App, id: Path<MessageId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let number = sent.fields.text("target").trim().trim_start_matches('#').to_owned();
    let target = number.parse().map(ConversationId);
    let target = target.map_err(|_| Error::not_found("conversation", &number))?;
    app.write(move |tx| {
        let conversation = message::require(tx, &by, id)?.conversation_id;
        split::move_message(tx, &by, conversation, id, target)
    })
    .await?;
    Ok(see_other(&format!("/console/conversations/{target}#message-{id}")))
}
