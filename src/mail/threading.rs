//! Which conversation a mail answers: signed tokens that only we can make, and the unsigned hints (ids,
//! subject) that a caller may believe only under conditions of its own.
//!
//! A token is `c{version}.{conversation}.{message}.{seal}`, as the left side of our Message-IDs and behind
//! the `+` of our reply addresses. The seal is base32 of two keyed hashes: 5 bytes that stand for the
//! recipient, and 16 bytes (HMAC-SHA256, truncated) over purpose, version, conversation, message and those
//! 5. So a token proves by itself that we wrote it, and shows in a second step whether the one who uses it
//! is the one it was written for, without any list of recipients. There is no unsigned form and none will
//! be accepted.

use std::collections::HashSet;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::mail::incoming::Incoming;

const RECIPIENT_BYTES: usize = 5;
const SEAL_BYTES: usize = RECIPIENT_BYTES + 16;
/// RFC 5321 section 4.5.3.1.1.
const LOCAL_PART_BYTES: usize = 64;
/// More candidates than an honest mail has; each costs two hashes at most.
const CANDIDATES: usize = 300;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The secrets tokens are made with. The newest signs; older ones go on verifying what was sent before.
#[derive(Clone)]
pub struct TokenKey(Vec<[u8; 32]>);

/// What a token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    pub conversation: i64,
    pub message: i64,
}

/// A token of ours in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub token: Token,
    /// The field it was in.
    pub source: &'static str,
    /// Whether the mail's one author has the address the token was written for. If not, somebody else uses
    /// it: a colleague in copy or one it was forwarded to. It then allows to append, as a third party's,
    /// and nothing else.
    pub is_recipient: bool,
}

/// A token in a mail by which an agent answers a notice of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNotice {
    pub token: Token,
    /// The whole Message-ID of the notice.
    pub message_id: String,
    /// The field it was in.
    pub source: &'static str,
    /// Whether the mail's one author has the address the notice was written to. Nobody else may use it.
    pub is_recipient: bool,
}

/// Keeps a token of one place from being valid in another.
#[derive(Clone, Copy)]
enum Purpose {
    MessageId,
    ReplyAddress,
    Notice,
}

impl Purpose {
    /// What a token begins with.
    fn letter(self) -> char {
        match self {
            Self::MessageId | Self::ReplyAddress => 'c',
            Self::Notice => 'n',
        }
    }
}

impl TokenKey {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(vec![secret])
    }

    /// Signs with `secret` from now on. Secrets must always be added in the same order.
    pub fn rotated(mut self, secret: [u8; 32]) -> Self {
        self.0.push(secret);
        self
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKey({} secrets)", self.0.len())
    }
}

/// The Message-ID of an outgoing message, without `<` and `>`; the same on every call.
/// `recipient` is the one the mail is written to; others in copy are third parties to the token.
pub fn message_id(key: &TokenKey, conversation: i64, message: i64, recipient: &str, domain: &str) -> String {
    let token = Token { conversation, message };
    format!("{}@{domain}", write(key, Purpose::MessageId, token, recipient))
}

/// The Message-ID of a notice to an agent about a conversation, or with 0 about several. `number` makes it one of a
/// kind.
pub fn notice_id(key: &TokenKey, conversation: i64, number: i64, agent: &str, domain: &str) -> String {
    let token = Token { conversation, message: number };
    format!("{}@{domain}", write(key, Purpose::Notice, token, agent))
}

/// The notice that a mail answers: by In-Reply-To, else the newest of its references.
pub fn notice_token(key: &TokenKey, mail: &Incoming) -> Option<FoundNotice> {
    let author = mail.from.as_ref().filter(|_| !mail.from_is_ambiguous);
    let author = author.map(|from| from.address.as_str());
    let answered = mail.in_reply_to.iter().map(|id| ("In-Reply-To", id));
    let history = mail.references.iter().rev().map(|id| ("References", id));
    answered.chain(history).take(CANDIDATES).find_map(|(source, id)| {
        let found = read(key, Purpose::Notice, source, id.rsplit_once('@')?.0, author)?;
        let Found { token, source, is_recipient } = found;
        Some(FoundNotice { token, message_id: id.clone(), source, is_recipient })
    })
}

/// `local+token@domain` for an account that receives plus-addresses. `None` when the local part would be too
/// long for mail servers, or `account_address` is none; the Message-ID threads all the same.
pub fn reply_address(
    key: &TokenKey,
    account_address: &str,
    conversation: i64,
    message: i64,
    recipient: &str,
) -> Option<String> {
    let (local, domain) = account_address.rsplit_once('@')?;
    let token = Token { conversation, message };
    let local = format!("{local}+{}", write(key, Purpose::ReplyAddress, token, recipient));
    (local.len() <= LOCAL_PART_BYTES).then(|| format!("{local}@{domain}"))
}

/// Every token of ours, best source first: the address written to, then the message answered, then its
/// forerunners from the newest. The same token is named once.
pub fn tokens(key: &TokenKey, mail: &Incoming) -> Vec<Found> {
    let author = mail.from.as_ref().filter(|_| !mail.from_is_ambiguous);
    let author = author.map(|from| from.address.as_str());
    let delivered = mail.delivered_to.iter().map(|address| ("Delivered-To", address.as_str()));
    let to = mail.to.iter().map(|mailbox| ("To", mailbox.address.as_str()));
    let cc = mail.cc.iter().map(|mailbox| ("Cc", mailbox.address.as_str()));
    let addresses = delivered.chain(to).chain(cc).filter_map(|(source, address)| {
        let (local, _) = address.rsplit_once('@')?;
        Some((Purpose::ReplyAddress, source, local.rsplit_once('+')?.1))
    });
    let answered = mail.in_reply_to.iter().map(|id| ("In-Reply-To", id));
    let history = mail.references.iter().rev().map(|id| ("References", id));
    let ids = answered
        .chain(history)
        .filter_map(|(source, id)| Some((Purpose::MessageId, source, id.rsplit_once('@')?.0)));

    let mut seen = HashSet::new();
    addresses
        .take(CANDIDATES)
        .chain(ids.take(CANDIDATES))
        .filter_map(|(purpose, source, text)| read(key, purpose, source, text, author))
        .filter(|found| seen.insert(found.token))
        .collect()
}

/// Ids to look up among stored messages, most telling first: In-Reply-To, then References from the newest.
/// At most 100. They are unsigned: anyone may name them.
pub fn referenced_ids(mail: &Incoming) -> Vec<&str> {
    let mut seen = HashSet::new();
    mail.in_reply_to
        .iter()
        .chain(mail.references.iter().rev())
        .map(String::as_str)
        .filter(|id| seen.insert(*id))
        .take(100)
        .collect()
}

/// The 12 of the first `[#12]` in a subject. Unsigned, and easily guessed.
pub fn subject_token(subject: &str) -> Option<i64> {
    subject.split("[#").skip(1).find_map(|rest| {
        let (digits, _) = rest.split_once(']')?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().ok())?.filter(|number| 0 < *number)
    })
}

fn write(key: &TokenKey, purpose: Purpose, token: Token, recipient: &str) -> String {
    let version = key.0.len();
    let secret = &key.0[version - 1];
    let recipient = recipient_mark(secret, purpose, token, recipient);
    let mark = seal(secret, purpose, version, token, &recipient);
    let seal = base32(&[recipient.as_slice(), mark.as_slice()].concat());
    let letter = purpose.letter();
    format!("{letter}{version}.{}.{}.{seal}", token.conversation, token.message)
}

fn read(
    key: &TokenKey,
    purpose: Purpose,
    source: &'static str,
    text: &str,
    author: Option<&str>,
) -> Option<Found> {
    let text = text.to_ascii_lowercase();
    let mut fields = text.strip_prefix(purpose.letter())?.split('.');
    let version: usize = fields.next()?.parse().ok()?;
    let token = Token { conversation: fields.next()?.parse().ok()?, message: fields.next()?.parse().ok()? };
    let sent = from_base32(fields.next()?)?;
    if fields.next().is_some() {
        return None;
    }
    let secret = key.0.get(version.checked_sub(1)?)?;
    let (recipient, sent) = sent.split_at(RECIPIENT_BYTES);
    if !bool::from(seal(secret, purpose, version, token, recipient).ct_eq(sent)) {
        return None;
    }
    let is_recipient =
        author.is_some_and(|author| recipient_mark(secret, purpose, token, author).ct_eq(recipient).into());
    Some(Found { token, source, is_recipient })
}

fn seal(secret: &[u8; 32], purpose: Purpose, version: usize, token: Token, recipient: &[u8]) -> [u8; 16] {
    let version = (version as u64).to_be_bytes();
    hash(secret, b"anytime token seal", purpose, token, &[&version, recipient])
}

fn recipient_mark(
    secret: &[u8; 32],
    purpose: Purpose,
    token: Token,
    recipient: &str,
) -> [u8; RECIPIENT_BYTES] {
    let recipient = recipient.trim().to_lowercase();
    hash(secret, b"anytime token recipient", purpose, token, &[recipient.as_bytes()])
}

/// Every field before the last has a fixed length, so no two inputs look alike.
fn hash<const LENGTH: usize>(
    secret: &[u8; 32],
    label: &[u8],
    purpose: Purpose,
    token: Token,
    rest: &[&[u8]],
) -> [u8; LENGTH] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(label);
    mac.update(match purpose {
        Purpose::MessageId => b"\0m",
        Purpose::ReplyAddress => b"\0r",
        Purpose::Notice => b"\0n",
    });
    mac.update(&token.conversation.to_be_bytes());
    mac.update(&token.message.to_be_bytes());
    for part in rest {
        mac.update(part);
    }
    let full = mac.finalize().into_bytes();
    std::array::from_fn(|at| full[at])
}

/// RFC 4648 section 6 in lower case without padding: survives systems that change the case of addresses.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while 5 <= count {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count) as usize & 31]));
        }
        bits &= (1 << count) - 1;
    }
    if 0 < count {
        text.push(char::from(ALPHABET[(bits << (5 - count)) as usize & 31]));
    }
    text
}

/// Only what `base32` writes for a seal.
fn from_base32(text: &str) -> Option<[u8; SEAL_BYTES]> {
    if text.len() != (SEAL_BYTES * 8).div_ceil(5) {
        return None;
    }
    let mut bytes = [0; SEAL_BYTES];
    let (mut bits, mut count, mut at) = (0_u32, 0, 0);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = (bits << 5) | value as u32;
        count += 5;
        if 8 <= count {
            count -= 8;
            bytes[at] = (bits >> count) as u8;
            at += 1;
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mail::incoming::parse;

    fn key() -> TokenKey {
        TokenKey::new([7; 32])
    }

    fn reply(from: &str, headers: &str) -> Incoming {
        parse(format!("From: {from}\r\n{headers}\r\n\r\nhi\r\n").as_bytes())
    }

    fn answer_to(from: &str, id: &str) -> Vec<Found> {
        tokens(&key(), &reply(from, &format!("In-Reply-To: <{id}>")))
    }

    #[test]
    fn a_reply_to_our_message_id_is_recognised_with_its_recipient() {
        let id = message_id(&key(), 12, 345, "ann@example.org", "desk.example.com");
        assert!(id.starts_with("c1.12.345.") && id.ends_with("@desk.example.com"), "{id}");
        assert_eq!(id, message_id(&key(), 12, 345, "ANN@Example.org", "desk.example.com"));
        let expected = Found {
            token: Token { conversation: 12, message: 345 },
            source: "In-Reply-To",
            is_recipient: true,
        };
        assert_eq!(answer_to("Ann@EXAMPLE.org", &id), [expected]);
        assert_eq!(answer_to("ann@example.org", &id.to_uppercase()), [expected]);
        let third_party = Found { is_recipient: false, ..expected };
        assert_eq!(answer_to("eve@example.org", &id), [third_party]);
        assert_eq!(answer_to("ann@example.org, eve@example.org", &id), [third_party]);
    }

    #[test]
    fn a_reply_address_is_recognised_wherever_it_arrives() {
        let address = reply_address(&key(), "desk@example.com", 12, 345, "ann@example.org").unwrap();
        assert!(address.starts_with("desk+c1.12.345."), "{address}");
        for (field, source) in
            [("To", "To"), ("Cc", "Cc"), ("Delivered-To", "Delivered-To"), ("X-Original-To", "Delivered-To")]
        {
            let found = tokens(&key(), &reply("ann@example.org", &format!("{field}: {address}")));
            assert_eq!(found.len(), 1, "{field}");
            assert_eq!((found[0].source, found[0].is_recipient), (source, true));
        }
        let long = format!("{}@example.com", "x".repeat(40));
        assert_eq!(reply_address(&key(), &long, 12, 345, "ann@example.org"), None);
        assert_eq!(reply_address(&key(), "nobody", 12, 345, "ann@example.org"), None);
    }

    #[test]
    fn ordinary_accounts_have_room_for_a_token() {
        let address = reply_address(&key(), "support@example.com", 1_234_567, 12_345_678, "a@b.c");
        assert!(address.is_some_and(|address| address.rsplit_once('@').unwrap().0.len() <= 64));
    }

    #[test]
    fn any_change_makes_a_token_worthless() {
        let id = message_id(&key(), 12, 345, "ann@example.org", "d");
        let local = id.strip_suffix("@d").unwrap();
        for at in 0..local.len() {
            for letter in ["0", "2", "a", "."] {
                let mut forged = local.to_owned();
                forged.replace_range(at..=at, letter);
                if forged != local {
                    assert!(answer_to("ann@example.org", &format!("{forged}@d")).is_empty(), "{forged}");
                }
            }
        }
        assert!(answer_to("ann@example.org", &format!("{local}a@d")).is_empty());
        assert!(answer_to("ann@example.org", "c1.12.345.@d").is_empty());
        assert!(answer_to("ann@example.org", "c.12.345@d").is_empty());
    }

    #[test]
    fn keys_and_purposes_do_not_mix() {
        let other = TokenKey::new([8; 32]);
        assert!(answer_to("ann@x.y", &message_id(&other, 1, 2, "ann@x.y", "d")).is_empty());
        let address = reply_address(&key(), "desk@d", 1, 2, "ann@x.y").unwrap();
        let token = address.strip_prefix("desk+").unwrap();
        assert!(answer_to("ann@x.y", token).is_empty());
    }

    #[test]
    fn older_tokens_stay_valid_after_the_key_is_rotated() {
        let old = message_id(&key(), 1, 2, "ann@x.y", "d");
        let rotated = key().rotated([9; 32]);
        let new = message_id(&rotated, 1, 3, "ann@x.y", "d");
        assert!(new.starts_with("c2."));
        let mail = reply("ann@x.y", &format!("References: <{old}> <{new}>"));
        let messages: Vec<i64> = tokens(&rotated, &mail).iter().map(|found| found.token.message).collect();
        assert_eq!(messages, [3, 2]);
        assert_eq!(tokens(&key(), &mail).len(), 1);
        assert!(!format!("{rotated:?}").contains('9'));
    }

    #[test]
    fn mangled_references_are_understood() {
        let id = message_id(&key(), 1, 2, "ann@x.y", "desk.example.com");
        let (left, right) = id.split_at(25);
        for field in [
            format!("References: <{left}\r\n\t{right}>"),
            format!("References: {id}"),
            format!("References: <other@x>,<{id}"),
            format!("In-Reply-To: Your message of today <{id}>"),
        ] {
            assert_eq!(tokens(&key(), &reply("ann@x.y", &field)).len(), 1, "{field}");
        }
    }

    #[test]
    fn the_same_token_is_named_once_and_ids_come_newest_first() {
        let id = message_id(&key(), 1, 2, "ann@x.y", "d");
        let mail = reply("ann@x.y", &format!("In-Reply-To: <{id}>\r\nReferences: <a@x> <b@x> <{id}>"));
        assert_eq!(tokens(&key(), &mail).len(), 1);
        assert_eq!(referenced_ids(&mail), [id.as_str(), "b@x", "a@x"]);
    }

    #[test]
    fn the_number_in_a_subject_is_found() {
        assert_eq!(subject_token("Re: Printer [#12]"), Some(12));
        assert_eq!(subject_token("[#x] [#] [#0] [#7] [#8]"), Some(7));
        assert_eq!(subject_token("[#+7] #12 [12] [#99999999999999999999]"), None);
    }

    proptest! {
        #[test]
        fn what_we_did_not_write_never_verifies(
            seal in "[a-z2-7]{34}", version in 0..4_u8, conversation in 0..5_i64, message in 0..5_i64,
        ) {
            let id = format!("c{version}.{conversation}.{message}.{seal}@d");
            prop_assert!(answer_to("ann@x.y", &id).is_empty());
        }

        #[test]
        fn what_we_wrote_always_verifies(
            conversation in 1..i64::MAX, message in 1..i64::MAX, secret: [u8; 32],
        ) {
            let key = TokenKey::new(secret);
            let id = message_id(&key, conversation, message, "ann@x.y", "d");
            let found = tokens(&key, &reply("ann@x.y", &format!("References: <{id}>")));
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].token, Token { conversation, message });
            prop_assert!(found[0].is_recipient);
        }
    }
}
