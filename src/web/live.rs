//! Live pages: a stream of server-sent events, filtered by what the agent may see.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::app::{App, LiveEvent};
use crate::db::Snapshot;
use crate::desk::{Actor, Rights, availability, conversation, event, notice, session};
use crate::error::Result;
use crate::ids::{AgentId, EventId};

const PING: Duration = Duration::from_secs(15);
/// A reconnecting page gets at most this many missed events; beyond, it is told to reload.
const REPLAY: i64 = 200;

/// The text of an event for an agent, made by `frames`; empty when it is nothing to them.
pub type Tell = fn(&Snapshot<'_>, &Actor, &LiveEvent) -> Result<String>;

/// Whose stream it is: an agent's, and of which session where it is a browser's.
#[derive(Clone, Copy)]
pub struct Listener {
    pub agent: AgentId,
    pub session: Option<[u8; 32]>,
}

/// The stream for one agent, in the words of `tell`. It resumes after `Last-Event-ID`, and ends when the server stops,
/// the agent's access does or the session: nothing is told after that.
pub fn stream(app: App, listener: Listener, request: &HttpRequest, tell: Tell) -> Result<HttpResponse> {
    let receiver = app.live().subscribe();
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let first = match last {
        Some(last) => missed(&app, listener, EventId(last), tell)?,
        None => "retry: 3000\n\n".to_owned(),
    };
    let state = (app, receiver, Some(first));
    let events = stream::unfold(state, move |(app, mut receiver, first)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(Bytes::from(first)), (app, receiver, None)));
        }
        loop {
            let stopping = app.stopping().clone();
            let text = tokio::select! {
                () = stopping.cancelled() => return None,
                () = tokio::time::sleep(PING) => match rights(&app, listener) {
                    Some(_) => {
                        is_there(&app, listener.agent).await;
                        ": ping\n\n".to_owned()
                    }
                    None => return None,
                },
                event = receiver.recv() => match event {
                    Ok(event) => match rights(&app, listener) {
                        Some(actor) => match app.read(|s| tell(s, &actor, &event)) {
                            Ok(text) if !text.is_empty() => text,
                            _ => continue,
                        },
                        None => return None,
                    },
                    Err(RecvError::Lagged(_)) => "event: resync\ndata: {}\n\n".to_owned(),
                    Err(RecvError::Closed) => return None,
                },
            };
            return Some((Ok(Bytes::from(text)), (app, receiver, None)));
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events))
}

/// An open page is a sign of life.
async fn is_there(app: &App, agent: AgentId) {
    let wanted = app.read(|s| availability::wants_heartbeat(s, agent, app.now())).unwrap_or(false);
    if wanted && let Err(error) = app.write(move |tx| availability::heartbeat(tx, agent)).await {
        tracing::warn!(%error, "a sign of life could not be written down");
    }
}

fn rights(app: &App, listener: Listener) -> Option<Actor> {
    let rights = app.read(|s| match listener.session {
        Some(session) if !session::goes_on(s, &session, app.now())? => Ok(None),
        _ => Rights::of(s, listener.agent),
    });
    let rights = rights.ok().flatten()?;
    Some(Actor::Agent(std::sync::Arc::new(rights)))
}

fn missed(app: &App, listener: Listener, last: EventId, tell: Tell) -> Result<String> {
    let Some(by) = rights(app, listener) else { return Ok(String::new()) };
    app.read(|s| {
        let events = event::after(s, last, REPLAY + 1)?;
        if REPLAY < events.len() as i64 {
            return Ok("event: resync\ndata: {}\n\n".to_owned());
        }
        let mut text = String::new();
        for event in events {
            let news = LiveEvent { id: event.id, conversation_id: event.conversation_id, kind: event.kind };
            text += &tell(s, &by, &news)?;
        }
        Ok(text)
    })
}

/// What one event of the desk is in a stream: each with its name. The last one has the id, so that a listener who was
/// cut off between them is told all of them again.
pub fn frames(id: EventId, frames: &[(&str, serde_json::Value)]) -> String {
    let mut text = String::new();
    for (position, (name, data)) in frames.iter().enumerate() {
        if position + 1 == frames.len() {
            text += &format!("id: {id}\n");
        }
        text += &format!("event: {name}\ndata: {data}\n\n");
    }
    text
}

/// For the console: every event of a conversation that the agent may see, and what of it they want to be told.
pub fn tell_console(s: &Snapshot<'_>, by: &Actor, event: &LiveEvent) -> Result<String> {
    if conversation::get(s, by, event.conversation_id)?.is_none() {
        return Ok(String::new());
    }
    let data = json!({ "conversation": event.conversation_id, "kind": event.kind });
    let mut told = vec![("conversation", data)];
    let logged = event::get(s, event.id)?;
    for news in logged.map(|logged| notice::news(s, by, &logged)).transpose()?.unwrap_or_default() {
        let data = json!({
            "conversation": event.conversation_id, "sentence": news.sentence, "subject": news.subject,
            "page": news.in_page, "browser": news.in_browser,
        });
        told.push(("notice", data));
    }
    Ok(frames(event.id, &told))
}
