//! Working time and holidays (contract 17).

use serde_json::{Value, json};

use crate::support::test_desk::TestDesk;

fn interval(start: (i64, i64), end: (i64, i64)) -> Value {
    json!({ "startHour": start.0, "startMin": start.1, "endHour": end.0, "endMin": end.1 })
}

fn day(name: &str, is_business_day: bool, start: (i64, i64), end: (i64, i64)) -> Value {
    let mut day = interval(start, end);
    day["dayOfWeek"] = json!(name);
    day["isBusinessDay"] = json!(is_business_day);
    day["intervals"] = json!([interval(start, end)]);
    day
}

#[tokio::test]
async fn a_new_desk_works_from_nine_to_six_on_weekdays() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let both = ann.get("/anytime/workingTimeAndHolidays").await.expect(200);
    let names = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let week: Vec<Value> =
        names.iter().enumerate().map(|(at, name)| day(name, at % 6 != 0, (9, 0), (18, 0))).collect();
    assert_eq!(
        both,
        json!({ "workingTimeAndHolidays": { "timeZone": "UTC", "workingTimes": week, "holidays": [] } })
    );
    assert_eq!(ann.get("/anytime/workingTime").await.expect(200), json!({ "workingTimes": week }));
    assert_eq!(
        ann.get("/anytime/WorkingTimeAndHolidays/workingtime").await.expect(200)["workingTimes"],
        json!(week)
    );
}

#[tokio::test]
async fn a_day_is_changed_by_name_or_number_and_the_others_stay() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let change = json!({ "workingTimes": [
        { "dayOfWeek": "Monday", "startHour": 8, "startMin": 30 },
        { "dayOfWeek": 6, "isBusinessDay": true, "endHour": 24, "endMin": 0 },
        { "dayofweek": "friday", "isBusinessDay": false },
    ] });
    let week = ann.put("/anytime/workingTime", change).await.expect(200)["workingTimes"].clone();
    assert_eq!(week[1], day("monday", true, (8, 30), (18, 0)));
    assert_eq!(week[6], day("saturday", true, (9, 0), (24, 0)));
    assert_eq!(week[5], day("friday", false, (9, 0), (18, 0)));
    assert_eq!(week[2], day("tuesday", true, (9, 0), (18, 0)));
    let again = json!({ "workingTimes": [{ "dayOfWeek": "friday", "isBusinessDay": true }] });
    let week = ann.put("/anytime/workingTimeAndHolidays", again).await.expect(200);
    assert_eq!(week["workingTimeAndHolidays"]["workingTimes"][5], day("friday", true, (9, 0), (18, 0)));
}

#[tokio::test]
async fn a_day_can_have_breaks_and_a_shift_over_midnight() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let change = json!({ "workingTimes": [{ "dayOfWeek": "monday", "intervals": [
        interval((22, 0), (30, 0)), interval((9, 0), (12, 30)), interval((13, 30), (18, 0)),
    ] }] });
    let week = ann.put("/anytime/workingTime", change).await.expect(200)["workingTimes"].clone();
    let monday = &week[1];
    assert_eq!(
        (&monday["startHour"], &monday["endHour"], &monday["endMin"]),
        (&json!(9), &json!(24), &json!(0))
    );
    assert_eq!(
        monday["intervals"],
        json!([interval((9, 0), (12, 30)), interval((13, 30), (18, 0)), interval((22, 0), (30, 0))])
    );
    // A client that knows one interval sends back what it got, with another start.
    let mut naive = monday.clone();
    naive["startHour"] = json!(8);
    let week = ann.put("/anytime/workingTime", json!({ "workingTimes": [naive] })).await.expect(200);
    assert_eq!(week["workingTimes"][1], day("monday", true, (8, 0), (24, 0)));
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/anytime/holidays", json!({ "title": "New Year", "date": "2027-01-01", "isYearly": true }))
        .await
        .expect(201);
    let both = ann.get("/anytime/workingTimeAndHolidays").await.expect(200);
    let sent = both["workingTimeAndHolidays"].clone();
    assert_eq!(ann.put("/anytime/workingTimeAndHolidays", sent).await.expect(200), both);
}

#[tokio::test]
async fn impossible_hours_are_refused_by_field_and_value() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let before = ann.get("/anytime/workingTime").await.expect(200);
    for (days, message) in [
        (
            json!([{ "dayOfWeek": "monday", "startHour": 24 }]),
            "'workingTimes[0].startHour' is 24, not 0 to 23",
        ),
        (json!([{ "dayOfWeek": "monday", "endMin": 60 }]), "'workingTimes[0].endMin' is 60, not 0 to 59"),
        (json!([{ "dayOfWeek": "monday", "endHour": 25 }]), "'workingTimes[0].endHour' is 25, not 0 to 24"),
        (
            json!([{ "dayOfWeek": "monday", "endHour": 24, "endMin": 1 }]),
            "'workingTimes[0].endHour' is after 24:00 (09:00 to 24:01)",
        ),
        (
            json!([{ "dayOfWeek": "monday", "endHour": 9, "endMin": 0 }]),
            "'workingTimes[0].endHour' must be after the start (09:00 to 09:00)",
        ),
        (
            json!([{ "dayOfWeek": "noday" }]),
            "'workingTimes[0].dayOfWeek' must be sunday to saturday, or 0 to 6, not 'noday'",
        ),
        (
            json!([{ "dayOfWeek": 1 }, { "dayOfWeek": "monday" }]),
            "'workingTimes[1].dayOfWeek' 'monday' is given twice",
        ),
        (json!([{ "startHour": 8 }]), "'workingTimes[0].dayOfWeek' is required"),
        (
            json!([{ "dayOfWeek": 1, "intervals": [] }]),
            "'workingTimes[0].intervals' has 0 intervals; 1 to 12 are allowed, and a day off has isBusinessDay false",
        ),
        (
            json!([{ "dayOfWeek": 1, "intervals": [interval((9, 0), (12, 0)), interval((11, 0), (14, 0))] }]),
            "'workingTimes[0].intervals' overlap each other",
        ),
        (
            json!([{ "dayOfWeek": 1, "intervals": [interval((9, 0), (34, 0))] }]),
            "'workingTimes[0].intervals[0].endHour' is more than a day after the start (09:00 to 34:00)",
        ),
        (
            json!([{ "dayOfWeek": 1, "startHour": 7, "intervals": [interval((9, 0), (12, 0))] }]),
            "'workingTimes[0].startHour' and the other hours contradict 'intervals'",
        ),
    ] {
        let answer = ann.put("/anytime/workingTime", json!({ "workingTimes": days })).await;
        assert_eq!(answer.error(400), message);
    }
    assert_eq!(ann.get("/anytime/workingTime").await.expect(200), before);
}

#[tokio::test]
async fn a_holiday_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann.post("/anytime/holidays", json!({ "title": " Epiphany ", "date": "2026-01-06" })).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/holidays/1"));
    let epiphany = json!({ "id": 1, "title": "Epiphany", "date": "2026-01-06", "isYearly": false });
    assert_eq!(created.expect(201), json!({ "holiday": epiphany }));
    assert_eq!(ann.get("/anytime/holidays/1").await.expect(200), json!({ "holiday": epiphany }));
    let changed = ann.put("/anytime/holidays/1", json!({ "isYearly": true })).await.expect(200);
    assert_eq!(changed["holiday"]["isYearly"], true);
    let listed = ann.get("/anytime/workingTimeAndHolidays/holidays").await.expect(200);
    assert_eq!(listed["holidays"][0], changed["holiday"]);
    ann.delete("/anytime/workingTimeAndHolidays/holidays/1").await.expect(204);
    assert_eq!(ann.get("/anytime/holidays/1").await.error(404), "there is no holiday 1");
    ann.put("/anytime/holidays/x", json!({})).await.error(404);
    ann.delete("/anytime/holidays/1").await.error(404);
}

#[tokio::test]
async fn the_date_of_a_holiday_is_the_sites_and_unique() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    crate::support::test_desk::change(&desk, |tx| {
        let zone = anytime::desk::site::ProfileChange {
            time_zone: Some("Asia/Tokyo".to_owned()),
            ..Default::default()
        };
        anytime::desk::site::change_profile(tx, &anytime::desk::Actor::System, &zone)
    })
    .await;
    let late = json!({ "title": "A", "date": "2026-01-05T20:00:00Z" });
    assert_eq!(ann.post("/anytime/holidays", late).await.expect(201)["holiday"]["date"], "2026-01-06");
    let plain = json!({ "title": "B", "date": "2026-01-07T20:00:00" });
    assert_eq!(ann.post("/anytime/holidays", plain).await.expect(201)["holiday"]["date"], "2026-01-07");
    let clash = ann.post("/anytime/holidays", json!({ "title": "C", "date": "2026-01-06" })).await;
    assert_eq!(clash.error(409), "there is already a holiday on 2026-01-06");
    ann.put("/anytime/holidays/2", json!({ "date": "2026-01-06" })).await.error(409);
    for (body, message) in [
        (json!({ "date": "2026-02-01" }), "'title' is required"),
        (json!({ "title": "x" }), "'date' is required"),
        (json!({ "title": "", "date": "2026-02-01" }), "'title' is required"),
        (
            json!({ "title": "x", "date": "2026-02-30" }),
            "'date' must be a date such as 2027-01-01, not '2026-02-30'",
        ),
    ] {
        assert_eq!(ann.post("/anytime/holidays", body).await.error(400), message);
    }
}

#[tokio::test]
async fn holidays_are_replaced_as_a_set_or_not_at_all() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (title, date) in [("A", "2026-05-01"), ("B", "2026-12-25")] {
        ann.post("/anytime/holidays", json!({ "title": title, "date": date })).await.expect(201);
    }
    let twice = json!({ "holidays": [
        { "title": "X", "date": "2026-10-03" }, { "title": "Y", "date": "2026-10-03" },
    ] });
    ann.put("/anytime/workingTimeAndHolidays", twice).await.error(409);
    assert_eq!(ann.get("/anytime/holidays").await.expect(200)["holidays"].as_array().unwrap().len(), 2);
    let set = json!({ "holidays": [
        { "title": "Christmas", "date": "2026-12-25", "isYearly": true }, { "title": "X", "date": "2026-10-03" },
    ] });
    let both = ann.put("/anytime/workingTimeAndHolidays", set).await.expect(200);
    let holidays = &both["workingTimeAndHolidays"]["holidays"];
    assert_eq!(holidays[0]["title"], "X");
    assert_eq!(holidays[1], json!({ "id": 2, "title": "Christmas", "date": "2026-12-25", "isYearly": true }));
    assert_eq!(both["workingTimeAndHolidays"]["workingTimes"][1], day("monday", true, (9, 0), (18, 0)));
}

#[tokio::test]
async fn every_agent_reads_and_only_settings_managers_write() {
    let desk = TestDesk::start().await;
    let bob = desk.as_agent("bob").await;
    let nobody = desk.as_nobody();
    for path in ["/anytime/workingTimeAndHolidays", "/anytime/workingTime", "/anytime/holidays"] {
        bob.get(path).await.expect(200);
        nobody.get(path).await.error(401);
    }
    let days = json!({ "workingTimes": [{ "dayOfWeek": 1, "startHour": 8 }] });
    assert_eq!(bob.put("/anytime/workingTime", days.clone()).await.error(403), "you may not manage settings");
    bob.put("/anytime/workingTimeAndHolidays", json!({ "holidays": [] })).await.error(403);
    bob.post("/anytime/holidays", json!({ "title": "x", "date": "2026-02-01" })).await.error(403);
    bob.put("/anytime/holidays/1", json!({ "title": "x" })).await.error(403);
    bob.delete("/anytime/holidays/1").await.error(403);
    nobody.put("/anytime/workingTime", days).await.error(401);
    nobody.post("/anytime/holidays", json!({ "title": "x", "date": "2026-02-01" })).await.error(401);
}

#[tokio::test]
async fn a_calendar_that_an_enabled_policy_could_never_meet_is_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let policy = json!({ "name": "Office", "firstRespondWithin": 60, "operationalHours": "businessHours" });
    ann.post("/anytime/slaPolicies", policy.clone()).await.expect(201);
    let off: Vec<Value> = (0..7).map(|day| json!({ "dayOfWeek": day, "isBusinessDay": false })).collect();
    let refused = ann.put("/anytime/workingTime", json!({ "workingTimes": off })).await.error(400);
    assert!(refused.contains("leaves no business day"), "{refused}");
    ann.put("/anytime/slaPolicies/1/enable", json!({ "isEnable": false })).await.expect(200);
    ann.put("/anytime/workingTime", json!({ "workingTimes": off })).await.expect(200);
    let refused = ann.put("/anytime/slaPolicies/1/enable", json!({ "isEnable": true })).await.error(400);
    assert!(refused.contains("no day is a business day"), "{refused}");
    ann.post("/anytime/slaPolicies", policy).await.error(400);
}
