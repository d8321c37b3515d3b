//! `/console/style`, in a demo only: the design language, rendered from the partials that every page uses.

use actix_web::get;
use askama::Template;

use super::settings::Fields;
use super::{Layout, words};
use crate::app::App;
use crate::desk::code::{Priority, Status};
use crate::error::Error;
use crate::pages::form::Mistakes;
use crate::web::{Page, PageError, SignedIn, assets, filters};

const COLOURS: &[&str] = &[
    "ground",
    "surface",
    "raised",
    "sunken",
    "hover",
    "line",
    "line-control",
    "text",
    "text-soft",
    "text-faint",
    "accent",
    "accent-soft",
    "blue",
    "blue-soft",
    "green",
    "green-soft",
    "amber",
    "amber-soft",
    "red",
    "red-soft",
    "violet",
    "violet-soft",
    "gray",
    "gray-soft",
    "note",
];

#[derive(Template)]
#[template(path = "console/style.html")]
struct StylePage {
    layout: Layout,
    form: Fields,
    mistakes: Mistakes,
    colours: &'static [&'static str],
    statuses: Vec<(&'static str, &'static str)>,
    priorities: Vec<(&'static str, &'static str)>,
    icons: Vec<String>,
}

#[get("/console/style")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<StylePage>, PageError> {
    if !app.config().is_demo {
        return Err(Error::not_found("filter", "style").into());
    }
    let mut form = Fields::of([
        ("name", "Fernweh Bikes".to_owned()),
        ("email", "lena@".to_owned()),
        ("port", "995".to_owned()),
        ("priority", Priority::High.name().to_owned()),
        ("text", "Dear Lena,\n\nwe send you a new chain.".to_owned()),
    ]);
    form.check("isActive", true);
    form.check("isOn", true);
    Ok(Page(StylePage {
        layout: app.read(|s| Layout::new(s, &signed_in, "style"))?,
        form,
        mistakes: Mistakes::of(Error::invalid("email", "'lena@' is not an e-mail address"))?,
        colours: COLOURS,
        statuses: Status::ALL.iter().map(|status| (status.name(), words::status(*status))).collect(),
        priorities: Priority::ALL
            .iter()
            .map(|priority| (priority.name(), words::priority(*priority)))
            .collect(),
        icons: assets::icons(),
    }))
}
