//! How a body says where something moves in an order set by hand.

use crate::desk::order::Place;
use crate::error::{Error, Result, shown};

/// By direction or by position, which `field` names; one of the two alone.
pub fn place(direction: Option<&str>, position: Option<i64>, field: &str) -> Result<Place> {
    match (direction.map(str::trim).filter(|text| !text.is_empty()), position) {
        (Some(text), None) => direction_of(text),
        (None, Some(position)) => Ok(Place::At(position)),
        _ => Err(Error::invalid("type", format!("or '{field}' is required, and one of them alone"))),
    }
}

fn direction_of(text: &str) -> Result<Place> {
    match text.to_ascii_lowercase().as_str() {
        "up" => Ok(Place::Up),
        "down" => Ok(Place::Down),
        _ => Err(Error::invalid("type", format!("must be 'up' or 'down', not '{}'", shown(text)))),
    }
}
