//! What rules name and is deleted later: it has no effect, and that is told on the rule, in its page, in the trace and in
//! a rehearsal.

use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk, eventually};

async fn created(ann: &Client, path: &str, body: Value, key: &str) -> Value {
    let made = ann.post(path, body).await.expect(201);
    if key.is_empty() { made } else { made[key].clone() }
}

/// What a rule's conditions can ask for by name.
struct Named {
    luis: i64,
    sales: Value,
    vip: Value,
    carl: Value,
    account: Value,
}

impl Named {
    async fn make(desk: &TestDesk, ann: &Client) -> Self {
        let carl =
            json!({ "name": "Carl", "identities": [{ "type": "email", "value": "carl@buyer.example" }] });
        Self {
            luis: desk.create_agent("luis", false).await,
            sales: created(ann, "/departments", json!({ "name": "Sales" }), "").await["id"].clone(),
            vip: created(ann, "/anytime/tags", json!({ "name": "vip" }), "tag").await["id"].clone(),
            carl: created(ann, "/contacts", carl, "").await["id"].clone(),
            account: created(
                ann,
                "/anytime/emailAccounts",
                json!({ "email": "shop@desk.example" }),
                "emailAccount",
            )
            .await["id"]
                .clone(),
        }
    }

    async fn delete(&self, ann: &Client) {
        for path in [
            format!("/departments/{}", self.sales),
            format!("/agents/{}", self.luis),
            format!("/anytime/tags/{}", self.vip),
            format!("/contacts/{}", self.carl),
            format!("/anytime/emailAccounts/{}", self.account),
        ] {
            ann.delete(&path).await.expect(204);
        }
    }

    /// Conditions that every kind of rule can have, then those that routing cannot.
    fn conditions(&self) -> (Value, Value) {
        let common = [
            json!({ "fieldId": 13, "matchType": "is", "value": self.carl }),
            json!({ "fieldId": 15, "matchType": "is", "value": "shop@desk.example" }),
        ];
        let more = [
            json!({ "fieldId": 3, "matchType": "is", "value": self.sales }),
            json!({ "fieldId": 4, "matchType": "isNot", "value": self.luis }),
            json!({ "fieldId": 16, "matchType": "is", "value": self.vip }),
        ];
        (json!(common), json!(common.iter().chain(&more).collect::<Vec<_>>()))
    }

    /// What is told of them once they are gone.
    fn told(&self) -> [String; 5] {
        [
            "Carl was deleted".to_owned(),
            "there is no e-mail account shop@desk.example".to_owned(),
            format!("department {} was deleted", self.sales),
            "Luis was deleted".to_owned(),
            format!("tag {} was deleted", self.vip),
        ]
    }

    fn warnings(&self) -> Vec<String> {
        self.told().iter().zip(1..).map(|(what, number)| format!("condition {number}: {what}")).collect()
    }
}

async fn decisions(ann: &Client, id: &Value) -> Vec<Value> {
    let all = ann.get(&format!("/anytime/conversations/{id}/decisions")).await.expect(200);
    all["decisions"].as_array().unwrap().clone()
}

fn problems(tried: &Value) -> Vec<Value> {
    tried["conditions"].as_array().unwrap().iter().map(|seen| seen["problem"].clone()).collect()
}

#[tokio::test]
async fn what_conditions_name_and_is_gone_is_told_wherever_the_rule_is_shown() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let named = Named::make(&desk, &ann).await;
    let (common, all) = named.conditions();
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
    let rules = "/anytime/routingRules/1/customerRules";
    let rule =
        created(&ann, rules, json!({ "name": "R", "when": "any", "conditions": common }), "customerRule")
            .await;
    let trigger = json!({
        "name": "T", "triggerEvent": 1, "when": "any", "conditions": all,
        "actions": [{ "type": "SetValue", "fieldId": 6, "value": "high" }],
    });
    let trigger = created(&ann, "/anytime/triggers", trigger, "trigger").await;
    let policy = json!({ "name": "P", "when": "any", "conditions": all, "firstRespondWithin": 60 });
    let policy = created(&ann, "/anytime/slaPolicies", policy, "slaPolicy").await;
    let filter = json!({ "name": "F", "isPrivate": false, "when": "any", "conditions": all });
    let filter = created(&ann, "/anytime/filters", filter, "filter").await;
    let shown = [
        (format!("{rules}/{}", rule["id"]), "customerRule", 2, "/console/settings/routing".to_owned()),
        (
            format!("/anytime/triggers/{}", trigger["id"]),
            "trigger",
            5,
            "/console/settings/triggers".to_owned(),
        ),
        (
            format!("/anytime/slaPolicies/{}", policy["id"]),
            "slaPolicy",
            5,
            "/console/settings/sla-policies".to_owned(),
        ),
        (
            format!("/anytime/filters/{}", filter["id"]),
            "filter",
            5,
            format!("/console/filters/{}/edit", filter["id"]),
        ),
    ];
    for (path, key, _, _) in &shown {
        assert_eq!(ann.get(path).await.expect(200)[key]["warnings"], json!([]), "{path}");
    }
    named.delete(&ann).await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    for (path, key, count, page) in &shown {
        let found = ann.get(path).await.expect(200)[key].clone();
        assert_eq!(found["warnings"], json!(named.warnings()[..*count]), "{path}");
        let page = browser.get(page).await;
        for warning in &named.warnings()[..*count] {
            page.shows(warning);
        }
        // What was read can be sent back, but for the conditions that nothing can meet any more.
        let mut back = found.clone();
        back.as_object_mut().unwrap().retain(|key, _| ["id", "name", "warnings"].contains(&key.as_str()));
        ann.put(path, back).await.expect(200);
    }
    let new = json!({ "subject": "a", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    let id = ann.post("/anytime/conversations", new).await.expect(201)["conversation"]["id"].clone();
    let found = eventually("the trigger to have been asked", async || {
        let found = decisions(&ann, &id).await;
        (found.iter().any(|decision| decision["kind"] == "trigger")).then_some(found)
    })
    .await;
    let of = |kind: &str| found.iter().find(|decision| decision["kind"] == kind).unwrap()[kind].clone();
    let told: Vec<Value> = named.told().into_iter().map(Value::from).collect();
    assert_eq!(problems(&of("routing")["rules"][0]), told[..2]);
    assert_eq!(of("routing")["winner"], "matchFailed", "nobody has what is gone");
    assert_eq!(problems(&of("sla")["rules"][0]), told);
    let asked = of("trigger")["triggers"][0].clone();
    assert_eq!(problems(&asked), told);
    assert_eq!((&asked["fired"], &asked["firstFailed"]), (&json!(true), &json!(null)), "nobody is not Luis");
    let why = browser.get(&format!("/console/conversations/{id}/why")).await;
    for what in named.told() {
        why.shows(&format!("({what})"));
    }
}

#[tokio::test]
async fn a_rehearsal_says_what_its_rules_name_and_is_gone() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    let support = created(&ann, "/departments", json!({ "name": "Support" }), "").await["id"].clone();
    let new = json!({ "subject": "a", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
    let rules = "/anytime/routingRules/1/customerRules";
    let subject = json!([{ "fieldId": 2, "matchType": "is", "value": "a" }]);
    let rule = json!({ "name": "Old", "routeToObject": "agent", "routeToId": luis, "conditions": subject });
    created(&ann, rules, rule, "customerRule").await;
    let mail = json!({ "type": "SendEmail", "agentIds": [luis], "subject": "s", "textBody": "b" });
    let trigger = json!({ "name": "Tell", "triggerEvent": 1, "actions": [mail] });
    let trigger = created(&ann, "/anytime/triggers", trigger, "trigger").await;
    ann.delete(&format!("/agents/{luis}")).await.expect(204);
    let rehearse = async |draft: Value| {
        let made = ann.post("/anytime/rehearsals", draft).await.expect(202)["rehearsal"].clone();
        eventually("the rehearsal to end", async || {
            let found = ann.get(&format!("/anytime/rehearsals/{}", made["id"])).await.expect(200);
            (found["rehearsal"]["state"] == "done").then_some(found)
        })
        .await
    };
    let target = "Luis was deleted: nothing is assigned to them";
    let found = rehearse(json!({ "routingRule": { "matchFailedRouteToId": support } })).await;
    assert_eq!(found["rehearsal"]["warnings"], json!([format!("Old: {target}")]));
    assert_eq!(found["total"], 0, "the rule still matches first: {found}");
    let drafts = json!([{ "id": trigger["id"], "name": "Tell Luis" }]);
    let found = rehearse(json!({ "triggers": drafts })).await;
    let told = "Tell Luis: Luis was deleted: no mail is sent to them";
    assert_eq!(found["rehearsal"]["warnings"], json!([told]));
    assert_eq!(found["total"], 0, "neither sends anything: {found}");
    // From the page of a new rule, beside one that leads to what is gone.
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = "/console/settings/routing/new";
    let csrf = browser.get(page).await.csrf();
    let to = format!("department {support}");
    let form = [
        ("csrf", csrf.as_str()),
        ("name", "New"),
        ("isEnable", "on"),
        ("when", "all"),
        ("field", "2"),
        ("match", "is"),
        ("value", "a"),
        ("to", &to),
        ("toPriority", "normal"),
        ("rehearse", "1"),
    ];
    let sent = browser.post(page, &form).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    browser.get("/console/settings/rehearsals/3").await.shows("has no effect").shows(target);
    browser.get("/console/settings/routing").await.shows(target);
}

#[tokio::test]
async fn the_id_of_what_is_gone_never_comes_back_for_another() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (path, key) in [("/departments", ""), ("/anytime/tags", "tag")] {
        let old = created(&ann, path, json!({ "name": "old" }), key).await["id"].clone();
        ann.delete(&format!("{path}/{old}")).await.expect(204);
        let new = created(&ann, path, json!({ "name": "new" }), key).await["id"].clone();
        assert_ne!(old, new, "{path}: a rule that names {old} would mean another one now");
    }
}
