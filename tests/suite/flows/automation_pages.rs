//! The settings pages of routing, auto allocation, triggers and rehearsals, without JavaScript.

use std::time::Duration;

use serde_json::json;

use crate::support::test_desk::{TestDesk, eventually};

#[tokio::test]
async fn rules_are_made_previewed_rehearsed_and_switched_in_the_settings() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let new = json!({ "subject": "An offer", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let csrf = browser.get("/console/settings/routing").await.shows("No rules yet").csrf();
    let to = format!("department {sales}");
    let rule = [
        ("csrf", csrf.as_str()),
        ("name", "Offers"),
        ("isEnable", "on"),
        ("when", "all"),
        ("field", "2"),
        ("match", "contains"),
        ("value", "offer"),
        ("to", to.as_str()),
        ("toPriority", "high"),
    ];
    let mut wrong = rule;
    wrong[4] = ("field", "5");
    let refused = browser.post("/console/settings/routing/new", &wrong).await;
    assert_eq!(refused.status, 400);
    refused.shows("cannot be used in routing rules").shows("Offers");
    assert_eq!(browser.post("/console/settings/routing/new", &rule).await.status, 303);
    browser.get("/console/settings/routing").await.shows("Offers").shows("matches 1 open conversation now");
    browser.get("/console/settings/routing/1").await.shows("value=\"offer\"");
    let mut rehearsed = rule.to_vec();
    rehearsed.push(("rehearse", "1"));
    let result = browser.post("/console/settings/routing/1", &rehearsed).await.location.unwrap();
    eventually("the rehearsal to end", async || {
        browser.get(&result).await.html.contains("conversations would differ").then_some(())
    })
    .await;
    browser.get("/console/settings/rehearsals").await.shows("Routing, rehearsal 1");
    let setting = [
        ("csrf", csrf.as_str()),
        ("isEnable", "on"),
        ("type", "customRules"),
        ("failed", ""),
        ("simple", ""),
    ];
    assert_eq!(browser.post("/console/settings/routing", &setting).await.status, 303);
    assert_eq!(ann.get("/anytime/routingRules").await.expect(200)["routingRules"][0]["isEnable"], true);

    browser.get("/console/settings/auto-allocation").await.shows("Ann");
    let allocation = [
        ("csrf", csrf.as_str()),
        ("isEnabled", "on"),
        ("defaultRule", "roundRobin"),
        ("maxNumberForAllAgents", "7"),
    ];
    assert_eq!(browser.post("/console/settings/auto-allocation", &allocation).await.status, 303);
    let stored = ann.get("/anytime/autoAllocation").await.expect(200)["autoAllocation"].clone();
    assert_eq!((&stored["defaultRule"], &stored["maxNumberForAllAgents"]), (&json!("roundRobin"), &json!(7)));

    let trigger = [
        ("csrf", csrf.as_str()),
        ("name", "Thank"),
        ("ifEnable", "on"),
        ("triggerEvent", "conversationCreated"),
        ("when", "all"),
        ("stayTimeUnit", "hours"),
        ("setField", "6"),
        ("setValue", "low"),
        ("sendsMail", "on"),
        ("toContact", "on"),
        ("subject", "About {!Conversation.Subject}"),
        ("htmlBody", "<p>Thank you</p>"),
    ];
    let mut previewed = trigger.to_vec();
    previewed.push(("preview", "1"));
    browser
        .post("/console/settings/triggers/new", &previewed)
        .await
        .shows("About An offer")
        .shows("Thank you");
    // What the form hides once another event is chosen does not stand in the way.
    let mut hidden = trigger.to_vec();
    hidden.extend([("stayStatus", "closed"), ("stayTimeSpan", "3")]);
    assert_eq!(browser.post("/console/settings/triggers/new", &hidden).await.status, 303);
    browser.get("/console/settings/triggers").await.shows("Thank").shows("sends a mail");
    browser.get("/console/settings/triggers/1").await.shows("About {!Conversation.Subject}");
    assert_eq!(browser.post("/console/settings/triggers/1/enable", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(ann.get("/anytime/triggers/1").await.expect(200)["trigger"]["ifEnable"], false);
    assert_eq!(browser.post("/console/settings/triggers/1/delete", &[("csrf", &csrf)]).await.status, 303);
    desk.as_agent("luis").await;
    let other = desk.browser();
    other.sign_in("luis").await;
    for page in ["routing", "auto-allocation", "triggers", "rehearsals"] {
        assert_eq!(other.get(&format!("/console/settings/{page}")).await.status, 403, "{page}");
    }
}

#[tokio::test]
async fn service_levels_and_the_week_are_rehearsed_from_their_pages_without_being_saved() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    // Monday 09:00: nobody answers for a day.
    let new =
        json!({ "subject": "Help", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    desk.advance(Duration::from_secs(86_400));
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = "/console/settings/sla-policies/new";
    let csrf = browser.get(page).await.shows("name=\"rehearseDays\"").csrf();
    let policy = [
        ("csrf", csrf.as_str()),
        ("name", "Quick"),
        ("isEnabled", "on"),
        ("isBusinessHours", "on"),
        ("when", "all"),
        ("resolve", "8"),
        ("resolveUnit", "hours"),
    ];
    let rehearsed = |days: &'static str| {
        let mut form = policy.to_vec();
        form.extend([("rehearseDays", days), ("rehearse", "1")]);
        form
    };
    let ended = async |result: &str| {
        eventually("the rehearsal to end", async || {
            let view = browser.get(result).await;
            (!view.html.contains("replayed.")).then_some(view)
        })
        .await
    };
    let refused = browser.post(page, &rehearsed("99999")).await;
    assert_eq!(refused.status, 400);
    refused.shows("the longest is 732");
    let result = browser.post(page, &rehearsed("365")).await.location.unwrap();
    ended(&result)
        .await
        .shows("<strong>1</strong> of 1 conversations would differ")
        .shows("1 targets missed more")
        .shows("Quick; resolve missed at 2026-01-05T17:00:00.000Z");
    assert_eq!(ann.get("/anytime/slaPolicies").await.expect(200)["slaPolicies"], json!([]));
    assert_eq!(browser.post(page, &policy).await.status, 303);
    // With a Monday that is off nothing would have been missed yet.
    let page = "/console/settings/working-time";
    let hours: Vec<String> = (0..7).map(|day| format!("hours-{day}")).collect();
    let open: Vec<String> = (2..6).map(|day| format!("open-{day}")).collect();
    let mut week = vec![("csrf", csrf.as_str()), ("week", "1"), ("rehearse", "1")];
    week.extend(hours.iter().map(|name| (name.as_str(), "09:00–18:00")));
    week.extend(open.iter().map(|name| (name.as_str(), "on")));
    let result = browser.post(page, &week).await.location.unwrap();
    ended(&result).await.shows("1 targets missed fewer");
    // The same with the week as it is and a holiday on that Monday.
    let holidays = "2026-12-25 Christmas, every year\n2026-01-05 Founding day";
    let mut holiday = week.clone();
    holiday.extend([("open-1", "on"), ("rehearseDays", "90"), ("holidays", holidays)]);
    let result = browser.post(page, &holiday).await.location.unwrap();
    ended(&result).await.shows("1 targets missed fewer");
    holiday.pop();
    holiday.push(("holidays", "2026-12-25 Christmas\nsome day"));
    let refused = browser.post(page, &holiday).await;
    assert_eq!(refused.status, 400);
    refused
        .shows("Must be lines such as 2026-12-25 Christmas, not &#39;some day&#39;")
        .shows("2026-12-25 Christmas\nsome day</textarea>")
        .shows("<option value=\"90\" selected>")
        .shows("id=\"problem-holidays\"");
    assert_eq!(desk.number("SELECT count(*) FROM holiday"), 0, "nothing was saved");
    let monday = ann.get("/anytime/workingTime").await.expect(200)["workingTimes"][1].clone();
    assert_eq!(monday["isBusinessDay"], true, "it was only tried");
}
