//! The client against scripted peers over an in-process pipe.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::*;
use crate::mail::server::{Login, Security};

fn server(security: Security, login: Login) -> Server {
    Server {
        host: "mail.example".to_owned(),
        port: 143,
        security,
        user_name: "desk".to_owned(),
        login: Some(login),
        accept_invalid_certs: true,
    }
}

fn password() -> Login {
    Login::Password("se cret".to_owned())
}

fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        read: Duration::from_millis(300),
        session: Duration::from_secs(5),
        message_bytes: 1000,
    }
}

/// Says the greeting, then answers each line that contains the word with the text, `TAG` being the line's first word;
/// after the last it stays silent. Gives what it heard when the client hangs up.
async fn play(stream: DuplexStream, greeting: &str, script: Vec<(&'static str, String)>) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    stream.write_all(greeting.as_bytes()).await.unwrap();
    let (mut heard, mut script) = (Vec::new(), script.into_iter());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return heard;
        }
        let tag = line.split(' ').next().unwrap().to_owned();
        if let Some((word, answer)) = script.next() {
            assert!(line.contains(word), "{line} instead of {word}");
            let _ = stream.write_all(answer.replace("TAG", &tag).as_bytes()).await;
        }
        heard.push(line.trim_end().to_owned());
    }
}

fn script(steps: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    steps.iter().map(|(word, answer)| (*word, (*answer).to_owned())).collect()
}

const LOGIN: [(&str, &str); 3] = [
    ("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK\r\n"),
    ("LOGIN \"desk\" \"se cret\"", "TAG OK in\r\n"),
    ("CAPABILITY", "* CAPABILITY IMAP4rev1 UIDPLUS IDLE\r\nTAG OK\r\n"),
];

async fn begin(
    server: Server,
    greeting: &'static str,
    steps: &[(&'static str, &str)],
) -> (Result<Session, FetchError>, tokio::task::JoinHandle<Vec<String>>) {
    let (ours, theirs) = duplex(64 * 1024);
    let peer = tokio::spawn(play(theirs, greeting, script(steps)));
    (open(Box::new(ours), &server, limits()).await, peer)
}

async fn session(steps: &[(&'static str, &str)]) -> (Session, tokio::task::JoinHandle<Vec<String>>) {
    let steps = [&LOGIN[..], steps].concat();
    let (session, peer) = begin(server(Security::None, password()), "* OK hello\r\n", &steps).await;
    (session.unwrap(), peer)
}

#[tokio::test]
async fn nothing_secret_is_sent_to_a_server_without_starttls() {
    for answer in ["TAG BAD unknown\r\n", "TAG NO not now\r\n"] {
        let (result, peer) =
            begin(server(Security::StartTls, password()), "* OK hello\r\n", &[("STARTTLS", answer)]).await;
        let error = result.err().unwrap();
        assert!(matches!(&error, FetchError::Tls(text) if text.contains("nothing was sent")), "{error}");
        assert_eq!(peer.await.unwrap(), ["S STARTTLS"]);
    }
}

#[tokio::test]
async fn what_is_appended_to_the_answer_to_starttls_is_never_taken_for_an_answer() {
    let injected = "TAG OK begin\r\n* CAPABILITY IMAP4rev1\r\nC OK\r\nA0001 OK in\r\n";
    let (result, peer) =
        begin(server(Security::StartTls, password()), "* OK hello\r\n", &[("STARTTLS", injected)]).await;
    let error = result.err().unwrap();
    assert!(matches!(error, FetchError::Tls(_)), "{error}");
    let heard = peer.await.unwrap().join("\n");
    assert!(!heard.contains("LOGIN") && !heard.contains("se cret"), "{heard}");
}

#[tokio::test]
async fn a_greeting_that_signs_us_in_unasked_is_refused() {
    for security in [Security::None, Security::StartTls] {
        let (result, peer) = begin(server(security, password()), "* PREAUTH welcome\r\n", &[]).await;
        assert!(matches!(result.err().unwrap(), FetchError::Login { .. }));
        assert_eq!(peer.await.unwrap(), Vec::<String>::new());
    }
    let (result, _) = begin(server(Security::None, password()), "220 smtp.example ESMTP\r\n", &[]).await;
    assert!(result.err().unwrap().to_string().contains("does not speak IMAP"));
}

#[tokio::test]
async fn a_password_is_not_sent_to_a_server_that_takes_none() {
    let steps = [("CAPABILITY", "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nTAG OK\r\n")];
    let (result, peer) = begin(server(Security::None, password()), "* OK hello\r\n", &steps).await;
    assert!(matches!(result.err().unwrap(), FetchError::Login { .. }));
    assert_eq!(peer.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_login_tells_why_and_hides_the_password() {
    let steps = [LOGIN[0], ("LOGIN", "TAG NO [AUTHENTICATIONFAILED] no \"se cret\" here\r\n")];
    let (result, _) = begin(server(Security::None, password()), "* OK hello\r\n", &steps).await;
    let error = result.err().unwrap();
    assert!(matches!(error, FetchError::Login { .. }), "{error}");
    assert!(error.to_string().contains("here") && !error.to_string().contains("se cret"), "{error}");
}

#[tokio::test]
async fn a_refused_token_is_answered_and_told() {
    let login = Login::Token("t0ken".to_owned());
    let steps = [
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nTAG OK\r\n"),
        ("AUTHENTICATE XOAUTH2", "+ \r\n"),
        ("dXNlcj1kZXNrAWF1dGg9QmVhcmVyIHQwa2VuAQE=", "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"),
        ("", "A0001 NO expired\r\n"),
    ];
    let (result, _) = begin(server(Security::None, login.clone()), "* OK hello\r\n", &steps).await;
    let error = result.err().unwrap();
    assert!(matches!(&error, FetchError::Login { answer, .. } if answer == "expired"), "{error}");
    // And not even shown to a server that does not know what it is.
    let (result, peer) = begin(server(Security::None, login), "* OK hello\r\n", &[LOGIN[0]]).await;
    assert!(matches!(result.err().unwrap(), FetchError::Login { .. }));
    assert_eq!(peer.await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_message_that_is_refused_leaves_the_session_usable() {
    let (mut session, _) = session(&[
        ("SELECT \"INBOX\"", "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK\r\n"),
        (
            "UID FETCH 1:*",
            "* 1 FETCH (UID 4 RFC822.SIZE 5 FLAGS ())\r\n* 2 FETCH (UID 9 RFC822.SIZE 6 FLAGS (\\Seen))\r\nTAG OK\r\n",
        ),
        ("UID FETCH 4", "TAG NO [SERVERBUG] it is broken\r\n"),
        ("UID FETCH 9", "* 2 FETCH (UID 9 BODY[] {6}\r\na\r\n.\r\n)\r\nTAG OK\r\n"),
        ("UID FETCH 10", "TAG OK nothing\r\n"),
    ])
    .await;
    assert_eq!(session.select("INBOX").await.unwrap(), 7);
    let listed = session.list(0).await.unwrap();
    assert_eq!(listed, [Listing { uid: 4, size_bytes: 5 }, Listing { uid: 9, size_bytes: 6 }]);
    let error = session.retrieve(4).await.unwrap_err();
    assert!(error.is_session_usable() && session.is_usable(), "{error}");
    assert_eq!(session.retrieve(9).await.unwrap().unwrap(), b"a\r\n.\r\n");
    assert_eq!(session.retrieve(10).await.unwrap(), None);
}

#[tokio::test]
async fn the_last_message_is_not_new_again() {
    let (mut session, _) = session(&[
        ("SELECT", "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK\r\n"),
        ("UID FETCH 10:*", "* 1 FETCH (UID 9 RFC822.SIZE 6 FLAGS ())\r\nTAG OK\r\n"),
    ])
    .await;
    session.select("INBOX").await.unwrap();
    assert_eq!(session.list(9).await.unwrap(), []);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_its_end() {
    let (ours, theirs) = duplex(64 * 1024);
    let server = server(Security::None, password());
    let steps = [&LOGIN[..], &[("SELECT", "* 3 EXISTS\r\n")]].concat();
    let peer = tokio::spawn(play(theirs, "* OK hello\r\n", script(&steps)));
    let mut session = open(Box::new(ours), &server, limits()).await.unwrap();
    let selecting = tokio::spawn(async move { (session.select("INBOX").await, session.is_usable()) });
    tokio::task::yield_now().await;
    let (result, is_usable) = selecting.await.unwrap();
    assert!(matches!(result.unwrap_err(), FetchError::TimedOut(_)));
    assert!(!is_usable);
    peer.abort();
}

#[tokio::test]
async fn a_message_larger_than_it_was_said_to_be_is_not_swallowed() {
    let large = format!("* 1 FETCH (UID 4 BODY[] {{200000}}\r\n{}", "x".repeat(150_000));
    let (mut session, _) = session(&[("SELECT", "* 1 EXISTS\r\nTAG OK\r\n"), ("UID FETCH 4", &large)]).await;
    session.select("INBOX").await.unwrap();
    let error = session.retrieve(4).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    assert!(!session.is_usable());
}

#[tokio::test]
async fn what_is_no_imap_ends_the_session_and_is_not_repeated() {
    let (mut session, _) = session(&[("SELECT", "?? private text\r\nTAG OK\r\n")]).await;
    let error = session.select("INBOX").await.unwrap_err();
    assert!(matches!(&error, FetchError::Broken(text) if !text.contains("private")), "{error}");
    assert!(!session.is_usable());
}
