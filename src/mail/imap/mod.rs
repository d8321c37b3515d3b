//! An IMAP client for one folder: RFC 3501 with UIDPLUS (4315), MOVE (6851), IDLE (2177) and XOAUTH2. async-imap reads
//! the protocol and idles; the commands are ours, because its own take a refusal or the end of the connection in the
//! middle of an answer for the end of the answer.

mod folder;
mod login;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::imap_proto::{AttributeValue, Capability, MailboxDatum, Response, ResponseCode, Status};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use self::folder::quoted;
use self::login::{check, open};
use self::stream::{Guarded, broken};
use super::fetch_error::{FetchError, readable};
use super::server::Server;
use super::wire::dial;

/// Patience and size: `read` is for one wait, `session` for everything from the greeting on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connect: Duration,
    pub read: Duration,
    pub session: Duration,
    pub message_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            read: Duration::from_secs(30),
            session: Duration::from_secs(9 * 60),
            message_bytes: 50 * 1024 * 1024,
        }
    }
}

/// Everything but a message: a listing of a large folder takes some megabytes.
const ANSWER_BYTES: u64 = 32 << 20;
/// Servers hang up on who idles for half an hour (RFC 2177).
const IDLE: Duration = Duration::from_secs(29 * 60);

/// One message of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Names the message for as long as the folder's UIDVALIDITY stays the same.
    pub uid: u32,
    /// What the server says, which may be wrong; 0 when it does not say.
    pub size_bytes: u64,
}

/// A session that has signed in.
pub struct Session {
    session: async_imap::Session<Guarded>,
    server: Server,
    limits: Limits,
    capabilities: HashSet<String>,
    messages: u32,
    is_usable: bool,
}

/// Connects, puts TLS up if asked to, and signs in. Nothing secret is sent before TLS is up unless `security` is `None`.
pub async fn connect(server: &Server, limits: Limits) -> Result<Session, FetchError> {
    check(server)?;
    let stream = dial(server, limits.connect).await?;
    open(Box::new(stream), server, limits).await
}

impl Session {
    /// Opens a folder and gives its UIDVALIDITY.
    pub async fn select(&mut self, folder: &str) -> Result<u32, FetchError> {
        let (mut validity, mut messages) = (0, 0);
        let command = ["SELECT ", &quoted(folder)].concat();
        self.command("SELECT", &command, ANSWER_BYTES, |response| match response {
            Response::Data { outcome, .. } => {
                if let Some(ResponseCode::UidValidity(value)) = &outcome.code {
                    validity = *value;
                }
            }
            Response::MailboxData(MailboxDatum::Exists(count)) => messages = *count,
            _ => {}
        })
        .await?;
        self.messages = messages;
        Ok(validity)
    }

    /// The folder's messages after `after`, in the order they came. On a server without UIDPLUS, where a message of
    /// ours cannot be taken out alone, those marked as deleted count as gone.
    pub async fn list(&mut self, after: u32) -> Result<Vec<Listing>, FetchError> {
        if self.messages == 0 || after == u32::MAX {
            return Ok(Vec::new());
        }
        let removes = self.capabilities.contains("UIDPLUS");
        let mut found = BTreeMap::new();
        let command = format!("UID FETCH {}:* (UID RFC822.SIZE FLAGS)", after + 1);
        self.command("FETCH", &command, ANSWER_BYTES, |response| {
            let Response::Fetch(_, attributes) = response else { return };
            let (mut uid, mut size_bytes, mut is_gone) = (None, 0, false);
            for attribute in attributes {
                match attribute {
                    AttributeValue::Uid(value) => uid = Some(*value),
                    AttributeValue::Rfc822Size(value) => size_bytes = u64::from(*value),
                    AttributeValue::Flags(flags) => {
                        is_gone = !removes && flags.iter().any(|flag| flag.eq_ignore_ascii_case("\\Deleted"));
                    }
                    _ => {}
                }
            }
            // `n:*` names the last message also when it is before n.
            if let Some(uid) = uid.filter(|uid| after < *uid && !is_gone) {
                found.insert(uid, Listing { uid, size_bytes });
            }
        })
        .await?;
        Ok(found.into_values().collect())
    }

    /// The message's bytes, without marking it as read; `None` when it is gone meanwhile. `Refused` leaves the session
    /// usable, every other error ends it.
    pub async fn retrieve(&mut self, uid: u32) -> Result<Option<Vec<u8>>, FetchError> {
        let mut bytes = None;
        let limit_bytes = self.limits.message_bytes;
        let command = format!("UID FETCH {uid} (UID BODY.PEEK[])");
        let result = self
            .command("FETCH", &command, limit_bytes + 64 * 1024, |response| {
                let Response::Fetch(_, attributes) = response else { return };
                if !attributes.contains(&AttributeValue::Uid(uid)) {
                    return;
                }
                bytes = attributes.iter().find_map(|attribute| match attribute {
                    AttributeValue::BodySection { section: None, data: Some(data), .. } => {
                        Some(data.to_vec())
                    }
                    _ => None,
                });
            })
            .await;
        match result {
            Err(FetchError::Broken(text)) if text.ends_with("more than it was asked for") => {
                Err(FetchError::TooLarge { place: self.server.to_string(), limit_bytes })
            }
            other => other.map(|()| bytes),
        }
    }

    pub async fn mark_read(&mut self, uids: &[u32]) -> Result<(), FetchError> {
        self.store(uids, "+FLAGS.SILENT (\\Seen)").await
    }

    pub async fn delete(&mut self, uids: &[u32]) -> Result<(), FetchError> {
        self.store(uids, "+FLAGS.SILENT (\\Deleted)").await?;
        if self.capabilities.contains("UIDPLUS") && !uids.is_empty() {
            let command = ["UID EXPUNGE ", &set(uids)].concat();
            self.command("EXPUNGE", &command, ANSWER_BYTES, |_| {}).await?;
        }
        Ok(())
    }

    /// Moves messages to a folder, which is made when it is not there.
    pub async fn move_to(&mut self, uids: &[u32], folder: &str) -> Result<(), FetchError> {
        if uids.is_empty() {
            return Ok(());
        }
        let can_move = self.capabilities.contains("MOVE");
        let verb = if can_move { "MOVE" } else { "COPY" };
        let command = ["UID ", verb, " ", &set(uids), " ", &quoted(folder)].concat();
        if let Err(FetchError::Refused { .. }) = self.command(verb, &command, ANSWER_BYTES, |_| {}).await {
            let create = ["CREATE ", &quoted(folder)].concat();
            self.command("CREATE", &create, ANSWER_BYTES, |_| {}).await?;
            self.command(verb, &command, ANSWER_BYTES, |_| {}).await?;
        }
        if !can_move {
            self.delete(uids).await?;
        }
        Ok(())
    }

    pub fn can_idle(&self) -> bool {
        self.capabilities.contains("IDLE")
    }

    /// Waits until something happens in the folder, or half an hour has passed, and gives the session back.
    pub async fn idle(self) -> Result<Self, FetchError> {
        let Self { mut session, server, limits, .. } = self;
        let lost = |error: ImapError| match error {
            ImapError::Io(error) => broken(&server, &error),
            _ => FetchError::Broken(format!("{server} ended the wait for new mail")),
        };
        session.get_mut().allow(ANSWER_BYTES);
        let mut handle = session.idle();
        handle.init().with_subscriber(Dispatch::none()).await.map_err(lost)?;
        handle.as_mut().be_patient(IDLE + limits.read, IDLE + 2 * limits.read);
        {
            let (wait, _interrupt) = handle.wait_with_timeout(IDLE);
            wait.with_subscriber(Dispatch::none()).await.map_err(lost)?;
        }
        handle.as_mut().be_patient(limits.read, limits.session);
        let session = handle.done().with_subscriber(Dispatch::none()).await.map_err(lost)?;
        Ok(Self { session, server, limits, ..self })
    }

    /// Ends the session politely. What was deleted or moved is so already.
    pub async fn quit(mut self) -> Result<(), FetchError> {
        self.command("LOGOUT", "LOGOUT", ANSWER_BYTES, |_| {}).await
    }

    pub fn is_usable(&self) -> bool {
        self.is_usable
    }

    async fn read_capabilities(&mut self) -> Result<(), FetchError> {
        let mut found = HashSet::new();
        self.command("CAPABILITY", "CAPABILITY", ANSWER_BYTES, |response| {
            let Response::Capabilities(capabilities) = response else { return };
            found.extend(capabilities.iter().filter_map(|capability| match capability {
                Capability::Atom(word) => Some(word.to_ascii_uppercase()),
                _ => None,
            }));
        })
        .await?;
        self.capabilities = found;
        Ok(())
    }

    async fn store(&mut self, uids: &[u32], change: &str) -> Result<(), FetchError> {
        if uids.is_empty() {
            return Ok(());
        }
        let command = ["UID STORE ", &set(uids), " ", change].concat();
        self.command("STORE", &command, ANSWER_BYTES, |_| {}).await
    }

    /// Sends a command and reads up to its end. `shown` is what an error may say about it. The session counts as
    /// unusable until the answer is complete, also when the caller gives up waiting.
    async fn command(
        &mut self,
        shown: &str,
        command: &str,
        limit_bytes: u64,
        mut hear: impl FnMut(&Response<'_>),
    ) -> Result<(), FetchError> {
        let server = self.server.clone();
        if !self.is_usable {
            return Err(FetchError::Broken(format!("the session with {server} has ended")));
        }
        self.is_usable = false;
        self.session.get_mut().allow(limit_bytes);
        let sending = self.session.run_command(command).with_subscriber(Dispatch::none()).await;
        let tag = sending.map_err(|error| match error {
            ImapError::Io(error) => broken(&server, &error),
            _ => FetchError::Broken(format!("{server} closed the connection")),
        })?;
        loop {
            let response = self.session.read_response().with_subscriber(Dispatch::none()).await;
            let Some(response) = response.map_err(|error| broken(&server, &error))? else {
                return Err(FetchError::Broken(format!("{server} closed the connection in an answer")));
            };
            match response.parsed() {
                Response::Done { tag: done, status, outcome } if *done == tag => {
                    self.is_usable = true;
                    return match status {
                        Status::Ok => Ok(()),
                        _ => Err(FetchError::Refused {
                            place: server.to_string(),
                            command: shown.to_owned(),
                            answer: readable(outcome.information.as_deref().unwrap_or_default().as_bytes()),
                        }),
                    };
                }
                Response::Data { status: Status::Bye, outcome } if shown != "LOGOUT" => {
                    let said = readable(outcome.information.as_deref().unwrap_or_default().as_bytes());
                    return Err(FetchError::Broken(format!("{server} ended the session: {said}")));
                }
                other => hear(other),
            }
        }
    }
}

fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}
