//! `/console/settings/triggers`: what happens by itself, with a preview of the mail on a real conversation.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::{Layout, words};
use super::field::{Fields, Sent};
use super::rule_form::{self, Conditions};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::agent::{self, Agent};
use crate::desk::code::{Status, TriggerEvent};
use crate::desk::field;
use crate::desk::kept_answer;
use crate::desk::order::Place;
use crate::desk::rehearsal::Draft;
use crate::desk::trigger::{self, Filled, NewMail, SetValue, Trigger, TriggerChange, Unit, change};
use crate::error::Result;
use crate::ids::{AgentId, ConversationId, TriggerId};
use crate::pages::form::Mistakes;
use crate::rules::{Entry, Usage};
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/triggers";

#[derive(Template)]
#[template(path = "console/settings/triggers.html")]
struct List {
    layout: Layout,
    nav: Nav,
    /// Each with what it no longer reaches.
    triggers: Vec<(Vec<String>, Trigger)>,
}

/// What each event is called.
const EVENTS: [(TriggerEvent, &str); 6] = [
    (TriggerEvent::ConversationCreated, "A conversation is created"),
    (TriggerEvent::ConversationReplyIsReceived, "The contact writes again"),
    (TriggerEvent::AgentReplied, "An agent replies"),
    (TriggerEvent::AssigneeIsChanged, "The assignee changes"),
    (TriggerEvent::StatusIsChanged, "The status changes"),
    (TriggerEvent::StaysAtStatusPeriod, "It stays at a status"),
];

/// What a trigger does, in one line.
fn about(trigger: &Trigger) -> String {
    let event = EVENTS.iter().find(|(event, _)| *event == trigger.event).map_or("", |(_, name)| name);
    let status = trigger.status.map(|status| [" (", words::status(status), ")"].concat()).unwrap_or_default();
    let span = trigger.span.map(|span| format!(" for {span} {}", trigger.unit.name())).unwrap_or_default();
    let conditions = match trigger.formula.conditions.len() {
        0 => String::new(),
        1 => ", 1 condition".to_owned(),
        count => format!(", {count} conditions"),
    };
    let sets = match trigger.values.len() {
        0 => String::new(),
        1 => "; sets a field".to_owned(),
        count => format!("; sets {count} fields"),
    };
    let mails = if trigger.mail.is_some() { "; sends a mail" } else { "" };
    [event, &status, &span, &conditions, &sets, mails].concat()
}

#[get("/console/settings/triggers")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let triggers = app.read(|s| {
        let catalogue = field::catalogue(s)?;
        let found = trigger::list(s, &signed_in.actor)?.into_iter();
        found.map(|trigger| Ok((trigger.warnings(s, &catalogue)?, trigger))).collect::<Result<_>>()
    })?;
    Ok(Page(List { layout, nav, triggers }))
}

#[derive(Template)]
#[template(path = "console/settings/trigger.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    trigger: Option<Trigger>,
    warnings: Vec<String>,
    form: Fields,
    conditions: Conditions,
    /// The fields that may be set.
    settable: Vec<Entry>,
    agents: Vec<Agent>,
    preview: Option<Filled>,
    mistakes: Mistakes,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<TriggerId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        app.read(|s| {
            let trigger = id.map(|id| trigger::require(s, &signed_in.actor, id)).transpose()?;
            let form = form.unwrap_or_else(|| stored(trigger.as_ref()));
            let conditions = Conditions::new(s, &form, Usage::TriggerCondition)?;
            let catalogue = field::catalogue(s)?;
            let warnings = match &trigger {
                Some(trigger) => trigger.warnings(s, &catalogue)?,
                None => Vec::new(),
            };
            let settable =
                catalogue.entries().iter().filter(|it| it.allows(Usage::TriggerSet)).cloned().collect();
            let agents = agent::assignable(s)?;
            Ok(Self {
                layout,
                nav,
                trigger,
                warnings,
                form,
                conditions,
                settable,
                agents,
                preview: None,
                mistakes,
            })
        })
    }

    /// The lines that set fields: the filled ones and three more.
    fn sets(&self) -> Vec<(String, String)> {
        let lines = self.form.each("setField").zip(self.form.each("setValue"));
        let mut lines: Vec<(String, String)> = lines
            .filter(|(field, _)| !field.is_empty())
            .map(|(field, value)| (field.to_owned(), value.to_owned()))
            .collect();
        lines.extend((0..3).map(|_| Default::default()));
        lines
    }
}

fn stored(trigger: Option<&Trigger>) -> Fields {
    let mut form = Fields::default();
    let Some(trigger) = trigger else {
        form.check("ifEnable", true);
        form.add("triggerEvent", TriggerEvent::ConversationCreated.name());
        form.add("when", "all");
        form.add("stayTimeUnit", "hours");
        return form;
    };
    form.check("ifEnable", trigger.is_enabled);
    form.add("name", &trigger.name);
    form.add("description", &trigger.description);
    form.add("triggerEvent", trigger.event.name());
    form.add("stayStatus", trigger.status.map_or("", Status::name));
    form.add("stayTimeSpan", trigger.span.map(|span| span.to_string()).unwrap_or_default());
    form.add("stayTimeUnit", trigger.unit.name());
    form.check("isShown", trigger.is_shown);
    rule_form::stored(&mut form, &trigger.formula);
    for (field, value) in &trigger.values {
        form.add("setField", field);
        form.add("setValue", value);
    }
    if let Some(mail) = &trigger.mail {
        form.check("sendsMail", true);
        form.check("toContact", mail.to_contact);
        form.check("toAssignee", mail.to_assignee);
        for agent in &mail.agents {
            form.add("agents", agent);
        }
        form.add("subject", &mail.subject);
        form.add("htmlBody", &mail.html_body);
        for file in &mail.attachments {
            form.add("attachments", &file.guid);
        }
    }
    form
}

fn change(form: &Fields) -> TriggerChange {
    let sets = form.each("setField").zip(form.each("setValue")).filter(|(field, _)| !field.is_empty());
    let event = TriggerEvent::parse(form.text("triggerEvent"));
    // What the form does not show for the event that was chosen is not meant.
    let stays = event == Some(TriggerEvent::StaysAtStatusPeriod);
    let has_status = stays || event == Some(TriggerEvent::StatusIsChanged);
    TriggerChange {
        name: form.own("name"),
        description: form.own("description"),
        event,
        is_enabled: Some(form.is_checked("ifEnable")),
        position: None,
        formula: Some(rule_form::read(form)),
        status: Some(Status::parse(form.text("stayStatus")).filter(|_| has_status)),
        span: Some(form.text("stayTimeSpan").trim().parse().ok().filter(|_| stays)),
        unit: Unit::parse(form.text("stayTimeUnit")),
        is_shown: Some(form.is_checked("isShown")),
        values: Some(
            sets.map(|(field, value)| SetValue {
                place: "set".to_owned(),
                field: field.to_owned(),
                value: value.to_owned(),
            })
            .collect(),
        ),
        mail: Some(form.is_checked("sendsMail").then(|| mail(form))),
        mails_contact: None,
    }
}

fn mail(form: &Fields) -> NewMail {
    NewMail {
        place: "mail".to_owned(),
        to_contact: form.is_checked("toContact"),
        to_assignee: form.is_checked("toAssignee"),
        agents: form.ids("agents").map(AgentId).collect(),
        subject: form.text("subject").to_owned(),
        html_body: form.text("htmlBody").to_owned(),
        text_body: String::new(),
        attachments: form.each("attachments").map(str::to_owned).collect(),
    }
}

#[get("/console/settings/triggers/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/triggers/{id:\\d+}")]
pub async fn show(app: App, signed_in: SignedIn, id: web::Path<TriggerId>) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/triggers/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    store(&app, sent, None).await
}

#[post("/console/settings/triggers/{id:\\d+}")]
pub async fn save(app: App, id: web::Path<TriggerId>, sent: Sent) -> Result<HttpResponse, PageError> {
    store(&app, sent, Some(*id)).await
}

/// Saves; with the button "preview" shows the mail on the newest conversation; with "rehearse" tries the trigger on the
/// past.
async fn store(app: &App, sent: Sent, id: Option<TriggerId>) -> Result<HttpResponse, PageError> {
    let form = sent.form();
    let Sent { signed_in, fields } = sent;
    if fields.is_checked("preview") {
        return preview(app, &signed_in, id, fields);
    }
    let (by, change) = (signed_in.actor.clone(), change(&fields));
    let (rehearses, days) = (fields.is_checked("rehearse"), rule_form::rehearsed_days(&fields));
    let result = app
        .write(move |tx| {
            if rehearses {
                let draft = Draft::Triggers(vec![(id, change)]);
                return rule_form::rehearse(tx, &by, &form, &draft, days);
            }
            match id {
                Some(id) => change::update(tx, &by, id, &change)?.id.0,
                None => kept_answer::once(tx, &form, |tx| Ok(change::create(tx, &by, &change)?.id.0))?,
            };
            Ok(HERE.to_owned())
        })
        .await;
    match result {
        Ok(to) => Ok(see_other(&to)),
        Err(error) => {
            let page = Edit::new(app, &signed_in, id, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

fn preview(
    app: &App,
    signed_in: &SignedIn,
    id: Option<TriggerId>,
    fields: Fields,
) -> Result<HttpResponse, PageError> {
    let base_url = app.base_url().to_owned();
    let found = app.read(|s| {
        let mail = change::check_mail(s, &mail(&fields), false)?;
        let newest = s.number("SELECT max(id) FROM conversation WHERE is_deleted = 0", [])?;
        trigger::preview(s, &mail, ConversationId(newest), &base_url, app.now())
    });
    let (preview, mistakes) = match found {
        Ok(preview) => (preview, Mistakes::default()),
        Err(error) => (None, Mistakes::of(error)?),
    };
    let page = Edit { preview, ..Edit::new(app, signed_in, id, Some(fields), mistakes)? };
    Ok(Page(page).with_status(StatusCode::OK))
}

#[post("/console/settings/triggers/{id:\\d+}/up")]
pub async fn up(app: App, id: web::Path<TriggerId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| change::sort(tx, &sent.signed_in.actor, *id, Place::Up)).await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/triggers/{id:\\d+}/down")]
pub async fn down(app: App, id: web::Path<TriggerId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| change::sort(tx, &sent.signed_in.actor, *id, Place::Down)).await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/triggers/{id:\\d+}/enable")]
pub async fn enable(app: App, id: web::Path<TriggerId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| {
        let before = trigger::require(tx, &sent.signed_in.actor, *id)?;
        let switch = TriggerChange { is_enabled: Some(!before.is_enabled), ..TriggerChange::default() };
        change::update(tx, &sent.signed_in.actor, *id, &switch)
    })
    .await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/triggers/{id:\\d+}/delete")]
pub async fn delete(app: App, id: web::Path<TriggerId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| change::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
