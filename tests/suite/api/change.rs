//! `/anytime/changes`, ETags and the notification stream (beyond the documents; contract 25.12).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::test_desk::{Answer, Client, PATIENCE, TestDesk};

async fn conversation(ann: &Client, more: Value) -> i64 {
    let mut new = json!({ "subject": "Hello", "channel": "portal", "message": { "type": "note", "plainBody": "First" } });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ann.post("/anytime/conversations", new).await.expect(201)["conversation"]["id"].as_i64().unwrap()
}

/// Kinds and conversations of the changes, and where to go on.
async fn changes(by: &Client, since: &str) -> (Vec<(String, i64)>, i64, bool) {
    let answer = by.get(&format!("/anytime/changes?since={since}")).await.expect(200);
    let all = answer["changes"].as_array().unwrap().iter();
    let all = all.map(|c| (c["kind"].as_str().unwrap().to_owned(), c["conversationId"].as_i64().unwrap()));
    (all.collect(), answer["nextSince"].as_i64().unwrap(), answer["hasMore"].as_bool().unwrap())
}

#[tokio::test]
async fn each_change_is_told_exactly_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = conversation(&ann, json!({})).await;
    let path = format!("/anytime/conversations/{id}");
    let (first, next, has_more) = changes(&ann, "0").await;
    assert_eq!((first, has_more), (vec![("created".to_owned(), id)], false));
    assert_eq!(changes(&ann, &next.to_string()).await, (vec![], next, false));
    assert_eq!(changes(&ann, "now").await, (vec![], next, false));
    ann.put(&path, json!({ "status": "onHold" })).await.expect(200);
    let answer = ann.get(&format!("/anytime/changes?since={next}")).await.expect(200);
    let change = &answer["changes"][0];
    assert_eq!(
        (&change["kind"], &change["detail"]["newStatus"]),
        (&json!("statusChanged"), &json!("onHold"))
    );
    assert_eq!((&change["actorType"], &change["actorId"]), (&json!("agent"), &json!(ann.id)));
    assert_eq!(change["time"], "2026-01-05T09:00:00.000Z");
}

#[tokio::test]
async fn a_long_log_comes_in_pieces() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(conversation(&ann, json!({})).await);
    }
    let (mut found, mut since, mut pieces) = (Vec::new(), 0, 0);
    loop {
        let answer = ann.get(&format!("/anytime/changes?since={since}&limit=2")).await.expect(200);
        found.extend(
            answer["changes"].as_array().unwrap().iter().map(|c| c["conversationId"].as_i64().unwrap()),
        );
        since = answer["nextSince"].as_i64().unwrap();
        pieces += 1;
        if answer["hasMore"] == false {
            break;
        }
    }
    assert_eq!((found, pieces), (made, 3));
}

#[tokio::test]
async fn only_changes_of_what_one_may_see_are_told_and_deletions_are() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let hidden = conversation(&ann, json!({ "departmentAssigneeId": sales })).await;
    let open = conversation(&ann, json!({})).await;
    let (told, next, has_more) = changes(&luis, "0").await;
    assert_eq!((told, has_more), (vec![("created".to_owned(), open)], false));
    for id in [hidden, open] {
        ann.delete(&format!("/anytime/conversations/{id}")).await.expect(204);
    }
    let (told, next, _) = changes(&luis, &next.to_string()).await;
    assert_eq!(told, [("deleted".to_owned(), open)]);
    ann.delete(&format!("/anytime/deletedconversations/{open}")).await.expect(204);
    let (told, _, _) = changes(&luis, &next.to_string()).await;
    assert_eq!(told, [("erased".to_owned(), open)]);
    desk.as_nobody().get("/anytime/changes").await.error(401);
}

#[tokio::test]
async fn a_place_in_the_log_is_a_number() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for query in ["since=x", "since=-1", "since=1.5", "limit=0", "limit=501", "limit=x", "since=1&since=2"] {
        ann.get(&format!("/anytime/changes?{query}")).await.error(400);
    }
    assert_eq!(changes(&ann, "999").await, (vec![], 999, false));
}

/// Status and ETag.
async fn tagged(request: reqwest::RequestBuilder) -> (Answer, Option<String>) {
    let response = request.send().await.unwrap();
    let etag = response.headers().get("etag").map(|value| value.to_str().unwrap().to_owned());
    (Answer::of(response).await, etag)
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_not_overwritten() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let path = format!("/anytime/conversations/{}", conversation(&ann, json!({})).await);
    let (_, seen) = tagged(ann.request(Method::GET, &path)).await;
    let seen = seen.unwrap();
    let change = json!({ "priority": "high" });
    let put = |etag: &str| ann.request(Method::PUT, &path).header("if-match", etag).json(&change);
    let (changed, new) = tagged(put(&seen)).await;
    changed.expect(200);
    let new = new.unwrap();
    assert_ne!(seen, new);
    assert_eq!(tagged(ann.request(Method::GET, &path)).await.1.as_ref(), Some(&new));
    let late = tagged(put(&seen)).await.0.error(412);
    assert_eq!(late, format!("this was changed meanwhile: its ETag is {new}"));
    for fine in ["*", &new, &format!("W/{new}"), &format!("\"0\", {new}")] {
        tagged(put(fine)).await.0.expect(200);
    }

    let note = json!({ "type": "note", "plainBody": "Look" });
    let messages = format!("{path}/messages");
    let post = |etag: &str| ann.request(Method::POST, &messages).header("if-match", etag).json(&note);
    tagged(post(&seen)).await.0.error(412);
    assert_eq!(ann.get(&messages).await.expect(200)["messages"].as_array().unwrap().len(), 1);
    let (_, after_note) = tagged(post(&new)).await;
    assert_eq!(tagged(ann.request(Method::GET, &path)).await.1, after_note);
    tagged(put("")).await.0.error(412);
}

#[tokio::test]
async fn who_may_not_change_a_conversation_learns_nothing_from_its_etag() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let path = format!(
        "/anytime/conversations/{}",
        conversation(&ann, json!({ "departmentAssigneeId": sales })).await
    );
    let request =
        luis.request(Method::PUT, &path).header("if-match", "\"0\"").json(&json!({ "status": "closed" }));
    luis.send(request).await.error(404);
}

/// A stream of server-sent events, as its names and data.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    async fn open(by: &Client, last: Option<&str>) -> Self {
        let request = by.request(Method::GET, "/anytime/notification");
        let request = match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut stream = Self { response, text: String::new() };
        if last.is_none() {
            stream.until("retry:").await;
        }
        stream
    }

    /// Reads on until the text holds `word`; gives everything read so far.
    async fn until(&mut self, word: &str) -> &str {
        while !self.text.contains(word) {
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("no {word} in {}", self.text)).unwrap().unwrap();
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
        &self.text
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_told_of_assignments_mentions_replies_and_counts() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = ann.post("/contacts", json!({ "name": "Lena" })).await.expect(201)["id"].clone();
    let mut stream = Stream::open(&luis, None).await;
    let id = conversation(&ann, json!({ "contactId": lena })).await;
    let path = format!("/anytime/conversations/{id}");
    ann.put(&path, json!({ "agentAssigneeId": luis.id })).await.expect(200);
    let told = stream.until("assignedToMe").await;
    assert!(
        told.contains("event: countsChanged") && told.contains(&format!("\"conversationId\":{id}")),
        "{told}"
    );
    let body = format!("<span data-id=\"{}\" class=\"athighlight\">@Luis</span> look", luis.id);
    ann.post(&format!("{path}/messages"), json!({ "type": "note", "htmlBody": body })).await.expect(201);
    stream.until("event: mentioned").await;
    let reply = json!({ "type": "reply", "plainBody": "Hello" });
    ann.post(&format!("{path}/messages"), reply.clone()).await.expect(201);
    stream.until("event: newReply").await;
    let before = stream.text.matches("newReply").count();
    luis.post(&format!("{path}/messages"), reply).await.expect(201);
    luis.put(&format!("{path}/unread"), json!({})).await.expect(204);
    ann.put(&path, json!({ "agentAssigneeId": ann.id })).await.expect(200);
    ann.put(&path, json!({ "agentAssigneeId": luis.id })).await.expect(200);
    while stream.text.matches("assignedToMe").count() < 2 {
        let chunk = stream.response.chunk().await.unwrap().unwrap();
        stream.text += std::str::from_utf8(&chunk).unwrap();
    }
    assert_eq!(stream.text.matches("newReply").count(), before, "own replies are no news: {}", stream.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_after_the_last_event_and_hides_what_one_may_not_see() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    conversation(&ann, json!({ "departmentAssigneeId": sales })).await;
    let last = ann.get("/anytime/changes?since=now").await.expect(200)["nextSince"].to_string();
    conversation(&ann, json!({ "departmentAssigneeId": sales })).await;
    let mine = conversation(&ann, json!({ "agentAssigneeId": luis.id })).await;
    let mut stream = Stream::open(&luis, Some(&last)).await;
    let told = stream.until("assignedToMe").await;
    assert_eq!(told.matches("event: ").count(), 2, "one assignment and its counts: {told}");
    assert!(told.contains(&format!("\"conversationId\":{mine}")), "{told}");
    desk.as_nobody().get("/anytime/notification").await.error(401);
}

#[tokio::test]
async fn every_write_to_a_conversation_is_refused_when_somebody_else_was_quicker() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = conversation(&ann, json!({})).await;
    let other = conversation(&ann, json!({})).await;
    let path = format!("/anytime/conversations/{id}");
    let (_, seen) = tagged(ann.request(Method::GET, &path)).await;
    let seen = seen.unwrap();
    ann.put(&path, json!({ "priority": "high" })).await.expect(200);
    let draft = json!({ "plainBody": "half" });
    let writes = [
        (Method::POST, "/draft", draft.clone(), 201),
        (Method::PUT, "/draft", draft, 200),
        (Method::DELETE, "/draft", json!({}), 204),
        (Method::PUT, "/unread", json!({}), 204),
        (Method::PUT, "/read", json!({}), 204),
        (Method::POST, "/merge", json!({ "sourceId": other }), 200),
        (Method::DELETE, "", json!({}), 204),
    ];
    for (method, part, body, _) in &writes {
        let request = ann.request(method.clone(), &format!("{path}{part}")).header("if-match", &seen);
        let error = ann.send(request.json(body)).await.error(412);
        assert!(error.starts_with("this was changed meanwhile"), "{method} {part}: {error}");
    }
    let (_, mut known) = tagged(ann.request(Method::GET, &path)).await;
    for (method, part, body, status) in writes {
        let request = ann.request(method.clone(), &format!("{path}{part}"));
        let (answer, next) = tagged(request.header("if-match", known.clone().unwrap()).json(&body)).await;
        answer.expect(status);
        known = next.or(known);
    }
}

#[tokio::test]
async fn what_one_event_tells_is_told_again_whole_after_a_break() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let start = changes(&ann, "now").await.1.to_string();
    conversation(&ann, json!({ "agentAssigneeId": luis.id })).await;
    let mut stream = Stream::open(&luis, Some(&start)).await;
    let told = stream.until("countsChanged").await.to_owned();
    let first = told.split("\n\n").find(|event| event.contains("assignedToMe")).unwrap();
    assert!(!first.contains("id:"), "more of the same event follows: {told}");
    let last = told.split("\n\n").find(|event| event.contains("countsChanged")).unwrap();
    assert!(last.contains("id:"), "{told}");
}
