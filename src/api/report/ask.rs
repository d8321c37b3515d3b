//! The parameters of reports, in every spelling of the documents (contract 23.1).

use jiff::tz::{Offset, TimeZone};
use utoipa::IntoParams;

use super::unit;
use crate::app::App;
use crate::desk::code::Channel;
use crate::desk::report::{Ask, Dimension, Scope, Unit};
use crate::desk::{agent, site};
use crate::error::{Error, Result};
use crate::time::Timestamp;
use crate::web::Caller;
use crate::web::query::Query;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read from the query")]
pub struct Params {
    /// Inclusive; default: 30 days ago, from the beginning of the unit
    #[param(value_type = Option<String>, format = DateTime)]
    #[param(rename = "startTime")]
    start_time: Option<String>,
    /// Exclusive; default: now. At most 400 days after the start
    #[param(value_type = Option<String>, format = DateTime)]
    #[param(rename = "endTime")]
    end_time: Option<String>,
    /// site (default), agent, department, account or channel
    #[param(rename = "filterType")]
    filter_type: Option<String>,
    /// The id, or the channel's name
    #[param(rename = "filterValue")]
    filter_value: Option<String>,
    /// day (default), week (from Monday) or month
    #[param(rename = "timeUnit")]
    time_unit: Option<String>,
    /// byTime (default), byAgent, byDepartment, byAccount, byChannel; of SLA slaPolicies (default)
    #[param(rename = "dimensionType")]
    dimension_type: Option<String>,
    /// Hours up to 14, else minutes, east of UTC; default: the agent's time zone, else the site's
    #[param(rename = "timezoneOffset")]
    timezone_offset: Option<f64>,
    /// Of exports: one of the agents' formats
    #[param(rename = "dateFormat")]
    date_format: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Volume,
    Channel,
    Efficiency,
    Sla,
    /// Any dimension there is.
    Any,
}

/// How an export writes times.
pub struct Style {
    pub zone: TimeZone,
    /// As `strftime` has it.
    pub format: String,
}

pub fn read(app: &App, by: &Caller, query: &Query, kind: Kind) -> Result<Ask> {
    let now = app.now();
    let zone = zone(app, by, query)?;
    let unit = query.value("timeUnit", "day, week or month", unit)?.unwrap_or_default();
    // What happens in this millisecond is counted, too.
    let to = query.time("endTime")?.unwrap_or_else(|| now.plus(std::time::Duration::from_millis(1)));
    let mut ask = Ask { from: to, to, unit, scope: scope(query)?, dimension: dimension(query, kind)?, zone };
    ask.from = match query.time("startTime")? {
        Some(from) => from,
        None => ask.floor(to.minus(std::time::Duration::from_secs(30 * 86_400))),
    };
    ask.check()?;
    app.read(|s| ask.scope.check(s))?;
    Ok(ask)
}

/// From midnight so many days ago, today included, to now.
pub fn today(app: &App, by: &Caller, query: &Query, days: i64) -> Result<Ask> {
    let now = app.now();
    let mut ask = Ask {
        from: now,
        to: now.plus(std::time::Duration::from_millis(1)),
        unit: Unit::Day,
        scope: scope(query)?,
        dimension: Dimension::Time,
        zone: zone(app, by, query)?,
    };
    let local = now.to_jiff().to_zoned(ask.zone.clone());
    let first = local.date().saturating_sub(jiff::ToSpan::days(days - 1));
    let midnight = first.to_zoned(ask.zone.clone()).map_err(Error::internal)?;
    app.read(|s| ask.scope.check(s))?;
    ask.from = Timestamp::from_millis(midnight.timestamp().as_millisecond());
    Ok(ask)
}

pub fn scope(query: &Query) -> Result<Scope> {
    // An older document calls it viewType.
    let name = if query.text("filterType")?.is_none() { "viewType" } else { "filterType" };
    let kind = query.value(name, "site, agent, department, account or channel", |text| {
        let word = text.to_ascii_lowercase();
        Some(match word.strip_prefix("by").unwrap_or(&word) {
            "site" => "site",
            "agent" => "agent",
            "department" => "department",
            "account" | "channelaccount" | "socialaccount" | "emailaccount" => "account",
            "channel" | "source" => "channel",
            _ => return None,
        })
    })?;
    let id = || -> Result<i64> {
        let id = query.value("filterValue", "an id", |text| text.parse().ok().filter(|id| 0 <= *id))?;
        id.ok_or_else(|| Error::invalid("filterValue", "is required with this filterType"))
    };
    Ok(match kind {
        None | Some("site") => Scope::Site,
        Some("agent") => Scope::Agent(id()?),
        Some("department") => Scope::Department(id()?),
        Some("account") => Scope::Account(id()?),
        Some(_) => {
            let channel = query.value("filterValue", "a channel's name or number", Channel::parse)?;
            let missing = || Error::invalid("filterValue", "is required with this filterType");
            Scope::Channel(channel.ok_or_else(missing)?)
        }
    })
}

fn dimension(query: &Query, kind: Kind) -> Result<Dimension> {
    let wanted = match kind {
        Kind::Sla => "slaPolicies, agent, department or time",
        _ => "byTime, byAgent, byDepartment, byAccount or byChannel",
    };
    let found = query.value("dimensionType", wanted, |text| {
        let word = text.to_ascii_lowercase();
        let dimension = match word.strip_prefix("by").unwrap_or(&word) {
            "time" => Dimension::Time,
            "agent" => Dimension::Agent,
            "department" => Dimension::Department,
            "account" | "channelaccount" | "socialaccount" | "emailaccount" => Dimension::Account,
            "channel" | "source" => Dimension::Channel,
            "slapolicies" | "slapolicy" => Dimension::SlaPolicy,
            _ => return None,
        };
        let is_of_sla = matches!(
            dimension,
            Dimension::SlaPolicy | Dimension::Agent | Dimension::Department | Dimension::Time
        );
        let fits = match kind {
            Kind::Sla => is_of_sla,
            Kind::Any => true,
            _ => dimension != Dimension::SlaPolicy,
        };
        fits.then_some(dimension)
    })?;
    Ok(found.unwrap_or(if kind == Kind::Sla { Dimension::SlaPolicy } else { Dimension::Time }))
}

/// The zone that is asked for, else the agent's, else the site's.
fn zone(app: &App, by: &Caller, query: &Query) -> Result<TimeZone> {
    let read = |text: &str| {
        let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
        let minutes = if value.abs() <= 14.0 { value * 60.0 } else { value };
        let seconds = (minutes * 60.0).round();
        let is_zone = seconds.abs() <= 14.0 * 3600.0 && seconds % 60.0 == 0.0;
        Offset::from_seconds(is_zone.then_some(seconds as i32)?).ok()
    };
    let wanted = "an offset from UTC: up to 14 hours, or minutes";
    for name in ["timezoneOffset", "timeOffset"] {
        if let Some(offset) = query.value(name, wanted, read)? {
            return Ok(offset.to_time_zone());
        }
    }
    let name = app.read(|s| {
        let own = agent::get(s, by.agent_id)?.and_then(|agent| agent.time_zone);
        own.map_or_else(|| Ok(site::get(s)?.time_zone), Ok)
    })?;
    TimeZone::get(&name).map_err(Error::internal)
}

pub fn style(app: &App, by: &Caller, query: &Query) -> Result<Style> {
    let formats = agent::date_time_formats();
    let wanted = ["one of ", &formats.join(", ")].concat();
    let known = |text: &str| formats.iter().find(|format| format.as_str() == text).cloned();
    let own = || app.read(|s| agent::get(s, by.agent_id)).map(|agent| agent.map(|it| it.date_time_format));
    let format = match query.value("dateFormat", &wanted, known)? {
        Some(format) => Some(format),
        None => own()?,
    };
    let format = format.unwrap_or_else(|| "yyyy-MM-dd HH:mm:ss".to_owned());
    Ok(Style {
        zone: zone(app, by, query)?,
        format: [("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")]
            .iter()
            .fold(format, |format, (from, to)| format.replace(from, to)),
    })
}
