//! The executable's commands.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::process::{Process, administrator, anytime, api_key};

#[tokio::test(flavor = "multi_thread")]
async fn agents_and_keys_are_made_beside_a_running_server_and_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (email, key) = administrator(&data);
    assert!(key.starts_with("any_") && !key.contains(char::is_whitespace), "the key stands alone: {key}");
    let process = Process::serve(&data);
    process.client(&email, &key).get("/tags").await.expect(200);
    let fresh = api_key(&data, &email);
    process.client(&email, &key).get("/tags").await.error(401);
    process.client(&email, &fresh).get("/tags").await.expect(200);
    let made = anytime(&data)
        .args(["agent", "create", "--email", "luis@desk.example", "--name", "Luis Ortega"])
        .env("ANYTIME_PASSWORD", "another long password")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let agents = process.client(&email, &fresh).get("/agents").await.expect(200);
    assert_eq!(agents["total"], 2);
}

#[test]
fn what_is_wrong_with_a_command_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (email, _) = administrator(&data);
    let run = |arguments: &[&str]| {
        let output = anytime(&data).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let create = |email: &str, password: &str| {
        run(&["agent", "create", "--email", email, "--name", "X", "--password", password])
    };
    let (ok, text) = create("nobody", "correct horse battery");
    assert!(!ok && text.contains("'nobody' is not an e-mail address"), "{text}");
    let (ok, text) = create("x@desk.example", "short");
    assert!(!ok && text.contains("at least 12 characters"), "{text}");
    let (ok, text) = create(&email, "correct horse battery");
    assert!(!ok && text.contains("there is already an agent"), "{text}");
    let (ok, text) = run(&["agent", "api-key", "--email", "gone@desk.example"]);
    assert!(!ok && text.contains("there is no agent gone@desk.example"), "{text}");
    let (ok, text) = run(&["--base-url", "desk", "serve"]);
    assert!(!ok && text.contains("'desk' is not an http or https URL"), "{text}");
}

#[test]
fn the_first_start_prints_a_set_up_link_and_sigterm_ends_it_well() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut child = anytime(&data)
        .args(["--listen", "127.0.0.1:0", "serve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("listening on http://127.0.0.1:"));
    assert!(lines.next().unwrap().contains("/set-up?token="));
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let began = std::time::Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed().as_secs() < 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_metrics_from_a_listener_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (email, key) = administrator(&data);
    let mut child = anytime(&data)
        .args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "serve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines.next().unwrap().replace("listening on ", "");
    let metrics = lines.next().unwrap().replace("metrics on ", "");
    let client = crate::support::test_desk::Client::new(&url, &email, &key);
    client.get("/tags").await.expect(200);
    client.get("/nothing").await.error(404);
    let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
    for line in [
        "anytime_http_answers_total{status=\"2xx\"} 1",
        "anytime_http_answers_total{status=\"4xx\"} 1",
        "anytime_http_answer_seconds_count 2",
        "anytime_job_failing{name=\"relay\"} 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert_eq!(reqwest::get(format!("{url}/metrics")).await.unwrap().status(), 404);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_second_server_exits_with_a_clear_message() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let first = Process::serve(&data);
    let second = anytime(&data).args(["--listen", "127.0.0.1:0", "serve"]).output().unwrap();
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(text.contains(&format!("another anytime (process {}) already serves", first.pid())), "{text}");
}

#[test]
fn a_level_of_logging_that_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let answer =
        anytime(&directory.path().join("data")).args(["--log", "anytime=loud", "serve"]).output().unwrap();
    assert!(!answer.status.success());
    let text = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(text.contains("'log' \"anytime=loud\" is not a level"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_starts_with_data_sign_ins_and_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut child = anytime(&data)
        .args(["--listen", "127.0.0.1:0", "--log", "warn", "demo", "--conversations", "120"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
        text += &line;
        text.push('\n');
        if line.contains("(disposable)") {
            break;
        }
    }
    let after = |mark: &str| text.split(mark).nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let url = after("listening on ");
    let login = after("curl -u ");
    let (email, key) = login.split_once(':').unwrap();
    let client = crate::support::test_desk::Client::new(&url, email, key);
    let list = client.get("/anytime/conversations?timeFrom=2020-01-01").await.expect(200);
    assert!(100 < list["total"].as_i64().unwrap(), "all but a few in the recycle bin: {list}");
    let link = text.lines().find(|line| line.contains("/portal/sign-in/")).unwrap().trim();
    let page = reqwest::get(link).await.unwrap();
    assert_eq!(page.status(), 200);
    the_morning_shows_everything(&client).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Settings, decisions, drafts, what is put aside, what leaves tomorrow, junk, mentions.
async fn the_morning_shows_everything(ann: &crate::support::test_desk::Client) {
    let count = async |path: &str, key: &str| -> usize {
        let answer = ann.get(path).await.expect(200);
        let list = if key.is_empty() { &answer } else { &answer[key] };
        list.as_array().unwrap_or_else(|| panic!("{path}: {answer}")).len()
    };
    for (path, key, at_least) in [
        ("/cannedMessages", "", 10),
        ("/cannedMessageCategories", "", 4),
        ("/anytime/filters", "filters", 9),
        ("/anytime/routingRules", "routingRules", 1),
        ("/anytime/triggers", "triggers", 3),
        ("/anytime/slaPolicies", "slaPolicies", 2),
        ("/anytime/blockedSenders", "blockedSenders", 3),
        ("/anytime/junkEmails", "junkEmails", 1),
        ("/webhooks", "", 2),
        ("/auditLogs", "logs", 20),
        ("/anytime/outgoingMails?state=queued", "outgoingMails", 1),
    ] {
        let found = count(path, key).await;
        assert!(at_least <= found, "{path}: {found}");
    }
    let webhooks = ann.get("/webhooks").await.expect(200);
    assert!(webhooks.as_array().unwrap().iter().all(|webhook| webhook["isEnabled"] == false), "{webhooks}");
    let lever = ann.get("/anytime/conversations?keywords=lever%20snapped").await.expect(200)["conversations"]
        [0]
    .clone();
    assert_eq!(lever["priority"], "urgent", "a rule decided: {lever}");
    let why = format!("/anytime/conversations/{}/decisions", lever["id"]);
    crate::support::test_desk::eventually("the trigger to have run", async || {
        let decisions = ann.get(&why).await.expect(200).to_string();
        ["routing", "trigger", "sla"].iter().all(|kind| decisions.contains(kind)).then_some(())
    })
    .await;
    for (words, key) in
        [("rear%20wheel%20out%20of%20true", "hasDraft"), ("refund%20returned%20lights", "isReadByContact")]
    {
        let found = ann.get(&format!("/anytime/conversations?keywords={words}")).await.expect(200);
        let has = &found["conversations"][0][key];
        assert_eq!(*has, key == "hasDraft", "{words}: {found}");
    }
}
