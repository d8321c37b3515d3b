//! The queue to webhooks: one row for each event that a webhook is told of, with what was sent and what came back
//! (contract 10.3). Events of conversations arrive by the log, and the row is written in the transaction that moves
//! the cursor: exactly once. Sending is at least once; the event's id never changes, so that receivers know it again.

use std::time::Duration;

use serde_json::Value;

use super::attachment;
use super::event;
use super::webhook::{self, Event};
use super::{Actor, Page, Paging, file_check, secret};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, WebhookDeliveryId, WebhookId};
use crate::time::Timestamp;

pub const CONSUMER: &str = "webhook";

#[derive(Debug, Clone)]
pub struct WebhookDelivery {
    pub id: WebhookDeliveryId,
    pub webhook_id: WebhookId,
    pub event: Event,
    /// The same for every webhook and every attempt.
    pub event_id: String,
    pub event_at: Timestamp,
    /// What an upload or a stay is about, whose body is made when it is first sent.
    pub attachment_guid: Option<String>,
    pub conversation_id: Option<ConversationId>,
    /// The JSON sent; empty until it is made.
    pub body: String,
    pub state: State,
    pub attempts: i64,
    pub next_attempt_at: Timestamp,
    /// One attempt only, because somebody pressed a button.
    pub is_test: bool,
    /// The headers of the last attempt, as JSON.
    pub request_headers: String,
    pub response_status: Option<i64>,
    pub response_body: String,
    /// Why there was no answer, or why the answer was no success.
    pub error: Option<String>,
    pub took_millis: Option<i64>,
    pub last_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not sent yet, or to be tried again.
    Queued,
    Succeeded,
    /// Given up.
    Failed,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|state| state.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// What a delivery tells of; whoever knows the contract's spelling makes a body of it.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Something in the log.
    Logged { event: Event, logged: &'a event::Event },
    /// A file that was uploaded.
    Uploaded(&'a attachment::Attachment),
    /// A conversation that has stayed at its status.
    Stayed(ConversationId),
    /// Nothing happened; somebody tries the webhook.
    Test(Event),
}

/// The `payload` of a body.
pub type Render = fn(&Snapshot<'_>, &str, Subject<'_>) -> Result<Value>;

/// The newest first.
pub fn list(
    s: &Snapshot<'_>,
    by: &Actor,
    webhook: WebhookId,
    paging: Paging,
) -> Result<Page<WebhookDelivery>> {
    webhook::require(s, by, webhook)?;
    let total = s.number("SELECT count(*) FROM webhook_delivery WHERE webhook_id = ?", [webhook])?;
    let items = s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM webhook_delivery WHERE webhook_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
        ]
        .concat(),
        (webhook, paging.size, paging.offset()),
        from_row,
    )?;
    Ok(Page { items, total })
}

/// A delivery of that webhook, or `NotFound`.
pub fn require(
    s: &Snapshot<'_>,
    by: &Actor,
    webhook: WebhookId,
    id: WebhookDeliveryId,
) -> Result<WebhookDelivery> {
    webhook::require(s, by, webhook)?;
    get(s, id)?
        .filter(|delivery| delivery.webhook_id == webhook)
        .ok_or_else(|| Error::not_found("webhook delivery", id))
}

pub fn get(s: &Snapshot<'_>, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>> {
    s.one(&["SELECT ", COLUMNS, " FROM webhook_delivery WHERE id = ?"].concat(), [id], from_row)
}

/// Queues what the webhooks are to be told of an event of the log, if anything.
pub fn handle(tx: &Tx<'_>, logged: &event::Event, base_url: &str, render: Render) -> Result<()> {
    let Some(event) = told(logged) else { return Ok(()) };
    let webhooks = webhook::of_event(tx, event)?;
    if webhooks.is_empty() {
        return Ok(());
    }
    let payload = render(tx, base_url, Subject::Logged { event, logged })?;
    let new = New { event, at: logged.at, payload: Some(payload), ..New::of(event, tx.now()) };
    for webhook in webhooks {
        insert(tx, webhook, &new)?;
    }
    Ok(())
}

/// Which event of the contract an entry of the log is; rules' own answers are not an agent's.
fn told(logged: &event::Event) -> Option<Event> {
    match logged.kind.as_str() {
        "created" => Some(Event::Created),
        "received" => Some(Event::ReplyReceived),
        "replied" if logged.actor_type == "agent" => Some(Event::AgentReplied),
        "assigneeChanged" => Some(Event::AssigneeChanged),
        "statusChanged" => Some(Event::StatusChanged),
        "deleted" => Some(Event::Deleted),
        "slaBreached" => Some(Event::SlaBreached),
        _ => None,
    }
}

/// Queues the question whether an uploaded file is fine. Tells whether anybody is asked.
pub(super) fn ask_about_upload(tx: &Tx<'_>, guid: &str) -> Result<bool> {
    let webhooks = webhook::of_event(tx, Event::FileUploaded)?;
    let new = New { attachment_guid: Some(guid), ..New::of(Event::FileUploaded, tx.now()) };
    for webhook in &webhooks {
        insert(tx, *webhook, &new)?;
    }
    Ok(!webhooks.is_empty())
}

/// Tells that a conversation has stayed at its status as long as a trigger waits for.
pub fn tell_stay(tx: &Tx<'_>, conversation: ConversationId) -> Result<()> {
    let new = New { conversation_id: Some(conversation), ..New::of(Event::StatusStays, tx.now()) };
    for webhook in webhook::of_event(tx, Event::StatusStays)? {
        insert(tx, webhook, &new)?;
    }
    Ok(())
}

/// Queues a delivery that says nothing happened, leased to the caller, who sends it.
pub fn begin_test(tx: &Tx<'_>, by: &Actor, webhook: WebhookId) -> Result<WebhookDelivery> {
    let event = webhook::require(tx, by, webhook)?.event;
    let id = insert(tx, webhook, &New { is_test: true, ..New::of(event, tx.now()) })?;
    tx.run(
        "UPDATE webhook_delivery SET lease_until = ?, attempts = 1 WHERE id = ?",
        (tx.now().plus(LEASE), id),
    )?;
    get(tx, id)?.ok_or_else(|| Error::not_found("webhook delivery", id))
}

/// Sends a finished delivery again, by the whole schedule, with the same event id. `Conflict` while it is queued.
pub fn replay(tx: &Tx<'_>, by: &Actor, webhook: WebhookId, id: WebhookDeliveryId) -> Result<WebhookDelivery> {
    let delivery = require(tx, by, webhook, id)?;
    if delivery.state == State::Queued {
        return Err(Error::Conflict(format!("webhook delivery {id} is still queued")));
    }
    tx.run(
        "UPDATE webhook_delivery SET state = 'queued', attempts = 0, next_attempt_at = ?, lease_until = 0 WHERE id = ?",
        (tx.now(), id),
    )?;
    require(tx, by, webhook, id)
}

struct New<'a> {
    event: Event,
    at: Timestamp,
    payload: Option<Value>,
    attachment_guid: Option<&'a str>,
    conversation_id: Option<ConversationId>,
    is_test: bool,
    event_id: String,
}

impl New<'_> {
    fn of(event: Event, at: Timestamp) -> Self {
        // A failing source of randomness makes an id that the file's uniqueness refuses, and nothing is written.
        let event_id = secret::random_guid().map(|guid| ["evt_", &guid].concat()).unwrap_or_default();
        Self {
            event,
            at,
            payload: None,
            attachment_guid: None,
            conversation_id: None,
            is_test: false,
            event_id,
        }
    }
}

fn insert(tx: &Tx<'_>, webhook: WebhookId, new: &New<'_>) -> Result<WebhookDeliveryId> {
    let body = new.payload.as_ref().map(|payload| body(new.event, &new.event_id, new.at, payload));
    tx.insert(
        "INSERT INTO webhook_delivery (webhook_id, event, event_id, event_at, attachment_guid, conversation_id, body,
           state, next_attempt_at, is_test, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8, ?9, ?8)",
        rusqlite::params![
            webhook,
            new.event.name(),
            new.event_id,
            new.at,
            new.attachment_guid,
            new.conversation_id,
            body.unwrap_or_default(),
            tx.now(),
            new.is_test,
        ],
    )
    .map(WebhookDeliveryId)
}

/// Contract 10.3.
fn body(event: Event, event_id: &str, at: Timestamp, payload: &Value) -> String {
    serde_json::json!({
        "event": event.full_name(),
        "eventId": event_id,
        "eventTime": at,
        "payload": payload,
    })
    .to_string()
}

/// How long a worker keeps a delivery; sending takes ten seconds at most.
const LEASE: Duration = Duration::from_secs(60);

/// Takes up to `limit` due deliveries of enabled webhooks. A crash lets the lease run out.
pub fn lease(tx: &Tx<'_>, limit: i64) -> Result<Vec<WebhookDelivery>> {
    let ids: Vec<WebhookDeliveryId> = tx.all(
        "UPDATE webhook_delivery SET lease_until = ?1, attempts = attempts + 1
         WHERE id IN (SELECT d.id FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
                      WHERE d.state = 'queued' AND d.next_attempt_at <= ?2 AND d.lease_until <= ?2
                        AND w.is_enabled = 1 ORDER BY d.next_attempt_at LIMIT ?3)
         RETURNING id",
        (tx.now().plus(LEASE), tx.now(), limit),
        |row| row.get(0),
    )?;
    ids.into_iter().map(|id| get(tx, id)?.ok_or_else(|| Error::not_found("webhook delivery", id))).collect()
}

/// Whether a delivery is due: the cheap question before `lease`.
pub fn is_due(s: &Snapshot<'_>, now: Timestamp) -> Result<bool> {
    s.exists(
        "SELECT 1 FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
         WHERE d.state = 'queued' AND d.next_attempt_at <= ?1 AND d.lease_until <= ?1 AND w.is_enabled = 1 LIMIT 1",
        [now],
    )
}

/// At start no worker of this process has a lease, and there is no other process.
pub fn release_leases(tx: &Tx<'_>) -> Result<()> {
    tx.run("UPDATE webhook_delivery SET lease_until = 0 WHERE state = 'queued' AND lease_until <> 0", [])?;
    Ok(())
}

/// Makes the body of a delivery that has none yet, and keeps it: every attempt says the same. `None` when what it
/// would tell of is gone; then the delivery is given up.
pub fn complete(
    tx: &Tx<'_>,
    id: WebhookDeliveryId,
    base_url: &str,
    render: Render,
) -> Result<Option<WebhookDelivery>> {
    let Some(delivery) = get(tx, id)? else { return Ok(None) };
    if !delivery.body.is_empty() {
        return Ok(Some(delivery));
    }
    let payload = match (&delivery.attachment_guid, delivery.conversation_id) {
        (Some(guid), _) => match attachment::one(tx, guid)? {
            Some(file) => render(tx, base_url, Subject::Uploaded(&file)).map(Some),
            None => Ok(None),
        },
        (None, Some(conversation)) => match render(tx, base_url, Subject::Stayed(conversation)) {
            Err(Error::NotFound { .. }) => Ok(None),
            rendered => rendered.map(Some),
        },
        (None, None) => render(tx, base_url, Subject::Test(delivery.event)).map(Some),
    }?;
    let Some(payload) = payload else {
        tx.run(
            "UPDATE webhook_delivery SET state = 'failed', lease_until = 0, error = ? WHERE id = ?",
            ("what it was to tell of is gone", id),
        )?;
        return Ok(None);
    };
    let body = body(delivery.event, &delivery.event_id, delivery.event_at, &payload);
    tx.run("UPDATE webhook_delivery SET body = ? WHERE id = ?", (&body, id))?;
    Ok(Some(WebhookDelivery { body, ..delivery }))
}

/// Waits before attempts 2 to 8 (contract 10.3), in seconds.
const WAITS: [u64; 7] = [0, 60, 600, 3600, 86_400, 86_400, 86_400];

/// What one attempt sent and got.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    pub request_headers: String,
    pub response_status: Option<i64>,
    pub response_body: String,
    /// `None` for a success.
    pub error: Option<String>,
    pub took_millis: Option<i64>,
}

/// As much of an answer is kept, in characters.
const KEPT_CHARS: usize = 4000;

/// Writes down how an attempt went: done, due again, or given up after the eighth.
pub fn record(tx: &Tx<'_>, id: WebhookDeliveryId, attempt: &Attempt) -> Result<()> {
    let Some(delivery) = get(tx, id)? else { return Ok(()) };
    let wait = usize::try_from(delivery.attempts - 1).ok().and_then(|step| WAITS.get(step));
    let (state, next) = match (&attempt.error, wait) {
        (None, _) => (State::Succeeded, delivery.next_attempt_at),
        (Some(_), Some(seconds)) if !delivery.is_test => {
            (State::Queued, tx.now().plus(Duration::from_secs(*seconds)))
        }
        (Some(_), _) => (State::Failed, delivery.next_attempt_at),
    };
    tx.run(
        "UPDATE webhook_delivery SET state = ?, next_attempt_at = ?, lease_until = 0, request_headers = ?,
           response_status = ?, response_body = ?, error = ?, took_millis = ?, last_attempt_at = ? WHERE id = ?",
        rusqlite::params![
            state.name(),
            next,
            attempt.request_headers,
            attempt.response_status,
            attempt.response_body.chars().take(KEPT_CHARS).collect::<String>(),
            attempt.error,
            attempt.took_millis,
            tx.now(),
            id,
        ],
    )?;
    tx.run(
        "UPDATE webhook SET last_succeeded = ?, last_attempt_at = ? WHERE id = ?",
        (attempt.error.is_none(), tx.now(), delivery.webhook_id),
    )?;
    Ok(())
}

/// What a receiver says of an uploaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    /// It will say later.
    Delay,
}

impl Verdict {
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "passed" => Some(Self::Passed),
            "failed" => Some(Self::Failed),
            "delay" => Some(Self::Delay),
            _ => None,
        }
    }
}

/// Heeds what a receiver said of a file, in the transaction that writes its answer down. The file is available once
/// everybody who was asked let it pass; one no is enough to delete it.
pub fn heed(tx: &Tx<'_>, id: WebhookDeliveryId, verdict: Verdict) -> Result<()> {
    let Some(delivery) = get(tx, id)? else { return Ok(()) };
    let Some(guid) = &delivery.attachment_guid else { return Ok(()) };
    match verdict {
        Verdict::Delay => Ok(()),
        Verdict::Failed => file_check::fail(tx, guid),
        Verdict::Passed => {
            tx.run("UPDATE webhook_delivery SET has_passed = 1 WHERE id = ?", [id])?;
            let is_open = tx.exists(
                "SELECT 1 FROM webhook_delivery WHERE attachment_guid = ? AND has_passed = 0 LIMIT 1",
                [guid],
            )?;
            if is_open { Ok(()) } else { file_check::pass(tx, guid) }
        }
    }
}

/// How long finished deliveries are kept.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Removes what was finished long ago; at most a few hundred a call.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run(
        "DELETE FROM webhook_delivery WHERE id IN
           (SELECT id FROM webhook_delivery WHERE state <> 'queued' AND created_at < ? LIMIT 200)",
        [tx.now().minus(KEPT)],
    )
}

const COLUMNS: &str =
    "id, webhook_id, event, event_id, event_at, attachment_guid, conversation_id, body, state,
    attempts, next_attempt_at, is_test, request_headers, response_status, response_body, error, took_millis,
    last_attempt_at, created_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<WebhookDelivery> {
    let unknown = || rusqlite::Error::from(rusqlite::types::FromSqlError::InvalidType);
    Ok(WebhookDelivery {
        id: row.get(0)?,
        webhook_id: row.get(1)?,
        event: Event::parse(row.get_ref(2)?.as_str()?).ok_or_else(unknown)?,
        event_id: row.get(3)?,
        event_at: row.get(4)?,
        attachment_guid: row.get(5)?,
        conversation_id: row.get(6)?,
        body: row.get(7)?,
        state: State::parse(row.get_ref(8)?.as_str()?).ok_or_else(unknown)?,
        attempts: row.get(9)?,
        next_attempt_at: row.get(10)?,
        is_test: row.get(11)?,
        request_headers: row.get(12)?,
        response_status: row.get(13)?,
        response_body: row.get(14)?,
        error: row.get(15)?,
        took_millis: row.get(16)?,
        last_attempt_at: row.get(17)?,
        created_at: row.get(18)?,
    })
}
