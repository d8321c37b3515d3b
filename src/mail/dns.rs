//! Asks the machine's name servers for TXT records: just enough of RFC 1035 to see whether a record is published.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(4);
/// What we say that we take (EDNS0): an RSA key fits.
const ANSWER_BYTES: u16 = 1232;
const TXT: u16 = 16;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    #[error("there is no such name in the DNS")]
    NoName,
    #[error("the name server could not be asked: {0}")]
    Unreachable(String),
    #[error("the name server answered with an error ({0})")]
    Refused(u8),
    #[error("the name server's answer cannot be read")]
    Garbled,
}

/// The TXT records of a name, each put together from its pieces.
pub async fn txt(name: &str) -> Result<Vec<String>, DnsError> {
    let mut last = DnsError::Unreachable("the machine names no name server".to_owned());
    for server in servers() {
        match txt_from(server, name).await {
            Err(error @ (DnsError::Unreachable(_) | DnsError::Refused(_))) => last = error,
            answer => return answer,
        }
    }
    Err(last)
}

/// The name servers of resolv.conf, or the one on this machine.
fn servers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let found: Vec<SocketAddr> = named
        .filter_map(|address| address.trim().parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, 53))
        .take(3)
        .collect();
    if found.is_empty() { vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 53))] } else { found }
}

/// The same, asking one server.
pub async fn txt_from(server: SocketAddr, name: &str) -> Result<Vec<String>, DnsError> {
    let unreachable = |error: std::io::Error| DnsError::Unreachable(error.to_string());
    let mut id = [0_u8; 2];
    getrandom::fill(&mut id).map_err(|error| DnsError::Unreachable(error.to_string()))?;
    let question = question(id, name).ok_or(DnsError::NoName)?;
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await.map_err(unreachable)?;
    socket.connect(server).await.map_err(unreachable)?;
    socket.send(&question).await.map_err(unreachable)?;
    let mut answer = [0_u8; 4096];
    let receive = async {
        loop {
            let length = socket.recv(&mut answer).await?;
            // An answer to something else is nobody's business.
            if answer[..length].starts_with(&id) {
                return Ok(length);
            }
        }
    };
    let length = timeout(PATIENCE, receive)
        .await
        .map_err(|_| DnsError::Unreachable("it did not answer".to_owned()))?
        .map_err(unreachable)?;
    read(&answer[..length])
}

fn question(id: [u8; 2], name: &str) -> Option<Vec<u8>> {
    // One question, recursion desired, one additional record (EDNS0).
    let mut packet = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 1]].concat();
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        packet.push(length);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.push(0);
    packet.extend_from_slice(&[0, TXT as u8, 0, 1]);
    packet.extend_from_slice(&[0, 0, 41]);
    packet.extend_from_slice(&ANSWER_BYTES.to_be_bytes());
    packet.extend_from_slice(&[0; 6]);
    Some(packet)
}

fn read(packet: &[u8]) -> Result<Vec<String>, DnsError> {
    const HEADER_BYTES: usize = 12;
    if packet.len() < HEADER_BYTES {
        return Err(DnsError::Garbled);
    }
    match packet[3] & 0x0f {
        0 => {}
        3 => return Err(DnsError::NoName),
        code => return Err(DnsError::Refused(code)),
    }
    records(packet).ok_or(DnsError::Garbled)
}

fn records(packet: &[u8]) -> Option<Vec<String>> {
    let number = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
    let (questions, answers) = (number(4)?, number(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = after_name(packet, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        let head = after_name(packet, at)?;
        let (kind, length) = (number(head)?, usize::from(number(head + 8)?));
        let data = packet.get(head + 10..head + 10 + length)?;
        if kind == TXT {
            found.push(pieces(data)?);
        }
        at = head + 10 + length;
    }
    Some(found)
}

fn pieces(mut data: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        text.extend_from_slice(rest.get(..usize::from(*length))?);
        data = rest.get(usize::from(*length)..)?;
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Where a name ends that may point back at another.
fn after_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length if 0xc0 <= length => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name server that answers every question once, with these pieces or with a code.
    async fn server(pieces: &'static [&'static str], code: u8) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut packet = [0_u8; 1500];
            let (length, from) = socket.recv_from(&mut packet).await.unwrap();
            let end = after_name(&packet[..length], 12).unwrap() + 4;
            let mut answer = packet[..end].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, u8::from(code == 0), 0, 0, 0, 0]);
            if code == 0 {
                let data: Vec<u8> = pieces
                    .iter()
                    .flat_map(|piece| [&[piece.len() as u8], piece.as_bytes()].concat())
                    .collect();
                answer.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
                answer.extend_from_slice(&(data.len() as u16).to_be_bytes());
                answer.extend_from_slice(&data);
            }
            socket.send_to(b"zz not an answer", from).await.unwrap();
            socket.send_to(&answer, from).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn pieces_of_a_record_are_put_together() {
        let address = server(&["v=DKIM1; k=rsa; p=AAAA", "BBBB"], 0).await;
        let found = txt_from(address, "s1._domainkey.desk.example").await.unwrap();
        assert_eq!(found, ["v=DKIM1; k=rsa; p=AAAABBBB"]);
    }

    #[tokio::test]
    async fn a_name_that_is_not_there_is_told_from_a_refusal() {
        assert_eq!(txt_from(server(&[], 3).await, "a.example").await, Err(DnsError::NoName));
        assert_eq!(txt_from(server(&[], 5).await, "a.example").await, Err(DnsError::Refused(5)));
        assert_eq!(txt_from(server(&[], 0).await, "a..example").await, Err(DnsError::NoName));
    }

    #[test]
    fn garbage_is_no_record() {
        for packet in [&b""[..], b"abcd", &[0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 200]] {
            assert_eq!(read(packet), Err(DnsError::Garbled));
        }
    }
}
