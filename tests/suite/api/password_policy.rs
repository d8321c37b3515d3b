use std::time::Duration;

use serde_json::{Value, json};

use crate::support::test_desk::{Client, PASSWORD, TestDesk};

async fn change(who: &Client, current: &str, new: &str) -> crate::support::test_desk::Answer {
    who.put("/agents/me/password", json!({ "currentPassword": current, "newPassword": new })).await
}

#[tokio::test]
async fn the_policy_is_read_and_changed_in_part() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let policy = ann.get("/passwordPolicy").await.expect(200);
    assert_eq!(
        (&policy["isVerifyPasswordMinimumLength"], &policy["minimumPasswordLength"]),
        (&json!(true), &json!(12))
    );
    let changed = ann.put("/passwordPolicy", json!({ "isVerifyPassworfComplexity": true })).await.expect(200);
    assert_eq!(changed["isVerifyPasswordComplexity"], true);
    let Value::Object(mut expected) = policy else { panic!("no object") };
    expected.insert("isVerifyPasswordComplexity".to_owned(), json!(true));
    assert_eq!(changed, Value::Object(expected));
    ann.put("/passwordPolicy", changed.clone()).await.expect(200);
    assert_eq!(ann.get("/passwordPolicy").await.expect(200), changed);
}

#[tokio::test]
async fn numbers_out_of_range_are_told_by_field() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let bad = json!({ "minimumPasswordLength": 7, "allowedFailedLoginAttempts": 0 });
    assert_eq!(
        ann.put("/passwordPolicy", bad).await.error(400),
        "'minimumPasswordLength' must be between 8 and 128, not 7; \
         'allowedFailedLoginAttempts' must be between 1 and 100, not 0"
    );
    ann.put("/passwordPolicy", json!({ "minimumLength": 9 })).await.error(400);
}

#[tokio::test]
async fn the_minimum_length_holds_for_new_passwords() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.put("/passwordPolicy", json!({ "minimumPasswordLength": 20 })).await.expect(200);
    assert_eq!(
        change(&ann, PASSWORD, "nineteen characters").await.error(400),
        "'newPassword' needs at least 20 characters"
    );
    let new = json!({ "email": "x@desk.example", "firstName": "X", "lastName": "Y", "password": "nineteen characters" });
    ann.post("/agents", new).await.error(400);
    ann.put("/passwordPolicy", json!({ "minimumPasswordLength": 8 })).await.expect(200);
    change(&ann, PASSWORD, "kurz-und").await.expect(204);
}

#[tokio::test]
async fn the_last_passwords_are_not_used_again() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let policy = json!({ "isVerifyPasswordHistory": true, "verificationValueOfPasswordHistory": 2 });
    ann.put("/passwordPolicy", policy).await.expect(200);
    assert_eq!(
        change(&ann, PASSWORD, PASSWORD).await.error(400),
        "'newPassword' was one of the last passwords"
    );
    change(&ann, PASSWORD, "the second of them").await.expect(204);
    change(&ann, "the second of them", PASSWORD).await.error(400);
    change(&ann, "the second of them", "and now a third one").await.expect(204);
    change(&ann, "and now a third one", PASSWORD).await.expect(204);
}

#[tokio::test]
async fn changes_within_a_day_are_limited_for_oneself() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let policy = json!({ "isVerifyMaximumChangeTimes": true, "maximumChangeTimes": 1 });
    ann.put("/passwordPolicy", policy).await.expect(200);
    change(&ann, PASSWORD, "the second of them").await.expect(204);
    assert_eq!(
        change(&ann, "the second of them", "and now a third one").await.error(409),
        "a password can be changed 1 times within 24 hours"
    );
    desk.advance(Duration::from_secs(24 * 3600));
    change(&ann, "the second of them", "and now a third one").await.expect(204);
}

#[tokio::test]
async fn the_number_of_wrong_passwords_before_a_lock_is_the_policys() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.put("/passwordPolicy", json!({ "allowedFailedLoginAttempts": 2 })).await.expect(200);
    change(&luis, "wrong one", "another long one").await.error(400);
    let is_locked = async || ann.get(&format!("/agents/{}", luis.id)).await.expect(200)["isLocked"].clone();
    assert_eq!(is_locked().await, false);
    change(&luis, "wrong one", "another long one").await.error(400);
    assert_eq!(is_locked().await, true);
    ann.put(&format!("/agents/{}/unlock", luis.id), json!({})).await.expect(204);
    let off = json!({ "isLockAccountAfterCertainFailedLoginAttempts": false });
    ann.put("/passwordPolicy", off).await.expect(200);
    for _ in 0..3 {
        change(&luis, "wrong one", "another long one").await.error(400);
    }
    assert_eq!(is_locked().await, false);
}

#[tokio::test]
async fn the_policy_is_for_who_manages_security() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    luis.get("/passwordPolicy").await.error(403);
    luis.put("/passwordPolicy", json!({})).await.error(403);
    desk.as_nobody().get("/passwordPolicy").await.error(401);
}
