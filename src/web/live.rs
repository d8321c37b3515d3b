//! Live pages: a stream of server-sent events, filtered by what the agent may see.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;

use crate::app::{App, LiveEvent};
use crate::desk::{Actor, Rights, availability, conversation, event};
use crate::error::Result;
use crate::ids::{AgentId, EventId};

const PING: Duration = Duration::from_secs(15);
/// A reconnecting page gets at most this many missed events; beyond, it is told to reload.
const REPLAY: i64 = 200;

/// The stream for one agent. It resumes after `Last-Event-ID`, and ends when the server stops or the agent's access
/// does.
pub fn stream(app: App, agent: AgentId, request: &HttpRequest) -> Result<HttpResponse> {
    let receiver = app.live().subscribe();
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let first = match last {
        Some(last) => missed(&app, agent, EventId(last))?,
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
                () = tokio::time::sleep(PING) => match rights(&app, agent) {
                    Some(_) => {
                        is_there(&app, agent).await;
                        ": ping\n\n".to_owned()
                    }
                    None => return None,
                },
                event = receiver.recv() => match event {
                    Ok(event) => match rights(&app, agent) {
                        Some(actor) if is_visible(&app, &actor, &event) => text(&event),
                        Some(_) => continue,
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

fn rights(app: &App, agent: AgentId) -> Option<Actor> {
    let rights = app.read(|s| Rights::of(s, agent)).ok().flatten()?;
    Some(Actor::Agent(std::sync::Arc::new(rights)))
}

fn is_visible(app: &App, by: &Actor, event: &LiveEvent) -> bool {
    app.read(|s| conversation::get(s, by, event.conversation_id)).is_ok_and(|found| found.is_some())
}

fn missed(app: &App, agent: AgentId, last: EventId) -> Result<String> {
    let Some(by) = rights(app, agent) else { return Ok(String::new()) };
    let events = app.read(|s| event::after(s, last, REPLAY + 1))?;
    if REPLAY < events.len() as i64 {
        return Ok("event: resync\ndata: {}\n\n".to_owned());
    }
    let events = events.into_iter().map(|event| LiveEvent {
        id: event.id,
        conversation_id: event.conversation_id,
        kind: event.kind,
    });
    Ok(events.filter(|event| is_visible(app, &by, event)).map(|event| text(&event)).collect())
}

fn text(event: &LiveEvent) -> String {
    format!(
        "id: {}\nevent: conversation\ndata: {{\"conversation\":{},\"kind\":\"{}\"}}\n\n",
        event.id, event.conversation_id, event.kind
    )
}
