use serde_json::json;

use crate::support::test_desk::{Client, TestDesk};

async fn manager(desk: &TestDesk) -> Client {
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let may = json!({ "global": { "manageAgentAndRoles": true } });
    ann.put(&format!("/agents/{}/permissions", luis.id), may).await.expect(200);
    luis
}

#[tokio::test]
async fn a_role_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann.post("/roles", json!({ "name": " Leads ", "agents": [1] })).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/roles/3"));
    let leads = json!({ "id": 3, "name": "Leads", "description": "", "isSystem": false, "agents": [1] });
    assert_eq!(created.expect(201), leads);
    assert_eq!(ann.get("/roles/3").await.expect(200), leads);
    let list = ann.get("/roles").await.expect(200);
    assert_eq!((list.as_array().unwrap().len(), &list[2]), (3, &leads));
    let changed = ann.put("/roles/3", json!({ "name": "Heads", "agents": [] })).await.expect(200);
    assert_eq!((&changed["name"], &changed["agents"]), (&json!("Heads"), &json!([])));
    ann.put("/roles/3", changed).await.expect(200);
    ann.delete("/roles/3").await.expect(204);
    for id in ["3", "x"] {
        ann.get(&format!("/roles/{id}")).await.error(404);
        ann.put(&format!("/roles/{id}"), json!({ "name": "x" })).await.error(404);
        ann.delete(&format!("/roles/{id}")).await.error(404);
        ann.get(&format!("/roles/{id}/permissions")).await.error(404);
        ann.put(&format!("/roles/{id}/permissions"), json!({})).await.error(404);
    }
}

#[tokio::test]
async fn a_roles_name_is_required_and_unique_and_its_agents_must_exist() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    assert_eq!(ann.post("/roles", json!({ "name": " " })).await.error(400), "'name' is required");
    assert_eq!(ann.post("/roles", json!({})).await.error(400), "'name' is required");
    assert_eq!(
        ann.post("/roles", json!({ "name": "x", "agents": [9] })).await.error(400),
        "'agents' there is no agent 9"
    );
    assert_eq!(
        ann.post("/roles", json!({ "name": "all agents" })).await.error(409),
        "there is already a role 'all agents'"
    );
    ann.post("/roles", json!({ "name": "x", "color": 1 })).await.error(400);
}

#[tokio::test]
async fn the_two_roles_of_the_system_stay() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for id in [1, 2] {
        ann.delete(&format!("/roles/{id}")).await.error(409);
        ann.put(&format!("/roles/{id}"), json!({ "name": "x" })).await.error(409);
        ann.put(&format!("/roles/{id}"), json!({ "description": "x" })).await.expect(200);
        ann.put(&format!("/roles/{id}"), json!({ "agents": [] })).await.error(409);
    }
    let take = json!({ "global": { "manageTags": false } });
    assert_eq!(
        ann.put("/roles/1/permissions", take).await.error(409),
        "'Site Administrators' have every permission"
    );
    let all = ann.get("/roles/1/permissions").await.expect(200);
    assert!(all["global"].as_object().unwrap().values().all(|value| value == true), "{all}");
    ann.put("/roles/1/permissions", all).await.expect(200);
}

#[tokio::test]
async fn the_administrators_role_makes_and_unmakes_administrators() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.put("/roles/1", json!({ "agents": [1, luis.id] })).await.expect(200);
    assert_eq!(luis.get("/agents/me").await.expect(200)["isAdmin"], true);
    luis.put("/roles/1", json!({ "agents": [luis.id] })).await.expect(200);
    assert_eq!(ann.get("/agents/me").await.expect(200)["isAdmin"], false);
    ann.put("/roles/1", json!({ "agents": [1] })).await.error(403);
}

#[tokio::test]
async fn a_role_gives_its_agents_what_it_may_and_takes_it_back() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/roles", json!({ "name": "Taggers", "agents": [luis.id] })).await.expect(201);
    luis.post("/tags", json!({ "name": "a" })).await.error(403);
    let map = ann.put("/roles/3/permissions", json!({ "global": { "manageTags": true } })).await.expect(200);
    assert_eq!((&map["global"]["manageTags"], &map["global"]["viewContacts"]), (&json!(true), &json!(false)));
    luis.post("/tags", json!({ "name": "a" })).await.expect(201);
    let own = ann.get(&format!("/agents/{}/permissions", luis.id)).await.expect(200);
    assert_eq!(own["global"]["manageTags"], false, "it is the role's");
    let effective = luis.get("/agents/me/effectivePermissions").await.expect(200);
    assert_eq!(
        (&effective["global"]["manageTags"], &effective["global"]["viewContacts"]),
        (&json!(true), &json!(true)),
        "the role's and those of every agent"
    );
    ann.delete("/roles/3").await.expect(204);
    luis.post("/tags", json!({ "name": "b" })).await.error(403);
}

#[tokio::test]
async fn permissions_are_merged_and_both_spellings_are_read() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let path = format!("/agents/{}/permissions", luis.id);
    let misspelt =
        json!({ "AnytimeConversations": { "manageJunckMessages": true, "manageAllConversions": true } });
    let map = ann.put(&path, misspelt).await.expect(200);
    let map =
        ann.put(&path, json!({ "global": { "manageTags": true } })).await.expect(200)["anytimeConversations"]
            .clone()
            .as_object()
            .map(|conversations| (conversations["manageJunkMessages"].clone(), map));
    let (junk, mut map) = map.unwrap();
    assert_eq!(junk, true, "a group that is not sent stays");
    assert_eq!(map["anytimeConversations"]["manageAllConversations"], true);
    // What both products have is one permission: changed in one place it is changed.
    map["global"]["manageChannels"] = json!(true);
    let map = ann.put(&path, map).await.expect(200);
    assert_eq!(map["anytimeConversations"]["manageChannels"], true);
    assert_eq!(
        ann.put(&path, json!({ "global": { "fly": true } })).await.error(400),
        "'global.fly' is not a field of this object"
    );
    assert_eq!(
        ann.put(&path, json!({ "global": { "manageTags": "x" } })).await.error(400),
        "'global.manageTags' must be true or false, not \"x\""
    );
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have() {
    let desk = TestDesk::start().await;
    let luis = manager(&desk).await;
    let ann = desk.as_ann().await;
    let pia = desk.as_agent("pia").await;
    let pias = format!("/agents/{}/permissions", pia.id);
    let more = json!({ "global": { "manageSecurity": true } });
    assert_eq!(
        luis.put(&pias, more.clone()).await.error(403),
        "you may not give 'manageSecurity', which you do not have yourself"
    );
    luis.put(&format!("/agents/{}/permissions", luis.id), more.clone()).await.error(403);
    luis.put("/roles/2/permissions", more.clone()).await.error(403);
    luis.put(&pias, json!({ "global": { "manageAgentAndRoles": true } })).await.expect(200);
    // Neither by a role that has more.
    ann.post("/roles", json!({ "name": "Guards" })).await.expect(201);
    ann.put("/roles/3/permissions", more).await.expect(200);
    luis.put("/roles/3", json!({ "agents": [luis.id] })).await.error(403);
    luis.put("/agents/me", json!({ "roles": [3] })).await.error(403);
    let new = json!({ "email": "x@desk.example", "firstName": "X", "lastName": "Y", "roles": [3] });
    luis.post("/agents", new).await.error(403);
    // Nor by becoming somebody who has more.
    ann.put("/roles/3", json!({ "agents": [pia.id] })).await.expect(200);
    let path = format!("/agents/{}", pia.id);
    luis.put(&path, json!({ "email": "mine@desk.example" })).await.error(403);
    luis.put(&format!("{path}/password"), json!({ "password": "another long one" })).await.error(403);
    luis.post(&format!("{path}/apiKey"), json!({})).await.error(403);
    luis.delete(&path).await.error(403);
    luis.put(&pias, json!({})).await.error(403);
}

#[tokio::test]
async fn every_agent_reads_roles_but_only_some_manage_them() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    luis.get("/roles").await.expect(200);
    luis.get("/roles/1").await.expect(200);
    luis.post("/roles", json!({ "name": "x" })).await.error(403);
    luis.put("/roles/2", json!({ "description": "x" })).await.error(403);
    luis.delete("/roles/2").await.error(403);
    luis.get("/roles/2/permissions").await.error(403);
    luis.put("/roles/2/permissions", json!({})).await.error(403);
    luis.get("/agents/1/permissions").await.error(403);
    luis.get("/agents/1/effectivePermissions").await.error(403);
    luis.get("/agents/me/permissions").await.expect(200);
    luis.put("/agents/me/permissions", json!({})).await.error(403);
    desk.as_ann().await.get("/agents/9/permissions").await.error(404);
    desk.as_nobody().get("/roles").await.error(401);
}

#[tokio::test]
async fn changes_of_permissions_are_in_the_audit_log() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/roles", json!({ "name": "Taggers" })).await.expect(201);
    ann.put("/roles/3/permissions", json!({ "global": { "manageTags": true } })).await.expect(200);
    let entry = ann.get("/auditLogs?type=agentRoleManagement").await.expect(200)["logs"][0].clone();
    assert_eq!(entry["actionSummary"], "changed the permissions of the role 'Taggers'");
    assert_eq!(entry["actionDetails"], "permissions: '' → 'manageTags'");
}
