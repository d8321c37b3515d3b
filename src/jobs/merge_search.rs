//! Merges the parts of the search index, in steps between which others write.

use crate::app::App;
use crate::desk::search;
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    while app.write(search::merge).await? && !app.stopping().is_cancelled() {}
    Ok(())
}
