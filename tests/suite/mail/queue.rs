//! The queue out against servers that put mail off, are away for days, or are many mails behind; and what a queued mail
//! keeps, whatever changes meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::dovecot::Dovecot;
use crate::support::mail::{account, mail};
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::process::{Process, administrator, database};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::{PATIENCE, change, eventually};

async fn sends_through(room: &Mailroom, port: u16) {
    let server = json!({ "smtpServer": "127.0.0.1", "smtpPort": port, "smtpSecurity": "none" });
    room.ann.put(&format!("/anytime/emailAccounts/{}", room.account), server).await.expect(200);
}

async fn newest(room: &Mailroom) -> Value {
    room.ann.get("/anytime/outgoingMails").await.expect(200)["outgoingMails"][0].clone()
}

/// Moves the clock and does what the job does then.
async fn later(room: &Mailroom, span: Duration) {
    room.desk.advance(span);
    anytime::jobs::send_due(&room.desk.app).await.unwrap();
}

/// Waits until a mail was tried `times` times.
async fn tried(room: &Mailroom, times: i64) -> Value {
    eventually("the mail to be tried", async || {
        let is_free = room.desk.number("SELECT count(*) FROM outgoing_mail WHERE lease_until <> 0") == 0;
        let mail = newest(room).await;
        (mail["attempts"] == times && is_free).then_some(mail)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greylisted_mail_is_delivered_once_at_the_second_try() {
    let Some(smtp) = SmtpServer::start(Mode::Open) else { return };
    let room = Mailroom::open().await;
    sends_through(&room, smtp.plain_port).await;
    room.receive(&mail("Grey <grey@customer.example>", DESK, "Broken chain", &[], "Help")).await;
    room.answer().await;
    let put_off = tried(&room, 1).await;
    assert_eq!(
        (&put_off["state"], &put_off["recipients"][0]["state"]),
        (&json!("queued"), &json!("deferred"))
    );
    assert!(put_off["lastError"].as_str().unwrap().contains("Greylisted"), "{put_off}");
    let wait = room.desk.number("SELECT next_attempt_at - created_at FROM outgoing_mail");
    assert!((48_000..=72_000).contains(&wait), "a minute, a fifth more or less: {wait} ms");
    assert!(smtp.received().is_empty());
    later(&room, Duration::from_secs(120)).await;
    let sent = smtp.wait_for(1, PATIENCE);
    assert_eq!(sent[0].header("Message-ID").unwrap().trim_matches(['<', '>']), put_off["internetMessageId"]);
    eventually("the mail to count as sent", async || (newest(&room).await["state"] == "sent").then_some(()))
        .await;
    assert_eq!(smtp.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_for_six_days_ends_in_a_failure_that_shows() {
    let room = Mailroom::open().await;
    // Nobody listens there.
    sends_through(&room, 1).await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    room.answer().await;
    tried(&room, 1).await;
    let mut waits = Vec::new();
    for attempt in 2..=9 {
        let due = "SELECT next_attempt_at FROM outgoing_mail";
        let wait = room.desk.number(due) - room.desk.app.now().millis();
        waits.push(wait / 60_000);
        later(&room, Duration::from_millis(wait.max(0) as u64 + 1)).await;
        tried(&room, attempt).await;
    }
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1] + pair[1] / 2) && waits[7] > 180, "{waits:?}");
    assert_eq!(newest(&room).await["state"], "queued");
    later(&room, Duration::from_secs(6 * 24 * 3600)).await;
    let failed = eventually("the mail to be given up", async || {
        let mail = newest(&room).await;
        (mail["state"] == "failed").then_some(mail)
    })
    .await;
    assert!(failed["lastError"].as_str().unwrap().starts_with("given up after five days"), "{failed}");
    assert_eq!(room.last_message().await["sendStatus"], "failed");
    assert_eq!(room.desk.number("SELECT count(*) FROM event WHERE kind = 'mailFailed'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_mails_that_are_due_together_leave_a_few_at_a_time() {
    let Some(smtp) = SmtpServer::start(Mode::Open) else { return };
    let room = Mailroom::open().await;
    room.receive(&mail("Slow <slow@customer.example>", DESK, "Broken chain", &[], "Help")).await;
    for _ in 0..12 {
        room.answer().await;
    }
    assert_eq!(room.desk.number("SELECT count(*) FROM outgoing_mail WHERE state = 'held'"), 12);
    sends_through(&room, smtp.plain_port).await;
    change(&room.desk, |tx| {
        tx.run("UPDATE outgoing_mail SET state = 'queued', next_attempt_at = 0", []).map(|_| ())
    })
    .await;
    let most = std::cell::Cell::new(0);
    eventually("all to be sent", async || {
        let leased = room.desk.number("SELECT count(*) FROM outgoing_mail WHERE lease_until <> 0");
        most.set(most.get().max(leased));
        (room.desk.number("SELECT count(*) FROM outgoing_mail WHERE state = 'sent'") == 12).then_some(())
    })
    .await;
    assert!((1..=4).contains(&most.get()), "{} at a time", most.get());
    assert_eq!(smtp.received().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_mail_keeps_its_recipients_whatever_becomes_of_the_contact() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    room.answer().await;
    let before = newest(&room).await["recipients"].clone();
    let eve = json!({ "name": "Eve", "identities": [{ "type": "email", "value": "eve@evil.example" }] });
    let eve = room.ann.post("/contacts", eve).await.expect(201)["id"].clone();
    room.ann.put("/anytime/conversations/1", json!({ "contactId": eve })).await.expect(200);
    let lena = room.ann.get("/contacts").await.expect(200)["contacts"].as_array().unwrap().clone();
    let lena = lena.iter().find(|contact| contact["name"] == "Lena").unwrap()["id"].clone();
    room.ann.delete(&format!("/contacts/{lena}")).await;
    assert_eq!(newest(&room).await["recipients"], before);
    assert_eq!(room.last_message().await["to"], "lena@customer.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_what_we_wrote_first_joins_and_stays_its_writers() {
    let room = Mailroom::open().await;
    let lena =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    let lena = room.ann.post("/contacts", lena).await.expect(201)["id"].clone();
    let first = json!({
        "subject": "Your order", "channel": "email", "contactId": lena,
        "message": { "type": "email", "plainBody": "It is late.", "cc": "tom@customer.example" },
    });
    room.ann.post("/anytime/conversations", first).await.expect(201);
    let ours = newest(&room).await["internetMessageId"].as_str().unwrap().to_owned();
    for from in ["Lena <lena@customer.example>", "Tom <tom@customer.example>"] {
        let reply = mail(from, DESK, "How late?", &[&format!("In-Reply-To: <{ours}>")], from);
        let row = room.receive(&reply).await;
        assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("appended"), &json!(1)), "{row}");
        let thread = room.ann.get("/anytime/conversations/1/messages?include=sender").await.expect(200);
        let last = thread["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["sender"]["name"], from.split(' ').next().unwrap(), "the author is who is in From");
        assert_eq!(last["isThirdParty"], false);
    }
    let conversation = room.ann.get("/anytime/conversations/1").await.expect(200);
    assert_eq!(conversation["conversation"]["contactId"], lena);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_automatic_mail_of_ours_joins_by_its_token() {
    let room = Mailroom::open().await;
    room.ann.put("/anytime/mailTemplates/acknowledgement", json!({ "isEnabled": true })).await.expect(200);
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let told = eventually("the acknowledgement", async || {
        let mail = newest(&room).await;
        mail["internetMessageId"].as_str().map(str::to_owned)
    })
    .await;
    // Apple Mail leaves only the last Message-ID in References, and the customer changes the subject.
    let reply = mail(LENA, DESK, "Thanks", &[&format!("References: <{told}>")], "One more thing");
    let row = room.receive(&reply).await;
    assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("appended"), &json!(1)), "{row}");
    assert_eq!(row["matchedBy"], "signed token in References");
    // An answer in the portal is told by mail, whose subject has no number.
    let lena =
        room.ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["contactId"].clone();
    let portal = json!({
        "subject": "In the portal", "channel": "portal", "contactId": lena,
        "message": { "type": "reply", "plainBody": "Hello" },
    });
    room.ann.post("/anytime/conversations", portal).await.expect(201);
    room.ann
        .post("/anytime/conversations/2/messages", json!({ "type": "reply", "plainBody": "In the portal" }))
        .await
        .expect(201);
    let news = eventually("the news of an answer", async || {
        let mail = newest(&room).await;
        let id = mail["internetMessageId"].as_str()?.to_owned();
        (id != told).then_some(id)
    })
    .await;
    let row = room.receive(&mail(LENA, DESK, "Re: news", &[&format!("In-Reply-To: <{news}>")], "Good")).await;
    assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("appended"), &json!(2)), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_being_sent_cannot_be_sent_beside_itself() {
    let Some(smtp) = SmtpServer::start(Mode::Open) else { return };
    let room = Mailroom::open().await;
    sends_through(&room, smtp.plain_port).await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    smtp.hang_after_dot(true);
    room.answer().await;
    smtp.wait_for(1, PATIENCE);
    let mail = newest(&room).await;
    let refused =
        room.ann.post(&format!("/anytime/outgoingMails/{}/retry", mail["id"]), json!({})).await.error(409);
    assert_eq!(refused, format!("outgoing mail {} is being sent at this moment", mail["id"]));
    smtp.hang_after_dot(false);
    eventually("the mail to be sent", async || (newest(&room).await["state"] == "sent").then_some(())).await;
    assert_eq!(smtp.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_the_answer_to_a_mail_that_is_being_sent() {
    let (Some(dovecot), Some(smtp)) = (Dovecot::start(), SmtpServer::start(Mode::Open)) else { return };
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (email, key) = administrator(&data);
    let process = Process::serve(&data);
    let ann = process.client(&email, &key);
    account(&ann, &dovecot, Some(&smtp)).await;
    let lena =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    let lena = ann.post("/contacts", lena).await.expect(201)["id"].clone();
    smtp.hang_after_dot(true);
    let message = json!({ "type": "email", "plainBody": "Hello Lena" });
    let new = json!({ "subject": "Your chain", "channel": "email", "contactId": lena, "message": message });
    ann.post("/anytime/conversations", new).await.expect(201);
    smtp.wait_for(1, PATIENCE);
    process.terminate();
    eventually("it to take no more requests", async || reqwest::get(&process.url).await.err()).await;
    smtp.hang_after_dot(false);
    process.wait();
    let sent = "SELECT count(*) FROM outgoing_mail WHERE state = 'sent'";
    assert_eq!(database(&data).read(|s| s.number(sent, [])).unwrap(), 1);
}
