//! `Idempotency-Key` (beyond the documents).

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::test_desk::{Answer, Client, TestDesk, eventually};

fn post(by: &Client, path: &str, key: &str, body: &Value) -> RequestBuilder {
    by.request(Method::POST, path).header("Idempotency-Key", key).json(body)
}

/// The answer, and whether it says that it is a repetition.
async fn answer(request: RequestBuilder) -> (Answer, bool) {
    let response = request.send().await.unwrap();
    let is_replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
    (Answer::of(response).await, is_replayed)
}

#[tokio::test]
async fn a_request_sent_again_is_done_once_and_answered_the_same() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let tag = json!({ "name": "refund" });
    let (first, was_replayed) = answer(post(&ann, "/tags", "a1", &tag)).await;
    assert!(!was_replayed);
    let (second, is_replayed) = answer(post(&ann, "/TAGS/", "a1", &tag)).await;
    assert!(is_replayed);
    assert_eq!((second.status, &second.location), (first.status, &first.location));
    assert_eq!(second.expect(201), first.expect(201));
    assert_eq!(ann.get("/tags").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_agent() {
    let desk = TestDesk::start().await;
    let (ann, eve) = (desk.as_ann().await, desk.as_agent("eve").await);
    ann.put(&format!("/agents/{}", eve.id), json!({ "isAdmin": true })).await.expect(200);
    answer(post(&ann, "/tags", "a1", &json!({ "name": "refund" }))).await.0.expect(201);
    let other = json!({ "name": "other" });
    let clash = answer(post(&ann, "/tags", "a1", &other)).await.0.error(409);
    assert_eq!(clash, "the Idempotency-Key 'a1' was used for another request");
    answer(post(&ann, "/anytime/tags", "a1", &json!({ "name": "refund" }))).await.0.error(409);
    answer(post(&ann, "/departments", "a1", &json!({ "name": "refund" }))).await.0.error(409);
    let (of_eve, is_replayed) = answer(post(&eve, "/tags", "a1", &other)).await;
    assert_eq!((of_eve.expect(201)["name"].as_str(), is_replayed), (Some("other"), false));
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    answer(post(&ann, "/tags", "a1", &json!({}))).await.0.error(400);
    answer(post(&ann, "/tags", "a1", &json!({ "name": "x" }))).await.0.expect(201);
    let stranger = desk.as_nobody();
    answer(post(&stranger, "/tags", "a2", &json!({ "name": "y" }))).await.0.error(401);
    let luis = desk.as_agent("luis").await;
    answer(post(&luis, "/tags", "a3", &json!({ "name": "y" }))).await.0.error(403);
    assert_eq!(desk.number("SELECT count(*) FROM kept_answer"), 1);
}

#[tokio::test]
async fn a_key_is_short_and_given_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let tag = json!({ "name": "x" });
    for key in ["", " ", &"k".repeat(256)] {
        let message = answer(post(&ann, "/tags", key, &tag)).await.0.error(400);
        assert_eq!(message, "'Idempotency-Key' must be 1 to 255 characters of ASCII");
    }
    let twice = post(&ann, "/tags", "a", &tag).header("Idempotency-Key", "b");
    assert_eq!(answer(twice).await.0.error(400), "'Idempotency-Key' is given twice");
    assert_eq!(ann.get("/tags").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_twin_of_a_running_request_is_refused_until_the_server_starts_again() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let tag = json!({ "name": "x" });
    answer(post(&ann, "/tags", "a1", &tag)).await.0.expect(201);
    // As it is while the first request runs, and as a crash leaves it.
    crate::support::test_desk::change(&desk, |tx| tx.run("UPDATE kept_answer SET status = NULL", [])).await;
    let message = answer(post(&ann, "/tags", "a1", &tag)).await.0.error(409);
    assert_eq!(message, "the first request with the Idempotency-Key 'a1' still runs");
    let clock = desk.clock.clone();
    let directory = desk.stop().await;
    let config = anytime::config::Config::for_directory(directory.path());
    let desk = TestDesk::run(config, clock, directory).await;
    assert_eq!(desk.number("SELECT count(*) FROM kept_answer"), 0);
}

#[tokio::test]
async fn many_at_once_are_done_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let tag = json!({ "name": "refund" });
    let all = (0..12).map(|_| {
        let request = post(&ann, "/tags", "a1", &tag);
        tokio::spawn(async move { answer(request).await.0.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for one in all.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    assert!(
        statuses.iter().all(|status| [201, 409].contains(status)) && statuses.contains(&201),
        "{statuses:?}"
    );
    assert_eq!(ann.get("/tags").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_form_is_recognised_whatever_divides_its_parts() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let upload = |text: &'static str| {
        let part = reqwest::multipart::Part::bytes(text.as_bytes()).file_name("a.txt");
        let form = reqwest::multipart::Form::new().part("file", part);
        ann.request(Method::POST, "/attachments").header("Idempotency-Key", "u1").multipart(form)
    };
    let (first, _) = answer(upload("hello")).await;
    let (second, is_replayed) = answer(upload("hello")).await;
    assert!(is_replayed);
    assert_eq!(second.expect(201), first.expect(201));
    answer(upload("other")).await.0.error(409);
    assert_eq!(desk.number("SELECT count(*) FROM attachment"), 1);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_kept_encrypted() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let path = format!("/agents/{}/apiKey", luis.id);
    let (first, _) = answer(post(&ann, &path, "k1", &json!({}))).await;
    let (second, is_replayed) = answer(post(&ann, &path, "k1", &json!({}))).await;
    assert!(is_replayed);
    let key = first.expect(201)["apiKey"].as_str().unwrap().to_owned();
    assert_eq!(second.expect(201)["apiKey"], key.as_str());
    let directory = desk.stop().await;
    let file = std::fs::read(directory.path().join("anytime.db")).unwrap();
    assert!(!file.windows(key.len()).any(|window| window == key.as_bytes()));
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    answer(post(&ann, "/tags", "a1", &json!({ "name": "x" }))).await.0.expect(201);
    desk.advance(Duration::from_secs(24 * 3600));
    let (again, is_replayed) = answer(post(&ann, "/tags", "a1", &json!({ "name": "y" }))).await;
    assert_eq!((again.status.as_u16(), is_replayed), (201, false));
    desk.advance(Duration::from_secs(24 * 3600));
    let removed = desk.app.write(anytime::desk::kept_answer::sweep).await.unwrap();
    assert_eq!(removed, 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_gets_the_answer_the_next_time() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let tag = json!({ "name": "x" });
    let request = post(&ann, "/tags", "a1", &tag);
    let sent = tokio::spawn(async move { answer(request).await });
    eventually("the request to arrive", async || {
        (0 < desk.number("SELECT count(*) FROM kept_answer")).then_some(())
    })
    .await;
    sent.abort();
    let again = eventually("the answer", async || {
        let (again, is_replayed) = answer(post(&ann, "/tags", "a1", &tag)).await;
        is_replayed.then_some(again)
    })
    .await;
    assert_eq!(again.expect(201)["name"], "x");
    assert_eq!(ann.get("/tags").await.expect(200).as_array().unwrap().len(), 1);
}
