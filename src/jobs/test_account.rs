//! Tries the servers of an e-mail account: connects, signs in, leaves. No mail is touched.

use super::{fetch_mail, send_mail};
use crate::app::App;
use crate::desk::email_account::{self, EmailAccount};
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;
use crate::mail::pop3::{self, Limits};
use crate::mail::smtp;

/// What went wrong with each server; `None` when nothing did.
#[derive(Debug, Clone)]
pub struct Checked {
    pub pop3: Option<String>,
    pub smtp: Option<String>,
}

/// Both servers at the same time.
pub async fn check(app: &App, id: EmailAccountId) -> Result<Checked> {
    let account = app.read(|s| email_account::require(s, id))?;
    let (pop3, smtp) = tokio::join!(try_pop3(app, &account), try_smtp(app, &account));
    let problem = |result: Result<()>| result.err().map(|error| super::describe(&error));
    Ok(Checked { pop3: problem(pop3), smtp: problem(smtp) })
}

async fn try_pop3(app: &App, account: &EmailAccount) -> Result<()> {
    let server = fetch_mail::server(app, account)?;
    let unavailable = |error: pop3::Pop3Error| Error::Unavailable(error.to_string());
    let session = pop3::connect(&server, Limits::default()).await.map_err(unavailable)?;
    session.quit().await.map_err(unavailable)
}

async fn try_smtp(app: &App, account: &EmailAccount) -> Result<()> {
    let server = send_mail::server(app, account)?;
    smtp::check(&server).await.map_err(|error| Error::Unavailable(error.to_string()))
}
