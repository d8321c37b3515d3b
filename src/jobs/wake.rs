//! Brings back conversations that were put aside until now.

use crate::app::App;
use crate::desk::conversation::snooze;
use crate::error::Result;

/// Brought back in one transaction.
const BATCH: i64 = 50;

pub async fn run(app: &App) -> Result<()> {
    while !app.stopping().is_cancelled() && app.read(|s| snooze::is_due(s, app.now()))? {
        app.write(|tx| snooze::wake_due(tx, BATCH)).await?;
    }
    Ok(())
}
