//! Mails as they come, and as an attacker would make them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn mail(text: &str) -> Incoming {
    parse(text.replace('\n', "\r\n").as_bytes())
}

fn with_header(line: &str) -> Incoming {
    mail(&format!("From: a@example.org\n{line}\n\nhi\n"))
}

fn kind(line: &str) -> Option<AutomaticKind> {
    with_header(line).automatic.map(|automatic| automatic.kind)
}

#[test]
fn a_plain_mail_is_read_whole() {
    let read = mail(
        "Return-Path: <ann@example.org>\nDelivered-To: desk+c1.1.2.x@example.com\n\
        Message-ID: <id-1@EXAMPLE.org>\n\
         From: =?utf-8?q?Ann_=C3=84?= <Ann@Example.ORG>\nTo: Desk <desk@example.com>, b@example.com\n\
         Cc: c@example.com\n\
         Reply-To: r@example.org\nSubject: Hello\n =?utf-8?b?w6k=?=\nDate: Wed, 22 May 2019 12:37:00 +0200\n\
         In-Reply-To: <p@x>\nReferences: <o@x>\n <p@x>\n\nHi there\n",
    );
    let from = read.from.unwrap();
    assert_eq!((from.name.as_deref(), from.address.as_str()), (Some("Ann Ä"), "Ann@example.org"));
    assert_eq!(read.message_id.as_deref(), Some("id-1@EXAMPLE.org"));
    assert_eq!(read.subject, "Hello é");
    assert_eq!(read.date.unwrap().to_string(), "2019-05-22T10:37:00.000Z");
    assert_eq!(read.in_reply_to, ["p@x"]);
    assert_eq!(read.references, ["o@x", "p@x"]);
    assert_eq!(read.to.len(), 2);
    assert_eq!(read.delivered_to, ["desk+c1.1.2.x@example.com"]);
    assert_eq!(read.text.as_deref(), Some("Hi there\r\n"));
    assert!(read.html_parts.is_empty() && read.attachments.is_empty() && read.problem.is_none());
    assert!(!read.from_is_ambiguous && !read.suppress_answer && read.automatic.is_none());
}

#[test]
fn alternatives_inline_images_and_files_are_told_apart() {
    let read = mail(
        "From: a@b.c\nContent-Type: multipart/mixed; boundary=m\n\npreamble\n--m\n\
         Content-Type: multipart/related; boundary=\"m.r\"\n\n--m.r\n\
         Content-Type: multipart/alternative; boundary=m.a\n\n--m.a\nContent-Type: text/plain\n\ntext\n\
         --m.a\n\
         Content-Type: text/html; charset=utf-8\n\n<img src=\"cid:pic@x\">\n--m.a--\n--m.r\n\
         Content-Type: image/png; name=pic.png\nContent-ID: <pic@x>\nContent-Transfer-Encoding: base64\n\
         \nAAEC\n--m.r--\n--m\n\
         Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"../../etc/a?.pdf\"\n\
         \nPDF\n--m\n\
         Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=m2\n\n\
         --m2\n\nx\n--m2--\n--m\n\
         Content-Type: text/plain\n\nfooter & <more>\n--m--\nepilogue\n",
    );
    assert_eq!(read.text.as_deref(), Some("text\nfooter & <more>"));
    assert_eq!(read.html_parts.len(), 2);
    assert_eq!(read.html_parts[0], "<img src=\"cid:pic@x\">");
    assert!(read.html_parts[1].contains("footer &amp; &lt;more>"), "{}", read.html_parts[1]);
    let files: Vec<_> = read
        .attachments
        .iter()
        .map(|part| (part.file_name.as_str(), part.content_type.as_str(), part.is_inline, part.bytes.len()))
        .collect();
    assert_eq!(files[0], ("pic.png", "image/png", true, 3));
    assert_eq!(files[1], ("a_.pdf", "application/pdf", false, 3));
    assert_eq!((files[2].0, files[2].1, files[2].2), ("message.eml", "message/rfc822", false));
    assert!(read.attachments[2].bytes.starts_with(b"Subject: inner"));
    assert_eq!(read.attachments.len(), 3);
}

#[test]
fn the_first_of_duplicate_fields_wins_and_two_authors_are_ambiguous() {
    let read = mail("From: a@x.y\nFrom: b@x.y\nSubject: one\nSubject: two\n\n.\n");
    assert_eq!(read.from.unwrap().address, "a@x.y");
    assert!(read.from_is_ambiguous && read.suppress_answer);
    assert_eq!(read.subject, "one");
    for from in ["From: a@x.y, b@x.y", "From: friends: a@x.y;", "From: nobody", "X: y"] {
        assert!(mail(&format!("{from}\nSubject: s\n\n.\n")).from_is_ambiguous, "{from}");
    }
}

#[test]
fn addresses_with_blanks_are_mended_when_there_is_only_one() {
    let from = |text: &str| mail(&format!("From: {text}\n\n.\n")).from.map(|from| from.address);
    assert_eq!(from("Joe <jdoe @ machine. Example>").as_deref(), Some("jdoe@machine.example"));
    assert_eq!(from("big bug bb@bug.com").as_deref(), Some("bb@bug.com"));
    assert_eq!(from("a@b.c d@e.f"), None);
}

#[test]
fn names_and_subjects_lose_what_deceives() {
    let read = mail(
        "From: \"a\u{202e}b\u{0}\u{200b}c\" <a@x.y>\nTo: \"x\" <bad\u{200b}@x.y>\n\
        Subject: a\tb\u{2066}c\n\n.\n",
    );
    assert_eq!(read.from.unwrap().name.as_deref(), Some("ab c"));
    assert!(read.to.is_empty());
    assert_eq!(read.subject, "a bc");
}

#[test]
fn headers_in_any_encoding_are_decoded() {
    let subject = |line: &[u8]| parse(&[b"From: a@x.y\r\nSubject: ", line, b"\r\n\r\n"].concat()).subject;
    assert_eq!(subject("Grüße".as_bytes()), "Grüße");
    assert_eq!(subject(b"Gr\xfc\xdfe"), "Grüße");
    // The two bytes of one character in two words.
    assert_eq!(subject(b"=?utf-8?b?YcM=?= =?UTF-8?b?qWI=?="), "aéb");
    assert_eq!(subject(b"=?utf-8?q?a=C3?=\r\n =?utf-8?q?=A9_?= b"), "aé b");
    assert_eq!(subject(b"=?iso-8859-1?q?Fr\xf6sche_?= \xfc"), "Frösche ü");
    assert_eq!(subject(b"=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?="), "日本");
    assert_eq!(subject(b"=?x-unknown?q?abc?="), "abc");
    assert_eq!(subject(b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?="), "日本");
    assert_eq!(subject(b"=?utf-8?q?broken"), "=?utf-8?q?broken");
    let declared = parse(
        b"From: a@x.y\r\nSubject: \xcf\xf0\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n\xcf\xf0",
    );
    assert_eq!((declared.subject.as_str(), declared.text.as_deref()), ("Пр", Some("Пр")));
}

#[test]
fn utf7_is_never_decoded() {
    let read = mail(
        "From: =?utf-7?q?+ADw-x+AD4-?= <a@x.y>\nSubject: =?UTF-7?B?K0FEdy14K0FENC0=?=\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\n\
         Content-Type: text/html; charset*0=ut; charset*1=f-7\n\n+ADw-script+AD4-\n--b\n\
         Content-Type: image/png; name*=utf-7''%2BADw-x%2BAD4-\n\n.\n--b--\n",
    );
    let all = format!("{read:?}");
    assert!(!all.contains("<x>") && !all.contains("<script>"), "{all}");
    assert_eq!(read.html_parts, ["+ADw-script+AD4-"]);
}

#[test]
fn file_names_are_safe_and_readable() {
    let name = |disposition: &str| {
        let text = format!(
            "From: a@b.c\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\
             Content-Disposition: attachment; {disposition}\n\n.\n--b--\n"
        );
        mail(&text).attachments[0].file_name.clone()
    };
    assert_eq!(name("filename=\"=?utf-8?q?Rechnung_=C3=84.pdf?=\""), "Rechnung Ä.pdf");
    assert_eq!(name("filename*=UTF-8''%E2%82%AC%20a.png"), "€ a.png");
    assert_eq!(name("filename*1=\"b.png\"; filename*0=\"a\""), "ab.png");
    assert_eq!(name("filename=\"C:\\\\x\\\\y.exe\""), "y.exe");
    assert_eq!(name("filename=\"..\""), "image.png");
    assert_eq!(name("filename=\"con.txt\""), "_con.txt");
    assert_eq!(name("filename=\"a\u{202e}gnp.exe\""), "agnp.exe");
    assert!(name(&format!("filename=\"{}.png\"", "ä".repeat(300))).len() <= 200);
}

#[test]
fn machines_are_told_from_people() {
    assert_eq!(kind("Auto-Submitted: auto-replied; x=y"), Some(AutomaticKind::AutoReply));
    assert_eq!(kind("Auto-Submitted: (c) Auto-Generated"), Some(AutomaticKind::Bulk));
    assert_eq!(kind("Auto-Submitted: No (really)"), None);
    assert_eq!(kind("X-Autoreply: yes"), Some(AutomaticKind::AutoReply));
    assert_eq!(kind("Precedence: list"), Some(AutomaticKind::List));
    assert_eq!(kind("Precedence: auto-reply"), Some(AutomaticKind::AutoReply));
    assert_eq!(kind("Precedence: first-class"), None);
    assert_eq!(kind("List-Unsubscribe: <mailto:x@y.z>"), Some(AutomaticKind::List));
    assert_eq!(kind("Return-Path: <>"), Some(AutomaticKind::Bounce));
    assert_eq!(kind("Return-Path: <a@example.org>"), None);
    assert_eq!(
        kind("Content-Type: multipart/report; report-type=delivery-status; boundary=x"),
        Some(AutomaticKind::Bounce)
    );
    assert_eq!(
        kind("Content-Type: multipart/report; report-type=feedback-report"),
        Some(AutomaticKind::FeedbackReport)
    );
    // A subject alone may be a person's, whose answer would move nothing.
    assert_eq!(kind("Subject: Out of office: back on Monday"), None);
    assert_eq!(kind("Subject: Absence of a reply: where is my parcel?"), None);
    assert_eq!(
        kind("Subject: Out of office: back on Monday\nX-Auto-Response-Suppress: OOF"),
        Some(AutomaticKind::OutOfOffice)
    );
    assert_eq!(kind("Subject: Re: Out of office"), None);
    assert_eq!(kind("Received: from x\n".repeat(26).trim_end()), Some(AutomaticKind::Loop));
    let sender =
        |address: &str| mail(&format!("From: {address}\n\n.\n")).automatic.map(|automatic| automatic.kind);
    assert_eq!(sender("MAILER-DAEMON@x.y"), Some(AutomaticKind::Bounce));
    assert_eq!(sender("Mail Delivery <MAILER-DAEMON>"), Some(AutomaticKind::Bounce));
    assert_eq!(sender("no-reply@x.y"), Some(AutomaticKind::Bulk));
    assert_eq!(sender("users-request@x.y"), Some(AutomaticKind::List));
    let decided = with_header("Auto-Submitted: auto-replied").automatic.unwrap();
    assert_eq!(decided.header, "Auto-Submitted: auto-replied");
}

#[test]
fn a_wish_for_silence_is_not_a_machine() {
    let read = with_header("X-Auto-Response-Suppress: DR, OOF, AutoReply");
    assert!(read.suppress_answer && read.automatic.is_none());
    assert!(!with_header("X-Auto-Response-Suppress: DR, RN").suppress_answer);
}

#[test]
fn only_the_instance_header_of_ours_is_read() {
    assert_eq!(with_header("x-anytime-instance: abc").instance.as_deref(), Some("abc"));
    assert_eq!(with_header("X-Anytime-Conversation: 7"), with_header("X: y"));
}

#[test]
fn garbage_and_emptiness_still_give_a_mail() {
    for (raw, problem) in [
        (b"".as_slice(), "empty"),
        (b"\r\n\r\n", "empty"),
        (b"\x00\xff\xfe", "no headers"),
        (b"just some text: with a colon\n", "no headers"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no headers"),
    ] {
        let read = parse(raw);
        assert!(read.problem.as_deref().unwrap_or_default().contains(problem), "{raw:?} {:?}", read.problem);
        assert!(read.from_is_ambiguous && read.suppress_answer);
    }
    assert_eq!(parse(b"From: a@x.y").from.unwrap().address, "a@x.y");
    assert_eq!(parse(b"From a@x.y Mon Jan 1\nFrom: a@x.y\n\nhi").text.as_deref(), Some("hi"));
    assert_eq!(parse(b"From: a@x.y\rSubject: s\r\rhi\r").subject, "s");
}

#[test]
fn depth_parts_and_header_size_are_bounded() {
    let mut nested = "From: a@x.y\n".to_owned();
    for level in 0..5000 {
        nested += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    assert!(mail(&nested).problem.unwrap().contains("too deeply"));

    let many = format!(
        "From: a@x.y\nContent-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\nContent-Type: image/png\n\nx\n".repeat(5000)
    );
    let read = mail(&many);
    assert!(read.problem.unwrap().contains("too many parts"));
    assert_eq!(read.attachments.len(), mime::PARTS);

    let read = mail(&format!("From: a@x.y\n{}\nhi\n", "X-Filler: 0123456789\n".repeat(100_000)));
    assert!(read.problem.unwrap().contains("header is too large"));
    assert_eq!((read.from.unwrap().address.as_str(), read.text.as_deref()), ("a@x.y", Some("hi\r\n")));

    // Forwarded mails within each other stay closed: no stack is used for them.
    let forwarded = "Content-Type: message/rfc822\n\n".repeat(200_000);
    let read = mail(&format!("From: a@x.y\n{forwarded}"));
    assert_eq!(read.attachments.len(), 1);

    let started = Instant::now();
    let names: String = (0..200_000).map(|n| format!(" n{n}*1=x;\n")).collect();
    mail(&format!("From: a@x.y\nContent-Type: text/plain;\n{names}\n\n"));
    mail(&format!("From: a@x.y\nSubject: {}\n\n", "=?a?q?".repeat(100_000)));
    mail(&format!("From: {}\n\n", "\"(<a@".repeat(100_000)));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn a_long_history_keeps_both_ends() {
    let ids: String = (0..300).map(|n| format!(" <{n}@x>\n")).collect();
    let read = mail(&format!("From: a@x.y\nReferences:{ids}\n.\n"));
    assert_eq!(read.references.len(), 100);
    assert_eq!((read.references[49].as_str(), read.references[50].as_str()), ("49@x", "250@x"));
}

#[test]
fn mangled_ids_are_mended() {
    let read = mail(
        "From: a@x.y\nReferences: <a\n b@x> <c@x <d@x>, junk\nIn-Reply-To: e@x f@x\nMessage-ID: <>\n\n.\n",
    );
    assert_eq!(read.references, ["ab@x", "c@x", "d@x"]);
    assert_eq!(read.in_reply_to, ["e@x", "f@x"]);
    assert_eq!(read.message_id, None);
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_mail_of_the_corpora_is_read() {
    let Some(corpus) = std::env::var_os("ANYTIME_CORPUS") else {
        println!("skipped: no corpus");
        return;
    };
    for folder in ["messages", "bounces"] {
        let mut paths = Vec::new();
        files(&Path::new(&corpus).join("mail").join(folder), &mut paths);
        paths.retain(|path| path.extension().is_none_or(|extension| extension != "json"));
        let started = Instant::now();
        let (mut failed, mut automatic, mut authors, mut empty) = (0, 0, 0, 0);
        for path in &paths {
            let read = parse(&std::fs::read(path).unwrap());
            assert_ne!(read.problem.as_deref(), Some("reading this mail failed"), "{}", path.display());
            failed += usize::from(read.problem.is_some());
            automatic += usize::from(read.automatic.is_some());
            authors += usize::from(!read.from_is_ambiguous);
            empty +=
                usize::from(read.text.is_none() && read.html_parts.is_empty() && read.attachments.is_empty());
        }
        println!(
            "{folder}: {} mails in {:?}, {failed} with a problem, {automatic} automatic, \
             {authors} with one author, \
             {empty} without content",
            paths.len(),
            started.elapsed()
        );
        assert!(folder != "bounces" || paths.len() * 9 / 10 < automatic, "{automatic} of {}", paths.len());
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_mail(
        header in "(From|To|Subject|References|Content-Type|Date): [ -~\u{80}-\u{ff}\r\n\t=?\"<>@;*]{0,80}",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let read = parse(&[header.as_bytes(), b"\r\n\r\n", &body].concat());
        prop_assert_ne!(read.problem.as_deref(), Some("reading this mail failed"));
        parse(&body);
    }
}
