//! Mails to agents what they want to be told, once it has waited long enough for more of its kind.

use crate::app::App;
use crate::desk::notice::mail;
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    for agent in app.read(|s| mail::due(s, app.now()))? {
        let base_url = app.base_url().to_owned();
        app.write(move |tx| mail::tell(tx, agent, &base_url)).await?;
    }
    Ok(())
}
