//! Backup, verify and restore, as somebody types them.

use std::path::Path;
use std::process::Output;

use serde_json::json;

use crate::support::process::{Process, administrator, anytime};

fn run(data: &Path, arguments: &[&str]) -> Output {
    anytime(data).args(arguments).output().unwrap()
}

#[track_caller]
fn says(output: &Output, ok: bool, text: &str) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.success(), ok, "{said}");
    assert!(said.contains(text), "'{text}' is not in: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_beside_a_busy_server_becomes_the_same_site_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let (data, file) = (directory.path().join("data"), directory.path().join("desk.backup"));
    let (email, key) = administrator(&data);
    let process = Process::serve(&data);
    let ann = process.client(&email, &key);
    let account = json!({ "email": "support@desk.example", "smtpServer": "127.0.0.1", "smtpPort": 1,
        "smtpPassword": "hunter2 hunter2", "isEnabled": true });
    ann.post("/anytime/emailAccounts", account).await.expect(201);
    let lena =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    ann.post("/contacts", lena).await.expect(201);
    let message = json!({ "type": "email", "plainBody": "It is on its way." });
    let new = json!({ "subject": "Your chain", "channel": "email", "contactId": 1, "message": message });
    ann.post("/anytime/conversations", new).await.expect(201);
    // Tags keep coming while the copy is made: it shows one moment.
    let writer = {
        let ann = ann.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                ann.post("/tags", json!({ "name": format!("tag {number}") })).await.expect(201);
            }
        })
    };
    let path = file.to_str().unwrap();
    says(&run(&data, &["backup", path]), true, "1 conversations, 1 messages, 1 agents (schema 1)");
    writer.await.unwrap();
    says(&run(&data, &["backup", path]), false, "is there already");
    says(&run(&data, &["verify", path]), true, "is sound: 1 conversations");
    says(&run(&data, &["restore", path]), false, "already serves");

    let elsewhere = directory.path().join("elsewhere");
    let restored = run(&elsewhere, &["restore", path]);
    says(&restored, true, "restored 1 conversations, 1 messages, 1 agents");
    says(&restored, true, "1 mails wait");
    let second = Process::serve(&elsewhere);
    let ann = second.client(&email, &key);
    assert_eq!(
        ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["subject"],
        "Your chain"
    );
    let mail = ann.get("/anytime/outgoingMails/1").await.expect(200);
    assert_eq!(mail["outgoingMail"]["state"], "held", "nobody knows whether it was sent since");
    // The mail account's password can still be read with the key that came along.
    let test = ann.post("/anytime/emailAccounts/1/test", json!({})).await.expect(200);
    let error = test["smtp"]["error"].as_str().unwrap();
    assert!(!error.contains("password"), "{error}");

    drop(second);
    says(&run(&elsewhere, &["restore", path]), false, "--replace puts it aside");
    says(&run(&elsewhere, &["restore", "--replace", path]), true, "anytime.db.replaced-1");
    assert!(elsewhere.join("anytime.db.replaced-1").is_file());
}

#[test]
fn a_damaged_or_foreign_backup_is_refused_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (data, file) = (directory.path().join("data"), directory.path().join("desk.backup"));
    administrator(&data);
    let path = file.to_str().unwrap();
    says(&run(&data, &["backup", path]), true, "1 agents");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xff);
    std::fs::write(&file, &bytes).unwrap();
    says(&run(&data, &["verify", path]), false, "is damaged");
    let before = std::fs::read(data.join("anytime.db")).unwrap();
    says(&run(&data, &["restore", "--replace", path]), false, "is damaged");
    std::fs::write(&file, b"just some text, and long enough to be looked at as a file of SQLite").unwrap();
    says(&run(&data, &["verify", path]), false, "cannot be read");
    says(&run(&data, &["verify", "nowhere"]), false, "there is no file 'nowhere'");
    assert_eq!(std::fs::read(data.join("anytime.db")).unwrap(), before);
    let empty = directory.path().join("empty");
    says(&run(&empty, &["backup", "x"]), false, "there is no site in");
}
