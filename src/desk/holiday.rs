//! Holidays: days that are off as a whole, in the site's time zone; once or every year.

use jiff::civil::Date;

use super::audit::{self, Action};
use super::working_time::Recurrence;
use super::{Actor, Permission, check_name, sla};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::HolidayId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    pub id: HolidayId,
    pub title: String,
    pub date: Date,
    /// Every year on that month and day.
    pub is_yearly: bool,
}

#[derive(Debug, Clone)]
pub struct NewHoliday {
    pub title: String,
    pub date: Date,
    pub is_yearly: bool,
}

/// `None` leaves a property alone.
#[derive(Debug, Clone, Default)]
pub struct HolidayChange {
    pub title: Option<String>,
    pub date: Option<Date>,
    pub is_yearly: Option<bool>,
}

/// Most holidays kept.
const AT_MOST: usize = 2_000;

/// By date.
pub fn list(s: &Snapshot<'_>) -> Result<Vec<Holiday>> {
    s.all(&["SELECT ", COLUMNS, " FROM holiday ORDER BY date"].concat(), [], from_row)
}

/// As `working_time::Calendar` takes them.
pub fn dates(s: &Snapshot<'_>) -> Result<Vec<(Date, Recurrence)>> {
    let recurrence = |is_yearly| if is_yearly { Recurrence::Yearly } else { Recurrence::Once };
    Ok(list(s)?.into_iter().map(|holiday| (holiday.date, recurrence(holiday.is_yearly))).collect())
}

/// The holiday, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: HolidayId) -> Result<Holiday> {
    s.one(&["SELECT ", COLUMNS, " FROM holiday WHERE id = ?"].concat(), [id], from_row)?
        .ok_or_else(|| Error::not_found("holiday", id))
}

/// One holiday for a date; a second is `Conflict`. Due times follow in the background, as with every change here.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &NewHoliday) -> Result<Holiday> {
    by.require(Permission::ManageSettings)?;
    if AT_MOST as i64 <= tx.number("SELECT count(*) FROM holiday", [])? {
        return Err(Error::Conflict(format!("there are already {AT_MOST} holidays")));
    }
    let id = insert(tx, new, "title")?;
    audit::record(tx, by, Action::WorkingTime, format!("added the holiday '{}'", new.title.trim()), "")?;
    sla::reconsider(tx)?;
    require(tx, id)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: HolidayId, change: &HolidayChange) -> Result<Holiday> {
    by.require(Permission::ManageSettings)?;
    let before = require(tx, id)?;
    let title = check_name("title", change.title.as_deref().unwrap_or(&before.title), TITLE_CHARS)?;
    let date = change.date.unwrap_or(before.date);
    tx.run(
        "UPDATE holiday SET title = ?, date = ?, is_yearly = ? WHERE id = ?",
        (&title, date.to_string(), change.is_yearly.unwrap_or(before.is_yearly), id),
    )
    .on_constraint("holiday.date", || taken(date))?;
    let after = require(tx, id)?;
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::WorkingTime, format!("changed the holiday '{title}'"), details)?;
    sla::reconsider(tx)?;
    Ok(after)
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: HolidayId) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    let holiday = require(tx, id)?;
    tx.run("DELETE FROM holiday WHERE id = ?", [id])?;
    audit::record(tx, by, Action::WorkingTime, format!("deleted the holiday '{}'", holiday.title), "")?;
    sla::reconsider(tx)
}

/// Replaces all holidays; one on a date that had one keeps its id.
pub fn replace(tx: &Tx<'_>, by: &Actor, all: &[NewHoliday]) -> Result<Vec<Holiday>> {
    by.require(Permission::ManageSettings)?;
    if AT_MOST < all.len() {
        return Err(Error::invalid("holidays", format!("has more than {AT_MOST} entries")));
    }
    let before = list(tx)?;
    tx.run("DELETE FROM holiday", [])?;
    for (position, new) in all.iter().enumerate() {
        let id = insert(tx, new, &format!("holidays[{position}].title"))?;
        if let Some(old) = before.iter().find(|old| old.date == new.date) {
            tx.run("UPDATE holiday SET id = ? WHERE id = ?", (old.id, id))?;
        }
    }
    let after = list(tx)?;
    if after != before {
        let summary = format!("replaced the holidays: {} instead of {}", after.len(), before.len());
        audit::record(tx, by, Action::WorkingTime, summary, "")?;
        sla::reconsider(tx)?;
    }
    Ok(after)
}

/// Adds those whose dates have no holiday yet; tells how many that were.
pub fn import(tx: &Tx<'_>, by: &Actor, found: &[NewHoliday]) -> Result<usize> {
    by.require(Permission::ManageSettings)?;
    let mut known: Vec<Date> = list(tx)?.into_iter().map(|holiday| holiday.date).collect();
    let mut added = 0;
    for new in found {
        if known.contains(&new.date) {
            continue;
        }
        if AT_MOST <= known.len() {
            return Err(Error::Conflict(format!("there would be more than {AT_MOST} holidays")));
        }
        insert(tx, new, "title")?;
        known.push(new.date);
        added += 1;
    }
    if 0 < added {
        audit::record(tx, by, Action::WorkingTime, format!("imported {added} holidays"), "")?;
        sla::reconsider(tx)?;
    }
    Ok(added)
}

pub const TITLE_CHARS: usize = 200;

fn insert(tx: &Tx<'_>, new: &NewHoliday, field: &str) -> Result<HolidayId> {
    let title = check_name(field, &new.title, TITLE_CHARS)?;
    tx.insert(
        "INSERT INTO holiday (title, date, is_yearly) VALUES (?, ?, ?)",
        (title, new.date.to_string(), new.is_yearly),
    )
    .on_constraint("holiday.date", || taken(new.date))
    .map(HolidayId)
}

fn taken(date: Date) -> Error {
    Error::Conflict(format!("there is already a holiday on {date}"))
}

fn facts(holiday: &Holiday) -> [(&'static str, String); 3] {
    [
        ("title", holiday.title.clone()),
        ("date", holiday.date.to_string()),
        ("isYearly", holiday.is_yearly.to_string()),
    ]
}

const COLUMNS: &str = "id, title, date, is_yearly";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Holiday> {
    let date = row.get_ref(2)?.as_str()?.parse();
    Ok(Holiday {
        id: row.get(0)?,
        title: row.get(1)?,
        date: date.map_err(|_| rusqlite::types::FromSqlError::InvalidType)?,
        is_yearly: row.get(3)?,
    })
}
