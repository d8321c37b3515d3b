//! The console's reports and the settings of working time, as an agent's browser gets them.

use std::time::Duration;

use serde_json::json;

use crate::support::scene::{contact, submitted};
use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn every_report_is_a_page_whose_numbers_lead_to_their_conversations() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    submitted(&ann, lena, "A wobbly wheel").await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let now = browser.get("/console/reports").await;
    now.shows("Right now").shows("/console/reports/conversations?metric=openNow");
    for kind in ["volume", "channel", "efficiency", "sla"] {
        let page = browser.get(&format!("/console/reports/{kind}")).await;
        assert_eq!(page.status, 200, "{kind}: {}", page.html);
        page.shows("<svg").shows("Total");
        let export = browser.get(&format!("/console/reports/{kind}/export")).await;
        assert_eq!(export.headers["content-type"], "text/csv; charset=utf-8");
    }
    let volume = browser.get("/console/reports/volume?from=2026-01-05&to=2026-01-05").await;
    let link = "/console/reports/conversations?from=2026-01-05&#38;to=2026-01-05&#38;unit=day&#38;by=time&#38;of=site&#38;metric=created&#38;id=1";
    volume.shows(link);
    browser.get(&link.replace("&#38;", "&")).await.shows("1 conversation").shows("A wobbly wheel");
    assert_eq!(browser.get("/console/reports/moods").await.status, 404);
}

/// Where the numbers of a page lead, and what they say.
fn numbers(html: &str) -> Vec<(String, String)> {
    let links = html.split("href=\"/console/reports/conversations?").skip(1).map(|rest| {
        let (query, rest) = rest.split_once("\">").expect("a link ends");
        let text = rest.split("</a>").next().unwrap_or_default().trim_start_matches("<strong>");
        let text = text.split("</strong>").next().unwrap_or_default();
        (["/console/reports/conversations?", &query.replace("&#38;", "&")].concat(), text.to_owned())
    });
    links.collect()
}

#[tokio::test]
async fn every_number_leads_to_as_many_conversations_as_it_counts_totals_included() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/anytime/departments", json!({ "name": "Support", "agents": [ann.id] })).await.expect(201);
    let policy = json!({ "name": "Everything", "isEnabled": true, "firstRespondWithin": 60 });
    ann.post("/anytime/slaPolicies", policy).await.expect(201);
    let lena = contact(&ann, "lena").await;
    let mut ids = Vec::new();
    for subject in ["A wobbly wheel", "A broken chain", "A missing bell"] {
        ids.push(submitted(&ann, lena, subject).await);
    }
    let assigned = json!({ "agentAssigneeId": ann.id, "departmentAssigneeId": 1 });
    ann.put(&format!("/anytime/conversations/{}", ids[0]), assigned).await.expect(200);
    // The first two are answered on two days, and one of them is closed, opened and closed again.
    for _ in 0..2 {
        for id in &ids[..2] {
            let answer = json!({ "type": "reply", "plainBody": "We look into it." });
            ann.post(&format!("/anytime/conversations/{id}/messages"), answer).await.expect(201);
        }
        for status in ["closed", "pendingInternal"] {
            let change = json!({ "status": status });
            ann.put(&format!("/anytime/conversations/{}", ids[0]), change).await.expect(200);
        }
        desk.advance(Duration::from_secs(24 * 3600));
    }
    ann.put(&format!("/anytime/conversations/{}", ids[1]), json!({ "status": "closed" })).await.expect(200);
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let mut counted = 0;
    for kind in [
        "now",
        "volume",
        "volume?by=agent",
        "volume?by=department&unit=week",
        "channel",
        "channel?by=agent",
        "sla",
    ] {
        let page = browser.get(&format!("/console/reports/{kind}")).await;
        let cells = page.html.split("<td class=\"number\">").skip(1);
        for cell in cells.map(|rest| rest.split("</td>").next().unwrap_or_default()) {
            let bare = cell.trim_start_matches("<strong>").trim_end_matches("</strong>");
            assert!(
                bare.parse::<i64>().is_ok_and(|number| number == 0) || bare == "–" || cell.contains("href"),
                "{kind}: {cell}"
            );
        }
        for (href, text) in numbers(&page.html) {
            let list = browser.get(&href).await;
            assert_eq!(list.status, 200, "{href}: {}", list.html);
            let number = list.html.split("data-number=\"").nth(1).unwrap().split('"').next().unwrap();
            if let Ok(count) = text.parse::<i64>() {
                assert_eq!(number, count.to_string(), "{kind}: {href}");
                counted += count;
            } else {
                assert_ne!(number, "0", "{kind}: {text} was measured by something: {href}");
            }
        }
    }
    assert!(60 < counted, "only {counted} were counted");
    let efficiency = browser.get("/console/reports/efficiency").await;
    for (href, _) in numbers(&efficiency.html) {
        let list = browser.get(&href).await;
        assert!(!list.html.contains("data-number=\"0\""), "{href}");
    }
    efficiency.shows("metric=resolved");
}

#[tokio::test]
async fn the_week_and_holidays_are_set_in_the_console() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = browser.get("/console/settings/working-time").await;
    page.shows("09:00–18:00").shows("Import holidays");
    let csrf = page.csrf();
    let hours: Vec<(String, &str)> =
        (0..7).map(|day| (format!("hours-{day}"), "09:00-12:00, 13:00-17:30")).collect();
    let mut fields: Vec<(&str, &str)> = vec![("csrf", &csrf), ("week", "1"), ("open-1", "on")];
    fields.extend(hours.iter().map(|(name, value)| (name.as_str(), *value)));
    assert_eq!(browser.post("/console/settings/working-time", &fields).await.status, 303);
    let week = ann.get("/anytime/workingTime").await.expect(200);
    assert_eq!(week["workingTimes"][1]["intervals"][1]["endMin"], 30);
    assert_eq!(week["workingTimes"][2]["isBusinessDay"], false);
    let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260403\nSUMMARY:Good Friday\nEND:VEVENT\nEND:VCALENDAR";
    let import = [("csrf", csrf.as_str()), ("calendar", calendar)];
    let path = "/console/settings/working-time/import";
    assert_eq!(browser.upload(path, &import, &[]).await.status, 303);
    let file = [("file", "holidays.ics", calendar.as_bytes())];
    assert_eq!(browser.upload(path, &[("csrf", &csrf), ("calendar", "")], &file).await.status, 303);
    let holidays = ann.get("/anytime/holidays").await.expect(200);
    assert_eq!(holidays["holidays"].as_array().unwrap().len(), 1);
    assert_eq!(holidays["holidays"][0]["title"], "Good Friday");
    let wrong = [("csrf", csrf.as_str()), ("calendar", "hello")];
    let refused = browser.upload(path, &wrong, &[]).await;
    assert_eq!(refused.status, 400);
    refused.shows("Is not an iCalendar file");
}
