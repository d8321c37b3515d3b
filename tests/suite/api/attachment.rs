use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response};
use serde_json::json;

use crate::support::scene::contact;
use crate::support::test_desk::{Client, TestDesk};

fn part(name: &str, bytes: &[u8]) -> Part {
    Part::bytes(bytes.to_vec()).file_name(name.to_owned())
}

async fn download(client: &Client, guid: &str, range: Option<&str>) -> Response {
    let mut request = client.request(Method::GET, &format!("/attachments/{guid}/content"));
    // A client that takes compressed answers must still get ranges of the file's own bytes.
    request = request.header("accept-encoding", "gzip");
    if let Some(range) = range {
        request = request.header("range", range);
    }
    request.send().await.unwrap()
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn one_file_is_uploaded_and_described() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let form = Form::new().part("file", part("notes.txt", b"hello").mime_str("text/plain").unwrap());
    let created = ann.send(ann.request(Method::POST, "/attachments").multipart(form)).await;
    let location = created.location.clone().unwrap();
    let body = created.expect(201);
    let attachment = &body["attachment"];
    assert_eq!(body["attachments"], json!([attachment]));
    let guid = attachment["guid"].as_str().unwrap();
    assert_eq!(location, format!("/api/v3/attachments/{guid}"));
    assert_eq!(
        *attachment,
        json!({
            "guid": guid, "fileName": "notes.txt", "url": format!("/api/v3/attachments/{guid}/content"),
            "isAvailable": true, "size": 5, "mimetype": "text/plain", "messageId": null,
        })
    );
    assert_eq!(ann.get(&format!("/attachments/{guid}")).await.expect(200), *attachment);
    let wrapped = ann.get(&format!("/anytime/attachments/{guid}")).await.expect(200);
    assert_eq!(wrapped, json!({ "attachment": attachment }));
}

#[tokio::test]
async fn several_files_come_in_one_form() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let form = Form::new().part("file", part("a.txt", b"a")).part("file", part("b.txt", b"bb"));
    let body = ann.send(ann.request(Method::POST, "/anytime/attachments").multipart(form)).await.expect(201);
    assert!(body.get("attachment").is_none());
    assert_eq!((&body["attachments"][0]["size"], &body["attachments"][1]["size"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn a_form_without_a_file_another_type_and_too_much_are_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let post = || ann.request(Method::POST, "/attachments");
    let empty = ann.send(post().multipart(Form::new().text("note", "x"))).await.error(400);
    assert!(empty.starts_with("'file' is required"), "{empty}");
    ann.send(post().json(&json!({ "file": "x" }))).await.error(415);
    let broken = post().header("content-type", "multipart/form-data").body("x");
    assert!(ann.send(broken).await.error(400).starts_with("'body' is not a readable form"));
    let huge = Form::new().part("file", part("huge.bin", &vec![0; (20 << 20) + 1]));
    let message = ann.send(post().multipart(huge)).await.error(413);
    assert!(message.contains("'huge.bin'"), "{message}");
    assert_eq!(desk.number("SELECT count(*) FROM attachment"), 0);
}

#[tokio::test]
async fn a_file_is_downloaded_as_it_came_and_never_shown_inside_a_page() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let bytes: Vec<u8> = (0..700_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let guid = ann.upload("発注 \"書\".html", &bytes).await;
    let response = download(&ann, &guid, None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-length"), "700000");
    assert_eq!(
        header(&response, "content-disposition"),
        "attachment; filename*=UTF-8''%E7%99%BA%E6%B3%A8%20%22%E6%9B%B8%22.html"
    );
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(
        header(&response, "content-security-policy"),
        "default-src 'none'; sandbox; frame-ancestors 'none'"
    );
    assert_eq!(header(&response, "cache-control"), "private, no-store");
    assert!(response.bytes().await.unwrap() == bytes);
}

#[tokio::test]
async fn one_range_is_answered_and_others_get_the_whole_file_or_a_refusal() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let bytes: Vec<u8> = (0..600_000_u32).map(|n| (n % 251) as u8).collect();
    let guid = ann.upload("a.bin", &bytes).await;
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=262140-262150", 262_140, 262_151),
        ("bytes=599990-", 599_990, 600_000),
        ("bytes=-5", 599_995, 600_000),
        ("bytes=599999-700000", 599_999, 600_000),
    ] {
        let response = download(&ann, &guid, Some(range)).await;
        assert_eq!(response.status(), 206, "{range}");
        assert_eq!(header(&response, "content-range"), format!("bytes {from}-{}/600000", to - 1));
        assert!(response.bytes().await.unwrap() == bytes[from..to], "{range}");
    }
    for range in ["bytes=0-1,5-6", "lines=1-2", "bytes=x"] {
        let response = download(&ann, &guid, Some(range)).await;
        assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(600_000)), "{range}");
    }
    let outside = download(&ann, &guid, Some("bytes=600000-")).await;
    assert_eq!(outside.status(), 416);
    assert_eq!(header(&outside, "content-range"), "bytes */600000");
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let guid = ann.upload("empty.txt", b"").await;
    let response = download(&ann, &guid, None).await;
    assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(0)));
}

#[tokio::test]
async fn head_gives_the_headers_alone() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let guid = ann.upload("a.txt", b"hello").await;
    let path = format!("/attachments/{guid}/content");
    let response = ann.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-length"), "5");
    assert!(response.bytes().await.unwrap().is_empty());
    // The connection is still in step.
    assert_eq!(download(&ann, &guid, None).await.text().await.unwrap(), "hello");
}

#[tokio::test]
async fn an_unavailable_file_cannot_be_downloaded() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let guid = ann.upload("a.txt", b"hello").await;
    let path = format!("/attachments/{guid}");
    let changed = ann.put(&path, json!({ "isAvailable": false })).await.expect(200);
    assert_eq!(changed["isAvailable"], false);
    assert_eq!(ann.put(&path, changed.clone()).await.expect(200), changed);
    ann.get(&format!("{path}/content")).await.error(404);
    ann.put(&path, json!({ "isAvailable": true })).await.expect(200);
    assert_eq!(download(&ann, &guid, None).await.status(), 200);
    assert_eq!(ann.put(&path, json!({})).await.error(400), "'isAvailable' is required");
}

#[tokio::test]
async fn a_deleted_attachment_is_gone() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let guid = ann.upload("a.txt", b"hello").await;
    ann.delete(&format!("/attachments/{guid}")).await.expect(204);
    for path in [format!("/attachments/{guid}"), format!("/attachments/{guid}/content")] {
        ann.get(&path).await.error(404);
    }
    ann.delete(&format!("/attachments/{guid}")).await.error(404);
}

#[tokio::test]
async fn an_upload_is_its_uploaders_alone() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let guid = luis.upload("a.txt", b"hello").await;
    let path = format!("/attachments/{guid}");
    ann.get(&path).await.error(404);
    ann.get(&format!("{path}/content")).await.error(404);
    ann.put(&path, json!({ "isAvailable": true })).await.error(404);
    ann.delete(&path).await.error(404);
    desk.as_nobody().get(&format!("{path}/content")).await.error(401);
    let form = Form::new().part("file", part("a.txt", b"x"));
    let nobody = desk.as_nobody();
    nobody.send(nobody.request(Method::POST, "/attachments").multipart(form)).await.error(401);
}

#[tokio::test]
async fn what_is_said_of_a_file_can_be_sent_back_wherever_files_are_named() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    let upload = async |name: &str| {
        let guid = ann.upload(name, b"text").await;
        ann.get(&format!("/attachments/{guid}")).await.expect(200)
    };
    let message = json!({ "type": "note", "plainBody": "x", "attachments": [upload("first.txt").await] });
    let new = json!({ "subject": "s", "channel": "portal", "contactId": lena, "message": message });
    ann.post("/anytime/conversations", new).await.expect(201);
    let note = json!({ "type": "note", "plainBody": "y", "attachments": [upload("second.txt").await] });
    let written = ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    assert_eq!(written["message"]["attachments"][0]["fileName"], "second.txt");
    let reply = json!({ "contactId": lena, "plainBody": "z", "attachments": [upload("third.txt").await] });
    ann.post("/anytime/portalconversations/1/messages", reply).await.expect(201);
    let draft = json!({ "plainBody": "half", "attachments": [upload("fourth.txt").await] });
    ann.put("/anytime/conversations/1/draft", draft).await.expect(200);
    let draft = ann.get("/anytime/conversations/1/draft").await.expect(200)["conversationDraft"].clone();
    let again = ann.put("/anytime/conversations/1/draft", draft.clone()).await.expect(200);
    assert_eq!(again["conversationDraft"], draft, "a draft with a file as it was read");
}
