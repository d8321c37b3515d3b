use serde_json::json;

use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn the_sites_profile_is_read_and_changed() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let profile = json!({
        "id": 1, "siteName": "Support", "company": "", "website": "", "timeZone": "UTC",
        "datetimeFormat": "MM/dd/yyyy HH:mm:ss",
    });
    assert_eq!(ann.get("/site/profile").await.expect(200), profile);
    let change = json!({
        "siteName": " Helpers ", "company": "Example Ltd", "website": "https://example.com",
        "timeZone": "GMT Standard Time", "datetimeFormat": "yyyy-MM-dd HH:mm:ss",
    });
    let changed = ann.put("/site/profile", change).await.expect(200);
    assert_eq!((&changed["siteName"], &changed["timeZone"]), (&json!("Helpers"), &json!("Europe/London")));
    assert_eq!(ann.get("/sites").await.expect(200), json!([changed]));
    assert_eq!(ann.get("/Sites/Profile").await.expect(200), changed);
    ann.put("/sites/profile", changed).await.expect(200);
}

#[tokio::test]
async fn every_problem_of_the_profile_is_told_by_field() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let bad = json!({ "siteName": "", "website": "javascript:x", "timeZone": "Mars", "datetimeFormat": "d" });
    assert_eq!(
        ann.put("/site/profile", bad).await.error(400),
        "'siteName' is required; 'website' 'javascript:x' does not begin with https:// or http://; \
         'timeZone' 'Mars' is not an IANA time zone; 'dateTimeFormat' 'd' is not one of the formats offered"
    );
    assert_eq!(ann.get("/site/profile").await.expect(200)["timeZone"], "UTC");
}

#[tokio::test]
async fn switching_departments_off_refuses_them_everywhere() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    let on = json!({ "configs": { "isEnabledDepartment": true, "recipientLimitPerEmail": 50 } });
    assert_eq!(ann.get("/anytime/configs").await.expect(200), on);
    let new = |department: i64| {
        json!({ "subject": "s", "channel": "portal", "departmentAssigneeId": department,
            "message": { "type": "note", "plainBody": "x" } })
    };
    ann.post("/anytime/conversations", new(1)).await.expect(201);
    let off = json!({ "isEnabledDepartment": false });
    assert_eq!(
        ann.put("/anytime/configs", off).await.expect(200)["configs"],
        json!({ "isEnabledDepartment": false, "recipientLimitPerEmail": 50 })
    );
    assert_eq!(
        ann.post("/anytime/conversations", new(1)).await.error(400),
        "'departmentAssigneeId' departments are switched off"
    );
    ann.put("/anytime/conversations/1", json!({ "subject": "other" })).await.expect(200);
    let account = json!({ "email": "help@desk.example", "departmentAssigneeId": 1 });
    ann.post("/anytime/emailAccounts", account).await.error(400);
    let rules = "/anytime/routingRules/1";
    for (property, path) in [
        ("simpleRouteTo", rules.to_owned()),
        ("matchFailedRouteTo", rules.to_owned()),
        ("routeTo", format!("{rules}/customerRules")),
    ] {
        let mut to = json!({ format!("{property}Object"): "department", format!("{property}Id"): 1 });
        let answer = match property {
            "routeTo" => {
                to["name"] = json!("Invoices");
                ann.post(&path, to).await
            }
            _ => ann.put(&path, to).await,
        };
        assert_eq!(answer.error(400), format!("'{property}Id' departments are switched off"));
    }
    let nobody = json!({ "simpleRouteToObject": "department", "simpleRouteToId": 0 });
    ann.put(rules, nobody).await.expect(200);
}

#[tokio::test]
async fn the_site_is_found_by_either_name() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sites = ann.get("/sites").await.expect(200);
    assert_eq!(ann.get("/site").await.expect(200), sites);
    assert_eq!(ann.get("/sites/profile").await.expect(200), ann.get("/site/profile").await.expect(200));
}

#[tokio::test]
async fn the_recipient_limit_holds_and_has_bounds() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for limit in [0, 501] {
        let message =
            ann.put("/anytime/configs", json!({ "recipientLimitPerEmail": limit })).await.error(400);
        assert_eq!(message, format!("'recipientLimitPerEmail' must be between 1 and 500, not {limit}"));
    }
    ann.put("/anytime/configs", json!({ "recipientLimitPerEmail": 1 })).await.expect(200);
    ann.post("/anytime/emailAccounts", json!({ "email": "help@desk.example" })).await.expect(201);
    let new = json!({ "subject": "s", "channel": "email", "message": {
        "type": "email", "plainBody": "x", "to": "a@customer.example, b@customer.example" } });
    ann.post("/anytime/conversations", new).await.error(400);
}

#[tokio::test]
async fn every_agent_reads_the_site_but_only_some_change_it() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    luis.get("/site/profile").await.expect(200);
    luis.get("/anytime/configs").await.expect(200);
    luis.put("/site/profile", json!({ "siteName": "x" })).await.error(403);
    luis.put("/anytime/configs", json!({ "isEnabledDepartment": false })).await.error(403);
    for path in ["/site/profile", "/sites", "/anytime/configs"] {
        desk.as_nobody().get(path).await.error(401);
    }
}
