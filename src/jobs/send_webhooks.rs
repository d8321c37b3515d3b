//! Sends what the queue to webhooks holds: signed, each within ten seconds, again by the contract's schedule when that
//! did not work (contract 10.3, 10.4).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::App;
use crate::desk::webhook::{self, Event};
use crate::desk::webhook_delivery::{self, Attempt, Verdict, WebhookDelivery};
use crate::desk::{Actor, Permission};
use crate::error::Result;
use crate::http::{Answer, sign};
use crate::ids::{WebhookDeliveryId, WebhookId};

/// Deliveries sent at the same time.
const AT_ONCE: i64 = 8;

pub async fn run(app: &App) -> Result<()> {
    while !app.stopping().is_cancelled() && app.read(|s| webhook_delivery::is_due(s, app.now()))? {
        let leased = app.write(|tx| webhook_delivery::lease(tx, AT_ONCE)).await?;
        join_all(leased.into_iter().map(|delivery| deliver(app, delivery))).await;
    }
    Ok(())
}

/// Sends a delivery that says nothing happened, now and once; gives how it went.
pub async fn try_now(app: &App, by: &Actor, id: WebhookId) -> Result<WebhookDelivery> {
    by.require(Permission::ManageIntegration)?;
    let actor = by.clone();
    let delivery = app.write(move |tx| webhook_delivery::begin_test(tx, &actor, id)).await?;
    let delivery_id = delivery.id;
    deliver(app, delivery).await;
    app.read(|s| webhook_delivery::require(s, by, id, delivery_id))
}

/// One attempt, written down.
async fn deliver(app: &App, delivery: WebhookDelivery) {
    let id = delivery.id;
    let result = tokio::select! {
        result = attempt(app, id) => result,
        // The lease is released at the next start.
        () = app.stopping().cancelled() => return,
    };
    let result = match result {
        Ok(Some((attempt, verdict))) => {
            let write = move |tx: &crate::db::Tx<'_>| {
                webhook_delivery::record(tx, id, &attempt)?;
                verdict.map_or(Ok(()), |verdict| webhook_delivery::heed(tx, id, verdict))
            };
            app.write(write).await
        }
        Ok(None) => Ok(()),
        Err(error) => {
            let text = super::describe(&error);
            let attempt = Attempt { error: Some(text), ..Attempt::default() };
            app.write(move |tx| webhook_delivery::record(tx, id, &attempt)).await
        }
    };
    if let Err(error) = result {
        tracing::error!(webhook_delivery.id = id.0, %error, "the outcome of a webhook could not be written down");
    }
}

/// Sends; `None` when there is nothing left to tell.
async fn attempt(app: &App, id: WebhookDeliveryId) -> Result<Option<(Attempt, Option<Verdict>)>> {
    let (base_url, render) = (app.base_url().to_owned(), app.render_payload());
    let complete = move |tx: &crate::db::Tx<'_>| webhook_delivery::complete(tx, id, &base_url, render);
    let Some(delivery) = app.write(complete).await? else { return Ok(None) };
    let webhook = app.read(|s| webhook::require(s, &Actor::System, delivery.webhook_id))?;
    let secret = app.read(|s| webhook::secret(s, app.vault(), webhook.id))?;
    let seconds = app.now().millis() / 1000;
    let mut headers =
        vec![("webhook-id", delivery.event_id.clone()), ("webhook-timestamp", seconds.to_string())];
    if let Some(secret) = secret {
        let signature = sign::signature(&secret, &delivery.event_id, seconds, &delivery.body);
        headers.push(("webhook-signature", signature));
    }
    let told: Value = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let answer = app.http().post(&webhook.target_url, &headers, delivery.body.clone()).await;
    let mut attempt = Attempt { request_headers: told.to_string(), ..Attempt::default() };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            tracing::info!(webhook_delivery.id = id.0, error, "a webhook was not delivered");
            attempt.error = Some(error);
            return Ok(Some((attempt, None)));
        }
    };
    attempt.response_status = Some(i64::from(answer.status));
    attempt.took_millis = i64::try_from(answer.took.as_millis()).ok();
    let (error, verdict) = judge(&delivery, &answer);
    attempt.error = error;
    attempt.response_body = answer.body;
    Ok(Some((attempt, verdict)))
}

/// Whether the answer is a success; of an upload it must say what is to become of the file.
fn judge(delivery: &WebhookDelivery, answer: &Answer) -> (Option<String>, Option<Verdict>) {
    if !answer.is_success() {
        return (Some(format!("the answer was {}", answer.status)), None);
    }
    if delivery.event != Event::FileUploaded || delivery.is_test {
        return (None, None);
    }
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let is_same = said["guid"].as_str().is_none_or(|guid| Some(guid) == delivery.attachment_guid.as_deref());
    match said["result"].as_str().and_then(Verdict::parse).filter(|_| is_same) {
        Some(verdict) => (None, Some(verdict)),
        None => (Some("the answer has no result passed, failed or delay for this guid".to_owned()), None),
    }
}
