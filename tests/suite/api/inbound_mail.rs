use reqwest::Method;
use serde_json::{Value, json};

use crate::support::fake_pop3::{FakePop3, Faults};
use crate::support::mail::{checked, mail};
use crate::support::test_desk::{Client, TestDesk};

const MAILS: &str = "/anytime/inboundMails";

/// Two mails in the ledger: one that became a conversation, and one from our own address, which is ignored.
async fn ledger(ann: &Client) -> (FakePop3, Vec<u8>) {
    let first = mail(
        "Lena <lena@customer.example>",
        "support@desk.example",
        "My chain broke",
        &["Message-ID: <one@customer.example>"],
        "Hello",
    );
    let own = mail("support@desk.example", "support@desk.example", "Loop", &[], "Me again");
    let server = FakePop3::start(&[&first, &own], Faults::default());
    let account = json!({
        "email": "support@desk.example", "pop3Server": "127.0.0.1", "pop3Port": server.port, "pop3Security": "none",
        "pop3UserName": "support", "pop3Password": "x", "pollInterval": 86400,
    });
    let account = ann.post("/anytime/emailAccounts", account).await.expect(201);
    let path = format!("/anytime/emailAccounts/{}/check", account["emailAccount"]["id"]);
    checked(ann.post(&path, json!({})).await.expect(200));
    (server, first)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_that_came_is_in_the_ledger_with_what_became_of_it() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (_server, raw) = ledger(&ann).await;
    let list = ann.get(MAILS).await.expect(200);
    assert_eq!((&list["total"], &list["nextPage"]), (&json!(2), &Value::Null));
    let ignored = &list["inboundMails"][0];
    assert_eq!((&ignored["outcome"], &ignored["conversationId"]), (&json!("ignored"), &Value::Null));
    assert!(!ignored["reason"].as_str().unwrap().is_empty());
    let created = &list["inboundMails"][1];
    let now = "2026-01-05T09:00:00.000Z";
    for (key, value) in [
        ("id", json!(1)),
        ("emailAccountId", json!(1)),
        ("uidl", json!("uid-1")),
        ("size", json!(raw.len())),
        ("outcome", json!("created")),
        ("internetMessageId", json!("one@customer.example")),
        ("from", json!("lena@customer.example")),
        ("subject", json!("My chain broke")),
        ("conversationId", json!(1)),
        ("messageId", json!(1)),
        ("isOnServer", json!(false)),
        ("receivedTime", json!(now)),
        ("processedTime", json!(now)),
        ("attempts", json!(0)),
        ("matchedBy", Value::Null),
    ] {
        assert_eq!(created[key], value, "{key}");
    }
    assert_eq!(created["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(ann.get("/anytime/inboundMails/1").await.expect(200), json!({ "inboundMail": created }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_narrowed_by_account_and_outcome() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (_server, _) = ledger(&ann).await;
    for (query, total) in [
        ("outcome=created", 1),
        ("outcome=IGNORED", 1),
        ("outcome=junk", 0),
        ("emailAccountId=1", 2),
        ("emailAccountId=2", 0),
    ] {
        assert_eq!(ann.get(&format!("{MAILS}?{query}")).await.expect(200)["total"], total, "{query}");
    }
    let page = ann.get(&format!("{MAILS}?pageSize=1&pageIndex=2")).await.expect(200);
    assert_eq!(page["inboundMails"][0]["id"], 1);
    assert_eq!(page["previousPage"], "/api/v3/anytime/inboundMails?pagesize=1&pageIndex=1");
    let message = ann.get(&format!("{MAILS}?outcome=lost")).await.error(400);
    assert!(message.starts_with("'outcome' must be 'created'"), "{message}");
    ann.get(&format!("{MAILS}?emailAccountId=x")).await.error(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_raw_mail_is_downloaded_byte_by_byte_as_it_came() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (_server, raw) = ledger(&ann).await;
    let response = ann.request(Method::GET, &format!("{MAILS}/1/raw")).send().await.unwrap();
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "message/rfc822");
    assert_eq!(header("content-disposition"), "attachment; filename*=UTF-8''inbound%2Dmail%2D1.eml");
    assert!(response.bytes().await.unwrap() == raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_made_no_message_is_processed_once_more() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (_server, _) = ledger(&ann).await;
    let again = ann.post(&format!("{MAILS}/2/retry"), json!({})).await.expect(200);
    assert_eq!(again["inboundMail"]["outcome"], "ignored");
    // Once the address is no longer ours the mail is one like any other.
    let path = "/anytime/emailAccounts/1";
    ann.put(path, json!({ "email": "hello@desk.example" })).await.expect(200);
    let created = ann.post(&format!("{MAILS}/2/retry"), json!({})).await.expect(200);
    assert_eq!(created["inboundMail"]["outcome"], "created", "{created}");
    let message = ann.post(&format!("{MAILS}/1/retry"), json!({})).await.error(409);
    assert_eq!(message, "inbound mail 1 already became a message");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_left_on_the_server_has_no_raw_bytes_and_no_retry() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let huge = Faults { claimed_size: Some(60 << 20), ..Faults::default() };
    let one = mail("lena@customer.example", "support@desk.example", "huge", &[], "x");
    let server = FakePop3::start(&[&one], huge);
    let account = json!({
        "email": "support@desk.example", "pop3Server": "127.0.0.1", "pop3Port": server.port, "pop3Security": "none",
        "pop3UserName": "support", "pop3Password": "x", "pollInterval": 86400,
    });
    ann.post("/anytime/emailAccounts", account).await.expect(201);
    let answer = ann.post("/anytime/emailAccounts/1/check", json!({})).await.expect(200);
    assert_eq!(checked(answer)["error"], Value::Null);
    let left = ann.get(&format!("{MAILS}/1")).await.expect(200)["inboundMail"].clone();
    assert_eq!((&left["outcome"], &left["sha256"]), (&json!("quarantined"), &Value::Null));
    assert_eq!(left["isOnServer"], true);
    ann.get(&format!("{MAILS}/1/raw")).await.error(409);
    ann.post(&format!("{MAILS}/1/retry"), json!({})).await.error(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_needs_permission() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let (_server, _) = ledger(&ann).await;
    for path in [MAILS.to_owned(), format!("{MAILS}/1"), format!("{MAILS}/1/raw")] {
        assert_eq!(luis.get(&path).await.error(403), "you may not manage e-mail accounts");
        desk.as_nobody().get(&path).await.error(401);
    }
    luis.post(&format!("{MAILS}/2/retry"), json!({})).await.error(403);
    for id in ["7", "x"] {
        ann.get(&format!("{MAILS}/{id}")).await.error(404);
        ann.get(&format!("{MAILS}/{id}/raw")).await.error(404);
        ann.post(&format!("{MAILS}/{id}/retry"), json!({})).await.error(404);
    }
}
