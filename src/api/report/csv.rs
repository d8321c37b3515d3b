//! Exports (contract 23.7): the keys of the JSON as the first row, then its rows, then the totals.

use actix_web::HttpResponse;

use super::ask::Style;
use super::json::span;
use crate::desk::code::Channel;
use crate::desk::report::{Slot, channel, efficiency, percentage, sla, volume};
use crate::time::Timestamp;
use crate::web::csv;

type Row = Vec<String>;

impl Style {
    fn time(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).strftime(&self.format).to_string()
    }

    fn day(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).date().to_string()
    }

    fn slot(&self, slot: &Slot) -> [String; 4] {
        [slot.id.to_string(), slot.name.clone(), self.time(slot.from), self.time(slot.to)]
    }
}

pub fn answer(name: &str, from: Timestamp, to: Timestamp, rows: &[Row], style: &Style) -> HttpResponse {
    let file = format!("{name}-{}-{}.csv", style.day(from), style.day(to));
    csv::answer(&file, rows)
}

fn header(names: &[&str]) -> Row {
    ["id", "name", "startTime", "endTime"].iter().chain(names).map(|name| (*name).to_owned()).collect()
}

fn row(start: [String; 4], cells: Vec<String>) -> Row {
    start.into_iter().chain(cells).collect()
}

/// The beginning of the last row.
fn total() -> [String; 4] {
    [String::new(), "Total".to_owned(), String::new(), String::new()]
}

pub fn volume(report: &volume::Volume, style: &Style) -> Vec<Row> {
    let all = &report.total;
    let cells = |it: &volume::Counts, open_of: i64| {
        let with_share = |count: i64, of: i64| [count.to_string(), percentage(count, of).to_string()];
        [
            with_share(it.created, all.created),
            with_share(it.closed, all.closed),
            with_share(it.replied, all.replied),
            with_share(it.reopened, all.reopened),
            with_share(it.open, open_of),
        ]
        .concat()
    };
    let mut rows = vec![header(&[
        "createdConversations",
        "createdConversationsPercentage",
        "closedConversations",
        "closedConversationsPercentage",
        "repliedConversations",
        "repliedConversationsPercentage",
        "reopenedConversations",
        "reopenedConversationsPercentage",
        "openConversations",
        "openConversationsPercentage",
    ])];
    rows.extend(report.rows.iter().map(|(slot, it)| row(style.slot(slot), cells(it, report.open_sum))));
    rows.push(row(total(), cells(all, all.open)));
    rows
}

pub fn channel(report: &channel::Channels, style: &Style) -> Vec<Row> {
    let names: Vec<&str> = Channel::ALL.iter().map(|channel| channel.name()).collect();
    let cells = |counts: &[i64]| counts.iter().map(ToString::to_string).collect();
    let mut rows = vec![header(&names)];
    rows.extend(report.rows.iter().map(|(slot, counts)| row(style.slot(slot), cells(counts))));
    rows.push(row(total(), cells(&report.total)));
    rows
}

pub fn efficiency(report: &efficiency::Efficiency, style: &Style) -> Vec<Row> {
    let cells = |it: &efficiency::Figures| {
        vec![
            span(it.response.mean()),
            span(it.first_response.mean()),
            span(it.conversation.mean()),
            it.contact_messages().to_string(),
            it.agent_messages().to_string(),
        ]
    };
    let mut rows = vec![header(&[
        "avgAgentResponseTime",
        "avgFirstResponseTime",
        "avgConversationTime",
        "avgContactMessages",
        "avgAgentMessages",
    ])];
    rows.extend(report.rows.iter().map(|(slot, it)| row(style.slot(slot), cells(it))));
    rows.push(row(total(), cells(&report.total)));
    rows
}

pub fn sla(report: &sla::Report, style: &Style) -> Vec<Row> {
    let cells = |it: &sla::Figures| {
        let achieved =
            |target: usize| it.targets[target].achieved().map_or(String::new(), |it| it.to_string());
        let mean = |target: usize| span(it.targets[target].spans.mean());
        vec![achieved(0), mean(0), achieved(1), mean(1), achieved(2), mean(2), it.breached().to_string()]
    };
    let mut rows = vec![header(&[
        "firstRespondTimeAchievedPercentage",
        "avgFirstRespondTime",
        "nextRespondTimeAchievedPercentage",
        "avgNextRespondTime",
        "resolveTimeAchievedPercentage",
        "avgResolveTime",
        "breachedConversations",
    ])];
    rows.extend(report.rows.iter().map(|(slot, it)| row(style.slot(slot), cells(it))));
    rows.push(row(total(), cells(&report.total)));
    rows
}
