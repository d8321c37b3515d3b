//! Trying the servers of an e-mail account, because somebody pressed a button.

use super::postbox::Postbox;
use super::send_mail;
use crate::app::App;
use crate::desk::email_account::{self, EmailAccountChange, Kind};
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;
use crate::mail::fetch_error::FetchError;
use crate::mail::server::{Login, Security, Server};
use crate::mail::{imap, pop3, smtp};

/// What each server answered; `None` when the account names no such server.
#[derive(Debug, Clone)]
pub struct Checked {
    /// How mail is fetched. Exchange sends by the same way.
    pub kind: Kind,
    pub incoming: Option<Result<(), String>>,
    pub smtp: Option<Result<(), String>>,
}

impl Checked {
    pub fn is_good(&self) -> bool {
        [&self.incoming, &self.smtp].into_iter().flatten().all(Result::is_ok)
    }
}

/// Signs in to the servers of a stored account.
pub async fn check(app: &App, id: EmailAccountId) -> Result<Checked> {
    let account = app.read(|s| email_account::require(s, id))?;
    let incoming = async {
        if account.incoming_server.is_empty() {
            return None;
        }
        Some(Postbox::test(app, &account).await.map_err(|error| super::describe(&error)))
    };
    let smtp = async {
        if account.smtp_server.is_empty() || account.kind == Kind::Exchange {
            return None;
        }
        Some(try_smtp(send_mail::server(app, &account).await).await)
    };
    let (incoming, smtp) = futures_util::join!(incoming, smtp);
    // What works is used again, also where it was given up.
    let fetches = matches!(incoming, Some(Ok(())));
    let sends = matches!(smtp, Some(Ok(()))) || (fetches && account.kind == Kind::Exchange);
    if (fetches && account.is_stopped()) || (sends && account.sending.is_stopped()) {
        app.write(move |tx| {
            if fetches {
                email_account::resume_fetching(tx, id)?;
            }
            if sends { email_account::resume_sending(tx, id) } else { Ok(()) }
        })
        .await?;
    }
    Ok(Checked { kind: account.kind, incoming, smtp })
}

/// Signs in to the POP3 or IMAP and SMTP servers of an account that is not stored yet.
pub async fn check_servers(new: &EmailAccountChange) -> Checked {
    let kind = new.kind.unwrap_or(Kind::Imap);
    let incoming = Servers { new, server: &new.incoming_server, user_name: &new.incoming_user_name };
    let smtp = Servers { new, server: &new.smtp_server, user_name: &new.smtp_user_name };
    let incoming = incoming.get(
        (new.incoming_port, kind.default_port()),
        new.incoming_security.unwrap_or(Security::Tls),
        Some(new.incoming_password.clone().unwrap_or_default()),
    );
    let smtp = smtp.get(
        (new.smtp_port, 587),
        new.smtp_security.unwrap_or(Security::StartTls),
        new.smtp_password.clone().filter(|password| !password.is_empty()),
    );
    let incoming = async { Some(try_incoming(kind, incoming?).await) };
    let smtp = async { Some(try_smtp(smtp?).await) };
    let (incoming, smtp) = futures_util::join!(incoming, smtp);
    Checked { kind, incoming, smtp }
}

struct Servers<'a> {
    new: &'a EmailAccountChange,
    server: &'a Option<String>,
    user_name: &'a Option<String>,
}

impl Servers<'_> {
    /// `None` when no server is named.
    fn get(
        &self,
        (port, usual_port): (Option<i64>, u16),
        security: Security,
        password: Option<String>,
    ) -> Option<Result<Server>> {
        let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
        let host = Some(text(self.server)).filter(|host| !host.is_empty())?;
        let user_name = Some(text(self.user_name)).filter(|user| !user.is_empty());
        let port = port.map_or(Ok(usual_port), |port| {
            u16::try_from(port).map_err(|_| Error::invalid("port", format!("'{port}' is not a port")))
        });
        Some(port.map(|port| Server {
            host,
            port,
            security,
            user_name: user_name.unwrap_or(text(&self.new.email)),
            login: password.map(Login::Password),
            accept_invalid_certs: self.new.tls_accept_invalid_certs.unwrap_or(false),
        }))
    }
}

async fn try_incoming(kind: Kind, server: Result<Server>) -> Result<(), String> {
    let server = server.map_err(|error| error.to_string())?;
    let tried = async {
        match kind {
            Kind::Pop3 => pop3::connect(&server, pop3::Limits::default()).await?.quit().await,
            Kind::Imap | Kind::Exchange => {
                imap::connect(&server, imap::Limits::default()).await?.quit().await
            }
        }
    };
    tried.await.map_err(|error: FetchError| error.to_string())
}

async fn try_smtp(server: Result<Server>) -> Result<(), String> {
    let server = server.map_err(|error| super::describe(&error))?;
    smtp::check(&server).await.map_err(|error| error.to_string())
}
