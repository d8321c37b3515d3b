//! `/console/settings/audit-log`: who changed what in the settings, and who signed in.

use std::time::Duration;

use actix_web::{HttpRequest, get};
use askama::Template;

use super::super::Layout;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::audit::{self, Action, AuditLog, AuditQuery};
use crate::desk::{Page as Items, Paging};
use crate::pages::when::Zone;
use crate::web::paging::Links;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/console/settings/audit-log";
/// How far back the page looks.
const WINDOW: Duration = Duration::from_secs(366 * 24 * 3600);

#[derive(Template)]
#[template(path = "console/settings/audit_log.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    action: Option<Action>,
    keywords: String,
    logs: Items<AuditLog>,
    paging: Paging,
    links: Links,
}

impl List {
    fn is_chosen(&self, action: &Action) -> bool {
        self.action == Some(*action)
    }
}

#[get("/console/settings/audit-log")]
pub async fn list(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    parameters: Query,
) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let keywords = parameters.text("q")?.map(str::to_owned);
    let action = parameters.value("type", "an action type", Action::parse)?;
    let query = AuditQuery {
        from: app.now().minus(WINDOW),
        to: app.now(),
        product: None,
        action,
        agent: None,
        keywords: keywords.clone(),
    };
    let (paging, by) = (parameters.paging()?, signed_in.actor.clone());
    let logs = app.scan(move |s| audit::list(s, &by, &query, paging)).await?;
    let links = Links::new(&request, &parameters, paging, logs.total);
    let zone = Zone::of_agent(&signed_in);
    Ok(Page(List { layout, nav, zone, action, keywords: keywords.unwrap_or_default(), logs, paging, links }))
}

/// What the action is about, for people.
fn words(action: &Action) -> &'static str {
    match action {
        Action::AutoAllocation => "Auto allocation",
        Action::BlockedSender => "Blocked senders",
        Action::Channel => "Channels",
        Action::Conversation => "Conversations",
        Action::Field => "Fields",
        Action::RoutingRule => "Routing",
        Action::SlaPolicy => "SLA policies",
        Action::Trigger => "Triggers",
        Action::WorkingTime => "Working time",
        Action::Profile => "Own profile",
        Action::Agent => "Agents",
        Action::Role => "Roles",
        Action::CannedMessage => "Canned messages",
        Action::Contact => "Contacts",
        Action::Department => "Departments",
        Action::Integration => "Integration",
        Action::Security => "Security and sign-ins",
        Action::Site => "Site",
    }
}
