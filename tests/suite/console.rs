//! The agents' console without JavaScript: lists and selections, writing, drafts, the recycle bin, preferences.

use serde_json::json;

use crate::support::test_desk::{Browser, Client, TestDesk, View, eventually};

async fn conversation(ann: &Client, subject: &str) -> i64 {
    let new =
        json!({ "subject": subject, "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201)["conversation"]["id"].as_i64().unwrap()
}

async fn signed_in(desk: &TestDesk) -> (Browser, String) {
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let csrf = browser.get("/console/all").await.csrf();
    (browser, csrf)
}

#[tokio::test]
async fn a_selection_is_changed_at_once_and_taken_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["One", "Two"] {
        conversation(&ann, subject).await;
    }
    let (browser, csrf) = signed_in(&desk).await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("back", "/console/all?sort=priority"),
        ("id", "1"),
        ("id", "2"),
        ("id", "99"),
        ("status", "closed"),
        ("priority", ""),
    ];
    let view = browser.post("/console/conversations/batch", &fields).await;
    assert_eq!(view.status, 303);
    let back = view.location.unwrap();
    assert!(back.starts_with("/console/all?sort=priority&done="), "{back}");
    let page = browser.get(&back).await;
    page.shows("2 conversations closed");
    page.shows("#99: there is no conversation 99");
    assert_eq!(desk.number("SELECT count(*) FROM conversation WHERE status = 5"), 2);
    let undo = page.html.split("action=\"/console/undo/").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("csrf", csrf.as_str()), ("back", "/console/all")];
    let view = browser.post(&format!("/console/undo/{undo}"), &fields).await;
    browser.get(&view.location.unwrap()).await.shows("Taken back in 2 conversations");
    assert_eq!(desk.number("SELECT count(*) FROM conversation WHERE status = 1"), 2);
    let again = browser.post(&format!("/console/undo/{undo}"), &fields).await;
    assert_eq!(again.status, 404, "once");
}

#[tokio::test]
async fn nobody_takes_back_what_somebody_else_did() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    browser.post("/console/conversations/1/close", &[("csrf", &csrf)]).await;
    desk.create_agent("ben", true).await;
    let ben = desk.browser();
    ben.sign_in("ben").await;
    let csrf = ben.get("/console/all").await.csrf();
    assert_eq!(ben.post("/console/undo/1", &[("csrf", &csrf)]).await.status, 404);
    assert_eq!(desk.number("SELECT status FROM conversation"), 5);
}

#[tokio::test]
async fn a_deleted_conversation_waits_in_the_recycle_bin() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    let fields = [("csrf", csrf.as_str()), ("context", "filter=closed")];
    let view = browser.post("/console/conversations/1/delete", &fields).await;
    let list = view.location.unwrap();
    assert!(list.starts_with("/console/closed?done="), "{list}");
    browser.get(&list).await.shows("1 conversation deleted");
    assert_eq!(browser.get("/console/conversations/1").await.status, 404);
    browser.get("/console/deleted").await.shows("One");
    let view = browser.post("/console/deleted/1/restore", &[("csrf", &csrf)]).await;
    assert_eq!(view.location.as_deref(), Some("/console/conversations/1"));
    browser.get("/console/conversations/1").await.shows("restored this");
    browser.post("/console/conversations/1/delete", &fields).await;
    browser.post("/console/deleted/1/erase", &[("csrf", &csrf)]).await;
    browser.get("/console/deleted").await.shows("The recycle bin is empty");
}

#[tokio::test]
async fn an_agent_begins_a_conversation_with_a_new_contact() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (browser, csrf) = signed_in(&desk).await;
    browser.get("/console/conversations/new?to=tom@customer.example").await.shows("tom@customer.example");
    let send = async |to: &'static str, body: &'static str| {
        let form = reqwest::multipart::Form::new()
            .text("csrf", csrf.clone())
            .text("kind", "portal")
            .text("to", to)
            .text("subject", "Your order")
            .text("body", body)
            .text("priority", "high")
            .text("agent", ann.id.to_string())
            .text("status", "pendingExternal");
        let path = browser.url("/console/conversations/new");
        browser.send(browser.http.post(path).multipart(form)).await
    };
    let refused = send("tom at home", "").await;
    assert_eq!(refused.status, 400);
    refused.shows("is not an e-mail address");
    refused.shows("Your order");
    assert!(!send("", "x").await.html.contains("is not an e-mail address"), "nothing is no wrong address");
    let view = send("Tom Baker <tom@customer.example>", "It is ready.").await;
    assert_eq!(view.location.as_deref(), Some("/console/conversations/1"));
    let made = ann.get("/anytime/conversations/1?include=contact").await.expect(200)["conversation"].clone();
    assert_eq!(made["contact"]["name"], "Tom Baker", "{made}");
    assert_eq!((&made["priority"], &made["agentAssigneeId"]), (&json!("high"), &json!(ann.id)));
}

#[tokio::test]
async fn an_answer_that_has_not_seen_the_last_message_comes_back_with_its_text() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    let ben = desk.as_agent("ben").await;
    let send = async |kind: &'static str, seen: &'static str| {
        let form = reqwest::multipart::Form::new()
            .text("csrf", csrf.clone())
            .text("type", kind)
            .text("body", "My long answer")
            .text("seen", seen);
        let path = browser.url("/console/conversations/1/reply");
        browser.send(browser.http.post(path).multipart(form)).await
    };
    let note = json!({ "type": "note", "plainBody": "I was first" });
    ben.post("/anytime/conversations/1/messages", note).await.expect(201);
    let refused = send("reply", "1").await;
    assert_eq!(refused.status, 400);
    refused.shows("Something came in while you wrote");
    refused.shows("I was first");
    refused.shows("My long answer");
    assert_eq!(desk.number("SELECT count(*) FROM message"), 2);
    assert_eq!(send("reply", "2").await.status, 303);
    assert_eq!(desk.number("SELECT count(*) FROM message"), 3);
    // A note may cross what others write, but is not left twice from two tabs.
    send("note", "2").await.shows("You have written here since this page was opened");
    assert_eq!(send("note", "3").await.status, 303);
    ben.post("/anytime/conversations/1/messages", json!({ "type": "note", "plainBody": "Me, too" }))
        .await
        .expect(201);
    assert_eq!(send("note", "4").await.status, 303);
}

#[tokio::test]
async fn the_same_conversation_is_not_begun_twice() {
    let desk = TestDesk::start().await;
    let (browser, _) = signed_in(&desk).await;
    let path = "/console/conversations/new";
    let (one, other) = (browser.get(path).await, browser.get(path).await);
    let send = async |page: &View, subject: &str| {
        let (csrf, token, seen) = (page.csrf(), page.hidden("token"), page.hidden("seen"));
        let fields = [
            ("csrf", csrf.as_str()),
            ("token", &token),
            ("seen", &seen),
            ("kind", "portal"),
            ("to", "tom@customer.example"),
            ("subject", subject),
            ("body", "It is ready."),
        ];
        browser.upload(path, &fields, &[]).await
    };
    let made = Some("/console/conversations/1");
    assert_eq!(send(&one, "Your order").await.location.as_deref(), made);
    assert_eq!(send(&one, "Your order").await.location.as_deref(), made, "the same page again");
    let told = send(&other, "Your order").await;
    assert_eq!(told.status, 400);
    told.shows("You have begun this conversation since this page was opened: it is #1").shows("It is ready.");
    assert_eq!(desk.number("SELECT count(*) FROM conversation"), 1);
    // With other words it is another one, and who was told means it.
    assert_eq!(send(&one, "Your bike").await.location.as_deref(), Some("/console/conversations/2"));
    assert_eq!(send(&told, "Your order").await.location.as_deref(), Some("/console/conversations/3"));
}

#[tokio::test]
async fn a_draft_is_shared_and_goes_with_an_empty_text() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    let path = "/console/conversations/1/draft";
    let view = browser.post(path, &[("csrf", &csrf), ("body", "Dear Lena")]).await;
    assert_eq!((view.status, view.html.as_str()), (200, "Saved 09:00"));
    let ben = desk.browser();
    desk.create_agent("ben", false).await;
    ben.sign_in("ben").await;
    let page = ben.get("/console/conversations/1").await;
    page.shows("Draft by Ann");
    page.shows("Dear Lena");
    ben.get("/console/all").await.shows("row-draft");
    assert_eq!(browser.post(path, &[("csrf", &csrf), ("body", " ")]).await.status, 200);
    assert!(!ben.get("/console/conversations/1").await.html.contains("Draft by"));
}

#[tokio::test]
async fn colleagues_see_who_looks_and_who_writes() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    let fields = [("csrf", csrf.as_str()), ("conversation", "1"), ("writing", "1")];
    let alone = browser.post("/console/beat", &fields).await;
    assert!(!alone.html.contains("viewer"), "{}", alone.html);
    desk.create_agent("ben", false).await;
    let ben = desk.browser();
    ben.sign_in("ben").await;
    ben.get("/console/conversations/1").await.shows("Ann is writing");
    ben.get("/console/all").await.shows("Ann is writing");
    desk.advance(std::time::Duration::from_secs(120));
    assert!(!ben.get("/console/all").await.html.contains("Ann is writing"), "gone for two minutes");
}

#[tokio::test]
async fn the_console_behaves_as_the_agent_prefers() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    let fields = [("csrf", csrf.as_str()), ("afterSend", "back"), ("isCompact", "on")];
    assert_eq!(browser.post("/console/settings/profile/console", &fields).await.status, 303);
    let page = browser.get("/console/all").await;
    page.shows("data-compact");
    page.shows("data-keys=\"off\"");
    let form = reqwest::multipart::Form::new()
        .text("csrf", csrf.clone())
        .text("type", "reply")
        .text("body", "Done.")
        .text("context", "filter=my-open");
    let sent = browser.http.post(browser.url("/console/conversations/1/reply")).multipart(form);
    assert_eq!(browser.send(sent).await.location.as_deref(), Some("/console/my-open"));
    let fields = [("csrf", csrf.as_str()), ("afterSend", "home")];
    assert_eq!(browser.post("/console/settings/profile/console", &fields).await.status, 400);
}

#[tokio::test]
async fn merging_says_what_will_happen_and_finds_by_number() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["Target", "Source"] {
        conversation(&ann, subject).await;
    }
    let (browser, csrf) = signed_in(&desk).await;
    let page = browser.get("/console/conversations/1/merge?number=%232").await;
    page.shows("Source");
    page.shows("cannot be split off again");
    browser.get("/console/conversations/1/merge?number=77").await.shows("is not the number of another");
    let path = "/console/conversations/1/merge";
    assert_eq!(browser.post(path, &[("csrf", &csrf)]).await.status, 400);
    assert_eq!(browser.post(path, &[("csrf", &csrf), ("source", "2")]).await.status, 303);
    browser.get("/console/conversations/1").await.shows("merged conversation #2 into this one");
    assert_eq!(browser.get("/console/conversations/2").await.status, 404);
}

#[tokio::test]
async fn the_style_page_is_for_demos() {
    let desk = TestDesk::start().await;
    let (browser, _) = signed_in(&desk).await;
    assert_eq!(browser.get("/console/style").await.status, 404);
}

#[tokio::test]
async fn a_search_points_the_words_out_and_understands_operators() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["Chain broke", "Saddle squeaks"] {
        conversation(&ann, subject).await;
    }
    ann.put("/anytime/conversations/2", json!({ "status": "closed" })).await.expect(200);
    let (browser, _) = signed_in(&desk).await;
    let page = browser.get("/console/search?q=chain").await;
    page.shows("<mark>Chain</mark>");
    assert!(!page.html.contains("Saddle"), "{}", page.html);
    page.shows("filter=search&#38;q=chain");
    browser.get("/console/search?q=status%3Aclosed").await.shows("Saddle squeaks");
    browser.get("/console/search?q=chain+status%3Aclosed").await.shows("Nothing found");
    browser.get("/console/search?q=tag%3Anowhere").await.shows("Nothing found");
    browser.get("/console/search?q=%22%28%2A%27").await.shows("Search");
    browser.get("/console/conversations/1?filter=search&q=chain").await.shows("<mark>Chain</mark>");
}

#[tokio::test]
async fn a_saved_filter_stands_in_the_menu_of_those_who_may_see_it() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "Chain broke").await;
    let conditions = json!([{ "field": "subject", "matchType": "contains", "value": "chain" }]);
    let new = json!({ "name": "Chains", "isPrivate": true, "conditions": conditions });
    let made = ann.post("/anytime/filters", new).await.expect(201);
    let id = made["filter"]["id"].as_i64().or(made["id"].as_i64()).unwrap();
    let (browser, _) = signed_in(&desk).await;
    let path = format!("/console/filters/{id}");
    let page = browser.get(&path).await;
    page.shows("Chains");
    page.shows("Chain broke");
    page.shows(&format!("filter={id}"));
    desk.create_agent("ben", false).await;
    let ben = desk.browser();
    ben.sign_in("ben").await;
    assert!(!ben.get("/console/all").await.html.contains("Chains"));
    assert_eq!(ben.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_conversation_is_put_aside_and_brought_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    let path = "/console/conversations/1/snooze";
    let fields = [("csrf", csrf.as_str()), ("until", "tomorrow")];
    assert_eq!(browser.post(path, &fields).await.status, 303);
    browser.get("/console/conversations/1").await.shows("Put aside until");
    let is_listed = async |path: &str| browser.get(path).await.html.contains("id=\"row-1\"");
    assert!(is_listed("/console/all").await);
    assert!(!is_listed("/console/unassigned").await, "no work now");
    assert!(is_listed("/console/put-aside").await);
    browser.get("/console/put-aside").await.shows("until Tue ");
    assert_eq!(browser.post("/console/conversations/1/wake", &[("csrf", &csrf)]).await.status, 303);
    assert!(!browser.get("/console/conversations/1").await.html.contains("Put aside until"));
    assert!(is_listed("/console/unassigned").await);
    assert!(!is_listed("/console/put-aside").await);
    let fields = [("csrf", csrf.as_str()), ("until", "never")];
    assert_eq!(browser.post(path, &fields).await.status, 400);
}

#[tokio::test]
async fn a_filter_is_made_changed_and_deleted_in_the_console() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["Chain broke", "Saddle squeaks"] {
        conversation(&ann, subject).await;
    }
    let (browser, csrf) = signed_in(&desk).await;
    let page = browser.get("/console/filters/new").await;
    let subject = page.html.split(">Subject</option>").next().unwrap();
    let subject = subject.rsplit("value=\"").next().unwrap().trim_end_matches('"').to_owned();
    let send = async |path: &str, name: &str, value: &str| {
        let fields = [
            ("csrf", csrf.as_str()),
            ("name", name),
            ("who", "public"),
            ("when", "all"),
            ("field", subject.as_str()),
            ("match", "contains"),
            ("value", value),
            ("field", ""),
            ("match", "is"),
            ("value", ""),
        ];
        browser.post(path, &fields).await
    };
    let refused = send("/console/filters/new", "", "chain").await;
    assert_eq!(refused.status, 400);
    refused.shows("value=\"chain\"");
    let path = send("/console/filters/new", "Chains", "chain").await.location.unwrap();
    let list = browser.get(&path).await;
    list.shows("Chain broke");
    assert!(!list.html.contains("Saddle"));
    let edit = format!("{path}/edit");
    browser.get(&edit).await.shows("value=\"chain\"");
    assert_eq!(send(&edit, "Saddles", "saddle").await.status, 303);
    browser.get(&path).await.shows("Saddle squeaks");
    assert_eq!(browser.post(&format!("{path}/delete"), &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn conditions_name_agents_departments_tags_and_contacts_and_keep_their_ids() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    ann.post("/tags", json!({ "name": "chain" })).await.expect(201);
    let identities = json!([{ "type": "email", "value": "lena@customer.example" }]);
    let lena = ann.post("/contacts", json!({ "name": "Lena", "identities": identities })).await.expect(201);
    let (browser, csrf) = signed_in(&desk).await;
    let path = "/console/filters/new";
    let page = browser.get(path).await;
    page.shows("<option value=\"@me\"><option value=\"Ann\"><option value=\"Luis\">");
    page.shows("<datalist id=\"choices-16\"><option value=\"chain\"></datalist>");
    let send = async |values: [(&str, &str); 4]| {
        let mut fields = vec![("csrf", csrf.as_str()), ("name", "Named"), ("who", "public"), ("when", "all")];
        for (field, value) in values {
            fields.extend([("field", field), ("match", "is"), ("value", value)]);
        }
        browser.post(path, &fields).await
    };
    let named = [("4", "luis"), ("3", "Sales"), ("16", "Chain"), ("13", "lena@customer.example")];
    let made = send(named).await.location.unwrap();
    let id = made.rsplit('/').next().unwrap();
    let stored = ann.get(&format!("/anytime/filters/{id}?include=conditions")).await.expect(200);
    let conditions = stored["filter"]["conditions"].clone();
    let values: Vec<&str> =
        conditions.as_array().unwrap().iter().map(|it| it["value"].as_str().unwrap()).collect();
    assert_eq!(values, [&luis.to_string(), "1", "1", &lena["id"].to_string()]);
    let form = browser.get(&format!("{made}/edit")).await;
    for name in ["Luis", "Sales", "chain", "lena@customer.example"] {
        form.shows(&format!("value=\"{name}\" list="));
    }
    let refused = send([("4", "nobody at all"), ("3", "1"), ("16", "1"), ("5", "new")]).await;
    assert_eq!(refused.status, 400);
    refused.shows("must be an id, or a name that only one has").shows("value=\"nobody at all\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_list_holds_is_changed_in_steps_and_taken_back_as_one() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for number in 1..=230 {
        conversation(&ann, &format!("Number {number}")).await;
    }
    let (browser, csrf) = signed_in(&desk).await;
    let me = ann.id.to_string();
    let page = browser.get("/console/unassigned?sort=priority").await;
    page.shows("All 230 that match");
    let context = page.hidden("context").replace("&#38;", "&").replace("&amp;", "&");
    let fields = [
        ("csrf", csrf.as_str()),
        ("back", "/console/unassigned"),
        ("context", &context),
        ("id", "3"),
        ("everything", "1"),
        ("agent", &me),
    ];
    let back = browser.post("/console/conversations/batch", &fields).await.location.unwrap();
    browser.get(&back).await;
    let done = eventually("everything is assigned", || async {
        let page = browser.get(&back).await;
        page.html.contains("230 conversations assigned").then_some(page)
    })
    .await;
    let mine = "SELECT count(*) FROM conversation WHERE agent_assignee_id IS NOT NULL";
    assert_eq!(desk.number(mine), 230);
    let undo = done.html.split("action=\"/console/undo/").nth(1).unwrap().split('"').next().unwrap();
    browser.post(&format!("/console/undo/{undo}"), &[("csrf", &csrf), ("back", "/console/all")]).await;
    eventually("nobody is assigned again", || async { (desk.number(mine) == 0).then_some(()) }).await;
}

#[tokio::test]
async fn undo_gives_back_to_nobody() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    let me = ann.id.to_string();
    let fields = [("csrf", csrf.as_str()), ("id", "1"), ("agent", &me), ("back", "/console/all")];
    browser.post("/console/conversations/batch", &fields).await;
    assert_eq!(desk.number("SELECT coalesce(agent_assignee_id, 0) FROM conversation"), ann.id);
    browser.post("/console/undo/1", &[("csrf", &csrf), ("back", "/console/all")]).await;
    assert_eq!(desk.number("SELECT coalesce(agent_assignee_id, 0) FROM conversation"), 0);
}

#[tokio::test]
async fn an_earlier_draft_is_taken_up_again() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, "One").await;
    let (browser, csrf) = signed_in(&desk).await;
    for text in ["The first text, which took an hour", "Something else altogether"] {
        let fields = [("csrf", csrf.as_str()), ("body", text)];
        assert_eq!(browser.post("/console/conversations/1/draft", &fields).await.status, 200);
    }
    browser.get("/console/conversations/1").await.shows("Earlier drafts");
    let list = browser.get("/console/conversations/1/drafts").await;
    list.shows("The first text, which took an hour").shows("Ann");
    let path = "/console/conversations/1/drafts/1";
    assert_eq!(browser.post(path, &[("csrf", &csrf)]).await.status, 303);
    browser.get("/console/conversations/1").await.shows(">The first text, which took an hour</textarea>");
    browser.get("/console/conversations/1/drafts").await.shows("Something else altogether");
    assert_eq!(browser.post("/console/conversations/1/drafts/99", &[("csrf", &csrf)]).await.status, 404);
    desk.create_agent("ben", false).await;
    let ben = desk.browser();
    ben.sign_in("ben").await;
    assert_eq!(ben.get("/console/conversations/9/drafts").await.status, 404);
    assert_eq!(desk.browser().get("/console/conversations/1/drafts").await.status, 303);
}

#[tokio::test]
async fn a_contact_is_changed_and_comes_back_filled_in_when_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for email in ["lena@customer.example", "other@customer.example"] {
        let identities = json!([{ "type": "email", "value": email }]);
        ann.post("/contacts", json!({ "name": "Lena", "identities": identities })).await.expect(201);
    }
    let (browser, csrf) = signed_in(&desk).await;
    let page = "/console/contacts/1/edit";
    browser.get(page).await.shows("value=\"lena@customer.example\"");
    let save = |name: &'static str, email: &'static str| {
        let fields = [
            ("csrf", csrf.clone()),
            ("name", name.into()),
            ("email", email.into()),
            ("city", "Leipzig".into()),
        ];
        let browser = browser.clone();
        async move {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
            browser.post(page, &fields).await
        }
    };
    let refused = save("Lena H", "nonsense").await;
    assert_eq!(refused.status, 400);
    refused.shows("&#39;nonsense&#39; is not an e-mail address").shows("id=\"problem-email\"");
    refused.shows("value=\"Lena H\"").shows("value=\"Leipzig\"");
    let refused = save("Lena H", "other@customer.example").await;
    assert_eq!(refused.status, 400);
    refused.shows("belongs to another contact");
    assert_eq!(save("Lena Hoffmann", "new@customer.example").await.status, 303);
    browser.get("/console/contacts/1").await.shows("Lena Hoffmann").shows("new@customer.example");
    desk.create_agent("ben", false).await;
    let ben = desk.browser();
    ben.sign_in("ben").await;
    let may = ben.get(page).await.status;
    assert!(matches!(may, 200 | 403), "{may}");
    assert_eq!(browser.get("/console/contacts/99/edit").await.status, 404);
    assert_eq!(desk.browser().get(page).await.status, 303);
}

#[tokio::test]
async fn a_new_conversation_takes_the_sites_own_fields() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let field = json!({ "name": "Order number", "type": "text", "isRequired": true });
    let field = ann.post("/anytime/fields", field).await.expect(201)["field"]["id"].clone();
    let name = format!("field-{}", field.as_str().map_or_else(|| field.to_string(), str::to_owned));
    let (browser, csrf) = signed_in(&desk).await;
    browser.get("/console/conversations/new").await.shows("Order number");
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("kind", "note"),
        ("to", ""),
        ("subject", "By phone"),
        ("body", "They called"),
        ("status", "new"),
        ("priority", "normal"),
    ];
    fields.push((&name, "FB-1"));
    let made = browser.upload("/console/conversations/new", &fields, &[]).await;
    assert_eq!(made.status, 303, "{}", made.html);
    browser.get("/console/conversations/1").await.shows("value=\"FB-1\"");
}

#[tokio::test]
async fn what_comes_after_sending_is_chosen_beside_the_button_and_remembered() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["One", "Two"] {
        conversation(&ann, subject).await;
    }
    let (browser, csrf) = signed_in(&desk).await;
    let answer = |after: &'static str| {
        let fields = [
            ("csrf", csrf.clone()),
            ("context", "filter=all".to_owned()),
            ("next", "1".to_owned()),
            ("type", "reply".to_owned()),
            ("status", "keep".to_owned()),
            ("body", "Hello".to_owned()),
            ("after", after.to_owned()),
        ];
        let browser = browser.clone();
        async move {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
            browser.upload("/console/conversations/2/reply", &fields, &[]).await.location.unwrap()
        }
    };
    assert!(answer("stay").await.starts_with("/console/conversations/2?"));
    assert_eq!(answer("back").await, "/console/all");
    assert!(answer("next").await.starts_with("/console/conversations/1?"));
    browser.get("/console/conversations/1").await.shows("value=\"next\" selected");
}
