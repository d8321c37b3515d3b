//! A customer's mail becomes a conversation, the answer leaves, the customer's next mail joins it: with a real POP3
//! server (Dovecot) and a real SMTP server (aiosmtpd).

use serde_json::{Value, json};

use crate::support::dovecot::Dovecot;
use crate::support::mail::{account, checked, mail};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::{PATIENCE, TestDesk, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_mail_is_answered_and_their_next_mail_joins() {
    let (Some(dovecot), Some(smtp)) = (Dovecot::start(), SmtpServer::start(Mode::RequireLogin)) else {
        return;
    };
    let desk = TestDesk::start_now().await;
    let ann = desk.as_ann().await;
    let id = account(&ann, &dovecot, Some(&smtp)).await;
    let tested = ann.post(&format!("/anytime/emailAccounts/{id}/test"), json!({})).await.expect(200);
    assert_eq!(
        tested,
        json!({ "pop3": { "ok": true, "error": null }, "smtp": { "ok": true, "error": null } })
    );

    let first = mail(
        "Lena Hoffmann <lena@customer.example>",
        "support@desk.example",
        "My chain broke",
        &["Message-ID: <first@customer.example>"],
        "Hello,\nmy chain broke after two weeks.\n\nLena",
    );
    dovecot.deliver("support", &first);
    let answer = ann.post(&format!("/anytime/emailAccounts/{id}/check"), json!({})).await.expect(200);
    assert_eq!(checked(answer.clone())["fetched"], 1, "{answer}");
    assert_eq!(answer["outcomes"]["created"], 1, "{answer}");
    assert_eq!(dovecot.count("support"), 0);

    let list = ann.get("/anytime/conversations?include=contact").await.expect(200);
    let conversation = &list["conversations"][0];
    assert_eq!(list["total"], 1);
    assert_eq!(conversation["subject"], "My chain broke");
    assert_eq!(conversation["channel"], "email");
    assert_eq!(conversation["status"], "new");
    assert_eq!(conversation["isRead"], false);
    assert_eq!(conversation["receivedFrom"], "support@desk.example");
    assert_eq!(conversation["contact"]["name"], "Lena Hoffmann");
    assert_eq!(conversation["lastMessage"], "Hello, my chain broke after two weeks. Lena");

    let reply = json!({ "type": "email", "plainBody": "Hello Lena,\n\nwe send you a new one.\n\nAnn" });
    let reply = ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    assert_eq!(reply["message"]["sendStatus"], "sending");
    assert_eq!(reply["message"]["to"], "lena@customer.example");
    let sent = smtp.wait_for(1, PATIENCE);
    let sent = &sent[0];
    assert_eq!(sent.recipients, ["lena@customer.example"]);
    assert_eq!(sent.from, "support@desk.example");
    assert!(sent.is_tls && sent.is_authenticated);
    assert_eq!(sent.header("Subject"), Some("Re: My chain broke [#1]"));
    assert_eq!(sent.header("In-Reply-To"), Some("<first@customer.example>"));
    assert_eq!(sent.header("References"), Some("<first@customer.example>"));
    assert_eq!(sent.header("Auto-Submitted"), None);
    let raw = String::from_utf8(sent.bytes()).unwrap();
    assert!(
        raw.contains("text/plain") && raw.contains("text/html") && raw.contains("we send you a new one."),
        "{raw}"
    );
    let message_id = sent.header("Message-ID").unwrap().to_owned();
    eventually("the message to be marked as sent", async || {
        let messages = ann.get("/anytime/conversations/1/messages").await.expect(200);
        (messages["messages"][1]["sendStatus"] == "success").then_some(())
    })
    .await;
    let after = ann.get("/anytime/conversations/1").await.expect(200);
    assert_eq!(after["conversation"]["status"], "pendingExternal");
    assert_eq!(after["conversation"]["isRead"], true);

    let second = mail(
        "Lena Hoffmann <lena@customer.example>",
        "support@desk.example",
        "Re: My chain broke [#1]",
        &["Message-ID: <second@customer.example>", &format!("In-Reply-To: {message_id}")],
        "Great, thank you!\n\nOn Mon, 5 Jan 2026 at 10:00, Desk Support <support@desk.example> wrote:\n> Hello Lena,\n>\n> we send you a new one.",
    );
    dovecot.deliver("support", &second);
    let answer = ann.post(&format!("/anytime/emailAccounts/{id}/check"), json!({})).await.expect(200);
    assert_eq!(answer["outcomes"]["appended"], 1, "{answer}");
    let after = ann.get("/anytime/conversations/1?include=messages").await.expect(200);
    let conversation = &after["conversation"];
    assert_eq!(conversation["status"], "pendingInternal");
    assert_eq!(conversation["isRead"], false);
    assert_eq!(conversation["totalReplies"], 2);
    let joined = &conversation["messages"][2];
    assert_eq!(joined["plainBody"], "Great, thank you!");
    assert!(joined["quote"].as_str().unwrap().contains("we send you a new one."), "{joined}");
    assert_eq!(joined["matchedBy"], "signed token in In-Reply-To");
    assert_eq!(joined["isThirdParty"], false);
    assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 1);
    assert_eq!(smtp.received().len(), 1, "nothing was answered automatically");

    let ledger = ann.get("/anytime/inboundMails").await.expect(200);
    assert_eq!(ledger["total"], 2);
    let row = &ledger["inboundMails"][1];
    assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("created"), &json!(1)));
    let raw = ann.request(reqwest::Method::GET, &format!("/anytime/inboundMails/{}/raw", row["id"]));
    assert_eq!(raw.send().await.unwrap().bytes().await.unwrap(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_recipient_shows_and_the_others_get_their_mail() {
    let (Some(dovecot), Some(smtp)) = (Dovecot::start(), SmtpServer::start(Mode::Open)) else { return };
    let desk = TestDesk::start_now().await;
    let ann = desk.as_ann().await;
    account(&ann, &dovecot, Some(&smtp)).await;
    let contact =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    let contact = ann.post("/contacts", contact).await.expect(201);
    let new = json!({
        "subject": "Hello", "channel": "email", "contactId": contact["id"],
        "message": { "type": "email", "htmlBody": "<p>Hi <b>Lena</b></p>", "cc": "refuse@customer.example, tom@customer.example" },
    });
    ann.post("/anytime/conversations", new).await.expect(201);
    let failed = eventually("the mail to fail in part", async || {
        let mails = ann.get("/anytime/outgoingMails").await.expect(200);
        let mail = mails["outgoingMails"][0].clone();
        (mail["state"] == "failed").then_some(mail)
    })
    .await;
    let state = |address: &str| {
        let recipients = failed["recipients"].as_array().unwrap();
        recipients.iter().find(|r| r["address"] == address).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state("lena@customer.example"), "sent");
    assert_eq!(state("tom@customer.example"), "sent");
    assert_eq!(state("refuse@customer.example"), "failed");
    assert!(failed["lastError"].as_str().unwrap().contains("refuse@customer.example"), "{failed}");
    let messages = ann.get("/anytime/conversations/1/messages").await.expect(200);
    assert_eq!(messages["messages"][0]["sendStatus"], "failed");
    let mails = smtp.received().len();
    ann.post(&format!("/anytime/outgoingMails/{}/retry", failed["id"]), json!({})).await.expect(200);
    eventually("the retry to be over", async || {
        let mails = ann.get("/anytime/outgoingMails").await.expect(200);
        (mails["outgoingMails"][0]["state"] == "failed").then_some(())
    })
    .await;
    assert_eq!(smtp.received().len(), mails, "nobody gets the mail twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unreachable_server_show_and_stop_no_other_account() {
    let Some(dovecot) = Dovecot::start() else { return };
    let desk = TestDesk::start_now().await;
    let ann = desk.as_ann().await;
    let good = account(&ann, &dovecot, None).await;
    let wrong = json!({
        "email": "wrong@desk.example", "type": "pop3", "pop3Server": "127.0.0.1", "pop3Port": dovecot.pop3s_port,
        "pop3Security": "ssl", "pop3UserName": "wrong", "pop3Password": "not it", "tlsAcceptInvalidCerts": true,
    });
    let wrong = ann.post("/anytime/emailAccounts", wrong).await.expect(201)["emailAccount"]["id"].clone();
    let gone = json!({
        "email": "gone@desk.example", "type": "pop3", "pop3Server": "127.0.0.1", "pop3Port": 1,
        "pop3Security": "none", "pop3UserName": "gone", "pop3Password": "x",
    });
    let gone = ann.post("/anytime/emailAccounts", gone).await.expect(201)["emailAccount"]["id"].clone();
    for id in [&wrong, &gone] {
        let error = eventually("the error to show", async || {
            let account = ann.get(&format!("/anytime/emailAccounts/{id}")).await.expect(200);
            account["emailAccount"]["lastError"].as_str().map(str::to_owned)
        })
        .await;
        assert!(error.contains("127.0.0.1") && !error.contains("not it"), "{error}");
    }
    dovecot.deliver("support", &mail("a@b.example", "support@desk.example", "Hi", &[], "Hello"));
    let answer = ann.post(&format!("/anytime/emailAccounts/{good}/check"), json!({})).await.expect(200);
    assert_eq!(checked(answer)["fetched"], 1);
    let strict = json!({ "tlsAcceptInvalidCerts": false });
    ann.put(&format!("/anytime/emailAccounts/{good}"), strict).await.expect(200);
    let answer = ann.post(&format!("/anytime/emailAccounts/{good}/check"), json!({})).await.expect(200);
    assert!(answer["error"].as_str().unwrap().contains("certificate"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_connection_fetches() {
    let Some(dovecot) = Dovecot::start() else { return };
    let desk = TestDesk::start_now().await;
    let ann = desk.as_ann().await;
    for (index, (security, port)) in
        [("none", dovecot.pop3_port), ("startTls", dovecot.pop3_port), ("ssl", dovecot.pop3s_port)]
            .into_iter()
            .enumerate()
    {
        let user = format!("user{index}");
        let account = json!({
            "email": format!("{user}@desk.example"), "type": "pop3", "pop3Server": "127.0.0.1", "pop3Port": port,
            "pop3Security": security, "pop3UserName": user, "pop3Password": crate::support::dovecot::PASSWORD,
            "tlsAcceptInvalidCerts": true, "pollInterval": 3600,
        });
        let account = ann.post("/anytime/emailAccounts", account).await.expect(201);
        dovecot.deliver(&user, &mail("a@b.example", &format!("{user}@desk.example"), security, &[], "Hello"));
        let id = &account["emailAccount"]["id"];
        let answer = ann.post(&format!("/anytime/emailAccounts/{id}/check"), json!({})).await.expect(200);
        assert_eq!(answer["error"], Value::Null, "{security}: {answer}");
    }
    let ledger = eventually("three mails", async || {
        let ledger = ann.get("/anytime/inboundMails").await.expect(200);
        (ledger["total"] == 3).then_some(ledger)
    })
    .await;
    assert_eq!(ledger["inboundMails"][0]["outcome"], "created");
}
