//! Sends what the outgoing queue holds. At least once: a crash after the server's answer and before ours is written
//! sends the same mail with the same Message-ID again.

use std::time::Duration;

use futures_util::future::join_all;

use super::{credential, postbox};
use crate::app::App;
use crate::desk::email_account::{self, EmailAccount, Failure, Kind};
use crate::desk::outgoing_mail::{self, Answer, OutgoingMail};
use crate::desk::{blob, bounce, dkim_key, site};
use crate::error::{Error, Result};
use crate::http::graph::GraphError;
use crate::mail::outgoing::{self, Automatic, File, Outgoing};
use crate::mail::server::Server;
use crate::mail::smtp::{self, Outcome, SmtpError};
use crate::mail::{Mailbox, dkim};

/// Mails sent at the same time.
const AT_ONCE: i64 = 4;
/// How long a mail that is being sent may hold up a stop: cut off after its final dot it would be sent twice.
const LAST_CALL: Duration = Duration::from_secs(3);

pub async fn run(app: &App) -> Result<()> {
    send_due(app).await
}

/// Sends until nothing is due.
pub async fn send_due(app: &App) -> Result<()> {
    while !app.stopping().is_cancelled() && app.read(|s| outgoing_mail::is_due(s, app.now()))? {
        crate::failpoint!("S2");
        let leased = app.write(|tx| outgoing_mail::lease(tx, AT_ONCE)).await?;
        crate::failpoint!("S3");
        join_all(leased.into_iter().map(|mail| send(app, mail))).await;
    }
    Ok(())
}

/// Sends one mail and writes down what became of it.
async fn send(app: &App, mail: OutgoingMail) {
    let (id, account) = (mail.id, mail.email_account_id);
    let result = tokio::select! {
        result = deliver(app, &mail) => result,
        // The lease is released at the next start.
        () = last_call(app) => return,
    };
    crate::failpoint!("S7");
    if let Err(Failed { text, .. }) = &result {
        tracing::warn!(outgoing_mail.id = id.0, error = text, "a mail could not be sent");
    }
    let written = app.write(move |tx| {
        let health = match &result {
            Ok(answers) => {
                outgoing_mail::record_answers(tx, id, answers)?;
                Some(None)
            }
            Err(failed) => {
                outgoing_mail::record_error(tx, id, &failed.text, failed.is_permanent)?;
                let is_refusal = failed.fault == Fault::SignIn;
                let failure = Failure { text: failed.text.clone(), is_refusal };
                (failed.fault != Fault::Mail).then_some(Some(failure))
            }
        };
        match (account, health) {
            (Some(account), Some(failure)) => email_account::record_sending(tx, account, failure.as_ref()),
            _ => Ok(()),
        }
    });
    let written = written.await;
    crate::failpoint!("S8");
    if let Err(error) = written {
        tracing::error!(outgoing_mail.id = id.0, %error, "the outcome of a mail could not be written down");
    }
}

async fn last_call(app: &App) {
    app.stopping().cancelled().await;
    tokio::time::sleep(LAST_CALL).await;
}

struct Failed {
    text: String,
    is_permanent: bool,
    fault: Fault,
}

/// Whose fault it was that a mail could not be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// This mail's, or ours: others may leave.
    Mail,
    /// The account's or its server's: any other mail would fail as well.
    Account,
    /// The server does not take the user name and password.
    SignIn,
}

impl Failed {
    /// What keeps us from the account's server.
    fn at_account(error: Error) -> Self {
        let fault = if matches!(error, Error::SignInRefused(_)) { Fault::SignIn } else { Fault::Account };
        Self { fault, ..Self::from(error) }
    }
}

impl From<Error> for Failed {
    /// A mail that cannot be built will not be buildable later; anything else is ours to mend and worth another try.
    fn from(error: Error) -> Self {
        let is_permanent = matches!(error, Error::Invalid(_));
        Self { text: super::describe(&error), is_permanent, fault: Fault::Mail }
    }
}

async fn deliver(app: &App, mail: &OutgoingMail) -> Result<Vec<(String, Answer)>, Failed> {
    let account = match mail.email_account_id {
        Some(id) => app.read(|s| email_account::get(s, id))?,
        None => None,
    };
    let account = account.ok_or_else(|| Failed {
        text: "the e-mail account it was to be sent from is gone".to_owned(),
        is_permanent: true,
        fault: Fault::Mail,
    })?;
    let open: Vec<String> =
        mail.recipients.iter().filter(|r| r.state != "sent").map(|r| r.address.clone()).collect();
    let bytes = bytes(app, mail).await?;
    // A demo sends nothing to the world: the mail is as good as sent, and read at /demo/mail.
    if app.config().is_demo {
        return Ok(open.into_iter().map(|address| (address, Answer::Accepted)).collect());
    }
    if account.kind == Kind::Exchange {
        return send_by_exchange(app, &account, open, &bytes).await;
    }
    let server = server(app, &account).await.map_err(Failed::at_account)?;
    let sender = app.read(|s| bounce::return_path(s, mail))?;
    match smtp::deliver(&server, sender.as_deref(), &open, &bytes).await {
        Ok(delivery) => Ok(delivery
            .recipients
            .into_iter()
            .map(|(address, outcome)| {
                let answer = match outcome {
                    Outcome::Accepted => Answer::Accepted,
                    Outcome::Deferred(text) => Answer::Deferred(text),
                    Outcome::Refused(text) => Answer::Refused(text),
                };
                (address, answer)
            })
            .collect()),
        Err(error) => {
            if error.is_account() {
                // It may have been the token: the next attempt gets another.
                credential::forget(app, account.id).await;
            }
            let fault = match error {
                SmtpError::Login { .. } => Fault::SignIn,
                SmtpError::Tls { .. } | SmtpError::Unreachable { .. } | SmtpError::TimedOut { .. } => {
                    Fault::Account
                }
                SmtpError::Deferred { .. } | SmtpError::Refused { .. } | SmtpError::Ambiguous { .. } => {
                    Fault::Mail
                }
            };
            Err(Failed { text: error.to_string(), is_permanent: error.is_permanent(), fault })
        }
    }
}

/// Exchange takes the mail as a whole: for every recipient that its header names, or for none.
async fn send_by_exchange(
    app: &App,
    account: &EmailAccount,
    open: Vec<String>,
    bytes: &[u8],
) -> Result<Vec<(String, Answer)>, Failed> {
    let mailbox = postbox::exchange(app, account).await.map_err(Failed::at_account)?;
    match mailbox.send_mail(bytes).await {
        Ok(()) => Ok(open.into_iter().map(|address| (address, Answer::Accepted)).collect()),
        Err(GraphError::Refused(text)) => {
            let text = format!("Microsoft Graph refused the mail: {text}");
            Err(Failed { text, is_permanent: true, fault: Fault::Mail })
        }
        Err(error) => {
            if let GraphError::Login(_) = error {
                credential::forget(app, account.id).await;
            }
            Err(Failed::at_account(postbox::heed(app, account, error)))
        }
    }
}

/// Where and how to hand mail over.
pub async fn server(app: &App, account: &EmailAccount) -> Result<Server> {
    if account.smtp_server.is_empty() {
        return Err(Error::Unavailable("the account has no SMTP server".to_owned()));
    }
    Ok(Server {
        host: account.smtp_server.clone(),
        port: account.smtp_port,
        security: account.smtp_security,
        user_name: account.smtp_user_name.clone(),
        // Without a password the server is one that needs no sign-in.
        login: credential::outgoing(app, account).await?,
        accept_invalid_certs: account.tls_accept_invalid_certs,
    })
}

/// What goes over the wire; built anew each time, so that the boundaries between its parts differ.
pub async fn bytes(app: &App, mail: &OutgoingMail) -> Result<Vec<u8>> {
    let mut attachments = Vec::new();
    for file in app.read(|s| outgoing_mail::files(s, mail))? {
        if file.is_available {
            attachments.push(File {
                bytes: app.read(|s| blob::read(s, file.blob_id))?,
                file_name: file.file_name,
                content_type: file.content_type,
                content_id: file.content_id,
            });
        }
    }
    let recipients = |is_cc: bool| -> Vec<Mailbox> {
        let wanted = mail.recipients.iter().filter(|recipient| recipient.is_cc == is_cc);
        wanted
            .map(|recipient| Mailbox {
                name: Some(recipient.name.clone()).filter(|name| !name.is_empty()),
                address: recipient.address.clone(),
            })
            .collect()
    };
    let instance = app.read(site::get)?.instance;
    let automatic = match (mail.is_automatic, mail.message_id) {
        (false, _) => None,
        (true, Some(message)) if app.read(|s| outgoing_mail::answers_contact(s, message))? => {
            Some(Automatic::Reply)
        }
        (true, _) => Some(Automatic::Generated),
    };
    let outgoing = Outgoing {
        message_id: mail.internet_message_id.clone(),
        from: Mailbox { name: Some(mail.from_name.clone()), address: mail.from_address.clone() },
        reply_to: None,
        to: recipients(false),
        cc: recipients(true),
        subject: mail.subject.clone(),
        text: mail.text_body.clone(),
        html: Some(mail.html_body.clone()).filter(|html| !html.is_empty()),
        in_reply_to: mail.in_reply_to.clone(),
        references: mail.references.clone(),
        attachments,
        date: mail.dated(),
        automatic,
        instance,
    };
    let signers = match mail.email_account_id {
        Some(account) => app.read(|s| dkim_key::signers(s, app.vault(), account))?,
        None => Vec::new(),
    };
    let now = app.now();
    app.compute(move || {
        let bytes = outgoing::build(&outgoing)?;
        if signers.is_empty() { Ok(bytes) } else { dkim::sign(&signers, &bytes, now) }
    })
    .await?
}
