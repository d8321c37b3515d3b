//! Both interpreters of a predicate say the same: SQL finds exactly the conversations that the evaluator accepts by their
//! facts, for thousands of random predicates over conversations with missing, strange and repeated values.

use anytime::db::{Snapshot, Tx};
use anytime::desk::conversation::facts;
use anytime::desk::{Actor, condition, field};
use anytime::error::Result;
use anytime::ids::{AgentId, ConversationId, DepartmentId, FieldId};
use anytime::rules::eval::{self, Trace};
use anytime::rules::sql::Where;
use anytime::rules::{
    Catalogue, Compare, Condition, Domain, Entry, Facts, FieldType, Formula, MatchType, Moment, Predicate,
    Test, Value, When, parse,
};
use rusqlite::ToSql;

use crate::support::test_desk::{TestDesk, change};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    fn maybe<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (self.roll(4) != 0).then(|| self.pick(from))
    }
}

const CONVERSATIONS: usize = 160;
const PREDICATES: usize = 5000;
const NOW: &str = "2026-01-05T09:00:00Z";
const TEXTS: [&str; 8] =
    ["Invoice 12", "ÉCOLE fermée", "école", "straße", "100% _sure_", "ΣΊΣΥΦΟΣ", "12", "invoice 12"];
const NEEDLES: [&str; 12] =
    ["invoice 12", "INVOICE", "École", "ecole", "σίσυφος", "%", "_", "12", "STRASSE", "ß", "", " "];
const DAYS: [&str; 9] = [
    "2026-01-05",
    "2026-01-04",
    "@today",
    "@yesterday",
    "@last 3 days",
    "@this week",
    "@last month",
    "2026-01-05T08:00:00Z",
    "",
];

/// A field of every type, with its values spread over the conversations.
fn fill(tx: &Tx<'_>, dice: &mut Dice) -> Result<()> {
    tx.batch(
        "INSERT INTO department (id, name) VALUES (1, 'Billing'), (2, 'Sales');
         INSERT INTO tag (id, name) VALUES (1, 'vip'), (2, 'bug'), (3, 'spam');
         INSERT INTO contact (id, name, company, created_at, updated_at)
           VALUES (1, 'A', 'École SA', 0, 0), (2, 'B', '', 0, 0), (3, 'C', 'invoice 12', 0, 0);
         INSERT INTO contact_identity (contact_id, type, value) VALUES (1, 'email', 'Ann@École.example'),
           (3, 'email', 'c12@example.com'), (2, 'externalId', 'x');",
    )?;
    for (index, kind) in FieldType::ALL.into_iter().enumerate() {
        let id = 1000 + index as i64;
        tx.run(
            "INSERT INTO field (id, name, type) VALUES (?, ?, ?)",
            (id, format!("My {}", kind.name()), kind),
        )?;
        if kind.has_options() {
            for option in 1..=3_i64 {
                let name = format!("Option {option}");
                tx.run(
                    "INSERT INTO field_option (id, field_id, name, value, position) VALUES (?1, ?2, ?3, ?3, ?1)",
                    (id * 10 + option, id, name),
                )?;
            }
        }
    }
    let base = tx.now().millis();
    let times: Vec<i64> = (0..12).map(|step| base - step * 11 * 3_600_000).collect();
    for id in 1..=CONVERSATIONS as i64 {
        tx.run(
            "INSERT INTO conversation (id, subject, channel, status, priority, contact_id, agent_assignee_id,
               department_assignee_id, received_from, is_read, created_by_type, created_at, last_activity_at,
               last_status_change_at, last_replied_at, closed_at, total_replies, listed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'system', ?, ?, ?, ?, ?, ?, 0)",
            rusqlite::params![
                id,
                dice.pick(&TEXTS),
                dice.pick(&[1, 2, 3, 7]),
                1 + dice.roll(5) as i64,
                1 + dice.roll(4) as i64,
                dice.maybe(&[1, 2, 3]),
                dice.maybe(&[1, 2]),
                dice.maybe(&[1, 2]),
                dice.maybe(&["support@example.com", "École@example.com", ""]),
                dice.roll(2) as i64,
                dice.pick(&times),
                dice.pick(&times),
                dice.pick(&times),
                dice.maybe(&times),
                dice.maybe(&times),
                dice.roll(4) as i64,
            ],
        )?;
        for tag in 1..=3 {
            if dice.roll(3) == 0 {
                tx.run("INSERT INTO conversation_tag VALUES (?, ?)", (id, tag))?;
            }
        }
        tx.run(
            "INSERT INTO message (id, conversation_id, type, sender_type, created_at) VALUES (?1, ?1, 'note', 'agent', 0)",
            [id],
        )?;
        for agent in 1..=2 {
            if dice.roll(4) == 0 {
                tx.run(
                    "INSERT INTO mention (conversation_id, agent_id, message_id) VALUES (?1, ?2, ?1)",
                    (id, agent),
                )?;
            }
        }
        for entry in field::catalogue(tx)?.entries().iter().filter(|entry| !entry.is_system()) {
            for _ in 0..dice.roll(if entry.kind == FieldType::CheckboxList { 4 } else { 2 }) {
                let value = value_of(entry, dice, &times);
                tx.run("INSERT OR IGNORE INTO field_value VALUES (?, ?, ?)", (id, entry.id, value))?;
            }
        }
    }
    Ok(())
}

fn value_of(entry: &Entry, dice: &mut Dice, times: &[i64]) -> Value {
    match entry.domain() {
        Domain::Text => Value::Text(dice.pick(&TEXTS).to_owned()),
        Domain::Real => Value::Real(dice.pick(&[0.0, 1.5, -2.25, 12.0])),
        Domain::Day => Value::Int(dice.pick(times) / 86_400_000 * 86_400_000),
        Domain::Choice => Value::Int(dice.pick(&entry.choices).id),
        Domain::Flag => Value::Int(dice.roll(2) as i64),
        _ => Value::Int(dice.pick(&[1, 2, 12])),
    }
}

fn written(entry: &Entry, dice: &mut Dice) -> String {
    let id = dice.pick(&["1", "2", "3", ""]);
    match entry.domain() {
        Domain::Text => dice.pick(&NEEDLES).to_owned(),
        Domain::Whole => dice.pick(&["0", "1", "2", "12", "100", ""]).to_owned(),
        Domain::Real => dice.pick(&["0", "1.5", "-2.25", "12", "7", ""]).to_owned(),
        Domain::Instant | Domain::Day => dice.pick(&DAYS).to_owned(),
        Domain::Flag => dice.pick(&["true", "0", "1", "False", ""]).to_owned(),
        Domain::Choice => {
            let choice = dice.pick(&entry.choices);
            dice.pick(&[choice.name.to_uppercase(), choice.id.to_string(), String::new()])
        }
        Domain::Agent => dice.pick(&["@me", id]).to_owned(),
        Domain::Department => dice.pick(&["@my departments", id]).to_owned(),
        Domain::Tag | Domain::Contact => id.to_owned(),
    }
}

fn random(catalogue: &Catalogue, moment: &Moment, dice: &mut Dice) -> (Formula, Predicate) {
    loop {
        let count = dice.roll(5);
        let conditions: Vec<Condition> = (1..=count)
            .map(|number| {
                let entry = dice.pick(catalogue.entries());
                let match_type = dice.pick(entry.domain().match_types());
                let mut value = written(&entry, dice);
                if match_type == MatchType::Between {
                    value = [value, written(&entry, dice)].join(",");
                }
                Condition { id: None, number: number as i64, field: entry.id, match_type, value }
            })
            .collect();
        let when = if count == 0 { When::All } else { dice.pick(&When::ALL) };
        let logic_expression = (when == When::LogicalExpression).then(|| logic(dice, count, 3));
        let formula = Formula { when, logic_expression, conditions };
        // Empty values with an ordering are refused; roll again.
        if let Ok(predicate) = parse::predicate(catalogue, moment, &formula) {
            return (formula, predicate);
        }
    }
}

fn logic(dice: &mut Dice, count: usize, depth: usize) -> String {
    if depth == 0 || dice.roll(3) == 0 {
        return (1 + dice.roll(count)).to_string();
    }
    let (left, right) = (logic(dice, count, depth - 1), logic(dice, count, depth - 1));
    let joined = format!("{left} {} {right}", dice.pick(&["and", "or", "AND"]));
    if dice.roll(2) == 0 { format!("({joined})") } else { joined }
}

fn found(s: &Snapshot<'_>, predicate: &Predicate) -> Result<Vec<ConversationId>> {
    let mut conditions = Where::default();
    let sql =
        ["SELECT c.id FROM conversation c WHERE ", &conditions.filter(predicate), " ORDER BY c.id"].concat();
    let params: Vec<(&str, &dyn ToSql)> = conditions.params().collect();
    s.all(&sql, params.as_slice(), |row| row.get(0))
}

async fn scene() -> (TestDesk, Moment, Vec<(ConversationId, Facts)>) {
    let desk = TestDesk::start().await;
    desk.create_agent("luis", false).await;
    change(&desk, |tx| fill(tx, &mut Dice(7))).await;
    let (moment, all) = desk
        .app
        .read(|s| {
            let mut moment = condition::moment(s, desk.clock.now(), &Actor::System, None)?;
            moment.me = Some(AgentId(2));
            moment.departments = vec![DepartmentId(1)];
            let mut all = Vec::new();
            for id in 1..=CONVERSATIONS as i64 {
                all.push((ConversationId(id), facts::of(s, ConversationId(id))?.unwrap()));
            }
            Ok((moment, all))
        })
        .unwrap();
    (desk, moment, all)
}

#[tokio::test]
async fn sql_finds_what_the_evaluator_accepts() {
    let (desk, moment, all) = scene().await;
    let mut dice = Dice(42);
    let mut asked: Vec<(FieldId, MatchType)> = Vec::new();
    let mut decided = [0_usize; 2];
    desk.app
        .read(|s| {
            let catalogue = field::catalogue(s)?;
            for _ in 0..PREDICATES {
                let (formula, predicate) = random(&catalogue, &moment, &mut dice);
                let by_sql = found(s, &predicate)?;
                let by_eval: Vec<ConversationId> = all
                    .iter()
                    .filter(|(_, facts)| eval::holds(&predicate, facts))
                    .map(|(id, _)| *id)
                    .collect();
                assert_eq!(by_sql, by_eval, "{formula:#?}");
                decided[0] += by_sql.len();
                decided[1] += all.len() - by_sql.len();
                asked.extend(
                    formula.conditions.iter().map(|condition| (condition.field, condition.match_type)),
                );
            }
            asked.sort_by_key(|(field, match_type)| (*field, *match_type as i64));
            asked.dedup();
            let possible: usize =
                catalogue.entries().iter().map(|entry| entry.domain().match_types().len()).sum();
            assert_eq!(asked.len(), possible, "every field was asked in every way");
            Ok(())
        })
        .unwrap();
    assert!(decided.iter().all(|count| PREDICATES * CONVERSATIONS / 5 < *count), "{decided:?}");
    assert_eq!(NOW, desk.clock.now().to_string().replace(".000", ""));
}

#[tokio::test]
async fn a_stored_trace_decides_again_what_it_decided() {
    let (desk, moment, all) = scene().await;
    let catalogue = desk.app.read(field::catalogue).unwrap();
    let mut dice = Dice(99);
    for _ in 0..1000 {
        let (_, predicate) = random(&catalogue, &moment, &mut dice);
        let (_, facts) = dice.pick(&all);
        let trace = eval::explain(&predicate, &facts);
        assert_eq!(trace.holds, eval::holds(&predicate, &facts));
        let stored = serde_json::to_string(&trace).unwrap();
        let read: Trace = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, trace);
        assert_eq!(read.again(), trace.holds);
        let kept: Facts = serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
        assert_eq!(kept, facts);
    }
}

#[tokio::test]
async fn a_change_shows_in_the_facts_before_and_after() {
    let (_desk, _, all) = scene().await;
    let (_, facts) = &all[0];
    let before = facts.clone().with(FieldId(5), [Value::Int(99)]).with(FieldId(16), []);
    let mut changed = facts.changed_since(&before);
    changed.retain(|field| *field != FieldId(16));
    assert_eq!(changed, [FieldId(5)]);
}

#[tokio::test]
async fn a_text_is_never_compared_with_a_number() {
    let (desk, ..) = scene().await;
    let catalogue = desk.app.read(field::catalogue).unwrap();
    let status = catalogue.find("status").unwrap();
    assert!(Test::new(status, Compare::Is(Value::Text("new".to_owned())), false).is_err());
    assert!(Test::new(status, Compare::Less(Value::Int(3)), false).is_err());
    assert!(Test::new(catalogue.find("subject").unwrap(), Compare::Is(Value::Int(1)), false).is_err());
}
