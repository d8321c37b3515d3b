//! Transfer encodings and charsets, read leniently: damaged input gives what can be saved of it.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Base64 with foreign characters skipped; padding in the middle begins anew, missing padding is no matter.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                (bits, count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if 8 <= count {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

/// Quoted-printable; a `=` that starts no code stands for itself.
pub(super) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
        let (line, end) = line.split_at(line.len() - end);
        let line = line.trim_ascii_end();
        let (line, end): (&[u8], &[u8]) = match line.strip_suffix(b"=") {
            Some(line) => (line, &[]),
            None => (line, end),
        };
        let mut rest = line;
        while let [first, after @ ..] = rest {
            let code = after.get(..2).and_then(|code| {
                let code = std::str::from_utf8(code).ok()?;
                u8::from_str_radix(code, 16).ok()
            });
            match code {
                Some(code) if *first == b'=' && after[0] != b'+' => {
                    bytes.push(code);
                    rest = &after[2..];
                }
                _ => {
                    bytes.push(*first);
                    rest = after;
                }
            }
        }
        bytes.extend_from_slice(end);
    }
    bytes
}

/// UTF-7 hides markup from whoever checks the bytes, so it is never decoded.
pub(super) fn is_utf7(charset: &str) -> bool {
    let label = charset.trim().to_ascii_lowercase().replace('_', "-");
    matches!(label.as_str(), "utf-7" | "utf7" | "csutf7" | "unicode-1-1-utf-7" | "csunicode11utf7")
}

/// Text in the declared charset. Undeclared, unknown and ASCII ones are UTF-8 when that fits, else
/// windows-1252. NULs are dropped: no text has them and SQLite's functions stop there.
pub(super) fn text(bytes: &[u8], charset: Option<&str>) -> String {
    let label = charset.unwrap_or_default().trim_matches(|c: char| c.is_whitespace() || "\"';".contains(c));
    let is_ascii =
        matches!(label.to_ascii_lowercase().as_str(), "" | "us-ascii" | "ascii" | "ansi_x3.4-1968");
    let encoding = Encoding::for_label(label.as_bytes()).filter(|found| *found != REPLACEMENT && !is_ascii);
    let text = match encoding {
        Some(encoding) if encoding == UTF_8 => String::from_utf8_lossy(bytes).into_owned(),
        Some(encoding) => encoding.decode(bytes).0.into_owned(),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => match charset_decoder(label.as_bytes()) {
                Some(decode) if !is_ascii && !is_utf7(label) => decode(bytes),
                _ => WINDOWS_1252.decode(bytes).0.into_owned(),
            },
        },
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_base64_gives_what_can_be_saved() {
        assert_eq!(base64(b"aGVs bG8\r\n"), b"hello");
        assert_eq!(base64(b"aGVsbG8=aGVsbG8="), b"hellohello");
        assert_eq!(base64(b"!!"), b"");
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_code() {
        assert_eq!(quoted_printable(b"a=3db =\r\nc \t\r\n=zz=C3=A9="), "a=b c\r\n=zz\u{e9}".as_bytes());
        assert_eq!(quoted_printable(b"=4"), b"=4");
        assert_eq!(quoted_printable(b"=+1"), b"=+1");
    }

    #[test]
    fn charsets_that_lie_are_seen_through() {
        assert_eq!(text("é".as_bytes(), Some("us-ascii")), "é");
        assert_eq!(text(b"\xe9", None), "é");
        assert_eq!(text(b"\xe9", Some("x-nonsense")), "é");
        assert_eq!(text("é".as_bytes(), Some("utf-8\"")), "é");
        assert_eq!(text(b"\x82", Some("cp850")), "é");
        assert_eq!(text(b"+ADw-b+AD4-", Some("UTF-7")), "+ADw-b+AD4-");
        assert_eq!(text(b"\xff\xfea\0b\0c", Some("utf-16")), "ab\u{fffd}");
        assert_eq!(text(b"\x1b$B$\"\x1b(B", Some("iso-2022-jp")), "あ");
    }
}
