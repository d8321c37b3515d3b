//! kill -9 at random moments while mail is fetched: each mail exactly once, the mailbox drained, the file sound.
//! `KILL_ROUNDS` sets how many rounds (default 3).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::mail::{account, mail};
use crate::support::process::{Process, administrator};
use crate::support::test_desk::eventually;

const MAILS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn mail_survives_kill_nine_exactly_once() {
    let Some(dovecot) = Dovecot::start() else { return };
    survive(&dovecot, json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_from_an_imap_folder_survives_kill_nine_exactly_once() {
    let Some(dovecot) = Dovecot::start() else { return };
    let imap = json!({
        "type": "imap", "imapServer": "127.0.0.1", "imapPort": dovecot.imaps_port, "imapSecurity": "ssl",
        "imapUserName": "support", "imapPassword": PASSWORD,
    });
    survive(&dovecot, imap).await;
}

/// `more` changes the account before anything is fetched.
async fn survive(dovecot: &Dovecot, more: Value) {
    let rounds: usize = std::env::var("KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let mut kills = 0;
    for round in 0..rounds {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let (email, key) = administrator(&data);
        let mut process = Process::serve(&data);
        let ann = process.client(&email, &key);
        let id = account(&ann, dovecot, None).await;
        let path = format!("/anytime/emailAccounts/{id}");
        ann.put(&path, json!({ "pollInterval": 5 })).await.expect(200);
        ann.put(&path, more.clone()).await.expect(200);
        for index in 0..MAILS {
            let subject = format!("nonce {round}-{index}");
            let headers = [format!("Message-ID: <{round}.{index}@customer.example>")];
            let filler = "All work and no play makes a dull mail. ".repeat(1 + index % 50);
            let bytes = mail(
                "Lena <lena@customer.example>",
                "support@desk.example",
                &subject,
                &[&headers[0]],
                &filler,
            );
            dovecot.deliver("support", &bytes);
        }
        // Moments spread over the fetch by a multiplicative generator: random enough, and the same in every run.
        let mut moment = 7_919 * (round as u64 + 1);
        for _ in 0..4 {
            let ann = process.client(&email, &key);
            let check = tokio::spawn(async move {
                let path = format!("/anytime/emailAccounts/{id}/check");
                let request = ann.request(reqwest::Method::POST, &path).json(&json!({}));
                request.send().await.map(|response| response.status())
            });
            moment = moment * 48_271 % 2_147_483_647;
            tokio::time::sleep(Duration::from_millis(moment % 700)).await;
            process.kill();
            kills += 1;
            check.await.unwrap().ok();
            process = Process::serve(&data);
        }
        let ann = process.client(&email, &key);
        eventually("the mailbox to be drained", async || {
            let path = format!("/anytime/emailAccounts/{id}/check");
            ann.post(&path, json!({})).await.expect(200);
            (dovecot.count("support") == 0).then_some(())
        })
        .await;
        let mut subjects = BTreeSet::new();
        for page in 1..=2 {
            let list = ann.get(&format!("/anytime/conversations?pageIndex={page}")).await.expect(200);
            assert_eq!(list["total"], MAILS, "round {round}");
            for conversation in list["conversations"].as_array().unwrap() {
                subjects.insert(conversation["subject"].as_str().unwrap().to_owned());
                assert_eq!(conversation["totalReplies"], 0, "{conversation}");
            }
        }
        assert_eq!(subjects.len(), MAILS, "every mail became one conversation");
        let ledger = ann.get("/anytime/inboundMails?outcome=created").await.expect(200);
        assert_eq!(ledger["total"], MAILS);
        drop(process);
        let db = anytime::db::Db::open(
            &data.join("anytime.db"),
            anytime::time::Clock::System,
            anytime::db::Hooks::default(),
        )
        .unwrap();
        let sound = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
        assert_eq!(db.read(|s| s.number(sound, [])).unwrap(), 0);
        assert_eq!(db.read(|s| s.number("SELECT count(*) FROM pragma_foreign_key_check", [])).unwrap(), 0);
    }
    println!("{rounds} rounds of {MAILS} mails, {kills} kills");
}
