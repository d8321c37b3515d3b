//! Earlier texts of a conversation's shared draft: who wrote them and when, and taking one up again.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::Layout;
use super::list::Context;
use super::settings::Sent;
use crate::app::App;
use crate::desk::agent;
use crate::desk::conversation::draft::{self, Version};
use crate::desk::conversation::{self, Conversation};
use crate::error::Result;
use crate::ids::{AgentId, ConversationId};
use crate::pages::when::{When, Zone};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/drafts.html")]
struct Drafts {
    layout: Layout,
    conversation: Conversation,
    /// Where the conversation was opened from.
    context: String,
    back: String,
    /// With who saved it, and when.
    versions: Vec<(Version, String, When)>,
}

#[get("/console/conversations/{id:\\d+}/drafts")]
pub async fn list(
    app: App,
    signed_in: SignedIn,
    id: Path<ConversationId>,
    query: Query,
) -> Result<Page<Drafts>, PageError> {
    let zone = Zone::of_agent(&signed_in);
    Ok(Page(app.read(|s| {
        let by = &signed_in.actor;
        let conversation = conversation::require(s, by, *id)?;
        let context = Context::of_conversation(s, by, query);
        let versions = draft::versions(s, by, *id)?;
        let writers: Vec<AgentId> = versions.iter().map(|version| version.saved_by_id).collect();
        let names = agent::names(s, &writers)?;
        let told = versions.into_iter().map(|version| {
            let who = names.get(&version.saved_by_id).cloned().unwrap_or_else(|| "Somebody".to_owned());
            let at = zone.long(version.saved_at);
            (version, who, at)
        });
        Ok(Drafts {
            layout: Layout::new(s, &signed_in, context.which.mark())?,
            context: context.text(),
            back: context.href(*id),
            versions: told.collect(),
            conversation,
        })
    })?))
}

#[post("/console/conversations/{id:\\d+}/drafts/{version:\\d+}")]
pub async fn restore(
    app: App,
    path: Path<(ConversationId, i64)>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (id, version) = path.into_inner();
    let by = sent.signed_in.actor.clone();
    app.write(move |tx| draft::restore(tx, &by, id, version)).await?;
    let context = Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context"));
    Ok(see_other(&[&context.href(id), "#composer"].concat()))
}
