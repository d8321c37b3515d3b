//! `/console/reports`: right now, and four reports over a period as chart and table. Every number that counts
//! conversations leads to their list.

mod chart;
mod table;

use actix_web::{HttpResponse, get, web};
use askama::Template;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Layout, words};
use crate::app::App;
use crate::desk::code::{Channel, Status};
use crate::desk::conversation;
use crate::desk::report::counted::{self, Number};
use crate::desk::report::{
    self, Ask, Dimension, Metric, Scope, Slot, Unit, channel, efficiency, now, sla, volume,
};
use crate::desk::{agent, department, site};
use crate::error::{Error, Result};
use crate::time::Timestamp;
use crate::web::query::Query;
use crate::web::{Page, PageError, SignedIn, csv, filters};

use chart::Chart;
use table::Table;

/// The tabs.
const KINDS: [(&str, &str); 5] = [
    ("now", "Right now"),
    ("volume", "Volume"),
    ("channel", "Channels"),
    ("efficiency", "Efficiency"),
    ("sla", "Service levels"),
];

/// Where the conversations behind a number are listed.
const LIST: &str = "/console/reports/conversations";

#[derive(Template)]
#[template(path = "console/report.html")]
struct ReportPage {
    layout: Layout,
    kind: String,
    title: &'static str,
    kinds: [(&'static str, &'static str); 5],
    picker: Option<Picker>,
    tiles: Vec<Tile>,
    chart: Option<Chart>,
    tables: Vec<(&'static str, Table)>,
    /// The query of this page, for its export.
    query: String,
}

/// A number and where its conversations are.
struct Tile {
    name: &'static str,
    count: i64,
    href: String,
}

/// What the form of a report offers and has chosen.
struct Picker {
    from: Date,
    to: Date,
    units: Vec<Choice>,
    dimensions: Vec<Choice>,
    scopes: Vec<Choice>,
}

struct Choice {
    value: String,
    name: String,
    is_chosen: bool,
}

/// A report as it is asked for, with the words of the form.
struct Asked {
    ask: Ask,
    unit: String,
    dimension: String,
    scope: String,
}

#[get("/console/reports")]
pub async fn home(app: App, signed_in: SignedIn, query: Query) -> Result<Page<ReportPage>, PageError> {
    Ok(Page(page(&app, &signed_in, &query, "now").await?))
}

#[get("/console/reports/conversations")]
pub async fn conversations(app: App, signed_in: SignedIn, query: Query) -> Result<Page<ListPage>, PageError> {
    let layout = app.read(|s| Layout::new(s, &signed_in, "reports"))?;
    let metric = query.value("metric", "the name of a metric", Metric::parse)?.unwrap_or(Metric::OpenNow);
    let asked = asked(&app, &signed_in, &query, "")?;
    let channel = query.value("channel", "a channel", Channel::parse)?;
    let number = Number { metric, row: query.integer("id")?, channel };
    let paging = query.paging()?;
    let by = signed_in.actor.clone();
    let (count, total, items, hidden) = app
        .scan(move |s| {
            let found = counted::conversations(s, &by, &asked.ask, number)?;
            let mut items = Vec::new();
            let wanted = found.iter().skip(paging.offset().max(0) as usize).take(paging.size as usize);
            let mut hidden = 0;
            for (id, times) in wanted {
                match conversation::get(s, &by, *id)? {
                    Some(it) => items.push((it.id.0, it.subject, it.status, *times)),
                    None => hidden += 1,
                }
            }
            Ok((found.iter().map(|(_, times)| times).sum(), found.len() as i64, items, hidden))
        })
        .await?;
    let what = what(metric);
    let next = (paging.offset() + paging.size < total).then(|| query.with_page(paging.index + 1));
    let previous = (1 < paging.index).then(|| query.with_page(paging.index - 1));
    Ok(Page(ListPage { layout, what, count, total, items, hidden, previous, next }))
}

#[derive(Template)]
#[template(path = "console/report_list.html")]
struct ListPage {
    layout: Layout,
    what: &'static str,
    /// The number that was pressed, and how many conversations it is made of.
    count: i64,
    total: i64,
    /// Number, subject, status, how often it was counted.
    items: Vec<(i64, String, Status, i64)>,
    /// Counted, but not for this reader.
    hidden: i64,
    previous: Option<String>,
    next: Option<String>,
}

/// What a metric counts, in words.
fn what(metric: Metric) -> &'static str {
    match metric {
        Metric::Created => "Created",
        Metric::Closed => "Closed",
        Metric::Replied => "Answered",
        Metric::Reopened => "Reopened",
        Metric::Open => "Open at the end",
        Metric::Messages => "Messages",
        Metric::Breached => "With a target missed",
        Metric::FirstAnswered => "First answers",
        Metric::Answered => "Answers that were waited for",
        Metric::Resolved => "Closed, and still closed",
        Metric::FirstTarget => "Targets of a first answer",
        Metric::NextTarget => "Targets of a next answer",
        Metric::ResolveTarget => "Targets of closing",
        Metric::Unassigned => "Open without an assignee",
        Metric::OpenNow => "Open",
        Metric::New => "New",
        Metric::PendingInternal => "Pending internal",
        Metric::PendingExternal => "Pending external",
        Metric::OnHold => "On hold",
        Metric::Urgent => "Open and urgent",
        Metric::High => "Open, of high priority",
    }
}

#[get("/console/reports/{kind}/export")]
pub async fn export(
    app: App,
    signed_in: SignedIn,
    query: Query,
    kind: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let asked = asked(&app, &signed_in, &query, &kind)?;
    let date = |at: Timestamp| at.to_jiff().to_zoned(asked.ask.zone.clone()).date();
    let name = format!("{kind}-{}-{}.csv", date(asked.ask.from), date(asked.ask.to));
    let page = page(&app, &signed_in, &query, &kind).await?;
    let rows: Vec<Vec<String>> = page.tables.iter().flat_map(|(_, table)| table.lines()).collect();
    Ok(csv::answer(&name, &rows))
}

#[get("/console/reports/{kind}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    query: Query,
    kind: web::Path<String>,
) -> Result<Page<ReportPage>, PageError> {
    Ok(Page(page(&app, &signed_in, &query, &kind).await?))
}

async fn page(app: &App, signed_in: &SignedIn, query: &Query, kind: &str) -> Result<ReportPage> {
    let Some((_, title)) = KINDS.into_iter().find(|(slug, _)| *slug == kind) else {
        return Err(Error::not_found("report", kind.chars().take(40).collect::<String>()));
    };
    let layout = app.read(|s| Layout::new(s, signed_in, "reports"))?;
    let asked = asked(app, signed_in, query, kind)?;
    let by = signed_in.actor.clone();
    let mut page = ReportPage {
        layout,
        kind: kind.to_owned(),
        title,
        kinds: KINDS,
        picker: None,
        tiles: Vec::new(),
        chart: None,
        tables: Vec::new(),
        query: asked.query(),
    };
    let ask = asked.ask.clone();
    match kind {
        "now" => {
            let now = app.now();
            let date = date_of(&ask.zone, now);
            let today = Ask {
                from: midnight(&ask.zone, date)?,
                to: now.plus(std::time::Duration::from_millis(1)),
                unit: Unit::Day,
                scope: Scope::Site,
                dimension: Dimension::Time,
                zone: ask.zone.clone(),
            };
            let (standing, departments, agents) = app
                .scan(move |s| {
                    let standing = now::standing(s, &by, Scope::Site)?;
                    let departments = now::rows(s, &by, now::Of::Departments, &today)?;
                    Ok((standing, departments, now::rows(s, &by, now::Of::Agents, &today)?))
                })
                .await?;
            page.tiles = tiles(&standing);
            page.tables = vec![
                ("Departments", Table::now(&departments, "department", date)),
                ("Agents", Table::now(&agents, "agent", date)),
            ];
        }
        "volume" => {
            let report = app.scan(move |s| volume::report(s, &by, &ask)).await?;
            page.chart = Some(Chart::volume(&report));
            page.tables = vec![("", Table::volume(&report, &asked))];
        }
        "channel" => {
            let report = app.scan(move |s| channel::report(s, &by, &ask)).await?;
            page.chart = Some(Chart::channel(&report));
            page.tables = vec![("", Table::channel(&report, &asked))];
        }
        "efficiency" => {
            let report = app.scan(move |s| efficiency::report(s, &by, &ask)).await?;
            page.chart = Some(Chart::efficiency(&report));
            page.tables = vec![("", Table::efficiency(&report, &asked))];
        }
        _ => {
            let report = app.scan(move |s| sla::report(s, &by, &ask)).await?;
            page.chart = Some(Chart::sla(&report));
            page.tables = vec![("", Table::sla(&report, &asked))];
        }
    }
    if kind != "now" {
        page.picker = Some(picker(app, &asked, kind)?);
    }
    Ok(page)
}

fn tiles(it: &now::Standing) -> Vec<Tile> {
    [
        ("Open", it.open, "openNow"),
        ("Unassigned", it.unassigned, "unassigned"),
        ("New", it.new, "new"),
        ("Pending internal", it.pending_internal, "pendingInternal"),
        ("Pending external", it.pending_external, "pendingExternal"),
        ("On hold", it.on_hold, "onHold"),
        ("Urgent", it.urgent, "urgent"),
        ("High", it.high, "high"),
    ]
    .into_iter()
    .map(|(name, count, metric)| Tile { name, count, href: format!("{LIST}?metric={metric}") })
    .collect()
}

fn zone(app: &App, signed_in: &SignedIn) -> Result<TimeZone> {
    let own = signed_in.agent.time_zone.clone();
    let name = own.map_or_else(|| Ok(app.read(site::get)?.time_zone), Ok::<_, Error>)?;
    TimeZone::get(&name).map_err(Error::internal)
}

fn date_of(zone: &TimeZone, at: Timestamp) -> Date {
    at.to_jiff().to_zoned(zone.clone()).date()
}

fn midnight(zone: &TimeZone, date: Date) -> Result<Timestamp> {
    let zoned = date.to_zoned(zone.clone()).map_err(Error::internal)?;
    Ok(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

/// Days count whole: the period ends with the last one.
fn asked(app: &App, signed_in: &SignedIn, query: &Query, kind: &str) -> Result<Asked> {
    let zone = zone(app, signed_in)?;
    let today = date_of(&zone, app.now());
    let day = |name: &str| query.value(name, "a date", |text| text.parse::<Date>().ok());
    let to = day("to")?.unwrap_or(today);
    let from = day("from")?.unwrap_or_else(|| to.saturating_sub(29.days()));
    let unit = query.text("unit")?.unwrap_or("day").to_owned();
    let standard = if kind == "sla" { "policy" } else { "time" };
    let dimension = query.text("by")?.unwrap_or(standard).to_owned();
    let scope = query.text("of")?.unwrap_or("site").to_owned();
    let (of, id) = scope.split_once('-').unwrap_or((&scope, ""));
    let number = id.parse().unwrap_or(0);
    let ask = Ask {
        from: midnight(&zone, from)?,
        to: midnight(&zone, to.saturating_add(1.day()))?,
        unit: match unit.as_str() {
            "week" => Unit::Week,
            "month" => Unit::Month,
            _ => Unit::Day,
        },
        scope: match of {
            "agent" => Scope::Agent(number),
            "department" => Scope::Department(number),
            "channel" => Channel::parse(id).map_or(Scope::Site, Scope::Channel),
            _ => Scope::Site,
        },
        dimension: match dimension.as_str() {
            "agent" => Dimension::Agent,
            "department" => Dimension::Department,
            "channel" => Dimension::Channel,
            "policy" => Dimension::SlaPolicy,
            _ => Dimension::Time,
        },
        zone,
    };
    ask.check()?;
    Ok(Asked { ask, unit, dimension, scope })
}

impl Asked {
    /// The last day that belongs to the period.
    fn last_day(&self) -> Date {
        date_of(&self.ask.zone, self.ask.to).saturating_sub(1.day())
    }

    fn query(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.append_pair("from", &date_of(&self.ask.zone, self.ask.from).to_string());
        out.append_pair("to", &self.last_day().to_string());
        for (name, value) in [("unit", &self.unit), ("by", &self.dimension), ("of", &self.scope)] {
            out.append_pair(name, value);
        }
        out.finish()
    }

    /// The list behind a number of a row, or of the total.
    fn list(&self, metric: Metric, row: Option<&Slot>) -> String {
        let row = row.map(|slot| format!("&id={}", slot.id)).unwrap_or_default();
        format!("{LIST}?{}&metric={}{row}", self.query(), metric.name())
    }
}

fn picker(app: &App, asked: &Asked, kind: &str) -> Result<Picker> {
    let choice = |chosen: &str, value: &str, name: &str| Choice {
        value: value.to_owned(),
        name: name.to_owned(),
        is_chosen: chosen == value,
    };
    let mut scopes = vec![choice(&asked.scope, "site", "Everything")];
    let (departments, agents) = app.read(|s| Ok((department::list(s)?, agent::assignable(s)?)))?;
    for it in departments {
        scopes.push(choice(&asked.scope, &format!("department-{}", it.id), &it.name));
    }
    for it in agents {
        scopes.push(choice(&asked.scope, &format!("agent-{}", it.id), &it.display_name));
    }
    for it in Channel::ALL {
        scopes.push(choice(&asked.scope, &format!("channel-{}", it.name()), report::channel_name(*it)));
    }
    let mut dimensions = vec![("time", "Time"), ("agent", "Agent"), ("department", "Department")];
    dimensions.push(if kind == "sla" { ("policy", "Policy") } else { ("channel", "Channel") });
    Ok(Picker {
        from: date_of(&asked.ask.zone, asked.ask.from),
        to: asked.last_day(),
        units: [("day", "Day"), ("week", "Week"), ("month", "Month")]
            .map(|(value, name)| choice(&asked.unit, value, name))
            .into(),
        dimensions: dimensions.iter().map(|(value, name)| choice(&asked.dimension, value, name)).collect(),
        scopes,
    })
}
