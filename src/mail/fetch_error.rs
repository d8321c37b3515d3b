//! What can go wrong with a POP3 or IMAP server, told so that a caller can decide: try again, skip one message,
//! or ask the administrator. Texts name host and port and never contain the password.

/// Every text is a sentence for an administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("{0}")]
    Unreachable(String),
    /// No TLS, or a certificate nobody vouches for. Nothing secret was sent.
    #[error("{0}")]
    Tls(String),
    /// The server, or we ourselves, refused to begin a session; see [`FetchError::code`].
    #[error("{place} refused the login: {answer}")]
    Login { place: String, answer: String },
    /// `-ERR` on one command. The session goes on.
    #[error("{place} refused {command}: {answer}")]
    Refused { place: String, command: String, answer: String },
    /// The rest of the answer was not read, so the session is over.
    #[error("{place} sent a message larger than the {limit_bytes} bytes allowed")]
    TooLarge { place: String, limit_bytes: u64 },
    #[error("{0}")]
    TimedOut(String),
    /// The connection ended or the server does not speak its protocol.
    #[error("{0}")]
    Broken(String),
}

/// Why a server said `-ERR` or `NO` (RFC 2449 section 8, RFC 3206, RFC 5530).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseCode {
    /// `[AUTH]`: user name or password are wrong, or an administrator must act.
    Authentication,
    /// `[IN-USE]`: another session has the mailbox.
    InUse,
    /// `[LOGIN-DELAY]`: logged in too often.
    LoginDelay,
    /// `[SYS/TEMP]`, `[UNAVAILABLE]`, `[LIMIT]`: try again later.
    SystemTemporary,
    /// `[SYS/PERM]`: trying again does not help.
    SystemPermanent,
}

impl FetchError {
    /// The machine-readable reason, when the server gave one.
    pub fn code(&self) -> Option<ResponseCode> {
        let (Self::Login { answer, .. } | Self::Refused { answer, .. }) = self else {
            return None;
        };
        let (code, _) = answer.strip_prefix('[')?.split_once(']')?;
        match code.to_ascii_uppercase().as_str() {
            "AUTH" | "AUTHENTICATIONFAILED" => Some(ResponseCode::Authentication),
            "IN-USE" | "INUSE" => Some(ResponseCode::InUse),
            "LOGIN-DELAY" => Some(ResponseCode::LoginDelay),
            "SYS/TEMP" | "UNAVAILABLE" | "LIMIT" => Some(ResponseCode::SystemTemporary),
            "SYS/PERM" => Some(ResponseCode::SystemPermanent),
            _ => None,
        }
    }

    /// Whether the server does not take the user name and password: asking again and again may lock the mailbox.
    pub fn is_refused_sign_in(&self) -> bool {
        use ResponseCode::{InUse, LoginDelay, SystemTemporary};
        matches!(self, Self::Login { .. })
            && !matches!(self.code(), Some(InUse | LoginDelay | SystemTemporary))
    }

    /// Whether other commands of the same session still make sense.
    pub fn is_session_usable(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// What a server said, made fit for a log line and an administrator's page.
pub fn readable(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    let text = text.trim();
    if text.is_empty() { "no reason given".to_owned() } else { text.to_owned() }
}
