//! The engine against an oracle that knows nothing of intervals: it looks at the wall clock minute by minute.
//! `ANYTIME_ORACLE_CASES=1000000` asks for more cases than the ordinary run has.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::*;

const MINUTES_PER_DAY: i64 = 1440;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// Monday to Friday, 9 to 18.
fn office(name: &str, holidays: &[(Date, Recurrence)]) -> Calendar {
    let day = vec![Shift { start: 9 * 60, end: 18 * 60 }];
    let week = std::array::from_fn(|weekday| if weekday < 5 { day.clone() } else { Vec::new() });
    Calendar::new(zone(name), &week, holidays.iter().copied())
}

fn every_day(name: &str, start: u16, end: u16) -> Calendar {
    Calendar::new(zone(name), &std::array::from_fn(|_| vec![Shift { start, end }]), [])
}

fn due(calendar: &Calendar, start: &str, minutes: i64) -> String {
    add(calendar, at(start), minutes).unwrap().to_string()
}

#[test]
fn the_clock_stands_outside_working_hours() {
    let berlin = office("Europe/Berlin", &[]);
    // Friday 17:30 local; half an hour is left, the rest is Monday's.
    assert_eq!(due(&berlin, "2026-01-09T16:30:00Z", 90), "2026-01-12T09:00:00.000Z");
    // Saturday counts from Monday 9:00.
    assert_eq!(due(&berlin, "2026-01-10T12:00:00Z", 5), "2026-01-12T08:05:00.000Z");
    assert!(berlin.is_open(at("2026-01-09T16:59:59Z")) && !berlin.is_open(at("2026-01-09T17:00:00Z")));
}

#[test]
fn a_target_that_ends_at_closing_time_is_due_at_closing_time() {
    let berlin = office("Europe/Berlin", &[]);
    assert_eq!(due(&berlin, "2026-01-09T16:00:00Z", 60), "2026-01-09T17:00:00.000Z");
}

#[test]
fn a_holiday_is_off_and_a_yearly_one_every_year() {
    let once = office("Europe/Berlin", &[(date(2026, 1, 6), Recurrence::Once)]);
    assert_eq!(due(&once, "2026-01-05T16:00:00Z", 120), "2026-01-07T09:00:00.000Z");
    assert_eq!(due(&once, "2027-01-05T16:00:00Z", 120), "2027-01-06T09:00:00.000Z");
    let yearly = office("Europe/Berlin", &[(date(2020, 1, 6), Recurrence::Yearly)]);
    assert_eq!(due(&yearly, "2026-01-05T16:00:00Z", 120), "2026-01-07T09:00:00.000Z");
    assert_eq!(due(&yearly, "2027-01-05T16:00:00Z", 120), "2027-01-07T09:00:00.000Z");
    let leap = office("UTC", &[(date(2024, 2, 29), Recurrence::Yearly)]);
    assert!(!leap.is_business_day(date(2028, 2, 29)) && leap.is_business_day(date(2027, 3, 1)));
}

#[test]
fn lunch_is_not_working_time() {
    let week = std::array::from_fn(|_| {
        vec![Shift { start: 13 * 60, end: 17 * 60 }, Shift { start: 8 * 60, end: 12 * 60 }]
    });
    let calendar = Calendar::new(zone("UTC"), &week, []);
    assert_eq!(due(&calendar, "2026-01-05T11:30:00Z", 60), "2026-01-05T13:30:00.000Z");
    let counted = intervals(&calendar, at("2026-01-05T11:30:00Z"), at("2026-01-05T13:30:00Z"));
    assert_eq!(
        counted,
        [
            Interval { from: at("2026-01-05T11:30:00Z"), to: at("2026-01-05T12:00:00Z") },
            Interval { from: at("2026-01-05T13:00:00Z"), to: at("2026-01-05T13:30:00Z") },
        ]
    );
}

#[test]
fn a_night_shift_runs_over_midnight_but_not_into_a_holiday() {
    let night = |holidays: &[(Date, Recurrence)]| {
        let mut week: [Vec<Shift>; 7] = Default::default();
        week[0] = vec![Shift { start: 22 * 60, end: 30 * 60 }];
        Calendar::new(zone("UTC"), &week, holidays.iter().copied())
    };
    assert_eq!(due(&night(&[]), "2026-01-05T21:00:00Z", 180), "2026-01-06T01:00:00.000Z");
    let counted = intervals(&night(&[]), at("2026-01-05T00:00:00Z"), at("2026-01-07T00:00:00Z"));
    assert_eq!(counted, [Interval { from: at("2026-01-05T22:00:00Z"), to: at("2026-01-06T06:00:00Z") }]);
    let tuesday_off = night(&[(date(2026, 1, 6), Recurrence::Once)]);
    assert_eq!(due(&tuesday_off, "2026-01-05T21:00:00Z", 180), "2026-01-12T23:00:00.000Z");
}

#[test]
fn a_day_that_is_always_open_has_no_hole_at_midnight() {
    let always = every_day("Europe/Berlin", 0, DAY_MINUTES);
    let (from, to) = (at("2026-03-01T12:34:56Z"), at("2026-11-01T01:02:03Z"));
    assert_eq!(between(&always, from, to), to.since(from));
    assert_eq!(intervals(&always, from, to).len(), 1);
}

#[test]
fn a_repeated_hour_counts_twice_and_a_skipped_one_not_at_all() {
    let night = every_day("Europe/Berlin", 60, 240);
    let hours = |from, to| between(&night, at(from), at(to)).as_secs() / 3600;
    assert_eq!(hours("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), 4);
    assert_eq!(hours("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), 2);
    // 2:30 does not exist on that day: what begins then begins at 3:00.
    let half = every_day("Europe/Berlin", 150, 240);
    assert_eq!(due(&half, "2026-03-29T00:00:00Z", 30), "2026-03-29T01:30:00.000Z");
}

#[test]
fn a_desk_that_never_opens_gives_no_due_time() {
    let never = Calendar::new(zone("UTC"), &Default::default(), []);
    assert_eq!(add(&never, at("2026-01-05T00:00:00Z"), 5), None);
    assert_eq!(add_business_days(&never, at("2026-01-05T00:00:00Z"), 1), None);
    assert!(!never.is_open(at("2026-01-05T00:00:00Z")));
}

#[test]
fn business_days_keep_the_clock_time() {
    let berlin = office("Europe/Berlin", &[(date(2026, 3, 30), Recurrence::Once)]);
    // Friday 14:00; Monday is off, and summer time has begun by Tuesday.
    assert_eq!(add_business_days(&berlin, at("2026-03-27T13:00:00Z"), 1), Some(at("2026-03-31T12:00:00Z")));
    assert_eq!(add_business_days(&berlin, at("2026-03-21T22:30:00Z"), 2), Some(at("2026-03-24T22:30:00Z")));
}

/// xorshift64*: enough for choosing cases, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as i64 % bound
    }
}

/// What a calendar is made of, as the oracle understands it.
struct Plan {
    zone: TimeZone,
    week: [Vec<Shift>; 7],
    holidays: Vec<(Date, Recurrence)>,
}

impl Plan {
    fn random(zone: &TimeZone, near: i64, random: &mut Random) -> Self {
        let shift = |random: &mut Random| {
            let start = random.below(96) * 15 + random.below(2) * random.below(15);
            let most = match random.below(3) {
                0 => MINUTES_PER_DAY - start,
                _ => (MINUTES_PER_DAY - start).clamp(600, MINUTES_PER_DAY),
            };
            Shift { start: start as u16, end: (start + 1 + random.below(most)) as u16 }
        };
        let week = std::array::from_fn(|_| match random.below(6) {
            0 => Vec::new(),
            1 => vec![Shift { start: 0, end: DAY_MINUTES }],
            2 => vec![Shift { start: 120, end: 180 }, Shift { start: 210, end: 720 }],
            count => (2..count).map(|_| shift(random)).collect(),
        });
        let holidays = (0..random.below(4))
            .map(|_| {
                let day = (near / MINUTES_PER_DAY + random.below(10) - 5).days();
                let date = date(1970, 1, 1).checked_add(day).unwrap();
                match random.below(3) {
                    0 => (date.with_year_before(), Recurrence::Yearly),
                    _ => (date, Recurrence::Once),
                }
            })
            .collect();
        Self { zone: zone.clone(), week, holidays }
    }

    fn calendar(&self) -> Calendar {
        Calendar::new(self.zone.clone(), &self.week, self.holidays.iter().copied())
    }
}

trait YearBefore {
    fn with_year_before(self) -> Self;
}

impl YearBefore for Date {
    /// Some years earlier, a leap year so that the day exists.
    fn with_year_before(self) -> Self {
        date(1996, self.month(), self.day())
    }
}

/// Open minutes before each minute of a window.
struct Oracle {
    first: i64,
    before: Vec<u32>,
}

impl Oracle {
    fn look(plan: &Plan, first: i64, minutes: i64) -> Self {
        let mut is_open = vec![false; 7 * MINUTES_PER_DAY as usize];
        for (weekday, shifts) in plan.week.iter().enumerate() {
            for shift in shifts {
                for minute in shift.start..shift.end {
                    let of_week = weekday * MINUTES_PER_DAY as usize + usize::from(minute);
                    is_open[of_week % (7 * MINUTES_PER_DAY as usize)] = true;
                }
            }
        }
        let holidays: BTreeSet<Date> = plan
            .holidays
            .iter()
            .filter(|(_, when)| *when == Recurrence::Once)
            .map(|(date, _)| *date)
            .collect();
        let yearly: BTreeSet<(i8, i8)> = plan
            .holidays
            .iter()
            .filter(|(_, when)| *when == Recurrence::Yearly)
            .map(|(date, _)| (date.month(), date.day()))
            .collect();
        let offset_at = |minute: i64| {
            let instant = jiff::Timestamp::from_second(minute * 60).unwrap();
            i64::from(plan.zone.to_offset(instant).seconds()) / 60
        };
        let mut before = Vec::with_capacity(minutes as usize + 1);
        let (mut count, mut today, mut is_off) = (0, i64::MIN, false);
        let (mut offset, mut steady_until) = (0, first);
        for minute in first..first + minutes {
            before.push(count);
            if steady_until <= minute {
                offset = offset_at(minute);
                // The zone is asked each minute of an hour in which it changes.
                steady_until = if offset == offset_at(minute + 60) { minute + 60 } else { minute + 1 };
            }
            let local = minute + offset;
            let day = local.div_euclid(MINUTES_PER_DAY);
            if day != today {
                let date = date(1970, 1, 1).checked_add(day.days()).unwrap();
                (today, is_off) =
                    (day, holidays.contains(&date) || yearly.contains(&(date.month(), date.day())));
            }
            let weekday = (day + 3).rem_euclid(7);
            let of_week = weekday * MINUTES_PER_DAY + local.rem_euclid(MINUTES_PER_DAY);
            count += u32::from(is_open[of_week as usize] && !is_off);
        }
        before.push(count);
        Self { first, before }
    }

    /// Working milliseconds between the window's start and `millis`.
    fn worked(&self, millis: i64) -> i64 {
        let minute = (millis.div_euclid(60_000) - self.first) as usize;
        let is_open = self.before.get(minute + 1).is_some_and(|next| self.before[minute] < *next);
        let part = if is_open { millis.rem_euclid(60_000) } else { 0 };
        i64::from(self.before[minute]) * 60_000 + part
    }

    /// The first instant by which so much is worked; `None` when the window ends before.
    fn reached(&self, worked: i64) -> Option<i64> {
        let minutes = worked.div_euclid(60_000) as u32;
        let rest = worked.rem_euclid(60_000);
        let wanted = if rest == 0 { minutes } else { minutes + 1 };
        let index = self.before.partition_point(|before| *before < wanted);
        (index < self.before.len()).then(|| {
            let end = (self.first + index as i64) * 60_000;
            if rest == 0 { end } else { end - 60_000 + rest }
        })
    }
}

/// Every zone once, aliases left out, with the minutes at which its offset changes between 1975 and 2040.
fn zones() -> Vec<(TimeZone, Vec<i64>)> {
    let mut seen = BTreeSet::new();
    let mut zones = Vec::new();
    for name in jiff::tz::db().available() {
        let Ok(zone) = TimeZone::get(name.as_str()) else { continue };
        let start = jiff::Timestamp::from_second(157_766_400).unwrap();
        let end = jiff::Timestamp::from_second(2_208_988_800).unwrap();
        let changes: Vec<(i64, i32)> = zone
            .following(start)
            .take_while(|change| change.timestamp() < end)
            .map(|change| (change.timestamp().as_second() / 60, change.offset().seconds()))
            .collect();
        let first = zone.to_offset(start).seconds();
        if seen.insert((first, changes.clone())) {
            zones.push((zone, changes.into_iter().map(|(minute, _)| minute).collect()));
        }
    }
    zones
}

#[test]
fn the_engine_agrees_with_a_minute_by_minute_oracle_in_every_zone() {
    const WINDOW: i64 = 6 * MINUTES_PER_DAY;
    #[expect(clippy::disallowed_methods, reason = "how many cases is a matter of the test run")]
    let wanted = std::env::var("ANYTIME_ORACLE_CASES").ok().and_then(|text| text.parse().ok());
    let wanted: usize = wanted.unwrap_or(100_000);
    let zones = zones();
    let recent = 2_016 - 1_970;
    // The days of every change in the last and the next years, and of some earlier ones.
    let mut random = Random(0x5eed);
    let mut windows: Vec<(&TimeZone, i64)> = Vec::new();
    for (zone, changes) in &zones {
        let is_recent = |minute: &&i64| (recent..recent + 14).contains(&(**minute / (525_949)));
        windows.extend(changes.iter().filter(is_recent).map(|minute| (zone, *minute)));
        for _ in 0..3 {
            let anywhere = 157_766_400 / 60 + random.below(34_000_000);
            let index = random.below(changes.len().max(1) as i64) as usize;
            windows.push((zone, changes.get(index).copied().unwrap_or(anywhere)));
        }
    }
    assert!(300 < zones.len(), "{} zones", zones.len());
    let each = wanted.div_ceil(windows.len());
    let mut cases = 0;
    for (zone, near) in windows {
        let plan = Plan::random(zone, near, &mut random);
        let calendar = plan.calendar();
        let first = near - WINDOW / 2 + random.below(120) - 60;
        let oracle = Oracle::look(&plan, first, WINDOW);
        for _ in 0..each {
            cases += 1;
            // Half of the cases begin within a day of the change.
            let start = match random.below(2) {
                0 => near - 720 + random.below(1440),
                _ => first + random.below(WINDOW - 1),
            };
            let start = start * 60_000 + random.below(2) * random.below(60_000);
            let end = (start + random.below(2 * 1440 * 60_000)).min((first + WINDOW - 1) * 60_000);
            let (from, to) = (Timestamp::from_millis(start), Timestamp::from_millis(end));
            let told = || {
                format!("{plan:?} from {from} to {to}", plan = (&plan.week, &plan.holidays, zone.iana_name()))
            };

            let worked = oracle.worked(end) - oracle.worked(start);
            assert_eq!(between(&calendar, from, to).as_millis() as i64, worked, "{}", told());

            let minutes = 1 + random.below(3 * 480);
            let expected = oracle.reached(oracle.worked(start) + minutes * 60_000);
            let due = add(&calendar, from, minutes).map(Timestamp::millis);
            match expected {
                Some(expected) => assert_eq!(due, Some(expected), "{minutes} minutes, {}", told()),
                None => assert!(due.is_none_or(|due| (first + WINDOW) * 60_000 <= due), "{}", told()),
            }
        }
    }
    assert!(wanted <= cases);
}
