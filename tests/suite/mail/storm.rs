//! Mail that is too much, poisonous or in circles: each is bounded, and the rest flows on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::{PATIENCE, change, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_be_processed_is_set_aside_after_three_tries_and_stops_no_other() {
    let room = Mailroom::open().await;
    change(&room.desk, |tx| {
        tx.batch(
            "CREATE TRIGGER poison BEFORE INSERT ON message WHEN new.subject = 'poison'
             BEGIN SELECT raise(ABORT, 'this mail is poison'); END",
        )
    })
    .await;
    room.receive(&mail(LENA, DESK, "poison", &[], "x")).await;
    for number in 0..9 {
        room.receive(&mail(LENA, DESK, &format!("good {number}"), &[], "x")).await;
    }
    assert_eq!(room.desk.number("SELECT count(*) FROM inbound_mail WHERE outcome = 'created'"), 9);
    eventually("three tries", async || {
        room.desk.advance(Duration::from_secs(60));
        room.ann.post(&format!("/anytime/emailAccounts/{}/check", room.account), json!({})).await.expect(200);
        (room.desk.number("SELECT count(*) FROM inbound_mail WHERE outcome IS NULL") == 0).then_some(())
    })
    .await;
    let set_aside = room.ann.get("/anytime/inboundMails?outcome=quarantined").await.expect(200);
    assert_eq!(set_aside["total"], 1);
    let row = &set_aside["inboundMails"][0];
    assert!(row["reason"].as_str().unwrap().contains("could not be processed"), "{row}");
    let raw = room.ann.request(reqwest::Method::GET, &format!("/anytime/inboundMails/{}/raw", row["id"]));
    assert!(raw.send().await.unwrap().bytes().await.unwrap().ends_with(b"x\r\n"));
    // Once the cause is gone, it becomes what it would have been.
    change(&room.desk, |tx| tx.batch("DROP TRIGGER poison")).await;
    let again =
        room.ann.post(&format!("/anytime/inboundMails/{}/retry", row["id"]), json!({})).await.expect(200);
    assert_eq!(again["inboundMail"]["outcome"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_small_attachments_come_in_and_what_is_over_the_limit_is_named() {
    let room = Mailroom::open().await;
    let mut text = format!(
        "From: {LENA}\r\nTo: {DESK}\r\nSubject: Many\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHere they are\r\n"
    );
    for number in 0..1000 {
        text += &format!(
            "--b\r\nContent-Type: application/octet-stream\r\n\
             Content-Disposition: attachment; filename=\"{number}.bin\"\r\n\r\nx\r\n"
        );
    }
    text += "--b--\r\n";
    let began = Instant::now();
    let row = room.receive(text.as_bytes()).await;
    assert_eq!(row["outcome"], "created", "{row}");
    assert!(began.elapsed() < PATIENCE);
    let kept = room.desk.number("SELECT count(*) FROM attachment");
    // Parts beyond the most that are read are told of, not lost: the original has them.
    assert!((900..=1000).contains(&kept), "{kept}");
    assert!(kept == 1000 || row["reason"].as_str().unwrap().contains("too many parts"), "{row}");

    // 11 MiB twice: the second is over what a conversation may hold.
    let big = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, vec![7_u8; 11 << 20]);
    let part = |name: &str| {
        format!(
            "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{big}\r\n"
        )
    };
    let text = format!(
        "From: {LENA}\r\nTo: {DESK}\r\nSubject: Big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nHere\r\n{}{}--b--\r\n",
        part("one.bin"),
        part("two.bin"),
    );
    let row = room.receive(text.as_bytes()).await;
    let thread =
        room.ann.get(&format!("/anytime/conversations/{}/messages", row["conversationId"])).await.expect(200);
    let messages = thread["messages"].as_array().unwrap();
    assert_eq!(messages[0]["plainBody"], "Here", "the message is kept");
    assert!(messages[1]["plainBody"].as_str().unwrap().contains("two.bin"), "{}", messages[1]);
    assert!(!messages[1]["plainBody"].as_str().unwrap().contains("one.bin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_that_acknowledge_each_others_mail_stop_at_once() {
    let (Some(smtp), Some(other_smtp)) = (SmtpServer::start(Mode::Open), SmtpServer::start(Mode::Open))
    else {
        return;
    };
    let (here, there) = (Mailroom::open().await, Mailroom::open().await);
    for (room, smtp, email) in [(&here, &smtp, DESK), (&there, &other_smtp, "help@other.example")] {
        let server = json!({
            "email": email, "smtpServer": "127.0.0.1", "smtpPort": smtp.plain_port, "smtpSecurity": "none",
        });
        room.ann.put(&format!("/anytime/emailAccounts/{}", room.account), server).await.expect(200);
        room.ann
            .put("/anytime/mailTemplates/acknowledgement", json!({ "isEnabled": true }))
            .await
            .expect(200);
    }
    // A mail whose sender is the other desk's address.
    here.receive(&mail("Help <help@other.example>", DESK, "A question", &["Message-ID: <1@o>"], "Hello"))
        .await;
    let acknowledgement = smtp.wait_for(1, PATIENCE).remove(0);
    assert_eq!(acknowledgement.from, "", "nobody is told of its bounce");
    assert_eq!(acknowledgement.header("Auto-Submitted"), Some("auto-replied"));
    let row = there.receive(&acknowledgement.bytes()).await;
    assert_ne!(row["kind"], "human", "{row}");
    let behind =
        "SELECT count(*) FROM event WHERE (SELECT event_id FROM cursor WHERE consumer = 'notification') < id";
    eventually("the other desk", async || (there.desk.number(behind) == 0).then_some(())).await;
    assert_eq!(there.desk.number("SELECT count(*) FROM outgoing_mail"), 0, "one mail, and no answer to it");
    // Our own mail that comes back to us makes nothing at all.
    let row = here.receive(&acknowledgement.bytes()).await;
    assert_eq!(
        (&row["outcome"], &row["matchedBy"]),
        (&json!("ignored"), &json!("X-Anytime-Instance")),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_joins_nothing_at_a_constant_cost_and_makes_one_contact() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let ours = room.answer().await;
    let (token, domain) = ours.split_once('@').unwrap();
    let forged: Vec<String> = (0..5000)
        .map(|number| {
            format!("<{}{number:04x}@{domain}>", &token[..token.len() - 4]).replace(['0', '1', '8', '9'], "a")
        })
        .collect();
    let eve = "Eve <eve@evil.example>";
    let quick = Instant::now();
    room.receive(&mail(eve, DESK, "plain", &[], "x")).await;
    let plain = quick.elapsed();
    let slow = Instant::now();
    let row = room
        .receive(&mail(eve, DESK, "Re: [#1]", &[&format!("References: {}", forged.join("\r\n\t"))], "x"))
        .await;
    assert_eq!(row["outcome"], "created");
    assert!(slow.elapsed() < plain + Duration::from_secs(3), "{:?} and {plain:?}", slow.elapsed());
    for chunk in forged.chunks(250).take(10) {
        let row = room
            .receive(&mail(eve, DESK, "Re: [#1]", &[&format!("In-Reply-To: {}", chunk[0])], &chunk[0]))
            .await;
        assert_eq!(row["outcome"], "created");
        assert_eq!(row["matchedBy"], Value::Null);
    }
    assert_eq!(
        room.desk.number("SELECT count(*) FROM message WHERE conversation_id = 1"),
        2,
        "nothing joined"
    );
    let eves = "SELECT count(*) FROM contact_identity WHERE value = 'eve@evil.example'";
    assert_eq!(room.desk.number(eves), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_neither_loses_nor_doubles_mail() {
    let Some(smtp) = SmtpServer::start(Mode::Open) else { return };
    let room = Mailroom::open().await;
    let server = json!({ "smtpServer": "127.0.0.1", "smtpPort": smtp.plain_port, "smtpSecurity": "none" });
    room.ann.put(&format!("/anytime/emailAccounts/{}", room.account), server).await.expect(200);
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    let ours = room.answer().await;
    smtp.wait_for(1, PATIENCE);
    for (number, days) in [1_u64, 365, 365 * 12].into_iter().enumerate() {
        room.desk.advance(Duration::from_secs(days * 86_400));
        let reply =
            mail(LENA, DESK, &format!("later {number}"), &[&format!("In-Reply-To: <{ours}>")], "And?");
        assert_eq!(room.receive(&reply).await["conversationId"], 1, "tokens do not age");
        room.answer().await;
        smtp.wait_for(2 + number, PATIENCE);
    }
    eventually("every mail to count as sent", async || {
        (room.desk.number("SELECT count(*) FROM outgoing_mail WHERE state = 'sent'") == 4).then_some(())
    })
    .await;
    assert_eq!(smtp.received().len(), 4, "once each");
}
