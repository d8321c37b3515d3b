use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk, change, eventually};

async fn conversation(client: &Client, subject: &str, text: &str, contact: &Value) -> i64 {
    let new = json!({ "subject": subject, "channel": "portal", "contactId": contact,
        "message": { "type": "note", "plainBody": text } });
    client.post("/anytime/conversations", new).await.expect(201)["conversation"]["id"].as_i64().unwrap()
}

/// The ids that keywords find, in the list's order.
async fn found(client: &Client, keywords: &str) -> Vec<i64> {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("keywords", keywords).finish();
    let list = client.get(&format!("/anytime/conversations?{query}")).await.expect(200);
    let ids: Vec<i64> =
        list["conversations"].as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!(list["total"].as_i64().unwrap(), ids.len() as i64, "{keywords}");
    // The whole past is searched in another way, with the same result.
    let ever = client.get(&format!("/anytime/conversations?timeFrom=2000-01-01&{query}")).await.expect(200);
    assert_eq!(
        (&ever["total"], &ever["conversations"]),
        (&list["total"], &list["conversations"]),
        "{keywords}"
    );
    ids
}

#[tokio::test]
async fn words_are_found_in_subjects_messages_notes_and_contacts_and_by_number() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = json!({ "name": "Lena Fröhlich", "alias": "lenny", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    let lena = ann.post("/contacts", lena).await.expect(201)["id"].clone();
    let first = conversation(&ann, "Broken lamp", "It flickers since Tuesday.", &lena).await;
    let second = conversation(
        &ann,
        "Refund",
        "Order AB-1234-X arrived not yet complete; 12 are missing.",
        &Value::Null,
    )
    .await;
    let reply = json!({ "type": "reply", "plainBody": "Please send a photograph." });
    ann.post(&format!("/anytime/conversations/{first}/messages"), reply).await.expect(201);
    for (keywords, expected) in [
        ("lamp", vec![first]),
        ("LAMP flickers", vec![first]),
        ("lamp refund", vec![]),
        ("photograph", vec![first]),
        ("photo*", vec![first]),
        ("photo", vec![]),
        ("frohlich", vec![first]),
        ("LENNY", vec![first]),
        ("lena@customer.example", vec![first]),
        ("customer", vec![first]),
        ("AB-1234-X", vec![second]),
        ("1234-AB", vec![]),
        ("\"not yet\"", vec![second]),
        ("\"yet not\"", vec![]),
        ("#1", vec![first]),
        ("1", vec![first]),
        ("12", vec![second]),
        ("#12", vec![]),
    ] {
        assert_eq!(found(&ann, keywords).await, expected, "{keywords}");
    }
}

#[tokio::test]
async fn no_text_is_an_error() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "a OR b", "NEAR(x) AND \"y\"", &Value::Null).await;
    for keywords in [
        "\"",
        "\"\"",
        "'",
        "''",
        "*",
        "a*b",
        "(",
        ")",
        "a OR",
        "OR",
        "AND",
        "NOT",
        "NEAR(",
        "-a",
        "+a",
        "^a",
        "{body}: a",
        "body:a",
        "search MATCH 'a'",
        "a\\",
        "%",
        "_",
        "!!!",
        "a \" b",
        "\u{0301}",
        "😀",
        "\u{202e}",
        "; DROP TABLE search",
    ] {
        found(&ann, keywords).await;
    }
    assert_eq!(found(&ann, "!!!").await, [0_i64; 0]);
    assert_eq!(found(&ann, "OR NEAR(x)").await, [1]);
    let long = "word ".repeat(500);
    found(&ann, &long).await;
}

#[tokio::test]
async fn chinese_japanese_and_korean_are_found_by_any_part() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let first = conversation(&ann, "我的订单号AB12还没有到", "请尽快处理", &Value::Null).await;
    let second = conversation(&ann, "注文した商品が届きません", "배송이 늦어요", &Value::Null).await;
    for (keywords, expected) in [
        ("订单", vec![first]),
        ("订单号", vec![first]),
        ("单号订", vec![]),
        ("到", vec![first]),
        ("AB12", vec![first]),
        ("订单号AB12", vec![first]),
        ("尽快 订单", vec![first]),
        ("商品", vec![second]),
        ("届きません", vec![second]),
        ("배송이", vec![second]),
        ("배송", vec![second]),
    ] {
        assert_eq!(found(&ann, keywords).await, expected, "{keywords}");
    }
}

#[tokio::test]
async fn what_changes_is_found_as_it_is_now() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = ann.post("/contacts", json!({ "name": "Lena" })).await.expect(201)["id"].clone();
    let id = conversation(&ann, "Lamp", "broken", &lena).await;
    let path = format!("/anytime/conversations/{id}");
    ann.put(&path, json!({ "subject": "Chandelier" })).await.expect(200);
    assert_eq!((found(&ann, "lamp").await, found(&ann, "chandelier").await), (vec![], vec![id]));
    ann.put(&format!("/contacts/{lena}"), json!({ "name": "Helena" })).await.expect(200);
    assert_eq!((found(&ann, "lena").await, found(&ann, "helena").await), (vec![], vec![id]));
    let identity = json!({ "type": "email", "value": "helena@customer.example" });
    ann.post(&format!("/contacts/{lena}/identities"), identity).await.expect(201);
    assert_eq!(found(&ann, "helena@customer.example").await, [id]);
    ann.delete(&path).await.expect(204);
    assert_eq!(found(&ann, "chandelier").await, [0_i64; 0]);
    ann.post(&format!("/anytime/deletedconversations/{id}/restore"), json!({})).await.expect(200);
    assert_eq!(found(&ann, "chandelier").await, [id]);
    ann.delete(&path).await.expect(204);
    ann.delete(&format!("/anytime/deletedconversations/{id}")).await.expect(204);
    assert_eq!(desk.number("SELECT count(*) FROM search_pending"), 0);
    assert_eq!(desk.number("SELECT count(*) FROM search WHERE search MATCH 'chandelier'"), 0);
}

#[tokio::test]
async fn the_parts_that_commits_add_to_the_index_are_merged_by_a_job() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.insert(0, conversation(&ann, "Lamp", &format!("number{number}"), &Value::Null).await);
    }
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = "/console/settings/jobs";
    let csrf = browser.get(page).await.csrf();
    browser.post(page, &[("csrf", &csrf), ("job", "merge search")]).await;
    let parts = desk.number("SELECT count(DISTINCT segid) FROM search_idx");
    assert!(parts < 8, "20 commits left {parts} parts");
    assert_eq!(found(&ann, "lamp").await, ids);
    assert_eq!(found(&ann, "number7").await, [ids[12]]);
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_see() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let department = ann.post("/departments", json!({ "name": "Legal" })).await.expect(201)["id"].clone();
    let open = conversation(&ann, "Secret lamp", "x", &Value::Null).await;
    let closed = conversation(&ann, "Secret chair", "x", &Value::Null).await;
    ann.put(&format!("/anytime/conversations/{closed}"), json!({ "departmentAssigneeId": department }))
        .await
        .expect(200);
    assert_eq!(found(&ann, "secret").await, [closed, open]);
    assert_eq!(found(&luis, "secret").await, [open]);
    assert_eq!(found(&luis, &format!("#{closed}")).await, [0_i64; 0]);
}

#[tokio::test]
async fn words_go_together_with_filters_conditions_tags_and_pages() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for index in 0..7 {
        let id = conversation(&ann, "Lamp", "x", &Value::Null).await;
        let priority = if index % 2 == 0 { "high" } else { "low" };
        ann.put(&format!("/anytime/conversations/{id}"), json!({ "priority": priority })).await.expect(200);
    }
    conversation(&ann, "Chair", "x", &Value::Null).await;
    let high = "conditions[0][field]=priority&conditions[0][matchType]=is&conditions[0][value]=high";
    for window in ["", "&timeFrom=2001-01-01"] {
        let query = format!("/anytime/conversations?keywords=lamp&{high}&filterId=4&pageSize=3{window}");
        let page = ann.get(&query).await.expect(200);
        let ids: Vec<i64> =
            page["conversations"].as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
        assert_eq!((&page["total"], ids), (&json!(4), vec![7, 5, 3]));
        let next = ann.get(&format!("{query}&pageIndex=2")).await.expect(200);
        assert_eq!(next["conversations"][0]["id"], 1);
    }
    let by_priority =
        ann.get("/anytime/conversations?keywords=lamp&sortBy=priority&timeFrom=2001-01-01").await.expect(200);
    assert_eq!(by_priority["conversations"][0]["id"], 7);
    assert_eq!(by_priority["conversations"][6]["id"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_thread_is_found_within_a_moment() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = conversation(&ann, "Long", "x", &Value::Null).await;
    change(&desk, move |tx| {
        for index in 0..150 {
            let body = format!("filler{index} and some more words");
            tx.insert(
                "INSERT INTO message (conversation_id, type, sender_type, plain_body, created_at)
                 VALUES (?, 'note', 'system', ?, ?)",
                (id, body, tx.now()),
            )?;
        }
        Ok(())
    })
    .await;
    let is_found = async |word: &str| {
        let list = ann.get(&format!("/anytime/conversations?keywords={word}")).await.expect(200);
        (list["total"] == 1).then_some(())
    };
    eventually("the long thread to be indexed", async || is_found("filler149").await).await;
    let note = json!({ "type": "note", "plainBody": "needle" });
    ann.post(&format!("/anytime/conversations/{id}/messages"), note).await.expect(201);
    eventually("its new message to be found", async || is_found("needle").await).await;
}
