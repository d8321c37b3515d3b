//! `/reports` (contract 23): bare objects. `ask` reads what every report is asked with, `json` and `csv` write the
//! answers; `drill` lists the conversations behind a number.

mod ask;
mod csv;
mod json;

use actix_web::{HttpResponse, get};

use crate::app::App;
use crate::desk::report::counted::{self, Number};
use crate::desk::report::{Metric, Unit, channel, efficiency, now, sla, volume};
use crate::desk::{Permission, conversation};
use crate::error::Result as DeskResult;
use crate::web::error::ErrorBody;
use crate::web::query::Query;
use crate::web::{ApiError, Caller};

use ask::{Kind, Params};
use json::{
    AgentNowJson, AgentsNow, ChannelReport, Counted, CountedConversations, DepartmentNowJson, DepartmentsNow,
    EfficiencyReport, RightNow, SlaReport, Today, VolumeReport,
};

/// Open conversations as they are now
#[utoipa::path(
    tag = "Reports",
    params(
        ("filterType" = Option<String>, Query),
        ("filterValue" = Option<String>, Query),
    ),
    responses((status = 200, body = RightNow), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/reports/rightNow")]
pub async fn right_now(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    standing(app, by, query).await
}

/// Open conversations as they are now, by its other path
#[utoipa::path(
    tag = "Reports",
    params(
        ("filterType" = Option<String>, Query),
        ("filterValue" = Option<String>, Query),
    ),
    responses((status = 200, body = RightNow), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/reports/realtime/now")]
pub async fn realtime_now(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    standing(app, by, query).await
}

async fn standing(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let scope = ask::scope(&query)?;
    let standing = app
        .scan(move |s| {
            scope.check(s)?;
            now::standing(s, &by.actor, scope)
        })
        .await?;
    Ok(HttpResponse::Ok().json(RightNow::from(standing)))
}

/// What happened since midnight
#[utoipa::path(
    tag = "Reports",
    params(
        ("filterType" = Option<String>, Query),
        ("filterValue" = Option<String>, Query),
        ("timezoneOffset" = Option<f64>, Query),
    ),
    responses((status = 200, body = Today), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/reports/realtime/today")]
pub async fn today(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    since(app, by, &query, 1).await
}

/// What happened in the last days, today included
#[utoipa::path(
    tag = "Reports",
    params(
        ("days" = Option<i64>, Query, description = "1 (default) to 15"),
        ("filterType" = Option<String>, Query),
        ("filterValue" = Option<String>, Query),
        ("timezoneOffset" = Option<f64>, Query),
    ),
    responses((status = 200, body = Today), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/reports/realtime/bytime")]
pub async fn by_time(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let days = query.value("days", "a whole number from 1 to 15", |text| {
        text.parse().ok().filter(|days| (1..=15).contains(days))
    })?;
    since(app, by, &query, days.unwrap_or(1)).await
}

async fn since(app: App, by: Caller, query: &Query, days: i64) -> Result<HttpResponse, ApiError> {
    let ask = ask::today(&app, &by, query, days)?;
    let counts = app.scan(move |s| now::today(s, &by.actor, &ask)).await?;
    Ok(HttpResponse::Ok().json(Today::from(counts)))
}

/// Departments: what each has now and did today
#[utoipa::path(
    tag = "Reports",
    params(("timezoneOffset" = Option<f64>, Query)),
    responses((status = 200, body = DepartmentsNow), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/reports/realtime/departments")]
pub async fn departments(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let ask = ask::today(&app, &by, &query, 1)?;
    let rows = app.scan(move |s| now::rows(s, &by.actor, now::Of::Departments, &ask)).await?;
    let data_list = rows.into_iter().map(DepartmentNowJson::from).collect();
    Ok(HttpResponse::Ok().json(DepartmentsNow { data_list }))
}

/// Agents: what each has now and did today
#[utoipa::path(
    tag = "Reports",
    params(
        ("filterType" = Option<String>, Query, description = "department: only its members"),
        ("filterValue" = Option<String>, Query, description = "The department's id"),
        ("timezoneOffset" = Option<f64>, Query),
    ),
    responses((status = 200, body = AgentsNow), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/reports/realtime/agents")]
pub async fn agents(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let ask = ask::today(&app, &by, &query, 1)?;
    let rows = app.scan(move |s| now::rows(s, &by.actor, now::Of::Agents, &ask)).await?;
    let data_list = rows.into_iter().map(AgentNowJson::from).collect();
    Ok(HttpResponse::Ok().json(AgentsNow { data_list }))
}

/// The four reports over a period, each with its export, which differ only in names.
macro_rules! reports {
    ($(
        $(#[doc = $about:literal])+
        $handler:ident $path:literal $export:ident $export_path:literal $kind:ident $report:ident $json:ident $csv:ident
    ),+ $(,)?) => {$(
        $(#[doc = $about])+
        #[utoipa::path(
            tag = "Reports",
            params(Params),
            responses(
                (status = 200, body = $json), (status = 400, body = ErrorBody),
                (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
                (status = 503, body = ErrorBody),
            )
        )]
        #[get($path)]
        pub async fn $handler(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
            let ask = ask::read(&app, &by, &query, Kind::$kind)?;
            let report = app.scan(move |s| $report::report(s, &by.actor, &ask)).await?;
            Ok(HttpResponse::Ok().json($json::from(report)))
        }

        /// The same as CSV, with the totals in the last row
        #[utoipa::path(
            tag = "Reports",
            params(Params),
            responses(
                (status = 200, content_type = "text/csv", body = String), (status = 400, body = ErrorBody),
                (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
                (status = 503, body = ErrorBody),
            )
        )]
        #[get($export_path)]
        pub async fn $export(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
            let ask = ask::read(&app, &by, &query, Kind::$kind)?;
            let style = ask::style(&app, &by, &query)?;
            let (from, to) = (ask.from, ask.to);
            let report = app.scan(move |s| $report::report(s, &by.actor, &ask)).await?;
            Ok(csv::answer(stringify!($report), from, to, &csv::$csv(&report, &style), &style))
        }
    )+};
}

reports!(
    /// Volume: created, closed, answered, reopened and open conversations
    volume_report "/api/v3/anytime/reports/volume"
        volume_export "/api/v3/anytime/reports/volume/export" Volume volume VolumeReport volume,
    /// Channels: messages of each channel
    channel_report "/api/v3/anytime/reports/channel"
        channel_export "/api/v3/anytime/reports/channel/export" Channel channel ChannelReport channel,
    /// Efficiency: how long answers and conversations took
    efficiency_report "/api/v3/anytime/reports/efficiency"
        efficiency_export "/api/v3/anytime/reports/efficiency/export" Efficiency efficiency EfficiencyReport efficiency,
    /// Service levels: targets met and missed
    sla_report "/api/v3/anytime/reports/sla"
        sla_export "/api/v3/anytime/reports/sla/export" Sla sla SlaReport sla,
);

/// The conversations behind a number of a report
///
/// The parameters of the report, and which number: `metric`, and of which row `id`. An addition to the contract.
#[utoipa::path(
    tag = "Reports",
    params(
        Params,
        ("metric" = String, Query, description = "created, closed, replied, reopened, open, messages, breached; firstAnswered, answered, resolved; firstTarget, nextTarget, resolveTarget; or of right now: unassigned, openNow, new, pendingInternal, pendingExternal, onHold, urgent, high"),
        ("id" = Option<i64>, Query, description = "A row's id; without it the whole report"),
        ("pageIndex" = Option<i64>, Query, description = "From 1"),
        ("pageSize" = Option<i64>, Query, description = "1 to 50, default 50"),
    ),
    responses((status = 200, body = CountedConversations), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/reports/conversations")]
pub async fn conversations(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    by.actor.require(Permission::ViewReports)?;
    let metric = query.value("metric", "the name of a metric", Metric::parse)?;
    let metric = metric.ok_or_else(|| crate::error::Error::invalid("metric", "is required"))?;
    let ask = ask::read(&app, &by, &query, Kind::Any)?;
    let id = query.integer("id")?;
    let paging = query.paging()?;
    let answer = app
        .scan(move |s| {
            let number = Number { metric, row: id, channel: None };
            let found = counted::conversations(s, &by.actor, &ask, number)?;
            let page = found.iter().skip(paging.offset().max(0) as usize).take(paging.size as usize);
            // Numbers are site-wide; what is shown of a conversation follows who may see it.
            let page =
                page.map(|(id, times)| Ok(Counted::new(*id, *times, conversation::get(s, &by.actor, *id)?)));
            Ok(CountedConversations {
                number: found.iter().map(|(_, times)| times).sum(),
                total: found.len(),
                conversations: page.collect::<DeskResult<_>>()?,
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Which unit a word names.
fn unit(text: &str) -> Option<Unit> {
    match text.to_ascii_lowercase().as_str() {
        "day" | "daily" => Some(Unit::Day),
        "week" | "weekly" => Some(Unit::Week),
        "month" | "monthly" => Some(Unit::Month),
        _ => None,
    }
}
