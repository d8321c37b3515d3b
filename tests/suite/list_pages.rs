//! Pages of the console's lists: from one to the next and back by links alone, in every order, while others write.

use serde_json::json;

use crate::support::scene::noted;
use crate::support::test_desk::{Browser, Client, TestDesk, View};

/// The conversations of a page, from top to bottom.
fn rows(page: &View) -> Vec<i64> {
    let marks = page.html.split("<li class=\"row").skip(1).map(|row| {
        let id = row.split("data-conversation=\"").nth(1).unwrap();
        id.split('"').next().unwrap().parse().unwrap()
    });
    marks.collect()
}

/// Where a link of the pager leads.
fn link(page: &View, to: &str) -> Option<String> {
    let mark = format!("data-page=\"{to}\"");
    let tag = page.html.split('<').find(|tag| tag.starts_with("a ") && tag.contains(&mark))?;
    let href = tag.split("href=\"").nth(1)?.split('"').next()?;
    Some(format!("/console/all{}", href.replace("&amp;", "&").replace("&#38;", "&")))
}

/// Every page from an address on in one direction.
async fn walk(browser: &Browser, from: &str, to: &str) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    let mut next = Some(from.to_owned());
    while let Some(path) = next {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        pages.push(rows(&page));
        assert!(pages.len() < 20, "the pages come to no end: {pages:?}");
        next = link(&page, to);
    }
    pages
}

/// Ten conversations: all priorities and statuses, some alike in everything, some with a time to answer.
async fn ten(desk: &TestDesk, ann: &Client) {
    let policy = json!({ "name": "Soon", "firstRespondWithin": 60, "resolveRespondWithin": 600, "when": "any",
        "conditions": [{ "fieldId": 6, "matchType": "is", "value": "urgent" },
                       { "fieldId": 6, "matchType": "is", "value": "low" }] });
    ann.post("/anytime/slaPolicies", policy).await.expect(201);
    for (status, priority) in [
        ("new", "urgent"),
        ("new", "urgent"),
        ("closed", "normal"),
        ("onHold", "low"),
        ("new", "normal"),
        ("new", "normal"),
        ("pendingInternal", "high"),
        ("closed", "high"),
        ("new", "low"),
        ("pendingExternal", "urgent"),
    ] {
        noted(ann, "s", json!({ "status": status, "priority": priority })).await;
        if priority == "normal" {
            desk.advance(std::time::Duration::from_secs(60));
        }
    }
}

#[tokio::test]
async fn every_order_can_be_paged_through_and_back() {
    let desk = TestDesk::start().await;
    let (ann, browser) = (desk.as_ann().await, desk.browser());
    ten(&desk, &ann).await;
    browser.sign_in("ann").await;
    for (sort, by) in [
        ("last-reply", "lastReplyTime"),
        ("last-activity", "lastActivityTime"),
        ("priority", "priority"),
        ("status", "status"),
        ("next-breach", "nextSLABreach"),
    ] {
        for (order, long) in [("desc", "descending"), ("asc", "ascending")] {
            let api =
                format!("/anytime/conversations?timeFrom=2000-01-01T00:00:00Z&sortBy={by}&sortOrder={long}");
            let all = ann.get(&api).await.expect(200)["conversations"].clone();
            let all: Vec<i64> = all.as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
            assert_eq!(all.len(), 10);

            let first = format!("/console/all?sort={sort}&order={order}&pageSize=3");
            let pages = walk(&browser, &first, "next").await;
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 1], "{sort} {order}");
            assert_eq!(pages.concat(), all, "{sort} {order}");

            let mut at = browser.get(&first).await;
            for _ in 0..3 {
                at = browser.get(&link(&at, "next").unwrap()).await;
            }
            let back = walk(&browser, &link(&at, "previous").unwrap(), "previous").await;
            let back: Vec<i64> = back.into_iter().rev().flatten().collect();
            assert_eq!(back, all[..9], "{sort} {order}, back");
        }
    }
}

#[tokio::test]
async fn what_arrives_meanwhile_neither_repeats_nor_hides_anything() {
    let desk = TestDesk::start().await;
    let (ann, browser) = (desk.as_ann().await, desk.browser());
    ten(&desk, &ann).await;
    browser.sign_in("ann").await;
    let first = browser.get("/console/all?pageSize=4").await;
    assert_eq!(rows(&first), [10, 9, 8, 7]);
    desk.advance(std::time::Duration::from_secs(60));
    noted(&ann, "new", json!({})).await;
    let second = browser.get(&link(&first, "next").unwrap()).await;
    assert_eq!(rows(&second), [6, 5, 4, 3]);
    // Back again: the four that stood before them, and one more page for the new one.
    let again = browser.get(&link(&second, "previous").unwrap()).await;
    assert_eq!(rows(&again), [10, 9, 8, 7]);
    let newest = browser.get(&link(&again, "previous").unwrap()).await;
    assert_eq!(rows(&newest), [11, 10, 9, 8], "the first page is full");
    assert_eq!(link(&newest, "previous"), None);

    // The conversation that the page came after goes: the page stays.
    ann.delete("/anytime/conversations/7").await.expect(204);
    let third = browser.get(&link(&first, "next").unwrap()).await;
    assert_eq!(rows(&third), [6, 5, 4, 3]);

    // A conversation that is opened from a page stands beside that page.
    let beside =
        link(&first, "next").unwrap().replace("/console/all?", "/console/conversations/5?filter=all&");
    assert_eq!(rows(&browser.get(&beside).await), [6, 5, 4, 3]);
}

#[tokio::test]
async fn a_search_is_paged_through_the_same_way_and_a_wrong_place_is_refused() {
    let desk = TestDesk::start().await;
    let (ann, browser) = (desk.as_ann().await, desk.browser());
    ten(&desk, &ann).await;
    browser.sign_in("ann").await;
    let mut at = browser.get("/console/search?q=hello&pageSize=4").await;
    let mut found = rows(&at);
    while let Some(next) = link(&at, "next") {
        at = browser.get(&next.replace("/console/all", "/console/search")).await;
        found.extend(rows(&at));
    }
    assert_eq!(found, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    for wrong in ["after=x", "after=1", "before=1.2.3", "after=1..2", "after=-.4", "sort=priority&after=1.2"]
    {
        assert_eq!(browser.get(&format!("/console/all?{wrong}")).await.status, 400, "{wrong}");
    }
}
