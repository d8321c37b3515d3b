//! Mails as customers' programs write them, and accounts to fetch them from.

use serde_json::{Value, json};

use super::dovecot::{self, Dovecot};
use super::smtp_server::SmtpServer;
use super::test_desk::Client;

/// A plain mail. `headers` are further lines without line ends.
pub fn mail(from: &str, to: &str, subject: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text =
        format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Mon, 5 Jan 2026 08:59:00 +0000\r\n");
    for header in headers {
        text += &format!("{header}\r\n");
    }
    text += &format!(
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
        body.replace('\n', "\r\n")
    );
    text.into_bytes()
}

/// Creates the account `support@desk.example` on a Dovecot mailbox and an SMTP server, both with self-signed TLS.
pub async fn account(ann: &Client, dovecot: &Dovecot, smtp: Option<&SmtpServer>) -> i64 {
    let mut account = json!({
        "email": "support@desk.example", "type": "pop3", "displayName": "Desk Support",
        "pop3Server": "127.0.0.1", "pop3Port": dovecot.pop3s_port, "pop3Security": "ssl",
        "pop3UserName": "support", "pop3Password": dovecot::PASSWORD, "tlsAcceptInvalidCerts": true,
        "pollInterval": 3600,
    });
    if let Some(smtp) = smtp {
        account["smtpServer"] = json!("127.0.0.1");
        account["smtpPort"] = json!(smtp.starttls_port);
        account["smtpSecurity"] = json!("startTls");
        account["smtpUserName"] = json!(super::smtp_server::USER_NAME);
        account["smtpPassword"] = json!(super::smtp_server::PASSWORD);
    }
    let created = ann.post("/anytime/emailAccounts", account).await.expect(201);
    created["emailAccount"]["id"].as_i64().unwrap()
}

/// Fetches now and gives the answer, which must have no error.
#[track_caller]
pub fn checked(answer: Value) -> Value {
    assert_eq!(answer["error"], Value::Null, "{answer}");
    answer
}
