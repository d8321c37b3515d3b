//! The mailbox of an account, whatever its kind: offers its mails, gives their bytes, and lets them go once they are
//! here. What is done with them in between, and in which order, is `fetch_mail`'s.

use std::sync::PoisonError;
use std::time::Duration;

use super::credential;
use crate::app::App;
use crate::desk::email_account::{EmailAccount, Kind};
use crate::error::{Error, Result};
use crate::http::graph::{self, GraphError};
use crate::mail::fetch_error::FetchError;
use crate::mail::server::Server;
use crate::mail::{imap, pop3};

/// Largest mail that is fetched, in bytes.
pub const MAIL_BYTES: u64 = 50 << 20;

/// An open mailbox.
pub enum Postbox {
    Pop3(pop3::Session),
    Imap(Box<Folder>),
    Exchange(graph::Mailbox),
}

/// A folder that an IMAP session is in, and what is to be let go there when it closes.
pub struct Folder {
    session: imap::Session,
    name: String,
    validity: u32,
    handled: Vec<u32>,
}

/// A mail in the mailbox.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What names it in every session; `None` when the server gives no name that is surely its own.
    pub name: Option<String>,
    /// What the server says; 0 when it does not say.
    pub size_bytes: u64,
    /// In a mailbox that keeps its mail: everything up to this one was dealt with.
    pub cursor: Option<String>,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    Number(u32),
    Uid(u32),
    Id(String),
}

/// What becomes of a mail in the mailbox once it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Afterwards {
    Delete,
    MoveTo(String),
    /// It stays, marked as read where there is such a mark.
    Stay,
}

/// What went wrong with a mailbox.
pub enum Trouble {
    /// With one mail; the others can be had.
    Mail(String),
    /// The mail is larger than the server said. POP3 and IMAP sessions end with it.
    TooLarge,
    Session(Error),
}

impl Afterwards {
    pub fn of(account: &EmailAccount) -> Self {
        if account.leave_copy_on_server {
            Self::Stay
        } else if account.move_to_folder.is_empty() {
            Self::Delete
        } else {
            Self::MoveTo(account.move_to_folder.clone())
        }
    }
}

impl Postbox {
    /// Connects and signs in.
    pub async fn open(app: &App, account: &EmailAccount) -> Result<Self> {
        if account.incoming_server.is_empty() {
            return Err(Error::Unavailable(format!("the account has no {} server", account.kind.label())));
        }
        match account.kind {
            Kind::Pop3 => {
                let limits = pop3::Limits { message_bytes: MAIL_BYTES, ..pop3::Limits::default() };
                Ok(Self::Pop3(
                    pop3::connect(&server(app, account).await?, limits).await.map_err(unavailable)?,
                ))
            }
            Kind::Imap => {
                let (session, name, validity) = open_folder(app, account).await?;
                Ok(Self::Imap(Box::new(Folder { session, name, validity, handled: Vec::new() })))
            }
            Kind::Exchange => exchange(app, account).await.map(Self::Exchange),
        }
    }

    /// The mails, in the order they came; those up to `cursor` may be left out.
    pub async fn list(&mut self, app: &App, account: &EmailAccount, cursor: &str) -> Result<Vec<Offer>> {
        match self {
            Self::Pop3(session) => {
                let offer = |listing: pop3::Listing| Offer {
                    name: listing.uidl,
                    size_bytes: listing.size_bytes,
                    cursor: None,
                    key: Key::Number(listing.number),
                };
                Ok(session.list().await.map_err(unavailable)?.into_iter().map(offer).collect())
            }
            Self::Imap(folder) => {
                let (name, validity) = (folder.name.clone(), folder.validity);
                // A mailbox that begins anew is read anew; the ledger knows what is here.
                let after = cursor.split_once(':').filter(|(known, _)| *known == validity.to_string());
                let after = after.and_then(|(_, uid)| uid.parse().ok()).unwrap_or(0);
                let offer = |listing: imap::Listing| Offer {
                    name: (validity != 0).then(|| format!("{name}:{validity}:{}", listing.uid)),
                    size_bytes: listing.size_bytes,
                    cursor: Some(format!("{validity}:{}", listing.uid)),
                    key: Key::Uid(listing.uid),
                };
                Ok(folder.session.list(after).await.map_err(unavailable)?.into_iter().map(offer).collect())
            }
            Self::Exchange(mailbox) => {
                let since = Some(cursor).filter(|cursor| !cursor.is_empty());
                let listed = mailbox.list(&account.folder, since).await;
                let offer = |listing: graph::Listing| Offer {
                    name: Some(listing.id.clone()),
                    size_bytes: 0,
                    cursor: Some(listing.received),
                    key: Key::Id(listing.id),
                };
                Ok(listed.map_err(|error| heed(app, account, error))?.into_iter().map(offer).collect())
            }
        }
    }

    /// The mail's bytes; `None` when it is gone meanwhile.
    pub async fn retrieve(
        &mut self,
        app: &App,
        account: &EmailAccount,
        offer: &Offer,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        match (self, &offer.key) {
            (Self::Pop3(session), Key::Number(number)) => {
                session.retrieve(*number).await.map(Some).map_err(trouble)
            }
            (Self::Imap(folder), Key::Uid(uid)) => folder.session.retrieve(*uid).await.map_err(trouble),
            (Self::Exchange(mailbox), Key::Id(id)) => match mailbox.retrieve(id, MAIL_BYTES as usize).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(GraphError::NotFound(_)) => Ok(None),
                Err(GraphError::TooLarge) => Err(Trouble::TooLarge),
                Err(GraphError::Refused(text)) => Err(Trouble::Mail(text)),
                Err(error) => Err(Trouble::Session(heed(app, account, error))),
            },
            _ => Err(Trouble::Session(Error::internal("an offer of another mailbox"))),
        }
    }

    /// Lets a mail go that is in the ledger. Final only once `close` has succeeded.
    pub async fn let_go(
        &mut self,
        app: &App,
        account: &EmailAccount,
        offer: &Offer,
        afterwards: &Afterwards,
    ) -> Result<(), Trouble> {
        match (self, &offer.key) {
            (Self::Pop3(session), Key::Number(number)) => match afterwards {
                Afterwards::Stay => Ok(()),
                // POP3 has no folders; such a setting is refused when it is made.
                Afterwards::Delete | Afterwards::MoveTo(_) => session.delete(*number).await.map_err(trouble),
            },
            (Self::Imap(folder), Key::Uid(uid)) => {
                folder.handled.push(*uid);
                Ok(())
            }
            (Self::Exchange(mailbox), Key::Id(id)) => {
                let done = match afterwards {
                    Afterwards::Delete => mailbox.delete(id).await,
                    Afterwards::MoveTo(folder) => mailbox.move_to(id, folder).await,
                    Afterwards::Stay => mailbox.mark_read(id).await,
                };
                match done {
                    Err(GraphError::NotFound(_)) | Ok(()) => Ok(()),
                    Err(GraphError::Refused(text)) => Err(Trouble::Mail(text)),
                    Err(error) => Err(Trouble::Session(heed(app, account, error))),
                }
            }
            _ => Err(Trouble::Session(Error::internal("an offer of another mailbox"))),
        }
    }

    /// Whether the session can go on, and with it what was let go.
    pub fn is_usable(&self) -> bool {
        match self {
            Self::Pop3(session) => session.is_usable(),
            Self::Imap(folder) => folder.session.is_usable(),
            Self::Exchange(_) => true,
        }
    }

    /// Makes final what was let go, and says goodbye.
    pub async fn close(self, afterwards: &Afterwards) -> Result<()> {
        match self {
            Self::Pop3(session) => session.quit().await.map_err(unavailable),
            Self::Imap(folder) => {
                let Folder { mut session, handled, .. } = *folder;
                match afterwards {
                    Afterwards::Delete => session.delete(&handled).await,
                    Afterwards::MoveTo(folder) => session.move_to(&handled, folder).await,
                    Afterwards::Stay => session.mark_read(&handled).await,
                }
                .map_err(unavailable)?;
                // What was let go is so already.
                let _ = session.quit().await;
                Ok(())
            }
            Self::Exchange(_) => Ok(()),
        }
    }

    /// Signs in and looks whether mail could be fetched.
    pub async fn test(app: &App, account: &EmailAccount) -> Result<()> {
        let mut postbox = Self::open(app, account).await?;
        if let Self::Exchange(_) = postbox {
            postbox.list(app, account, &app.now().to_string()).await?;
        }
        postbox.close(&Afterwards::Stay).await
    }
}

/// Where the mail is and how to sign in.
async fn server(app: &App, account: &EmailAccount) -> Result<Server> {
    Ok(Server {
        host: account.incoming_server.clone(),
        port: account.incoming_port,
        security: account.incoming_security,
        user_name: account.incoming_user_name.clone(),
        login: credential::incoming(app, account).await?,
        accept_invalid_certs: account.tls_accept_invalid_certs,
    })
}

/// A session in the account's folder, with the folder's name and UIDVALIDITY.
pub async fn open_folder(app: &App, account: &EmailAccount) -> Result<(imap::Session, String, u32)> {
    let limits = imap::Limits { message_bytes: MAIL_BYTES, ..imap::Limits::default() };
    let mut session = imap::connect(&server(app, account).await?, limits).await.map_err(unavailable)?;
    let name = if account.folder.is_empty() { "INBOX" } else { &account.folder };
    let validity = session.select(name).await.map_err(unavailable)?;
    Ok((session, name.to_owned(), validity))
}

/// The account's mailbox at Exchange Online, unless Microsoft wants to be left alone for now.
pub async fn exchange(app: &App, account: &EmailAccount) -> Result<graph::Mailbox> {
    if let Some(wait) = throttled(app, account) {
        let seconds = wait.as_secs().max(1);
        return Err(Error::Unavailable(format!(
            "Microsoft Graph wants to be asked again in {seconds} seconds"
        )));
    }
    let server = app.http().configured(&account.incoming_server).map_err(Error::Unavailable)?;
    let token = credential::token(app, account).await?;
    Ok(graph::Mailbox::new(server, token, account.incoming_user_name.clone()))
}

/// How long the account's provider wants to be left alone.
pub fn throttled(app: &App, account: &EmailAccount) -> Option<Duration> {
    let throttled = app.work().throttled.lock().unwrap_or_else(PoisonError::into_inner);
    let until = *throttled.get(&account.id)?;
    let wait = until.since(app.now());
    (!wait.is_zero()).then_some(wait)
}

/// Remembers when a provider wants to be left alone.
pub fn heed(app: &App, account: &EmailAccount, error: GraphError) -> Error {
    if let GraphError::Throttled(wait) = error {
        let mut throttled = app.work().throttled.lock().unwrap_or_else(PoisonError::into_inner);
        throttled.insert(account.id, app.now().plus(wait));
    }
    match error {
        GraphError::Login(_) => Error::SignInRefused(error.to_string()),
        error => Error::Unavailable(error.to_string()),
    }
}

fn trouble(error: FetchError) -> Trouble {
    match error {
        FetchError::TooLarge { .. } => Trouble::TooLarge,
        error if error.is_session_usable() => Trouble::Mail(error.to_string()),
        error => Trouble::Session(unavailable(error)),
    }
}

fn unavailable(error: FetchError) -> Error {
    match error.is_refused_sign_in() {
        true => Error::SignInRefused(error.to_string()),
        false => Error::Unavailable(error.to_string()),
    }
}
