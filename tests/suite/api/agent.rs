use std::time::Duration;

use serde_json::{Value, json};

use crate::support::test_desk::{PASSWORD, TestDesk, change};

fn pia() -> Value {
    json!({ "email": "pia@desk.example", "firstName": "Pia", "lastName": "Berg" })
}

#[tokio::test]
async fn an_agent_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann.post("/agents", pia()).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/agents/2"));
    assert_eq!(
        created.expect(201),
        json!({
            "id": 2, "email": "pia@desk.example", "displayName": "Pia Berg", "firstName": "Pia", "lastName": "Berg",
            "title": "", "bio": "", "signature": "", "mobilePhone": "", "timeZone": "UTC", "dateTimeFormat": "MM/dd/yyyy HH:mm:ss",
            "roles": [2], "departments": [], "isAdmin": false, "isActive": true, "isLocked": false,
            "availableChannels": [], "avatarUrl": null, "createdTime": "2026-01-05T09:00:00.000Z",
            "lastLoginTime": null, "lockedTime": null,
        })
    );
    let changed = ann.put("/agents/2", json!({ "title": "Support", "isActive": false })).await.expect(200);
    assert_eq!((&changed["title"], &changed["isActive"]), (&json!("Support"), &json!(false)));
    assert_eq!(ann.get("/agents/2").await.expect(200), changed);
    ann.delete("/agents/2").await.expect(204);
    assert_eq!(ann.get("/agents/2").await.error(404), "there is no agent 2");
}

#[tokio::test]
async fn agents_are_listed_by_name_in_pages_and_found_by_keywords() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for name in ["zoe", "bob"] {
        desk.create_agent(name, false).await;
    }
    let names = |list: &Value| -> Vec<String> {
        list["agents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["displayName"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = ann.get("/agents?pageSize=2").await.expect(200);
    assert_eq!(names(&list), ["Ann", "Bob"]);
    assert_eq!((&list["total"], &list["previousPage"]), (&json!(3), &Value::Null));
    assert_eq!(list["nextPage"], "/api/v3/agents?pagesize=2&pageIndex=2");
    let next = list["nextPage"].as_str().unwrap().strip_prefix("/api/v3").unwrap();
    let last = ann.get(next).await.expect(200);
    assert_eq!(names(&last), ["Zoe"]);
    assert_eq!(last["nextPage"], Value::Null);
    assert_eq!(last["previousPage"], "/api/v3/agents?pagesize=2&pageIndex=1");
    assert_eq!(names(&ann.get("/agents?keywords=ZOE@").await.expect(200)), ["Zoe"]);
    ann.get("/agents?pageIndex=0").await.error(400);
    ann.get("/agents?pageSize=51").await.error(400);
}

#[tokio::test]
async fn me_is_the_calling_agent_who_may_change_the_own_profile_and_nothing_else() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    assert_eq!(luis.get("/agents/me").await.expect(200)["email"], "luis@desk.example");
    let me = luis.put("/agents/me", json!({ "bio": "I answer." })).await.expect(200);
    assert_eq!(me["bio"], "I answer.");
    assert_eq!(luis.put("/agents/me", me.clone()).await.expect(200), me);
    for change in
        [json!({ "isAdmin": true }), json!({ "roles": [1, 2] }), json!({ "email": "x@desk.example" })]
    {
        luis.put("/agents/me", change.clone()).await.error(403);
        luis.put(&format!("/agents/{}", luis.id), change).await.error(403);
    }
    assert_eq!(luis.get("/agents/me").await.expect(200), me);
}

#[tokio::test]
async fn every_problem_of_a_new_agent_is_told_by_field() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (key, value, start) in [
        ("email", json!("pia"), "'email' 'pia' is not an e-mail address"),
        ("timeZone", json!("Mars"), "'timeZone' 'Mars' is not"),
        ("dateTimeFormat", json!("HH:mm"), "'dateTimeFormat' 'HH:mm' is not"),
        ("roles", json!([99]), "'roles' there is no role 99"),
        ("departments", json!([99]), "'departments' there is no department 99"),
        ("displayName", json!("x".repeat(101)), "'displayName' is longer than 100"),
        ("password", json!("short"), "'password' needs at least 12 characters"),
        ("password", json!("pia@desk.example"), "'password' is too easy to guess"),
        ("color", json!("red"), "'color' is not a field of this object"),
    ] {
        let mut body = pia();
        body[key] = value;
        let message = ann.post("/agents", body).await.error(400);
        assert!(message.starts_with(start), "{message}");
    }
    for key in ["email", "firstName", "lastName"] {
        let mut body = pia();
        body.as_object_mut().unwrap().remove(key);
        assert_eq!(ann.post("/agents", body).await.error(400), format!("'{key}' is required"));
    }
    ann.put("/agents/1", json!({ "email": "x" })).await.error(400);
    assert_eq!(ann.get("/agents").await.expect(200)["total"], 1);
}

#[tokio::test]
async fn an_agents_address_is_unique_whatever_its_case_and_free_again_after_deletion() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/agents", pia()).await.expect(201);
    let mut again = pia();
    again["email"] = json!("PIA@desk.example");
    ann.post("/agents", again).await.error(409);
    ann.put("/agents/2", json!({ "email": "ann@desk.example" })).await.error(409);
    ann.delete("/agents/2").await.expect(204);
    ann.post("/agents", pia()).await.expect(201);
}

#[tokio::test]
async fn a_new_agent_has_the_time_zone_of_the_site_and_follows_it() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.put("/site/profile", json!({ "timeZone": "Europe/Paris" })).await.expect(200);
    let id = ann.post("/agents", pia()).await.expect(201)["id"].as_i64().unwrap();
    let path = format!("/agents/{id}");
    let read = ann.get(&path).await.expect(200);
    assert_eq!(read["timeZone"], "Europe/Paris");
    ann.put(&path, read).await.expect(200);
    ann.put("/site/profile", json!({ "timeZone": "Asia/Tokyo" })).await.expect(200);
    assert_eq!(ann.get(&path).await.expect(200)["timeZone"], "Asia/Tokyo", "one sent back as it was");
    ann.put(&path, json!({ "timeZone": "Europe/Madrid" })).await.expect(200);
    ann.put("/site/profile", json!({ "timeZone": "Europe/Paris" })).await.expect(200);
    assert_eq!(ann.get(&path).await.expect(200)["timeZone"], "Europe/Madrid", "an own one stays");
}

#[tokio::test]
async fn a_time_zone_may_be_given_by_its_windows_name() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let zone = json!({ "timeZone": "W. Europe Standard Time" });
    assert_eq!(ann.put("/agents/me", zone).await.expect(200)["timeZone"], "Europe/Berlin");
}

#[tokio::test]
async fn a_new_agent_with_a_password_can_sign_in_and_secrets_are_in_no_answer() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut new = pia();
    new["password"] = json!(PASSWORD);
    let created = ann.post("/agents", new).await.expect(201);
    assert!(created.get("password").is_none() && !created.to_string().contains("argon2"), "{created}");
    desk.browser().sign_in("pia").await;
    ann.put("/agents/2/password", json!({ "password": "another long one" })).await.expect(204);
    let fields = [("email", "pia@desk.example"), ("password", PASSWORD)];
    assert_ne!(desk.browser().post("/console/sign-in", &fields).await.status, 303);
}

#[tokio::test]
async fn ones_own_password_needs_the_current_one() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    let wrong = json!({ "currentPassword": "wrong", "newPassword": "another long one" });
    assert_eq!(
        luis.put("/agents/me/password", wrong.clone()).await.error(400),
        "'currentPassword' is not your password"
    );
    let weak = json!({ "currentPassword": PASSWORD, "newPassword": "short" });
    assert!(luis.put("/agents/me/password", weak).await.error(400).starts_with("'newPassword'"));
    let own = format!("/agents/{}/password", luis.id);
    luis.put(&own, json!({ "password": "another long one" })).await.error(403);
    let right = json!({ "currentPassword": PASSWORD, "newPassword": "another long one" });
    luis.put("/agents/me/password", right).await.expect(204);
    let again = json!({ "currentPassword": "another long one", "newPassword": PASSWORD });
    luis.put("/agents/me/password", again).await.expect(204);
}

#[tokio::test]
async fn guessing_the_current_password_locks_the_agent_until_unlocked() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let wrong = json!({ "currentPassword": "wrong", "newPassword": "another long one" });
    for _ in 0..5 {
        luis.put("/agents/me/password", wrong.clone()).await.error(400);
    }
    luis.get("/agents/me").await.error(401);
    let path = format!("/agents/{}", luis.id);
    let locked = ann.get(&path).await.expect(200);
    assert_eq!(locked["isLocked"], true);
    assert_eq!(locked["lockedTime"], "2026-01-05T09:00:00.000Z");
    ann.put(&format!("{path}/unlock"), json!({})).await.expect(204);
    assert_eq!(ann.get(&path).await.expect(200)["isLocked"], false);
    luis.get("/agents/me").await.expect(200);
    for _ in 0..5 {
        luis.put("/agents/me/password", wrong.clone()).await.error(400);
    }
    luis.get("/agents/me").await.error(401);
    desk.advance(Duration::from_secs(3600));
    assert_eq!(ann.get(&path).await.expect(200)["isLocked"], false);
    luis.get("/agents/me").await.expect(200);
}

#[tokio::test]
async fn a_new_api_key_replaces_the_old_one() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let answer = luis.post("/agents/me/apiKey", json!({})).await.expect(201);
    let key = answer["apiKey"].as_str().unwrap().to_owned();
    assert!(key.ends_with(answer["lastFour"].as_str().unwrap()));
    luis.get("/agents/me").await.error(401);
    let mut fresh = luis.clone();
    fresh.user = Some(("luis@desk.example".to_owned(), key));
    fresh.get("/agents/me").await.expect(200);
    let other = ann.post(&format!("/agents/{}/apiKey", luis.id), json!({})).await.expect(201);
    fresh.get("/agents/me").await.error(401);
    fresh.user = Some(("luis@desk.example".to_owned(), other["apiKey"].as_str().unwrap().to_owned()));
    fresh.get("/agents/me").await.expect(200);
}

#[tokio::test]
async fn every_agent_reads_agents_but_only_some_change_them() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    luis.get("/agents").await.expect(200);
    luis.get("/agents/1").await.expect(200);
    assert_eq!(luis.post("/agents", pia()).await.error(403), "you may not manage agents and roles");
    luis.put("/agents/1", json!({ "title": "x" })).await.error(403);
    luis.put("/agents/1/password", json!({ "password": "another long one" })).await.error(403);
    luis.put("/agents/1/unlock", json!({})).await.error(403);
    luis.post("/agents/1/apiKey", json!({})).await.error(403);
    luis.delete("/agents/1").await.error(403);
    desk.as_nobody().get("/agents/me").await.error(401);
}

/// Lets every agent manage agents: an administrator is still something else.
async fn let_everybody_manage_agents(desk: &TestDesk) {
    change(desk, |tx| {
        tx.run("INSERT INTO role_permission (role_id, permission) VALUES (2, 'manageAgentAndRoles')", [])?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn who_manages_agents_cannot_become_or_change_an_administrator() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    let_everybody_manage_agents(&desk).await;
    luis.post("/agents", pia()).await.expect(201);
    let own = format!("/agents/{}", luis.id);
    for change in [json!({ "isAdmin": true }), json!({ "roles": [1, 2] })] {
        luis.put(&own, change.clone()).await.error(403);
        luis.put("/agents/me", change).await.error(403);
    }
    luis.put("/agents/1", json!({ "email": "mine@desk.example" })).await.error(403);
    luis.put("/agents/1/password", json!({ "password": "another long one" })).await.error(403);
    luis.post("/agents/1/apiKey", json!({})).await.error(403);
    luis.delete("/agents/1").await.error(403);
}

#[tokio::test]
async fn the_administrators_role_and_the_flag_say_the_same() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/agents", pia()).await.expect(201);
    let by_role = ann.put("/agents/2", json!({ "roles": [1] })).await.expect(200);
    assert_eq!((&by_role["isAdmin"], &by_role["roles"]), (&json!(true), &json!([1, 2])));
    let back = ann.put("/agents/2", json!({ "roles": [] })).await.expect(200);
    assert_eq!((&back["isAdmin"], &back["roles"]), (&json!(false), &json!([2])));
    let by_flag = ann.put("/agents/2", json!({ "isAdmin": true })).await.expect(200);
    assert_eq!(by_flag["roles"], json!([1, 2]));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for change in [json!({ "isAdmin": false }), json!({ "isActive": false }), json!({ "roles": [2] })] {
        ann.put("/agents/1", change).await.error(409);
    }
    ann.delete("/agents/1").await.error(409);
}

#[tokio::test]
async fn unknown_agents_are_not_found() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for id in ["7", "x", "-1"] {
        ann.get(&format!("/agents/{id}")).await.error(404);
        ann.put(&format!("/agents/{id}"), json!({ "title": "x" })).await.error(404);
        ann.put(&format!("/agents/{id}/password"), json!({ "password": "another long one" }))
            .await
            .error(404);
        ann.put(&format!("/agents/{id}/unlock"), json!({})).await.error(404);
        ann.post(&format!("/agents/{id}/apiKey"), json!({})).await.error(404);
        ann.delete(&format!("/agents/{id}")).await.error(404);
    }
}

#[tokio::test]
async fn departments_roles_and_permissions_are_included_when_asked_for() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Billing", "agents": [luis.id] })).await.expect(201);
    let list = ann.get("/agents?include=department,role,permission&keywords=luis").await.expect(200);
    let found = &list["agents"][0];
    assert_eq!(found["department"][0]["name"], "Billing");
    assert_eq!(found["role"][0]["name"], "All Agents");
    assert_eq!(found["permission"]["global"]["viewContacts"], true);
    let plain = ann.get("/agents").await.expect(200);
    assert!(plain["agents"][0].get("role").is_none());
    let seen = luis.get("/agents/1?include=role,permission").await.expect(200);
    assert_eq!(seen["role"][0]["id"], 1);
    assert!(seen.get("permission").is_none(), "others' permissions are for who manages agents");
    let own = luis.get("/agents/me?include=permission,nonsense").await.expect(200);
    assert_eq!(own["permission"]["global"]["manageTags"], false);
    ann.put(&format!("/agents/{}", luis.id), found.clone()).await.expect(200);
}
