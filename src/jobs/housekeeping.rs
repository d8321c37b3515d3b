//! Every hour: what has expired goes, in small steps.

use crate::app::App;
use crate::desk::conversation::presence;
use crate::desk::{
    attachment, blob, decision, junk_email, kept_answer, mail_template, oauth_grant, rehearsal, rule_set,
    second_factor, session, trigger, undo, webhook_delivery,
};
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    app.write(session::sweep).await?;
    app.write(second_factor::sweep).await?;
    app.write(oauth_grant::sweep).await?;
    app.write(attachment::sweep).await?;
    app.write(trigger::sweep).await?;
    app.write(rehearsal::sweep).await?;
    while 0 < app.write(kept_answer::sweep).await? {
        if app.stopping().is_cancelled() {
            break;
        }
    }
    app.write(presence::sweep).await?;
    app.write(undo::sweep).await?;
    app.write(mail_template::sweep).await?;
    while 0 < app.write(decision::sweep).await? {
        if app.stopping().is_cancelled() {
            break;
        }
    }
    app.write(rule_set::sweep).await?;
    while 0 < app.write(webhook_delivery::sweep).await? && !app.stopping().is_cancelled() {}
    while 0 < app.write(junk_email::sweep).await? && !app.stopping().is_cancelled() {}
    while 0 < app.write(blob::sweep).await? {
        if app.stopping().is_cancelled() {
            break;
        }
    }
    app.limiter().sweep();
    app.write(|tx| tx.batch("PRAGMA optimize")).await
}
