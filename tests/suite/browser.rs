//! Journeys in headless Chromium, scripted with playwright-core (`tests/browser/*.mjs`). They run when `BROWSER_TESTS`
//! is set, as `bin/test` does where Chromium and the driver are there.

use std::process::Command;

use serde_json::json;

use crate::support::mail::mail;
use crate::support::test_desk::{PASSWORD, TestDesk, change};

/// Runs a script against the desk; it prints what it saw, and fails by its exit code.
pub fn run(script: &str, desk: &TestDesk, more: &[(&str, String)]) -> bool {
    if std::env::var_os("BROWSER_TESTS").is_none() {
        println!("skipped: BROWSER_TESTS is not set");
        return false;
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let output = Command::new("node")
        .arg(path)
        .env("DESK", desk.url(""))
        .env("PASSWORD", PASSWORD)
        .envs(more.iter().map(|(key, value)| (*key, value.as_str())))
        .output()
        .expect("node runs");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    assert!(output.status.success(), "{script} failed:\n{text}");
    true
}

/// A desk with one conversation by mail, as intake makes it.
async fn desk_with_mail() -> TestDesk {
    with_mail(TestDesk::start_now().await).await
}

async fn with_mail(desk: TestDesk) -> TestDesk {
    let ann = desk.as_ann().await;
    let account = json!({ "email": "support@desk.example", "type": "pop3" });
    ann.post("/anytime/emailAccounts", account).await.expect(201);
    let html = "<p>Hello, my <b>chain</b> broke.</p><img src=\"https://tracker.example/x.gif\"><script>document.title='owned'</script>";
    let raw = [
        mail("Lena Hoffmann <lena@customer.example>", "support@desk.example", "My chain broke", &[], "x"),
        Vec::new(),
    ]
    .concat();
    let raw = String::from_utf8(raw)
        .unwrap()
        .replace("text/plain", "text/html")
        .replace("\r\n\r\nx\r\n", &format!("\r\n\r\n{html}\r\n"));
    let prepared = anytime::desk::intake::prepare(anytime::mail::incoming::parse(raw.as_bytes())).unwrap();
    change(&desk, move |tx| {
        let blob = anytime::desk::blob::create(tx)?;
        anytime::desk::blob::append(tx, blob, raw.as_bytes())?;
        let account = anytime::ids::EmailAccountId(1);
        let id = anytime::desk::inbound_mail::store(tx, account, "1", blob, &[1; 32], raw.len() as i64)?;
        anytime::desk::intake::receive(tx, id, &prepared)
    })
    .await;
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_signs_in_reads_answers_notes_and_closes_with_and_without_javascript() {
    for javascript in ["on", "off"] {
        let desk = desk_with_mail().await;
        let more = [("JAVASCRIPT", javascript.to_owned())];
        if !tokio::task::block_in_place(|| run("console.mjs", &desk, &more)) {
            return;
        }
        let ann = desk.as_ann().await;
        let after =
            ann.get("/anytime/conversations/1?include=messages").await.expect(200)["conversation"].clone();
        assert_eq!(after["status"], "closed", "{after}");
        assert_eq!(after["agentAssigneeId"], ann.id, "{after}");
        let kinds: Vec<&str> = after["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["email", "email", "note"], "{after}");
        assert_eq!(after["messages"][1]["attachments"][0]["fileName"], "invoice.txt", "{after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_signs_in_by_link_writes_reads_answers_closes_and_reopens() {
    for javascript in ["on", "off"] {
        let desk = desk_with_mail().await;
        let token =
            change(&desk, |tx| anytime::desk::sign_in_link::create(tx, anytime::ids::ContactId(1))).await;
        let more = [("TOKEN", token), ("JAVASCRIPT", javascript.to_owned())];
        if !tokio::task::block_in_place(|| run("portal.mjs", &desk, &more)) {
            return;
        }
        let ann = desk.as_ann().await;
        let written =
            ann.get("/anytime/conversations/2?include=messages").await.expect(200)["conversation"].clone();
        assert_eq!(written["channel"], "portal", "{written}");
        assert_eq!(written["status"], "pendingInternal", "closed and reopened: {written}");
        assert_eq!(written["messages"].as_array().unwrap().len(), 2, "{written}");
        assert_eq!(written["messages"][0]["attachments"][0]["fileName"], "photo.txt", "{written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_works_by_keyboard_beside_a_colleague() {
    let desk = desk_with_mail().await;
    desk.create_agent("ben", false).await;
    let ann = desk.as_ann().await;
    for subject in ["Second", "Third"] {
        let new = json!({ "subject": subject, "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
        ann.post("/anytime/conversations", new).await.expect(201);
    }
    tokio::task::block_in_place(|| run("desk.mjs", &desk, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_arrive_move_nothing_and_leave_the_selection() {
    let desk = desk_with_mail().await;
    let ann = desk.as_ann().await;
    for number in 2..=30 {
        let message = json!({ "type": "note", "plainBody": "x" });
        let new = json!({ "subject": format!("Number {number}"), "channel": "portal", "message": message });
        ann.post("/anytime/conversations", new).await.expect(201);
    }
    let (email, key) = ann.user.clone().unwrap();
    let more = [("KEY", format!("{email}:{key}")), ("ME", ann.id.to_string())];
    tokio::task::block_in_place(|| run("live.mjs", &desk, &more));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_reached_without_a_mouse() {
    let desk = desk_with_mail().await;
    let ann = desk.as_ann().await;
    for number in 2..=4 {
        let message = json!({ "type": "note", "plainBody": "x" });
        let new = json!({ "subject": format!("Number {number}"), "channel": "portal", "message": message });
        ann.post("/anytime/conversations", new).await.expect(201);
    }
    tokio::task::block_in_place(|| run("mouseless.mjs", &desk, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_typed_is_lost_and_nothing_is_sent_twice() {
    let desk = desk_with_mail().await;
    let ann = desk.as_ann().await;
    let canned = json!({ "name": "Thanks", "message": "Thank you for your mail.", "shortcuts": "thx" });
    ann.post("/cannedMessages", canned).await.expect(201);
    let total = 215;
    for number in 2..=total {
        let subject = format!("Number {number}");
        let message = json!({ "type": "note", "plainBody": "x" });
        let new = json!({ "subject": subject, "channel": "portal", "message": message });
        ann.post("/anytime/conversations", new).await.expect(201);
    }
    let more = [("TOTAL", total.to_string())];
    tokio::task::block_in_place(|| run("write.mjs", &desk, &more));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_in_both_themes_and_widths() {
    let desk = with_mail(TestDesk::start_demo_now().await).await;
    let ann = desk.as_ann().await;
    for name in ["refund", "warranty"] {
        ann.post("/anytime/tags", json!({ "name": name })).await.expect(201);
    }
    ann.post("/anytime/departments", json!({ "name": "Support", "agents": [ann.id] })).await.expect(201);
    let reply = json!({ "type": "email", "plainBody": "We look into it." });
    ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    let note = json!({ "type": "note", "htmlBody": "<p>See <a href=\"https://a.example\">this</a></p>" });
    ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    let new =
        json!({ "subject": "Gone", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    ann.delete("/anytime/conversations/2").await.expect(204);
    let policy = json!({ "name": "Everything", "isEnabled": true, "firstRespondWithin": 60 });
    ann.post("/anytime/slaPolicies", policy).await.expect(201);
    let mut links = Vec::new();
    for _ in 0..4 {
        links.push(
            change(&desk, |tx| anytime::desk::sign_in_link::create(tx, anytime::ids::ContactId(1))).await,
        );
    }
    let paths = [
        "/console/all",
        "/console/mentioned-me",
        "/console/conversations/1?filter=all",
        "/console/conversations/1?filter=all&compose=forward",
        "/console/conversations/new",
        "/console/conversations/1/merge",
        "/console/messages/1/original",
        "/console/contacts/1",
        "/console/deleted",
        "/console/search?q=chain",
        "/console/filters/new",
        "/console/settings",
        "/console/settings/profile",
        "/console/settings/notifications",
        "/console/settings/security",
        "/console/settings/identity-provider",
        "/console/style",
        "/demo/mail",
        "/demo/mail/1",
        "/console/settings/site",
        "/console/settings/agents",
        "/console/settings/agents/1",
        "/console/settings/departments",
        "/console/settings/departments/new",
        "/console/settings/email-accounts",
        "/console/settings/email-accounts/1",
        "/console/settings/email-accounts/new",
        "/console/settings/email-accounts/new?preset=gmail-oauth",
        "/console/settings/email-accounts/new?preset=microsoft365",
        "/console/settings/email-accounts/1/dkim",
        "/console/settings/sender-checks",
        "/console/settings/tags",
        "/console/settings/inbound-mails",
        "/console/settings/outgoing-mails",
        "/console/settings/jobs",
        "/console/put-aside",
        "/console/junk",
        "/console/contacts/1/edit",
        "/console/conversations/1/drafts",
        "/console/conversations/1/why",
        "/console/reports",
        "/console/reports/volume",
        "/console/reports/channel",
        "/console/reports/efficiency",
        "/console/reports/sla",
        "/console/settings/agents/new",
        "/console/settings/appearance",
        "/console/settings/audit-log",
        "/console/settings/auto-allocation",
        "/console/settings/blocked-senders",
        "/console/settings/canned-messages",
        "/console/settings/canned-messages/new",
        "/console/settings/email-accounts/new",
        "/console/settings/fields",
        "/console/settings/fields/new",
        "/console/settings/integration-accounts",
        "/console/settings/integration-accounts/new",
        "/console/settings/oauth-clients",
        "/console/settings/oauth-clients/new",
        "/console/settings/password-policy",
        "/console/settings/rehearsals",
        "/console/settings/roles",
        "/console/settings/roles/new",
        "/console/settings/routing",
        "/console/settings/routing/new",
        "/console/settings/sla-policies",
        "/console/settings/sla-policies/1",
        "/console/settings/triggers",
        "/console/settings/triggers/new",
        "/console/settings/webhooks",
        "/console/settings/webhooks/new",
        "/console/settings/working-time",
        "/portal",
        "/portal/conversations",
        "/portal/conversations/new",
        "/portal/conversations/1",
        "/portal/account",
    ];
    let more = [("PATHS", json!(&paths[..]).to_string()), ("LINKS", json!(links).to_string())];
    tokio::task::block_in_place(|| run("access.mjs", &desk, &more));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_account_and_the_mail_catcher_of_a_demo() {
    let desk = with_mail(TestDesk::start_demo_now().await).await;
    desk.create_agent("ben", false).await;
    tokio::task::block_in_place(|| run("account.mjs", &desk, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_customers_nor_agents_need_a_mouse_also_from_right_to_left() {
    let desk = desk_with_mail().await;
    let ann = desk.as_ann().await;
    let options = json!([{ "name": "Chair" }, { "name": "Lamp" }]);
    let product =
        json!({ "type": "dropdownList", "name": "Product", "isRequired": true, "options": options });
    ann.post("/anytime/fields", product).await.expect(201);
    let mut visitors = Vec::new();
    for email in ["lena@customer.example", "tom@customer.example"] {
        let token = change(&desk, move |tx| {
            let contact = anytime::desk::contact::find_or_create(tx, email, None)?;
            anytime::desk::sign_in_link::create(tx, contact)
        });
        visitors.push((email, token.await));
    }
    let more = [("VISITORS", json!(visitors).to_string())];
    if tokio::task::block_in_place(|| run("keyboard.mjs", &desk, &more)) {
        let asked = ann.get("/anytime/conversations/2").await.expect(200)["conversation"].clone();
        assert_eq!(asked["customFields"][0]["value"], "Lamp", "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_steps_that_are_required_are_set_up_first() {
    let desk = TestDesk::start_now().await;
    desk.create_agent("ben", false).await;
    change(&desk, |tx| tx.run("UPDATE password_policy SET requires_second_factor = 1", [])).await;
    tokio::task::block_in_place(|| run("two_step.mjs", &desk, &[]));
}
