//! kill -9 at each step of taking mail in (K1 to K12) and sending it (S1 to S8), against Dovecot and aiosmtpd: each mail
//! exactly once, each answer at least once with one Message-ID, by no process twice, and not again and again where the
//! process dies again and again. `KILL_POINT_ROUNDS` sets how many rounds (default 50).
//!
//! Half of a mail sent (S5) is here: DATA accepted, nothing of it sent, because the library writes it in one piece.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::dovecot::Dovecot;
use crate::support::mail::{account, mail};
use crate::support::process::{Process, administrator, database};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::eventually;

const POINTS: &[&str] = &[
    "K1", "S1", "K2", "S2", "K3", "S3", "K4", "S4", "K5", "S5", "K6", "S6", "K7", "S7", "K8", "S8", "K9",
    "K10", "K11", "K12",
];
/// Those that a round passes several times.
const MANY: &[&str] = &["K3", "K4", "K5", "K6", "K7", "K8", "K11", "K12"];
/// Mails that arrive in each round.
const MAILS: usize = 2;
/// How long a round may take until its process dies; where a point is not reached it is killed.
const ROUND: Duration = Duration::from_millis(1500);
/// How many mails leave at a time: so many may have arrived without the process having written it down when it dies.
const AT_A_TIME: usize = 4;
/// Seconds between the second and the third attempt at a mail whose process died twice, at the least.
const PAUSE: f64 = 240.0;

fn now() -> f64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_wherever_the_process_dies() {
    let (Some(dovecot), Some(smtp)) = (Dovecot::start(), SmtpServer::start(Mode::RequireLogin)) else {
        return;
    };
    let rounds: usize =
        std::env::var("KILL_POINT_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let began = Instant::now();
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (email, key) = administrator(&data);
    let process = Process::serve(&data);
    let ann = process.client(&email, &key);
    let id = account(&ann, &dovecot, Some(&smtp)).await;
    ann.put(&format!("/anytime/emailAccounts/{id}"), json!({ "pollInterval": 5 })).await.expect(200);
    let lena =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    let lena = ann.post("/contacts", lena).await.expect(201)["id"].clone();
    let first = json!({
        "subject": "Answers", "channel": "email", "contactId": lena, "message": { "type": "note", "plainBody": "x" },
    });
    let conversation =
        ann.post("/anytime/conversations", first).await.expect(201)["conversation"]["id"].clone();
    drop(process);

    let mut died: BTreeMap<&str, usize> = BTreeMap::new();
    let mut promised = BTreeSet::new();
    let mut starts = Vec::new();
    for round in 0..rounds {
        let point = POINTS[round % POINTS.len()];
        // What happens to each mail is also died of at the second one.
        let times = if MANY.contains(&point) { 1 + (round / POINTS.len()) % 2 } else { 1 };
        for index in 0..MAILS {
            let headers = [format!("Message-ID: <{round}.{index}@customer.example>")];
            let body = "All work and no play makes a dull mail.\n".repeat(60);
            let subject = format!("nonce {round}-{index}");
            dovecot.deliver(
                "support",
                &mail("lena@customer.example", "support@desk.example", &subject, &[&headers[0]], &body),
            );
        }
        if point == "S6" {
            smtp.hang_after_dot(true);
        }
        let before = smtp.received().len();
        starts.push(now());
        let Some(mut process) = Process::serve_until(&data, &format!("{point}:{times}")) else {
            *died.entry(point).or_default() += 1;
            continue;
        };
        let ann = process.client(&email, &key);
        let answer = json!({ "type": "email", "subject": format!("answer {round}"), "plainBody": "Hello" });
        let path = format!("/anytime/conversations/{conversation}/messages");
        let sent = ann.request(reqwest::Method::POST, &path).json(&answer).send().await;
        if sent.is_ok_and(|response| response.status() == 201) {
            promised.insert(format!("answer {round}"));
        }
        let check = tokio::spawn(async move {
            let path = format!("/anytime/emailAccounts/{id}/check");
            ann.request(reqwest::Method::POST, &path).json(&json!({})).send().await.ok();
        });
        let end = Instant::now() + ROUND;
        while !process.has_ended() && Instant::now() < end {
            if point == "S6" && before < smtp.received().len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        *died.entry(point).or_default() += usize::from(process.has_ended() || point == "S6");
        process.kill();
        smtp.hang_after_dot(false);
        check.abort();
    }

    starts.push(now());
    let process = Process::serve(&data);
    let ann = process.client(&email, &key);
    eventually("the mailbox to be drained", async || {
        ann.post(&format!("/anytime/emailAccounts/{id}/check"), json!({})).await.expect(200);
        (dovecot.count("support") == 0).then_some(())
    })
    .await;
    eventually("everything to be sent", async || {
        let waiting = ann.get("/anytime/outgoingMails?state=queued").await.expect(200);
        for mail in waiting["outgoingMails"].as_array().unwrap() {
            // Refused while it is being sent.
            ann.post(&format!("/anytime/outgoingMails/{}/retry", mail["id"]), json!({})).await;
        }
        (waiting["total"] == 0).then_some(())
    })
    .await;
    drop(process);

    let db = database(&data);
    let number = |sql: &str| db.read(|s| s.number(sql, [])).unwrap();
    let subjects: Vec<String> = db
        .read(|s| {
            s.all("SELECT subject FROM conversation WHERE subject LIKE 'nonce %'", [], |row| row.get(0))
        })
        .unwrap();
    let distinct: BTreeSet<&String> = subjects.iter().collect();
    assert_eq!((subjects.len(), distinct.len()), (rounds * MAILS, rounds * MAILS), "every mail exactly once");
    assert_eq!(
        number("SELECT count(*) FROM inbound_mail WHERE outcome = 'created'"),
        (rounds * MAILS) as i64
    );
    let without_raw = "SELECT count(*) FROM message m LEFT JOIN inbound_mail i ON i.id = m.inbound_mail_id
        LEFT JOIN blob b ON b.id = i.blob_id WHERE m.sender_type = 'contact' AND b.id IS NULL";
    assert_eq!(number(without_raw), 0, "no message without its raw mail");

    // By subject: the Message-ID of each copy, the process that sent it, and when.
    let mut copies: BTreeMap<String, Vec<(String, usize, f64)>> = BTreeMap::new();
    for received in smtp.received() {
        let subject = received.header("Subject").unwrap().split(" [#").next().unwrap().to_owned();
        let process = starts.partition_point(|start| *start <= received.connected_at);
        let id = received.header("Message-ID").unwrap().to_owned();
        copies.entry(subject).or_default().push((id, process, received.connected_at));
    }
    for promise in &promised {
        assert!(copies.contains_key(promise), "{promise} was promised and never sent");
    }
    let mut in_doubt = vec![0; starts.len() + 1];
    for (subject, copies) in &mut copies {
        assert!(
            copies.iter().all(|copy| copy.0 == copies[0].0),
            "{subject} has several Message-IDs: {copies:?}"
        );
        copies.sort_by_key(|copy| copy.1);
        for (earlier, later) in copies.iter().zip(&copies[1..]) {
            assert_ne!(earlier.1, later.1, "one process sent {subject} twice");
            in_doubt[earlier.1] += 1;
        }
        // In the last process all that still waits is sent by hand.
        for (second, third) in
            copies[1..].iter().zip(copies.iter().skip(2)).filter(|pair| pair.1.1 < starts.len())
        {
            assert!(PAUSE <= third.2 - second.2, "{subject} was sent again too soon: {copies:?}");
        }
    }
    let surplus: usize = in_doubt.iter().sum();
    assert!(
        in_doubt.iter().all(|number| *number <= AT_A_TIME),
        "more mails in doubt than leave at a time, by process: {in_doubt:?}"
    );
    for pragma in ["quick_check", "integrity_check"] {
        assert_eq!(
            number(&["SELECT count(*) FROM pragma_", pragma, " WHERE ", pragma, " <> 'ok'"].concat()),
            0
        );
    }
    assert_eq!(number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    db.write_async(|tx| tx.batch("INSERT INTO search (search) VALUES ('integrity-check')")).await.unwrap();
    println!(
        "{rounds} rounds in {:.0} s: {} mails once, {} answers promised, {} sent, {surplus} copies of mails in doubt; died at {died:?}",
        began.elapsed().as_secs_f64(),
        subjects.len(),
        promised.len(),
        copies.len(),
    );
    let unreached: Vec<&&str> = POINTS
        .iter()
        .filter(|point| rounds >= POINTS.len() && died.get(**point).copied().unwrap_or(0) == 0)
        .collect();
    assert!(unreached.is_empty(), "never died at {unreached:?}");
}
