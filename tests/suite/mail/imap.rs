//! IMAP accounts against a real Dovecot: each way to connect, what becomes of a mail on the server, restored mailboxes,
//! connections that break, and mail that arrives while we wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::mail::mail;
use crate::support::test_desk::{Client, TestDesk, eventually};

const ACCOUNTS: &str = "/anytime/emailAccounts";

fn numbered(index: usize) -> Vec<u8> {
    let id = format!("Message-ID: <{index}@customer.example>");
    mail("lena@customer.example", "support@desk.example", &format!("mail {index}"), &[&id], "Hello")
}

/// A desk with Dovecot's mailbox `support`.
struct Scene {
    dovecot: Dovecot,
    desk: TestDesk,
    ann: Client,
}

impl Scene {
    /// `None` where there is no Dovecot.
    async fn start() -> Option<Self> {
        let dovecot = Dovecot::start()?;
        let desk = TestDesk::start_now().await;
        let ann = desk.as_ann().await;
        Some(Self { dovecot, desk, ann })
    }

    /// An account for `support` in the clear; switched off, so that only `check` fetches.
    async fn account(&self, port: u16, more: Value) -> i64 {
        let mut account = json!({
            "email": "support@desk.example", "type": "imap", "imapServer": "localhost", "imapPort": port,
            "imapSecurity": "none", "imapUserName": "support", "imapPassword": PASSWORD, "pollInterval": 86400,
            "isEnabled": false, "tlsAcceptInvalidCerts": true,
        });
        account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"]["id"].as_i64().unwrap()
    }

    /// The same, straight to Dovecot.
    async fn own_account(&self, more: Value) -> i64 {
        self.account(self.dovecot.imap_port, more).await
    }

    async fn change(&self, id: i64, change: Value) {
        self.ann.put(&format!("{ACCOUNTS}/{id}"), change).await.expect(200);
    }

    async fn check(&self, id: i64) -> Value {
        self.ann.post(&format!("{ACCOUNTS}/{id}/check"), json!({})).await.expect(200)
    }

    /// The error of a check that must fail.
    async fn check_error(&self, id: i64) -> String {
        self.check(id).await["error"].as_str().unwrap().to_owned()
    }

    async fn conversations(&self) -> i64 {
        self.ann.get("/anytime/conversations").await.expect(200)["total"].as_i64().unwrap()
    }

    fn deliver(&self, indices: std::ops::Range<usize>) {
        for index in indices {
            self.dovecot.deliver("support", &numbered(index));
        }
    }

    /// Mails that the server has.
    fn left(&self) -> usize {
        self.dovecot.count("support")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_fetched_in_the_clear_by_starttls_and_by_tls_and_then_deleted() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.own_account(json!({})).await;
    for (index, (security, port)) in [
        ("none", scene.dovecot.imap_port),
        ("startTls", scene.dovecot.imap_port),
        ("ssl", scene.dovecot.imaps_port),
    ]
    .into_iter()
    .enumerate()
    {
        scene.deliver(index..index + 1);
        let change = json!({ "imapSecurity": security, "imapPort": port });
        scene.change(id, change).await;
        let tested = scene.ann.post(&format!("{ACCOUNTS}/{id}/test"), json!({})).await.expect(200);
        assert_eq!(
            tested["imap"],
            json!({ "ok": true, "error": null }),
            "{security}: {}",
            scene.dovecot.log()
        );
        let checked = scene.check(id).await;
        assert_eq!((&checked["fetched"], &checked["error"]), (&json!(1), &Value::Null), "{security}");
        assert_eq!(checked["outcomes"]["created"], 1);
        assert_eq!(scene.left(), 0, "{security}");
    }
    assert_eq!(scene.conversations().await, 3);
    let list = scene.ann.get("/anytime/inboundMails").await.expect(200);
    assert!(
        list["inboundMails"].as_array().unwrap().iter().all(|mail| mail["isOnServer"] == false),
        "{list}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_certificate_nobody_vouches_for_are_told() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.own_account(json!({ "imapPassword": "wr0ng" })).await;
    let error = scene.check_error(id).await;
    assert!(error.contains("refused the login") && !error.contains("wr0ng"), "{error}");
    let strict =
        json!({ "imapSecurity": "startTls", "tlsAcceptInvalidCerts": false, "imapPassword": PASSWORD });
    scene.change(id, strict).await;
    let error = scene.check_error(id).await;
    assert!(error.contains("TLS handshake") && error.contains("failed"), "{error}");
    let gone = json!({ "imapSecurity": "none", "folder": "No such folder" });
    scene.change(id, gone).await;
    let error = scene.check_error(id).await;
    assert!(error.contains("refused SELECT"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_stays_is_marked_as_read_and_not_fetched_again() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.own_account(json!({ "leaveCopyOnServer": true })).await;
    scene.deliver(0..3);
    assert_eq!(scene.check(id).await["fetched"], 3);
    assert_eq!((scene.left(), scene.dovecot.count_seen("support")), (3, 3));
    assert_eq!(scene.check(id).await["fetched"], 0);
    scene.deliver(3..4);
    assert_eq!(scene.check(id).await["fetched"], 1);
    assert_eq!((scene.left(), scene.conversations().await), (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_begins_anew_is_read_anew_without_duplicates() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.own_account(json!({ "leaveCopyOnServer": true })).await;
    scene.deliver(0..3);
    assert_eq!(scene.check(id).await["outcomes"]["created"], 3);
    scene.dovecot.renumber("support");
    scene.deliver(3..4);
    let again = scene.check(id).await;
    assert_eq!(again["error"], Value::Null, "{}", scene.dovecot.log());
    assert_eq!(
        (&again["outcomes"]["created"], &again["outcomes"]["ignored"]),
        (&json!(1), &json!(3)),
        "{again}"
    );
    assert_eq!(scene.conversations().await, 4);
    assert_eq!(scene.check(id).await["fetched"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_to_a_folder_that_is_made_for_it() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.own_account(json!({ "moveToFolder": "Done" })).await;
    scene.deliver(0..2);
    let checked = scene.check(id).await;
    assert_eq!(checked["error"], Value::Null, "{}", scene.dovecot.log());
    assert_eq!((scene.left(), scene.dovecot.count_in("support", "Done")), (0, 2));
    // And from that folder, whatever else is in the inbox.
    let other = json!({ "folder": "Done", "moveToFolder": "" });
    scene.change(id, other).await;
    scene.deliver(2..3);
    let again = scene.check(id).await;
    assert_eq!(again["outcomes"]["ignored"], 2, "{again}");
    assert_eq!((scene.left(), scene.dovecot.count_in("support", "Done")), (1, 0));
}

/// Stands between the desk and a server, and cuts the connection when the desk says a certain word.
async fn cutting_proxy(to: u16, word: &'static str, is_cutting: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((desk, _)) = listener.accept().await {
            let is_cutting = is_cutting.clone();
            tokio::spawn(async move {
                let (mut from_desk, mut to_desk) = desk.into_split();
                let (mut from_server, mut to_server) =
                    TcpStream::connect(("127.0.0.1", to)).await.unwrap().into_split();
                let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_desk).await });
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = from_desk.read(&mut bytes).await {
                    let said = String::from_utf8_lossy(&bytes[..count]).into_owned();
                    if said.contains(word) && is_cutting.load(Ordering::SeqCst) {
                        break;
                    }
                    to_server.write_all(&bytes[..count]).await.unwrap();
                }
                back.abort();
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_at_any_step_loses_and_doubles_nothing() {
    for word in ["SELECT", "BODY.PEEK", "UID STORE", "UID EXPUNGE"] {
        let Some(scene) = Scene::start().await else { return };
        scene.deliver(0..3);
        let is_cutting = Arc::new(AtomicBool::new(true));
        let port = cutting_proxy(scene.dovecot.imap_port, word, is_cutting.clone()).await;
        let id = scene.account(port, json!({})).await;
        let broken = scene.check(id).await;
        assert!(broken["error"].is_string(), "{word}: {broken}");
        is_cutting.store(false, Ordering::SeqCst);
        assert_eq!(scene.check(id).await["error"], Value::Null, "{word}");
        assert_eq!((scene.left(), scene.conversations().await), (0, 3), "{word}");
        let ledger = scene.ann.get("/anytime/inboundMails").await.expect(200);
        assert_eq!(ledger["total"], 3, "{word}: {ledger}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_mail_than_a_session_takes_is_fetched_in_several() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.own_account(json!({ "leaveCopyOnServer": true })).await;
    scene.deliver(0..95);
    assert_eq!(scene.check(id).await["fetched"], 95);
    scene.change(id, json!({ "leaveCopyOnServer": false })).await;
    assert_eq!(scene.check(id).await["fetched"], 0);
    assert_eq!((scene.left(), scene.conversations().await), (0, 95));
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_arrives_is_fetched_at_once_where_the_server_tells_of_it() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.own_account(json!({ "isEnabled": true })).await;
    eventually("the first check", async || {
        let account = scene.ann.get(&format!("{ACCOUNTS}/{id}")).await.expect(200);
        account["emailAccount"]["lastSuccessTime"].is_string().then_some(())
    })
    .await;
    for index in 0..2 {
        // The next turn to poll is tomorrow.
        scene.deliver(index..index + 1);
        let wanted = index as i64 + 1;
        eventually("the mail", async || (scene.conversations().await == wanted).then_some(())).await;
    }
    // SIGTERM ends the wait at once.
    let begun = std::time::Instant::now();
    scene.desk.stop().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_holds_up_no_other_account() {
    let Some(scene) = Scene::start().await else { return };
    // It takes connections and leaves them waiting for a greeting.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let stuck = json!({ "email": "stuck@desk.example", "isEnabled": true, "pollInterval": 5 });
    scene.account(port, stuck).await;
    let (_waiting, _) = silent.accept().await.unwrap();
    scene.own_account(json!({ "isEnabled": true, "pollInterval": 5 })).await;
    scene.deliver(1..2);
    eventually("the mail of the other account", async || (scene.conversations().await == 1).then_some(()))
        .await;
}
