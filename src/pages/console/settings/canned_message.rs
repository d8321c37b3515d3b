//! `/console/settings/canned-messages`: texts to insert, sorted into categories. What is private is its creator's.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::Permission;
use crate::desk::canned_message::{
    self, CannedMessage, CannedMessageChange, CannedMessageQuery, ChannelType,
};
use crate::desk::canned_message_category::{self, CannedMessageCategory, CannedMessageCategoryChange};
use crate::desk::kept_answer;
use crate::error::Result;
use crate::ids::{CannedMessageCategoryId, CannedMessageId};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/console/settings/canned-messages";

#[derive(Template)]
#[template(path = "console/settings/canned_messages.html")]
struct List {
    layout: Layout,
    nav: Nav,
    categories: Vec<CannedMessageCategory>,
    messages: Vec<CannedMessage>,
    query: CannedMessageQuery,
    /// Of the form that adds or changes a category.
    form: Fields,
    mistakes: Mistakes,
    may_publish: bool,
}

impl List {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        query: CannedMessageQuery,
        form: Fields,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let by = &signed_in.actor;
        let (categories, messages) =
            app.read(|s| Ok((canned_message_category::list(s, by)?, canned_message::list(s, by, &query)?)))?;
        let may_publish = by.require(Permission::ManagePublicCannedMessages).is_ok();
        Ok(Self { layout, nav, categories, messages, query, form, mistakes, may_publish })
    }

    fn category(&self, id: &Option<CannedMessageCategoryId>) -> &str {
        let found = self.categories.iter().find(|category| Some(category.id) == *id);
        found.map_or("", |category| &category.name)
    }

    fn keywords(&self) -> &str {
        self.query.keywords.as_deref().unwrap_or_default()
    }
}

#[get("/console/settings/canned-messages")]
pub async fn list(app: App, signed_in: SignedIn, parameters: Query) -> Result<Page<List>, PageError> {
    let query = CannedMessageQuery {
        keywords: parameters.text("keywords")?.map(str::to_owned),
        category_id: parameters.integer("category")?.map(CannedMessageCategoryId),
    };
    Ok(Page(List::new(&app, &signed_in, query, Fields::default(), Mistakes::default())?))
}

#[derive(Template)]
#[template(path = "console/settings/canned_message.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    /// The message that is edited; `None` for a new one.
    message: Option<CannedMessage>,
    /// Values and names for the choice; the first is no category.
    categories: Vec<(String, String)>,
    form: Fields,
    mistakes: Mistakes,
    may_publish: bool,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<CannedMessageId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let by = &signed_in.actor;
        let (message, found) = app.read(|s| {
            let message = id.map(|id| canned_message::require(s, by, id)).transpose()?;
            Ok((message, canned_message_category::list(s, by)?))
        })?;
        let may_publish = by.require(Permission::ManagePublicCannedMessages).is_ok();
        let mut categories = vec![(String::new(), "None".to_owned())];
        categories.extend(found.into_iter().map(|category| (category.id.to_string(), category.name)));
        let form = form.unwrap_or_else(|| stored(message.as_ref(), may_publish));
        Ok(Self { layout, nav, message, categories, form, mistakes, may_publish })
    }
}

fn stored(message: Option<&CannedMessage>, may_publish: bool) -> Fields {
    let mut form = Fields::default();
    form.check("isPrivate", message.map_or(!may_publish, |message| message.is_private));
    if let Some(message) = message {
        form.add("name", &message.name);
        form.add("shortcuts", &message.shortcuts);
        form.add("categoryId", message.category_id.map(|id| id.to_string()).unwrap_or_default());
        form.add("message", &message.message);
        form.add("emailHtmlMessage", &message.email_html);
        form.add("emailTextMessage", &message.email_text);
    }
    form
}

fn change(fields: &Fields) -> Result<CannedMessageChange> {
    let email_html = canned_message::clean("emailHtmlMessage", fields.text("emailHtmlMessage"))?;
    let is_for_mail = !email_html.is_empty() || !fields.text("emailTextMessage").trim().is_empty();
    Ok(CannedMessageChange {
        name: fields.own("name"),
        message: fields.own("message"),
        shortcuts: fields.own("shortcuts"),
        category_id: Some(fields.text("categoryId").parse().ok().map(CannedMessageCategoryId)),
        is_private: Some(fields.is_checked("isPrivate")),
        channel_type: Some(if is_for_mail { ChannelType::Email } else { ChannelType::Default }),
        email_html: Some(email_html),
        email_text: fields.own("emailTextMessage"),
    })
}

#[get("/console/settings/canned-messages/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/canned-messages/{id}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<CannedMessageId>,
) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/canned-messages/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, form) = (sent.signed_in.actor.clone(), sent.form());
    let result = match change(&sent.fields) {
        Ok(new) => {
            let made = app.write(move |tx| {
                kept_answer::once(tx, &form, |tx| Ok(canned_message::create(tx, &by, &new)?.id.0))
            });
            made.await.map(|_| ())
        }
        Err(error) => Err(error),
    };
    answer(&app, sent, None, result)
}

#[post("/console/settings/canned-messages/{id}")]
pub async fn save(app: App, id: web::Path<CannedMessageId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    let result = match change(&sent.fields) {
        Ok(change) => app.write(move |tx| canned_message::update(tx, &by, id, &change)).await.map(|_| ()),
        Err(error) => Err(error),
    };
    answer(&app, sent, Some(id), result)
}

fn answer(
    app: &App,
    sent: Sent,
    id: Option<CannedMessageId>,
    result: Result<()>,
) -> Result<HttpResponse, PageError> {
    match result {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = Edit::new(app, &sent.signed_in, id, Some(sent.fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

#[post("/console/settings/canned-messages/{id}/delete")]
pub async fn delete(app: App, id: web::Path<CannedMessageId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| canned_message::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}

fn category(fields: &Fields) -> CannedMessageCategoryChange {
    CannedMessageCategoryChange {
        name: fields.own("name"),
        parent_id: Some(fields.text("parentId").parse().ok().map(CannedMessageCategoryId)),
        is_private: Some(fields.is_checked("isPrivate")),
    }
}

#[post("/console/settings/canned-message-categories")]
pub async fn create_category(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, form, new) = (sent.signed_in.actor.clone(), sent.form(), category(&sent.fields));
    let made = app.write(move |tx| {
        kept_answer::once(tx, &form, |tx| Ok(canned_message_category::create(tx, &by, &new)?.id.0))
    });
    let result = made.await;
    answer_category(&app, sent, result.map(|_| ()))
}

#[post("/console/settings/canned-message-categories/{id}")]
pub async fn rename_category(
    app: App,
    id: web::Path<CannedMessageCategoryId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    let change = CannedMessageCategoryChange {
        name: sent.fields.own("name"),
        ..CannedMessageCategoryChange::default()
    };
    let result = app.write(move |tx| canned_message_category::update(tx, &by, id, &change)).await;
    answer_category(&app, sent, result.map(|_| ()))
}

#[post("/console/settings/canned-message-categories/{id}/delete")]
pub async fn delete_category(
    app: App,
    id: web::Path<CannedMessageCategoryId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    app.write(move |tx| canned_message_category::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}

fn answer_category(app: &App, sent: Sent, result: Result<()>) -> Result<HttpResponse, PageError> {
    match result {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let (query, mistakes) = (CannedMessageQuery::default(), Mistakes::of(error)?);
            let page = List::new(app, &sent.signed_in, query, sent.fields, mistakes)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
