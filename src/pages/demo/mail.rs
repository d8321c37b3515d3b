//! `/demo/mail`: the mail catcher of a demo. What the desk sends goes nowhere and is read here; a customer's answer, or
//! what their mail server says, is written as bytes and goes the way of all mail: ledger, then intake.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use sha2::{Digest, Sha256};

use super::only_in_a_demo;
use crate::app::App;
use crate::demo::letter::{self, Answered, Stamp};
use crate::desk::inbound_mail::{self, InboundMail, Outcome};
use crate::desk::outgoing_mail::{self, OutgoingMail, State};
use crate::desk::{Actor, Page as Items, Paging, email_account, secret};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::{EmailAccountId, InboundMailId, OutgoingMailId};
use crate::jobs;
use crate::pages::console::Layout;
use crate::pages::console::settings::Sent;
use crate::pages::form::Mistakes;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::{mail_frame, see_other};
use crate::web::paging::Links;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/demo/mail";

#[derive(Template)]
#[template(path = "demo/mails.html")]
struct List {
    layout: Layout,
    zone: Zone,
    now: Timestamp,
    mails: Items<OutgoingMail>,
    paging: Paging,
    links: Links,
    /// What became of the mail that a button just brought.
    received: Option<InboundMail>,
}

#[get("/demo/mail")]
pub async fn list(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    query: Query,
) -> Result<Page<List>, PageError> {
    only_in_a_demo(&app, HERE)?;
    let paging = query.paging()?;
    let received = query.integer("received")?.map(InboundMailId);
    let (layout, mails, received) = app.read(|s| {
        let mails = outgoing_mail::list(s, &Actor::System, None, paging)?;
        let received = received.map(|id| inbound_mail::require(s, &Actor::System, id)).transpose()?;
        Ok((Layout::new(s, &signed_in, "demo")?, mails, received))
    })?;
    let links = Links::new(&request, &query, paging, mails.total);
    let (zone, now) = (Zone::of_agent(&signed_in), app.now());
    Ok(Page(List { layout, zone, now, mails, paging, links, received }))
}

#[derive(Template)]
#[template(path = "demo/mail.html")]
struct Show {
    layout: Layout,
    zone: Zone,
    mail: OutgoingMail,
    /// The text with links; everything else in it is escaped.
    clean_text: String,
    /// The header lines as they would go over the wire.
    head: String,
    text: String,
    mistakes: Mistakes,
}

impl Show {
    async fn new(app: &App, signed_in: &SignedIn, mail: OutgoingMail) -> Result<Self> {
        // A mail without a sender, because there is no account, has no bytes.
        let bytes = jobs::bytes_of_mail(app, &mail).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        let head = text.split_once("\n\n").map_or("", |(head, _)| head).to_owned();
        Ok(Self {
            layout: app.read(|s| Layout::new(s, signed_in, "demo"))?,
            zone: Zone::of_agent(signed_in),
            clean_text: html::from_text(&mail.text_body),
            head,
            mail,
            text: String::new(),
            mistakes: Mistakes::default(),
        })
    }
}

fn require(app: &App, id: OutgoingMailId) -> Result<OutgoingMail> {
    only_in_a_demo(app, HERE)?;
    app.read(|s| outgoing_mail::get(s, id))?.ok_or_else(|| Error::not_found("mail", id))
}

#[get("/demo/mail/{id:\\d+}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<OutgoingMailId>,
) -> Result<HttpResponse, PageError> {
    let mail = require(&app, *id)?;
    Ok(Page(Show::new(&app, &signed_in, mail).await?).with_status(StatusCode::OK))
}

/// The content of the sandboxed frame.
#[get("/demo/mail/{id:\\d+}/html")]
pub async fn body(
    app: App,
    _signed_in: SignedIn,
    id: web::Path<OutgoingMailId>,
) -> Result<HttpResponse, PageError> {
    let mail = require(&app, *id)?;
    Ok(mail_frame(mail.html_body, "data:"))
}

/// The whole mail, for a mail program.
#[get("/demo/mail/{id:\\d+}.eml")]
pub async fn file(
    app: App,
    _signed_in: SignedIn,
    id: web::Path<OutgoingMailId>,
) -> Result<HttpResponse, PageError> {
    let mail = require(&app, *id)?;
    let name = format!("attachment; filename=\"demo-{}.eml\"", mail.id);
    Ok(HttpResponse::Ok()
        .content_type("message/rfc822")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(jobs::bytes_of_mail(&app, &mail).await?))
}

/// The recipient answers.
#[post("/demo/mail/{id:\\d+}/answer")]
pub async fn answer(app: App, id: web::Path<OutgoingMailId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let mail = require(&app, *id)?;
    let text = sent.fields.text("text").replace("\r\n", "\n");
    if text.trim().is_empty() {
        let mistakes = Mistakes::of(Error::invalid("text", "is empty: write what the customer answers"))?;
        let page = Show { text, mistakes, ..Show::new(&app, &sent.signed_in, mail).await? };
        return Ok(Page(page).with_status(StatusCode::BAD_REQUEST));
    }
    let unique = secret::random_guid()?;
    let bytes = letter::answer(&answered(&mail, sent.fields.text("from")), &stamp(&app, &unique), &text);
    Ok(deliver(&app, mail.email_account_id, bytes).await?)
}

/// The recipient's mail program or server answers by itself.
#[post("/demo/mail/{id:\\d+}/react")]
pub async fn react(app: App, id: web::Path<OutgoingMailId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let mail = require(&app, *id)?;
    let unique = secret::random_guid()?;
    let to = answered(&mail, sent.fields.text("from"));
    let bytes = automatic(sent.fields.text("kind"), &to, &stamp(&app, &unique))?;
    Ok(deliver(&app, mail.email_account_id, bytes).await?)
}

/// A mail that answers nothing in particular: of a customer, of a spammer; or what comes back of the newest answer.
#[post("/demo/mail/receive")]
pub async fn receive(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    only_in_a_demo(&app, HERE)?;
    let unique = secret::random_guid()?;
    let stamp = stamp(&app, &unique);
    let (account, bytes) = match sent.fields.text("kind") {
        "customer" => (None, letter::customer(app.now().millis().unsigned_abs() as usize, &stamp)),
        "spam" => (None, letter::spam(&stamp)),
        kind @ ("outOfOffice" | "bounce") => {
            let newest = app.read(newest_answer)?.ok_or_else(|| {
                Error::Conflict("nobody has been written to yet; answer a conversation first".to_owned())
            })?;
            (newest.email_account_id, automatic(kind, &answered(&newest, ""), &stamp)?)
        }
        other => return Err(Error::invalid("kind", format!("has no value '{other}'")).into()),
    };
    Ok(deliver(&app, account, bytes).await?)
}

/// Mails looked through for one to a customer.
const NEWEST: i64 = 200;

fn newest_answer(s: &crate::db::Snapshot<'_>) -> Result<Option<OutgoingMail>> {
    let paging = Paging { index: 1, size: NEWEST };
    let sent = outgoing_mail::list(s, &Actor::System, Some(State::Sent), paging)?;
    Ok(sent.items.into_iter().find(|mail| !mail.is_automatic && !mail.recipients.is_empty()))
}

fn automatic(kind: &str, to: &Answered<'_>, stamp: &Stamp<'_>) -> Result<Vec<u8>> {
    match kind {
        "outOfOffice" => Ok(letter::out_of_office(to, stamp)),
        "bounce" => Ok(letter::bounce(to, stamp)),
        other => Err(Error::invalid("kind", format!("has no value '{other}'"))),
    }
}

fn stamp<'a>(app: &App, unique: &'a str) -> Stamp<'a> {
    Stamp { at: app.now(), unique }
}

/// `from` is one of the recipients; else the first.
fn answered<'a>(mail: &'a OutgoingMail, from: &str) -> Answered<'a> {
    let chosen = mail.recipients.iter().find(|recipient| recipient.address == from);
    let recipient = chosen.or(mail.recipients.iter().find(|recipient| !recipient.is_cc));
    let recipient = recipient.or(mail.recipients.first());
    Answered {
        recipient: recipient.map_or("", |recipient| &recipient.address),
        recipient_name: recipient.map_or("", |recipient| &recipient.name),
        sender: &mail.from_address,
        sender_name: &mail.from_name,
        subject: &mail.subject,
        message_id: &mail.internet_message_id,
        text: &mail.text_body,
        at: mail.dated(),
    }
}

/// Hands the bytes over as a mail server would, and leads to what became of them.
async fn deliver(app: &App, account: Option<EmailAccountId>, bytes: Vec<u8>) -> Result<HttpResponse> {
    let account = match account {
        Some(account) => account,
        None => {
            let found = app.read(email_account::default)?;
            found.ok_or_else(|| Error::Conflict("there is no e-mail account to receive it".to_owned()))?.id
        }
    };
    let (sha256, size): ([u8; 32], i64) = (Sha256::digest(&bytes).into(), bytes.len() as i64);
    let uidl = ["demo-", &secret::random_guid()?].concat();
    let blob = app.store_blob(bytes).await?;
    let id = app.write(move |tx| inbound_mail::store(tx, account, &uidl, blob, &sha256, size)).await?;
    jobs::process_waiting(app).await?;
    Ok(see_other(&format!("{HERE}?received={id}")))
}
