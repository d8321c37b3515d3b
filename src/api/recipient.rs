//! `/anytime/conversations/{id}/recipients`, an extension: whom an answer goes to, each address with its reason.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::recipient::{self, Recipient};
use crate::error::Result;
use crate::ids::{ConversationId, MessageId};
use crate::web::{ApiError, Caller, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Recipient)]
pub struct RecipientJson {
    #[schema(example = "lena@customer.example")]
    address: String,
    /// Of the contact with this address; empty when there is none
    name: String,
    /// `to` or `cc`
    #[serde(rename = "type")]
    kind: &'static str,
    /// `wrote`, `wroteAsThirdParty`, `contact`, `wasTo` or `wasCc`
    reason: &'static str,
    /// Completes "This person …"
    #[schema(example = "wrote the message you answer")]
    reason_text: &'static str,
    /// Nobody here has written to the address or heard from it
    is_new: bool,
}

impl From<Recipient> for RecipientJson {
    fn from(recipient: Recipient) -> Self {
        Self {
            address: recipient.address,
            name: recipient.name,
            kind: if recipient.is_cc { "cc" } else { "to" },
            reason: recipient.reason.name(),
            reason_text: recipient.reason.sentence(),
            is_new: recipient.is_new,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = RecipientList)]
pub struct RecipientList {
    recipients: Vec<RecipientJson>,
}

/// List the recipients that an answer by mail would have
///
/// Our own addresses are never among them.
#[utoipa::path(
    tag = "Messages",
    params(
        ("id" = i64, Path),
        ("messageId" = Option<i64>, Query, description = "The message answered; default: the last one"),
        ("all" = Option<bool>, Query, description = "Everybody who had it, not only its writer"),
    ),
    responses((status = 200, body = RecipientList))
)]
#[get("/api/v3/anytime/conversations/{id}/recipients")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let message = query.integer("messageId")?.map(MessageId);
    let all = query.boolean("all")?.unwrap_or(false);
    let found = app.read(|s| recipient::suggest(s, &by.actor, id, message, all))?;
    Ok(Face::Anytime.wrap("recipients", found.into_iter().map(RecipientJson::from).collect::<Vec<_>>()))
}
