//! Bars as an SVG that the server draws: nothing to load, prints as it is seen. The table below says the same in
//! numbers.

use crate::desk::code::Channel;
use crate::desk::report::{Slot, channel, channel_name, efficiency, sla, volume};

pub struct Chart {
    pub title: &'static str,
    pub series: Vec<Series>,
    pub bars: Vec<Bar>,
    /// Height and what it stands for.
    pub lines: Vec<(f64, String)>,
    /// Where a row's name is written.
    pub names: Vec<(f64, String)>,
}

pub struct Series {
    pub name: &'static str,
    pub colour: &'static str,
}

pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub colour: &'static str,
    /// Said when it is pointed at.
    pub about: String,
}

pub const WIDTH: f64 = 960.0;
pub const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 10.0;
const COLOURS: [&str; 4] = ["var(--accent)", "var(--green)", "var(--amber)", "var(--violet)"];
/// What a letter below the bars takes.
const LETTER: f64 = 7.0;
/// Names written below the bars.
const NAMES: usize = 12;

impl Chart {
    pub fn volume(report: &volume::Volume) -> Self {
        let rows = report.rows.iter().map(|(slot, it)| (slot, vec![it.created as f64, it.closed as f64]));
        Self::new("Created and closed conversations", &["Created", "Closed"], rows.collect(), |value| {
            format!("{value:.0}")
        })
    }

    pub fn channel(report: &channel::Channels) -> Self {
        let names: Vec<&'static str> = Channel::ALL.iter().map(|channel| channel_name(*channel)).collect();
        let rows = report
            .rows
            .iter()
            .map(|(slot, counts)| (slot, counts.iter().map(|count| *count as f64).collect()));
        Self::new("Messages of each channel", &names, rows.collect(), |value| format!("{value:.0}"))
    }

    pub fn efficiency(report: &efficiency::Efficiency) -> Self {
        let hours = |millis: Option<i64>| millis.unwrap_or(0) as f64 / 3_600_000.0;
        let rows = report.rows.iter().map(|(slot, it)| {
            (slot, vec![hours(it.first_response.percentile(50)), hours(it.first_response.percentile(90))])
        });
        Self::new("Time to the first answer, in hours", &["Median", "90 %"], rows.collect(), |value| {
            format!("{} h", (value * 100.0).round() / 100.0)
        })
    }

    pub fn sla(report: &sla::Report) -> Self {
        let rows = report.rows.iter().map(|(slot, it)| {
            (slot, it.targets.iter().map(|target| target.achieved().unwrap_or(0.0)).collect())
        });
        Self::new(
            "Targets met in time, in percent",
            &["First answer", "Next answer", "Closed"],
            rows.collect(),
            |value| format!("{value:.0} %"),
        )
    }

    fn new(
        title: &'static str,
        names: &[&'static str],
        rows: Vec<(&Slot, Vec<f64>)>,
        say: impl Fn(f64) -> String,
    ) -> Self {
        let most = rows.iter().flat_map(|(_, values)| values).copied().fold(0.0, f64::max);
        let top = nice(most);
        let height = HEIGHT - BOTTOM - TOP;
        let y_of = |value: f64| TOP + height * (1.0 - value / top);
        let step = (WIDTH - LEFT) / rows.len().max(1) as f64;
        let width = (step * 0.8 / names.len().max(1) as f64).min(48.0);
        let every = rows.len().div_ceil(NAMES).max(1);
        let mut bars = Vec::new();
        let mut below = Vec::new();
        for (place, (slot, values)) in rows.iter().enumerate() {
            let start = LEFT + step * place as f64;
            let inset = (step - width * values.len() as f64) / 2.0;
            for (index, value) in values.iter().enumerate() {
                bars.push(Bar {
                    x: start + inset + width * index as f64,
                    y: y_of(*value),
                    width: width * 0.9,
                    height: TOP + height - y_of(*value),
                    colour: COLOURS[index % COLOURS.len()],
                    about: format!("{}, {}: {}", slot.name, names[index], say(*value)),
                });
            }
            if place % every == 0 {
                let letters = (step * every as f64 / LETTER) as usize;
                below.push((start + step / 2.0, short(&slot.name, letters)));
            }
        }
        let series = names.iter().zip(COLOURS.iter().cycle());
        Self {
            title,
            series: series.map(|(name, colour)| Series { name, colour }).collect(),
            bars,
            lines: [0.0, 0.5, 1.0].map(|part| (y_of(top * part), say(top * part))).into(),
            names: below,
        }
    }
}

/// A round number at or above.
fn nice(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 4.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|top| most <= *top).unwrap_or(most)
}

/// A day without its year; a name that is longer than its place is cut.
fn short(name: &str, letters: usize) -> String {
    let name = name.get(5..).filter(|_| name.starts_with("20")).unwrap_or(name);
    match name.chars().count() <= letters {
        true => name.to_owned(),
        false => name.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
    }
}
