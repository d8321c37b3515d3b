//! Changes many conversations at once, as an agent asked: in steps, so that nobody else waits.

use crate::app::App;
use crate::desk::undo;
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    while let Some(id) = app.read(undo::next)? {
        if app.stopping().is_cancelled() {
            return Ok(());
        }
        app.write(move |tx| undo::advance(tx, id)).await?;
    }
    Ok(())
}
