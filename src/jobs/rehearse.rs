//! Replays what waits to be rehearsed, a step at a time: reading is long, writing down what differs is short.

use crate::app::App;
use crate::desk::rehearsal::{self, replay};
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    while let Some((id, last)) = app.read(rehearsal::next)? {
        if app.stopping().is_cancelled() {
            return Ok(());
        }
        let now = app.now();
        match app.scan(move |s| replay::step(s, id, last, now)).await {
            Ok(step) => app.write(move |tx| rehearsal::record(tx, id, &step)).await?,
            Err(error) => {
                let text = super::describe(&error);
                app.write(move |tx| rehearsal::fail(tx, id, &text)).await?;
            }
        }
    }
    Ok(())
}
