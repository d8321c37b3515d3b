//! Signs outgoing mail (DKIM, RFC 6376 and 8463) over the final bytes, relaxed in header and body. Ed25519 keys are made
//! here; RSA ones, which older receivers ask for, are brought along, because nothing of ours can make them. A mail may
//! carry a signature of each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rsa,
    Ed25519,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Rsa, Self::Ed25519];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

/// A private key.
pub struct Key {
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.kind().name())
    }
}

/// Makes an Ed25519 key: PKCS#8 in base64.
pub fn generate() -> Result<String> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| Error::internal("no key could be made"))?;
    Ok(STANDARD.encode(document.as_ref()))
}

/// The key of a PEM file, without its frame: PKCS#8 of either kind, or PKCS#1. `None` when it holds no private key.
pub fn from_pem(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN "));
    let first = lines.next()?;
    if !matches!(first, "-----BEGIN PRIVATE KEY-----" | "-----BEGIN RSA PRIVATE KEY-----") {
        return None;
    }
    let body: String = lines.take_while(|line| !line.starts_with("-----END ")).collect();
    let der = STANDARD.decode(body.as_bytes()).ok()?;
    Some(STANDARD.encode(der))
}

impl Key {
    /// Reads what `generate` and `from_pem` give. RSA keys have 2048 bits or more.
    pub fn read(base64: &str) -> Option<Self> {
        let der = STANDARD.decode(base64).ok()?;
        let rsa = || RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der)).ok();
        // OpenSSL writes Ed25519 without the public half.
        let pair = match Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            Ok(pair) => Pair::Ed25519(pair),
            Err(_) => Pair::Rsa(Box::new(rsa()?)),
        };
        Some(Self { pair })
    }

    pub fn kind(&self) -> Kind {
        match &self.pair {
            Pair::Rsa(_) => Kind::Rsa,
            Pair::Ed25519(_) => Kind::Ed25519,
        }
    }

    /// What the DNS record says after `p=`.
    pub fn public(&self) -> String {
        match &self.pair {
            Pair::Ed25519(pair) => STANDARD.encode(pair.public_key().as_ref()),
            Pair::Rsa(pair) => STANDARD.encode(subject_public_key_info(pair.public().as_ref())),
        }
    }

    fn sign(&self, data: &[u8]) -> Result<String> {
        let signature = match &self.pair {
            // RFC 8463: what is signed is the hash.
            Pair::Ed25519(pair) => pair.sign(&Sha256::digest(data)).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature)
                    .map_err(|_| Error::internal("an RSA key could not sign"))?;
                signature
            }
        };
        Ok(STANDARD.encode(signature))
    }
}

/// The DNS record of a public key.
pub fn record(kind: Kind, public: &str) -> String {
    ["v=DKIM1; k=", kind.name(), "; p=", public].concat()
}

/// Whether a record published at the selector's name is that of the key.
pub fn is_record_of(record: &str, kind: Kind, public: &str) -> bool {
    let tag = |name: &str| {
        record.split(';').find_map(|part| {
            let (tag, value) = part.split_once('=')?;
            (tag.trim() == name).then(|| value.split_whitespace().collect::<String>())
        })
    };
    tag("v").is_none_or(|version| version == "DKIM1")
        && tag("k").is_none_or(|found| found == kind.name())
        && (kind == Kind::Rsa || tag("k").is_some())
        && tag("p").is_some_and(|found| found == public)
}

/// RFC 5280's frame around a PKCS#1 key, which is what records hold.
fn subject_public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    /// rsaEncryption with a NULL.
    const ALGORITHM: &[u8] =
        &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let bits = tagged(0x03, &[&[0], pkcs1].concat());
    tagged(0x30, &[ALGORITHM, &bits].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let bytes = content.len().to_be_bytes();
    let length: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    let head = match content.len() {
        short @ 0..=127 => vec![tag, short as u8],
        _ => [&[tag, 0x80 | length.len() as u8][..], &length].concat(),
    };
    [head.as_slice(), content].concat()
}

/// Who signs: `selector._domainkey.domain` has the record.
#[derive(Debug)]
pub struct Signer {
    pub domain: String,
    pub selector: String,
    pub key: Key,
}

/// Fields that are signed where they are there. The first ones are named once more than they are there, so that nobody
/// adds another.
const GUARDED: &[&str] = &["from", "subject", "date", "to"];
const SIGNED: &[&str] = &[
    "from",
    "subject",
    "date",
    "to",
    "cc",
    "reply-to",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
];
/// Characters of the signature on a line.
const LINE: usize = 70;

/// The mail with a signature by each signer before its first field. `bytes` have CRLF at their line ends and are what
/// will be sent.
pub fn sign(signers: &[Signer], bytes: &[u8], now: Timestamp) -> Result<Vec<u8>> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (block, body) = match end {
        Some(at) => (&bytes[..at + 2], &bytes[at + 4..]),
        None => (bytes, &[][..]),
    };
    let fields = fields(block);
    let body_hash = STANDARD.encode(Sha256::digest(relaxed_body(body)));
    let mut names: Vec<&str> = Vec::new();
    let mut signed: Vec<u8> = Vec::new();
    for name in SIGNED {
        // From the last one up, as verifiers read them.
        for field in fields.iter().rev().filter(|field| is_named(field, name)) {
            names.push(name);
            signed.extend_from_slice(&relaxed_field(field));
            signed.extend_from_slice(b"\r\n");
        }
        if GUARDED.contains(name) {
            names.push(name);
        }
    }
    let mut written = Vec::new();
    for signer in signers {
        let tags = format!(
            "v=1; a={}-sha256; c=relaxed/relaxed; d={};\r\n\ts={}; t={};\r\n\th={};\r\n\tbh={};\r\n\tb=",
            signer.key.kind().name(),
            signer.domain,
            signer.selector,
            now.millis() / 1000,
            folded(&names.join(":"), ':'),
            body_hash,
        );
        let field = ["DKIM-Signature: ", &tags].concat();
        let signature = signer.key.sign(&[signed.as_slice(), &relaxed_field(field.as_bytes())].concat())?;
        let chunks: Vec<&str> = signature
            .as_bytes()
            .chunks(LINE)
            .map(|chunk| std::str::from_utf8(chunk).unwrap_or_default())
            .collect();
        written.extend_from_slice(field.as_bytes());
        written.extend_from_slice(chunks.join("\r\n\t ").as_bytes());
        written.extend_from_slice(b"\r\n");
    }
    written.extend_from_slice(bytes);
    Ok(written)
}

/// Broken behind separators, so that no line is long.
fn folded(text: &str, separator: char) -> String {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive(separator) {
        match lines.last_mut() {
            Some(line) if line.len() + part.len() <= LINE => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines.join("\r\n\t ")
}

/// Each with its folded lines, without its last line end.
fn fields(block: &[u8]) -> Vec<&[u8]> {
    let mut starts = vec![];
    let mut at = 0;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            starts.push(at);
        }
        at += line.len();
    }
    starts
        .iter()
        .enumerate()
        .map(|(index, start)| {
            let end = starts.get(index + 1).copied().unwrap_or(block.len());
            block[*start..end].strip_suffix(b"\r\n").unwrap_or(&block[*start..end])
        })
        .collect()
}

fn is_named(field: &[u8], name: &str) -> bool {
    field
        .split(|byte| *byte == b':')
        .next()
        .is_some_and(|found| found.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

/// The name in lower case, one line, each run of blanks one blank, none at the ends (RFC 6376 3.4.2).
fn relaxed_field(field: &[u8]) -> Vec<u8> {
    let colon = field.iter().position(|byte| *byte == b':').unwrap_or(field.len());
    let mut out = field[..colon].trim_ascii().to_ascii_lowercase();
    out.push(b':');
    let words: Vec<&[u8]> = field[(colon + 1).min(field.len())..]
        .split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .filter(|word| !word.is_empty())
        .collect();
    out.extend_from_slice(&words.join(&b' '));
    out
}

/// Blanks at line ends go, others become one, and so do empty lines at the end (RFC 6376 3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut kept = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut is_blank = false;
        for byte in line {
            if matches!(byte, b' ' | b'\t') {
                is_blank = true;
                continue;
            }
            if std::mem::take(&mut is_blank) {
                out.push(b' ');
            }
            out.push(*byte);
        }
        let is_empty = line.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        out.extend_from_slice(b"\r\n");
        if !is_empty {
            kept = out.len();
        }
    }
    out.truncate(kept);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_and_fields_are_canonical() {
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b""), b"");
        assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
        assert_eq!(relaxed_body(b"x"), b"x\r\n");
        assert_eq!(relaxed_field(b"SUBject : A\r\n\t B  c "), b"subject:A B c");
    }

    #[test]
    fn a_generated_key_signs_and_its_record_is_recognised() {
        let key = Key::read(&generate().unwrap()).unwrap();
        assert_eq!(key.kind(), Kind::Ed25519);
        let public = key.public();
        let record = record(Kind::Ed25519, &public);
        assert!(is_record_of(&record, Kind::Ed25519, &public));
        let (first, last) = public.split_at(20);
        assert!(is_record_of(&format!("k=ed25519;p={first} {last}"), Kind::Ed25519, &public));
        assert!(!is_record_of("v=DKIM1; k=ed25519; p=", Kind::Ed25519, &public));
        assert!(!is_record_of(&format!("v=DKIM1; p={public}"), Kind::Ed25519, &public), "that means RSA");
        let signer = Signer { domain: "d.example".to_owned(), selector: "s".to_owned(), key };
        let mail = b"From: a@d.example\r\nTo: b@c.example\r\nSubject: x\r\n\r\nhi\r\n";
        let signed = sign(&[signer], mail, Timestamp::from_millis(1_000)).unwrap();
        assert!(signed.ends_with(mail));
        let text = String::from_utf8(signed).unwrap();
        assert!(text.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;"), "{text}");
        assert!(text.contains("h=from:from:subject:subject:date:to:to;"), "{text}");
        assert!(text.lines().all(|line| line.len() < 100), "{text}");
    }

    #[test]
    fn what_is_no_private_key_is_refused() {
        for text in ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
            assert_eq!(from_pem(text), None, "{text}");
        }
        assert!(Key::read("AAAA").is_none());
    }
}
