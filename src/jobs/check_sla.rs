//! SLA: every minute what became overdue is recorded, found by index; and after a change of policies or calendar open
//! conversations get their due times again, some at a time so that others can write in between.

use crate::app::App;
use crate::desk::sla::{breach, sweep};
use crate::error::Result;
use crate::ids::ConversationId;

pub async fn record_breaches(app: &App) -> Result<()> {
    while app.write(breach::record_overdue).await? == breach::BATCH as usize {
        if app.stopping().is_cancelled() {
            break;
        }
    }
    while app.write(breach::warn_near).await? == breach::BATCH as usize {
        if app.stopping().is_cancelled() {
            break;
        }
    }
    Ok(())
}

pub async fn apply_changes(app: &App) -> Result<()> {
    while let Some(after) = app.read(sweep::position)? {
        let ids = app.scan(sweep::waiting).await?.unwrap_or_default();
        if ids.is_empty() {
            app.write(move |tx| sweep::finish(tx, after)).await?;
            continue;
        }
        apply(app, after, &ids).await?;
        if app.stopping().is_cancelled() {
            break;
        }
    }
    Ok(())
}

async fn apply(app: &App, mut after: ConversationId, ids: &[ConversationId]) -> Result<()> {
    for some in ids.chunks(sweep::BATCH).map(<[ConversationId]>::to_vec) {
        let last = some.last().copied();
        let goes_on = app.write(move |tx| sweep::evaluate_some(tx, after, &some)).await?;
        if !goes_on || app.stopping().is_cancelled() {
            break;
        }
        after = last.unwrap_or(after);
    }
    Ok(())
}
