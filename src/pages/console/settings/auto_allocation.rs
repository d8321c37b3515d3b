//! `/console/settings/auto-allocation`: which agent gets what nobody was assigned.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::allocation::{self, AutoAllocation, AutoAllocationChange, Rule};
use crate::desk::availability::AvailabilityChange;
use crate::desk::department::{self, Department};
use crate::error::{Error, Result};
use crate::ids::{AgentId, DepartmentId};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/auto-allocation";

#[derive(Template)]
#[template(path = "console/settings/auto_allocation.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    found: AutoAllocation,
    departments: Vec<Department>,
    form: Fields,
    mistakes: Mistakes,
}

impl Edit {
    fn new(app: &App, signed_in: &SignedIn, form: Option<Fields>, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (found, departments) =
            app.read(|s| Ok((allocation::get(s, &signed_in.actor, app.now())?, department::list(s)?)))?;
        let form = form.unwrap_or_else(|| stored(&found));
        Ok(Self { layout, nav, found, departments, form, mistakes })
    }
}

fn stored(found: &AutoAllocation) -> Fields {
    let mut form = Fields::default();
    form.check("isEnabled", found.is_enabled);
    form.add("defaultRule", found.rule.name());
    form.check("defaultPreferLastAssignee", found.prefers_last_assignee);
    form.check("setMaxNumberForEachAgent", found.has_common_limit);
    form.add("maxNumberForAllAgents", found.common_limit);
    form.check("excludePendingExternal", found.excludes_pending_external);
    form.check("excludeOnHold", found.excludes_on_hold);
    for rule in &found.departments {
        form.add(&format!("rule-{}", rule.department_id), rule.rule.name());
        form.check(&format!("prefer-{}", rule.department_id), rule.prefers_last_assignee);
    }
    for preference in &found.preferences {
        form.check(&format!("accepts-{}", preference.agent_id), preference.is_accepting);
        form.add(&format!("limit-{}", preference.agent_id), preference.max_conversations);
    }
    form
}

fn number(form: &Fields, name: &str) -> Result<Option<i64>> {
    let Some(text) = form.filled(name) else { return Ok(None) };
    let number =
        text.trim().parse().map_err(|_| Error::invalid(name, format!("'{text}' is not a whole number")))?;
    Ok(Some(number))
}

fn change(form: &Fields, departments: &[DepartmentId], agents: &[AgentId]) -> Result<AutoAllocationChange> {
    let rules = departments.iter().filter_map(|id| {
        let rule = Rule::parse(form.text(&format!("rule-{id}")))?;
        Some((*id, rule, form.is_checked(&format!("prefer-{id}"))))
    });
    let mut preferences = Vec::new();
    for id in agents {
        let change = AvailabilityChange {
            presence: None,
            is_accepting: Some(form.is_checked(&format!("accepts-{id}"))),
            max_conversations: number(form, &format!("limit-{id}"))?,
        };
        preferences.push((*id, change));
    }
    Ok(AutoAllocationChange {
        is_enabled: Some(form.is_checked("isEnabled")),
        rule: Rule::parse(form.text("defaultRule")),
        prefers_last_assignee: Some(form.is_checked("defaultPreferLastAssignee")),
        departments: Some(rules.collect()),
        has_common_limit: Some(form.is_checked("setMaxNumberForEachAgent")),
        common_limit: number(form, "maxNumberForAllAgents")?,
        excludes_pending_external: Some(form.is_checked("excludePendingExternal")),
        excludes_on_hold: Some(form.is_checked("excludeOnHold")),
        preferences,
    })
}

#[get("/console/settings/auto-allocation")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, Mistakes::default())?))
}

#[post("/console/settings/auto-allocation")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let known = Edit::new(&app, &signed_in, None, Mistakes::default())?;
    let departments: Vec<DepartmentId> = known.departments.iter().map(|department| department.id).collect();
    let agents: Vec<AgentId> = known.found.preferences.iter().map(|preference| preference.agent_id).collect();
    let by = signed_in.actor.clone();
    let result = match change(&fields, &departments, &agents) {
        Ok(change) => app.write(move |tx| allocation::update(tx, &by, &change)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => {
            let page = Edit::new(&app, &signed_in, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
