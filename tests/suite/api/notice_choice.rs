use serde_json::json;

use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn an_agent_chooses_what_they_are_told_and_how() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    let before = luis.get("/anytime/noticeChoices").await.expect(200)["noticeChoices"].clone();
    let kinds: Vec<&str> =
        before.as_array().unwrap().iter().map(|choice| choice["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["assigned", "mentioned", "replied", "slaNear", "slaBreached", "accountFailing"]);
    assert_eq!(
        before[3],
        json!({ "kind": "slaNear", "inPage": true, "inBrowser": true, "byMail": false }),
        "the default"
    );
    let change = json!({ "noticeChoices": [{ "kind": "replied", "byMail": false }, { "kind": "slaNear", "byMail": true }] });
    let after = luis.put("/anytime/noticeChoices", change).await.expect(200)["noticeChoices"].clone();
    assert_eq!(after[2], json!({ "kind": "replied", "inPage": true, "inBrowser": true, "byMail": false }));
    assert_eq!(after[3]["byMail"], true);
    assert_eq!(after[0], before[0], "what is left out stays");
    luis.put("/anytime/noticeChoices", json!({ "noticeChoices": after.clone() })).await.expect(200);
    assert_eq!(luis.get("/anytime/noticeChoices").await.expect(200)["noticeChoices"], after);
    let browser = desk.browser();
    browser.sign_in("luis").await;
    let page = browser.get("/console/settings/notifications").await;
    page.shows("value=\"slaNear\" aria-label=\"Your conversation is due soon: by mail\" checked");
    assert!(!page.html.contains("An answer in your conversation: by mail\" checked"), "{}", page.html);
    let ann = desk.as_ann().await.get("/anytime/noticeChoices").await.expect(200)["noticeChoices"].clone();
    assert_eq!(ann, before, "everybody has their own");
}

#[tokio::test]
async fn an_unknown_kind_and_a_page_for_what_no_page_follows_are_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, says) in [
        (json!({ "noticeChoices": [{ "kind": "birthday", "byMail": true }] }), "noticeChoices[0].kind"),
        (
            json!({ "noticeChoices": [{ "kind": "birthday", "byMail": true }] }),
            "'birthday' is no kind of notice",
        ),
        (json!({ "noticeChoices": [{ "kind": "accountFailing", "inPage": true }] }), "told by mail only"),
        (json!({ "noticeChoices": [{ "kind": "replied", "byMail": "yes" }] }), "byMail"),
        (json!({ "noticeChoices": [{ "byMail": true }] }), "kind"),
        (json!({ "noticeChoices": "all" }), "noticeChoices"),
        (json!({}), "noticeChoices"),
    ] {
        let error = ann.put("/anytime/noticeChoices", body.clone()).await.error(400);
        assert!(error.contains(says), "{body}: {error}");
    }
    desk.as_nobody().get("/anytime/noticeChoices").await.error(401);
    desk.as_nobody().put("/anytime/noticeChoices", json!({ "noticeChoices": [] })).await.error(401);
    assert_eq!(desk.number("SELECT count(*) FROM notice_choice"), 0);
}
