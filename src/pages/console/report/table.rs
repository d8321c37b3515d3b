//! A report as rows of cells, for the page and for its export.

use super::Asked;
use crate::desk::code::Channel;
use crate::desk::report::{Metric, Slot, Spans, channel, channel_name, efficiency, now, sla, volume};

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
    /// The conversations behind a count.
    pub href: Option<String>,
}

fn plain(text: impl ToString) -> Cell {
    Cell { text: text.to_string(), href: None }
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

    pub fn now(rows: &[now::Row], of: &str) -> Self {
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
            let link = |count: i64, metric: Metric| Cell {
                text: count.to_string(),
                href: (count != 0).then(|| {
                    format!("/console/reports/conversations?metric={}&of={of}-{}", metric.name(), it.id)
                }),
            };
            Row {
                name: it.name.clone(),
                cells: vec![
                    link(it.now.open, Metric::OpenNow),
                    link(it.now.new, Metric::New),
                    link(it.now.pending_internal, Metric::PendingInternal),
                    link(it.now.pending_external, Metric::PendingExternal),
                    link(it.now.on_hold, Metric::OnHold),
                    link(it.now.urgent, Metric::Urgent),
                    link(it.now.high, Metric::High),
                    plain(it.replied_today),
                    plain(it.closed_today),
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
            .map(|(count, metric)| Cell {
                text: count.to_string(),
                href: slot.filter(|_| count != 0).map(|slot| asked.list(metric, slot.id)),
            })
            .into()
        };
        let rows = report.rows.iter().map(|(slot, it)| (slot.name.clone(), cells(it, Some(slot))));
        Self::with_total(
            vec!["Created", "Closed", "Answered", "Reopened", "Open at the end"],
            rows,
            cells(&report.total, None),
        )
    }

    pub fn channel(report: &channel::Channels) -> Self {
        let cells = |counts: &[i64]| counts.iter().map(plain).collect::<Vec<_>>();
        let rows = report.rows.iter().map(|(slot, counts)| (slot.name.clone(), cells(counts)));
        let columns = Channel::ALL.iter().map(|channel| channel_name(*channel)).collect();
        Self::with_total(columns, rows, cells(&report.total))
    }

    pub fn efficiency(report: &efficiency::Efficiency) -> Self {
        let three = |spans: &Spans| {
            [spans.mean(), spans.percentile(50), spans.percentile(90)].map(|millis| plain(span(millis)))
        };
        let cells = |it: &efficiency::Figures| {
            let mut cells = Vec::new();
            cells.extend(three(&it.first_response));
            cells.extend(three(&it.response));
            cells.extend(three(&it.conversation));
            cells.extend([plain(it.contact_messages()), plain(it.agent_messages())]);
            cells
        };
        let rows = report.rows.iter().map(|(slot, it)| (slot.name.clone(), cells(it)));
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
            cells(&report.total),
        )
    }

    pub fn sla(report: &sla::Report, asked: &Asked) -> Self {
        let cells = |it: &sla::Figures, slot: Option<&Slot>| {
            let mut cells: Vec<Cell> = it
                .targets
                .iter()
                .flat_map(|target| [plain(percent(target.achieved())), plain(span(target.spans.mean()))])
                .collect();
            cells.push(Cell {
                text: it.breached().to_string(),
                href: slot.filter(|_| it.breached() != 0).map(|slot| asked.list(Metric::Breached, slot.id)),
            });
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
