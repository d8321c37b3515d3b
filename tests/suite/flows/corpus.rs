//! Real mail of every shape through a real server: each has one ledger row, one outcome and its exact bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anytime::desk::blob;
use anytime::ids::BlobId;
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

/// What stays of a file when Dovecot hands it out: it writes its own line ends, and replaces NULs.
fn essence(bytes: &[u8]) -> Vec<u8> {
    let kept = bytes.iter().filter(|byte| !matches!(byte, b'\r' | 0 | 0x80)).copied();
    let text: Vec<u8> = kept.collect();
    Sha256::digest(text.trim_ascii_end()).to_vec()
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
            *sums.entry(essence(&bytes)).or_default() += 1;
            count += 1;
        }
    }
    let answer = ann.post(&format!("/anytime/emailAccounts/{id}/check"), json!({})).await.expect(200);
    println!("{count} mails: {answer}");
    assert_eq!(answer["error"], serde_json::Value::Null, "{answer}");
    assert_eq!(dovecot.count("support"), 0, "the mailbox is drained");
    assert_eq!(
        desk.number("SELECT count(*) FROM inbound_mail"),
        count,
        "the schedule may have fetched the first ones"
    );
    assert_eq!(desk.number("SELECT count(*) FROM inbound_mail WHERE outcome IS NULL"), 0);
    let sql = "SELECT sha256, blob_id, size_bytes || ' bytes: ' || subject FROM inbound_mail";
    let rows: Vec<(Vec<u8>, BlobId, String)> =
        desk.app.read(|s| s.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))).unwrap();
    let stored = rows.into_iter().map(|(sum, blob, name)| {
        let raw = desk.app.read(|s| blob::read(s, blob)).unwrap();
        assert_eq!(Sha256::digest(&raw).to_vec(), sum, "{name}");
        (essence(&raw), name)
    });
    let mut missing = sums.clone();
    let mut strangers = Vec::new();
    for (sum, name) in stored {
        match missing.get_mut(&sum) {
            Some(left) => *left -= 1,
            None => strangers.push(name),
        }
    }
    assert!(strangers.is_empty(), "bytes that no file has: {strangers:?}");
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
