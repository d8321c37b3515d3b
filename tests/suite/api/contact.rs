use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk, change};

async fn bob(ann: &Client) -> Value {
    let identities = json!([{ "type": "email", "value": "bob@customer.example" }]);
    let new = json!({ "name": "Bob Miller", "company": "Wheels", "identities": identities });
    ann.post("/contacts", new).await.expect(201)
}

#[tokio::test]
async fn a_contact_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = bob(&ann).await;
    let now = "2026-01-05T09:00:00.000Z";
    assert_eq!(
        created,
        json!({
            "id": 1, "name": "Bob Miller", "alias": "",
            "identities": [{ "id": 1, "contactId": 1, "type": "email", "value": "bob@customer.example", "name": "" }],
            "description": "", "company": "Wheels", "title": "", "phoneNumber": "", "faxNumber": "", "address": "",
            "city": "", "stateOrProvince": "", "country": "", "postalOrZipCode": "", "timeZone": null,
            "createdTime": now, "lastUpdatedTime": now,
        })
    );
    assert_eq!(ann.get("/contacts/1").await.expect(200), created);
    let change = json!({ "city": "Bonn", "timeZone": "W. Europe Standard Time" });
    let changed = ann.put("/contacts/1", change).await.expect(200);
    assert_eq!((&changed["city"], &changed["timeZone"]), (&json!("Bonn"), &json!("Europe/Berlin")));
    assert_eq!(changed["identities"], created["identities"]);
    ann.delete("/contacts/1").await.expect(204);
    assert_eq!(ann.get("/contacts/1").await.error(404), "there is no contact 1");
    assert_eq!(ann.get("/contacts").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_contact_as_read_can_be_sent_back_and_its_identities_keep_their_ids() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = bob(&ann).await;
    assert_eq!(ann.put("/contacts/1", created.clone()).await.expect(200), created);
}

#[tokio::test]
async fn contacts_are_listed_in_pages_and_found_by_keywords_and_identity() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    bob(&ann).await;
    ann.post("/contacts", json!({ "name": "Eve 100%" })).await.expect(201);
    let names = |list: Value| -> Vec<String> {
        list["contacts"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    let page = ann.get("/contacts?pageSize=1").await.expect(200);
    assert_eq!((&page["total"], &page["previousPage"]), (&json!(2), &Value::Null));
    assert_eq!(page["nextPage"], "/api/v3/contacts?pagesize=1&pageIndex=2");
    for (query, found) in [
        ("keywords=miller", vec!["Bob Miller"]),
        ("keywords=wheels", vec!["Bob Miller"]),
        ("keywords=customer.example", vec!["Bob Miller"]),
        ("keywords=%25", vec!["Eve 100%"]),
        ("keywords=nobody", vec![]),
        ("identityType=email&identityValue=BOB@customer.example", vec!["Bob Miller"]),
        ("identityType=emailAddress&identityValue=bob@customer.example", vec!["Bob Miller"]),
        ("identityType=externalId&identityValue=bob@customer.example", vec![]),
    ] {
        assert_eq!(names(ann.get(&format!("/contacts?{query}")).await.expect(200)), found, "{query}");
    }
    let missing = ann.get("/contacts?identityType=email").await.error(400);
    assert_eq!(missing, "'identityValue' is required with 'identityType'");
    ann.get("/contacts?identityValue=x").await.error(400);
    let wrong = ann.get("/contacts?identityType=fax&identityValue=x").await.error(400);
    assert_eq!(wrong, "'identityType' must be 'email', 'SSOUserId' or 'externalId', not 'fax'");
}

#[tokio::test]
async fn every_problem_of_a_contact_is_told_by_field() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let with = |identity: Value| json!({ "name": "Bob", "identities": [identity] });
    for (body, message) in [
        (json!({}), "'name' is required"),
        (json!({ "name": "x".repeat(201) }), "'name' is longer than 200 characters"),
        (json!({ "name": "a", "city": "x".repeat(301) }), "'city' is longer than 300 characters"),
        (
            with(json!({ "type": "fax", "value": "x" })),
            "'identities[0].type' must be 'email', 'SSOUserId' or 'externalId', not 'fax'",
        ),
        (
            with(json!({ "type": "email", "value": "x" })),
            "'identities[0].value' 'x' is not an e-mail address",
        ),
        (with(json!({ "type": "email" })), "'identities[0].value' is required"),
    ] {
        assert_eq!(ann.post("/contacts", body).await.error(400), message);
    }
    ann.post("/contacts", json!({ "name": "a", "timeZone": "Mars" })).await.error(400);
    assert_eq!(ann.get("/contacts").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn identities_are_added_changed_and_taken_away() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    bob(&ann).await;
    let path = "/contacts/1/identities";
    let added = ann.post(path, json!({ "type": "externalid", "value": "C-7" })).await.expect(201);
    assert_eq!(added, json!({ "id": 2, "contactId": 1, "type": "externalId", "value": "C-7", "name": "" }));
    let changed = ann.put("/contacts/1/identities/2", json!({ "value": "C-8" })).await.expect(200);
    assert_eq!(changed["value"], "C-8");
    assert_eq!(ann.put("/contacts/1/identities/2", changed.clone()).await.expect(200), changed);
    ann.delete("/contacts/1/identities/2").await.expect(204);
    assert_eq!(ann.get("/contacts/1").await.expect(200)["identities"].as_array().unwrap().len(), 1);
    ann.delete("/contacts/1/identities/2").await.error(404);
    ann.put("/contacts/1/identities/2", json!({ "value": "x" })).await.error(404);
    ann.put("/contacts/1/identities/1", json!({ "value": "x" })).await.error(400);
    ann.post("/contacts/7/identities", json!({ "type": "email", "value": "a@b.example" })).await.error(404);
    ann.post(path, json!({ "type": "fax", "value": "1" })).await.error(400);
}

#[tokio::test]
async fn an_identity_belongs_to_one_contact_who_has_one_of_each_type() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    bob(&ann).await;
    ann.post("/contacts", json!({ "name": "Eve" })).await.expect(201);
    let second = json!({ "type": "email", "value": "second@customer.example" });
    let message = ann.post("/contacts/1/identities", second).await.error(409);
    assert_eq!(message, "the contact already has an identity of type 'email'");
    let taken = json!({ "type": "email", "value": "BOB@customer.example" });
    ann.post("/contacts/2/identities", taken.clone()).await.error(409);
    ann.put("/contacts/2", json!({ "identities": [taken] })).await.error(409);
    ann.put("/contacts/2/identities/1", json!({ "value": "mine@customer.example" })).await.error(404);
}

#[tokio::test]
async fn identities_given_with_a_contact_replace_the_set() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    bob(&ann).await;
    let new = json!([{ "type": "SSOUserId", "value": "bob-1", "name": "Bob" }]);
    let changed = ann.put("/contacts/1", json!({ "identities": new })).await.expect(200);
    let identities = changed["identities"].as_array().unwrap();
    assert_eq!(identities.len(), 1);
    assert_eq!((&identities[0]["type"], &identities[0]["value"]), (&json!("SSOUserId"), &json!("bob-1")));
}

#[tokio::test]
async fn contacts_need_permission_to_be_seen_and_to_be_changed() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    bob(&ann).await;
    luis.get("/contacts").await.expect(200);
    luis.get("/contacts/1").await.expect(200);
    assert_eq!(
        luis.post("/contacts", json!({ "name": "x" })).await.error(403),
        "you may not manage contacts"
    );
    luis.put("/contacts/1", json!({ "name": "x" })).await.error(403);
    luis.delete("/contacts/1").await.error(403);
    luis.post("/contacts/1/identities", json!({ "type": "externalId", "value": "x" })).await.error(403);
    luis.put("/contacts/1/identities/1", json!({ "value": "x@y.example" })).await.error(403);
    luis.delete("/contacts/1/identities/1").await.error(403);
    change(&desk, |tx| {
        tx.run("DELETE FROM role_permission WHERE permission = 'viewContacts'", [])?;
        Ok(())
    })
    .await;
    assert_eq!(luis.get("/contacts").await.error(403), "you may not see contacts");
    luis.get("/contacts/1").await.error(403);
    desk.as_nobody().get("/contacts").await.error(401);
    for id in ["7", "x"] {
        ann.get(&format!("/contacts/{id}")).await.error(404);
        ann.put(&format!("/contacts/{id}"), json!({ "name": "y" })).await.error(404);
        ann.delete(&format!("/contacts/{id}")).await.error(404);
    }
}

#[tokio::test]
async fn a_deleted_contacts_identities_are_free_for_others() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let new = |name: &str| {
        json!({ "name": name, "identities": [{ "type": "email", "value": "bob@customer.example" },
            { "type": "externalId", "value": "c-1" }] })
    };
    ann.post("/contacts", new("Bob")).await.expect(201);
    ann.post("/contacts", new("Impostor")).await.error(409);
    ann.delete("/contacts/1").await.expect(204);
    let again = ann.post("/contacts", new("Robert")).await.expect(201);
    assert_eq!(again["identities"][0]["value"], "bob@customer.example");
    let search = "/contacts?identityType=email&identityValue=BOB@customer.example";
    let found = ann.get(search).await.expect(200);
    assert_eq!((&found["total"], &found["contacts"][0]["id"]), (&json!(1), &again["id"]));
}

#[tokio::test]
async fn a_deleted_contact_who_writes_comes_back_with_what_nobody_took() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let bob = json!({ "name": "Bob", "identities": [{ "type": "email", "value": "bob@customer.example" },
        { "type": "externalId", "value": "c-1" }] });
    ann.post("/contacts", bob).await.expect(201);
    ann.delete("/contacts/1").await.expect(204);
    let tom = json!({ "name": "Tom", "identities": [{ "type": "externalId", "value": "c-1" }] });
    ann.post("/contacts", tom).await.expect(201);
    let id = crate::support::test_desk::change(&desk, |tx| {
        anytime::desk::contact::find_or_create(tx, "bob@customer.example", None)
    })
    .await;
    assert_eq!(id.0, 1);
    let back = ann.get("/contacts/1").await.expect(200);
    assert_eq!(back["identities"].as_array().unwrap().len(), 1, "{back}");
}
