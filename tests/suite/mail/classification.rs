//! What kind of mail a mail is, and what delivery reports do.

use std::path::Path;

use anytime::mail::incoming::parse;
use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::PATIENCE;

/// A report about the mail with that Message-ID, by a server that writes what RFC 3464 asks for.
fn report(to: &str, action: &str, status: &str, returned: &str) -> Vec<u8> {
    format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: {DESK}\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nYour mail to <{to}> has a problem.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 {status} no such user here\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: {DESK}\r\nTo: {to}\r\n\
         Message-ID: <{returned}>\r\nSubject: Re: Broken chain\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

/// A conversation of Lena's that was answered and closed; the answer's Message-ID.
async fn answered() -> (Mailroom, String) {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    let id = room.answer().await;
    room.ann.put("/anytime/conversations/1", json!({ "status": "closed" })).await.expect(200);
    (room, id)
}

async fn outgoing(room: &Mailroom) -> Value {
    room.ann.get("/anytime/outgoingMails/1").await.expect(200)["outgoingMail"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_marks_the_recipient_of_the_mail_that_came_back_and_does_nothing_else() {
    let (room, id) = answered().await;
    let before = room.ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    let contacts = room.ann.get("/contacts").await.expect(200)["total"].clone();
    let row = room.receive(&report("lena@customer.example", "failed", "5.1.1", &id)).await;
    assert_eq!((&row["outcome"], &row["kind"]), (&json!("ignored"), &json!("hardBounce")));
    assert!(row["classifiedBy"].as_str().unwrap().contains("Status: 5.1.1"), "{row}");
    assert_eq!(row["matchedBy"], "Message-ID of the mail that came back");
    assert_eq!(row["conversationId"], 1);
    assert!(
        row["reason"].as_str().unwrap().contains("lena@customer.example could not be delivered: 5.1.1"),
        "{row}"
    );
    let mail = outgoing(&room).await;
    assert_eq!((&mail["state"], &mail["recipients"][0]["state"]), (&json!("failed"), &json!("failed")));
    assert!(mail["recipients"][0]["answer"].as_str().unwrap().contains("no such user here"), "{mail}");
    assert_eq!(room.last_message().await["sendStatus"], "failed");
    let after = room.ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!(after, before, "nothing reopens, nothing is unread");
    assert_eq!(room.ann.get("/contacts").await.expect(200)["total"], contacts);
    assert_eq!(room.desk.number("SELECT count(*) FROM outgoing_mail"), 1, "nobody is answered");
    assert_eq!(room.desk.number("SELECT count(*) FROM message WHERE conversation_id = 1"), 2);
    assert_eq!(room.desk.number("SELECT count(*) FROM event WHERE kind = 'mailFailed'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_only_remarked_and_a_full_mailbox_is_a_soft_failure() {
    let (room, id) = answered().await;
    let row = room.receive(&report("lena@customer.example", "delayed", "4.4.1", &id)).await;
    assert_eq!(row["kind"], "delayedBounce");
    let mail = outgoing(&room).await;
    assert_ne!(mail["recipients"][0]["state"], "failed");
    assert!(mail["recipients"][0]["answer"].as_str().unwrap().starts_with("delayed: 4.4.1"), "{mail}");
    assert_ne!(room.last_message().await["sendStatus"], "failed");
    let row = room.receive(&report("lena@customer.example", "failed", "5.2.2", &id)).await;
    assert_eq!(row["kind"], "softBounce");
    assert_eq!(outgoing(&room).await["recipients"][0]["state"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_about_a_strangers_or_a_forged_mail_changes_nothing() {
    let (room, id) = answered().await;
    let forged = id.replacen("c1.1.", "c1.2.", 1);
    for returned in ["nobody@else.example", forged.as_str()] {
        let row = room.receive(&report("lena@customer.example", "failed", "5.1.1", returned)).await;
        assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("ignored"), &Value::Null), "{row}");
    }
    assert_ne!(outgoing(&room).await["state"], "failed");
    assert_ne!(room.last_message().await["sendStatus"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_recipient_that_the_report_names_failed() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    let reply = json!({ "type": "email", "plainBody": "Hi", "cc": "tom@customer.example" });
    let answered = room.ann.post("/anytime/conversations/1/messages", reply.clone()).await;
    if answered.status != 201 {
        // A first-time address needs a word of its own.
        let mut confirmed = reply;
        confirmed["confirmedRecipients"] = json!(["tom@customer.example"]);
        room.ann.post("/anytime/conversations/1/messages", confirmed).await.expect(201);
    }
    let mail = outgoing(&room).await;
    let id = mail["internetMessageId"].as_str().unwrap();
    room.receive(&report("tom@customer.example", "failed", "5.1.1", id)).await;
    let mail = outgoing(&room).await;
    for recipient in mail["recipients"].as_array().unwrap() {
        let is_tom = recipient["address"] == "tom@customer.example";
        assert_eq!(recipient["state"] == "failed", is_tom, "{recipient}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_mail_is_told_with_what_said_so() {
    let room = Mailroom::open().await;
    for (subject, headers, body, kind, by) in [
        ("Hello", &[][..], "Please help", "human", Value::Null),
        (
            "Re: x",
            &["Auto-Submitted: auto-replied"],
            "Thank you",
            "autoReply",
            json!("Auto-Submitted: auto-replied"),
        ),
        (
            "Re: y",
            &["Auto-Submitted: auto-replied"],
            "I am out of the office until Monday",
            "outOfOffice",
            json!("Auto-Submitted: auto-replied"),
        ),
        (
            "Automatische Antwort: z",
            &[],
            "Ich bin im Urlaub",
            "outOfOffice",
            json!("Subject: Automatische Antwort: z"),
        ),
        ("News", &["List-Id: <news.example>"], "Buy", "list", json!("List-ID: <news.example>")),
        ("Offer", &["Precedence: bulk"], "Buy", "bulk", json!("Precedence: bulk")),
        // The subject alone makes nobody a machine.
        ("Automatic reply wanted: which form?", &[], "Please help", "human", Value::Null),
        ("Vacation: can I get my money back?", &[], "I booked the wrong week.", "human", Value::Null),
        // A failed delivery may be a parcel's.
        (
            "Delivery failed",
            &[],
            "Your delivery never arrived; it was returned to you.",
            "human",
            Value::Null,
        ),
        (
            "Delivery failure",
            &[],
            "Your mail could not be delivered:\n550 5.1.1 user unknown",
            "hardBounce",
            json!("Subject: Delivery failure; Status: 5.1.1"),
        ),
        // A person who writes about a report is a person.
        ("Re: Undelivered Mail Returned to Sender", &[], "What does this mean?", "human", Value::Null),
    ] {
        let row = room.receive(&mail(LENA, DESK, subject, headers, body)).await;
        assert_eq!((&row["kind"], &row["classifiedBy"]), (&json!(kind), &by), "{row}");
        let is_report = kind == "hardBounce";
        assert_eq!(row["outcome"], if is_report { "ignored" } else { "created" }, "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_quotes_nothing_is_found_by_the_address_it_was_sent_to() {
    let Some(smtp) = SmtpServer::start(Mode::Open) else { return };
    let room = Mailroom::open().await;
    let server = json!({ "smtpServer": "127.0.0.1", "smtpPort": smtp.plain_port, "smtpSecurity": "none" });
    room.ann.put(&format!("/anytime/emailAccounts/{}", room.account), server).await.expect(200);
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    let ann = room.desk.browser();
    ann.sign_in("ann").await;
    let page = format!("/console/settings/email-accounts/{}/dkim", room.account);
    let csrf = ann.get(&page).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("hasPlusAddresses", "on")];
    assert_eq!(ann.post(&format!("{page}/reports"), &fields).await.status, 303);
    ann.get(&page).await.shows("name=\"hasPlusAddresses\" checked");
    room.answer().await;
    let sent = smtp.wait_for(1, PATIENCE).remove(0);
    assert!(sent.from.starts_with("support+c1.1.") && sent.from.ends_with("@desk.example"), "{}", sent.from);
    assert!(sent.header("From").unwrap().contains("<support@desk.example>"));
    let bare = format!(
        "Return-Path: <>\r\nDelivered-To: {}\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: {}\r\n\
         Subject: failure notice\r\n\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n",
        sent.from, sent.from
    );
    let row = room.receive(bare.as_bytes()).await;
    assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("ignored"), &json!(1)), "{row}");
    assert_eq!(row["matchedBy"], "signed token in Delivered-To");
    assert_eq!(outgoing(&room).await["recipients"][0]["state"], "failed");
    // A forged one is about nothing.
    let forged = bare.replace("+c1.1.", "+c1.2.");
    assert_eq!(room.receive(forged.as_bytes()).await["conversationId"], Value::Null);
}

/// Prints how the corpus of delivery reports is classified; each must be a report.
#[test]
fn real_reports_are_classified_by_kind() {
    let Some(corpus) = std::env::var_os("ANYTIME_CORPUS") else {
        println!("skipped: no corpus");
        return;
    };
    let mut scores: std::collections::BTreeMap<(String, &str), usize> = std::collections::BTreeMap::new();
    let mut missed = Vec::new();
    let (mut named, mut returned, mut reports) = (0, 0, 0);
    for folder in std::fs::read_dir(Path::new(&corpus).join("mail/bounces")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let read = parse(&std::fs::read(&path).unwrap());
            *scores.entry((name.clone(), read.kind())).or_default() += 1;
            if let Some(bounce) = &read.bounce {
                reports += 1;
                named += usize::from(!bounce.recipients.is_empty());
                returned += usize::from(!bounce.returned_ids.is_empty());
            }
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_right = match read.kind() {
                "autoReply" | "outOfOffice" => file.starts_with("rfc3834"),
                "feedbackReport" => file.starts_with("arf") || file.starts_with("lhost-amazonses"),
                kind => kind.ends_with("Bounce"),
            };
            if name != "not" && !is_right {
                missed.push((path, read.kind(), read.subject, read.automatic));
            }
        }
    }
    for ((folder, kind), count) in &scores {
        println!("{folder:>4} {kind:<16} {count}");
    }
    println!("{reports} reports; {named} name a recipient, {returned} the mail that came back");
    for (path, kind, subject, automatic) in &missed {
        println!("missed: {} {kind} {subject:?} {automatic:?}", path.display());
    }
    let total: usize = scores.values().sum();
    println!("{} of {total} missed", missed.len());
    // Those are the corpus': mail that a person forwarded, notices of list servers, a wish to leave a list, and word of
    // deliveries that went well.
    assert!(missed.len() <= 7, "{} of {total} missed", missed.len());
}
