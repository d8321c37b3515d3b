//! Exchange accounts against a strict stand-in for Microsoft Graph.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::graph::{Graph, USER};
use crate::support::mail::mail;
use crate::support::provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use crate::support::test_desk::{Client, TestDesk, eventually};

const ACCOUNTS: &str = "/anytime/emailAccounts";

fn numbered(index: usize) -> Vec<u8> {
    let id = format!("Message-ID: <{index}@customer.example>");
    mail("lena@customer.example", USER, &format!("mail {index}"), &[&id], "Hello")
}

async fn account(ann: &Client, provider: &Provider, graph: &Graph, more: Value) -> i64 {
    let mut account = json!({
        "email": USER, "type": "exchange", "exchangeServer": graph.url(), "oauthTokenUrl": provider.url("/token"),
        "oauthClientId": CLIENT_ID, "oauthClientSecret": CLIENT_SECRET, "pollInterval": 86400, "isEnabled": false,
    });
    account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"]["id"].as_i64().unwrap()
}

async fn check(ann: &Client, id: i64) -> Value {
    ann.post(&format!("{ACCOUNTS}/{id}/check"), json!({})).await.expect(200)
}

struct Scene {
    desk: TestDesk,
    ann: Client,
    provider: Provider,
    graph: Graph,
    id: i64,
}

async fn scene(more: Value) -> Scene {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let provider = Provider::start().await;
    let graph = Graph::start(&provider).await;
    let id = account(&ann, &provider, &graph, more).await;
    Scene { desk, ann, provider, graph, id }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_listed_over_several_pages_fetched_and_deleted() {
    let Scene { desk: _desk, ann, provider, graph, id } = scene(json!({})).await;
    let tested = ann.post(&format!("{ACCOUNTS}/{id}/test"), json!({})).await.expect(200);
    assert_eq!(tested, json!({ "exchange": { "ok": true, "error": null } }));
    for index in 0..5 {
        graph.deliver(index, &numbered(index));
    }
    let checked = check(&ann, id).await;
    assert_eq!(
        (&checked["fetched"], &checked["error"]),
        (&json!(5), &Value::Null),
        "{:?}",
        graph.complaints()
    );
    assert_eq!(checked["outcomes"]["created"], 5);
    assert!(graph.messages().is_empty());
    assert_eq!(graph.complaints(), Vec::<String>::new());
    assert_eq!(provider.asked(), 1, "one token serves all requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_stays_is_marked_as_read_and_not_fetched_again() {
    let Scene { desk: _desk, ann, graph, id, .. } = scene(json!({ "leaveCopyOnServer": true })).await;
    for index in 0..3 {
        graph.deliver(index, &numbered(index));
    }
    assert_eq!(check(&ann, id).await["fetched"], 3);
    assert!(graph.messages().iter().all(|message| message.is_read && message.folder == "inbox"));
    // In the same minute as the last.
    graph.deliver(2, &numbered(3));
    assert_eq!(check(&ann, id).await["fetched"], 1);
    assert_eq!(check(&ann, id).await["fetched"], 0);
    assert_eq!(graph.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_moved_to_a_folder_found_by_its_name() {
    let Scene { desk: _desk, ann, graph, id, .. } = scene(json!({ "moveToFolder": "Done" })).await;
    graph.deliver(1, &numbered(1));
    assert_eq!(check(&ann, id).await["error"], Value::Null, "{:?}", graph.complaints());
    assert_eq!(graph.messages()[0].folder, "AAMkDone=");
    ann.put(&format!("{ACCOUNTS}/{id}"), json!({ "moveToFolder": "Nowhere" })).await.expect(200);
    graph.deliver(2, &numbered(2));
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("there is no folder 'Nowhere'"), "{error}");
    assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 2, "it is here all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mail_that_is_refused_does_not_stop_the_others() {
    let Scene { desk: _desk, ann, graph, id, .. } = scene(json!({})).await;
    for index in 0..3 {
        graph.deliver(index, &numbered(index));
    }
    graph.refuse(&graph.messages()[1].id);
    let checked = check(&ann, id).await;
    assert_eq!(checked["fetched"], 2, "{checked}");
    assert!(checked["error"].as_str().unwrap().contains("it cannot be converted"), "{checked}");
    assert_eq!(graph.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_busy_is_left_alone_for_as_long_as_it_says() {
    let Scene { desk, ann, graph, id, .. } = scene(json!({})).await;
    graph.deliver(1, &numbered(1));
    graph.be_busy(1);
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("again in 60 seconds"), "{error}");
    let requests = graph.count();
    desk.advance(Duration::from_secs(59));
    assert!(check(&ann, id).await["error"].is_string());
    assert_eq!(graph.count(), requests, "nobody asked");
    desk.advance(Duration::from_secs(2));
    assert_eq!(check(&ann, id).await["fetched"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_sends_us_to_another_server_is_not_followed() {
    let Scene { desk: _desk, ann, graph, id, .. } = scene(json!({})).await;
    let elsewhere = crate::support::receiver::Receiver::start().await;
    graph.deliver(1, &numbered(1));
    graph.send_on_to(&elsewhere.url());
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("another server"), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_replaced_and_a_revoked_client_is_told() {
    let Scene { desk: _desk, ann, provider, graph, id } = scene(json!({})).await;
    graph.deliver(1, &numbered(1));
    assert_eq!(check(&ann, id).await["fetched"], 1);
    provider.expire();
    graph.deliver(2, &numbered(2));
    assert!(check(&ann, id).await["error"].as_str().unwrap().contains("refused the login"));
    assert_eq!(check(&ann, id).await["fetched"], 1, "the next attempt gets another token");
    provider.revoke();
    check(&ann, id).await;
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("invalid_client") && error.contains("AADSTS7000222"), "{error}");
    assert!(!error.contains(CLIENT_SECRET), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_leaves_by_graph_with_its_own_message_id() {
    let Scene { desk: _desk, ann, graph, id, .. } = scene(json!({ "isEnabled": true })).await;
    graph.deliver(1, &numbered(1));
    eventually("the mail", async || {
        check(&ann, id).await;
        (ann.get("/anytime/conversations").await.expect(200)["total"] == 1).then_some(())
    })
    .await;
    let reply = json!({ "type": "email", "plainBody": "We look into it." });
    ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    let sent = eventually("the answer", async || graph.sent().first().cloned()).await;
    let text = String::from_utf8(sent).unwrap();
    let queued = ann.get("/anytime/outgoingMails").await.expect(200)["outgoingMails"][0].clone();
    let message_id = queued["internetMessageId"].as_str().unwrap();
    assert!(text.contains(message_id) && text.contains("To: lena@customer.example"), "{text}");
    eventually("the outcome", async || {
        let mail = ann.get("/anytime/outgoingMails").await.expect(200)["outgoingMails"][0].clone();
        (mail["state"] == "sent").then_some(())
    })
    .await;
    assert_eq!((graph.sent().len(), graph.complaints()), (1, Vec::new()));
}
