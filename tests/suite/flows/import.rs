//! Old mail from an archive: with its dates, twice like once, and with no effect on anybody.

use std::path::{Path, PathBuf};

use anytime::command::import::{self, Import, Report};
use anytime::config::Config;
use anytime::mail::archive::Format;
use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::process::anytime;
use crate::support::scene::account;
use crate::support::test_desk::{TestDesk, eventually};

/// A mail of the day in December 2025.
fn letter(day: u32, from: &str, to: &str, subject: &str, headers: &[&str], text: &str) -> Vec<u8> {
    let bytes = mail(from, to, subject, headers, text);
    let date = format!("Date: {day:02} Dec 2025 10:00:00 +0000");
    String::from_utf8(bytes).unwrap().replace("Date: Mon, 5 Jan 2026 08:59:00 +0000", &date).into_bytes()
}

/// Question, answer and thanks, in the wrong order, a mail of somebody else, a bounce.
fn letters() -> Vec<Vec<u8>> {
    vec![
        letter(3, LENA, DESK, "Re: Chain", &["Message-ID: <3@c>", "In-Reply-To: <2@d>"], "Thank you!"),
        letter(1, LENA, DESK, "Chain", &["Message-ID: <1@c>"], "My chain broke"),
        letter(2, DESK, LENA, "Re: Chain", &["Message-ID: <2@d>", "In-Reply-To: <1@c>"], "We send a new one"),
        letter(4, "Omar <omar@customer.example>", DESK, "Invoice", &["Message-ID: <4@c>"], "Where is it?"),
        letter(
            5,
            "MAILER-DAEMON@mx.example",
            DESK,
            "Undelivered",
            &[
                "Content-Type-X: x",
                "Auto-Submitted: auto-replied",
                "Return-Path: <>",
                "X-Failed-Recipients: a@b.example",
            ],
            "It bounced",
        ),
    ]
}

fn eml(directory: &Path) -> PathBuf {
    let path = directory.join("old");
    std::fs::create_dir_all(&path).unwrap();
    for (index, bytes) in letters().iter().enumerate() {
        std::fs::write(path.join(format!("{index}.eml")), bytes).unwrap();
    }
    path
}

fn mbox(directory: &Path) -> PathBuf {
    let path = directory.join("old.mbox");
    let mut text = Vec::new();
    for bytes in letters() {
        text.extend_from_slice(b"From - Mon Dec  1 10:00:00 2025\n");
        text.extend(bytes.into_iter().filter(|byte| *byte != b'\r'));
        text.extend_from_slice(b"\n");
    }
    std::fs::write(&path, text).unwrap();
    path
}

fn run(data: &Path, format: Format, path: &Path, is_dry_run: bool) -> Report {
    let wanted = Import { format, path, account: None, is_dry_run };
    // The command blocks, which a thread of the runtime may not.
    std::thread::scope(|scope| {
        let import = scope.spawn(|| import::run(&Config::for_directory(data), &wanted, |_, _| {}));
        import.join().unwrap().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_taken_over_with_its_dates_and_twice_is_like_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    account(&ann).await;
    let directory = tempfile::tempdir().unwrap();
    let path = eml(directory.path());
    let data = desk.app.config().data_dir.clone();
    let before = desk.number("SELECT max(id) FROM event");

    let foreseen = run(&data, Format::Eml, &path, true);
    assert_eq!((foreseen.conversations, foreseen.messages, foreseen.known), (2, 4, 0), "{foreseen}");
    assert_eq!(desk.number("SELECT count(*) FROM inbound_mail"), 0, "a dry run writes nothing");
    let report = run(&data, Format::Eml, &path, false);
    assert_eq!(report, Report { is_dry_run: false, ..foreseen });
    assert_eq!(report.left_out.values().sum::<usize>(), 1, "{report}");
    let again = run(&data, Format::Eml, &path, false);
    assert_eq!((again.messages, again.known), (0, 5), "{again}");
    let shown = again.to_string();
    assert!(shown.starts_with("5 mails: 0 became messages of 0 new"), "{shown}");

    let list =
        ann.get("/anytime/conversations?timeFrom=2025-11-01&include=contact,messages").await.expect(200);
    let found = list["conversations"].as_array().unwrap();
    assert_eq!(found.len(), 2, "{list}");
    let chain = &found[1];
    for (key, value) in [
        ("subject", json!("Chain")),
        ("status", json!("closed")),
        ("isRead", json!(true)),
        ("createdTime", json!("2025-12-01T10:00:00.000Z")),
        ("lastRepliedTime", json!("2025-12-03T10:00:00.000Z")),
        ("lastActivityTime", json!("2025-12-03T10:00:00.000Z")),
        ("closedTime", json!("2025-12-03T10:00:00.000Z")),
        ("totalReplies", json!(2)),
        ("lastMessage", json!("Thank you!")),
        ("slaPolicyId", Value::Null),
        ("agentAssigneeId", Value::Null),
    ] {
        assert_eq!(chain[key], value, "{key}");
    }
    assert_eq!(chain["contact"]["name"], "Lena");
    let thread = ann.get(&format!("/anytime/conversations/{}/messages", chain["id"])).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().trim().to_owned();
    let said: Vec<(String, String)> = thread["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (text(&message["plainBody"]), text(&message["senderType"])))
        .collect();
    let expected =
        [("My chain broke", "contact"), ("We send a new one", "system"), ("Thank you!", "contact")];
    assert_eq!(said, expected.map(|(text, by)| (text.to_owned(), by.to_owned())));
    assert_eq!(thread["messages"][1]["time"], "2025-12-02T10:00:00.000Z");
    let ledger = ann.get("/anytime/inboundMails").await.expect(200)["inboundMails"].clone();
    assert_eq!(ledger.as_array().unwrap().len(), 5);
    ann.get(&format!("/anytime/inboundMails/{}/raw", ledger[0]["id"])).await;

    // Nobody heard of it.
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 0);
    assert_eq!(desk.number("SELECT count(*) FROM decision"), 0);
    let kinds: Vec<String> = desk
        .app
        .read(|s| s.all("SELECT DISTINCT kind FROM event WHERE ? < id", [before], |row| row.get(0)))
        .unwrap();
    assert_eq!(kinds, ["imported"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_before_is_not_taken_over_and_later_mail_joins_what_was() {
    let room = Mailroom::open().await;
    let data = room.desk.app.config().data_dir.clone();
    // One of the archive came by the server before.
    assert_eq!(room.receive(&letters()[3]).await["outcome"], "created");
    let directory = tempfile::tempdir().unwrap();
    let report = run(&data, Format::Mbox, &mbox(directory.path()), false);
    assert_eq!((report.conversations, report.messages, report.failed), (1, 3, 0), "{report}");
    assert_eq!(report.left_out["it is here already, by another way"], 1, "{report}");
    let next = mail(LENA, DESK, "Re: Chain", &["Message-ID: <9@c>", "In-Reply-To: <3@c>"], "It broke again");
    let row = room.receive(&next).await;
    assert_eq!(row["outcome"], "appended", "{row}");
    let found = room.ann.get(&format!("/anytime/conversations/{}", row["conversationId"])).await.expect(200);
    assert_eq!(found["conversation"]["status"], "pendingInternal", "a closed one opens again");
    assert_eq!(found["conversation"]["totalReplies"], 3);
    let again = run(&data, Format::Mbox, &mbox(directory.path()), false);
    assert_eq!((again.messages, again.known), (0, 5), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_stopped_goes_on_where_it_was() {
    let desk = TestDesk::start().await;
    account(&desk.as_ann().await).await;
    let data = desk.app.config().data_dir.clone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("many");
    std::fs::create_dir_all(&path).unwrap();
    for n in 0..400 {
        let id = format!("Message-ID: <{n}@many>");
        let bytes = letter(1, LENA, DESK, &format!("Mail {n}"), &[&id], &format!("Text {n}"));
        std::fs::write(path.join(format!("{n:03}.eml")), bytes).unwrap();
    }
    let mut child = anytime(&data).args(["import", "eml"]).arg(&path).spawn().unwrap();
    eventually("the first mails", async || {
        (3 < desk.number("SELECT count(*) FROM inbound_mail")).then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    let done = desk.number("SELECT count(*) FROM message");
    assert_eq!(
        done,
        desk.number("SELECT count(*) FROM inbound_mail"),
        "each mail is there as a whole or not at all"
    );
    let report = run(&data, Format::Eml, &path, false);
    assert_eq!(report.known as i64, done, "{report}");
    assert_eq!(desk.number("SELECT count(*) FROM message"), 400);
    assert_eq!(desk.number("SELECT count(DISTINCT internet_message_id) FROM message"), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_import_is_said() {
    let desk = TestDesk::start().await;
    let data = desk.app.config().data_dir.clone();
    let directory = tempfile::tempdir().unwrap();
    let path = eml(directory.path());
    let run = |arguments: &[&str]| {
        let output = anytime(&data).arg("import").args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let path = path.to_str().unwrap();
    for (arguments, message) in [
        (vec!["eml", path], "'account' is missing, and there is no default e-mail account"),
        (
            vec!["eml", path, "--account", "x@y.example"],
            "'account' 'x@y.example' is not an enabled e-mail account",
        ),
        (vec!["mbox", path], "there is no mail of this format"),
        (vec!["eml", "/nowhere"], "'path' '/nowhere': "),
        (vec!["pst", path], "invalid value 'pst'"),
    ] {
        let (ok, text) = run(&arguments);
        assert!(!ok && text.contains(message), "{arguments:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_of_the_corpus_is_taken_over_or_left_out_for_a_reason() {
    let Ok(corpus) = std::env::var("ANYTIME_CORPUS") else {
        println!("skipped: no corpus");
        return;
    };
    let desk = TestDesk::start().await;
    account(&desk.as_ann().await).await;
    let data = desk.app.config().data_dir.clone();
    let path = Path::new(&corpus).join("mail/messages");
    let foreseen = run(&data, Format::Eml, &path, true);
    let report = run(&data, Format::Eml, &path, false);
    println!("{report}");
    assert_eq!(report.failed, 0, "{report}");
    assert_eq!(report, Report { is_dry_run: false, ..foreseen });
    assert_eq!(report.messages as i64, desk.number("SELECT count(*) FROM message WHERE type = 'email'"));
    let again = run(&data, Format::Eml, &path, false);
    assert_eq!(
        (again.messages, again.known),
        (0, report.messages + report.known + report.left_out.values().sum::<usize>()),
        "{again}"
    );
}
