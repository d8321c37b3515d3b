//! Our signatures under the eyes of a verifier that is not ours (dkimpy), and the keys' page.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::{Browser, PATIENCE, View};

/// Reads `name<TAB>record` lines up to an empty one, then a mail; prints what each of its signatures is worth.
const VERIFIER: &str = "
import sys, dkim
data = sys.stdin.buffer.read()
head, mail = data.split(b'\\n\\n', 1)
records = dict(line.split(b'\\t', 1) for line in head.split(b'\\n'))
find = lambda name, timeout=5: records.get(name.rstrip(b'.') if isinstance(name, bytes) else name.rstrip('.').encode())
count = mail.split(b'\\r\\n\\r\\n', 1)[0].count(b'DKIM-Signature:')
verifier = dkim.DKIM(mail)
for index in range(count):
    try:
        print('good' if verifier.verify(idx=index, dnsfunc=find) else 'bad')
    except Exception as error:
        print('bad', error)
";

/// What dkimpy thinks of each signature; `None` where it is not installed.
fn verified(records: &[(String, String)], mail: &[u8]) -> Option<Vec<String>> {
    let is_there =
        Command::new("python3").args(["-c", "import dkim, nacl"]).output().is_ok_and(|o| o.status.success());
    if !is_there {
        println!("skipped: no dkimpy");
        return None;
    }
    let mut python = Command::new("python3")
        .args(["-c", VERIFIER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let head: Vec<String> = records.iter().map(|(name, record)| format!("{name}\t{record}")).collect();
    let mut input = python.stdin.take().unwrap();
    input.write_all([head.join("\n").as_bytes(), b"\n\n", mail].concat().as_slice()).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

async fn press(browser: &Browser, page: &str, action: &str, fields: &[(&str, &str)]) -> View {
    let csrf = browser.get(page).await.csrf();
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields);
    browser.post(&format!("{page}{action}"), &all).await
}

/// What stands in the page's `code` elements: name and record of each key.
fn records(page: &View) -> Vec<(String, String)> {
    let codes: Vec<String> = page
        .html
        .split("<code>")
        .skip(1)
        .map(|rest| rest.split("</code>").next().unwrap().replace("&#38;", "&").replace("&#43;", "+"))
        .collect();
    codes.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn openssl(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("openssl").args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_mail_is_verified_by_somebody_else() {
    let Some(smtp) = SmtpServer::start(Mode::Open) else { return };
    let Some(rsa) = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]) else {
        return;
    };
    let room = Mailroom::open().await;
    let server = json!({
        "smtpServer": "127.0.0.1", "smtpPort": smtp.plain_port, "smtpSecurity": "none",
        "displayName": "Größe & Söhne, a desk with quite a long name that has to be folded somewhere",
    });
    room.ann.put(&format!("/anytime/emailAccounts/{}", room.account), server).await.expect(200);
    let ann = room.desk.browser();
    ann.sign_in("ann").await;
    let page = format!("/console/settings/email-accounts/{}/dkim", room.account);
    assert_eq!(press(&ann, &page, "/generate", &[("selector", "ed")]).await.status, 303);
    assert_eq!(press(&ann, &page, "/import", &[("selector", "r1"), ("privateKey", &rsa)]).await.status, 303);
    let shown = ann.get(&page).await;
    let records = records(&shown);
    assert_eq!(records.len(), 2, "{}", shown.html);
    assert!(records.iter().any(|(name, _)| name == "r1._domainkey.desk.example"), "{records:?}");
    assert!(!shown.html.contains("PRIVATE"), "the private half is not shown");

    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    room.answer().await;
    let unsigned = smtp.wait_for(1, PATIENCE).remove(0);
    assert_eq!(unsigned.header("DKIM-Signature"), None, "a key signs once it is switched on");
    for kind in ["ed25519", "rsa"] {
        assert_eq!(press(&ann, &page, &format!("/{kind}/start"), &[]).await.status, 303);
    }
    let guid = room.ann.upload("größe.txt", b"attached").await;
    let reply = json!({
        "type": "email", "htmlBody": "<p>Schöne  Grüße,\t &lt;Ann&gt;</p><p>.</p>", "subject": "Ünïcödé ".repeat(30),
        "attachments": [{ "guid": guid }],
    });
    let sent = room.ann.post("/anytime/conversations/1/messages", reply).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    let signed = smtp.wait_for(2, PATIENCE).remove(1).bytes();
    let Some(worth) = verified(&records, &signed) else { return };
    assert_eq!(worth, ["good", "good"], "{}", String::from_utf8_lossy(&signed));
    // The verifier is awake: a changed body, a changed subject and a second From are found.
    let text = String::from_utf8(signed).unwrap();
    let at = text.find("\r\n\r\n").unwrap();
    let body = format!("{}\r\n\r\nmore{}", &text[..at], &text[at + 4..]);
    let subject = text.replacen("\r\nSubject: ", "\r\nSubject: x", 1);
    let from = text.replacen("\r\nSubject: ", "\r\nFrom: eve@evil.example\r\nSubject: ", 1);
    for forged in [body, subject, from] {
        let worth = verified(&records, forged.as_bytes()).unwrap();
        assert!(worth.iter().all(|worth| worth.starts_with("bad")), "{worth:?}");
    }
    assert_eq!(press(&ann, &page, "/ed25519/stop", &[]).await.status, 303);
    assert_eq!(press(&ann, &page, "/rsa/delete", &[]).await.status, 303);
    room.answer().await;
    assert_eq!(smtp.wait_for(3, PATIENCE)[2].header("DKIM-Signature"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_or_no_selector_is_refused_and_only_who_manages_channels_sees_keys() {
    let room = Mailroom::open().await;
    let ann = room.desk.browser();
    ann.sign_in("ann").await;
    let page = format!("/console/settings/email-accounts/{}/dkim", room.account);
    let small =
        openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]).unwrap_or_default();
    for (fields, word) in [
        ([("selector", "s1"), ("privateKey", "nonsense")], "not a private key in PEM"),
        ([("selector", "s1"), ("privateKey", small.as_str())], "2048 bits"),
        ([("selector", "a.b"), ("privateKey", "")], "not a private key in PEM"),
    ] {
        let refused = press(&ann, &page, "/import", &fields).await;
        assert_eq!(refused.status, 400, "{fields:?}");
        assert!(refused.html.contains(word) || small.is_empty(), "{fields:?}: {}", refused.html);
    }
    for selector in ["", "a.b", "-a", "a b", "ü"] {
        let refused = press(&ann, &page, "/generate", &[("selector", selector)]).await;
        assert_eq!(refused.status, 400, "{selector}");
        refused.shows("is not a selector");
    }
    for action in ["/rsa/start", "/rsa/check", "/nonsense/delete"] {
        assert_eq!(press(&ann, &page, action, &[]).await.status, 404, "{action}");
    }
    assert_eq!(ann.get("/console/settings/email-accounts/99/dkim").await.status, 404);
    room.desk.create_agent("luis", false).await;
    let luis = room.desk.browser();
    luis.sign_in("luis").await;
    assert_eq!(luis.get(&page).await.status, 403);
    let csrf = luis.get("/console/settings/profile").await.csrf();
    let sent = luis.post(&format!("{page}/generate"), &[("csrf", &csrf), ("selector", "s1")]).await;
    assert_eq!(sent.status, 403);
    assert_eq!(room.desk.number("SELECT count(*) FROM dkim_key"), 0);
    let logged = "SELECT count(*) FROM audit_log WHERE summary LIKE 'set the ed25519 signing key%'";
    assert_eq!(press(&ann, &page, "/generate", &[("selector", "s1")]).await.status, 303);
    assert_eq!(room.desk.number(logged), 1);
}
