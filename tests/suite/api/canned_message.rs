use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk, change};

async fn create(client: &Client, name: &str, is_private: bool) -> i64 {
    let new = json!({ "name": name, "message": "Hello", "isPrivate": is_private });
    client.post("/cannedMessages", new).await.expect(201)["id"].as_i64().unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_canned_message_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let category = ann.post("/cannedMessageCategories", json!({ "name": "Shipping" })).await;
    assert_eq!(category.location.as_deref(), Some("/api/v3/cannedMessageCategories/1"));
    let category = category.expect(201);
    assert_eq!(
        category,
        json!({ "id": 1, "name": "Shipping", "parentId": 0, "isPrivate": false, "createdById": 1 })
    );
    let created = ann
        .post(
            "/cannedMessages",
            json!({
                "name": " Late ", "message": "Sorry, {!contact.name}", "shortcuts": "late", "categoryId": 1,
                "channelType": "EMAIL", "emailHtmlMessage": "<p onclick=x()>Sorry</p><script>x()</script>",
                "emailTextMessage": "Sorry!",
            }),
        )
        .await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/cannedMessages/1"));
    let message = created.expect(201);
    assert_eq!(
        message,
        json!({
            "id": 1, "name": "Late", "message": "Sorry, {!contact.name}", "shortcuts": "late", "categoryId": 1,
            "isPrivate": false, "channelType": "email", "emailHtmlMessage": "<p>Sorry</p>",
            "emailTextMessage": "Sorry!", "createdById": 1,
        })
    );
    assert_eq!(ann.get("/cannedMessages/1").await.expect(200), message);
    assert_eq!(ann.put("/cannedMessages/1", message.clone()).await.expect(200), message);
    let changed = ann.put("/cannedMessages/1", json!({ "name": "Delay", "categoryId": 0 })).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["categoryId"], &changed["shortcuts"]),
        (&json!("Delay"), &json!(0), &json!("late"))
    );
    ann.delete("/cannedMessages/1").await.expect(204);
    ann.get("/cannedMessages/1").await.error(404);
    let log = ann.get("/auditLogs?type=cannedMessageManagement").await.expect(200);
    assert_eq!(log["logs"][0]["actionSummary"], "deleted the canned message 'Delay'");
}

#[tokio::test]
async fn messages_are_listed_by_name_and_found_by_words_and_category() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/cannedMessageCategories", json!({ "name": "Shipping" })).await.expect(201);
    for (name, message, category) in [("zulu", "late parcel", 1), ("Alpha", "hello", 0), ("mike", "100%", 1)]
    {
        let new = json!({ "name": name, "message": message, "categoryId": category, "shortcuts": name });
        ann.post("/cannedMessages", new).await.expect(201);
    }
    for (query, found) in [
        ("", &["Alpha", "mike", "zulu"][..]),
        ("?keywords=PARCEL", &["zulu"]),
        ("?keywords=%25", &["mike"]),
        ("?keywords=alph", &["Alpha"]),
        ("?categoryId=1", &["mike", "zulu"]),
    ] {
        let list = ann.get(&format!("/cannedMessages{query}")).await.expect(200);
        assert_eq!(names(&list), found, "{query}");
    }
    ann.get("/cannedMessages?categoryId=x").await.error(400);
}

#[tokio::test]
async fn the_other_face_shows_the_same_store() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/cannedMessages", json!({ "name": "Hi", "message": "a < b" })).await.expect(201);
    let first = ann.get("/anytime/cannedResponses/1").await.expect(200)["cannedResponse"].clone();
    assert_eq!((&first["id"], &first["textContent"]), (&json!(1), &json!("a < b")));
    assert!(first["htmlContent"].as_str().unwrap().contains("a &lt; b"), "{first}");
    let new = json!({ "name": "Bye", "htmlContent": "<p>So <b>long</b></p>" });
    let created = ann.post("/anytime/cannedResponses", new).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/cannedResponses/2"));
    assert_eq!(created.expect(201)["cannedResponse"]["textContent"], "So long");
    let message = ann.get("/cannedMessages/2").await.expect(200);
    assert_eq!(
        (&message["message"], &message["emailHtmlMessage"]),
        (&json!("So long"), &json!("<p>So <b>long</b></p>"))
    );
    let changed =
        ann.put("/anytime/cannedResponses/2", json!({ "textContent": "Farewell" })).await.expect(200);
    assert_eq!(changed["cannedResponse"]["textContent"], "Farewell");
    let list = ann.get("/anytime/cannedResponses").await.expect(200);
    assert_eq!(names(&list["cannedResponses"]), ["Bye", "Hi"]);
    let empty = ann.post("/anytime/cannedResponses", json!({ "name": "x" })).await.error(400);
    assert_eq!(empty, "'textContent' is required");
    assert_eq!(ann.get("/anytime/cannedResponses/9").await.error(404), "there is no canned response 9");
    ann.delete("/anytime/cannedResponses/2").await.expect(204);
    ann.get("/cannedMessages/2").await.error(404);
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_told() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({ "message": "x" }), "'name' is required"),
        (json!({ "name": "x" }), "'message' is required"),
        (json!({}), "'name' is required; 'message' is required"),
        (json!({ "name": "x", "message": "x".repeat(20_001) }), "'message' is longer than 20000 characters"),
        (
            json!({ "name": "x", "message": "x", "categoryId": 7 }),
            "'categoryId' there is no canned message category 7",
        ),
        (json!({ "name": "x", "message": "x", "channelType": "fax" }), "'channelType' has no value 'fax'"),
        (
            json!({ "name": "x", "message": "x", "shortcuts": "a\nb" }),
            "'shortcuts' 'a\nb' is longer than 50 characters or more than one line",
        ),
        (
            json!({ "name": "x", "message": "x", "emailHtmlMessage": "x".repeat(200_001) }),
            "'emailHtmlMessage' is longer than 200000 bytes",
        ),
        (json!({ "name": "x", "message": "x", "colour": 1 }), "'colour' is not a field of this object"),
    ] {
        assert_eq!(ann.post("/cannedMessages", body).await.error(400), message);
    }
    create(&ann, "Good", false).await;
    assert_eq!(
        ann.put("/cannedMessages/1", json!({ "message": " " })).await.error(400),
        "'message' is required"
    );
    for id in ["7", "x"] {
        ann.get(&format!("/cannedMessages/{id}")).await.error(404);
        ann.put(&format!("/cannedMessages/{id}"), json!({})).await.error(404);
        ann.delete(&format!("/cannedMessages/{id}")).await.error(404);
    }
}

#[tokio::test]
async fn a_private_message_exists_for_its_creator_only() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let id = create(&luis, "Mine", true).await;
    let path = format!("/cannedMessages/{id}");
    luis.get(&path).await.expect(200);
    ann.get(&path).await.error(404);
    ann.get(&format!("/anytime/cannedResponses/{id}")).await.error(404);
    ann.put(&path, json!({ "name": "x" })).await.error(404);
    ann.delete(&path).await.error(404);
    assert_eq!(ann.get("/cannedMessages").await.expect(200), json!([]));
    assert_eq!(ann.get("/auditLogs?type=cannedMessageManagement").await.expect(200)["total"], 0);
    luis.put(&path, json!({ "name": "Still mine" })).await.expect(200);
    assert_eq!(
        luis.put(&path, json!({ "isPrivate": false })).await.error(403),
        "you may not manage public canned messages"
    );
    luis.delete(&path).await.expect(204);
}

#[tokio::test]
async fn public_messages_are_everybodys_to_read_and_some_agents_to_write() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let id = create(&ann, "Ours", false).await;
    let path = format!("/cannedMessages/{id}");
    luis.get(&path).await.expect(200);
    luis.put(&path, json!({ "name": "x" })).await.error(403);
    luis.delete(&path).await.error(403);
    let new = json!({ "name": "x", "message": "x" });
    luis.post("/cannedMessages", new.clone()).await.error(403);
    luis.post("/anytime/cannedResponses", json!({ "name": "x", "textContent": "x" })).await.error(403);
    luis.post("/cannedMessageCategories", json!({ "name": "x" })).await.error(403);
    desk.as_nobody().get("/cannedMessages").await.error(401);
    change(&desk, |tx| {
        tx.run("DELETE FROM role_permission WHERE permission = 'managePrivateCannedMessages'", [])?;
        Ok(())
    })
    .await;
    let private = json!({ "name": "x", "message": "x", "isPrivate": true });
    assert_eq!(
        luis.post("/cannedMessages", private).await.error(403),
        "you may not manage private canned messages"
    );
    // Made private, it belongs to whoever made it so.
    ann.put(&path, json!({ "isPrivate": true })).await.expect(200);
    luis.get(&path).await.error(404);
}

#[tokio::test]
async fn categories_form_a_tree_without_circles() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (name, parent) in [("A", 0), ("B", 1), ("C", 2)] {
        let new = json!({ "name": name, "parentId": parent });
        ann.post("/cannedMessageCategories", new).await.expect(201);
    }
    for (id, parent) in [(1, 3), (2, 2)] {
        let moved = ann.put(&format!("/cannedMessageCategories/{id}"), json!({ "parentId": parent })).await;
        assert_eq!(moved.error(400), format!("'parentId' '{parent}' is the category itself or inside of it"));
    }
    let unknown =
        ann.post("/cannedMessageCategories", json!({ "name": "X", "parentId": 9 })).await.error(400);
    assert_eq!(unknown, "'parentId' there is no canned message category 9");
    assert_eq!(ann.post("/cannedMessageCategories", json!({})).await.error(400), "'name' is required");
    let new = json!({ "name": "In B", "message": "x", "categoryId": 2 });
    ann.post("/cannedMessages", new).await.expect(201);
    ann.delete("/cannedMessageCategories/2").await.expect(204);
    assert_eq!(ann.get("/cannedMessageCategories/3").await.expect(200)["parentId"], 1);
    assert_eq!(ann.get("/cannedMessages/1").await.expect(200)["categoryId"], 1);
    assert_eq!(names(&ann.get("/cannedMessageCategories").await.expect(200)), ["A", "C"]);
    ann.get("/cannedMessageCategories/2").await.error(404);
    ann.delete("/cannedMessageCategories/2").await.error(404);
    ann.put("/cannedMessageCategories/2", json!({})).await.error(404);
}

#[tokio::test]
async fn a_private_category_holds_nothing_public() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let own = json!({ "name": "Mine", "isPrivate": true });
    luis.post("/cannedMessageCategories", own).await.expect(201);
    ann.get("/cannedMessageCategories/1").await.error(404);
    let foreign = json!({ "name": "x", "message": "x", "categoryId": 1 });
    assert!(
        ann.post("/cannedMessages", foreign)
            .await
            .error(400)
            .contains("there is no canned message category 1")
    );
    let inside = json!({ "name": "x", "message": "x", "categoryId": 1, "isPrivate": true });
    luis.post("/cannedMessages", inside).await.expect(201);
    let own = json!({ "name": "Own", "isPrivate": true });
    ann.post("/cannedMessageCategories", own).await.expect(201);
    let public = json!({ "name": "x", "message": "x", "categoryId": 2 });
    assert_eq!(
        ann.post("/cannedMessages", public).await.error(400),
        "'categoryId' 'Own' is private, and this is public"
    );
    ann.post("/cannedMessageCategories", json!({ "name": "Open" })).await.expect(201);
    ann.post("/cannedMessages", json!({ "name": "y", "message": "y", "categoryId": 3 })).await.expect(201);
    let closed = ann.put("/cannedMessageCategories/3", json!({ "isPrivate": true })).await.error(409);
    assert_eq!(closed, "'Open' holds what is public or somebody else's");
}
