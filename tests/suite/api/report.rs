//! Reports (contract 23). The clock begins at Monday 2026-01-05 09:00 UTC. Every number is checked against the list it
//! stands for.

use std::time::Duration;

use anytime::jobs;
use serde_json::{Value, json};

use crate::support::scene::{contact, noted, submitted, wrote};
use crate::support::test_desk::{Client, TestDesk};

const HOUR: Duration = Duration::from_secs(3600);

struct Scene {
    desk: TestDesk,
    ann: Client,
    bob: Client,
    lena: i64,
}

impl Scene {
    async fn start() -> Self {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let bob = desk.as_agent("bob").await;
        let lena = contact(&ann, "lena").await;
        Self { desk, ann, bob, lena }
    }

    async fn submit(&self, subject: &str) -> i64 {
        submitted(&self.ann, self.lena, subject).await
    }

    async fn reply(&self, by: &Client, id: i64) {
        let reply = json!({ "type": "reply", "plainBody": "We look into it." });
        by.post(&format!("/anytime/conversations/{id}/messages"), reply).await.expect(201);
    }

    async fn change(&self, by: &Client, id: i64, change: Value) {
        by.put(&format!("/anytime/conversations/{id}"), change).await.expect(200);
    }

    async fn report(&self, path: &str) -> Value {
        self.ann.get(&format!("/anytime/reports/{path}")).await.expect(200)
    }

    /// How long the list behind a number is, read page by page.
    async fn list_length(&self, parameters: &str) -> i64 {
        let mut ids = Vec::new();
        loop {
            let page = ids.len() / 50 + 1;
            let path = format!("conversations?{parameters}&pageIndex={page}");
            let list = self.report(&path).await;
            let found = list["conversations"].as_array().unwrap();
            ids.extend(found.iter().map(|it| it["id"].as_i64().unwrap()));
            if found.len() < 50 {
                assert_eq!(list["total"], json!(ids.len()));
                return ids.len() as i64;
            }
        }
    }
}

fn row(report: &Value, id: i64) -> &Value {
    report["dataList"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap_or(&Value::Null)
}

/// created, closed, replied, reopened, open.
fn counts(row: &Value) -> [i64; 5] {
    ["created", "closed", "replied", "reopened", "open"]
        .map(|name| row[format!("{name}Conversations")].as_i64().unwrap_or(-1))
}

#[tokio::test]
async fn right_now_counts_what_the_list_of_conversations_has() {
    let scene = Scene::start().await;
    let mut ids = Vec::new();
    for (priority, status) in [
        ("urgent", "new"),
        ("high", "pendingInternal"),
        ("high", "onHold"),
        ("low", "closed"),
        ("normal", "pendingExternal"),
    ] {
        let id = noted(&scene.ann, "x", json!({ "priority": priority })).await["id"].as_i64().unwrap();
        scene.change(&scene.ann, id, json!({ "status": status })).await;
        ids.push(id);
    }
    scene.change(&scene.ann, ids[0], json!({ "agentAssigneeId": scene.bob.id })).await;
    let gone = noted(&scene.ann, "deleted", json!({ "priority": "urgent" })).await["id"].as_i64().unwrap();
    scene.ann.delete(&format!("/anytime/conversations/{gone}")).await.expect(204);
    let now = scene.report("rightNow").await;
    assert_eq!(
        now,
        json!({
            "unassignedConversations": 3, "openConversations": 4, "newConversations": 1,
            "pendingInternalConversations": 1, "pendingExternalConversations": 1, "onHoldConversations": 1,
            "urgentConversations": 1, "highConversations": 2, "urgentPriorityConversations": 1,
            "highPriorityConversations": 2,
        })
    );
    assert_eq!(scene.report("realtime/now").await, now);
    for (metric, key) in [
        ("unassigned", "unassignedConversations"),
        ("openNow", "openConversations"),
        ("new", "newConversations"),
        ("pendingInternal", "pendingInternalConversations"),
        ("pendingExternal", "pendingExternalConversations"),
        ("onHold", "onHoldConversations"),
        ("urgent", "urgentConversations"),
        ("high", "highConversations"),
    ] {
        assert_eq!(scene.list_length(&format!("metric={metric}")).await, now[key].as_i64().unwrap(), "{key}");
    }
    // And the list of conversations itself says the same.
    let total = async |filter: i64| {
        let path = format!("/anytime/conversations?filterId={filter}");
        scene.ann.get(&path).await.expect(200)["total"].as_i64().unwrap()
    };
    assert_eq!(now["openConversations"], total(1).await - total(6).await);
    assert_eq!(now["unassignedConversations"], total(4).await);
    let bobs = scene.report(&format!("rightNow?filterType=agent&filterValue={}", scene.bob.id)).await;
    assert_eq!((&bobs["openConversations"], &bobs["unassignedConversations"]), (&json!(1), &json!(0)));
    let portal = scene.report("rightNow?filterType=byChannel&filterValue=portal").await;
    assert_eq!(portal["openConversations"], 4);
}

#[tokio::test]
async fn today_begins_at_the_local_midnight() {
    let scene = Scene::start().await;
    scene.submit("early").await;
    scene.desk.advance(HOUR * 8);
    let id = scene.submit("late").await;
    scene.reply(&scene.ann, id).await;
    scene.change(&scene.ann, id, json!({ "status": "closed" })).await;
    scene.change(&scene.ann, id, json!({ "status": "new" })).await;
    let expected = json!({ "createdConversations": 2, "closedConversations": 1, "repliedConversations": 1, "reopenedConversations": 1 });
    assert_eq!(scene.report("realtime/today").await, expected);
    // It is 17:00; nine hours to the east it is the next day for two hours already.
    assert_eq!(scene.report("realtime/today?timezoneOffset=9").await["createdConversations"], 1);
    assert_eq!(scene.report("realtime/today?timezoneOffset=540").await["createdConversations"], 1);
    assert_eq!(scene.report("realtime/bytime?days=2&timezoneOffset=9").await["createdConversations"], 2);
    for days in ["0", "16", "x"] {
        scene.ann.get(&format!("/anytime/reports/realtime/bytime?days={days}")).await.error(400);
    }
}

#[tokio::test]
async fn departments_and_agents_have_rows_of_their_own() {
    let scene = Scene::start().await;
    let members = json!({ "name": "Billing", "agents": [scene.bob.id] });
    let billing = scene.ann.post("/departments", members).await.expect(201)["id"].as_i64().unwrap();
    let id = scene.submit("x").await;
    scene
        .change(
            &scene.ann,
            id,
            json!({ "agentAssigneeId": scene.bob.id, "departmentAssigneeId": billing, "priority": "urgent" }),
        )
        .await;
    scene.reply(&scene.bob, id).await;
    let other = scene.submit("y").await;
    scene.change(&scene.ann, other, json!({ "agentAssigneeId": scene.ann.id })).await;
    scene.change(&scene.bob, id, json!({ "status": "closed" })).await;
    let departments = scene.report("realtime/departments").await;
    assert_eq!(
        departments["dataList"],
        json!([{ "departmentId": billing, "id": billing, "name": "Billing", "openConversations": 0,
            "todayRepliedConversations": 1, "todayClosedConversations": 1, "newConversations": 0,
            "pendingInternalConversations": 0, "pendingExternalConversations": 0, "onHoldConversations": 0,
            "urgentConversations": 0, "highConversations": 0 }])
    );
    let agents = scene.report("realtime/agents").await;
    assert_eq!(agents["dataList"].as_array().unwrap().len(), 2);
    assert_eq!(row(&agents, scene.bob.id)["todayClosedConversations"], 1);
    assert_eq!(row(&agents, scene.ann.id)["openConversations"], 1);
    let members = scene.report(&format!("realtime/agents?filterType=department&filterValue={billing}")).await;
    assert_eq!(members["dataList"].as_array().unwrap().len(), 1);
    assert_eq!(members["dataList"][0]["agentId"], scene.bob.id);
}

/// Three days with all that volume counts.
async fn three_days() -> (Scene, Vec<i64>) {
    let scene = Scene::start().await;
    let mut ids = Vec::new();
    for subject in ["a", "b", "c"] {
        ids.push(scene.submit(subject).await);
    }
    scene.change(&scene.ann, ids[0], json!({ "agentAssigneeId": scene.bob.id })).await;
    scene.reply(&scene.bob, ids[0]).await;
    scene.reply(&scene.ann, ids[0]).await;
    for status in ["closed", "new", "closed"] {
        scene.change(&scene.bob, ids[0], json!({ "status": status })).await;
    }
    scene.desk.advance(HOUR * 24);
    ids.push(scene.submit("d").await);
    wrote(&scene.ann, scene.lena, ids[0]).await;
    scene.change(&scene.ann, ids[1], json!({ "status": "closed" })).await;
    let gone = scene.submit("gone").await;
    scene.reply(&scene.ann, gone).await;
    scene.ann.delete(&format!("/anytime/conversations/{gone}")).await.expect(204);
    scene.desk.advance(HOUR * 24);
    (scene, ids)
}

#[tokio::test]
async fn volume_by_time_counts_each_conversation_once_a_bucket() {
    let (scene, _) = three_days().await;
    let path = "volume?startTime=2026-01-05T00:00:00Z&endTime=2026-01-08T00:00:00Z&timezoneOffset=0";
    let report = scene.report(path).await;
    let rows = report["dataList"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["2026-01-05", "2026-01-06", "2026-01-07"]
    );
    // Created, closed, answered, reopened, open at the end.
    assert_eq!(counts(&rows[0]), [3, 1, 1, 1, 2]);
    assert_eq!(counts(&rows[1]), [1, 1, 0, 1, 3]);
    assert_eq!(counts(&rows[2]), [0, 0, 0, 0, 3]);
    let totals = ["Created", "Closed", "Replied", "Reopened", "Open"]
        .map(|name| report[format!("total{name}Conversations")].as_i64().unwrap());
    assert_eq!(totals, [4, 2, 1, 2, 3]);
    assert_eq!(rows[0]["createdConversationsPercentage"], 75.0);
    assert_eq!(rows[0]["openConversationsPercentage"], 25.0);
    assert_eq!(rows[2]["repliedConversationsPercentage"], 0.0);
    assert_eq!(
        (&rows[1]["id"], &rows[1]["startTime"], &rows[1]["endTime"]),
        (&json!(2), &json!("2026-01-06T00:00:00.000Z"), &json!("2026-01-07T00:00:00.000Z"))
    );
    for row in rows {
        for (metric, count) in ["created", "closed", "replied", "reopened", "open"].iter().zip(counts(row)) {
            let parameters =
                format!("{}&metric={metric}&id={}", path.trim_start_matches("volume?"), row["id"]);
            assert_eq!(scene.list_length(&parameters).await, count, "{metric} of {}", row["name"]);
        }
    }
}

#[tokio::test]
async fn volume_by_agent_goes_to_who_did_it() {
    let (scene, _) = three_days().await;
    let path =
        "startTime=2026-01-05T00:00:00Z&endTime=2026-01-08T00:00:00Z&timezoneOffset=0&dimensionType=byAgent";
    let report = scene.report(&format!("volume?{path}")).await;
    assert_eq!(counts(row(&report, scene.bob.id)), [1, 1, 1, 1, 1]);
    assert_eq!(counts(row(&report, scene.ann.id)), [0, 1, 1, 0, 0]);
    assert_eq!(counts(row(&report, 0)), [3, 0, 0, 0, 2]);
    assert_eq!(row(&report, 0)["name"], "Unassigned");
    for row in report["dataList"].as_array().unwrap() {
        for (metric, count) in ["created", "closed", "replied", "reopened", "open"].iter().zip(counts(row)) {
            let parameters = format!("{path}&metric={metric}&id={}", row["id"]);
            assert_eq!(scene.list_length(&parameters).await, count, "{metric} of {}", row["name"]);
        }
    }
    let only = scene
        .report(&format!(
            "volume?{}&filterType=agent&filterValue={}",
            path.replace("byAgent", "byTime"),
            scene.bob.id
        ))
        .await;
    assert_eq!(only["totalRepliedConversations"], 1);
    assert_eq!(only["totalCreatedConversations"], 1);
}

#[tokio::test]
async fn a_bucket_is_a_local_day_week_or_month() {
    let scene = Scene::start().await;
    scene.ann.put("/site/profile", json!({ "timeZone": "Europe/Berlin" })).await.expect(200);
    let names = async |parameters: &str| {
        let report = scene.report(&format!("volume?{parameters}")).await;
        let rows = report["dataList"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| {
                (row["name"].as_str().unwrap().to_owned(), row["startTime"].as_str().unwrap().to_owned())
            })
            .collect::<Vec<_>>()
    };
    // Summer time begins on the 29th: that day has 23 hours.
    let days = names("startTime=2026-03-28T10:00:00Z&endTime=2026-03-30T10:00:00Z").await;
    assert_eq!(
        days.iter().map(|(name, from)| (name.as_str(), from.as_str())).collect::<Vec<_>>(),
        [
            ("2026-03-28", "2026-03-28T10:00:00.000Z"),
            ("2026-03-29", "2026-03-28T23:00:00.000Z"),
            ("2026-03-30", "2026-03-29T22:00:00.000Z"),
        ]
    );
    let weeks = names("timeUnit=Week&startTime=2026-01-01T00:00:00Z&endTime=2026-01-13T00:00:00Z").await;
    assert_eq!(weeks[0].0, "2025-12-29 – 2026-01-04");
    assert_eq!(weeks[1].1, "2026-01-04T23:00:00.000Z");
    assert_eq!(weeks.len(), 3);
    let months = names("timeUnit=month&startTime=2025-11-15T00:00:00Z&endTime=2026-01-05T00:00:00Z").await;
    assert_eq!(
        months.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["2025-11", "2025-12", "2026-01"]
    );
}

#[tokio::test]
async fn channels_count_messages_of_people_and_no_notes() {
    let scene = Scene::start().await;
    let id = scene.submit("x").await;
    scene.reply(&scene.ann, id).await;
    wrote(&scene.ann, scene.lena, id).await;
    noted(&scene.ann, "note", json!({})).await;
    let report = scene.report("channel?dimensionType=byAgent").await;
    let totals = report["channelTotalNumbers"].as_array().unwrap();
    assert_eq!(
        totals.iter().map(|it| it["channelId"].as_str().unwrap()).collect::<Vec<_>>(),
        ["email", "chat", "offlineMessage", "portal"]
    );
    assert_eq!(totals[3], json!({ "channelId": "portal", "channelName": "Portal", "totalNumber": 3 }));
    let mine = &row(&report, scene.ann.id)["channelEfficiencies"][3];
    assert_eq!((&mine["channelMessageNumber"], &mine["channelPercentage"]), (&json!(1), &json!(100.0)));
    assert_eq!(row(&report, 0)["channelEfficiencies"][3]["channelMessageNumber"], 2);
}

#[tokio::test]
async fn efficiency_measures_answers_closings_and_messages() {
    let scene = Scene::start().await;
    let id = scene.submit("x").await;
    scene.desk.advance(HOUR);
    scene.reply(&scene.bob, id).await;
    scene.desk.advance(HOUR);
    wrote(&scene.ann, scene.lena, id).await;
    scene.desk.advance(HOUR * 3);
    scene.reply(&scene.ann, id).await;
    scene.desk.advance(HOUR * 100);
    scene.change(&scene.ann, id, json!({ "status": "closed" })).await;
    let report = scene.report("efficiency?dimensionType=byTime&timeUnit=month&timezoneOffset=0").await;
    assert_eq!(report["totalAvgFirstResponseTime"], "01:00:00");
    assert_eq!(report["totalAvgAgentResponseTime"], "02:00:00");
    assert_eq!(report["totalAvgConversationTime"], "105:00:00");
    assert_eq!(
        (&report["totalAvgContactMessages"], &report["totalAvgAgentMessages"]),
        (&json!(2.0), &json!(2.0))
    );
    assert_eq!(
        report["agentResponseTimePercentiles"],
        json!({ "p50": "01:00:00", "p75": "03:00:00", "p90": "03:00:00", "p95": "03:00:00", "count": 2 })
    );
    let by_agent = scene.report("efficiency?dimensionType=byAgent").await;
    assert_eq!(row(&by_agent, scene.bob.id)["avgFirstResponseTime"], "01:00:00");
    assert_eq!(row(&by_agent, scene.bob.id)["avgConversationTime"], "00:00:00");
    assert_eq!(row(&by_agent, scene.ann.id)["avgAgentResponseTime"], "03:00:00");
    let empty = scene.report("efficiency?startTime=2020-01-01T00:00:00Z&endTime=2020-01-02T00:00:00Z").await;
    assert_eq!(
        (&empty["totalAvgAgentResponseTime"], &empty["totalAvgContactMessages"]),
        (&json!("00:00:00"), &json!(0.0))
    );
}

#[tokio::test]
async fn sla_counts_what_was_met_and_what_was_missed() {
    let scene = Scene::start().await;
    let policy = json!({ "name": "All", "firstRespondWithin": 60, "nextRespondWithin": 120 });
    let policy =
        scene.ann.post("/anytime/slaPolicies", policy).await.expect(201)["slaPolicy"]["id"].as_i64().unwrap();
    jobs::apply_changes(&scene.desk.app).await.unwrap();
    let (met, missed, silent) =
        (scene.submit("met").await, scene.submit("missed").await, scene.submit("silent").await);
    scene.desk.advance(HOUR / 2);
    scene.reply(&scene.ann, met).await;
    scene.desk.advance(HOUR);
    scene.reply(&scene.bob, missed).await;
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    scene.change(&scene.ann, silent, json!({ "priority": "low" })).await;
    let report = scene.report("sla").await;
    let all = row(&report, policy);
    assert_eq!(all["name"], "All");
    assert_eq!(all["firstRespondTimeAchievedPercentage"], 33.33);
    assert_eq!(all["avgFirstRespondTime"], "01:00:00");
    assert_eq!(
        (&all["nextRespondTimeAchievedPercentage"], &all["avgNextRespondTime"]),
        (&Value::Null, &json!("00:00:00"))
    );
    assert_eq!((&all["breachedConversations"], &all["breachedTickets"]), (&json!(2), &json!(2)));
    assert_eq!(scene.list_length(&format!("metric=breached&dimensionType=slaPolicies&id={policy}")).await, 2);
    let by_agent = scene.report("sla?dimensionType=agent").await;
    assert_eq!(row(&by_agent, scene.ann.id)["firstRespondTimeAchievedPercentage"], 100.0);
    assert_eq!(row(&by_agent, scene.bob.id)["firstRespondTimeAchievedPercentage"], 0.0);
}

#[tokio::test]
async fn exports_are_csv_with_totals_and_no_formulas() {
    let scene = Scene::start().await;
    scene.ann.post("/departments", json!({ "name": "=SUM(1)" })).await.expect(201);
    scene.submit("x").await;
    let path = "/anytime/reports/volume/export?dimensionType=byDepartment&startTime=2026-01-05T00:00:00Z&endTime=2026-01-06T00:00:00Z&timeOffset=2&dateFormat=dd-MM-yyyy%20HH:mm:ss";
    let answer = scene.ann.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"volume-2026-01-05-2026-01-06.csv\""
    );
    let text = answer.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("id,name,startTime,endTime,createdConversations,createdConversationsPercentage")
    );
    assert_eq!(lines[1], "1,'=SUM(1),05-01-2026 02:00:00,06-01-2026 02:00:00,0,0,0,0,0,0,0,0,0,0");
    assert_eq!(lines[2], "0,No department,05-01-2026 02:00:00,06-01-2026 02:00:00,1,100,0,0,0,0,0,0,1,100");
    assert_eq!(lines[3], ",Total,,,1,100,0,0,0,0,0,0,1,100");
    for report in ["channel", "efficiency", "sla"] {
        let path = format!("/anytime/reports/{report}/export");
        let answer = scene.ann.request(reqwest::Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert!(answer.text().await.unwrap().lines().last().unwrap().starts_with(",Total,,"));
    }
    let refused = scene.ann.get("/anytime/reports/volume/export?dateFormat=yy").await.error(400);
    assert!(refused.starts_with("'dateFormat' must be one of MM-dd-yyyy HH:mm:ss"), "{refused}");
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let scene = Scene::start().await;
    for (path, message) in [
        ("volume?timeUnit=year", "'timeUnit' must be day, week or month, not 'year'"),
        (
            "volume?dimensionType=bySubject",
            "'dimensionType' must be byTime, byAgent, byDepartment, byAccount or byChannel, not 'bySubject'",
        ),
        (
            "volume?dimensionType=slaPolicies",
            "'dimensionType' must be byTime, byAgent, byDepartment, byAccount or byChannel, not 'slaPolicies'",
        ),
        (
            "volume?filterType=moon",
            "'filterType' must be site, agent, department, account or channel, not 'moon'",
        ),
        ("volume?filterType=agent", "'filterValue' is required with this filterType"),
        ("volume?filterType=agent&filterValue=x", "'filterValue' must be an id, not 'x'"),
        (
            "volume?filterType=channel&filterValue=fax",
            "'filterValue' must be a channel's name or number, not 'fax'",
        ),
        (
            "volume?timezoneOffset=900",
            "'timezoneOffset' must be an offset from UTC: up to 14 hours, or minutes, not '900'",
        ),
        ("volume?startTime=x", "'startTime' must be an ISO-8601 time, not 'x'"),
        ("conversations?metric=moods", "'metric' must be the name of a metric, not 'moods'"),
        ("conversations", "'metric' is required"),
        (
            "volume?startTime=2026-01-05T00:00:00Z&endTime=2026-01-05T00:00:00Z",
            "'endTime' 2026-01-05T00:00:00.000Z must be after the startTime 2026-01-05T00:00:00.000Z",
        ),
        (
            "volume?startTime=2024-01-01T00:00:00Z&endTime=2026-01-01T00:00:00Z",
            "'startTime' 2024-01-01T00:00:00.000Z is more than 400 days before the end",
        ),
    ] {
        assert_eq!(scene.ann.get(&format!("/anytime/reports/{path}")).await.error(400), message);
    }
}

#[tokio::test]
async fn reports_are_for_those_who_may_see_them() {
    let scene = Scene::start().await;
    crate::support::test_desk::change(&scene.desk, |tx| {
        tx.run("DELETE FROM role_permission WHERE permission = 'viewReports'", []).map(|_| ())
    })
    .await;
    for path in [
        "rightNow",
        "realtime/now",
        "realtime/today",
        "realtime/bytime",
        "realtime/departments",
        "realtime/agents",
        "volume",
        "volume/export",
        "channel",
        "channel/export",
        "efficiency",
        "efficiency/export",
        "sla",
        "sla/export",
        "conversations?metric=created",
    ] {
        let path = format!("/anytime/reports/{path}");
        assert_eq!(scene.bob.get(&path).await.error(403), "you may not see reports", "{path}");
        scene.desk.as_nobody().get(&path).await.error(401);
    }
}

#[tokio::test]
async fn what_a_reader_may_not_see_is_counted_but_not_shown() {
    let scene = Scene::start().await;
    let department =
        scene.ann.post("/departments", json!({ "name": "Secret" })).await.expect(201)["id"].clone();
    noted(&scene.ann, "secret", json!({ "departmentAssigneeId": department })).await;
    noted(&scene.ann, "public", json!({})).await;
    let list = scene.bob.get("/anytime/reports/conversations?metric=created").await.expect(200);
    assert_eq!(list["total"], 2);
    assert_eq!(
        list["conversations"],
        json!([
            { "id": 2, "subject": "public", "status": "new", "times": 1 }, { "id": 1, "subject": null, "status": null, "times": 1 },
        ])
    );
}

#[tokio::test]
async fn what_happened_in_a_department_stays_in_the_reports_after_it_is_deleted() {
    let scene = Scene::start().await;
    let made = scene.ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    let department = made["id"].as_i64().unwrap();
    for given in [json!({ "departmentAssigneeId": department }), json!({})] {
        let id = scene.submit("s").await;
        scene.change(&scene.ann, id, given).await;
        scene.reply(&scene.ann, id).await;
        scene.change(&scene.ann, id, json!({ "status": "closed" })).await;
    }
    scene.ann.delete(&format!("/departments/{department}")).await.expect(204);
    scene.desk.advance(HOUR);
    let by_department = scene.report("volume?dimensionType=byDepartment").await;
    let gone = row(&by_department, department);
    assert_eq!(gone["name"], "Billing (deleted)");
    // Answers count for the department that the conversation has now.
    assert_eq!((&gone["closedConversations"], &gone["repliedConversations"]), (&json!(1), &json!(0)));
    for dimension in ["byTime", "byAgent", "byDepartment"] {
        let report = scene.report(&format!("volume?dimensionType={dimension}")).await;
        assert_eq!(report["totalClosedConversations"], 2, "{dimension}");
        assert_eq!(report["totalRepliedConversations"], 2, "{dimension}");
        let efficiency = scene.report(&format!("efficiency?dimensionType={dimension}")).await;
        assert_eq!(efficiency["totalAvgAgentMessages"], 1.0, "{dimension}");
    }
    let own = format!("filterType=department&filterValue={department}");
    assert_eq!(scene.report(&format!("volume?{own}")).await["totalClosedConversations"], 1);
    let list = format!("{own}&metric=closed&dimensionType=byDepartment&id={department}");
    assert_eq!(scene.list_length(&list).await, 1);
}

#[tokio::test]
async fn a_total_is_the_sum_of_how_often_its_conversations_were_counted() {
    let scene = Scene::start().await;
    let id = scene.submit("s").await;
    scene.reply(&scene.ann, id).await;
    scene.reply(&scene.bob, id).await;
    scene.desk.advance(HOUR);
    let report = scene.report("volume?dimensionType=byAgent").await;
    assert_eq!(report["totalRepliedConversations"], 2, "one for each who answered");
    let list = scene.report("conversations?metric=replied&dimensionType=byAgent").await;
    assert_eq!((&list["number"], &list["total"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&list["conversations"][0]["id"], &list["conversations"][0]["times"]),
        (&json!(id), &json!(2))
    );
}

#[tokio::test]
async fn reports_of_what_never_was_are_refused() {
    let scene = Scene::start().await;
    for (kind, noun) in [("agent", "agent"), ("department", "department"), ("account", "e-mail account")] {
        for report in ["volume", "efficiency", "sla", "channel", "rightNow", "realtime/today"] {
            let path = format!("/anytime/reports/{report}?filterType={kind}&filterValue=999");
            let error = scene.ann.get(&path).await.error(400);
            assert_eq!(error, format!("'filterValue' there is no {noun} 999"), "{report}");
        }
        scene.report(&format!("volume?filterType={kind}&filterValue=0")).await;
    }
}

#[tokio::test]
async fn volume_by_channel_and_by_account_adds_up_to_volume_by_time() {
    let scene = Scene::start().await;
    let (portal, _) = (scene.submit("s").await, scene.submit("t").await);
    let account = json!({ "email": "support@desk.example" });
    scene.ann.post("/anytime/emailAccounts", account).await.expect(201);
    noted(&scene.ann, "m", json!({ "channel": "email" })).await;
    scene.reply(&scene.ann, portal).await;
    scene.change(&scene.ann, portal, json!({ "status": "closed" })).await;
    scene.desk.advance(HOUR);
    let by_channel = scene.report("volume?dimensionType=byChannel").await;
    assert_eq!(counts(row(&by_channel, 7)), [2, 1, 1, 0, 1]);
    assert_eq!(counts(row(&by_channel, 1)), [1, 0, 0, 0, 1]);
    let by_account = scene.report("volume?dimensionType=byAccount").await;
    assert_eq!(row(&by_account, 0)["name"], "No e-mail account");
    assert_eq!(counts(row(&by_account, 0)), [3, 1, 1, 0, 2]);
    assert_eq!(counts(row(&by_account, 1)), [0, 0, 0, 0, 0]);
    for report in [&by_channel, &by_account, &scene.report("volume").await] {
        let totals = ["Created", "Closed", "Replied", "Open"]
            .map(|name| report[format!("total{name}Conversations")].clone());
        assert_eq!(totals, [json!(3), json!(1), json!(1), json!(2)]);
    }
    assert_eq!(scene.list_length("metric=created&dimensionType=byChannel&id=7").await, 2);
    assert_eq!(scene.list_length("metric=open&dimensionType=byAccount&id=0").await, 2);
}
