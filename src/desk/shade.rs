//! What becomes of the site's own colour: it is darkened or lightened where it must be read, so that every colour that
//! somebody likes makes pages and mails that everybody can use.

use super::appearance;
use crate::db::Snapshot;
use crate::error::{Error, Result};

/// The product's own.
const BLUE: &str = "#3a56cf";

/// What becomes of one colour.
#[derive(Debug, PartialEq, Eq)]
pub struct Shades {
    /// Ground of buttons, in both themes.
    pub fill: String,
    /// Letters on it.
    pub ink: String,
    /// Links and marks on light ground.
    pub light_text: String,
    /// The same on dark ground.
    pub dark_text: String,
}

type Rgb = [f64; 3];

/// WCAG 2.2 AA for text; a little more, for grounds that are not quite white or black.
const READABLE: f64 = 4.8;
const WHITE: Rgb = [1.0, 1.0, 1.0];
/// Of `--ground` and `--hover`: the least contrast that text meets.
const LIGHT_GROUND: Rgb = [0.953, 0.957, 0.969];
const DARK_GROUND: Rgb = [0.133, 0.141, 0.161];
const DARK_INK: Rgb = [0.067, 0.082, 0.169];

/// Of the site's colour, or of the product's.
pub fn get(s: &Snapshot<'_>) -> Result<Shades> {
    let color = appearance::get(s)?.color;
    let shades = color.as_deref().and_then(Shades::of).or_else(|| Shades::of(BLUE));
    shades.ok_or_else(|| Error::internal("the product's colour is none"))
}

impl Shades {
    /// `None` for what is no `#rrggbb`.
    pub fn of(color: &str) -> Option<Self> {
        let color = parse(color)?;
        let ink = match contrast(color, DARK_INK) <= contrast(color, WHITE) {
            true => WHITE,
            false => DARK_INK,
        };
        // A middling colour is too weak under either ink.
        let away = if ink == WHITE { [0.0; 3] } else { WHITE };
        Some(Self {
            fill: hex(towards(color, away, |shade| READABLE <= contrast(shade, ink))),
            ink: hex(ink),
            light_text: hex(towards(color, [0.0; 3], |shade| READABLE <= contrast(shade, LIGHT_GROUND))),
            dark_text: hex(towards(color, WHITE, |shade| READABLE <= contrast(shade, DARK_GROUND))),
        })
    }
}

/// The first mixture of `color` with `end` that will do.
fn towards(color: Rgb, end: Rgb, will_do: impl Fn(Rgb) -> bool) -> Rgb {
    let mixed = |step: u32| {
        let share = f64::from(step) / 50.0;
        std::array::from_fn(|channel| color[channel] * (1.0 - share) + end[channel] * share)
    };
    (0..50).map(mixed).find(|shade| will_do(*shade)).unwrap_or(end)
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(color: Rgb) -> f64 {
    let linear = color.map(|channel| match channel {
        small if small <= 0.04045 => small / 12.92,
        large => ((large + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn parse(color: &str) -> Option<Rgb> {
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some([16, 8, 0].map(|shift| f64::from(number >> shift & 0xff) / 255.0))
}

fn hex(color: Rgb) -> String {
    let [red, green, blue] = color.map(|channel| (channel * 255.0).round().clamp(0.0, 255.0) as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_can_be_read_where_it_is_text_and_under_letters() {
        for color in ["#ffff00", "#000000", "#ffffff", "#777777", "#ff3366", "#3a56cf", "#8a8a00"] {
            let shades = Shades::of(color).unwrap();
            let [fill, ink, light, dark] = [&shades.fill, &shades.ink, &shades.light_text, &shades.dark_text]
                .map(|it| parse(it).unwrap());
            assert!(4.5 <= contrast(fill, ink), "{color}: {shades:?}");
            assert!(4.5 <= contrast(light, LIGHT_GROUND), "{color}: {shades:?}");
            assert!(4.5 <= contrast(dark, DARK_GROUND), "{color}: {shades:?}");
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        assert_eq!(Shades::of("#3a56cf").unwrap().fill, "#3a56cf");
        assert_eq!(Shades::of("blue"), None);
    }
}
