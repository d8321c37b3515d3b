//! A report as rows of cells, for the page and for its export.

use jiff::civil::Date;

use super::{Asked, LIST};
use crate::desk::code::Channel;
use crate::desk::report::{Metric, Slot, channel, channel_name, efficiency, now, sla, volume};

pub struct Table {
    pub columns: Vec<&'static str>,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub name: String,
    pub cells: Vec<Cell>,
    pub is_total: bool,
}

pub struct Cell {
    pub text: String,
    /// The conversations behind it.
    pub href: Option<String>,
}

/// A count that leads to what it counts.
fn link(count: i64, href: impl FnOnce() -> String) -> Cell {
    measured_by(count.to_string(), count as usize, href)
}

/// What was measured, leading to the conversations it was measured by.
fn measured_by(text: String, count: usize, href: impl FnOnce() -> String) -> Cell {
    Cell { text, href: (count != 0).then(href) }
}

/// `3 h 20 min`; a dash without data.
pub fn span(millis: Option<i64>) -> String {
    let Some(minutes) = millis.map(|millis| (millis + 30_000) / 60_000) else { return "–".to_owned() };
    match (minutes / 1440, minutes / 60, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes:02} min"),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1} %"))
}

impl Table {
    /// For a CSV: the columns, then the rows.
    pub fn lines(&self) -> Vec<Vec<String>> {
        let head = std::iter::once(String::new()).chain(self.columns.iter().map(|name| (*name).to_owned()));
        let rows = self.rows.iter().map(|row| {
            std::iter::once(row.name.clone()).chain(row.cells.iter().map(|cell| cell.text.clone())).collect()
        });
        std::iter::once(head.collect()).chain(rows).collect()
    }

    /// Of departments or agents; `today` is the day that what was done counts of.
    pub fn now(rows: &[now::Row], of: &str, today: Date) -> Self {
        let columns = vec![
            "Open",
            "New",
            "Pending internal",
            "Pending external",
            "On hold",
            "Urgent",
            "High",
            "Answered today",
            "Closed today",
        ];
        let row = |it: &now::Row| {
            let standing = |count: i64, metric: Metric| {
                link(count, || format!("{LIST}?metric={}&of={of}-{}", metric.name(), it.id))
            };
            let done = |count: i64, metric: Metric| {
                link(count, || {
                    format!("{LIST}?metric={}&from={today}&to={today}&by={of}&id={}", metric.name(), it.id)
                })
            };
            Row {
                name: it.name.clone(),
                cells: vec![
                    standing(it.now.open, Metric::OpenNow),
                    standing(it.now.new, Metric::New),
                    standing(it.now.pending_internal, Metric::PendingInternal),
                    standing(it.now.pending_external, Metric::PendingExternal),
                    standing(it.now.on_hold, Metric::OnHold),
                    standing(it.now.urgent, Metric::Urgent),
                    standing(it.now.high, Metric::High),
                    done(it.replied_today, Metric::Replied),
                    done(it.closed_today, Metric::Closed),
                ],
                is_total: false,
            }
        };
        Self { columns, rows: rows.iter().map(row).collect() }
    }

    pub fn volume(report: &volume::Volume, asked: &Asked) -> Self {
        let cells = |it: &volume::Counts, slot: Option<&Slot>| {
            [
                (it.created, Metric::Created),
                (it.closed, Metric::Closed),
                (it.replied, Metric::Replied),
                (it.reopened, Metric::Reopened),
                (it.open, Metric::Open),
            ]
            .map(|(count, metric)| link(count, || asked.list(metric, slot)))
            .into()
        };
        let rows = report.rows.iter().map(|(slot, it)| (slot.name.clone(), cells(it, Some(slot))));
        Self::with_total(
            vec!["Created", "Closed", "Answered", "Reopened", "Open at the end"],
            rows,
            cells(&report.total, None),
        )
    }

    pub fn channel(report: &channel::Channels, asked: &Asked) -> Self {
        let cells = |counts: &[i64], slot: Option<&Slot>| {
            let counted = counts.iter().zip(Channel::ALL);
            let cell = |(count, channel): (&i64, &Channel)| {
                link(*count, || [&asked.list(Metric::Messages, slot), "&channel=", channel.name()].concat())
            };
            counted.map(cell).collect::<Vec<_>>()
        };
        let rows = report.rows.iter().map(|(slot, counts)| (slot.name.clone(), cells(counts, Some(slot))));
        let columns = Channel::ALL.iter().map(|channel| channel_name(*channel)).collect();
        Self::with_total(columns, rows, cells(&report.total, None))
    }

    pub fn efficiency(report: &efficiency::Efficiency, asked: &Asked) -> Self {
        let cells = |it: &efficiency::Figures, slot: Option<&Slot>| {
            let mut cells = Vec::new();
            for (spans, metric) in [
                (&it.first_response, Metric::FirstAnswered),
                (&it.response, Metric::Answered),
                (&it.conversation, Metric::Resolved),
            ] {
                let measured = [spans.mean(), spans.percentile(50), spans.percentile(90)];
                cells.extend(
                    measured
                        .map(|millis| measured_by(span(millis), spans.count(), || asked.list(metric, slot))),
                );
            }
            let closed = it.conversation.count();
            for messages in [it.contact_messages(), it.agent_messages()] {
                cells.push(measured_by(messages.to_string(), closed, || asked.list(Metric::Resolved, slot)));
            }
            cells
        };
        let rows = report.rows.iter().map(|(slot, it)| (slot.name.clone(), cells(it, Some(slot))));
        Self::with_total(
            vec![
                "First answer, mean",
                "median",
                "90 %",
                "Any answer, mean",
                "median",
                "90 %",
                "Resolution, mean",
                "median",
                "90 %",
                "Messages of contacts",
                "of agents",
            ],
            rows,
            cells(&report.total, None),
        )
    }

    pub fn sla(report: &sla::Report, asked: &Asked) -> Self {
        const TARGETS: [Metric; 3] = [Metric::FirstTarget, Metric::NextTarget, Metric::ResolveTarget];
        let cells = |it: &sla::Figures, slot: Option<&Slot>| {
            let mut cells = Vec::new();
            for (target, metric) in it.targets.iter().zip(TARGETS) {
                let decided = (target.met + target.breached) as usize;
                for text in [percent(target.achieved()), span(target.spans.mean())] {
                    cells.push(measured_by(text, decided, || asked.list(metric, slot)));
                }
            }
            cells.push(link(it.breached(), || asked.list(Metric::Breached, slot)));
            cells
        };
        let rows = report.rows.iter().map(|(slot, it)| (slot.name.clone(), cells(it, Some(slot))));
        Self::with_total(
            vec![
                "First answer in time",
                "took",
                "Next answer in time",
                "took",
                "Closed in time",
                "took",
                "Conversations with a breach",
            ],
            rows,
            cells(&report.total, None),
        )
    }

    fn with_total(
        columns: Vec<&'static str>,
        rows: impl Iterator<Item = (String, Vec<Cell>)>,
        total: Vec<Cell>,
    ) -> Self {
        let mut rows: Vec<Row> = rows.map(|(name, cells)| Row { name, cells, is_total: false }).collect();
        rows.push(Row { name: "Total".to_owned(), cells: total, is_total: true });
        Self { columns, rows }
    }
}
