//! What the receiving server found out about the sender (`Authentication-Results`, RFC 8601). Anybody can write such a
//! field; only the topmost one of the server that the site trusts counts, because that server puts its own above all
//! that came with the mail and takes out what pretends to be its own.

use super::Incoming;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The domain of the address in From vouches for the mail.
    Passed,
    /// It disowns it.
    Failed,
    /// It does neither, or nobody looked.
    Unknown,
}

impl Verdict {
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Unknown];

    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == text)
    }
}

/// One statement of a field: `dkim=pass header.d=example.com`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Statement {
    method: String,
    result: String,
    properties: Vec<(String, String)>,
}

/// Longest explanation kept, in characters.
const SAID_CHARS: usize = 200;

/// What the server called `authserv_id` says about the author, and its words for it.
pub fn judge(mail: &Incoming, authserv_id: &str) -> (Verdict, String) {
    let Some(statements) =
        mail.authentication_results.iter().find_map(|field| statements_of(field, authserv_id))
    else {
        return (Verdict::Unknown, format!("{authserv_id} said nothing about this mail"));
    };
    let said = statements.iter().map(|s| format!("{}={}", s.method, s.result)).collect::<Vec<_>>().join(", ");
    let said: String = if said.is_empty() { "nothing was checked".to_owned() } else { said };
    let said = said.chars().take(SAID_CHARS).collect();
    let Some(domain) = author_domain(mail) else { return (Verdict::Unknown, said) };
    (weigh(&statements, &domain), said)
}

fn weigh(statements: &[Statement], domain: &str) -> Verdict {
    let result = |method: &str| statements.iter().find(|s| s.method == method).map(|s| s.result.as_str());
    // DMARC has looked at the rest already, if it was asked about this very domain.
    let dmarc = statements.iter().find(|s| s.method == "dmarc");
    if let Some(dmarc) = dmarc
        && dmarc.property("header.from").is_none_or(|from| is_aligned(from, domain))
    {
        match dmarc.result.as_str() {
            "pass" => return Verdict::Passed,
            "fail" => return Verdict::Failed,
            _ => {}
        }
    }
    let vouches = |s: &Statement| {
        let identity = match s.method.as_str() {
            "dkim" => s.property("header.d").or_else(|| s.property("header.i")),
            "spf" => s.property("smtp.mailfrom").or_else(|| s.property("smtp.mfrom")),
            _ => None,
        };
        s.result == "pass" && identity.is_some_and(|identity| is_aligned(identity, domain))
    };
    if statements.iter().any(vouches) {
        return Verdict::Passed;
    }
    match (result("dkim"), result("spf")) {
        (Some("fail"), _) | (_, Some("fail")) => Verdict::Failed,
        _ => Verdict::Unknown,
    }
}

impl Statement {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn author_domain(mail: &Incoming) -> Option<String> {
    let from = mail.from.as_ref().filter(|_| !mail.from_is_ambiguous)?;
    Some(from.address.rsplit_once('@')?.1.to_lowercase())
}

/// The same domain, or one inside the other (the relaxed alignment of RFC 7489, without a list of public suffixes: a
/// domain of one label is nobody's).
fn is_aligned(identity: &str, domain: &str) -> bool {
    let identity = identity.rsplit('@').next().unwrap_or(identity).trim_end_matches('.').to_lowercase();
    let is_inside = |inner: &str, outer: &str| {
        outer.contains('.')
            && inner.len() > outer.len()
            && inner.ends_with(outer)
            && inner.as_bytes()[inner.len() - outer.len() - 1] == b'.'
    };
    identity == domain || is_inside(domain, &identity) || is_inside(&identity, domain)
}

/// The statements of a field, if that server wrote it.
fn statements_of(field: &str, authserv_id: &str) -> Option<Vec<Statement>> {
    let mut parts = split(&without_comments(field)).into_iter();
    let first = parts.next()?;
    let id = first.split_whitespace().next()?.trim_matches('"');
    if !id.eq_ignore_ascii_case(authserv_id.trim()) {
        return None;
    }
    Some(parts.filter_map(|part| statement(&part)).collect())
}

/// Comments go, also those in comments; what is quoted is no comment.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    for c in text.chars() {
        let was_escaped = is_escaped;
        is_escaped = c == '\\' && !was_escaped;
        match c {
            '"' if depth == 0 && !was_escaped => is_quoted = !is_quoted,
            '(' if !is_quoted && !was_escaped => {
                depth += 1;
                continue;
            }
            ')' if !is_quoted && !was_escaped && 0 < depth => {
                depth -= 1;
                kept.push(' ');
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            kept.push(c);
        }
    }
    kept
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            ';' if !is_quoted => {
                parts.push(String::new());
                continue;
            }
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

fn statement(part: &str) -> Option<Statement> {
    // Blanks around the equals sign are allowed.
    let joined = part.split('=').map(str::trim).collect::<Vec<_>>().join("=");
    let mut words = joined.split_whitespace();
    let (method, result) = words.next()?.split_once('=')?;
    let method = method.split('/').next().unwrap_or(method).to_ascii_lowercase();
    let properties = words
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_matches('"').to_owned()))
        .collect();
    Some(Statement { method, result: result.to_ascii_lowercase(), properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::incoming::parse;

    fn verdict(fields: &[&str]) -> Verdict {
        let fields: String = fields.iter().map(|f| format!("Authentication-Results: {f}\r\n")).collect();
        let mail = parse(
            format!("{fields}From: Lena <lena@shop.example.com>\r\nSubject: x\r\n\r\nhi\r\n").as_bytes(),
        );
        judge(&mail, "mx.desk.example").0
    }

    #[test]
    fn what_the_trusted_server_says_counts() {
        for (field, expected) in [
            ("mx.desk.example; dmarc=pass header.from=shop.example.com", Verdict::Passed),
            ("mx.desk.example; dmarc=fail (p=REJECT) header.from=shop.example.com", Verdict::Failed),
            ("MX.desk.example 1; dkim=pass header.d=example.com; spf=none", Verdict::Passed),
            ("mx.desk.example;\r\n\tdkim=pass (ok; really) header.i=@shop.example.com", Verdict::Passed),
            ("mx.desk.example; spf=pass smtp.mailfrom=bounce@shop.example.com", Verdict::Passed),
            ("mx.desk.example; spf = pass smtp.mailfrom = \"x@shop.example.com\"", Verdict::Passed),
            // Somebody else's good signature vouches for somebody else.
            ("mx.desk.example; dkim=pass header.d=evil.example", Verdict::Unknown),
            ("mx.desk.example; dkim=pass header.d=com", Verdict::Unknown),
            ("mx.desk.example; dkim=pass header.d=op.example.com", Verdict::Unknown),
            ("mx.desk.example; dmarc=pass header.from=evil.example", Verdict::Unknown),
            ("mx.desk.example; spf=fail smtp.mailfrom=shop.example.com; dkim=none", Verdict::Failed),
            (
                "mx.desk.example; dkim=fail header.d=example.com; spf=pass smtp.mailfrom=list.example",
                Verdict::Failed,
            ),
            ("mx.desk.example; dkim=fail; dkim=pass header.d=example.com", Verdict::Passed),
            ("mx.desk.example; spf=softfail smtp.mailfrom=shop.example.com", Verdict::Unknown),
            ("mx.desk.example; none", Verdict::Unknown),
            ("mx.desk.example (dmarc=pass; dkim=pass header.d=example.com); spf=neutral", Verdict::Unknown),
            ("mx.desk.example; x=\"; dmarc=pass\"", Verdict::Unknown),
            ("mx.desk.example.evil.example; dmarc=pass", Verdict::Unknown),
            ("\"mx.desk.example\"; dmarc=pass", Verdict::Passed),
            ("(mx.desk.example) evil.example; dmarc=pass", Verdict::Unknown),
            ("", Verdict::Unknown),
        ] {
            assert_eq!(verdict(&[field]), expected, "{field}");
        }
    }

    #[test]
    fn only_the_topmost_field_of_that_server_counts() {
        let (good, bad) = ("mx.desk.example; dmarc=pass", "mx.desk.example; dmarc=fail");
        assert_eq!(verdict(&[bad, good]), Verdict::Failed);
        assert_eq!(verdict(&["mx.desk.example; none", good]), Verdict::Unknown);
        assert_eq!(verdict(&["evil.example; dmarc=pass", bad]), Verdict::Failed);
        assert_eq!(verdict(&["evil.example; dmarc=pass"]), Verdict::Unknown);
    }

    #[test]
    fn a_mail_by_nobody_in_particular_never_passes() {
        let text = "Authentication-Results: mx.desk.example; dmarc=pass\r\n\
                    From: a@shop.example.com, b@evil.example\r\nSubject: x\r\n\r\nhi\r\n";
        assert_eq!(judge(&parse(text.as_bytes()), "mx.desk.example").0, Verdict::Unknown);
    }
}
