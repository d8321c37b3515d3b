//! Who may do what (contract 6): every route of the document × every kind of caller × a conversation that is theirs and
//! one that is not. What is expected is derived from one rule for each route; a route without a rule fails.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::contract::{Row, Scene, endpoints, same_path};
use crate::support::test_desk::{Client, change};

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Every agent.
    Agent,
    /// This permission.
    May(&'static str),
    /// To see the conversation in the path: 404 for others.
    See,
    /// To change it: 404 for who does not see it, 403 for who only sees it.
    Change,
    /// To change it by one's permissions: a mention is not enough.
    Manage,
    /// To have written the message in the path, which nobody here has.
    Writer,
    /// A signature in its query, which nobody here has.
    Signature,
    /// Only who made it, which is nobody here; for others it is not there.
    Maker,
}

/// Method (`*` is any) and beginning of the path → rule. The first that fits counts.
const RULES: &[(&str, &str, Rule)] = &[
    ("GET", "/api/v3/anytime/conversations/{id}", Rule::See),
    ("PUT", "/api/v3/anytime/conversations/{id}/activedAgents", Rule::See),
    ("DELETE", "/api/v3/anytime/conversations/{id}/activedAgents", Rule::See),
    ("DELETE", "/api/v3/anytime/conversations/{id}/draft", Rule::Change),
    ("DELETE", "/api/v3/anytime/conversations/{id}/snooze", Rule::Change),
    ("DELETE", "/api/v3/anytime/conversations/{id}", Rule::Manage),
    ("POST", "/api/v3/anytime/conversations/{id}/merge", Rule::Manage),
    ("PUT", "/api/v3/anytime/conversations/{id}/messages/{messageId}/resend", Rule::Change),
    ("PUT", "/api/v3/anytime/conversations/{id}/messages/{messageId}", Rule::Writer),
    ("*", "/api/v3/anytime/conversations/{id}", Rule::Change),
    ("PUT", "/api/v3/anytime/conversations", Rule::Change),
    ("DELETE", "/api/v3/anytime/conversations", Rule::Manage),
    ("*", "/api/v3/anytime/conversations", Rule::Agent),
    ("GET", "/api/v3/anytime/deletedconversations/{id}", Rule::See),
    ("DELETE", "/api/v3/anytime/deletedconversations/{id}", Rule::May("permanentlyDeleteConversations")),
    ("*", "/api/v3/anytime/deletedconversations/{id}", Rule::Manage),
    ("GET", "/api/v3/anytime/deletedconversations", Rule::Agent),
    ("GET", "/api/v3/anytime/portalconversations/{id}", Rule::See),
    ("*", "/api/v3/anytime/portalconversations/{id}", Rule::Change),
    ("*", "/api/v3/anytime/portalconversations", Rule::Agent),
    ("PUT", "/api/v3/agents/me", Rule::May("manageMyProfile")),
    ("*", "/api/v3/agents/me", Rule::Agent),
    ("GET", "/api/v3/agents/{id}/permissions", Rule::May("manageAgentAndRoles")),
    ("GET", "/api/v3/agents/{id}/effectivePermissions", Rule::May("manageAgentAndRoles")),
    ("GET", "/api/v3/agents", Rule::Agent),
    ("*", "/api/v3/agents", Rule::May("manageAgentAndRoles")),
    ("GET", "/api/v3/attachments/{guid}/check", Rule::Signature),
    ("*", "/api/v3/attachments/{guid}", Rule::Maker),
    ("POST", "/api/v3/attachments", Rule::Agent),
    ("GET", "/api/v3/auditLogs", Rule::May("viewAuditLog")),
    ("*", "/api/v3/anytime/autoAllocation", Rule::May("manageSettings")),
    ("*", "/api/v3/anytime/blockedSenders", Rule::May("manageBlockedSenders")),
    ("GET", "/api/v3/anytime/changes", Rule::Agent),
    ("GET", "/api/v3/anytime/notification", Rule::Agent),
    ("*", "/api/v3/anytime/noticeChoices", Rule::Agent),
    ("GET", "/api/v3/contacts", Rule::May("viewContacts")),
    ("*", "/api/v3/contacts", Rule::May("manageContacts")),
    ("GET", "/api/v3/anytime/decisions", Rule::May("manageSettings")),
    ("GET", "/api/v3/departments", Rule::Agent),
    ("*", "/api/v3/departments", Rule::May("manageDepartments")),
    ("GET", "/api/v3/anytime/emailAccounts/{id}", Rule::May("manageChannels")),
    ("GET", "/api/v3/anytime/emailAccounts", Rule::Agent),
    ("*", "/api/v3/anytime/emailAccounts", Rule::May("manageChannels")),
    ("*", "/api/v3/anytime/inboundMails", Rule::May("manageChannels")),
    ("*", "/api/v3/anytime/junkEmails", Rule::May("manageJunkMessages")),
    ("*", "/api/v3/anytime/outgoingMails", Rule::May("manageChannels")),
    ("*", "/api/v3/anytime/rehearsals", Rule::May("manageSettings")),
    ("*", "/api/v3/anytime/routingRules", Rule::May("manageSettings")),
    ("GET", "/api/v3/anytime/cannedResponses", Rule::Agent),
    ("*", "/api/v3/anytime/cannedResponses", Rule::May("managePublicCannedMessages")),
    ("GET", "/api/v3/cannedMessages", Rule::Agent),
    ("*", "/api/v3/cannedMessages", Rule::May("managePublicCannedMessages")),
    ("GET", "/api/v3/cannedMessageCategories", Rule::Agent),
    ("*", "/api/v3/cannedMessageCategories", Rule::May("managePublicCannedMessages")),
    ("GET", "/api/v3/anytime/integrationAccounts", Rule::Agent),
    ("*", "/api/v3/anytime/integrationAccounts", Rule::May("manageChannels")),
    ("GET", "/api/v3/anytime/filters", Rule::Agent),
    ("POST", "/api/v3/anytime/filters", Rule::Agent),
    ("*", "/api/v3/anytime/filters", Rule::May("manageAllViews")),
    ("GET", "/api/v3/anytime/fields", Rule::Agent),
    ("*", "/api/v3/anytime/fields", Rule::May("manageSettings")),
    ("*", "/api/v3/anytime/triggers", Rule::May("manageSettings")),
    ("*", "/api/v3/anytime/mailTemplates", Rule::May("manageSettings")),
    ("GET", "/api/v3/anytime/workingTimeAndHolidays", Rule::Agent),
    ("*", "/api/v3/anytime/workingTimeAndHolidays", Rule::May("manageSettings")),
    ("GET", "/api/v3/anytime/workingTime", Rule::Agent),
    ("*", "/api/v3/anytime/workingTime", Rule::May("manageSettings")),
    ("GET", "/api/v3/anytime/holidays", Rule::Agent),
    ("*", "/api/v3/anytime/holidays", Rule::May("manageSettings")),
    ("*", "/api/v3/anytime/slaPolicies", Rule::May("manageSettings")),
    ("GET", "/api/v3/anytime/slaSettings", Rule::Agent),
    ("*", "/api/v3/anytime/slaSettings", Rule::May("manageSettings")),
    ("*", "/api/v3/anytime/reports", Rule::May("viewReports")),
    ("GET", "/api/v3/roles/{id}/permissions", Rule::May("manageAgentAndRoles")),
    ("GET", "/api/v3/roles", Rule::Agent),
    ("*", "/api/v3/roles", Rule::May("manageAgentAndRoles")),
    ("*", "/api/v3/oauthClients", Rule::May("manageSecurity")),
    ("*", "/api/v3/passwordPolicy", Rule::May("manageSecurity")),
    ("*", "/api/v3/webhooks", Rule::May("manageIntegration")),
    ("GET", "/api/v3/anytime/configs", Rule::Agent),
    ("*", "/api/v3/anytime/configs", Rule::May("manageSettings")),
    ("GET", "/api/v3/site", Rule::Agent),
    ("GET", "/api/v3/sites", Rule::Agent),
    ("*", "/api/v3/site", Rule::May("manageSiteProfile")),
    ("GET", "/api/v3/anytime/agents", Rule::Agent),
    ("PUT", "/api/v3/anytime/agents/me", Rule::Agent),
    ("*", "/api/v3/anytime/agents", Rule::May("manageAgentAndRoles")),
    ("GET", "/api/v3/tags", Rule::Agent),
    ("*", "/api/v3/tags", Rule::May("manageTags")),
];

/// What every agent's role gives (contract 6.2).
const DEFAULTS: &[&str] = &["viewReports", "viewContacts", "manageMyProfile", "managePrivateCannedMessages"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    /// In no role and no department.
    Bare,
    /// In the role of every agent and in the department of the own conversation.
    Member,
    /// In no role, but mentioned in the own conversation.
    Mentioned,
    /// Sees all conversations and may change none.
    Viewer,
    Admin,
}

const CALLERS: [Who; 6] = [Who::Nobody, Who::Bare, Who::Viewer, Who::Mentioned, Who::Member, Who::Admin];

/// The refusal that is expected; `None`: let through.
fn expected(rule: Rule, who: Who, is_own: bool) -> Option<u16> {
    if who == Who::Nobody {
        return Some(401);
    }
    let may = |permission| who == Who::Admin || (who == Who::Member && DEFAULTS.contains(&permission));
    let changes = who == Who::Admin || (is_own && matches!(who, Who::Member | Who::Mentioned));
    let sees = changes || who == Who::Viewer;
    match rule {
        Rule::Agent => None,
        Rule::May(permission) => (!may(permission)).then_some(403),
        Rule::Maker => Some(404),
        Rule::Signature => Some(401),
        Rule::See => (!sees).then_some(404),
        Rule::Change if changes => None,
        Rule::Manage if changes && who != Who::Mentioned => None,
        Rule::Change | Rule::Manage | Rule::Writer => Some(if sees { 403 } else { 404 }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_through_whom_its_rule_names_and_nobody_else() {
    let scene = Scene::start().await;
    let mut callers = callers(&scene).await;
    let document = scene.desk.as_nobody().get("/openapi.json").await.expect(200);
    let rows = endpoints();
    let (mut wrong, mut routes, mut cells) = (Vec::new(), 0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let rule = RULES.iter().find(|(m, start, _)| (*m == "*" || *m == method) && begins(path, start));
            let Some((_, _, rule)) = rule else {
                wrong.push(format!("{method} {path} has no rule"));
                continue;
            };
            routes += 1;
            let is_about_one = matches!(rule, Rule::See | Rule::Change | Rule::Manage | Rule::Writer);
            let row = row(&rows, &method, path, operation, &document);
            for is_own in if is_about_one { vec![true, false] } else { vec![true] } {
                scene.place(is_own);
                let mut ask = scene.ask(&row).await;
                for who in CALLERS {
                    cells += 1;
                    let by = &callers[&(who as u8)];
                    let response = scene.request(by, &ask).send().await.unwrap();
                    let status = response.status().as_u16();
                    let refusal = [401, 403, 404, 405].contains(&status).then_some(status);
                    let wanted = expected(*rule, who, is_own);
                    if refusal != wanted || 500 <= status {
                        let is_json = response
                            .headers()
                            .get("content-type")
                            .is_some_and(|kind| kind == "application/json");
                        let text = if is_json { response.text().await.unwrap() } else { String::new() };
                        let own = if is_own { "own" } else { "foreign" };
                        let wanted = wanted.map_or("success".to_owned(), |status| status.to_string());
                        wrong.push(format!("{row} by {who:?} ({own}): {status} instead of {wanted}: {text}"));
                    }
                    // A new key for oneself ends the one in use.
                    if path.ends_with("/me/apiKey") && who != Who::Nobody {
                        callers.insert(who as u8, scene.desk.as_agent(&name_of(who)).await);
                    }
                    if refusal.is_none() && who != Who::Admin {
                        ask = scene.ask(&row).await;
                    }
                }
            }
        }
    }
    println!("{routes} routes, {cells} cells");
    assert!(wrong.is_empty(), "{} of {cells}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether the pattern is the beginning of the path, by whole segments.
fn begins(path: &str, start: &str) -> bool {
    path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The documents' row of a route; for one of our own, a row with the example of its body.
fn row(rows: &[Row], method: &str, path: &str, operation: &Value, document: &Value) -> Row {
    let same = |row: &&Row| row.method == method && same_path(row.bare_path(), path);
    // Of `agents/{id}/password` and `agents/me/password` the one with fewer `{id}`s.
    if let Some(row) = rows.iter().filter(same).min_by_key(|row| row.path.matches('{').count()) {
        return Row {
            path: path.to_owned() + row.path.find('?').map_or("", |at| &row.path[at..]),
            ..row.clone()
        };
    }
    let body = &operation["requestBody"]["content"]["application/json"];
    let body = match body["schema"]["$ref"].as_str() {
        _ if !body["example"].is_null() => body["example"].to_string(),
        Some(name) => {
            let name = name.rsplit('/').next().unwrap();
            let fields = &document["components"]["schemas"][name]["properties"];
            let examples =
                fields.as_object().into_iter().flatten().filter(|(_, field)| !field["example"].is_null());
            Value::Object(examples.map(|(key, field)| (key.clone(), field["example"].clone())).collect())
                .to_string()
        }
        None => String::new(),
    };
    Row {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
        answer: String::new(),
        source: "our own".to_owned(),
    }
}

fn name_of(who: Who) -> String {
    format!("{who:?}").to_lowercase()
}

async fn callers(scene: &Scene) -> BTreeMap<u8, Client> {
    let mut callers = BTreeMap::from([(Who::Nobody as u8, scene.desk.as_nobody())]);
    for who in [Who::Bare, Who::Viewer, Who::Mentioned, Who::Member, Who::Admin] {
        let name = name_of(who);
        scene.desk.create_agent(&name, who == Who::Admin).await;
        callers.insert(who as u8, scene.desk.as_agent(&name).await);
    }
    let (bare, viewer, mentioned) = (
        callers[&(Who::Bare as u8)].id,
        callers[&(Who::Viewer as u8)].id,
        callers[&(Who::Mentioned as u8)].id,
    );
    change(&scene.desk, move |tx| {
        tx.run("DELETE FROM agent_role WHERE agent_id IN (?, ?, ?)", (bare, viewer, mentioned))?;
        let role = tx.insert("INSERT INTO role (name) VALUES ('Viewers')", [])?;
        tx.run("INSERT INTO role_permission VALUES (?, 'viewAllConversations')", [role])?;
        tx.run("INSERT INTO agent_role (agent_id, role_id) VALUES (?, ?)", (viewer, role))
    })
    .await;
    let member = callers[&(Who::Member as u8)].id;
    let own = json!({ "name": "Sales", "agents": [member] });
    let own = scene.ann.post("/departments", own).await.expect(201)["id"].as_i64().unwrap();
    let foreign =
        scene.ann.post("/departments", json!({ "name": "Ops" })).await.expect(201)["id"].as_i64().unwrap();
    scene.people(own, foreign, mentioned);
    callers
}
