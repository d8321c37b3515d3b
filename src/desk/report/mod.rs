//! Reports (contract 23): every number is the length of a list. A metric is one query that gives what happened, to which
//! conversation and by whom (`occurrence`); counting sorts that into the rows asked for, and the list behind a number is
//! the same query without the counting. Deleted conversations are left out of everything. Periods and buckets are cut in
//! the zone of whoever asks, so that a day may have 23 or 25 hours.

pub mod channel;
pub mod counted;
pub mod efficiency;
pub mod now;
mod occurrence;
pub mod sla;
pub mod volume;

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::code::Channel;
use super::{Actor, Permission, agent, department, email_account, sla_policy};
use crate::db::Snapshot;
use crate::error::{Error, Result};
use crate::ids::{AgentId, EmailAccountId};
use crate::time::Timestamp;

pub use occurrence::{Metric, Occurrence, occurrences};

/// Of which conversations: all, or those of somebody, some department, account or channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    #[default]
    Site,
    Agent(i64),
    Department(i64),
    Account(i64),
    Channel(Channel),
}

impl Scope {
    /// Refuses an id that never was anything; 0 stands for nobody.
    pub fn check(self, s: &Snapshot<'_>) -> Result<()> {
        let (noun, id, is_known) = match self {
            Self::Site | Self::Channel(_) => return Ok(()),
            Self::Agent(id) => ("agent", id, agent::get_ever(s, AgentId(id))?.is_some()),
            Self::Department(id) => {
                ("department", id, department::names_ever(s)?.iter().any(|(known, _)| *known == id))
            }
            Self::Account(id) => ("e-mail account", id, email_account::get(s, EmailAccountId(id))?.is_some()),
        };
        if id == 0 || is_known {
            return Ok(());
        }
        Err(Error::invalid("filterValue", format!("there is no {noun} {id}")))
    }

    fn holds(self, it: &Occurrence) -> bool {
        match self {
            Self::Site => true,
            Self::Agent(id) => it.agent == id,
            Self::Department(id) => it.department == id,
            Self::Account(id) => it.account == id,
            Self::Channel(channel) => it.channel == channel as i64,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    #[default]
    Day,
    /// From Monday.
    Week,
    Month,
}

/// What the rows of a report are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dimension {
    #[default]
    Time,
    Agent,
    Department,
    Account,
    Channel,
    SlaPolicy,
}

/// What a report is asked for. `from` belongs to the period, `to` does not.
#[derive(Debug, Clone)]
pub struct Ask {
    pub from: Timestamp,
    pub to: Timestamp,
    pub unit: Unit,
    pub scope: Scope,
    pub dimension: Dimension,
    pub zone: TimeZone,
}

/// Longest period, in days.
const LONGEST_DAYS: i64 = 400;
const DAY_MILLIS: i64 = 86_400_000;

/// A row's place: a bucket of time, or an object over the whole period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The bucket's number from 1, or the object's id; 0 stands for none.
    pub id: i64,
    pub name: String,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Ask {
    pub fn check(&self) -> Result<()> {
        if self.to <= self.from {
            return Err(Error::invalid(
                "endTime",
                format!("{} must be after the startTime {}", self.to, self.from),
            ));
        }
        if LONGEST_DAYS * DAY_MILLIS + DAY_MILLIS < self.to.millis() - self.from.millis() {
            return Err(Error::invalid(
                "startTime",
                format!("{} is more than {LONGEST_DAYS} days before the end", self.from),
            ));
        }
        Ok(())
    }

    /// The day, week or month that `at` is in begins.
    pub fn floor(&self, at: Timestamp) -> Timestamp {
        start_of(&self.zone, self.first_day(at))
    }

    fn first_day(&self, at: Timestamp) -> Date {
        let date = at.to_jiff().to_zoned(self.zone.clone()).date();
        match self.unit {
            Unit::Day => date,
            Unit::Week => date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days()),
            Unit::Month => date.first_of_month(),
        }
    }

    /// The period cut at midnights; the first and the last bucket may be shorter.
    pub fn buckets(&self) -> Vec<Slot> {
        let mut buckets: Vec<Slot> = Vec::new();
        let mut day = self.first_day(self.from);
        let mut from = self.from;
        while from < self.to {
            let next = match self.unit {
                Unit::Day => day.saturating_add(1.day()),
                Unit::Week => day.saturating_add(7.days()),
                Unit::Month => day.saturating_add(1.month()),
            };
            let to = start_of(&self.zone, next).min(self.to);
            let name = match self.unit {
                Unit::Day => day.to_string(),
                Unit::Week => format!("{day} – {}", next.saturating_sub(1.day())),
                Unit::Month => day.strftime("%Y-%m").to_string(),
            };
            // A day that a zone skipped has no length.
            if from < to {
                buckets.push(Slot { id: buckets.len() as i64 + 1, name, from, to });
                from = to;
            }
            day = next;
        }
        buckets
    }

    /// The rows of the report, whether anything happened or not.
    pub fn slots(&self, s: &Snapshot<'_>) -> Result<Vec<Slot>> {
        let named = |rows: Vec<(i64, String)>| {
            let slot = |(id, name)| Slot { id, name, from: self.from, to: self.to };
            rows.into_iter().map(slot).collect()
        };
        let both = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let with_none = |mut rows: Vec<(i64, String)>, name: &str| {
            rows.push((0, name.to_owned()));
            named(rows)
        };
        Ok(match self.dimension {
            Dimension::Time => self.buckets(),
            Dimension::Agent => {
                let sql = "SELECT id, display_name FROM agent ORDER BY display_name COLLATE NOCASE, id";
                with_none(s.all(sql, [], both)?, "Unassigned")
            }
            Dimension::Department => with_none(department::names_ever(s)?, "No department"),
            Dimension::Account => {
                let sql = "SELECT id, email FROM email_account ORDER BY email COLLATE NOCASE, id";
                with_none(s.all(sql, [], both)?, "No e-mail account")
            }
            Dimension::Channel => {
                named(Channel::ALL.iter().map(|it| (*it as i64, channel_name(*it).to_owned())).collect())
            }
            Dimension::SlaPolicy => {
                named(sla_policy::names(s)?.into_iter().map(|(id, name)| (id.0, name)).collect())
            }
        })
    }

    /// The slot that something belongs to, by its position in `slots`.
    fn slot_of(&self, slots: &[Slot], it: &Occurrence) -> Option<usize> {
        let by = |id: i64| slots.iter().position(|slot| slot.id == id);
        match self.dimension {
            Dimension::Time => {
                let after = slots.partition_point(|slot| slot.to.millis() <= it.at);
                (after < slots.len()).then_some(after)
            }
            Dimension::Agent => by(it.agent),
            Dimension::Department => by(it.department),
            Dimension::Account => by(it.account),
            Dimension::Channel => by(it.channel),
            Dimension::SlaPolicy => by(it.policy),
        }
    }
}

pub fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "E-mail",
        Channel::Chat => "Chat",
        Channel::OfflineMessage => "Offline message",
        Channel::Portal => "Portal",
    }
}

fn start_of(zone: &TimeZone, date: Date) -> Timestamp {
    let zoned = date.to_zoned(zone.clone());
    zoned.map_or_else(
        |_| Timestamp::from_millis(i64::MAX),
        |zoned| Timestamp::from_millis(zoned.timestamp().as_millisecond()),
    )
}

fn allow(by: &Actor) -> Result<()> {
    by.require(Permission::ViewReports)
}

/// Row ÷ total × 100 with two decimals; 0 when the total is 0.
pub fn percentage(row: i64, total: i64) -> f64 {
    if total == 0 { 0.0 } else { round(row as f64 * 100.0 / total as f64) }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Spans of time: their mean and percentiles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spans(Vec<i64>);

impl Spans {
    pub fn add(&mut self, millis: i64) {
        self.0.push(millis.max(0));
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// In milliseconds; `None` without any.
    pub fn mean(&self) -> Option<i64> {
        let sum: i128 = self.0.iter().map(|millis| i128::from(*millis)).sum();
        (!self.0.is_empty()).then(|| (sum / self.0.len() as i128) as i64)
    }

    /// The smallest span that so many percent do not exceed.
    pub fn percentile(&self, percent: usize) -> Option<i64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied()
    }
}

/// Distinct conversations in each slot.
fn count_distinct(ask: &Ask, slots: &[Slot], found: &[Occurrence]) -> Vec<i64> {
    let mut seen: BTreeMap<usize, std::collections::HashSet<i64>> = BTreeMap::new();
    for it in found {
        if let Some(slot) = ask.slot_of(slots, it) {
            seen.entry(slot).or_default().insert(it.conversation);
        }
    }
    (0..slots.len()).map(|slot| seen.get(&slot).map_or(0, |ids| ids.len() as i64)).collect()
}
