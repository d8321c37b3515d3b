//! Mail that lay in a mailbox when it was connected: taken over silently up to a date, what came later the ordinary way.

use serde_json::{Value, json};

use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::test_desk::TestDesk;

const ACCOUNTS: &str = "/anytime/emailAccounts";

/// A mail with what the receiving server wrote on top.
fn mail(index: usize, received: &str, date: &str) -> Vec<u8> {
    format!(
        "Received: from mx.customer.example by mail.desk.example;\r\n {received}\r\n\
         From: Lena <lena{index}@customer.example>\r\nTo: support@desk.example\r\nSubject: mail {index}\r\n\
         Date: {date}\r\nMessage-ID: <{index}@customer.example>\r\n\r\nHello\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_mail_becomes_closed_conversations_and_nobody_is_answered() {
    let Some(dovecot) = Dovecot::start() else { return };
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let old = "Thu, 1 Oct 2026 10:00:00 +0000".replace("2026", "2025");
    let new = "Mon, 5 Jan 2026 08:00:00 +0000";
    dovecot.deliver("support", &mail(1, &old, &old));
    // A sender whose clock is wrong wrote today all the same.
    dovecot.deliver("support", &mail(2, new, "Sat, 1 Jan 2000 00:00:00 +0000"));
    dovecot.deliver("support", &mail(3, &old, "Fri, 1 Jan 2100 00:00:00 +0000"));
    let account = json!({
        "email": "support@desk.example", "type": "imap", "imapServer": "127.0.0.1", "imapPort": dovecot.imap_port,
        "imapSecurity": "none", "imapUserName": "support", "imapPassword": PASSWORD, "pollInterval": 86400,
        "isEnabled": false, "leaveCopyOnServer": true, "takeOverBefore": "2026-01-01T00:00:00Z",
    });
    let account = ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"].clone();
    assert_eq!(account["takeOverBefore"], "2026-01-01T00:00:00.000Z");
    let path = format!("{ACCOUNTS}/{}", account["id"]);
    let checked = ann.post(&format!("{path}/check"), json!({})).await.expect(200);
    assert_eq!((&checked["fetched"], &checked["error"]), (&json!(3), &Value::Null), "{}", dovecot.log());
    let list = ann.get("/anytime/conversations?timeFrom=2025-09-01").await.expect(200);
    let mut told: Vec<_> = list["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {} {}", c["subject"], c["status"], c["isRead"]))
        .collect();
    told.sort();
    assert_eq!(
        told,
        ["\"mail 1\" \"closed\" true", "\"mail 2\" \"new\" false", "\"mail 3\" \"closed\" true"],
        "{list}"
    );
    let first = list["conversations"].as_array().unwrap().iter().find(|c| c["subject"] == "mail 1").unwrap();
    assert_eq!(first["createdTime"], "2025-10-01T10:00:00.000Z");
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail WHERE conversation_id <> 2"), 0);
    // Twice equals once: also after the mailbox was renumbered.
    dovecot.renumber("support");
    ann.post(&format!("{path}/check"), json!({})).await.expect(200);
    let list = ann.get("/anytime/conversations?timeFrom=2025-09-01").await.expect(200);
    assert_eq!(list["total"], 3);
    assert_eq!(
        ann.put(&path, json!({ "takeOverBefore": null })).await.expect(200)["emailAccount"]["takeOverBefore"],
        Value::Null
    );
}

#[tokio::test]
async fn a_day_that_is_not_over_or_no_day_is_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (value, problem) in [
        ("2026-01-05T09:00:01Z", "'takeOverBefore' '2026-01-05T09:00:01.000Z' is in the future"),
        ("yesterday", "'takeOverBefore' must be an ISO-8601 time, not 'yesterday'"),
    ] {
        let new = json!({ "email": "support@desk.example", "takeOverBefore": value });
        assert_eq!(ann.post(ACCOUNTS, new).await.error(400), problem);
    }
}
