//! Service levels of the demo: two policies, holidays, and the clocks that every conversation has. What is over keeps
//! the due times written here, which count working hours only roughly; open conversations get theirs from the product
//! itself as soon as it runs.

use crate::db::Tx;
use crate::error::Result;

/// First answer, next answer and resolution in minutes; and how much longer that is by the clock on the wall.
struct Policy {
    id: i64,
    minutes: [i64; 3],
    stretch: f64,
}

const PRESSING: Policy = Policy { id: 1, minutes: [240, 480, 2_880], stretch: 1.0 };
/// Nine working hours a day, five days a week.
const OTHERS: Policy = Policy { id: 2, minutes: [480, 720, 3_240], stretch: 24.0 / 9.0 * 7.0 / 5.0 };

/// A conversation whose clocks are written.
pub struct Subject {
    pub id: i64,
    pub created_at: i64,
    /// 1 is urgent, 2 high.
    pub priority: i64,
    pub agent: Option<i64>,
    pub department: Option<i64>,
    pub is_deleted: bool,
}

/// A clock on its way into the file.
struct Clock {
    target: usize,
    cycle: i64,
    started_at: i64,
    opened_at: i64,
    stopped: Option<(i64, Option<i64>)>,
    is_dropped: bool,
}

/// The policies and holidays; and the order to work out what is due.
pub fn write_policies(tx: &Tx<'_>) -> Result<()> {
    for (policy, name, about, is_business) in [
        (&PRESSING, "Urgent and high", "Around the clock", false),
        (&OTHERS, "Everybody else", "In working hours", true),
    ] {
        let [first, next, resolve] = policy.minutes;
        tx.insert(
            "INSERT INTO sla_policy (id, name, description, first_minutes, next_minutes, resolve_minutes,
               is_business_hours, match_when, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'any', ?1)",
            (policy.id, name, about, first, next, resolve, is_business),
        )?;
    }
    for (number, priority) in ["urgent", "high"].into_iter().enumerate() {
        tx.insert(
            "INSERT INTO condition (sla_policy_id, number, field_id, match_type, value) VALUES (?, ?, 6, 'is', ?)",
            (PRESSING.id, number as i64 + 1, priority),
        )?;
    }
    for (title, date) in [
        ("New Year's Day", "2020-01-01"),
        ("Labour Day", "2020-05-01"),
        ("German Unity Day", "2020-10-03"),
        ("Christmas Day", "2020-12-25"),
        ("Second Day of Christmas", "2020-12-26"),
    ] {
        tx.insert("INSERT INTO holiday (title, date, is_yearly) VALUES (?, ?, 1)", (title, date))?;
    }
    tx.run("INSERT INTO sla_sweep (id, after_id) VALUES (1, 0)", [])?;
    Ok(())
}

/// `turns` are what was said, in order: when, and by which agent (0 is the contact). `closings` are the times at which
/// it was closed (true) and opened again (false).
pub fn write(tx: &Tx<'_>, about: &Subject, turns: &[(i64, i64)], closings: &[(i64, bool)]) -> Result<()> {
    let policy = if about.priority <= 2 { &PRESSING } else { &OTHERS };
    let mut clocks = answers(about, turns, closings);
    clocks.extend(resolutions(about, closings));
    let now = tx.now().millis();
    let mut dues: [Option<i64>; 3] = [None; 3];
    for clock in &clocks {
        let span = (policy.minutes[clock.target] as f64 * policy.stretch * 60_000.0) as i64;
        let due = clock.started_at + span;
        let ends = match clock.is_dropped {
            true => closings.last().map_or(now, |(at, _)| *at),
            false => clock.stopped.map_or(now, |(at, _)| at),
        };
        let is_running = clock.stopped.is_none() && !clock.is_dropped;
        if is_running {
            dues[clock.target] = Some(due);
        }
        let due = (!about.is_deleted || !is_running).then_some(due);
        tx.run(
            "INSERT INTO clock (conversation_id, target, cycle, started_at, opened_at, stopped_at, is_dropped,
               sla_policy_id, due_at, breached_at, opened_agent_id, opened_department_id, stopped_agent_id,
               stopped_department_id)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rusqlite::params![
                about.id,
                clock.target as i64 + 1,
                clock.cycle,
                clock.started_at,
                clock.opened_at,
                clock.stopped.map(|(at, _)| at),
                clock.is_dropped,
                policy.id,
                due,
                due.filter(|due| *due < ends),
                about.agent,
                about.department,
                clock.stopped.and_then(|(_, agent)| agent),
                clock.stopped.and(about.department),
            ],
        )?;
    }
    if about.is_deleted {
        dues = [None; 3];
    }
    tx.run(
        "UPDATE conversation SET sla_policy_id = ?, first_respond_due_at = ?, next_respond_due_at = ?,
           resolve_due_at = ?, next_breach_at = ? WHERE id = ?",
        (policy.id, dues[0], dues[1], dues[2], dues.iter().flatten().min(), about.id),
    )?;
    Ok(())
}

/// Waits for an answer: the first, and each next one.
fn answers(about: &Subject, turns: &[(i64, i64)], closings: &[(i64, bool)]) -> Vec<Clock> {
    let mut clocks: Vec<Clock> = Vec::new();
    let mut is_waiting = false;
    for (place, (at, agent)) in turns.iter().enumerate() {
        match agent {
            0 if !is_waiting => {
                let is_first = place == 0;
                let cycle = clocks.iter().filter(|clock| clock.target == 1).count() as i64 + 1;
                let started_at = if is_first { about.created_at } else { *at };
                clocks.push(Clock {
                    target: usize::from(!is_first),
                    cycle: if is_first { 1 } else { cycle },
                    started_at,
                    opened_at: started_at,
                    stopped: None,
                    is_dropped: false,
                });
                is_waiting = true;
            }
            0 => {}
            agent => {
                if let Some(clock) = clocks.last_mut().filter(|_| is_waiting) {
                    clock.stopped = Some((*at, Some(*agent)));
                }
                is_waiting = false;
            }
        }
    }
    let is_closed = closings.last().is_some_and(|(_, is_closed)| *is_closed);
    if let Some(last) = clocks.last_mut().filter(|last| is_waiting && is_closed && last.target == 1) {
        last.is_dropped = true;
    }
    clocks
}

/// Waits to be closed, one for each time it was open.
fn resolutions(about: &Subject, closings: &[(i64, bool)]) -> Vec<Clock> {
    let open = |cycle: i64, opened_at: i64| Clock {
        target: 2,
        cycle,
        started_at: about.created_at,
        opened_at,
        stopped: None,
        is_dropped: false,
    };
    let mut clocks = vec![open(1, about.created_at)];
    for (at, is_closed) in closings {
        let cycle = clocks.len() as i64;
        let Some(last) = clocks.last_mut() else { break };
        match (is_closed, last.stopped.is_some()) {
            (true, false) => last.stopped = Some((*at, about.agent)),
            (false, true) => clocks.push(open(cycle + 1, *at)),
            _ => {}
        }
    }
    clocks
}
