//! `/console/settings/working-time`: the week, and holidays one by one or from an iCalendar file.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, beside, frame, rule_form};
use crate::app::App;
use crate::desk::holiday::{self, Holiday, NewHoliday};
use crate::desk::kept_answer;
use crate::desk::rehearsal::{Draft, SlaDraft};
use crate::desk::working_time::{self, Day, DayChange, Hours};
use crate::desk::{ical, site};
use crate::error::{Error, Result, shown};
use crate::ids::HolidayId;
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, SignedIn, csrf, filters};

const HERE: &str = "/console/settings/working-time";

#[derive(Template)]
#[template(path = "console/settings/working_time.html")]
struct WorkingTimePage {
    layout: Layout,
    nav: Nav,
    time_zone: String,
    days: Vec<DayRow>,
    holidays: Vec<Holiday>,
    form: Fields,
    mistakes: Mistakes,
}

/// A weekday of the form.
struct DayRow {
    name: String,
    is_business_day: bool,
    /// `09:00–12:30, 13:30–18:00`.
    hours: String,
    bars: Vec<Bar>,
}

/// Hours as a bar of the week view, in per cent of the day.
struct Bar {
    start: f64,
    width: f64,
}

impl WorkingTimePage {
    fn new(app: &App, signed_in: &SignedIn, mut form: Fields, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (time_zone, days, holidays) =
            app.read(|s| Ok((site::get(s)?.time_zone, working_time::days(s)?, holiday::list(s)?)))?;
        // The week as people read it: from Monday.
        let days =
            (0..7).filter_map(|place| days.get((place + 1) % 7)).map(|day| DayRow::new(day, &form)).collect();
        if !form.is_checked("holidays") {
            form.add("holidays", holidays.iter().map(line).collect::<Vec<_>>().join("\n"));
        }
        Ok(Self { layout, nav, time_zone, days, holidays, form, mistakes })
    }
}

impl DayRow {
    fn new(day: &Day, form: &Fields) -> Self {
        let is_sent = !form.text("week").is_empty();
        let written = form.text(&format!("hours-{}", day.weekday)).to_owned();
        let name: String = day
            .name()
            .chars()
            .enumerate()
            .map(|(at, it)| if at == 0 { it.to_ascii_uppercase() } else { it })
            .collect();
        let intervals = if day.is_business_day { day.intervals.as_slice() } else { &[] };
        let percent = |minutes: u16| f64::from(minutes) / 14.4;
        Self {
            name,
            is_business_day: match is_sent {
                true => form.is_checked(&format!("open-{}", day.weekday)),
                false => day.is_business_day,
            },
            hours: if is_sent { written } else { hours(day) },
            bars: intervals
                .iter()
                .map(|it| Bar { start: percent(it.start), width: percent(it.end.min(1440) - it.start) })
                .collect(),
        }
    }

    /// As the form's fields call it.
    fn key(&self) -> usize {
        working_time::WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(&self.name)).unwrap_or(0)
    }
}

fn hours(day: &Day) -> String {
    let intervals = day.intervals.iter().copied().map(Hours::of);
    let written = intervals
        .map(|it| format!("{:02}:{:02}–{:02}:{:02}", it.start_hour, it.start_min, it.end_hour, it.end_min));
    written.collect::<Vec<_>>().join(", ")
}

/// How the name of a yearly holiday ends in a line.
const YEARLY: &str = ", every year";

/// A holiday as a line of text: `2026-12-25 Christmas, every year`.
fn line(holiday: &Holiday) -> String {
    let recurrence = if holiday.is_yearly { YEARLY } else { "" };
    format!("{} {}{recurrence}", holiday.date, holiday.title)
}

/// Holidays as lines of text; empty lines are left out.
fn read_holidays(text: &str) -> Result<Vec<NewHoliday>> {
    let mut found: Vec<NewHoliday> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = |what: &str| Error::invalid("holidays", format!("{what}, not '{}'", shown(line)));
        let (date, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let date = date.parse().map_err(|_| wrong("must be lines such as 2026-12-25 Christmas"))?;
        let title = name.strip_suffix(YEARLY).unwrap_or(name).trim();
        if !(1..=holiday::TITLE_CHARS).contains(&title.chars().count()) {
            return Err(wrong("must name each day in 1 to 200 characters"));
        }
        if found.iter().any(|other| other.date == date) {
            return Err(wrong("must have each date once"));
        }
        found.push(NewHoliday { title: title.to_owned(), date, is_yearly: name.ends_with(YEARLY) });
    }
    Ok(found)
}

/// `9-12:30, 13:30–18:00`; an end that is not after its start is of the next day.
fn read_hours(text: &str) -> Option<Vec<Hours>> {
    let clock = |text: &str| -> Option<(i64, i64)> {
        let (hour, minute) = text.trim().split_once([':', '.']).unwrap_or((text.trim(), "0"));
        Some((hour.parse().ok()?, minute.parse().ok()?))
    };
    text.split([',', ';'])
        .map(|part| {
            let (start, end) = part.split_once(['–', '-', '—'])?;
            let ((start_hour, start_min), (end_hour, end_min)) = (clock(start)?, clock(end)?);
            let is_overnight = (end_hour, end_min) <= (start_hour, start_min);
            let end_hour = if is_overnight { end_hour + 24 } else { end_hour };
            Some(Hours { start_hour, start_min, end_hour, end_min })
        })
        .collect()
}

#[get("/console/settings/working-time")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<WorkingTimePage>, PageError> {
    Ok(Page(WorkingTimePage::new(&app, &signed_in, Fields::default(), Mistakes::default())?))
}

#[post("/console/settings/working-time")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let by = sent.signed_in.actor.clone();
    if sent.fields.is_checked("rehearse") {
        let past = rule_form::rehearsed_days(&sent.fields);
        let form = sent.form();
        let made = match draft(&sent.fields) {
            Ok(draft) => app.write(move |tx| rule_form::rehearse(tx, &by, &form, &draft, past)).await,
            Err(error) => Err(error),
        };
        return match made {
            Ok(to) => Ok(see_other(&to)),
            Err(error) => answer(&app, sent, Err(error)),
        };
    }
    let result = match changes(&sent.fields) {
        Ok(changes) => app.write(move |tx| working_time::change(tx, &by, &changes)).await.map(|_| ()),
        Err(error) => Err(error),
    };
    answer(&app, sent, result)
}

/// Only tried: what would service levels have been with such a week and such holidays?
fn draft(fields: &Fields) -> Result<Draft> {
    let mut mistakes = Mistakes::default();
    let days = mistakes.gather("", changes(fields))?;
    let holidays =
        mistakes.gather("", fields.own("holidays").map(|text| read_holidays(&text)).transpose())?;
    mistakes.check()?;
    Ok(Draft::Sla(SlaDraft {
        days: days.unwrap_or_default(),
        holidays: holidays.flatten(),
        ..SlaDraft::default()
    }))
}

fn changes(fields: &Fields) -> Result<Vec<DayChange>> {
    let change = |weekday: i64| {
        let written = fields.text(&format!("hours-{weekday}"));
        let intervals = read_hours(written).ok_or_else(|| {
            let shown: String = written.chars().take(60).collect();
            let field = format!("hours-{weekday}");
            Error::invalid(field, format!("must be hours such as 09:00–12:30, 13:30–18:00, not '{shown}'"))
        })?;
        Ok(DayChange {
            weekday,
            is_business_day: Some(fields.is_checked(&format!("open-{weekday}"))),
            intervals: Some(intervals),
            ..DayChange::default()
        })
    };
    (0..7).map(change).collect()
}

#[post("/console/settings/working-time/holidays")]
pub async fn add_holiday(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, form) = (sent.signed_in.actor.clone(), sent.form());
    let result = match sent.fields.text("date").parse() {
        Ok(date) => {
            let title = sent.fields.text("title").to_owned();
            let new = NewHoliday { title, date, is_yearly: sent.fields.is_checked("isYearly") };
            let made = app
                .write(move |tx| kept_answer::once(tx, &form, |tx| Ok(holiday::create(tx, &by, &new)?.id.0)));
            made.await.map(|_| ())
        }
        Err(_) => Err(Error::invalid("date", "must be a date")),
    };
    answer(&app, sent, result.map_err(|error| beside("date", error)))
}

/// A chosen file, or pasted text.
#[post("/console/settings/working-time/import")]
pub async fn import(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    multipart: Multipart,
) -> Result<HttpResponse, PageError> {
    let check = |form: &Form| csrf::check(&request, &signed_in.session, Some(form.text("csrf")));
    let (form, files) = upload::read_in_memory(multipart, check).await?;
    let by = signed_in.actor.clone();
    let text = match files.first() {
        Some(file) => String::from_utf8_lossy(&file.bytes).into_owned(),
        None => form.text("calendar").to_owned(),
    };
    let result = match ical::days(&text) {
        Ok(days) => app.write(move |tx| holiday::import(tx, &by, &days)).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let fields = Fields::of([("calendar", form.text("calendar").to_owned())]);
    answer(&app, Sent { signed_in, fields }, result)
}

#[post("/console/settings/working-time/holidays/{id}/delete")]
pub async fn delete_holiday(
    app: App,
    id: web::Path<HolidayId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    app.write(move |tx| holiday::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}

fn answer(app: &App, sent: Sent, result: Result<()>) -> Result<HttpResponse, PageError> {
    match result {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let mistakes = Mistakes::of(error)?;
            let page = WorkingTimePage::new(app, &sent.signed_in, sent.fields, mistakes)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_people_write_them() {
        let it =
            |start_hour, start_min, end_hour, end_min| Hours { start_hour, start_min, end_hour, end_min };
        assert_eq!(read_hours("9-12:30, 13.30 – 18:00"), Some(vec![it(9, 0, 12, 30), it(13, 30, 18, 0)]));
        assert_eq!(read_hours("22:00–06:00"), Some(vec![it(22, 0, 30, 0)]));
        assert_eq!(read_hours("0-24"), Some(vec![it(0, 0, 24, 0)]));
        assert_eq!(read_hours("22:00–30:00"), Some(vec![it(22, 0, 30, 0)]));
        assert_eq!(read_hours("nine to five"), None);
        assert_eq!(read_hours(""), None);
    }

    #[test]
    fn holidays_are_read_as_they_are_written() {
        let text = "2026-12-25 Christmas, every year\n2026-05-14 Ascension, at last";
        let found = read_holidays(&format!("\n {text} \n\n")).unwrap();
        let written = found.into_iter().map(|new| {
            line(&Holiday { id: HolidayId(1), title: new.title, date: new.date, is_yearly: new.is_yearly })
        });
        assert_eq!(written.collect::<Vec<_>>().join("\n"), text);
        for wrong in ["Christmas", "2026-02-30 No day", "2026-12-25", "2026-12-25 a\n2026-12-25 b"] {
            assert!(read_holidays(wrong).is_err(), "{wrong}");
        }
    }
}
