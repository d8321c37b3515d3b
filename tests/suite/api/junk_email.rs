use std::time::Duration;

use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::test_desk::change;

const DAY: Duration = Duration::from_secs(86_400);

/// A desk whose mail from customer.example is junk.
async fn room() -> Mailroom {
    let room = Mailroom::open().await;
    let block = json!({ "email": "customer.example", "blockType": "blockDomainasJunk" });
    room.ann.put("/anytime/blockedSenders", block).await.expect(201);
    room
}

/// A mail with a picture in its text and a file.
fn with_files() -> Vec<u8> {
    let png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    format!(
        "From: {LENA}\r\nTo: {DESK}\r\nCc: tom@else.example\r\nMessage-ID: <j1@customer.example>\r\n\
         Subject: Offer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Buy <b>now</b><script>x()</script></p><img src=\"cid:pic\">\r\n\
         --b\r\nContent-Type: image/png; name=\"a.png\"\r\nContent-ID: <pic>\r\nContent-Disposition: inline\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{png}\r\n\
         --b\r\nContent-Type: text/csv; name=\"prices.csv\"\r\nContent-Disposition: attachment\r\n\r\na,b\r\n--b--\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_junk_mail_says_why_and_makes_neither_contact_nor_conversation() {
    let room = room().await;
    let row = room.receive(&with_files()).await;
    assert_eq!(
        (&row["outcome"], &row["reason"]),
        (&json!("junk"), &json!("the domain customer.example is blocked"))
    );
    let junk = room.ann.get("/anytime/junkEmails/1").await.expect(200)["junkEmail"].clone();
    let guid = |index: usize| junk["attachments"][index]["guid"].as_str().unwrap().to_owned();
    assert_eq!(
        junk,
        json!({
            "id": 1, "subject": "Offer", "time": "2026-01-05T09:00:00.000Z", "name": "Lena",
            "from": "lena@customer.example", "to": DESK, "cc": "tom@else.example",
            "htmlBody": junk["htmlBody"], "plainBody": "Buy now", "emailAccountId": room.account, "isRead": false,
            "attachments": junk["attachments"], "cause": "the domain customer.example is blocked",
            "inboundMailId": row["id"],
        })
    );
    let html = junk["htmlBody"].as_str().unwrap();
    assert!(!html.contains("script") && html.contains(&guid(0)), "{html}");
    assert_eq!(junk["attachments"][1]["fileName"], "prices.csv");
    room.ann.get(&format!("/attachments/{}/content", guid(1))).await.expect(200);
    assert_eq!(room.conversations().await, 0);
    assert_eq!(room.ann.get("/contacts").await.expect(200)["total"], 0);
    let retry = room.ann.post(&format!("/anytime/inboundMails/{}/retry", row["id"]), json!({})).await;
    assert!(retry.error(409).contains("is a junk e-mail"));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_does_not_mark_read_but_asking_does() {
    let room = room().await;
    room.receive(&with_files()).await;
    room.ann.get("/anytime/junkEmails/1").await.expect(200);
    let junk = room.ann.get("/anytime/junkEmails/1").await.expect(200)["junkEmail"].clone();
    assert_eq!(junk["isRead"], false);
    let read = room.ann.put("/anytime/junkEmails/1", json!({ "isRead": true })).await.expect(200);
    assert_eq!(read["junkEmail"]["isRead"], true);
    let back = room.ann.put("/anytime/junks/1", junk.clone()).await.expect(200);
    assert_eq!(back["junkEmail"], junk);
    assert_eq!(room.ann.put("/anytime/junkEmails/1", json!({})).await.error(400), "'isRead' is required");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_paged_windowed_searched_and_newest_first() {
    let room = room().await;
    for (subject, body) in [("First", "cheap watches"), ("Second", "100% free"), ("Third", "watches again")] {
        room.receive(&mail(LENA, DESK, subject, &[], body)).await;
        room.desk.advance(DAY);
    }
    let subjects = |list: &Value| -> Vec<String> {
        let all = list["junkEmails"].as_array().unwrap();
        all.iter().map(|junk| junk["subject"].as_str().unwrap().to_owned()).collect()
    };
    for (query, found) in [
        ("", &["Third", "Second", "First"][..]),
        ("?keywords=WATCHES", &["Third", "First"]),
        ("?keywords=100%25", &["Second"]),
        ("?keywords=lena@", &["Third", "Second", "First"]),
        ("?keywords=nothing", &[]),
        ("?timeFrom=2026-01-06T00:00:00Z", &["Third", "Second"]),
        ("?timeTo=2026-01-06T09:00:00Z", &["Second", "First"]),
        ("?pageSize=2&pageIndex=2", &["First"]),
    ] {
        let list = room.ann.get(&format!("/anytime/junkEmails{query}")).await.expect(200);
        assert_eq!(subjects(&list), found, "{query}");
    }
    let page = room.ann.get("/anytime/junkEmails?pageSize=2").await.expect(200);
    assert_eq!((&page["total"], &page["previousPage"]), (&json!(3), &Value::Null));
    assert_eq!(page["nextPage"], "/api/v3/anytime/junkEmails?pagesize=2&pageIndex=2");
    let backwards = "/anytime/junkEmails?timeFrom=2026-01-06T00:00:00Z&timeTo=2026-01-05T00:00:00Z";
    let wrong = room.ann.get(backwards).await.error(400);
    assert!(wrong.contains("'timeFrom'"), "{wrong}");
    room.desk.advance(31 * DAY);
    assert_eq!(room.ann.get("/anytime/junkEmails").await.expect(200)["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_junk_becomes_the_conversation_it_would_have_been() {
    let room = room().await;
    let department = room.ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    let assign = json!({ "departmentAssigneeId": department["id"] });
    room.ann.put(&format!("/anytime/emailAccounts/{}", room.account), assign).await.expect(200);
    let row = room.receive(&with_files()).await;
    let junk = room.ann.get("/anytime/junkEmails/1?include=sender").await.expect(200)["junkEmail"].clone();
    assert_eq!(junk["sender"], Value::Null);
    room.desk.advance(2 * DAY);
    let restored = room.ann.post("/anytime/junkEmails/1/notJunk", json!({})).await;
    assert_eq!(restored.location.as_deref(), Some("/api/v3/anytime/conversations/1"));
    let conversation = restored.expect(201)["conversation"].clone();
    for (key, value) in [
        ("subject", json!("Offer")),
        ("channel", json!("email")),
        ("status", json!("new")),
        ("receivedFrom", json!(DESK)),
        ("createdByType", json!("contact")),
        ("createdTime", json!("2026-01-07T09:00:00.000Z")),
        ("departmentAssigneeId", department["id"].clone()),
        ("isRead", json!(false)),
        ("isEditable", json!(true)),
    ] {
        assert_eq!(conversation[key], value, "{key}");
    }
    let message = room.last_message().await;
    assert_eq!((&message["time"], &message["type"]), (&json!("2026-01-05T09:00:00.000Z"), &json!("email")));
    assert_eq!((&message["source"], &message["htmlBody"]), (&Value::Null, &junk["htmlBody"]));
    for (moved, held) in
        message["attachments"].as_array().unwrap().iter().zip(junk["attachments"].as_array().unwrap())
    {
        assert_eq!((&moved["guid"], &moved["messageId"]), (&held["guid"], &message["id"]));
    }
    let ledger = room.ann.get(&format!("/anytime/inboundMails/{}", row["id"])).await.expect(200);
    assert_eq!(
        (&ledger["inboundMail"]["outcome"], &ledger["inboundMail"]["conversationId"]),
        (&json!("created"), &json!(1))
    );
    // Once: the record is gone.
    room.ann.get("/anytime/junkEmails/1").await.error(404);
    room.ann.post("/anytime/junkEmails/1/notJunk", json!({})).await.error(404);
    assert_eq!(room.conversations().await, 1);
    // The sender stays blocked for new mail, but the conversation goes on.
    assert_eq!(room.receive(&mail(LENA, DESK, "Other", &[], "x")).await["outcome"], "junk");
    let sender = room.ann.get("/anytime/junkEmails?include=sender").await.expect(200);
    assert_eq!(sender["junkEmails"][0]["sender"]["name"], "Lena");
    let reply = mail(LENA, DESK, "Re: Offer", &["In-Reply-To: <j1@customer.example>"], "And?");
    assert_eq!(room.receive(&reply).await["outcome"], "appended");
}

#[tokio::test(flavor = "multi_thread")]
async fn routing_decides_about_a_restored_mail_as_about_a_new_one() {
    let room = room().await;
    let sales = room.ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    room.ann
        .put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" }))
        .await
        .expect(200);
    let rule = json!({ "customerRule": {
        "name": "Offers", "when": 1, "routeToObject": "department", "routeToId": sales, "routeToPriority": "high",
        "conditions": [{ "fieldId": 2, "matchType": "contains", "value": "offer", "index": 1 }],
    } });
    room.ann.post("/anytime/routingRules/1/customerRules", rule).await.expect(201);
    room.receive(&with_files()).await;
    room.ann.post("/anytime/junkEmails/1/notJunk", json!({})).await.expect(201);
    let routed = crate::support::test_desk::eventually("routing", async || {
        let found = room.ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
        (found["departmentAssigneeId"] == sales).then_some(found)
    })
    .await;
    assert_eq!(routed["priority"], "high");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_decision_is_turned_into_an_entry_that_allows_in_one_step() {
    let room = room().await;
    room.receive(&mail(LENA, DESK, "Order", &[], "Where is it?")).await;
    let answer = room.ann.post("/anytime/junkEmails/1/allow", json!({})).await.expect(201);
    assert_eq!(answer["conversation"]["subject"], "Order");
    assert_eq!(
        (&answer["blockedSender"]["email"], &answer["blockedSender"]["isAllowed"]),
        (&json!("lena@customer.example"), &json!(true))
    );
    assert_eq!(room.receive(&mail(LENA, DESK, "Order two", &[], "x")).await["outcome"], "created");
    let stranger = mail("bob@customer.example", DESK, "Buy", &[], "x");
    assert_eq!(room.receive(&stranger).await["outcome"], "junk");
    // Where the address itself was blocked, the entry is replaced.
    let block = json!({ "email": "eve@else.example", "blockType": "blockEmailasJunk" });
    room.ann.put("/anytime/blockedSenders", block).await.expect(201);
    room.receive(&mail("eve@else.example", DESK, "Hello", &[], "x")).await;
    room.ann.post("/anytime/junkEmails/3/allow", json!({})).await.expect(201);
    let left = room.ann.get("/anytime/blockedSenders?email=eve@else.example").await.expect(200);
    assert_eq!(left, json!({ "blockedSenders": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_mail_over_the_limit_names_the_files_it_lost() {
    let room = room().await;
    room.receive(&with_files()).await;
    change(&room.desk, |tx| {
        tx.run("UPDATE attachment SET size_bytes = ? WHERE file_name = 'prices.csv'", [21 << 20])?;
        Ok(())
    })
    .await;
    room.ann.post("/anytime/junkEmails/1/notJunk", json!({})).await.expect(201);
    let note = room.last_message().await;
    assert_eq!((&note["type"], &note["senderType"]), (&json!("note"), &json!("system")));
    assert!(note["plainBody"].as_str().unwrap().contains("prices.csv"), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_is_final_and_old_junk_goes_by_itself() {
    let room = room().await;
    room.receive(&with_files()).await;
    room.ann.delete("/anytime/junkEmails/1").await.expect(204);
    room.ann.delete("/anytime/junkEmails/1").await.error(404);
    assert_eq!(room.desk.number("SELECT count(*) FROM attachment"), 0);
    room.receive(&mail(LENA, DESK, "Old", &[], "x")).await;
    room.desk.advance(2 * DAY);
    room.receive(&mail(LENA, DESK, "Newer", &[], "y")).await;
    room.desk.advance(89 * DAY);
    let sweep = async || change(&room.desk, anytime::desk::junk_email::sweep).await;
    assert_eq!(sweep().await, 1);
    change(&room.desk, |tx| anytime::desk::site::set_junk_retention(tx, &anytime::desk::Actor::System, 10))
        .await;
    assert_eq!((sweep().await, sweep().await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_and_its_files_are_for_who_may_manage_it() {
    let room = room().await;
    room.receive(&with_files()).await;
    let junk = room.ann.get("/anytime/junkEmails/1").await.expect(200)["junkEmail"].clone();
    let file = format!("/attachments/{}/content", junk["attachments"][1]["guid"].as_str().unwrap());
    let luis = room.desk.as_agent("luis").await;
    assert_eq!(luis.get("/anytime/junkEmails").await.error(403), "you may not manage junk mail");
    luis.get("/anytime/junkEmails/1").await.error(403);
    luis.put("/anytime/junkEmails/1", json!({ "isRead": true })).await.error(403);
    luis.post("/anytime/junkEmails/1/notJunk", json!({})).await.error(403);
    luis.post("/anytime/junkEmails/1/allow", json!({})).await.error(403);
    luis.delete("/anytime/junkEmails/1").await.error(403);
    luis.get(&file).await.error(404);
    room.desk.as_nobody().get("/anytime/junkEmails").await.error(401);
    change(&room.desk, |tx| {
        tx.run("INSERT INTO role_permission (role_id, permission) VALUES (2, 'manageJunkMessages')", [])?;
        Ok(())
    })
    .await;
    luis.get(&file).await.expect(200);
    // Allowing needs the right to manage blocked senders, too; then nothing has happened.
    luis.post("/anytime/junkEmails/1/allow", json!({})).await.error(403);
    luis.post("/anytime/junkEmails/1/notJunk", json!({})).await.expect(201);
    for id in ["7", "x"] {
        room.ann.get(&format!("/anytime/junkEmails/{id}")).await.error(404);
        room.ann.post(&format!("/anytime/junkEmails/{id}/allow"), json!({})).await.error(404);
        room.ann.put(&format!("/anytime/junkEmails/{id}"), json!({ "isRead": true })).await.error(404);
    }
}
