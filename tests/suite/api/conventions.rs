//! What holds for every resource (contract 1).

use std::io::Read;

use reqwest::Method;
use serde_json::json;

use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn paths_and_keys_are_read_in_any_case_and_a_slash_at_the_end_is_fine() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/TAGS/", json!({ "NAME": "vip" })).await.expect(201);
    assert_eq!(ann.get("/Tags/1/").await.expect(200)["name"], "vip");
    assert_eq!(ann.get("/ANYTIME/Tags").await.expect(200)["tags"][0]["name"], "vip");
}

#[tokio::test]
async fn the_wrong_method_path_and_type_are_told_in_the_error_body() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let wrong = ann.send(ann.request(Method::PATCH, "/tags/1")).await.error(405);
    assert_eq!(wrong, "PATCH is not allowed here; use GET, PUT, DELETE");
    ann.get("/nothing").await.error(404);
    ann.send(ann.request(Method::POST, "/tags").body("name=x")).await.error(415);
    let json = |text: &'static str| {
        ann.request(Method::POST, "/tags").header("content-type", "application/json").body(text)
    };
    assert!(ann.send(json("{")).await.error(400).contains("is not JSON"));
    assert!(ann.send(json("[]")).await.error(400).contains("must be a JSON object"));
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(9 << 20));
    let request = ann.request(Method::POST, "/tags").header("content-type", "application/json").body(huge);
    ann.send(request).await.error(413);
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for path in ["/tags", "/agents/me", "/anytime/conversations", "/anytime/conversations/99", "/nothing"] {
        let head = ann.request(Method::HEAD, path).send().await.unwrap();
        let get = ann.request(Method::GET, path).send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{path} {name}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
    // A stream has no end: it is not begun.
    let stream = ann.request(Method::HEAD, "/anytime/notification").send().await.unwrap();
    assert_eq!((stream.status().as_u16(), stream.bytes().await.unwrap().len()), (200, 0));
    assert_eq!(desk.as_nobody().request(Method::HEAD, "/tags").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn wrong_methods_and_paths_of_oauth_are_told_in_the_error_body() {
    let desk = TestDesk::start().await;
    let ask = async |method: Method, path: &str| {
        let response = reqwest::Client::new().request(method, desk.url(path)).send().await.unwrap();
        let allow = response.headers().get("allow").map(|value| value.to_str().unwrap().to_owned());
        (crate::support::test_desk::Answer::of(response).await, allow)
    };
    let (answer, allow) = ask(Method::GET, "/oauth/token").await;
    assert_eq!(answer.error(405), "GET is not allowed here; use POST");
    assert_eq!(allow.as_deref(), Some("POST"));
    assert_eq!(ask(Method::GET, "/oauth/nothing").await.0.error(404), "there is no resource /oauth/nothing");
    for path in ["/oauth/token/", "/OAuth/Token"] {
        let answer = ask(Method::POST, path).await.0;
        assert_eq!(answer.body["error"], "invalid_request", "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_wrong_key_a_wrong_scheme_and_an_inactive_agent_are_refused() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    luis.get("/tags").await.expect(200);
    let mut wrong = luis.clone();
    wrong.user = Some(("luis@desk.example".to_owned(), "any_wrong".to_owned()));
    wrong.get("/tags").await.error(401);
    let ann = desk.as_ann().await;
    wrong.user = Some(("ann@desk.example".to_owned(), luis.user.clone().unwrap().1));
    wrong.get("/tags").await.error(401);
    let bearer = desk.as_nobody().request(Method::GET, "/tags").bearer_auth("x");
    ann.send(bearer).await.error(401);
    let id = luis.id;
    crate::support::test_desk::change(&desk, move |tx| {
        tx.run("UPDATE agent SET is_active = 0 WHERE id = ?", [id])?;
        Ok(())
    })
    .await;
    luis.get("/tags").await.error(401);
}

#[tokio::test]
async fn keys_are_stored_hashed_only() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let key = ann.user.clone().unwrap().1;
    let directory = desk.stop().await;
    let file = std::fs::read(directory.path().join("anytime.db")).unwrap();
    assert!(!file.windows(key.len()).any(|window| window == key.as_bytes()));
}

#[tokio::test]
async fn too_many_wrong_keys_from_one_place_are_slowed_down() {
    let desk = TestDesk::start().await;
    let mut wrong = desk.as_agent("luis").await;
    wrong.user = Some(("luis@desk.example".to_owned(), "any_wrong".to_owned()));
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(wrong.get("/tags").await.status.as_u16());
    }
    assert_eq!((statuses[0], *statuses.last().unwrap()), (401, 429));
    desk.as_ann().await.get("/tags").await.expect(200);
}

#[tokio::test]
async fn the_openapi_document_names_every_route_and_its_page_works_offline() {
    let desk = TestDesk::start().await;
    let nobody = desk.as_nobody();
    let document = nobody.get("/openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v3/tags/{id}"]["put"]["requestBody"].is_object());
    let page = desk.browser().get("/api/docs").await;
    page.shows("swagger-ui-bundle.js");
    assert!(!page.html.contains("https://"));
    let file = desk.url("/static/vendor/swagger-ui-bundle.js");
    let plain = reqwest::get(&file).await.unwrap();
    assert_eq!(plain.headers()["content-type"], "text/javascript; charset=utf-8");
    let plain = plain.bytes().await.unwrap();
    let packed =
        reqwest::Client::new().get(&file).header("accept-encoding", "br, gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.bytes().await.unwrap()).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == plain && 1_000_000 < plain.len());
}

#[tokio::test]
async fn every_route_of_the_document_refuses_strangers_in_the_error_body() {
    let desk = TestDesk::start().await;
    let nobody = desk.as_nobody();
    let document = nobody.get("/openapi.json").await.expect(200);
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters" && *key != "head") {
            let path = path.strip_prefix("/api/v3").unwrap();
            let path: String = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let request = nobody.request(method.clone(), &path).json(&json!({}));
            let answer = nobody.send(request).await;
            assert_eq!(answer.status.as_u16(), 401, "{method} {path}: {}", answer.body);
            answer.error(401);
            routes += 1;
        }
    }
    assert!(5 <= routes, "{routes}");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let desk = TestDesk::start().await;
    for path in ["/api/v3/tags", "/api/docs", "/nothing", "/static/base.css"] {
        let view = desk.browser().get(path).await;
        let header = |name: &str| view.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert!(header("content-security-policy").unwrap().contains("default-src 'none'"), "{path}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("referrer-policy").as_deref(), Some("same-origin"), "{path}");
        if path.starts_with("/api") {
            assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{path}");
        }
    }
}

#[tokio::test]
async fn with_a_limit_a_network_that_asks_too_much_is_told_to_wait() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = anytime::config::Config::for_directory(directory.path());
    config.rate_limit = std::num::NonZeroU32::new(5);
    let clock =
        anytime::time::Clock::manual(anytime::time::Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let desk = TestDesk::run(config, clock, directory).await;
    desk.create_agent("ann", true).await;
    let ann = desk.as_ann().await;
    for _ in 0..5 {
        ann.get("/tags").await.expect(200);
    }
    let refused = ann.request(Method::GET, "/tags").send().await.unwrap();
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(refused.json::<serde_json::Value>().await.unwrap()["code"], 429_000);
    desk.as_nobody().get("/tags").await.error(429);
    let page = desk.browser().get("/console/sign-in").await;
    assert_eq!(page.status, 200, "pages are not the API");
}
