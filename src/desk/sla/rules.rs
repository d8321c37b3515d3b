//! Policies and calendar made ready to decide: which policy applies, and when its targets are due. Kept with every
//! decision (`rule_set`), so that a due time can be worked out again and explained.

use std::cell::OnceCell;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Target;
use crate::db::Snapshot;
use crate::desk::code::Status;
use crate::desk::sla_policy::{self, Targets};
use crate::desk::working_time::{self, Calendar, Interval, Recurrence, Shift};
use crate::desk::{condition, holiday, rule_set, site};
use crate::error::Result;
use crate::ids::{FieldId, SlaPolicyId};
use crate::rules::{Facts, Moment, Predicate, eval};
use crate::time::Timestamp;

/// Everything that due times depend on but the conversation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rules {
    /// The enabled ones in order.
    pub policies: Vec<Policy>,
    zone: String,
    /// From Monday: minutes after midnight.
    week: [Vec<(u16, u16)>; 7],
    holidays: Vec<(jiff::civil::Date, bool)>,
    /// The statuses that stop the clocks.
    pauses: Vec<u8>,
    #[serde(skip)]
    calendar: OnceCell<Calendar>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub id: i64,
    pub name: String,
    pub predicate: Predicate,
    pub targets: Targets,
    pub is_business_hours: bool,
}

/// What the policies say for some facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The position in `Rules::policies`.
    pub winner: Option<usize>,
    /// Of each policy that was tried the results of its conditions, as `0` and `1`.
    pub tried: Vec<String>,
}

/// A time in which a conversation had a status that stops the clocks; without an end it still has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub from: i64,
    pub to: Option<i64>,
}

impl Rules {
    /// Also tells whether they hold values that mean something else at another time.
    pub fn new(s: &Snapshot<'_>, moment: &Moment) -> Result<(Self, bool)> {
        let mut policies = Vec::new();
        let mut is_fleeting = false;
        for policy in sla_policy::stored(s)?.into_iter().filter(|policy| policy.is_enabled) {
            is_fleeting |= rule_set::is_fleeting(&policy.formula);
            policies.push(Policy {
                id: policy.id.0,
                predicate: condition::predicate(s, moment, &policy.formula)?,
                name: policy.name,
                targets: policy.targets,
                is_business_hours: policy.is_business_hours,
            });
        }
        let mut week: [Vec<(u16, u16)>; 7] = Default::default();
        for day in working_time::days(s)?.into_iter().filter(|day| day.is_business_day) {
            week[(day.weekday as usize + 6) % 7] =
                day.intervals.iter().map(|shift| (shift.start, shift.end)).collect();
        }
        let holidays = holiday::dates(s)?;
        let rules = Self {
            policies,
            zone: site::get(s)?.time_zone,
            week,
            holidays: holidays.into_iter().map(|(date, it)| (date, it == Recurrence::Yearly)).collect(),
            pauses: super::pause_statuses(s)?.into_iter().map(|status| status as u8).collect(),
            calendar: OnceCell::new(),
        };
        Ok((rules, is_fleeting))
    }

    /// The first policy that matches; one without conditions always does (contract 13.4).
    pub fn decide(&self, facts: &Facts) -> Verdict {
        let mut tried = Vec::new();
        for (position, policy) in self.policies.iter().enumerate() {
            let trace = eval::explain(&policy.predicate, facts);
            tried.push(rule_set::bits(trace.tests.iter().map(|seen| seen.holds)));
            if trace.holds {
                return Verdict { winner: Some(position), tried };
            }
        }
        Verdict { winner: None, tried }
    }

    /// The fields that any policy asks for.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.policies.iter().flat_map(|policy| policy.predicate.fields())
    }

    pub fn is_pause(&self, status: Status) -> bool {
        self.pauses.contains(&(status as u8))
    }

    pub fn has_pauses(&self) -> bool {
        !self.pauses.is_empty()
    }

    pub fn calendar(&self) -> &Calendar {
        self.calendar.get_or_init(|| {
            let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
            let week = self
                .week
                .clone()
                .map(|day| day.into_iter().map(|(start, end)| Shift { start, end }).collect::<Vec<_>>());
            let recurrence = |is_yearly| if is_yearly { Recurrence::Yearly } else { Recurrence::Once };
            let holidays = self.holidays.iter().map(|(date, is_yearly)| (*date, recurrence(*is_yearly)));
            Calendar::new(zone, &week, holidays)
        })
    }

    /// When `minutes` of the policy's hours after `start` are used up, pauses left out. `None` while a pause stops the
    /// clock before, and when the desk is hardly ever open.
    pub fn due(
        &self,
        policy: &Policy,
        start: Timestamp,
        minutes: i64,
        pauses: &[Pause],
    ) -> Option<Timestamp> {
        let mut left = Duration::from_secs(minutes.max(0) as u64 * 60);
        let mut at = start;
        for pause in pauses.iter().filter(|pause| pause.to.is_none_or(|to| start.millis() < to)) {
            let from = Timestamp::from_millis(pause.from);
            if let Some(due) = self.after(policy, at, left).filter(|due| *due <= from) {
                return Some(due);
            }
            left = left.saturating_sub(self.between(policy, at, from));
            at = at.max(Timestamp::from_millis(pause.to?));
        }
        self.after(policy, at, left)
    }

    /// What a due time was counted over: stretches of the policy's hours, pauses left out.
    pub fn intervals(
        &self,
        policy: &Policy,
        start: Timestamp,
        due: Timestamp,
        pauses: &[Pause],
    ) -> Vec<Interval> {
        let mut found = Vec::new();
        let mut at = start;
        let mut add = |from: Timestamp, to: Timestamp| {
            if from < to {
                match policy.is_business_hours {
                    true => found.extend(working_time::intervals(self.calendar(), from, to)),
                    false => found.push(Interval { from, to }),
                }
            }
        };
        for pause in pauses {
            add(at, Timestamp::from_millis(pause.from).min(due));
            at = at.max(pause.to.map_or(due, Timestamp::from_millis));
        }
        add(at, due);
        found
    }

    fn after(&self, policy: &Policy, start: Timestamp, span: Duration) -> Option<Timestamp> {
        match policy.is_business_hours {
            true => working_time::advance(self.calendar(), start, span),
            false => Some(start.plus(span)),
        }
    }

    fn between(&self, policy: &Policy, from: Timestamp, to: Timestamp) -> Duration {
        match policy.is_business_hours {
            true => working_time::between(self.calendar(), from, to),
            false => to.since(from),
        }
    }
}

impl Policy {
    pub fn id(&self) -> SlaPolicyId {
        SlaPolicyId(self.id)
    }

    pub fn minutes(&self, target: Target) -> Option<i64> {
        match target {
            Target::First => self.targets.first,
            Target::Next => self.targets.next,
            Target::Resolve => self.targets.resolve,
        }
    }
}
