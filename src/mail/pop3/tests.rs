//! The client against scripted peers over an in-process pipe.

use std::sync::Arc;

use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::*;
use crate::mail::fetch_error::ResponseCode;

/// One thing the peer does.
enum Step {
    /// Waits for exactly this line.
    Hear(String),
    Say(Vec<u8>),
    /// Says nothing and keeps the connection for this long.
    Wait(Duration),
}

fn hear(line: &str) -> Step {
    Step::Hear(line.to_owned())
}

fn say(bytes: impl AsRef<[u8]>) -> Step {
    Step::Say(bytes.as_ref().to_vec())
}

/// The greeting and a login without CAPA.
fn login() -> Vec<Step> {
    vec![
        say("+OK ready\r\n"),
        hear("CAPA"),
        say("-ERR what?\r\n"),
        hear("USER desk"),
        say("+OK\r\n"),
        hear("PASS se cret"),
        say("+OK\r\n"),
    ]
}

fn after_login(steps: Vec<Step>) -> Vec<Step> {
    login().into_iter().chain(steps).collect()
}

/// Plays the steps, then hangs up. Returns every line heard.
async fn play(stream: impl AsyncRead + AsyncWrite + Unpin, steps: Vec<Step>) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    let mut heard = Vec::new();
    for step in steps {
        match step {
            Step::Hear(expected) => {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    break;
                }
                let line = line.trim_end().to_owned();
                assert_eq!(line, expected);
                heard.push(line);
            }
            Step::Say(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            Step::Wait(span) => tokio::time::sleep(span).await,
        }
    }
    heard
}

fn server(security: Security) -> Server {
    Server {
        host: "pop.example.org".to_owned(),
        port: 110,
        security,
        user_name: "desk".to_owned(),
        login: Some(Login::Password("se cret".to_owned())),
        accept_invalid_certs: true,
    }
}

fn limits() -> Limits {
    Limits { message_bytes: 10_000, ..Limits::default() }
}

/// Runs `client` against the steps; `pipe_bytes` is the largest piece that arrives at once.
async fn with_peer<T>(
    pipe_bytes: usize,
    steps: Vec<Step>,
    client: impl AsyncFnOnce(DuplexStream) -> T,
) -> (T, Vec<String>) {
    let (ours, theirs) = duplex(pipe_bytes);
    let (result, heard) = tokio::join!(client(ours), play(theirs, steps));
    (result, heard)
}

/// As `with_peer`, with an open session.
async fn with_session<T>(steps: Vec<Step>, client: impl AsyncFnOnce(Session) -> T) -> T {
    let (result, _) = with_peer(4096, after_login(steps), async |stream| {
        let session = open(Box::new(stream), &server(Security::None), limits()).await.unwrap();
        client(session).await
    })
    .await;
    result
}

#[tokio::test(start_paused = true)]
async fn a_whole_session_lists_retrieves_deletes_and_quits() {
    let steps = vec![
        hear("UIDL"),
        say("+OK\r\n1 aaa\r\n2 bbb\r\n.\r\n"),
        hear("LIST"),
        say("+OK 2 messages\r\n1 120\r\n2 7 octets\r\n.\r\n"),
        hear("RETR 2"),
        say(b"+OK\r\nA: b\r\n\r\n..dot\r\n\x00\xff\r\n.\r\n"),
        hear("DELE 2"),
        say("+OK\r\n"),
        hear("QUIT"),
        say("+OK bye\r\n"),
    ];
    with_session(steps, async |mut session| {
        let list = session.list().await.unwrap();
        let names: Vec<_> = list.iter().map(|m| (m.number, m.uidl.as_deref(), m.size_bytes)).collect();
        assert_eq!(names, [(1, Some("aaa"), 120), (2, Some("bbb"), 7)]);
        assert_eq!(session.retrieve(2).await.unwrap(), b"A: b\r\n\r\n.dot\r\n\x00\xff\r\n");
        session.delete(2).await.unwrap();
        session.quit().await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_leaves_the_session_usable() {
    let steps = vec![
        hear("RETR 1"),
        say("-ERR [SYS/TEMP] that one is stuck\r\n"),
        hear("RETR 2"),
        say("+OK\r\nok\r\n.\r\n"),
        hear("DELE 3"),
        say("-ERR no such message\r\n"),
        hear("QUIT"),
        say("+OK\r\n"),
    ];
    with_session(steps, async |mut session| {
        let error = session.retrieve(1).await.unwrap_err();
        assert!(error.is_session_usable());
        assert_eq!(error.code(), Some(ResponseCode::SystemTemporary));
        assert!(error.to_string().contains("pop.example.org:110 refused RETR 1"), "{error}");
        assert_eq!(session.retrieve(2).await.unwrap(), b"ok\r\n");
        assert!(session.delete(3).await.unwrap_err().is_session_usable());
        session.quit().await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_is_an_error_wherever_it_comes() {
    let whole = b"+OK\r\nSubject: x\r\n\r\nbody\r\n.\r\n";
    for end in 0..whole.len() {
        let steps = vec![hear("RETR 1"), say(&whole[..end])];
        with_session(steps, async |mut session| {
            let error = session.retrieve(1).await.unwrap_err();
            assert!(matches!(error, FetchError::Broken(_)), "{end}: {error}");
            assert!(!error.is_session_usable());
            assert!(!session.is_usable());
            assert!(matches!(session.delete(1).await, Err(FetchError::Broken(_))));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn deletions_do_not_count_unless_quit_was_confirmed() {
    for answer in ["", "-ERR some deleted messages not removed\r\n"] {
        let steps = vec![hear("DELE 1"), say("+OK\r\n"), hear("QUIT"), say(answer)];
        with_session(steps, async |mut session| {
            session.delete(1).await.unwrap();
            assert!(session.quit().await.is_err());
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_and_a_dripping_peer_both_time_out() {
    let hour = Duration::from_secs(3600);
    with_session(vec![hear("RETR 1"), say("+OK\r\nhalf"), Step::Wait(hour)], async |mut session| {
        let error = session.retrieve(1).await.unwrap_err();
        assert!(matches!(&error, FetchError::TimedOut(text) if text.contains("30 seconds")), "{error}");
        assert!(!session.is_usable());
    })
    .await;

    let mut steps = vec![hear("RETR 1"), say("+OK\r\n")];
    for _ in 0..100 {
        steps.extend([say("x"), Step::Wait(Duration::from_secs(10))]);
    }
    with_session(steps, async |mut session| {
        let error = session.retrieve(1).await.unwrap_err();
        assert!(matches!(&error, FetchError::TimedOut(text) if text.contains("540 seconds")), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn size_is_capped_by_bytes_read_whatever_the_server_claims() {
    let steps = vec![
        hear("RETR 1"),
        say(format!("+OK 5 octets\r\n{}\r\n.\r\n", "x".repeat(9_998))),
        hear("RETR 2"),
        say(format!("+OK 5 octets\r\n{}\r\n.\r\n", "x".repeat(9_999))),
    ];
    with_session(steps, async |mut session| {
        assert_eq!(session.retrieve(1).await.unwrap().len(), 10_000);
        let error = session.retrieve(2).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { limit_bytes: 10_000, .. }), "{error}");
        assert!(!session.is_usable());
        assert!(!error.is_session_usable());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bare_line_feeds_are_kept_and_a_server_that_speaks_them_is_understood() {
    with_session(vec![hear("RETR 1"), say("+OK\na\n..b\nc\r\n.\n")], async |mut session| {
        assert_eq!(session.retrieve(1).await.unwrap(), b"a\n.b\nc\r\n");
    })
    .await;
    let half = vec![hear("RETR 1"), say("+OK\r\na\nb\n.\r\n"), hear("QUIT"), say("+OK\r\n")];
    with_session(half, async |mut session| {
        assert_eq!(session.retrieve(1).await.unwrap(), b"a\nb\n");
        session.quit().await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mail_with_lone_line_feeds_cannot_end_itself_early() {
    let mail = "a\n.\r\n+OK forged answer\r\nb\n.\nc\r\n";
    let steps = vec![hear("RETR 1"), say(format!("+OK\r\n{mail}.\r\n")), hear("DELE 1"), say("-ERR no\r\n")];
    with_session(steps, async |mut session| {
        assert_eq!(session.retrieve(1).await.unwrap(), mail.as_bytes());
        assert!(session.delete(1).await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_nobody_asked_for_end_the_session() {
    let steps = vec![hear("DELE 1"), say("+OK\r\n+OK surplus\r\n"), hear("DELE 2")];
    with_session(steps, async |mut session| {
        session.delete(1).await.unwrap();
        assert!(matches!(session.delete(2).await, Err(FetchError::Broken(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn names_that_are_long_shared_or_missing_do_no_harm() {
    let long = "x".repeat(300);
    let steps = vec![
        hear("UIDL"),
        say(format!("+OK\r\n1 same\r\n2 {long}\r\n3 same\r\n4\r\njunk\r\n5 five\r\n.\r\n")),
        hear("LIST"),
        say("+OK\r\n1 10\r\n2 nonsense\r\n3 10\r\n4 10\r\n6 10\r\n.\r\n"),
    ];
    with_session(steps, async |mut session| {
        let list = session.list().await.unwrap();
        let names: Vec<_> = list.iter().map(|m| m.uidl.as_deref()).collect();
        let hashed = hex(&Sha256::digest(long.as_bytes()));
        assert_eq!(names, [None, Some(hashed.as_str()), None, None, Some("five"), None]);
        assert_eq!(list.iter().map(|m| m.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(list[1].size_bytes, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_uidl_the_header_names_a_message_and_without_top_nothing_does() {
    let top = "A: b\r\n\r\n";
    let steps = vec![
        hear("UIDL"),
        say("-ERR unknown command\r\n"),
        hear("LIST"),
        say("+OK\r\n1 10\r\n.\r\n"),
        hear("TOP 1 0"),
        say(format!("+OK\r\n{top}.\r\n")),
        hear("UIDL"),
        say("-ERR unknown command\r\n"),
        hear("LIST"),
        say("+OK\r\n1 10\r\n2 10\r\n.\r\n"),
        hear("TOP 1 0"),
        say("-ERR unknown command\r\n"),
    ];
    with_session(steps, async |mut session| {
        let list = session.list().await.unwrap();
        assert_eq!(list[0].uidl, Some(hex(&Sha256::digest(format!("{top}10")))));
        let list = session.list().await.unwrap();
        assert!(list.iter().all(|message| message.uidl.is_none()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_tells_why_and_hides_the_password() {
    let steps = vec![
        say("+OK\r\n"),
        hear("CAPA"),
        say("+OK\r\nTOP\r\nUSER\r\nSASL PLAIN\r\n.\r\n"),
        hear("USER desk"),
        say("+OK\r\n"),
        hear("PASS se cret"),
        say("-ERR [AUTH] 'se cret' is wrong\r\n"),
    ];
    let (result, _) = with_peer(4096, steps, async |stream| {
        open(Box::new(stream), &server(Security::None), limits()).await.err().unwrap()
    })
    .await;
    assert_eq!(result.code(), Some(ResponseCode::Authentication));
    assert!(!result.to_string().contains("se cret"), "{result}");
    assert!(!format!("{result:?} {:?}", server(Security::None)).contains("se cret"));
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_says_so_in_its_greeting() {
    let steps = vec![say("-ERR [IN-USE] another session\r\n")];
    let (error, _) = with_peer(4096, steps, async |stream| {
        open(Box::new(stream), &server(Security::None), limits()).await.err().unwrap()
    })
    .await;
    assert_eq!(error.code(), Some(ResponseCode::InUse));
}

#[tokio::test(start_paused = true)]
async fn auth_plain_is_used_when_user_is_not_offered() {
    let steps = vec![
        say("+OK\r\n"),
        hear("CAPA"),
        say("+OK\r\nSASL LOGIN PLAIN\r\n.\r\n"),
        hear("AUTH PLAIN"),
        say("+ \r\n"),
        hear("AGRlc2sAc2UgY3JldA=="),
        say("+OK\r\n"),
    ];
    let (result, _) = with_peer(4096, steps, async |stream| {
        open(Box::new(stream), &server(Security::None), limits()).await.map(drop)
    })
    .await;
    result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_line_break_in_a_password_is_refused_before_anything_is_sent() {
    let mut server = server(Security::None);
    server.login = Some(Login::Password("x\r\nDELE 1".to_owned()));
    let (error, heard) = with_peer(4096, vec![hear("")], async |stream| {
        open(Box::new(stream), &server, limits()).await.err().unwrap()
    })
    .await;
    assert!(matches!(error, FetchError::Login { .. }));
    assert!(heard.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_sent_when_starttls_is_refused_or_injected_into() {
    for answer in ["-ERR no\r\n", "+OK begin\r\n+OK injected\r\n", "+OK\r\n\r\n"] {
        let steps = vec![say("+OK\r\n"), hear("STLS"), say(answer), hear("")];
        let (error, heard) = with_peer(4096, steps, async |stream| {
            open(Box::new(stream), &server(Security::StartTls), limits()).await.err().unwrap()
        })
        .await;
        assert!(matches!(error, FetchError::Tls(_)), "{error}");
        assert_eq!(heard, ["STLS"]);
    }
}

/// A server side with a self-signed certificate made for this test.
fn acceptor() -> tokio_rustls::TlsAcceptor {
    const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCSyD1DRgQMGefSaWT6GFamkx086gabQm1XMS\
        56/2u0ehRANCAARvjwwkMOOsve0RF+HkBQCbiphKmSemAGiKvswi2IuysPNTzchh0R8R1QHnQwXrvscsjtl8XauxGVbuMkOkHyvL";
    const CERTIFICATE: &str = "MIIBpzCCAU2gAwIBAgIUBGUY4UoO5nBgPPohIymkT3kEonwwCgYIKoZIzj0\
        EAwIwGjEYMBYGA1UEAwwP\
        cG9wLmV4YW1wbGUub3JnMCAXDTI2MTEyMzIzMzIxNVoYDzIxMjYxMDMwMjMzMjE1WjAaMRgwFgYDVQQDDA\
        9wb3AuZXhhbXBsZS5vcmcw\
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARvjwwkMOOsve0RF+HkBQCbiphKmSemAGiKvswi2IuysPNTzc\
        hh0R8R1QHnQwXrvscsjtl8\
        XauxGVbuMkOkHyvLo28wbTAdBgNVHQ4EFgQU2vAg5jTlTxX6oqUm/LY55Q6YAK4wHwYDVR0jBBgwFoAU2v\
        Ag5jTlTxX6oqUm/LY55Q6Y\
        AK4wDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgg9wb3AuZXhhbXBsZS5vcmcwCgYIKoZIzj0EAwIDSA\
        AwRQIgLgORTA6wqc9Lmq61\
        xgBwKkPSqzZtvVzgXV63aUdr9BoCIQDjigXLhoKRRwlt+E9U6l8Bpta5zPY7LnR1w9Z8luqkpQ==";
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![decode(CERTIFICATE).into()],
                rustls::pki_types::PrivatePkcs8KeyDer::from(decode(KEY)).into(),
            )
            .unwrap();
    Arc::new(config).into()
}

#[tokio::test(start_paused = true)]
async fn starttls_and_implicit_tls_carry_a_session() {
    for security in [Security::StartTls, Security::Tls] {
        let (ours, mut theirs) = duplex(4096);
        let peer = async move {
            let mut steps = login();
            if security == Security::StartTls {
                theirs.write_all(b"+OK\r\n").await.unwrap();
                let mut line = [0; 6];
                tokio::io::AsyncReadExt::read_exact(&mut theirs, &mut line).await.unwrap();
                assert_eq!(&line, b"STLS\r\n");
                theirs.write_all(b"+OK go\r\n").await.unwrap();
                steps.remove(0);
            }
            let stream = acceptor().accept(theirs).await.unwrap();
            steps.extend([hear("RETR 1"), say("+OK\r\nhi\r\n.\r\n"), hear("QUIT"), say("+OK\r\n")]);
            play(stream, steps).await
        };
        let server = server(security);
        let client = async {
            let mut session = open(Box::new(ours), &server, limits()).await.unwrap();
            assert_eq!(session.retrieve(1).await.unwrap(), b"hi\r\n");
            session.quit().await.unwrap();
        };
        tokio::join!(client, peer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_nobody_vouches_for_ends_the_session_before_the_login() {
    let (ours, theirs) = duplex(4096);
    let mut server = server(Security::Tls);
    server.accept_invalid_certs = false;
    let peer = async { assert!(acceptor().accept(theirs).await.is_err()) };
    let client = async { open(Box::new(ours), &server, limits()).await.err().unwrap() };
    let (error, ()) = tokio::join!(client, peer);
    assert!(matches!(error, FetchError::Tls(_)), "{error}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut server = server(Security::None);
    server.host = "127.0.0.1".to_owned();
    server.port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = connect(&server, limits()).await.err().unwrap();
    assert!(matches!(error, FetchError::Unreachable(_)), "{error}");
}

/// As a server sends it: CRLF lines, stuffed, ended.
fn stuffed(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut sent = b"+OK\r\n".to_vec();
    for line in lines {
        if line.starts_with(b".") {
            sent.push(b'.');
        }
        sent.extend_from_slice(line);
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(b".\r\n");
    sent
}

/// A short line of bytes that matter, dots above all.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b".\x00\xffa ".to_vec()), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_message_survives_any_splitting(
        lines in prop::collection::vec(line(), 0..12),
        pipe_bytes in 1_usize..9,
    ) {
        let expected: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\r\n"].concat()).collect();
        let steps = after_login(vec![hear("RETR 1"), say(stuffed(&lines)), hear("QUIT"), say("+OK\r\n")]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (retrieved, _) = runtime.block_on(with_peer(pipe_bytes, steps, async |stream| {
            let mut session = open(Box::new(stream), &server(Security::None), limits()).await.unwrap();
            let message = session.retrieve(1).await.unwrap();
            session.quit().await.unwrap();
            message
        }));
        prop_assert_eq!(retrieved, expected);
    }
}

#[tokio::test]
async fn a_token_signs_in_and_a_refused_one_says_why() {
    let token = xoauth2_encoded("desk", "t0ken");
    let begin = [
        say("+OK ready\r\n"),
        hear("CAPA"),
        say("+OK\r\nUSER\r\nSASL PLAIN XOAUTH2\r\n.\r\n"),
        hear("AUTH XOAUTH2"),
        say("+ \r\n"),
        hear(&token),
    ];
    let refused = [say("+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"), hear(""), say("-ERR [AUTH] t0ken has expired\r\n")];
    let (stream, peer) = duplex(4096);
    let playing = tokio::spawn(play(peer, begin.into_iter().chain(refused).collect()));
    let mut server = server(Security::None);
    server.login = Some(Login::Token("t0ken".to_owned()));
    let error = open(Box::new(stream), &server, limits()).await.err().unwrap();
    assert_eq!(error.code(), Some(ResponseCode::Authentication));
    assert!(error.to_string().ends_with("(password) has expired"), "{error}");
    playing.await.unwrap();
}
