//! Trying the servers of an e-mail account, because somebody pressed a button.

use crate::app::App;
use crate::desk::email_account::{self, EmailAccountChange, Security};
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;
use crate::mail::pop3::{self, Limits};
use crate::mail::smtp;

use super::{fetch_mail, send_mail};

/// What each server answered; `None` when the account names no such server.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    pub pop3: Option<Result<(), String>>,
    pub smtp: Option<Result<(), String>>,
}

impl Checked {
    pub fn is_good(&self) -> bool {
        [&self.pop3, &self.smtp].into_iter().flatten().all(Result::is_ok)
    }
}

/// Signs in to both servers of a stored account.
pub async fn check(app: &App, id: EmailAccountId) -> Result<Checked> {
    let account = app.read(|s| email_account::require(s, id))?;
    let pop3 = (!account.pop3_server.is_empty()).then(|| fetch_mail::server(app, &account));
    let smtp = (!account.smtp_server.is_empty()).then(|| send_mail::server(app, &account));
    Ok(try_both(pop3, smtp).await)
}

/// Signs in to the servers of an account that is not stored yet.
pub async fn check_servers(new: &EmailAccountChange) -> Checked {
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let user = |value: &Option<String>| {
        Some(text(value)).filter(|user| !user.is_empty()).unwrap_or(text(&new.email))
    };
    let port = |value: Option<i64>, default: u16| {
        value.map_or(Ok(default), |port| {
            u16::try_from(port).map_err(|_| Error::invalid("port", format!("'{port}' is not a port")))
        })
    };
    let accept_invalid_certs = new.tls_accept_invalid_certs.unwrap_or(false);
    let pop3 = Some(text(&new.pop3_server)).filter(|host| !host.is_empty()).map(|host| {
        Ok(pop3::Server {
            host,
            port: port(new.pop3_port, 995)?,
            security: fetch_mail::security(new.pop3_security.unwrap_or(Security::Ssl)),
            user_name: user(&new.pop3_user_name),
            password: new.pop3_password.clone().unwrap_or_default(),
            accept_invalid_certs,
        })
    });
    let smtp = Some(text(&new.smtp_server)).filter(|host| !host.is_empty()).map(|host| {
        let password = new.smtp_password.clone().unwrap_or_default();
        Ok(smtp::Server {
            host,
            port: port(new.smtp_port, 587)?,
            security: send_mail::security(new.smtp_security.unwrap_or(Security::StartTls)),
            user_name: (!password.is_empty()).then(|| user(&new.smtp_user_name)),
            password,
            accept_invalid_certs,
        })
    });
    try_both(pop3, smtp).await
}

async fn try_both(pop3: Option<Result<pop3::Server>>, smtp: Option<Result<smtp::Server>>) -> Checked {
    let pop3 = async {
        match pop3? {
            Ok(server) => Some(try_pop3(&server).await),
            Err(error) => Some(Err(error.to_string())),
        }
    };
    let smtp = async {
        match smtp? {
            Ok(server) => Some(smtp::check(&server).await.map_err(|error| error.to_string())),
            Err(error) => Some(Err(error.to_string())),
        }
    };
    let (pop3, smtp) = futures_util::join!(pop3, smtp);
    Checked { pop3, smtp }
}

async fn try_pop3(server: &pop3::Server) -> Result<(), String> {
    let session = pop3::connect(server, Limits::default()).await.map_err(|error| error.to_string())?;
    session.quit().await.map_err(|error| error.to_string())
}
