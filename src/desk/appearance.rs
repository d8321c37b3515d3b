//! How the portal looks: its colour and its logo. Its name is the site's.

use super::audit::{self, Action};
use super::{Actor, Permission, attachment};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appearance {
    /// `#3a56cf`; `None` is the product's own.
    pub color: Option<String>,
    pub has_logo: bool,
    /// Changes with every change: pages name it in the URLs of what browsers keep.
    pub version: i64,
}

/// A picture, as somebody uploaded it.
#[derive(Debug, Clone)]
pub struct Logo {
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// `None` leaves a property alone.
#[derive(Debug, Default)]
pub struct AppearanceChange {
    /// Empty is the product's own.
    pub color: Option<String>,
    pub logo: Option<NewLogo>,
}

#[derive(Debug)]
pub enum NewLogo {
    Removed,
    Uploaded(Vec<u8>),
}

/// Largest logo: it is on every page of the portal.
pub const LOGO_BYTES: usize = 200_000;

pub fn get(s: &Snapshot<'_>) -> Result<Appearance> {
    let found = s.one("SELECT color, logo IS NOT NULL, version FROM appearance", [], |row| {
        Ok(Appearance { color: row.get(0)?, has_logo: row.get(1)?, version: row.get(2)? })
    })?;
    found.ok_or_else(|| Error::internal("the file has no appearance row"))
}

pub fn logo(s: &Snapshot<'_>) -> Result<Option<Logo>> {
    s.one("SELECT logo_type, logo FROM appearance WHERE logo IS NOT NULL", [], |row| {
        Ok(Logo { content_type: row.get(0)?, bytes: row.get(1)? })
    })
}

pub fn update(tx: &Tx<'_>, by: &Actor, change: &AppearanceChange) -> Result<Appearance> {
    by.require(Permission::ManageSiteProfile)?;
    if let Some(color) = &change.color {
        let color = color.trim().to_ascii_lowercase();
        let is_color = color
            .strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if !color.is_empty() && !is_color {
            return Err(Error::invalid("color", format!("'{color}' is not a colour such as #3a56cf")));
        }
        tx.run("UPDATE appearance SET color = nullif(?, '')", [color])?;
    }
    match &change.logo {
        None => {}
        Some(NewLogo::Removed) => {
            tx.run("UPDATE appearance SET logo = NULL, logo_type = NULL", [])?;
        }
        Some(NewLogo::Uploaded(bytes)) => {
            if LOGO_BYTES < bytes.len() {
                let message = format!("is larger than {} kB", LOGO_BYTES / 1000);
                return Err(Error::invalid("logo", message));
            }
            let head = &bytes[..bytes.len().min(64)];
            // The bytes tell, whatever the browser says.
            let content_type = attachment::content_type("application/octet-stream", head);
            if !attachment::is_safe_picture(&content_type) {
                return Err(Error::invalid("logo", "must be a PNG, JPEG, GIF or WebP picture"));
            }
            tx.run("UPDATE appearance SET logo = ?, logo_type = ?", (bytes, content_type))?;
        }
    }
    tx.run("UPDATE appearance SET version = version + 1", [])?;
    audit::record(tx, by, Action::Site, "changed the portal's appearance", "")?;
    get(tx)
}
