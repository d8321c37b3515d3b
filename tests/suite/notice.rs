//! Notices to agents (contract 25.12): who is told of what, how often, and what their answer by mail does. The clock
//! stands at Monday 2026-01-05 09:00 UTC.

use std::time::Duration;

use anytime::desk::email_account::Failure;
use anytime::jobs;
use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::scene::noted;
use crate::support::test_desk::{Client, TestDesk, eventually};

/// Longer than a notice waits for others.
const HOLD: Duration = Duration::from_secs(31);

/// Lets what happened be mailed.
async fn tell(desk: &TestDesk) {
    caught_up(desk).await;
    desk.advance(HOLD);
    jobs::tell_agents::run(&desk.app).await.unwrap();
}

async fn caught_up(desk: &TestDesk) {
    let behind =
        "SELECT count(*) FROM event WHERE (SELECT event_id FROM cursor WHERE consumer = 'agentNotice') < id";
    eventually("the reader of the log", async || (desk.number(behind) == 0).then_some(())).await;
}

/// Mails to an agent, oldest first.
async fn mails_to(ann: &Client, name: &str) -> Vec<Value> {
    let all = ann.get("/anytime/outgoingMails?pageSize=50").await.expect(200);
    let address = format!("{name}@desk.example");
    let mails = all["outgoingMails"].as_array().unwrap().iter().rev();
    mails.filter(|mail| mail["recipients"][0]["address"] == address).cloned().collect()
}

fn subjects(mails: &[Value]) -> Vec<&str> {
    mails.iter().map(|mail| mail["subject"].as_str().unwrap()).collect()
}

async fn assign(by: &Client, conversation: i64, agent: i64) {
    let change = json!({ "agentAssigneeId": agent });
    by.put(&format!("/anytime/conversations/{conversation}"), change).await.expect(200);
}

/// Lena's conversation, which Luis has; Luis was told.
async fn scene() -> (Mailroom, Client) {
    let room = Mailroom::open().await;
    let luis = room.desk.as_agent("luis").await;
    room.receive(&mail(LENA, DESK, "My chain broke", &["Message-ID: <l1@customer.example>"], "Please help."))
        .await;
    assign(&room.ann, 1, luis.id).await;
    tell(&room.desk).await;
    (room, luis)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_told_by_mail_once_of_what_others_did_and_never_of_their_own() {
    let (room, luis) = scene().await;
    assert_eq!(
        subjects(&mails_to(&room.ann, "luis").await),
        ["[#1] Ann gave you a conversation: My chain broke"]
    );
    assert!(mails_to(&room.ann, "ann").await.is_empty());
    // Nothing more comes of it, however often the job runs.
    tell(&room.desk).await;
    assert_eq!(mails_to(&room.ann, "luis").await.len(), 1);
    // A customer's answers in a burst are one mail.
    let id = room.answer().await;
    tell(&room.desk).await;
    for number in ["2", "3"] {
        let headers = [format!("Message-ID: <l{number}@customer.example>"), format!("In-Reply-To: <{id}>")];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        room.receive(&mail(LENA, DESK, "Re: My chain broke", &headers, "It is the left one.")).await;
    }
    tell(&room.desk).await;
    let mails = mails_to(&room.ann, "luis").await;
    assert_eq!(subjects(&mails)[2..], ["[#1] Lena answered: My chain broke"]);
    let text = "SELECT count(*) FROM outgoing_mail WHERE text_body LIKE '%It is the left one.%/console/settings/notifications%'
        OR text_body LIKE '%/console/conversations/1%It is the left one.%'";
    assert!(0 < room.desk.number(text));
    // A mention reaches who is mentioned.
    let note = json!({ "type": "note", "plainBody": "Luis, see below", "mentionedAgentIds": [luis.id] });
    room.ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    tell(&room.desk).await;
    assert_eq!(
        subjects(&mails_to(&room.ann, "luis").await).last(),
        Some(&"[#1] Ann mentioned you: My chain broke")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_it_has_answered_or_switched_it_off_gets_no_mail() {
    let (room, luis) = scene().await;
    let before = mails_to(&room.ann, "luis").await.len();
    let note = json!({ "type": "note", "plainBody": "Luis?", "mentionedAgentIds": [luis.id] });
    room.ann.post("/anytime/conversations/1/messages", note.clone()).await.expect(201);
    caught_up(&room.desk).await;
    luis.put("/anytime/conversations/1/activedAgents", json!({})).await;
    room.desk.advance(HOLD);
    jobs::tell_agents::run(&room.desk.app).await.unwrap();
    assert_eq!(mails_to(&room.ann, "luis").await.len(), before, "looking");
    room.desk.advance(Duration::from_secs(120));
    room.ann.post("/anytime/conversations/1/messages", note.clone()).await.expect(201);
    caught_up(&room.desk).await;
    room.desk.advance(Duration::from_secs(1));
    luis.post("/anytime/conversations/1/messages", json!({ "type": "note", "plainBody": "Seen" }))
        .await
        .expect(201);
    tell(&room.desk).await;
    assert_eq!(mails_to(&room.ann, "luis").await.len(), before, "answered");

    let browser = room.desk.browser();
    browser.sign_in("luis").await;
    let page = browser.get("/console/settings/notifications").await;
    page.shows("luis@desk.example")
        .shows("value=\"mentioned\" aria-label=\"Somebody mentions you: by mail\" checked");
    let csrf = page.csrf();
    let fields = [("csrf", csrf.as_str()), ("inPage", "mentioned"), ("byMail", "assigned")];
    assert_eq!(browser.post("/console/settings/notifications", &fields).await.status, 303);
    let page = browser.get("/console/settings/notifications").await;
    assert!(page.html.contains("Somebody mentions you: by mail\">"), "{}", page.html);
    room.ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    tell(&room.desk).await;
    assert_eq!(mails_to(&room.ann, "luis").await.len(), before, "switched off");
    // A form without its secret changes nothing; nobody reaches the page without signing in.
    assert_eq!(browser.post("/console/settings/notifications", &[("csrf", "x")]).await.status, 403);
    assert_eq!(room.desk.browser().get("/console/settings/notifications").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_many_conversations_at_once_is_one_mail() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    for number in 1..=6 {
        noted(&ann, &format!("Order {number}"), json!({ "agentAssigneeId": luis.id })).await;
    }
    tell(&desk).await;
    assert_eq!(subjects(&mails_to(&ann, "luis").await), ["News in 6 of your conversations"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_soon_and_what_is_overdue_is_told_to_the_agent_and_to_webhooks() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let hook = json!({ "event": "anytimeConversation.SLABreached", "targetUrl": "https://hook.example/" });
    let hook = ann.post("/webhooks", hook).await.expect(201);
    assert_eq!(hook["event"], "anytimeConversation.SLABreached");
    let policy = json!({ "name": "Fast", "firstRespondWithin": 120, "nextRespondWithin": 120, "resolveRespondWithin": 1440 });
    ann.post("/anytime/slaPolicies", policy).await.expect(201);
    noted(&ann, "Order 1", json!({ "agentAssigneeId": luis.id })).await;
    let kinds = || crate::support::scene::events(&desk, 1);
    // Not yet near: nothing is said, however often it is looked at.
    desk.advance(Duration::from_secs(50 * 60));
    jobs::record_breaches(&desk.app).await.unwrap();
    assert!(!kinds().contains(&"slaNear".to_owned()), "{:?}", kinds());
    desk.advance(Duration::from_secs(15 * 60));
    for _ in 0..2 {
        jobs::record_breaches(&desk.app).await.unwrap();
    }
    assert_eq!(kinds().iter().filter(|kind| *kind == "slaNear").count(), 1, "{:?}", kinds());
    desk.advance(Duration::from_secs(60 * 60));
    jobs::record_breaches(&desk.app).await.unwrap();
    tell(&desk).await;
    let mails = mails_to(&ann, "luis").await;
    assert!(subjects(&mails).iter().any(|subject| subject.contains("Overdue")), "{mails:?}");
    assert!(
        !subjects(&mails).iter().any(|subject| subject.contains("Due soon")),
        "off by default: {mails:?}"
    );
    let delivery = eventually("the webhook", async || {
        let list = ann.get(&format!("/webhooks/{}/deliveries", hook["id"])).await.expect(200);
        list["deliveries"].as_array().or(list.as_array())?.first().cloned()
    });
    let delivery = delivery.await;
    let told = desk
        .app
        .read(|s| {
            s.one("SELECT body FROM webhook_delivery WHERE event = 'SLABreached'", [], |row| {
                row.get::<_, String>(0)
            })
        })
        .unwrap()
        .unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["event"], "anytimeConversation.SLABreached", "{delivery}");
    assert_eq!(told["payload"]["target"], "firstRespond");
    assert_eq!(told["payload"]["dueTime"], "2026-01-05T11:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_fails_three_times_is_told_to_those_who_manage_accounts() {
    let desk = TestDesk::start().await;
    let (ann, _luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    crate::support::scene::account(&ann).await;
    for _ in 0..4 {
        desk.app
            .write(|tx| {
                let account = anytime::ids::EmailAccountId(1);
                let failure = Failure { text: "connection refused".to_owned(), is_refusal: false };
                anytime::desk::email_account::record_check(tx, account, Some(&failure), None)
            })
            .await
            .unwrap();
    }
    tell(&desk).await;
    assert_eq!(subjects(&mails_to(&ann, "ann").await), ["An e-mail account cannot be checked"]);
    assert!(mails_to(&ann, "luis").await.is_empty());
}

/// Answers the newest notice to Luis.
async fn answers(room: &Mailroom, from: &str, headers: &[&str], text: &str) -> Value {
    let notice = mails_to(&room.ann, "luis").await.last().unwrap().clone();
    let id = notice["internetMessageId"].as_str().unwrap();
    let answered = format!("In-Reply-To: <{id}>");
    let own =
        format!("Message-ID: <{}@phone.example>", room.desk.number("SELECT count(*) FROM inbound_mail"));
    let headers = [&[answered.as_str(), own.as_str()], headers].concat();
    let subject = format!("Re: {}", notice["subject"].as_str().unwrap());
    room.receive(&mail(from, DESK, &subject, &headers, text)).await
}

const QUOTE: &str = "\n\nOn Mon, 5 Jan 2026 at 09:01, Desk <support@desk.example> wrote:\n> Please help.\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_answers_a_notice_by_mail_in_their_own_name() {
    let (room, luis) = scene().await;
    let text = format!("We send you a new one today.{QUOTE}");
    let ledger = answers(&room, "Luis <luis@desk.example>", &[], &text).await;
    assert_eq!(ledger["outcome"], "appended", "{ledger}");
    assert_eq!(ledger["matchedBy"], "signed token of a notice in In-Reply-To", "{ledger}");
    let last = room.last_message().await;
    assert_eq!(last["plainBody"], "We send you a new one today.");
    assert_eq!((&last["senderType"], &last["senderId"]), (&json!("agent"), &json!(luis.id)));
    assert_eq!(last["type"], "email");
    // It goes on to the customer.
    let mails = room.ann.get("/anytime/outgoingMails").await.expect(200);
    assert_eq!(mails["outgoingMails"][0]["recipients"][0]["address"], "lena@customer.example");
    // A first line makes a note.
    let ledger = answers(&room, "luis@desk.example", &[], &format!("note\nHer third chain!{QUOTE}")).await;
    assert_eq!(ledger["outcome"], "appended", "{ledger}");
    let last = room.last_message().await;
    assert_eq!((&last["type"], &last["plainBody"]), (&json!("note"), &json!("Her third chain!")));
    assert_eq!(room.conversations().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_notice_from_anybody_else_is_set_aside_and_never_a_message() {
    let (room, luis) = scene().await;
    let before = room.desk.number("SELECT count(*) FROM message");
    // Somebody it was forwarded to; the customer; another agent.
    for from in ["mallory@evil.example", LENA, "ann@desk.example"] {
        let ledger = answers(&room, from, &[], "Send the money to me.").await;
        assert_eq!(ledger["outcome"], "quarantined", "{from}: {ledger}");
        assert!(
            ledger["reason"].as_str().unwrap().contains("does not come from that agent's address"),
            "{ledger}"
        );
    }
    let machine = answers(&room, "luis@desk.example", &["Auto-Submitted: auto-replied"], "I am away.").await;
    assert_eq!(machine["outcome"], "ignored", "{machine}");
    let empty = answers(&room, "luis@desk.example", &[], QUOTE).await;
    assert_eq!(empty["outcome"], "quarantined", "{empty}");
    // Somebody who is no agent any more.
    room.ann.put(&format!("/agents/{}", luis.id), json!({ "isActive": false })).await.expect(200);
    let gone = answers(&room, "luis@desk.example", &[], "I still have your mail").await;
    assert_eq!(gone["outcome"], "quarantined", "{gone}");
    assert!(gone["reason"].as_str().unwrap().contains("no longer active"), "{gone}");
    // Much too late.
    room.desk.advance(Duration::from_secs(31 * 24 * 3600));
    let late = answers(&room, "luis@desk.example", &[], "Too late").await;
    assert_eq!(late["outcome"], "quarantined", "{late}");
    assert!(late["reason"].as_str().unwrap().contains("too old"), "{late}");
    assert_eq!(room.desk.number("SELECT count(*) FROM message"), before);
    assert_eq!(room.desk.number("SELECT count(*) FROM conversation"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notices_token_is_no_customers_token_and_a_forged_one_is_none() {
    let (room, _luis) = scene().await;
    let notice =
        mails_to(&room.ann, "luis").await.last().unwrap()["internetMessageId"].as_str().unwrap().to_owned();
    assert!(notice.starts_with("n1.1."), "{notice}");
    // One letter of the seal changed, or its kind.
    let (left, domain) = notice.split_once('@').unwrap();
    let last = if left.ends_with('a') { "b" } else { "a" };
    let forged = [&left[..left.len() - 1], last, "@", domain].concat();
    let as_customer = ["c", &notice[1..]].concat();
    for (number, id) in [forged, as_customer].iter().enumerate() {
        let headers = [format!("In-Reply-To: <{id}>"), format!("Message-ID: <f{number}@evil.example>")];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let ledger = room.receive(&mail("luis@desk.example", DESK, "Hello", &headers, "Hi")).await;
        assert_eq!(ledger["outcome"], "created", "a stranger's mail: {ledger}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_sender_the_trusted_server_calls_forged_is_set_aside() {
    let (room, _luis) = scene().await;
    let ann = room.desk.browser();
    ann.sign_in("ann").await;
    let page = "/console/settings/sender-checks";
    let csrf = ann.get(page).await.csrf();
    ann.post(page, &[("csrf", &csrf), ("authservId", "mx.desk.example")]).await;
    let forged = "Authentication-Results: mx.desk.example; dmarc=fail header.from=desk.example";
    let ledger = answers(&room, "luis@desk.example", &[forged], "Send the money to me.").await;
    assert_eq!(ledger["outcome"], "quarantined", "{ledger}");
    assert!(ledger["reason"].as_str().unwrap().contains("dmarc=fail"), "{ledger}");
}
