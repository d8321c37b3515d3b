//! Which targets we may speak to because somebody typed a URL (security: server-side request forgery). Addresses are
//! judged after unwrapping what carries an IPv4 address inside an IPv6 one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Longest URL accepted, in bytes.
const URL_BYTES: usize = 2000;

/// Reads a target; the error completes "the URL …".
pub fn parse(text: &str) -> Result<Url, String> {
    let text = text.trim();
    if URL_BYTES < text.len() {
        return Err(format!("is longer than {URL_BYTES} bytes"));
    }
    let shown: String = text.chars().take(200).collect();
    let url = Url::parse(text).map_err(|_| format!("'{shown}' is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("'{shown}' is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains a user name or password".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("'{shown}' names no host"));
    }
    Ok(url)
}

/// Refuses what needs no resolver to be refused: literal addresses that are not public, and ports that belong to
/// other protocols.
pub fn check(url: &Url) -> Result<(), String> {
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            if name == "localhost" || name.ends_with(".localhost") {
                return Err(format!("names '{name}', which is not a public host"));
            }
            None
        }
        None => return Err("names no host".to_owned()),
    };
    if let Some(address) = literal.filter(|address| !is_public(*address)) {
        return Err(format!("names {address}, which is not a public address"));
    }
    match url.port() {
        Some(port) if port != 80 && port != 443 && port < 1024 => {
            Err(format!("names the port {port}, which belongs to another protocol"))
        }
        _ => Ok(()),
    }
}

/// Whether an address is one of the open internet: not ours, not this machine's, not reserved.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match inner_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, _, _)
    )
}

/// Only global unicast, without documentation, benchmarking and the rest of 2001::/23.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    (0x2000..=0x3fff).contains(&a)
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && !(a == 0x3fff && b < 0x1000)
}

/// The IPv4 address inside: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low] => Some(join(high, low)),
        // Compatible addresses; :: and ::1 are among them as 0.0.0.0 and 0.0.0.1.
        [0, 0, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(join(!high, !low)),
        [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        parse(text).and_then(|url| check(&url)).is_err()
    }

    #[test]
    fn every_spelling_of_a_private_target_is_refused() {
        for text in [
            // This machine, in every notation.
            "http://127.0.0.1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.127.127.127/",
            "http://0/",
            "http://0.0.0.0/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://[::1]/",
            "http://[::]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://127。0。0。1/",
            "http://①②⑦.⓪.⓪.①/",
            "http://%31%32%37.0.0.1/",
            "https://127.0.0.1:8443/",
            "http://127.0.0.1./",
            // Private, shared, link-local, metadata.
            "http://10.0.0.1/",
            "http://10.255.255.255/",
            "http://172.16.0.1/",
            "http://172.31.255.254/",
            "http://192.168.0.1/",
            "http://100.64.0.1/",
            "http://100.127.255.255/",
            "http://169.254.169.254/latest/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://[fd00::1]/",
            "http://[fc00::1]/",
            "http://[fe80::1]/",
            "http://[fec0::1]/",
            // Reserved.
            "http://192.0.0.1/",
            "http://192.0.2.1/",
            "http://198.18.0.1/",
            "http://198.51.100.7/",
            "http://203.0.113.9/",
            "http://224.0.0.1/",
            "http://240.0.0.1/",
            "http://255.255.255.255/",
            "http://[ff02::1]/",
            "http://[2001:db8::1]/",
            "http://[100::1]/",
            "http://[2001:10::1]/",
            // IPv4 inside IPv6.
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[::ffff:0:127.0.0.1]/",
            "http://[64:ff9b::127.0.0.1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[64:ff9b:1::10.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://[2002:a9fe:a9fe::1]/",
            "http://[2001:0:1:2:3:4:80ff:fffe]/",
            "http://[fe80::5efe:127.0.0.1]/",
            "http://[2a00:1450::5efe:10.0.0.1]/",
            // Not a web server.
            "http://example.com:25/",
            "http://example.com:22/",
            "https://example.com:993/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "javascript:alert(1)",
            "http://user@example.com/",
            "http://user:word@example.com/",
            "http:///",
            "example.com",
            "",
            "http://[::1",
            "http://a b/",
        ] {
            assert!(refused(text), "{text}");
        }
    }

    #[test]
    fn public_targets_pass() {
        for text in [
            "http://example.com/",
            "https://example.com:8443/hook?a=1",
            "http://example.com:80/",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
            "https://[64:ff9b::1.1.1.1]/",
            "https://[2002:101:101::1]/",
            "http://xn--mnchen-3ya.example/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
        ] {
            assert!(!refused(text), "{text}");
        }
        assert!(refused(&["http://example.com/", &"x".repeat(2000)].concat()));
    }
}
