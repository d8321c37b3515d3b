//! Writes the search documents that the commits left: of very long threads, and what a crash or a bulk change left.

use crate::app::App;
use crate::desk::search;
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    while app.read(search::is_behind)? {
        app.write(search::catch_up_long).await?;
    }
    Ok(())
}
