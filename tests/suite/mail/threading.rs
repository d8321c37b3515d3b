//! Replies in the shapes of real mail programs, to two conversations at once: right joins are counted, and a wrong one
//! fails. What a program keeps of the thread (its header fields, its subject, its quote) is as the program does it.

use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, Mailroom};

/// How a mail program answers.
struct Client {
    name: &'static str,
    /// The thread's header fields, from our Message-ID and the customer's first one.
    thread: fn(&str, &str) -> Vec<String>,
    reply_prefix: &'static str,
    forward_prefix: &'static str,
    /// Its own further header fields.
    headers: &'static [&'static str],
    /// The body with our answer quoted, `{who}` being us.
    body: &'static str,
    is_html: bool,
}

fn both(ours: &str, first: &str) -> Vec<String> {
    vec![format!("In-Reply-To: <{ours}>"), format!("References: <{first}> <{ours}>")]
}

fn folded(ours: &str, first: &str) -> Vec<String> {
    vec![format!("References: <{first}>\r\n\t<{ours}>"), format!("In-Reply-To: <{ours}>")]
}

fn only_references(ours: &str, _: &str) -> Vec<String> {
    vec![format!("References: <{ours}>")]
}

fn none(_: &str, _: &str) -> Vec<String> {
    Vec::new()
}

const CLIENTS: &[Client] = &[
    Client {
        name: "Gmail",
        thread: both,
        reply_prefix: "Re: ",
        forward_prefix: "Fwd: ",
        headers: &["X-Gm-Message-State: AOJu0Yx"],
        body: "<div dir=\"ltr\">Thanks, {n}</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Jan 5, \
               2026 at 10:00 AM Desk &lt;<a href=\"mailto:support@desk.example\">support@desk.example</a>&gt; wrote:<br></div>\
               <blockquote class=\"gmail_quote\">We look into it.</blockquote></div>",
        is_html: true,
    },
    Client {
        name: "Outlook desktop",
        thread: folded,
        reply_prefix: "RE: ",
        forward_prefix: "FW: ",
        headers: &[
            "Thread-Topic: Broken chain",
            "Thread-Index: AdxJ3f0A",
            "X-Mailer: Microsoft Outlook 16.0",
            "Content-Language: en-us",
        ],
        body: "Thanks, {n}\n\nFrom: Desk <support@desk.example>\nSent: Monday, January 5, 2026 10:00 AM\nTo: Lena\n\
               Subject: Re: Broken chain\n\nWe look into it.\n",
        is_html: false,
    },
    Client {
        name: "Outlook web",
        thread: |ours, first| {
            vec![format!("In-Reply-To: <{ours}>"), format!("References: <{first}>,<{ours}>")]
        },
        reply_prefix: "AW: ",
        forward_prefix: "WG: ",
        headers: &["Accept-Language: de-DE", "X-MS-Has-Attach:", "X-MS-TNEF-Correlator:"],
        body: "<div>Danke, {n}</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\"><b>Von:</b> Desk<br><b>Gesendet:</b> \
               Montag<br><b>An:</b> Lena<br><b>Betreff:</b> Broken chain</div><div>We look into it.</div>",
        is_html: true,
    },
    Client {
        name: "Outlook mobile",
        thread: both,
        reply_prefix: "Re: ",
        forward_prefix: "Fwd: ",
        headers: &["X-MS-Exchange-MessageSentRepresentingType: 1"],
        body: "Thanks, {n}\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\n\
               From: Desk <support@desk.example>\nSent: Monday, January 5, 2026 10:00:00 AM\nWe look into it.\n",
        is_html: false,
    },
    Client {
        name: "Apple Mail",
        thread: folded,
        reply_prefix: "Re: ",
        forward_prefix: "Fwd: ",
        headers: &["X-Mailer: Apple Mail (2.3826)", "X-Apple-Auto-Saved: 1"],
        body: "Thanks, {n}\n\n> On 5 Jan 2026, at 10:00, Desk <support@desk.example> wrote:\n> \n> We look into it.\n",
        is_html: false,
    },
    Client {
        name: "Yahoo",
        thread: |ours, _| {
            vec![
                format!("References: <1716.2201.ref@mail.yahoo.com> <{ours}>"),
                format!("In-Reply-To: <{ours}>"),
            ]
        },
        reply_prefix: "Re: ",
        forward_prefix: "Fw: ",
        headers: &["X-Mailer: WebService/1.1.24 YMailNorrin"],
        body: " Thanks, {n}\n\n    On Monday, January 5, 2026 at 10:00:00 AM GMT+1, Desk <support@desk.example> wrote:  \n \n We look into it.\n",
        is_html: false,
    },
    Client {
        name: "Proton",
        thread: both,
        reply_prefix: "Re: ",
        forward_prefix: "Fw: ",
        headers: &["Feedback-ID: 1:proton"],
        body: "Thanks, {n}\n\n-------- Original Message --------\nOn Monday, 01/05/26 at 10:00 Desk <support@desk.example> wrote:\n> We look into it.\n",
        is_html: false,
    },
    Client {
        name: "Thunderbird",
        thread: both,
        reply_prefix: "Re: ",
        forward_prefix: "Fwd: ",
        headers: &["User-Agent: Mozilla Thunderbird", "Content-Language: de-DE"],
        body: "Thanks, {n}\n\nAm 05.01.26 um 10:00 schrieb Desk:\n> We look into it.\n\n-- \nLena\n",
        is_html: false,
    },
    Client {
        name: "QQ",
        thread: only_references,
        reply_prefix: "回复：",
        forward_prefix: "转发：",
        headers: &["X-QQ-mid: webmail812t1767603600", "X-QQ-SENDSIZE: 520", "X-Mailer: QQMail 2.x"],
        body: "<div>谢谢 {n}</div><div>------------------&nbsp;原始邮件&nbsp;------------------</div><div>发件人: \"Desk\"</div><div>We look into it.</div>",
        is_html: true,
    },
    Client {
        name: "Jira",
        thread: |_, _| {
            vec![
                "In-Reply-To: <JIRA.13441.1767603600@Atlassian.JIRA>".to_owned(),
                "References: <JIRA.13441.1767603600@Atlassian.JIRA>".to_owned(),
            ]
        },
        reply_prefix: "[JIRA] (OPS-17) ",
        forward_prefix: "[JIRA] (OPS-17) FW: ",
        headers: &["X-JIRA-FingerPrint: 5a1c"],
        body: "Lena commented on OPS-17:\n\n{n}: please have a look.\n\n--\nThis message was sent by Atlassian Jira\n",
        is_html: false,
    },
    Client {
        name: "ServiceNow",
        thread: none,
        reply_prefix: "RE: ",
        forward_prefix: "FW: ",
        headers: &["X-ServiceNow-Source: Notification-7b2", "X-ServiceNow-SysEmail-Version: 1"],
        body: "Comment added to INC0010023: {n}\n\nRef:MSG0042117\n",
        is_html: false,
    },
];

/// What is done with the answer, and where the mail must go.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Case {
    Reply,
    ReplyAll,
    ForwardBack,
    ChangedSubject,
    /// Every field of the thread is lost; the subject has our number.
    LostHeaders,
    /// Also the number.
    LostEverything,
    /// The contact writes from an address that we do not know.
    OtherAddress,
    /// The same, with every field of the thread lost.
    OtherAddressLostHeaders,
    /// Somebody the answer was forwarded to writes to us.
    ForwardedToColleague,
    /// Somebody who knows the number, and the customer's Message-ID, but none of ours.
    Stranger,
    /// Somebody with a token that was tampered with.
    Forger,
}

const CASES: &[Case] = &[
    Case::Reply,
    Case::ReplyAll,
    Case::ForwardBack,
    Case::ChangedSubject,
    Case::LostHeaders,
    Case::LostEverything,
    Case::OtherAddress,
    Case::OtherAddressLostHeaders,
    Case::ForwardedToColleague,
    Case::Stranger,
    Case::Forger,
];

#[derive(Debug, PartialEq)]
enum Wanted {
    Joins,
    /// Joins, shown as a third party's: the token is good, the sender is not known.
    JoinsAsThirdParty,
    New,
}

fn wanted(client: &Client, case: Case) -> Wanted {
    let keeps_thread =
        !(client.thread)("c1.1.1.x@y", "z").concat().contains("JIRA") && client.name != "ServiceNow";
    match case {
        Case::Reply | Case::ReplyAll | Case::ForwardBack | Case::LostHeaders => Wanted::Joins,
        Case::ChangedSubject if keeps_thread => Wanted::Joins,
        Case::OtherAddress | Case::ForwardedToColleague if keeps_thread => Wanted::JoinsAsThirdParty,
        _ => Wanted::New,
    }
}

/// A conversation that was answered.
struct Thread {
    id: i64,
    contact: &'static str,
    /// The Message-ID of the contact's first mail, and that of our answer.
    first: String,
    ours: String,
}

fn build(client: &Client, case: Case, thread: &Thread, number: usize) -> Vec<u8> {
    let (name, _) = thread.contact.split_once('@').unwrap();
    let subject = format!("Broken chain [#{}]", thread.id);
    let (token, domain) = thread.ours.split_once('@').unwrap();
    let last = if token.ends_with('a') { "q" } else { "a" };
    let forged = format!("{}{last}@{domain}", &token[..token.len() - 1]);
    let stranger = format!("mallory{number}@evil.example");
    let (from, kept, subject) = match case {
        Case::Reply | Case::ReplyAll => {
            let kept = (client.thread)(&thread.ours, &thread.first);
            (thread.contact.to_owned(), kept, [client.reply_prefix, &subject].concat())
        }
        Case::ForwardBack => {
            let kept = (client.thread)(&thread.ours, &thread.first);
            (thread.contact.to_owned(), kept, [client.forward_prefix, &subject].concat())
        }
        Case::ChangedSubject => {
            let kept = (client.thread)(&thread.ours, &thread.first);
            (thread.contact.to_owned(), kept, "Something else entirely".to_owned())
        }
        Case::LostHeaders => {
            (thread.contact.to_owned(), Vec::new(), [client.reply_prefix, &subject].concat())
        }
        Case::LostEverything => {
            (thread.contact.to_owned(), Vec::new(), [client.reply_prefix, "Broken chain"].concat())
        }
        Case::OtherAddress => {
            let kept = (client.thread)(&thread.ours, &thread.first);
            (format!("{name}.private{number}@home.example"), kept, [client.reply_prefix, &subject].concat())
        }
        Case::OtherAddressLostHeaders => {
            let from = format!("{name}.private{number}@home.example");
            (from, Vec::new(), [client.reply_prefix, &subject].concat())
        }
        Case::ForwardedToColleague => {
            let kept = (client.thread)(&thread.ours, &thread.first);
            (format!("colleague{number}@firm.example"), kept, [client.forward_prefix, &subject].concat())
        }
        Case::Stranger => {
            let kept =
                vec![format!("In-Reply-To: <{}>", thread.first), format!("References: <{}>", thread.first)];
            (stranger, kept, [client.reply_prefix, &subject].concat())
        }
        Case::Forger => {
            let kept = (client.thread)(&forged, &thread.first);
            (stranger, kept, [client.reply_prefix, &subject].concat())
        }
    };
    let cc = if case == Case::ReplyAll { "Cc: team@customer.example\r\n" } else { "" };
    let mut text = format!(
        "Return-Path: <{from}>\r\nReceived: from mx by mx; Mon, 5 Jan 2026 10:01:00 +0000\r\nFrom: {name} <{from}>\r\n\
         To: Desk <{DESK}>\r\n{cc}Subject: {subject}\r\nMessage-ID: <{number}.{}@client.example>\r\n\
         Date: Mon, 5 Jan 2026 10:01:00 +0000\r\nMIME-Version: 1.0\r\n",
        client.name.replace(' ', "")
    );
    for field in kept.iter().map(String::as_str).chain(client.headers.iter().copied()) {
        text += &format!("{field}\r\n");
    }
    let kind = if client.is_html { "text/html" } else { "text/plain" };
    let body = client.body.replace("{n}", &format!("mail {number}"));
    text += &format!("Content-Type: {kind}; charset=utf-8\r\n\r\n{}\r\n", body.replace('\n', "\r\n"));
    text.into_bytes()
}

/// Opens a conversation by mail and answers it.
async fn answered(room: &Mailroom, contact: &'static str) -> Thread {
    let first = format!("first.{contact}");
    let row = room
        .receive(&mail(contact, DESK, "Broken chain", &[&format!("Message-ID: <{first}>")], contact))
        .await;
    let id = row["conversationId"].as_i64().unwrap();
    let reply = json!({ "type": "email", "plainBody": "We look into it." });
    room.ann.post(&format!("/anytime/conversations/{id}/messages"), reply).await.expect(201);
    let mails = room.ann.get("/anytime/outgoingMails").await.expect(200);
    let ours = mails["outgoingMails"][0]["internetMessageId"].as_str().unwrap().to_owned();
    Thread { id, contact, first, ours }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_of_real_clients_join_their_conversation_and_no_other() {
    let room = Mailroom::open().await;
    let threads =
        [answered(&room, "lena@customer.example").await, answered(&room, "tom@customer.example").await];
    let (mut joined, mut third, mut fresh, mut number) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    for client in CLIENTS {
        for case in CASES {
            for thread in &threads {
                number += 1;
                let row = room.receive(&build(client, *case, thread, number)).await;
                let at = row["conversationId"].as_i64();
                let is_join = row["outcome"] == "appended" && at == Some(thread.id);
                let is_third = room.desk.number(&format!(
                    "SELECT max(is_third_party) FROM message WHERE id = {}",
                    row["messageId"].as_i64().unwrap_or(0)
                )) == 1;
                let is_right = match wanted(client, *case) {
                    Wanted::Joins => is_join && !is_third,
                    Wanted::JoinsAsThirdParty => is_join && is_third,
                    Wanted::New => {
                        row["outcome"] == "created" && at.is_some_and(|id| threads.iter().all(|t| t.id != id))
                    }
                };
                match (is_right, wanted(client, *case)) {
                    (true, Wanted::Joins) => joined += 1,
                    (true, Wanted::JoinsAsThirdParty) => third += 1,
                    (true, Wanted::New) => fresh += 1,
                    (false, expected) => {
                        wrong.push(format!(
                            "{} {case:?} of {}: wanted {expected:?}, {row}",
                            client.name, thread.id
                        ));
                    }
                }
                if *case != Case::LostEverything && row["outcome"] == "appended" {
                    assert_ne!(row["matchedBy"], Value::Null, "why here: {row}");
                }
            }
        }
    }
    println!(
        "{number} mails of {} clients: {joined} joined, {third} joined as a third party's, {fresh} new, {} wrong",
        CLIENTS.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The conversations are still their contacts', who alone are answered.
    for thread in &threads {
        let path = format!("/anytime/conversations/{}?include=contact", thread.id);
        let found = room.ann.get(&path).await.expect(200)["conversation"].clone();
        assert_eq!(found["contact"]["identities"][0]["value"], thread.contact, "{found}");
    }
}
