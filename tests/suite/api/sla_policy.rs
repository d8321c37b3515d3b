//! SLA policies (contract 18.1, 18.2): storing, checking and returning them. What they do is in `sla`.

use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk};

async fn create(ann: &Client, body: Value) -> Value {
    ann.post("/anytime/slaPolicies", body).await.expect(201)["slaPolicy"].clone()
}

fn names(list: &Value) -> Vec<&str> {
    list["slaPolicies"].as_array().unwrap().iter().map(|policy| policy["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_policy_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann
        .post(
            "/anytime/slaPolicies",
            json!({ "name": " Urgent ", "firstRespondWithin": 60, "conditions": [
            { "fieldId": 6, "matchType": "is", "value": "urgent" },
        ] }),
        )
        .await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/slaPolicies/1"));
    let policy = created.expect(201)["slaPolicy"].clone();
    assert_eq!(
        policy,
        json!({
            "id": 1, "name": "Urgent", "description": "", "isEnabled": true, "firstRespondWithin": 60,
            "nextRespondWithin": null, "resolveRespondWithin": null, "operationalHours": "calendarHours",
            "isBusinessHours": false, "when": "all", "logicExpression": null, "orderIndex": 1,
            "conditions": [{ "id": policy["conditions"][0]["id"], "fieldId": 6, "field": "Priority",
                "matchType": "is", "value": "urgent", "index": 1 }],
            "warnings": [],
        })
    );
    assert_eq!(ann.get("/anytime/SLAPolicies/1").await.expect(200)["slaPolicy"], policy);
    assert_eq!(
        ann.put("/anytime/sLAPolicies/1", policy.clone()).await.expect(200)["slaPolicy"]["name"],
        "Urgent"
    );
    let change = json!({ "firstRespondWithin": null, "resolveRespondWithin": 600, "description": "soon" });
    let changed = ann.put("/anytime/slaPolicies/1", change).await.expect(200)["slaPolicy"].clone();
    assert_eq!(
        (&changed["firstRespondWithin"], &changed["resolveRespondWithin"]),
        (&Value::Null, &json!(600))
    );
    assert_eq!(changed["conditions"].as_array().unwrap().len(), 1);
    ann.delete("/anytime/slaPolicies/1").await.expect(204);
    assert_eq!(ann.get("/anytime/slaPolicies/1").await.error(404), "there is no SLA policy 1");
    assert_eq!(ann.get("/anytime/slaPolicies").await.expect(200), json!({ "slaPolicies": [] }));
}

#[tokio::test]
async fn every_spelling_of_the_hours_and_the_flag_is_understood() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (extra, is_business, is_enabled) in [
        (json!({ "operationalHours": "businessHours" }), true, true),
        (json!({ "operationalHours": "BusinessHour" }), true, true),
        (json!({ "operationalHours": "calenderHours", "isEnable": false }), false, false),
        (json!({ "isBusinessHours": true, "enable": false }), true, false),
        (json!({ "businessHours": "calendarHours" }), false, true),
        (json!({ "businessHours": "businessHours", "isEnabled": true }), true, true),
    ] {
        let mut body = json!({ "name": "P", "nextRespondWithin": 30 });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let policy = create(&ann, body).await;
        assert_eq!(
            (&policy["isBusinessHours"], &policy["isEnabled"]),
            (&json!(is_business), &json!(is_enabled)),
            "{extra}"
        );
        let word = if is_business { "businessHours" } else { "calendarHours" };
        assert_eq!(policy["operationalHours"], word);
    }
    let both = json!({ "name": "P", "nextRespondWithin": 30, "operationalHours": "businessHours", "isBusinessHours": false });
    assert_eq!(
        ann.post("/anytime/slaPolicies", both).await.error(400),
        "'isBusinessHours' false contradicts 'operationalHours'"
    );
    // Sending back what was read with one of the two changed means that one.
    let mut read = ann.get("/anytime/slaPolicies/1").await.expect(200)["slaPolicy"].clone();
    read["isBusinessHours"] = json!(false);
    assert_eq!(
        ann.put("/anytime/slaPolicies/1", read).await.expect(200)["slaPolicy"]["operationalHours"],
        "calendarHours"
    );
}

#[tokio::test]
async fn a_policy_needs_a_name_a_target_and_conditions_that_make_sense() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({ "firstRespondWithin": 60 }), "'name' is required"),
        (
            json!({ "name": "x" }),
            "'firstRespondWithin' or 'nextRespondWithin' or 'resolveRespondWithin' is required",
        ),
        (
            json!({ "name": "x", "firstRespondWithin": 4 }),
            "'firstRespondWithin' must be 5 to 525600 minutes, not 4",
        ),
        (
            json!({ "name": "x", "resolveRespondWithin": 525_601 }),
            "'resolveRespondWithin' must be 5 to 525600 minutes, not 525601",
        ),
        (
            json!({ "name": "x", "nextRespondWithin": "soon" }),
            "'nextRespondWithin' must be a whole number, not \"soon\"",
        ),
        (
            json!({ "name": "x", "nextRespondWithin": 5, "operationalHours": "always" }),
            "'operationalHours' must be calendarHours or businessHours, not 'always'",
        ),
        (
            json!({ "name": "x", "nextRespondWithin": 5, "conditions": [{ "fieldId": 99, "matchType": "is", "value": "1" }] }),
            "'conditions[0].fieldId' '99' is not a field",
        ),
        (
            json!({ "name": "x", "nextRespondWithin": 5, "conditions": [{ "fieldId": 12, "matchType": "is", "value": "1" }] }),
            "'conditions[0].fieldId' 'Total Replies' cannot be used in SLA policies",
        ),
        (
            json!({ "name": "x", "nextRespondWithin": 5, "conditions": [{ "fieldId": 3, "matchType": "is", "value": "7" }] }),
            "'conditions[0].value' names department 7, which does not exist",
        ),
    ] {
        assert_eq!(ann.post("/anytime/slaPolicies", body).await.error(400), message);
    }
    let logic = json!({ "name": "x", "nextRespondWithin": 5, "when": "logicalExpression", "logicExpression": "1 and 2",
        "conditions": [{ "fieldId": 6, "matchType": "is", "value": "high" }] });
    ann.post("/anytime/slaPolicies", logic).await.error(400);
    assert_eq!(ann.get("/anytime/slaPolicies").await.expect(200), json!({ "slaPolicies": [] }));
}

#[tokio::test]
async fn policies_are_sorted_copied_and_switched() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for name in ["A", "B", "C"] {
        create(&ann, json!({ "name": name, "firstRespondWithin": 60 })).await;
    }
    let up = ann.put("/anytime/slaPolicies/3/sort", json!({ "type": "up" })).await.expect(200);
    assert_eq!(names(&up), ["A", "C", "B"]);
    assert_eq!(up["slaPolicies"][1]["orderIndex"], 2);
    let first = ann.put("/anytime/slaPolicies/2/sort", json!({ "orderIndex": 1 })).await.expect(200);
    assert_eq!(names(&first), ["B", "A", "C"]);
    let last = ann.put("/anytime/slaPolicies/3/sort", json!({ "type": "down" })).await.expect(200);
    assert_eq!(names(&last), ["B", "A", "C"]);
    for (body, message) in [
        (json!({ "type": "left" }), "'type' must be 'up' or 'down', not 'left'"),
        (json!({}), "'type' or 'orderIndex' is required, and one of them alone"),
        (json!({ "orderIndex": 4 }), "'orderIndex' must be between 1 and 3, not 4"),
    ] {
        assert_eq!(ann.put("/anytime/slaPolicies/1/sort", body).await.error(400), message);
    }
    let copy = ann.put("/anytime/slaPolicies/1/copy", json!({})).await.expect(201)["slaPolicy"].clone();
    assert_eq!(
        (&copy["name"], &copy["isEnabled"], &copy["orderIndex"]),
        (&json!("A (copy)"), &json!(false), &json!(3))
    );
    let off = ann.put("/anytime/slaPolicies/1/enable", json!({ "isEnable": false })).await.expect(200);
    assert_eq!(off["slaPolicy"]["isEnabled"], false);
    ann.delete("/anytime/slaPolicies/2").await.expect(204);
    let list = ann.get("/anytime/slaPolicies").await.expect(200);
    assert_eq!(names(&list), ["A", "A (copy)", "C"]);
    assert_eq!(list["slaPolicies"][2]["orderIndex"], 3);
}

#[tokio::test]
async fn policies_belong_to_settings_managers() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    create(&ann, json!({ "name": "A", "firstRespondWithin": 60 })).await;
    let bob = desk.as_agent("bob").await;
    let nobody = desk.as_nobody();
    assert_eq!(bob.get("/anytime/slaPolicies").await.error(403), "you may not manage settings");
    bob.get("/anytime/slaPolicies/1").await.error(403);
    bob.post("/anytime/slaPolicies", json!({ "name": "B", "firstRespondWithin": 60 })).await.error(403);
    bob.put("/anytime/slaPolicies/1", json!({ "name": "B" })).await.error(403);
    bob.put("/anytime/slaPolicies/1/enable", json!({ "isEnable": false })).await.error(403);
    bob.put("/anytime/slaPolicies/1/sort", json!({ "type": "up" })).await.error(403);
    bob.post("/anytime/slaPolicies/1/copy", json!({})).await.error(403);
    bob.delete("/anytime/slaPolicies/1").await.error(403);
    bob.get("/anytime/slaSettings").await.expect(200);
    bob.put("/anytime/slaSettings", json!({ "slaPauseStatuses": [] })).await.error(403);
    nobody.get("/anytime/slaPolicies").await.error(401);
    nobody.delete("/anytime/slaPolicies/1").await.error(401);
    for path in ["/anytime/slaPolicies/9", "/anytime/slaPolicies/x"] {
        ann.get(path).await.error(404);
        ann.put(path, json!({ "name": "B" })).await.error(404);
        ann.delete(path).await.error(404);
    }
    ann.put("/anytime/slaPolicies/9/sort", json!({ "type": "up" })).await.error(404);
    ann.put("/anytime/slaPolicies/9/enable", json!({ "isEnable": true })).await.error(404);
    ann.put("/anytime/slaPolicies/9/copy", json!({})).await.error(404);
}
