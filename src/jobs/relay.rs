//! Carries events to their readers. Live pages are told in memory; consumers do their database work and move their
//! cursor in one transaction, so that each effect happens exactly once.

use std::sync::atomic::Ordering;

use crate::app::{App, LiveEvent};
use crate::db::Tx;
use crate::desk::event::{self, Event};
use crate::desk::{allocation, notice, notification, trigger, webhook_delivery};
use crate::error::Result;
use crate::ids::EventId;

/// A reader of the log with a cursor. It does no network work: what it causes is a row in a queue.
struct Consumer {
    name: &'static str,
    handle: fn(&Tx<'_>, &Event, &With) -> Result<()>,
}

/// What consumers need beside the log.
struct With {
    base_url: String,
    render_payload: webhook_delivery::Render,
}

const CONSUMERS: &[Consumer] = &[
    Consumer {
        name: notification::CONSUMER,
        handle: |tx, event, with| notification::handle(tx, event, &with.base_url),
    },
    Consumer { name: notice::waiting::CONSUMER, handle: |tx, event, _| notice::waiting::handle(tx, event) },
    Consumer {
        name: trigger::CONSUMER,
        handle: |tx, event, with| trigger::handle(tx, event, &with.base_url),
    },
    Consumer {
        name: allocation::CONSUMER,
        handle: |tx, event, with| allocation::handle(tx, event, &with.base_url),
    },
    Consumer {
        name: webhook_delivery::CONSUMER,
        handle: |tx, event, with| webhook_delivery::handle(tx, event, &with.base_url, with.render_payload),
    },
];

/// Events handled in one transaction.
const BATCH: i64 = 50;

/// Consumers that are new start at the end of the log; live pages hear of what happens from now on.
pub async fn begin(app: &App) -> Result<()> {
    let last = app
        .write(|tx| {
            for consumer in CONSUMERS {
                event::cursor(tx, consumer.name)?;
            }
            event::last_id(tx)
        })
        .await?;
    app.work().told.store(last.0, Ordering::SeqCst);
    Ok(())
}

pub async fn run(app: &App) -> Result<()> {
    tell_pages(app)?;
    for consumer in CONSUMERS {
        while consume(app, consumer).await? {}
    }
    Ok(())
}

fn tell_pages(app: &App) -> Result<()> {
    let last = EventId(app.work().told.load(Ordering::SeqCst));
    for event in app.read(|s| event::after(s, last, 500))? {
        app.work().told.store(event.id.0, Ordering::SeqCst);
        // Nobody may be listening.
        let _ = app.live().send(LiveEvent {
            id: event.id,
            conversation_id: event.conversation_id,
            kind: event.kind,
        });
    }
    Ok(())
}

/// Handles a batch; tells whether there may be more.
async fn consume(app: &App, consumer: &'static Consumer) -> Result<bool> {
    let is_behind = app.read(|s| {
        let at = s.number("SELECT event_id FROM cursor WHERE consumer = ?", [consumer.name])?;
        Ok(at < event::last_id(s)?.0)
    })?;
    if !is_behind {
        return Ok(false);
    }
    let with = With { base_url: app.base_url().to_owned(), render_payload: app.render_payload() };
    app.write(move |tx| {
        let events = event::after(tx, event::cursor(tx, consumer.name)?, BATCH)?;
        for event in &events {
            (consumer.handle)(tx, event, &with)?;
            event::advance(tx, consumer.name, event.id)?;
        }
        Ok(events.len() as i64 == BATCH)
    })
    .await
}
