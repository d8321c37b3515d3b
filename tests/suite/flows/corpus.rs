//! Real mail of every shape through a real server: each has one ledger row, one outcome and its exact bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::dovecot::Dovecot;
use crate::support::mail::account;
use crate::support::test_desk::TestDesk;

fn files(under: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_of(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn files_of(path: &Path) -> Vec<PathBuf> {
    files(path)
}

/// What a POP3 server makes of a file: every line ends in CRLF.
fn on_the_wire(bytes: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(bytes.len());
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' && (index == 0 || bytes[index - 1] != b'\r') {
            wire.push(b'\r');
        }
        wire.push(*byte);
    }
    if !wire.is_empty() && !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_of_the_corpus_has_one_ledger_row_with_its_bytes_and_an_outcome() {
    let Ok(corpus) = std::env::var("ANYTIME_CORPUS") else {
        println!("skipped: no corpus");
        return;
    };
    let Some(dovecot) = Dovecot::start() else { return };
    let desk = TestDesk::start_now().await;
    let ann = desk.as_ann().await;
    let id = account(&ann, &dovecot, None).await;
    let mut sums: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut count = 0;
    for folder in ["messages", "bounces"] {
        for path in files(&Path::new(&corpus).join("mail").join(folder)) {
            let bytes = std::fs::read(&path).unwrap();
            dovecot.deliver("support", &bytes);
            *sums.entry(Sha256::digest(on_the_wire(&bytes)).to_vec()).or_default() += 1;
            count += 1;
        }
    }
    let answer = ann.post(&format!("/anytime/emailAccounts/{id}/check"), json!({})).await.expect(200);
    println!("{count} mails: {answer}");
    assert_eq!(answer["error"], serde_json::Value::Null, "{answer}");
    assert_eq!(answer["fetched"], count, "{answer}");
    assert_eq!(dovecot.count("support"), 0, "the mailbox is drained");
    let outcomes: i64 = answer["outcomes"].as_object().unwrap().values().map(|n| n.as_i64().unwrap()).sum();
    assert_eq!(outcomes, count, "{answer}");
    assert_eq!(desk.number("SELECT count(*) FROM inbound_mail WHERE outcome IS NULL"), 0);
    let stored: Vec<Vec<u8>> =
        desk.app.read(|s| s.all("SELECT sha256 FROM inbound_mail", [], |row| row.get(0))).unwrap();
    let mut missing = sums.clone();
    for sum in stored {
        let left = missing.get_mut(&sum).unwrap_or_else(|| panic!("bytes that no file has"));
        *left -= 1;
    }
    assert!(missing.values().all(|left| *left == 0));
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 0, "nothing is answered automatically");
    assert_eq!(
        desk.number("SELECT count(*) FROM contact_identity WHERE value LIKE 'mailer-daemon@%'"),
        0,
        "delivery reports make no contacts"
    );
    assert_eq!(
        desk.number(
            "SELECT count(*) FROM message WHERE html_body LIKE '%<script%' OR html_body LIKE '% onerror=%'"
        ),
        0
    );
}
