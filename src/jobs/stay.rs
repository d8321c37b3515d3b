//! Every minute: triggers for conversations that have stayed at a status long enough.

use crate::app::App;
use crate::desk::trigger;
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    let base_url = app.base_url().to_owned();
    loop {
        let base_url = base_url.clone();
        let is_more = app.write(move |tx| trigger::run_due(tx, &base_url)).await?;
        if !is_more || app.stopping().is_cancelled() {
            return Ok(());
        }
    }
}
