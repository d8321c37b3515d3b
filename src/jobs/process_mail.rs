//! Takes ledger rows that wait for a decision, one after the other: reads and cleans the mail off the writer, then
//! decides in one transaction. A mail that fails three times is set aside; the others flow on. Mail from before an
//! account's `take_over_before` is taken over as from an archive.

use crate::app::App;
use crate::desk::attachment::NewAttachment;
use crate::desk::intake::import;
use crate::desk::{email_account, inbound_mail, intake};
use crate::error::{Error, Result};
use crate::ids::InboundMailId;
use crate::mail::incoming;
use crate::mail::received::received_at;

/// Mails looked up at a time.
const BATCH: i64 = 32;

pub async fn run(app: &App) -> Result<()> {
    process_waiting(app).await
}

/// Processes until nothing is due. One at a time in the whole process, so that the order of mails is kept.
pub async fn process_waiting(app: &App) -> Result<()> {
    let _guard = app.work().processing.lock().await;
    loop {
        let waiting = app.read(|s| inbound_mail::waiting(s, app.now(), BATCH))?;
        if waiting.is_empty() || app.stopping().is_cancelled() {
            return Ok(());
        }
        for id in waiting {
            if let Err(error) = process(app, id).await {
                if matches!(error, Error::StorageFull | Error::Unavailable(_)) {
                    return Err(error);
                }
                let text = super::describe(&error);
                tracing::warn!(inbound_mail.id = id.0, error = text, "a mail could not be processed");
                app.write(move |tx| inbound_mail::record_failure(tx, id, &text)).await?;
            }
        }
    }
}

async fn process(app: &App, id: InboundMailId) -> Result<()> {
    let found = app.read(|s| {
        let Some((mail, raw)) = inbound_mail::to_process(s, id)? else { return Ok(None) };
        Ok(Some((email_account::require(s, mail.email_account_id)?, raw)))
    })?;
    let Some((account, raw)) = found else { return Ok(()) };
    let is_old = account.take_over_before.is_some_and(|end| received_at(&raw).is_some_and(|at| at < end));
    let mut prepared = app.compute(move || intake::prepare(incoming::parse(&raw))).await??;
    let mut stored: Vec<(NewAttachment, Vec<u8>)> = Vec::new();
    for (mut file, bytes) in std::mem::take(&mut prepared.files) {
        file.blob_id = app.store_blob(bytes).await?;
        stored.push((file, Vec::new()));
    }
    prepared.files = stored;
    let receive = move |tx: &crate::db::Tx<'_>| {
        match is_old {
            true => import::take_over(tx, &account, id, &prepared).map(drop)?,
            false => intake::receive(tx, id, &prepared).map(drop)?,
        }
        crate::failpoint!("K11");
        Ok(())
    };
    app.write(receive).await?;
    crate::failpoint!("K12");
    Ok(())
}
