//! Twice a minute: gives waiting conversations to agents who have room. Room that a change makes is filled at once by
//! the relay; this also sees what no event tells of.

use crate::app::App;
use crate::desk::allocation;
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    app.write(allocation::serve).await.map(|_| ())
}
