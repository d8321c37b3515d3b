//! Tricks with which a sender looks like somebody else: addresses in names, mixed scripts, domains that only look alike.

use super::Mailbox;

/// What people should be told about a sender; each a sentence.
pub fn tricks(from: &Mailbox, reply_to: &[Mailbox]) -> Vec<String> {
    let mut found = Vec::new();
    let domain = domain_of(&from.address);
    if let Some(name) = from.name.as_deref() {
        if let Some(shown) = address_in(name).filter(|shown| !shown.eq_ignore_ascii_case(&from.address)) {
            found.push(format!("the name shows the address {shown}, but the mail is from {}", from.address));
        }
        if has_mixed_word(name) {
            found.push("the name mixes letters of different scripts in one word".to_owned());
        }
    }
    let shown = unicode(&domain);
    if has_mixed_word(&shown) {
        found.push(format!("the domain mixes letters of different scripts: {shown} is {}", ascii(&domain)));
    }
    let elsewhere = reply_to.iter().find(|mailbox| domain_of(&mailbox.address) != domain);
    if let Some(mailbox) = elsewhere {
        found.push(format!("answers are asked for at {}, which is another domain", mailbox.address));
    }
    found
}

pub fn domain_of(address: &str) -> String {
    address.rsplit('@').next().unwrap_or_default().trim_end_matches('.').to_lowercase()
}

/// What a domain looks like: two domains with one look cannot be told apart at a glance.
pub fn look(domain: &str) -> String {
    let plain: String = unicode(domain).chars().map(plain_letter).collect();
    plain.replace("rn", "m").replace("vv", "w").replace("cl", "d")
}

/// An address inside a display name.
fn address_in(name: &str) -> Option<String> {
    name.split(|c: char| c.is_whitespace() || "<>()[]\"',;:".contains(c))
        .map(|word| word.trim_matches('.'))
        .find(|word| super::is_address(word) && domain_of(word).contains('.'))
        .map(str::to_owned)
}

#[derive(PartialEq, Clone, Copy)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
}

fn script(c: char) -> Option<Script> {
    match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' if c.is_alphabetic() => {
            Some(Script::Latin)
        }
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' if c.is_alphabetic() => Some(Script::Greek),
        '\u{400}'..='\u{52f}' => Some(Script::Cyrillic),
        _ => None,
    }
}

/// Latin, Greek and Cyrillic letters in one word; other scripts are not taken for each other.
fn has_mixed_word(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let mut scripts = word.chars().filter_map(script);
        scripts.next().is_some_and(|first| scripts.any(|other| other != first))
    })
}

/// The Latin letter that a letter or digit looks like.
fn plain_letter(c: char) -> char {
    match c {
        'а' | 'α' | 'à'..='å' | 'ā' | 'ă' | 'ą' | 'ɑ' => 'a',
        'в' | 'ь' => 'b',
        'с' | 'ç' | 'ć' | 'č' | 'ϲ' => 'c',
        'ԁ' | 'ď' | 'đ' => 'd',
        'е' | 'ё' | 'є' | 'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ɡ' | 'ğ' => 'g',
        'һ' | 'н' => 'h',
        'і' | 'ї' | 'ι' | 'ì'..='ï' | 'ı' | 'ī' | 'i' | 'l' | '1' | 'ӏ' | 'ł' | '|' => 'l',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'ñ' | 'ń' | 'ň' | 'п' => 'n',
        'о' | 'ο' | 'σ' | 'ò'..='ö' | 'ø' | 'ō' | 'ő' | '0' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ř' | 'г' => 'r',
        'ѕ' | 'ś' | 'š' | 'ş' | '5' => 's',
        'т' | 'τ' | 'ţ' | 'ť' => 't',
        'υ' | 'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ν' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// The domain with its `xn--` labels in their own letters.
fn unicode(domain: &str) -> String {
    let labels = domain
        .split('.')
        .map(|label| label.strip_prefix("xn--").and_then(punycode).unwrap_or_else(|| label.to_owned()));
    labels.collect::<Vec<_>>().join(".")
}

fn ascii(domain: &str) -> String {
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) => ascii,
        _ => domain.to_owned(),
    }
}

/// RFC 3492.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    let (mut output, rest): (Vec<char>, &str) = match label.rsplit_once('-') {
        Some((basic, rest)) => (basic.chars().collect(), rest),
        None => (Vec::new(), label),
    };
    let (mut n, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = rest.bytes();
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (at, 1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => u32::from(byte - b'a'),
                byte @ b'A'..=b'Z' => u32::from(byte - b'A'),
                byte @ b'0'..=b'9' => u32::from(byte - b'0') + 26,
                _ => return None,
            };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            k += BASE;
        }
        let length = u32::try_from(output.len()).ok()? + 1;
        let mut delta = if before == 0 { (at - before) / 700 } else { (at - before) / 2 };
        delta += delta / length;
        let mut steps = 0;
        while delta > 455 {
            delta /= BASE - 1;
            steps += BASE;
        }
        bias = steps + 36 * delta / (delta + 38);
        n = n.checked_add(at / length)?;
        at %= length;
        output.insert(at as usize, char::from_u32(n)?);
        at += 1;
    }
    Some(output.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: &str, address: &str) -> Vec<String> {
        let name = (!name.is_empty()).then(|| name.to_owned());
        tricks(&Mailbox { name, address: address.to_owned() }, &[])
    }

    #[test]
    fn honest_senders_are_not_accused() {
        for (name, address) in [
            ("Lena Hoffmann", "lena@customer.example"),
            ("lena@customer.example", "Lena@customer.example"),
            ("Лена Петрова", "lena@почта.example"),
            ("Ελένη", "eleni@xn--hxajbheg2az3al.example"),
            ("山田 Taro", "taro@例え.example"),
            ("Jörg Müller (Bücher AG)", "joerg@xn--bcher-kva.example"),
            ("Sales @ Shop", "sales@shop.example"),
            ("", "x@y.example"),
        ] {
            assert_eq!(from(name, address), [""; 0], "{name}");
        }
    }

    #[test]
    fn tricks_are_named() {
        let shown = from("support@desk.example", "eve@evil.example");
        assert!(
            shown[0].contains("support@desk.example") && shown[0].contains("eve@evil.example"),
            "{shown:?}"
        );
        assert!(from("\"Ann\" <ann@desk.example>", "eve@evil.example").len() == 1);
        assert!(from("Pаypal", "x@y.example")[0].contains("scripts"), "a Cyrillic а");
        assert!(from("", "x@pаypal.example")[0].contains("xn--"), "the domain in both forms");
        assert!(from("", "x@xn--pypal-4ve.example")[0].contains("scripts"));
        let mailbox = |address: &str| Mailbox { name: None, address: address.to_owned() };
        let elsewhere = tricks(&mailbox("a@b.example"), &[mailbox("a@evil.example")]);
        assert!(elsewhere[0].contains("a@evil.example"), "{elsewhere:?}");
        assert!(tricks(&mailbox("a@b.example"), &[mailbox("c@B.example")]).is_empty());
    }

    #[test]
    fn domains_that_look_alike_have_one_look() {
        for (left, right) in [
            ("desk.example", "dеsk.example"),
            ("paypal.com", "paypa1.com"),
            ("paypal.com", "paypai.com"),
            ("paypal.com", "xn--pypal-4ve.com"),
            ("modern.example", "modem.example"),
            ("google.com", "g00gle.com"),
            ("example.com", "exámple.com"),
        ] {
            assert_eq!(look(left), look(right), "{left} {right}");
        }
        assert_ne!(look("desk.example"), look("disk.example"));
        assert_ne!(look("a.example"), look("b.example"));
    }
}
