//! Waits in IMAP folders for mail that arrives (IDLE), so that it is fetched at once and not only when its turn comes.
//! One session for each account whose server offers it; without one, or when it breaks, the polling goes on as ever.

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::postbox::open_folder;
use super::{credential, fetch_mail};
use crate::app::App;
use crate::desk::email_account::{self, EmailAccount, Kind};
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;
use crate::mail::fetch_error::FetchError;

/// How often it is looked which accounts there are, and whether they are well.
const LOOK: Duration = Duration::from_secs(3);
/// After a session broke, and on a server that does not offer IDLE.
const SHORT_REST: Duration = Duration::from_secs(60);
const LONG_REST: Duration = Duration::from_secs(15 * 60);

/// At least between two fetches, however much a server has to tell.
const PAUSE: Duration = Duration::from_millis(500);

/// What a session was opened with, and what ends it.
type Watches = HashMap<EmailAccountId, (String, CancellationToken)>;

/// Runs until the application stops.
pub async fn run(app: App) {
    let mut watches = Watches::new();
    let mut committed = app.db().committed();
    loop {
        match app.read(|s| email_account::list(s, false)) {
            Ok(accounts) => renew(&app, &mut watches, &accounts),
            Err(error) => tracing::warn!(%error, "the e-mail accounts could not be read"),
        }
        tokio::select! {
            () = app.stopping().cancelled() => return,
            // Not for each commit: there may be many.
            () = tokio::time::sleep(LOOK) => {
                tokio::select! {
                    () = app.stopping().cancelled() => return,
                    changed = committed.changed() => if changed.is_err() { return },
                }
            }
        }
    }
}

/// Begins and ends watches so that there is one for each IMAP account, with its present settings.
fn renew(app: &App, watches: &mut Watches, accounts: &[EmailAccount]) {
    let wanted: HashMap<_, _> = accounts
        .iter()
        .filter(|account| account.kind == Kind::Imap && !account.incoming_server.is_empty())
        .map(|account| (account.id, settings(account)))
        .collect();
    watches.retain(|id, (settings, end)| {
        let stays = wanted.get(id) == Some(settings);
        if !stays {
            end.cancel();
        }
        stays
    });
    for (id, settings) in wanted {
        watches.entry(id).or_insert_with(|| {
            let end = app.stopping().child_token();
            tokio::spawn(watch(app.clone(), id, end.clone()));
            (settings, end)
        });
    }
}

/// Whatever a session depends on; secrets are only known to be there.
fn settings(account: &EmailAccount) -> String {
    format!(
        "{} {} {:?} {} {} {} {} {:?}",
        account.incoming_server,
        account.incoming_port,
        account.incoming_security,
        account.incoming_user_name,
        account.has_incoming_password,
        account.folder,
        account.tls_accept_invalid_certs,
        account.oauth
    )
}

async fn watch(app: App, id: EmailAccountId, end: CancellationToken) {
    loop {
        let rest = tokio::select! {
            () = end.cancelled() => return,
            rest = turn(&app, id) => rest,
        };
        tokio::select! {
            () = end.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// One wait, and how long to rest after it. Only a mailbox that can be fetched from is waited in: a server that refuses
/// us is asked again as seldom as the fetching does.
async fn turn(app: &App, id: EmailAccountId) -> Duration {
    let is_well = app.read(|s| email_account::require(s, id));
    if !is_well.is_ok_and(|account| account.last_success_at.is_some() && account.last_error.is_none()) {
        return LOOK;
    }
    match wait_for_mail(app, id).await {
        Ok(()) => LONG_REST,
        Err(error) => {
            // Whether mail can be fetched is told by the fetching.
            tracing::debug!(email_account.id = id.0, %error, "the wait for new mail ended");
            credential::forget(app, id).await;
            SHORT_REST
        }
    }
}

/// Fetches each time something happens in the folder. Returns when the server does not offer IDLE.
async fn wait_for_mail(app: &App, id: EmailAccountId) -> Result<()> {
    let account = app.read(|s| email_account::require(s, id))?;
    let (mut session, ..) = open_folder(app, &account).await?;
    let unavailable = |error: FetchError| Error::Unavailable(error.to_string());
    while session.can_idle() {
        // Whatever came since the folder was opened is told of when the wait begins.
        fetch_mail::fetch_account_in_turn(app, id).await;
        tokio::time::sleep(PAUSE).await;
        session = session.idle().await.map_err(unavailable)?;
    }
    session.quit().await.map_err(unavailable)
}
