//! The settings page of fields, without JavaScript.

use serde_json::json;

use crate::support::test_desk::{Browser, TestDesk};

async fn signed_in(desk: &TestDesk, name: &str) -> Browser {
    // Ann is there from the beginning, and a new key would end the old one.
    if name != "ann" {
        desk.create_agent(name, false).await;
    }
    let browser = desk.browser();
    browser.sign_in(name).await;
    browser
}

#[tokio::test]
async fn fields_are_made_changed_and_deleted_in_forms() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let browser = signed_in(&desk, "ann").await;
    browser.get("/console/settings/fields").await.shows("No fields of your own yet").shows("Default: normal");
    let csrf = browser.get("/console/settings/fields/new").await.csrf();
    let new = [
        ("csrf", csrf.as_str()),
        ("name", "Product"),
        ("type", "dropdownList"),
        ("isRequired", "on"),
        ("defaultValue", "Chair"),
        ("option-id-0", ""),
        ("option-name-0", "Lamp"),
        ("option-id-1", ""),
        ("option-name-1", "Chair"),
        ("option-name-2", ""),
    ];
    assert_eq!(browser.post("/console/settings/fields/new", &new).await.status, 303);
    let field = ann.get("/anytime/fields/1000").await.expect(200)["field"].clone();
    assert_eq!((&field["defaultValue"], &field["isRequired"]), (&json!("2"), &json!(true)));
    let taken = browser.post("/console/settings/fields/new", &new).await;
    assert_eq!(taken.status, 400);
    taken.shows("There is already a field &#39;Product&#39;");
    let page = browser.get("/console/settings/fields/1000").await;
    page.shows("value=\"Lamp\"").shows("name=\"defaultValue\" value=\"Chair\"");
    let change = [
        ("csrf", csrf.as_str()),
        ("name", "Article"),
        ("defaultValue", ""),
        ("option-id-0", "1"),
        ("option-name-0", ""),
        ("option-id-1", "2"),
        ("option-name-1", "Seat"),
    ];
    assert_eq!(browser.post("/console/settings/fields/1000", &change).await.status, 303);
    let field = ann.get("/anytime/fields/1000").await.expect(200)["field"].clone();
    assert_eq!(field["options"], json!([{ "id": 2, "name": "Seat", "value": "Seat", "order": 1 }]));
    assert_eq!((&field["name"], &field["isRequired"]), (&json!("Article"), &json!(false)));
    let high = [("csrf", csrf.as_str()), ("defaultValue", "high")];
    assert_eq!(browser.post("/console/settings/fields/6", &high).await.status, 303);
    assert_eq!(ann.get("/anytime/fields/6").await.expect(200)["field"]["defaultValue"], "high");
    let conditions = json!([{ "fieldId": 1000, "matchType": "is", "value": "Seat" }]);
    ann.post("/anytime/filters", json!({ "name": "Seats", "conditions": conditions })).await.expect(201);
    let used = browser.post("/console/settings/fields/1000/delete", &[("csrf", &csrf)]).await;
    assert_eq!(used.status, 409);
    used.shows("is used by the filter");
    ann.delete("/anytime/filters/1000").await.expect(204);
    assert_eq!(browser.post("/console/settings/fields/1000/delete", &[("csrf", &csrf)]).await.status, 303);
    let luis = signed_in(&desk, "luis").await;
    assert_eq!(luis.get("/console/settings/fields").await.status, 403);
}
