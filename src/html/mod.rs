//! Safe HTML: the gate before the parser, the sanitiser, and HTML as text.
//!
//! Everything that enters is measured first ([`gate`]), because every html5ever-based library is quadratic in
//! nesting; then it passes an allow-list. What the gate refuses is shown as text, never parsed.

pub mod gate;
mod mention;
mod sanitize;
mod style;
mod text;
pub(crate) mod token;

pub use mention::mentions;
pub use sanitize::{Clean, has_image, sanitize_mail, sanitize_own, with_remote_images};
pub use text::{from_text, from_text_inline, snippet, to_text};

/// Version of the sanitiser's rules: stored beside a sanitised body, which is made anew when this is higher.
pub const VERSION: u32 = 1;
