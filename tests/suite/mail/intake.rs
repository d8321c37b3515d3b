//! Where a mail belongs (contract 20.3), and what makes no message at all.

use serde_json::json;

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_joins_by_the_signed_token_also_from_another_mail_program() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let id = room.answer().await;
    for (index, header) in [
        format!("In-Reply-To: <{id}>"),
        format!("References: <1@c.example>\r\n\t<{id}>"),
        format!("In-Reply-To: {id}"),
    ]
    .iter()
    .enumerate()
    {
        let row =
            room.receive(&mail(LENA, DESK, &format!("Changed subject {index}"), &[header], "More")).await;
        assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("appended"), &json!(1)), "{header}");
    }
    assert_eq!(room.conversations().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_token_joins_nothing() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let id = room.answer().await;
    let (token, domain) = id.split_once('@').unwrap();
    let cut = &token[..token.len() - 4];
    for forged in [
        format!("{cut}aaaa@{domain}"),
        format!("{token}a@{domain}"),
        token.replace(".1.", ".2.") + "@" + domain,
    ] {
        let eve = "Eve <eve@evil.example>";
        let row = room
            .receive(&mail(eve, DESK, "Re: [#1]", &[&format!("In-Reply-To: <{forged}>")], forged.as_str()))
            .await;
        assert_eq!(row["outcome"], "created", "{forged}");
    }
    assert_eq!(room.conversations().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_the_token_is_shown_as_a_third_party_and_changes_nothing() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    let id = room.answer().await;
    let before = room.ann.get("/anytime/conversations/1").await.expect(200);
    let mallory =
        mail("mallory@evil.example", DESK, "Re: x", &[&format!("In-Reply-To: <{id}>")], "I am Lena");
    let row = room.receive(&mallory).await;
    assert_eq!(row["outcome"], "appended");
    assert_eq!(room.last_message().await["isThirdParty"], true);
    let after = room.ann.get("/anytime/conversations/1").await.expect(200);
    assert_eq!(after["conversation"]["contactId"], before["conversation"]["contactId"]);
    room.answer().await;
    assert_eq!(room.last_message().await["to"], "lena@customer.example");
    // The third party has not become a part of the thread: what needs one is refused.
    let row = room.receive(&mail("mallory@evil.example", DESK, "Re: [#1]", &[], "Again")).await;
    assert_eq!(row["outcome"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn message_ids_and_subject_numbers_count_only_from_people_of_the_thread() {
    let room = Mailroom::open().await;
    room.receive(&mail(
        LENA,
        DESK,
        "Broken chain",
        &["Message-ID: <1@c.example>", "Cc: tom@customer.example"],
        "Help",
    ))
    .await;
    let eve = "Eve <eve@evil.example>";
    let row = room.receive(&mail(eve, DESK, "Re: [#1]", &["In-Reply-To: <1@c.example>"], "Hi")).await;
    assert_eq!(row["outcome"], "created");
    let row = room
        .receive(&mail("tom@customer.example", DESK, "x", &["References: <1@c.example>"], "Me too"))
        .await;
    assert_eq!(
        (&row["outcome"], &row["matchedBy"]),
        (&json!("appended"), &json!("Message-ID of an earlier mail"))
    );
    let row = room.receive(&mail(LENA, DESK, "AW: Broken chain [#1]", &[], "And?")).await;
    assert_eq!((&row["outcome"], &row["matchedBy"]), (&json!("appended"), &json!("[#1] in the subject")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_conversation_opens_again_but_not_for_a_machine() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    let id = room.answer().await;
    room.ann.put("/anytime/conversations/1", json!({ "status": "closed" })).await.expect(200);
    let reply = format!("In-Reply-To: <{id}>");
    let away = mail(LENA, DESK, "Out of office", &[&reply, "Auto-Submitted: auto-replied"], "I am away");
    assert_eq!(room.receive(&away).await["outcome"], "appended");
    let status = room.ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["status"].clone();
    assert_eq!(status, "closed");
    room.receive(&mail(LENA, DESK, "Re: x", &[&reply], "Still broken")).await;
    let after = room.ann.get("/anytime/conversations/1").await.expect(200);
    assert_eq!(after["conversation"]["status"], "pendingInternal");
    assert_eq!(after["conversation"]["isRead"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_mail_delivery_reports_and_copies_make_no_message() {
    let room = Mailroom::open().await;
    let own = mail(DESK, DESK, "Loop", &[], "from ourselves");
    assert_eq!(room.receive(&own).await["outcome"], "ignored");
    let instance = room.desk.app.read(anytime::desk::site::get).unwrap().instance;
    let looped = mail(LENA, DESK, "Loop", &[&format!("X-Anytime-Instance: {instance}")], "came back");
    let row = room.receive(&looped).await;
    assert_eq!((&row["outcome"], &row["matchedBy"]), (&json!("ignored"), &json!("X-Anytime-Instance")));
    let bounce = b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: support@desk.example\r\n\
        Subject: Undelivered Mail\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; \
        boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; x@y.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";
    assert_eq!(room.receive(bounce).await["outcome"], "ignored");
    assert_eq!(room.conversations().await, 0);
    assert_eq!(room.ann.get("/contacts").await.expect(200)["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_kept_raw_with_an_outcome_and_can_be_retried() {
    let room = Mailroom::open().await;
    for garbage in [&b"\0\x01\x02 not a mail at all\r\n"[..], b"\r\n", b"From: nobody\r\n\r\nbody\r\n"] {
        let row = room.receive(garbage).await;
        assert_eq!(row["outcome"], "quarantined", "{row}");
        assert_ne!(row["reason"], "", "{row}");
        let raw = room.ann.request(reqwest::Method::GET, &format!("/anytime/inboundMails/{}/raw", row["id"]));
        assert_eq!(raw.send().await.unwrap().bytes().await.unwrap(), garbage);
        let again =
            room.ann.post(&format!("/anytime/inboundMails/{}/retry", row["id"]), json!({})).await.expect(200);
        assert_eq!(again["inboundMail"]["outcome"], "quarantined");
    }
    room.receive(&mail(LENA, DESK, "Good", &[], "Hello")).await;
    assert_eq!(room.conversations().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_html_is_cleaned_and_pictures_point_at_their_attachments() {
    let room = Mailroom::open().await;
    let png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let bytes = format!(
        "From: {LENA}\r\nTo: {DESK}\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <p onclick=\"x()\">Hello <b>there</b><script>alert(1)</script></p><img src=\"cid:pic\">\
         <img src=\"https://tracker.example/1.gif\"><a href=\"javascript:alert(1)\">link</a>\r\n\
         --b\r\nContent-Type: image/png; name=\"a.png\"\r\nContent-ID: <pic>\r\nContent-Disposition: inline\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{png}\r\n--b--\r\n"
    );
    let row = room.receive(bytes.as_bytes()).await;
    assert_eq!(row["outcome"], "created", "{row}");
    let message = room.last_message().await;
    let html = message["htmlBody"].as_str().unwrap();
    assert!(!html.contains("script") && !html.contains("onclick"), "{html}");
    assert!(!html.contains(" src=\"https://tracker") && html.contains("data-remote-src"), "{html}");
    let guid = message["attachments"][0]["guid"].as_str().unwrap();
    assert!(html.contains(&format!("/api/v3/attachments/{guid}/content")), "{html}");
    let file =
        room.ann.request(reqwest::Method::GET, &format!("/attachments/{guid}/content")).send().await.unwrap();
    assert!(file.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert!(file.bytes().await.unwrap().starts_with(b"\x89PNG"));
    let list = room.ann.get("/anytime/conversations").await.expect(200);
    assert_eq!(list["conversations"][0]["subject"], "Grüße");
}
