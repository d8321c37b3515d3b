//! A disk without space: fetching pauses, the server keeps its mail, reads go on; and when there is space again
//! everything arrives once. Needs a small file system of its own, so it runs as root on Linux and skips itself
//! elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::fake_pop3::{FakePop3, Faults};
use crate::support::mail::mail;
use crate::support::process::{Process, administrator};

/// A file system in memory, gone when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, megabytes: usize) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(path.to_owned())),
            _ => None,
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_pauses_fetching_and_loses_nothing() {
    const MAILS: usize = 24;
    let directory = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&directory.path().join("disk"), 48) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let data = disk.0.join("data");
    let (email, key) = administrator(&data);
    let process = Process::serve(&data);
    let ann = process.client(&email, &key);

    let body = "All work and no play makes a dull mail.\n".repeat(10_000);
    let mails: Vec<Vec<u8>> = (0..MAILS)
        .map(|index| {
            mail("lena@customer.example", "support@desk.example", &format!("mail {index}"), &[], &body)
        })
        .collect();
    let server = FakePop3::start(&mails.iter().map(Vec::as_slice).collect::<Vec<_>>(), Faults::default());
    let account = json!({
        "email": "support@desk.example", "type": "pop3", "pop3Server": "127.0.0.1", "pop3Port": server.port,
        "pop3Security": "none", "pop3UserName": "support", "pop3Password": "secret", "pollInterval": 86400,
        "isEnabled": false,
    });
    let id = ann.post("/anytime/emailAccounts", account).await.expect(201)["emailAccount"]["id"].clone();

    // Everything but two megabytes is taken by somebody else.
    let filler = disk.0.join("filler");
    let free = rustix::fs::statvfs(&disk.0).unwrap();
    let taken = (free.f_bavail * free.f_frsize) as usize - (2 << 20);
    std::fs::write(&filler, vec![1_u8; taken]).unwrap();
    let path = format!("/anytime/emailAccounts/{id}/check");
    let answer = ann.post(&path, json!({})).await;
    assert!([200, 507].contains(&answer.status.as_u16()), "{} {}", answer.status, answer.body);
    let fetched = ann.get("/anytime/inboundMails").await.expect(200)["total"].as_u64().unwrap() as usize;
    assert!(fetched < MAILS, "the disk took all {fetched} mails: it is too large for this test");
    assert!(MAILS - fetched <= server.mails().len(), "the server lost mail that is not in the ledger");
    ann.get("/anytime/conversations").await.expect(200);
    ann.post("/tags", json!({ "name": "x".repeat(90) })).await;

    std::fs::remove_file(&filler).unwrap();
    crate::support::test_desk::eventually("the mailbox to be drained", async || {
        let answer = ann.post(&path, json!({})).await;
        (answer.status == 200 && server.mails().is_empty()).then_some(())
    })
    .await;
    crate::support::test_desk::eventually("every mail to be a conversation", async || {
        let list = ann.get("/anytime/conversations").await.expect(200);
        (list["total"] == MAILS).then_some(())
    })
    .await;
    let list = ann.get("/anytime/conversations").await.expect(200);
    let subjects: BTreeSet<&str> = list["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|conversation| conversation["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects.len(), MAILS, "each mail once");
    let ledger = ann.get("/anytime/inboundMails?outcome=created").await.expect(200);
    assert_eq!(ledger["total"], MAILS);
    let account = ann.get(&format!("/anytime/emailAccounts/{id}")).await.expect(200);
    assert_eq!(account["emailAccount"]["lastError"], Value::Null);
}
