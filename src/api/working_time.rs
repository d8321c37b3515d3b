//! `/workingTimeAndHolidays`, and its two parts `/workingTime` and `/holidays` (contract 17): when business hours are.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::holiday::{self, Holiday, HolidayChange, NewHoliday};
use crate::desk::site;
use crate::desk::working_time::{self, Day, DayChange, Hours, WEEKDAYS};
use crate::error::{Error, Result as DeskResult, shown};
use crate::ids::HolidayId;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

/// Part of a day, in the site's time zone. An end hour past 24 is of the next day: 22:00 to 30:00 is a night shift
/// until 6 in the morning.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingInterval)]
pub struct IntervalJson {
    #[schema(example = 9)]
    start_hour: i64,
    #[schema(example = 0)]
    start_min: i64,
    #[schema(example = 12)]
    end_hour: i64,
    #[schema(example = 30)]
    end_min: i64,
}

impl From<Hours> for IntervalJson {
    fn from(hours: Hours) -> Self {
        let Hours { start_hour, start_min, end_hour, end_min } = hours;
        Self { start_hour, start_min, end_hour, end_min }
    }
}

impl From<IntervalJson> for Hours {
    fn from(json: IntervalJson) -> Self {
        let IntervalJson { start_hour, start_min, end_hour, end_min } = json;
        Self { start_hour, start_min, end_hour, end_min }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingTime)]
pub struct WorkingTimeJson {
    #[schema(example = "monday")]
    day_of_week: &'static str,
    /// A day that is none keeps its hours, without effect
    is_business_day: bool,
    #[schema(example = 9)]
    start_hour: i64,
    start_min: i64,
    /// 24 with endMin 0 is midnight
    #[schema(example = 18)]
    end_hour: i64,
    end_min: i64,
    /// Every interval of the day, where there are breaks or shifts over midnight; start and end above then span the
    /// day's first opening to its last closing
    intervals: Vec<IntervalJson>,
}

impl From<Day> for WorkingTimeJson {
    fn from(day: Day) -> Self {
        let span = day.span();
        Self {
            day_of_week: day.name(),
            is_business_day: day.is_business_day,
            start_hour: span.start_hour,
            start_min: span.start_min,
            end_hour: span.end_hour,
            end_min: span.end_min,
            intervals: day.intervals.into_iter().map(|shift| Hours::of(shift).into()).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Holiday)]
pub struct HolidayJson {
    id: i64,
    #[schema(example = "New Year's Day")]
    title: String,
    /// The whole day is off, in the site's time zone
    #[schema(example = "2027-01-01", format = Date)]
    date: String,
    is_yearly: bool,
}

impl From<Holiday> for HolidayJson {
    fn from(holiday: Holiday) -> Self {
        Self {
            id: holiday.id.0,
            title: holiday.title,
            date: holiday.date.to_string(),
            is_yearly: holiday.is_yearly,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingTimeAndHolidays)]
pub struct BothJson {
    /// The site's
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    working_times: Vec<WorkingTimeJson>,
    holidays: Vec<HolidayJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingTimeAndHolidaysEnvelope)]
pub struct BothEnvelope {
    working_time_and_holidays: BothJson,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingTimesEnvelope)]
pub struct WorkingTimesEnvelope {
    working_times: Vec<WorkingTimeJson>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = HolidaysEnvelope)]
pub struct HolidaysEnvelope {
    holidays: Vec<HolidayJson>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = HolidayEnvelope)]
pub struct HolidayEnvelope {
    holiday: HolidayJson,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingTimeInput)]
pub struct WorkingTimeInput {
    /// `sunday` to `saturday`, or 0 to 6 with 0 for Sunday
    #[schema(example = "monday")]
    day_of_week: String,
    is_business_day: Option<bool>,
    start_hour: Option<i64>,
    start_min: Option<i64>,
    end_hour: Option<i64>,
    end_min: Option<i64>,
    /// Instead of start and end: 1 to 12 intervals that do not overlap
    intervals: Option<Vec<IntervalJson>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingTimesInput)]
pub struct WorkingTimesInput {
    /// Days that are left out stay as they are
    working_times: Vec<WorkingTimeInput>,
}

impl Input for WorkingTimesInput {}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkingTimeAndHolidaysInput)]
pub struct BothInput {
    working_times: Option<Vec<WorkingTimeInput>>,
    /// Replaces all holidays
    holidays: Option<Vec<HolidayInput>>,
}

impl Input for BothInput {
    const READ_ONLY: &'static [&'static str] = &["timeZone"];
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HolidayInput)]
pub struct HolidayInput {
    /// Repeated from an answer, without effect
    #[expect(dead_code, reason = "accepted, so that an answer can be sent back")]
    id: Option<i64>,
    /// Required for a new one
    #[schema(example = "New Year's Day")]
    title: Option<String>,
    /// Required for a new one. A date, or a time whose date in the site's zone is meant
    #[schema(example = "2027-01-01")]
    date: Option<String>,
    /// Every year on that day; default false
    is_yearly: Option<bool>,
}

impl Input for HolidayInput {}

impl HolidayInput {
    fn change(self, zone: &jiff::tz::TimeZone, prefix: &str) -> DeskResult<HolidayChange> {
        let date =
            self.date.as_deref().map(|text| date(text, zone, &[prefix, "date"].concat())).transpose()?;
        Ok(HolidayChange { title: self.title, date, is_yearly: self.is_yearly })
    }

    fn new_holiday(self, zone: &jiff::tz::TimeZone, prefix: &str) -> DeskResult<NewHoliday> {
        let change = self.change(zone, prefix)?;
        let missing = |name: &str| Error::invalid([prefix, name].concat(), "is required");
        Ok(NewHoliday {
            title: change.title.ok_or_else(|| missing("title"))?,
            date: change.date.ok_or_else(|| missing("date"))?,
            is_yearly: change.is_yearly.unwrap_or(false),
        })
    }
}

/// A time with an offset is a day in the site's zone; one without is the day it names.
fn date(text: &str, zone: &jiff::tz::TimeZone, field: &str) -> DeskResult<jiff::civil::Date> {
    let text = text.trim();
    let instant = text.parse::<jiff::Timestamp>().ok().map(|at| at.to_zoned(zone.clone()).date());
    instant
        .or_else(|| text.parse().ok())
        .filter(|date: &jiff::civil::Date| (1970..2100).contains(&date.year()))
        .ok_or_else(|| {
            let shown = shown(text);
            Error::invalid(field, format!("must be a date such as 2027-01-01, not '{shown}'"))
        })
}

/// All holidays of a draft, read in the site's zone.
pub(super) fn new_holidays(
    s: &crate::db::Snapshot<'_>,
    given: Option<Vec<HolidayInput>>,
) -> DeskResult<Option<Vec<NewHoliday>>> {
    let Some(given) = given else { return Ok(None) };
    let zone = jiff::tz::TimeZone::get(&crate::desk::site::get(s)?.time_zone).map_err(Error::internal)?;
    let given = given.into_iter().enumerate();
    given
        .map(|(at, new)| new.new_holiday(&zone, &format!("holidays[{at}].")))
        .collect::<DeskResult<_>>()
        .map(Some)
}

pub(super) fn changes(days: Vec<WorkingTimeInput>) -> DeskResult<Vec<DayChange>> {
    let changes = days.into_iter().enumerate().map(|(position, day)| {
        let text = day.day_of_week.trim();
        let number = text.parse().ok().filter(|number| (0..7).contains(number));
        let weekday = number.or_else(|| WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(text)));
        let weekday = weekday.ok_or_else(|| {
            let shown = shown(text);
            let field = format!("workingTimes[{position}].dayOfWeek");
            Error::invalid(field, format!("must be sunday to saturday, or 0 to 6, not '{shown}'"))
        })?;
        Ok(DayChange {
            weekday: weekday as i64,
            is_business_day: day.is_business_day,
            start_hour: day.start_hour,
            start_min: day.start_min,
            end_hour: day.end_hour,
            end_min: day.end_min,
            intervals: day.intervals.map(|all| all.into_iter().map(Hours::from).collect()),
        })
    });
    changes.collect()
}

fn zone(app: &App) -> DeskResult<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(&app.read(site::get)?.time_zone).map_err(Error::internal)
}

fn both(app: &App) -> DeskResult<BothEnvelope> {
    app.read(|s| {
        let working_time_and_holidays = BothJson {
            time_zone: site::get(s)?.time_zone,
            working_times: working_time::days(s)?.into_iter().map(WorkingTimeJson::from).collect(),
            holidays: holiday::list(s)?.into_iter().map(HolidayJson::from).collect(),
        };
        Ok(BothEnvelope { working_time_and_holidays })
    })
}

/// Get working time and holidays
#[utoipa::path(
    tag = "Working time and holidays",
    responses((status = 200, body = BothEnvelope))
)]
#[get("/api/v3/anytime/workingTimeAndHolidays")]
pub async fn get(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(both(&app)?))
}

/// Change working time, or replace the holidays, or both
///
/// Due times of open conversations are worked out again in the background.
#[utoipa::path(
    tag = "Working time and holidays",
    request_body = BothInput,
    responses(
        (status = 200, body = BothEnvelope), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/workingTimeAndHolidays")]
pub async fn update(app: App, by: Caller, body: Json<BothInput>) -> Result<HttpResponse, ApiError> {
    let days = body.0.working_times.map(changes).transpose()?;
    let zone = zone(&app)?;
    let given = body.0.holidays.map(|all| {
        let all = all.into_iter().enumerate();
        all.map(|(at, new)| new.new_holiday(&zone, &format!("holidays[{at}].")))
            .collect::<DeskResult<Vec<_>>>()
    });
    let given = given.transpose()?;
    app.write(move |tx| {
        working_time::change(tx, &by.actor, &days.unwrap_or_default())?;
        given.map_or(Ok(()), |all| holiday::replace(tx, &by.actor, &all).map(|_| ()))
    })
    .await?;
    Ok(HttpResponse::Ok().json(both(&app)?))
}

/// Get working time
#[utoipa::path(
    tag = "Working time and holidays",
    responses((status = 200, body = WorkingTimesEnvelope))
)]
#[get("/api/v3/anytime/workingTime")]
pub async fn get_days(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    let working_times = app.read(working_time::days)?.into_iter().map(WorkingTimeJson::from).collect();
    Ok(HttpResponse::Ok().json(WorkingTimesEnvelope { working_times }))
}

/// Change working time
#[utoipa::path(
    tag = "Working time and holidays",
    request_body = WorkingTimesInput,
    responses((status = 200, body = WorkingTimesEnvelope), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/workingTime")]
pub async fn update_days(
    app: App,
    by: Caller,
    body: Json<WorkingTimesInput>,
) -> Result<HttpResponse, ApiError> {
    let changes = changes(body.0.working_times)?;
    let days = app.write(move |tx| working_time::change(tx, &by.actor, &changes)).await?;
    let working_times = days.into_iter().map(WorkingTimeJson::from).collect();
    Ok(HttpResponse::Ok().json(WorkingTimesEnvelope { working_times }))
}

/// List holidays, by date
#[utoipa::path(
    tag = "Working time and holidays",
    responses((status = 200, body = HolidaysEnvelope))
)]
#[get("/api/v3/anytime/holidays")]
pub async fn holidays(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    let holidays = app.read(holiday::list)?.into_iter().map(HolidayJson::from).collect();
    Ok(HttpResponse::Ok().json(HolidaysEnvelope { holidays }))
}

/// Get a holiday
#[utoipa::path(
    tag = "Working time and holidays",
    params(("id" = i64, Path)),
    responses((status = 200, body = HolidayEnvelope))
)]
#[get("/api/v3/anytime/holidays/{id}")]
pub async fn get_holiday(app: App, _by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: HolidayId = id("holiday", &path)?;
    let holiday = app.read(|s| holiday::require(s, id))?.into();
    Ok(HttpResponse::Ok().json(HolidayEnvelope { holiday }))
}

/// Create a holiday
#[utoipa::path(
    tag = "Working time and holidays",
    request_body = HolidayInput,
    responses((status = 201, body = HolidayEnvelope), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/holidays")]
pub async fn create_holiday(
    app: App,
    by: Caller,
    body: Json<HolidayInput>,
) -> Result<HttpResponse, ApiError> {
    let new = body.0.new_holiday(&zone(&app)?, "")?;
    let holiday = app.write(move |tx| holiday::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/anytime/holidays/{}", holiday.id);
    let body = HolidayEnvelope { holiday: holiday.into() };
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(body))
}

/// Change a holiday
#[utoipa::path(
    tag = "Working time and holidays",
    params(("id" = i64, Path)),
    request_body = HolidayInput,
    responses(
        (status = 200, body = HolidayEnvelope), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/holidays/{id}")]
pub async fn update_holiday(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<HolidayInput>,
) -> Result<HttpResponse, ApiError> {
    let id: HolidayId = id("holiday", &path)?;
    let change = body.0.change(&zone(&app)?, "")?;
    let holiday = app.write(move |tx| holiday::update(tx, &by.actor, id, &change)).await?.into();
    Ok(HttpResponse::Ok().json(HolidayEnvelope { holiday }))
}

/// Delete a holiday
#[utoipa::path(
    tag = "Working time and holidays",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/holidays/{id}")]
pub async fn delete_holiday(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: HolidayId = id("holiday", &path)?;
    app.write(move |tx| holiday::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
