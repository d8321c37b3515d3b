//! Our mail against mail servers that are not ours, and the misbehaving servers against a client that is not
//! ours.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anytime::mail::Mailbox;
use anytime::mail::outgoing::{self, Automatic, File, Outgoing};
use anytime::mail::server::{Login, Security, Server};
use anytime::mail::smtp::{self, Outcome, SmtpError};
use anytime::time::Timestamp;

use crate::support::dovecot::{self, Dovecot};
use crate::support::fake_pop3::{self, FakePop3, Faults};
use crate::support::smtp_server::{self, Mode, SmtpServer};

const SOON: Duration = Duration::from_secs(20);

fn server(peer: &SmtpServer, security: Security) -> Server {
    Server {
        host: "localhost".to_owned(),
        port: match security {
            Security::None => peer.plain_port,
            Security::StartTls => peer.starttls_port,
            Security::Tls => peer.tls_port,
        },
        security,
        user_name: String::new(),
        login: None,
        accept_invalid_certs: true,
    }
}

fn with_login(mut server: Server, password: &str) -> Server {
    server.user_name = smtp_server::USER_NAME.to_owned();
    server.login = Some(Login::Password(password.to_owned()));
    server
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: Some(name.to_owned()), address: address.to_owned() }
}

fn sample() -> Outgoing {
    Outgoing {
        message_id: "1.2.abc@desk.example".to_owned(),
        from: mailbox("Help Desk", "help@desk.example"),
        reply_to: None,
        to: vec![mailbox("Jane Doe", "jane@example.com")],
        cc: Vec::new(),
        subject: "Your order".to_owned(),
        text: "Hello".to_owned(),
        html: None,
        in_reply_to: None,
        references: Vec::new(),
        attachments: Vec::new(),
        date: Timestamp::from_millis(1_558_521_420_000),
        automatic: None,
        instance: "desk-1".to_owned(),
    }
}

fn to(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| (*address).to_owned()).collect()
}

const MAIL: &[u8] = b"Subject: x\r\n\r\nHello\r\n";

#[tokio::test]
async fn an_untrusted_certificate_is_refused_unless_it_is_accepted() {
    let Some(peer) = SmtpServer::start(Mode::RequireLogin) else {
        return;
    };
    for security in [Security::StartTls, Security::Tls] {
        let mut server = with_login(server(&peer, security), smtp_server::PASSWORD);
        server.accept_invalid_certs = false;
        let error = smtp::check(&server).await.unwrap_err();
        assert!(matches!(error, SmtpError::Tls { .. }) && error.is_account(), "{error:?}");
        assert!(error.to_string().contains(&format!("localhost:{}", server.port)), "{error}");

        server.accept_invalid_certs = true;
        smtp::check(&server).await.unwrap();
        let sender = Some("help@desk.example");
        let delivery = smtp::deliver(&server, sender, &to(&["jane@example.com"]), MAIL).await.unwrap();
        assert_eq!(delivery.recipients[0].1, Outcome::Accepted);
    }
    let mails = peer.wait_for(2, SOON);
    assert!(mails.iter().all(|mail| mail.is_tls && mail.is_authenticated), "{mails:?}");
    assert_eq!(mails[0].from, "help@desk.example");
}

#[tokio::test]
async fn a_wrong_password_is_the_accounts_fault_and_is_never_repeated() {
    let Some(peer) = SmtpServer::start(Mode::RequireLogin) else {
        return;
    };
    for security in [Security::None, Security::StartTls, Security::Tls] {
        let server = with_login(server(&peer, security), "wr0ng");
        let error = smtp::check(&server).await.unwrap_err();
        assert!(matches!(error, SmtpError::Login { .. }), "{error:?}");
        assert!(error.is_account() && !error.is_permanent());
        assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error}");
    }
    let error = smtp::deliver(&server(&peer, Security::Tls), None, &to(&["jane@example.com"]), MAIL).await;
    assert!(matches!(error, Err(SmtpError::Login { .. })), "{error:?}");
    assert!(peer.received().is_empty());
}

#[tokio::test]
async fn tls_towards_a_plain_port_is_no_fallback_to_plain() {
    let Some(peer) = SmtpServer::start(Mode::Open) else {
        return;
    };
    for security in [Security::StartTls, Security::Tls] {
        let mut server = with_login(server(&peer, security), smtp_server::PASSWORD);
        server.port = peer.plain_port;
        let error = smtp::check(&server).await.unwrap_err();
        assert!(matches!(error, SmtpError::Tls { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn each_recipient_has_an_outcome_of_its_own() {
    let Some(peer) = SmtpServer::start(Mode::Open) else {
        return;
    };
    let recipients = to(&[
        "refuse@example.com",
        "jane@example.com",
        "defer@example.com",
        "no address",
        "slow@bücher.example",
    ]);
    let server = server(&peer, Security::StartTls);
    let delivery = smtp::deliver(&server, None, &recipients, MAIL).await.unwrap();
    let names: Vec<_> = delivery.recipients.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, recipients);
    let outcomes: Vec<_> = delivery.recipients.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes[0], Outcome::Refused("550 5.1.1 No such user".to_owned()));
    assert_eq!(outcomes[1], Outcome::Accepted);
    assert_eq!(outcomes[2], Outcome::Deferred("451 4.7.1 Greylisted, try again".to_owned()));
    assert!(matches!(outcomes[3], Outcome::Refused(_)));
    assert_eq!(outcomes[4], Outcome::Accepted);
    let mails = peer.wait_for(1, SOON);
    assert_eq!(mails[0].from, "");
    assert_eq!(mails[0].recipients, ["jane@example.com", "slow@xn--bcher-kva.example"]);

    let refused = smtp::deliver(&server, None, &to(&["refuse@example.com"]), MAIL).await.unwrap();
    assert!(matches!(refused.recipients[0].1, Outcome::Refused(_)));
    let spam = smtp::deliver(&server, None, &to(&["spam@example.com"]), MAIL).await.unwrap();
    assert_eq!(spam.recipients[0].1, Outcome::Refused("554 5.6.0 Not wanted".to_owned()));
    let subjects = peer.wait_for(2, SOON).len();
    assert_eq!(subjects, 2, "a mail without recipients is not sent");
}

#[tokio::test]
async fn a_body_cannot_end_the_mail_and_start_another() {
    let Some(peer) = SmtpServer::start(Mode::Open) else {
        return;
    };
    let server = server(&peer, Security::None);
    let next = "MAIL FROM:<evil@example.net>\r\nRCPT TO:<jane@example.com>\r\nDATA\r\n\
        Subject: evil\r\n\r\nevil\r\n.\r\n";
    let ends = [
        "\r\n.\r\n",
        "\n.\n",
        "\r.\r",
        "\n.\r\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r.\r\n",
        "\r\n\0.\r\n",
        "\r\n..\r\n",
    ];
    for (sent, end) in ends.iter().enumerate() {
        let body = format!("before{end}{next}after");
        let raw = format!("Subject: raw\r\n\r\n{body}");
        smtp::deliver(&server, None, &to(&["jane@example.com"]), raw.as_bytes()).await.unwrap();
        let built = outgoing::build(&Outgoing { text: body, ..sample() }).unwrap();
        smtp::deliver(&server, None, &to(&["jane@example.com"]), &built).await.unwrap();

        let mails = peer.wait_for(2 * sent + 2, SOON);
        assert_eq!(mails.len(), 2 * sent + 2, "{end:?} made a mail of its own");
        for mail in &mails[2 * sent..] {
            let bytes = mail.bytes();
            assert!(
                bytes.ends_with(b"evil\r\n.\r\nafter\r\n"),
                "{end:?}: {}",
                String::from_utf8_lossy(&bytes)
            );
        }
        assert_eq!(mails[2 * sent + 1].bytes(), built, "the bytes arrive as they were built");
    }
    assert!(peer.received().iter().all(|mail| mail.from.is_empty()));
}

#[tokio::test]
async fn pythons_mail_parser_reads_what_we_wrote() {
    let Some(peer) = SmtpServer::start(Mode::Open) else {
        return;
    };
    let subject =
        "Ünïcödé, 日本語の件名 und ein sehr langer Betreff, der über mehrere Zeilen geht 🎉 \"quoted\" end";
    let names = [
        "Größe.pdf",
        "日本語のファイル名がとても長いのでいくつもの行に分かれる.txt",
        "a \"quoted\" name; x=1.txt",
    ];
    let mail = Outgoing {
        from: mailbox("Müller, \"Jörg\" <x@y>", "help@desk.example"),
        to: vec![mailbox("Jane. Doe", "jane@example.com"), mailbox("山田太郎", "yamada@example.jp")],
        cc: vec![mailbox("=?utf-8?q?x?=", "cc@example.com")],
        subject: subject.to_owned(),
        html: Some("<p>Größe</p>".to_owned()),
        attachments: names
            .iter()
            .map(|name| File {
                file_name: (*name).to_owned(),
                content_type: "text/plain".to_owned(),
                content_id: None,
                bytes: b"x".to_vec(),
            })
            .collect(),
        automatic: Some(Automatic::Generated),
        references: (0..30).map(|n| format!("{n}.{}@example.com", "r".repeat(30))).collect(),
        ..sample()
    };
    let bytes = outgoing::build(&mail).unwrap();
    let server = server(&peer, Security::Tls);
    smtp::deliver(&server, None, &to(&["jane@example.com"]), &bytes).await.unwrap();
    let received = peer.wait_for(1, SOON).remove(0);
    assert_eq!(received.header("subject"), Some(subject));
    assert_eq!(received.file_names, names);
    assert_eq!(received.header("from"), Some(r#""Müller, \"Jörg\" <x@y>" <help@desk.example>"#));
    assert_eq!(
        received.header("to"),
        Some(r#""Jane. Doe" <jane@example.com>, 山田太郎 <yamada@example.jp>"#)
    );
    assert!(received.header("cc").unwrap().ends_with("<cc@example.com>"));
    assert_eq!(received.header("message-id"), Some("<1.2.abc@desk.example>"));
    assert_eq!(received.header("auto-submitted"), Some("auto-generated"));
    assert_eq!(received.header("references").unwrap().split_whitespace().count(), 21);
    assert_eq!(received.bytes(), bytes);
}

#[tokio::test]
async fn a_connection_lost_after_the_final_dot_leaves_it_open_whether_the_mail_arrived() {
    let Some(peer) = SmtpServer::start(Mode::DropAfterDot) else {
        return;
    };
    for security in [Security::None, Security::StartTls, Security::Tls] {
        let error = smtp::deliver(&server(&peer, security), None, &to(&["jane@example.com"]), MAIL)
            .await
            .unwrap_err();
        assert!(matches!(error, SmtpError::Ambiguous { .. }), "{error:?}");
        assert!(!error.is_permanent() && !error.is_account());
    }
    peer.wait_for(3, SOON);

    let Some(peer) = SmtpServer::start(Mode::Open) else {
        return;
    };
    let plain = server(&peer, Security::None);
    peer.drop_after_dot(true);
    assert!(smtp::deliver(&plain, None, &to(&["jane@example.com"]), MAIL).await.is_err());
    peer.drop_after_dot(false);
    assert!(smtp::deliver(&plain, None, &to(&["jane@example.com"]), MAIL).await.is_ok());
}

/// A POP3 client without any cleverness: the lines of an answer as they come.
struct Pop3(BufReader<TcpStream>);

impl Pop3 {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut client = Self(BufReader::new(stream));
        assert!(client.line().starts_with("+OK"));
        client
    }

    fn log_in(port: u16, user: &str, password: &str) -> Self {
        let mut client = Self::connect(port);
        assert!(client.ask(&format!("USER {user}")).starts_with("+OK"));
        let answer = client.ask(&format!("PASS {password}"));
        assert!(answer.starts_with("+OK"), "{answer}");
        client
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ask(&mut self, command: &str) -> String {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
        self.line()
    }

    fn ask_for_lines(&mut self, command: &str) -> Vec<String> {
        assert!(self.ask(command).starts_with("+OK"));
        std::iter::from_fn(|| Some(self.line()).filter(|line| line != ".")).collect()
    }
}

#[test]
fn dovecot_serves_what_is_delivered_and_forgets_what_is_deleted() {
    let Some(dovecot) = Dovecot::start() else { return };
    dovecot.deliver("jane", b"Subject: one\r\n\r\n.dot\r\n");
    dovecot.deliver("jane", b"Subject: two\r\n\r\n");
    assert_eq!((dovecot.count("jane"), dovecot.count("joe")), (2, 0));
    assert!(TcpStream::connect(("127.0.0.1", dovecot.pop3s_port)).is_ok());

    let mut pop3 = Pop3::connect(dovecot.pop3_port);
    assert!(pop3.ask_for_lines("CAPA").contains(&"STLS".to_owned()));
    assert!(pop3.ask("USER jane").starts_with("+OK"));
    assert!(pop3.ask("PASS wrong").starts_with("-ERR [AUTH]"));

    let mut pop3 = Pop3::log_in(dovecot.pop3_port, "jane", dovecot::PASSWORD);
    assert_eq!(pop3.ask_for_lines("UIDL").len(), 2, "{}", dovecot.log());
    assert_eq!(pop3.ask_for_lines("RETR 1"), ["Subject: one", "", "..dot"]);
    assert!(pop3.ask("DELE 1").starts_with("+OK"));
    assert!(pop3.ask("QUIT").starts_with("+OK"));
    assert_eq!(dovecot.count("jane"), 1);
}

#[test]
fn the_fake_pop3_server_is_a_sound_server_when_nothing_is_wrong() {
    let (long, dots) = (fake_pop3::mail_with_long_line(100_000), fake_pop3::mail_with_dot_lines());
    let fake = FakePop3::start(&[&long, &dots], Faults::default());
    let mut pop3 = Pop3::log_in(fake.port, "jane", "any");
    assert_eq!(pop3.ask("STAT"), format!("+OK 2 {}", long.len() + dots.len()));
    assert_eq!(pop3.ask_for_lines("UIDL"), ["1 uid-1", "2 uid-2"]);
    assert_eq!(pop3.ask_for_lines("RETR 1")[3].len(), 100_000);
    assert_eq!(pop3.ask_for_lines("RETR 2")[3..], ["..", "...", "..a", "....", "b.", ".."]);
    assert_eq!(pop3.ask_for_lines("TOP 2 0").len(), 3);
    pop3.ask("DELE 1");
    assert_eq!(fake.mails().len(), 2, "deletion waits for QUIT");
    assert!(pop3.ask("RETR 1").starts_with("-ERR"));
    pop3.ask("QUIT");
    let left: Vec<_> = fake.mails().into_iter().map(|mail| mail.uid).collect();
    assert_eq!(left, ["uid-2"]);
    assert_eq!((fake.connections(), fake.count("RETR"), fake.count("DELE")), (1, 3, 1));
    fake.add("uid-9", b"Subject: new\r\n\r\n");
    assert_eq!(Pop3::log_in(fake.port, "jane", "any").ask("UIDL 2"), "+OK 2 uid-9");
    assert!(fake.commands().contains(&"DELE 1".to_owned()));
}

#[test]
fn the_fake_pop3_server_fails_as_told() {
    let mail = b"Subject: x\r\n\r\nbody\r\n";
    let fake = FakePop3::start(&[mail, mail], Faults::default());
    let session = |faults: Faults| {
        fake.set_faults(faults);
        Pop3::log_in(fake.port, "jane", "any")
    };

    let mut pop3 = session(Faults { no_capa: true, no_uidl: true, ..Faults::default() });
    assert!(pop3.ask("CAPA").starts_with("-ERR") && pop3.ask("UIDL").starts_with("-ERR"));
    let mut pop3 = session(Faults { duplicate_uids: true, claimed_size: Some(7), ..Faults::default() });
    assert_eq!(pop3.ask_for_lines("UIDL"), ["1 same-uid", "2 same-uid"]);
    assert_eq!(pop3.ask("LIST 1"), "+OK 1 7");
    let mut pop3 = session(Faults { failing_mail: Some(1), eof_in_mail: Some(2), ..Faults::default() });
    assert!(pop3.ask("RETR 1").starts_with("-ERR"));
    pop3.ask("RETR 2");
    let mut rest = Vec::new();
    pop3.0.read_to_end(&mut rest).unwrap();
    assert!(mail.starts_with(&rest) && rest.len() < mail.len(), "{}", String::from_utf8_lossy(&rest));
    let mut pop3 =
        session(Faults { never_deletes: true, slow: Some(Duration::from_micros(1)), ..Faults::default() });
    assert!(pop3.ask("DELE 1").starts_with("+OK") && pop3.ask("QUIT").starts_with("+OK"));
    assert_eq!(fake.mails().len(), 2);
    session(Faults { deletes_at_retr: true, ..Faults::default() }).ask_for_lines("RETR 1");
    assert_eq!(fake.mails().len(), 1);
    let mut pop3 = session(Faults { silent_quit: true, ..Faults::default() });
    pop3.ask("DELE 1");
    assert_eq!(pop3.ask("QUIT"), "");
    assert_eq!(fake.mails().len(), 0);

    fake.set_faults(Faults {
        in_use: true,
        stls_injection: Some(b"+OK injected\r\n".to_vec()),
        ..Faults::default()
    });
    let mut pop3 = Pop3::connect(fake.port);
    assert!(pop3.ask_for_lines("CAPA").contains(&"STLS".to_owned()));
    pop3.ask("USER jane");
    assert!(pop3.ask("PASS any").starts_with("-ERR [IN-USE]"));
    assert_eq!(pop3.ask("STLS"), "+OK");
    assert_eq!(pop3.line(), "+OK injected");
    fake.set_faults(Faults { wrong_password: true, ..Faults::default() });
    let mut pop3 = Pop3::connect(fake.port);
    pop3.ask("USER jane");
    assert!(pop3.ask("PASS any").starts_with("-ERR [AUTH]"));
}
