use serde_json::json;

use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn a_department_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let new = json!({ "name": "Billing", "description": "Money", "agents": [luis.id], "roles": [1] });
    let created = ann.post("/departments", new).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/departments/1"));
    let department = json!({
        "id": 1, "name": "Billing", "description": "Money", "isAvailableInTicketingAndMessaging": true,
        "agents": [luis.id], "roles": [1],
        "members": [
            { "id": luis.id, "name": "Luis", "type": "agent" },
            { "id": 1, "name": "Site Administrators", "type": "group" },
        ],
    });
    assert_eq!(created.expect(201), department);
    assert_eq!(luis.get("/departments/1").await.expect(200), department);
    assert_eq!(luis.get("/agents/me").await.expect(200)["departments"], json!([1]));
    let hidden = json!({ "isAvailableInTicketingAndMessaging": false, "agents": [] });
    let changed = ann.put("/departments/1", hidden).await.expect(200);
    assert_eq!((&changed["agents"], &changed["name"]), (&json!([]), &json!("Billing")));
    assert_eq!(changed["isAvailableInTicketingAndMessaging"], false);
    ann.delete("/departments/1").await.expect(204);
    assert_eq!(ann.get("/departments/1").await.error(404), "there is no department 1");
}

#[tokio::test]
async fn departments_are_listed_without_members_bare_and_wrapped() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    let wrapped = ann.post("/anytime/departments", json!({ "name": "Billing" })).await.expect(201);
    assert_eq!(wrapped["department"]["id"], 2);
    let list = ann.get("/departments").await.expect(200);
    let names: Vec<_> = list.as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Billing", "Sales"]);
    assert!(list[0].get("members").is_none());
    assert_eq!(ann.get("/anytime/departments").await.expect(200), json!({ "departments": list }));
    let one = ann.get("/anytime/departments/1").await.expect(200);
    assert_eq!(one["department"]["members"], json!([]));
}

#[tokio::test]
async fn a_departments_name_is_required_and_unique_and_its_members_must_exist() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({}), "'name' is required"),
        (json!({ "name": " " }), "'name' is required"),
        (json!({ "name": "x".repeat(101) }), "'name' is longer than 100 characters"),
        (
            json!({ "name": "a", "description": "x".repeat(1001) }),
            "'description' is longer than 1000 characters",
        ),
        (json!({ "name": "a", "agents": [99] }), "'agents' there is no agent 99"),
        (json!({ "name": "a", "roles": [99] }), "'roles' there is no role 99"),
    ] {
        assert_eq!(ann.post("/departments", body).await.error(400), message);
    }
    ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    ann.post("/departments", json!({ "name": "BILLING" })).await.error(409);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    ann.put("/departments/2", json!({ "name": "billing" })).await.error(409);
}

#[tokio::test]
async fn a_department_as_read_can_be_sent_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let department = ann.post("/departments", json!({ "name": "Sales", "agents": [1] })).await.expect(201);
    assert_eq!(ann.put("/departments/1", department.clone()).await.expect(200), department);
}

#[tokio::test]
async fn a_department_that_an_email_account_assigns_to_cannot_be_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    let account = json!({ "email": "sales@desk.example", "departmentAssigneeId": 1 });
    ann.post("/anytime/emailAccounts", account).await.expect(201);
    ann.delete("/departments/1").await.error(409);
    ann.put("/anytime/emailAccounts/1", json!({ "departmentAssigneeId": null })).await.expect(200);
    ann.delete("/departments/1").await.expect(204);
}

#[tokio::test]
async fn every_agent_reads_departments_but_only_some_change_them() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    luis.get("/departments").await.expect(200);
    luis.get("/departments/1").await.expect(200);
    let message = luis.post("/departments", json!({ "name": "x" })).await.error(403);
    assert_eq!(message, "you may not manage departments");
    luis.put("/departments/1", json!({ "agents": [luis.id] })).await.error(403);
    luis.delete("/departments/1").await.error(403);
    desk.as_nobody().get("/departments").await.error(401);
    for id in ["7", "x"] {
        ann.get(&format!("/departments/{id}")).await.error(404);
        ann.put(&format!("/departments/{id}"), json!({ "name": "y" })).await.error(404);
        ann.delete(&format!("/departments/{id}")).await.error(404);
    }
}

#[tokio::test]
async fn the_agents_of_a_role_are_members() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/roles", json!({ "name": "Clerks", "agents": [luis.id] })).await.expect(201);
    let created = ann.post("/departments", json!({ "name": "Billing", "roles": [3] })).await.expect(201);
    assert_eq!(created["members"], json!([{ "id": 3, "name": "Clerks", "type": "group" }]));
    let new = json!({ "subject": "s", "channel": "portal", "departmentAssigneeId": 1,
        "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    luis.get("/anytime/conversations/1").await.expect(200);
    ann.put("/roles/3", json!({ "agents": [] })).await.expect(200);
    luis.get("/anytime/conversations/1").await.error(404);
}

#[tokio::test]
async fn a_department_with_a_rule_of_automatic_allocation_cannot_be_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    let rule = json!({ "departmentId": 1, "allocationRule": "roundRobin", "preferLastAssignee": false });
    ann.put("/anytime/autoAllocation", json!({ "departmentAllocationRule": [rule] })).await.expect(200);
    assert_eq!(ann.delete("/departments/1").await.error(409), "'Billing' has a rule of automatic allocation");
}

#[tokio::test]
async fn a_department_that_routing_sends_to_cannot_be_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    let rules = "/anytime/routingRules/1";
    let to = |property: &str, id: i64| json!({ format!("{property}Object"): "department", format!("{property}Id"): id });
    ann.put(&format!("{rules}/enable"), json!({ "isEnable": true })).await.expect(200);
    for (property, message) in [
        ("simpleRouteTo", "'Billing' is where simple routing sends conversations"),
        ("matchFailedRouteTo", "'Billing' is where routing without a matching rule sends conversations"),
    ] {
        ann.put(rules, to(property, 1)).await.expect(200);
        assert_eq!(ann.delete("/departments/1").await.error(409), message);
        ann.put(rules, to(property, 0)).await.expect(200);
    }
    let mut rule = to("routeTo", 1);
    rule["name"] = json!("Invoices");
    rule["isEnable"] = json!(false);
    ann.post(&format!("{rules}/customerRules"), rule).await.expect(201);
    let message = "'Billing' is where the routing rule Invoices sends conversations";
    assert_eq!(ann.delete("/departments/1").await.error(409), message);
    ann.put(&format!("{rules}/customerRules/1"), to("routeTo", 0)).await.expect(200);
    ann.delete("/departments/1").await.expect(204);
}

#[tokio::test]
async fn members_are_given_as_the_documents_list_them() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let member = |id: i64, kind: &str| json!({ "id": id, "type": kind, "name": "x" });
    let role = ann.post("/roles", json!({ "name": "Clerks" })).await.expect(201)["id"].as_i64().unwrap();
    let new = json!({ "name": "Billing", "members": [member(luis.id, "agent"), member(role, "group")] });
    let made = ann.post("/departments", new).await.expect(201);
    assert_eq!((&made["agents"], &made["roles"]), (&json!([luis.id]), &json!([role])));
    // As read, with the list of members changed: the rest of the object says what was before.
    let mut read = ann.get("/departments/1").await.expect(200);
    read["members"] = json!([member(ann.id, "agent")]);
    let changed = ann.put("/departments/1", read.clone()).await.expect(200);
    assert_eq!((&changed["agents"], &changed["roles"]), (&json!([ann.id]), &json!([])));
    let mut read = ann.get("/departments/1").await.expect(200);
    read["agents"] = json!([ann.id, luis.id]);
    let changed = ann.put("/departments/1", read).await.expect(200);
    assert_eq!(changed["agents"], json!([ann.id, luis.id]));
    for (body, message) in [
        (json!({ "members": [member(1, "x")] }), "'members[0].type' must be 'agent' or 'group', not 'x'"),
        (json!({ "members": [member(99, "agent")] }), "'agents' there is no agent 99"),
        (
            json!({ "members": [], "agents": [luis.id] }),
            "'members' say something else than 'agents' and 'roles'; send one of the two",
        ),
    ] {
        assert_eq!(ann.put("/departments/1", body).await.error(400), message);
    }
}
