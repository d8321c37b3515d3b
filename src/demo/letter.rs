//! Mail that a demo receives because somebody pressed a button: the exact bytes that a server would have handed over.

use super::company::{ACCOUNT, SPAMMER};
use super::raw::Mail;
use crate::time::Timestamp;

/// A mail of the desk that a customer's program answers.
pub struct Answered<'a> {
    /// Who got it.
    pub recipient: &'a str,
    /// Their name; may be empty.
    pub recipient_name: &'a str,
    /// Whom the answer goes to.
    pub sender: &'a str,
    pub sender_name: &'a str,
    pub subject: &'a str,
    /// Without angle brackets.
    pub message_id: &'a str,
    pub text: &'a str,
    pub at: Timestamp,
}

/// What makes a mail one of its kind: when it comes, and a word that no other mail has.
pub struct Stamp<'a> {
    pub at: Timestamp,
    pub unique: &'a str,
}

/// What the customer writes above the quote of what they got.
pub fn answer(to: &Answered<'_>, stamp: &Stamp<'_>, text: &str) -> Vec<u8> {
    let quoted: String = to.text.trim_end().lines().map(|line| ["> ", line, "\n"].concat()).collect();
    let date = to.at.to_jiff().strftime("%a, %d %b %Y at %H:%M");
    let text = format!("{}\n\nOn {date}, {} <{}> wrote:\n{quoted}", text.trim(), to.sender_name, to.sender);
    reply(to, stamp, &prefixed("Re: ", to.subject), &text, "")
}

/// What a mail program says by itself while its owner is away.
pub fn out_of_office(to: &Answered<'_>, stamp: &Stamp<'_>) -> Vec<u8> {
    let text = "Hello,\n\nI am on my bicycle until Monday and read no mail on the way. \
        In urgent cases my colleagues help: +49 30 23125 0.\n\nBest wishes";
    let headers = "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\nPrecedence: bulk\r\n";
    reply(to, stamp, &["Automatic reply: ", to.subject].concat(), text, headers)
}

fn reply(to: &Answered<'_>, stamp: &Stamp<'_>, subject: &str, text: &str, headers: &str) -> Vec<u8> {
    let domain = to.recipient.rsplit('@').next().unwrap_or("customer.example");
    let name = if to.recipient_name.is_empty() { to.recipient } else { to.recipient_name };
    Mail {
        from_name: &quoted_name(name),
        from_address: to.recipient,
        to_address: to.sender,
        subject,
        message_id: &[stamp.unique, "@", domain].concat(),
        in_reply_to: Some(to.message_id),
        at: stamp.at,
        text,
        headers,
        ..Mail::default()
    }
    .bytes()
}

fn prefixed(prefix: &str, subject: &str) -> String {
    let is_prefixed = subject.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if is_prefixed { subject.to_owned() } else { [prefix, subject].concat() }
}

/// A name with marks that mean something in a header goes into quotes.
fn quoted_name(name: &str) -> String {
    let is_plain = |letter: char| !letter.is_ascii_punctuation() || "-'".contains(letter);
    if !name.is_ascii() || name.chars().all(is_plain) {
        return name.to_owned();
    }
    ["\"", &name.replace(['"', '\\'], ""), "\""].concat()
}

/// The report of a server that does not know the recipient (RFC 3464).
pub fn bounce(of: &Answered<'_>, stamp: &Stamp<'_>) -> Vec<u8> {
    let domain = of.recipient.rsplit('@').next().unwrap_or("customer.example");
    let date = stamp.at.to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!(
        "Return-Path: <>\r\nMessage-ID: <{unique}@mx.{domain}>\r\nDate: {date}\r\n\
         From: Mail Delivery System <mailer-daemon@mx.{domain}>\r\nTo: {sender}\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"=-report\"\r\n\r\n\
         --=-report\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         I'm sorry to have to inform you that your message could not be delivered.\r\n\r\n\
         <{recipient}>: host mx.{domain} said: 550 5.1.1 user unknown\r\n\
         --=-report\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.{domain}\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\n\
         Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\
         --=-report\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         Message-ID: <{id}>\r\nFrom: {sender}\r\nTo: {recipient}\r\n\
         --=-report--\r\n",
        unique = stamp.unique,
        sender = of.sender,
        recipient = of.recipient,
        id = of.message_id,
    )
    .into_bytes()
}

struct Letter {
    name: &'static str,
    address: &'static str,
    subject: &'static str,
    text: &'static str,
}

/// A mail of a customer whom nobody knows yet; `pick` chooses which.
pub fn customer(pick: usize, stamp: &Stamp<'_>) -> Vec<u8> {
    let letter = &LETTERS[pick % LETTERS.len()];
    let (from, id) = (letter.address, [stamp.unique, "@", domain(letter.address)].concat());
    write(letter, from, &id, stamp, "")
}

/// How many mails come on the morning a demo is started.
pub const MORNING: usize = LETTERS_OF_THE_MORNING.len();

/// One of them.
pub fn morning(number: usize, stamp: &Stamp<'_>) -> Vec<u8> {
    let letter = &LETTERS_OF_THE_MORNING[number % MORNING];
    let id = [stamp.unique, "@", domain(letter.address)].concat();
    write(letter, letter.address, &id, stamp, "")
}

/// Mail that nobody wants: from a sender whom the demo keeps out.
pub fn spam(stamp: &Stamp<'_>) -> Vec<u8> {
    let id = [stamp.unique, "@", domain(SPAM.address)].concat();
    write(&SPAM, SPAM.address, &id, stamp, "X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=17.3\r\n")
}

fn write(letter: &Letter, from_address: &str, id: &str, stamp: &Stamp<'_>, headers: &str) -> Vec<u8> {
    Mail {
        from_name: letter.name,
        from_address,
        to_address: ACCOUNT,
        subject: letter.subject,
        message_id: id,
        at: stamp.at,
        text: letter.text,
        headers,
        ..Mail::default()
    }
    .bytes()
}

fn domain(address: &str) -> &str {
    address.rsplit('@').next().unwrap_or_default()
}

const SPAM: Letter = Letter {
    name: "Prize Department",
    address: SPAMMER,
    subject: "You have won a bicycle and 900,000 EUR!!!",
    text: "Dear winner,\n\nyour address was drawn. Send us your bank details within 24 hours.\n\nThe Prize Department",
};

const LETTERS: &[Letter] = &[
    Letter {
        name: "Hanna Lindqvist",
        address: "hanna.lindqvist@nordmail.example",
        subject: "Mudguards for a 29 inch wheel?",
        text: "Hello,\n\ndo the Regenbogen mudguards fit a 29 inch wheel with a 2.4 inch tyre? Your page only says 28.\n\n\
            If not: which ones would you take?\n\nHanna",
    },
    Letter {
        name: "Marco Bellini",
        address: "marco@bellini-studio.example",
        subject: "Order 48213: one pedal instead of two",
        text: "Good morning,\n\nmy parcel came today, thank you. In the box of the pedals was only the left one. \
            I ride to a wedding on Saturday, so a quick answer would be wonderful.\n\nMarco Bellini",
    },
    Letter {
        name: "Aylin Demir",
        address: "aylin.demir@postfach.example",
        subject: "Rechnung auf die Firma umschreiben",
        text: "Guten Tag,\n\nkönnen Sie die Rechnung zu Bestellung 48190 bitte auf die Demir Logistik GmbH umschreiben? \
            Die Buchhaltung nimmt sie sonst nicht.\n\nViele Grüße\nAylin Demir",
    },
    Letter {
        name: "Tom Okafor",
        address: "tom.okafor@cyclists.example",
        subject: "Battery shows 4 bars, then switches off",
        text: "Hi,\n\nsince the last cold week my e-bike's battery shows four bars and then switches off on the first hill. \
            Charging again helps for a kilometre. Is that covered by the warranty? I bought it in March.\n\nTom",
    },
    Letter {
        name: "Claire Dubois",
        address: "claire.dubois@courriel.example",
        subject: "Retour du porte-bagages",
        text: "Bonjour,\n\nle porte-bagages ne va pas sur mon vélo. Comment puis-je le retourner, et qui paie le port ?\n\n\
            Merci d'avance\nClaire Dubois",
    },
];

/// For a department each, one that no rule knows, and one that nobody wants.
const LETTERS_OF_THE_MORNING: &[Letter] = &[
    Letter {
        name: "Do-yun Kim",
        address: "doyun.kim@wanderpost.example",
        subject: "Do you sell gift cards?",
        text: "Hi,\n\nmy sister turns thirty and wants to choose her panniers herself. Do you have gift cards, and could \
            one be with me by Friday?\n\nDo-yun",
    },
    Letter {
        name: "Ollie Byrne",
        address: "ollie.byrne@courier-coop.example",
        subject: "Price list for six cargo bikes",
        text: "Good morning,\n\nwe are a cooperative of eleven couriers in Cork and would like to replace six bikes in \
            January. Could you send us your price list for the Lastkranich E, with and without the rain cover?\n\n\
            Ollie Byrne",
    },
    Letter {
        name: "Kaito Tanaka",
        address: "k.tanaka@mori-post.example",
        subject: "Refund for the returned lights",
        text: "Hello,\n\nI returned two front lights on the 4th (order FB-46871). When may I expect the refund?\n\n\
            Kaito Tanaka",
    },
    Letter {
        name: "Marta Zielińska",
        address: "marta.zielinska@poczta.example",
        subject: "Return label does not print",
        text: "Good morning,\n\nthe return label opens, but only half of it comes out of the printer. Can you send it as \
            a picture?\n\nMarta",
    },
    Letter {
        name: "Sabine Kurz",
        address: "sabine.kurz@postfach.example",
        subject: "Brake lever snapped, tour starts tomorrow",
        text: "Hello,\n\nthe left brake lever of my Kranich 3 snapped this morning, in the car park, luckily. We start for \
            the Danube tomorrow at noon. Is there any way to get a lever by then? I can come to Berlin and fetch it.\n\n\
            Sabine Kurz, 0170 555 01 88",
    },
    Letter {
        name: "Tyre Export Team",
        address: "sales@cheap-tyres.example",
        subject: "Container of tyres, best price of the year",
        text: "Dear purchase manager,\n\n40 ft container, 9,000 tyres, unbeatable. Answer today and we pay the freight.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn answered() -> Answered<'static> {
        Answered {
            recipient: "lena@customer.example",
            recipient_name: "Hoffmann, Lena",
            sender: ACCOUNT,
            sender_name: "Fernweh Bikes",
            subject: "RE: My chain",
            message_id: "c1.1.1.x@fernweh-bikes.example",
            text: "A new one is on its way.\n",
            at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn an_answer_names_what_it_answers_and_quotes_it() {
        let stamp = Stamp { at: Timestamp::from_millis(0), unique: "u1" };
        let text = String::from_utf8(answer(&answered(), &stamp, "Thank you!")).unwrap();
        assert!(text.contains("From: \"Hoffmann, Lena\" <lena@customer.example>\r\n"), "{text}");
        assert!(text.contains("\r\nSubject: RE: My chain\r\n"), "{text}");
        assert!(text.contains("In-Reply-To: <c1.1.1.x@fernweh-bikes.example>"), "{text}");
    }

    #[test]
    fn a_report_names_the_mail_that_came_back() {
        let stamp = Stamp { at: Timestamp::from_millis(0), unique: "u2" };
        let text = String::from_utf8(bounce(&answered(), &stamp)).unwrap();
        assert!(text.contains("Final-Recipient: rfc822; lena@customer.example\r\n"), "{text}");
        assert!(text.contains("\r\n\r\nMessage-ID: <c1.1.1.x@fernweh-bikes.example>\r\n"), "{text}");
    }
}
