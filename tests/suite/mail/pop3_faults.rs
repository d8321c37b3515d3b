//! POP3 servers that misbehave (security matrix rows 30 to 35): nothing lost, nothing twice, no other mail stopped.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_pop3::{FakePop3, Faults, mail_with_dot_lines, mail_with_long_line};
use crate::support::mail::mail;
use crate::support::test_desk::{Client, TestDesk};

fn numbered(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| {
            mail("lena@customer.example", "support@desk.example", &format!("mail {index}"), &[], "Hello")
        })
        .collect()
}

fn server(mails: &[Vec<u8>], faults: Faults) -> FakePop3 {
    FakePop3::start(&mails.iter().map(Vec::as_slice).collect::<Vec<_>>(), faults)
}

async fn account(ann: &Client, server: &FakePop3, more: Value) -> i64 {
    let mut account = json!({
        "email": "support@desk.example", "type": "pop3", "pop3Server": "127.0.0.1", "pop3Port": server.port,
        "pop3Security": "none", "pop3UserName": "support", "pop3Password": "secret", "pollInterval": 86400,
        "isEnabled": false,
    });
    account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ann.post("/anytime/emailAccounts", account).await.expect(201)["emailAccount"]["id"].as_i64().unwrap()
}

async fn check(ann: &Client, id: i64) -> Value {
    ann.post(&format!("/anytime/emailAccounts/{id}/check"), json!({})).await.expect(200)
}

async fn ledger(ann: &Client) -> Vec<Value> {
    ann.get("/anytime/inboundMails").await.expect(200)["inboundMails"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_dies_inside_a_mail_loses_and_doubles_nothing() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let server = server(&numbered(5), Faults { eof_in_mail: Some(3), ..Faults::default() });
    let id = account(&ann, &server, json!({})).await;
    let broken = check(&ann, id).await;
    assert!(broken["error"].is_string(), "{broken}");
    assert_eq!(server.mails().len(), 5, "without QUIT nothing is deleted");
    server.set_faults(Faults::default());
    let after = check(&ann, id).await;
    assert_eq!(after["error"], Value::Null);
    assert_eq!((server.mails().len(), ledger(&ann).await.len()), (0, 5));
    assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mail_that_the_server_refuses_does_not_stop_the_others() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let server = server(&numbered(5), Faults { failing_mail: Some(2), ..Faults::default() });
    let id = account(&ann, &server, json!({})).await;
    let answer = check(&ann, id).await;
    assert_eq!(answer["fetched"], 4, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("RETR"), "{answer}");
    assert_eq!(server.mails().len(), 1);
    server.set_faults(Faults::default());
    assert_eq!(check(&ann, id).await["fetched"], 1);
    assert_eq!(ledger(&ann).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_deletes_or_deletes_at_once_makes_no_duplicates() {
    for faults in [
        Faults { never_deletes: true, ..Faults::default() },
        Faults { deletes_at_retr: true, ..Faults::default() },
        Faults { silent_quit: true, ..Faults::default() },
    ] {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let server = server(&numbered(3), faults);
        let id = account(&ann, &server, json!({})).await;
        for _ in 0..3 {
            check(&ann, id).await;
        }
        assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 3);
        assert_eq!(ledger(&ann).await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_without_uidl_capa_or_with_equal_uidls_are_fetched_completely() {
    for faults in [
        Faults { no_uidl: true, ..Faults::default() },
        Faults { no_capa: true, ..Faults::default() },
        Faults { duplicate_uids: true, ..Faults::default() },
    ] {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let server = server(&numbered(4), faults);
        let id = account(&ann, &server, json!({})).await;
        let answer = check(&ann, id).await;
        assert_eq!((&answer["fetched"], &answer["error"]), (&json!(4), &Value::Null), "{answer}");
        assert_eq!(check(&ann, id).await["fetched"], 0);
        assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_left_on_the_server_are_fetched_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let server = server(&numbered(3), Faults::default());
    let id = account(&ann, &server, json!({ "leaveCopyOnServer": true })).await;
    assert_eq!(check(&ann, id).await["fetched"], 3);
    server.add("late", &mail("tom@customer.example", "support@desk.example", "late", &[], "Hi"));
    assert_eq!(check(&ann, id).await["fetched"], 1);
    assert_eq!(check(&ann, id).await["fetched"], 0);
    assert_eq!((server.mails().len(), server.count("DELE"), server.count("RETR")), (4, 0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_renumbers_its_mailbox_makes_no_duplicates() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mails = numbered(2);
    let server = server(&mails, Faults::default());
    let id = account(&ann, &server, json!({})).await;
    check(&ann, id).await;
    for (index, bytes) in mails.iter().enumerate() {
        server.add(&format!("new-name-{index}"), bytes);
    }
    let answer = check(&ann, id).await;
    assert_eq!(answer["outcomes"]["ignored"], 2, "{answer}");
    assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 2);
    let reasons: Vec<Value> = ledger(&ann).await.iter().map(|row| row["reason"].clone()).collect();
    assert!(reasons.contains(&json!("the same bytes as inbound mail 1")), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lines_dots_and_lying_sizes_arrive_byte_for_byte() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mails = vec![mail_with_long_line(100_000), mail_with_dot_lines()];
    let server = server(&mails, Faults { claimed_size: Some(3), ..Faults::default() });
    let id = account(&ann, &server, json!({})).await;
    assert_eq!(check(&ann, id).await["fetched"], 2);
    for (row, bytes) in ledger(&ann).await.iter().rev().zip(&mails) {
        let raw = ann.request(reqwest::Method::GET, &format!("/anytime/inboundMails/{}/raw", row["id"]));
        assert_eq!(raw.send().await.unwrap().bytes().await.unwrap(), *bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_account_backs_off_and_recovers() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let server = server(&numbered(1), Faults { in_use: true, ..Faults::default() });
    let id = account(&ann, &server, json!({})).await;
    let answer = check(&ann, id).await;
    assert!(answer["error"].as_str().unwrap().contains("IN-USE"), "{answer}");
    let shown = ann.get(&format!("/anytime/emailAccounts/{id}")).await.expect(200);
    assert!(shown["emailAccount"]["lastError"].as_str().unwrap().contains("IN-USE"));
    let due =
        |now: &TestDesk| now.app.read(|s| anytime::desk::email_account::due(s, now.app.now())).unwrap().len();
    ann.put(&format!("/anytime/emailAccounts/{id}/enable"), json!({ "isEnabled": true })).await.expect(200);
    server.set_faults(Faults::default());
    assert_eq!(check(&ann, id).await["error"], Value::Null);
    let shown = ann.get(&format!("/anytime/emailAccounts/{id}")).await.expect(200);
    assert_eq!(shown["emailAccount"]["lastError"], Value::Null);
    assert_eq!(due(&desk), 0, "not due again before the poll interval");
    desk.advance(Duration::from_secs(86_401));
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_sent_when_tls_is_stripped_or_plaintext_is_slipped_in() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for faults in [
        Faults::default(),
        Faults { stls_injection: Some(b"+OK logged in\r\n".to_vec()), ..Faults::default() },
    ] {
        let server = server(&numbered(1), faults);
        let id = account(
            &ann,
            &server,
            json!({ "email": format!("a{}@desk.example", server.port), "pop3Security": "startTls" }),
        )
        .await;
        let answer = check(&ann, id).await;
        assert!(answer["error"].is_string(), "{answer}");
        assert!(
            !server
                .commands()
                .iter()
                .any(|command| command.contains("secret") || command.starts_with("USER"))
        );
        assert_eq!(server.mails().len(), 1);
    }
}
