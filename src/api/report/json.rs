//! What reports look like.

use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::code::Channel;
use crate::desk::conversation::Conversation;
use crate::desk::report::{self, Slot, Spans, channel, efficiency, now, percentage, sla, volume};
use crate::ids::ConversationId;
use crate::time::Timestamp;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RightNowReport)]
pub struct RightNow {
    unassigned_conversations: i64,
    /// Every one that is not closed
    open_conversations: i64,
    new_conversations: i64,
    pending_internal_conversations: i64,
    pending_external_conversations: i64,
    on_hold_conversations: i64,
    urgent_conversations: i64,
    high_conversations: i64,
    /// The same as `urgentConversations`
    urgent_priority_conversations: i64,
    /// The same as `highConversations`
    high_priority_conversations: i64,
}

impl From<now::Standing> for RightNow {
    fn from(it: now::Standing) -> Self {
        Self {
            unassigned_conversations: it.unassigned,
            open_conversations: it.open,
            new_conversations: it.new,
            pending_internal_conversations: it.pending_internal,
            pending_external_conversations: it.pending_external,
            on_hold_conversations: it.on_hold,
            urgent_conversations: it.urgent,
            high_conversations: it.high,
            urgent_priority_conversations: it.urgent,
            high_priority_conversations: it.high,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TodayReport)]
pub struct Today {
    created_conversations: i64,
    closed_conversations: i64,
    replied_conversations: i64,
    reopened_conversations: i64,
}

impl From<volume::Counts> for Today {
    fn from(counts: volume::Counts) -> Self {
        Self {
            created_conversations: counts.created,
            closed_conversations: counts.closed,
            replied_conversations: counts.replied,
            reopened_conversations: counts.reopened,
        }
    }
}

macro_rules! rows_now {
    ($list:ident $row:ident $schema:ident $list_schema:ident $key:ident) => {
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[schema(as = $list_schema)]
        pub struct $list {
            pub data_list: Vec<$row>,
        }

        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[schema(as = $schema)]
        pub struct $row {
            $key: i64,
            /// The same
            id: i64,
            name: String,
            open_conversations: i64,
            today_replied_conversations: i64,
            today_closed_conversations: i64,
            new_conversations: i64,
            pending_internal_conversations: i64,
            pending_external_conversations: i64,
            on_hold_conversations: i64,
            urgent_conversations: i64,
            high_conversations: i64,
        }

        impl From<now::Row> for $row {
            fn from(row: now::Row) -> Self {
                Self {
                    $key: row.id,
                    id: row.id,
                    name: row.name,
                    open_conversations: row.now.open,
                    today_replied_conversations: row.replied_today,
                    today_closed_conversations: row.closed_today,
                    new_conversations: row.now.new,
                    pending_internal_conversations: row.now.pending_internal,
                    pending_external_conversations: row.now.pending_external,
                    on_hold_conversations: row.now.on_hold,
                    urgent_conversations: row.now.urgent,
                    high_conversations: row.now.high,
                }
            }
        }
    };
}

rows_now!(DepartmentsNow DepartmentNowJson DepartmentNow DepartmentsNowReport department_id);
rows_now!(AgentsNow AgentNowJson AgentNow AgentsNowReport agent_id);

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VolumeReport)]
pub struct VolumeReport {
    data_list: Vec<VolumeRow>,
    total_created_conversations: i64,
    total_closed_conversations: i64,
    total_replied_conversations: i64,
    total_reopened_conversations: i64,
    total_open_conversations: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VolumeRow)]
pub struct VolumeRow {
    id: i64,
    name: String,
    created_conversations: i64,
    created_conversations_percentage: f64,
    closed_conversations: i64,
    closed_conversations_percentage: f64,
    replied_conversations: i64,
    replied_conversations_percentage: f64,
    reopened_conversations: i64,
    reopened_conversations_percentage: f64,
    /// At the end of the row's time
    open_conversations: i64,
    open_conversations_percentage: f64,
    #[schema(value_type = String, format = DateTime)]
    start_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end_time: Timestamp,
}

impl From<volume::Volume> for VolumeReport {
    fn from(report: volume::Volume) -> Self {
        let total = report.total;
        let row = |(slot, it): (Slot, volume::Counts)| VolumeRow {
            id: slot.id,
            name: slot.name,
            created_conversations: it.created,
            created_conversations_percentage: percentage(it.created, total.created),
            closed_conversations: it.closed,
            closed_conversations_percentage: percentage(it.closed, total.closed),
            replied_conversations: it.replied,
            replied_conversations_percentage: percentage(it.replied, total.replied),
            reopened_conversations: it.reopened,
            reopened_conversations_percentage: percentage(it.reopened, total.reopened),
            open_conversations: it.open,
            open_conversations_percentage: percentage(it.open, report.open_sum),
            start_time: slot.from,
            end_time: slot.to,
        };
        Self {
            data_list: report.rows.into_iter().map(row).collect(),
            total_created_conversations: total.created,
            total_closed_conversations: total.closed,
            total_replied_conversations: total.replied,
            total_reopened_conversations: total.reopened,
            total_open_conversations: total.open,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChannelReport)]
pub struct ChannelReport {
    data_list: Vec<ChannelRow>,
    channel_total_numbers: Vec<ChannelTotal>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChannelRow)]
pub struct ChannelRow {
    id: i64,
    name: String,
    channel_efficiencies: Vec<ChannelEfficiency>,
    #[schema(value_type = String, format = DateTime)]
    start_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end_time: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChannelEfficiency)]
pub struct ChannelEfficiency {
    #[schema(example = "email")]
    channel_id: &'static str,
    #[schema(example = "E-mail")]
    channel_name: &'static str,
    channel_message_number: i64,
    /// Of the row
    channel_percentage: f64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChannelTotal)]
pub struct ChannelTotal {
    #[schema(example = "email")]
    channel_id: &'static str,
    #[schema(example = "E-mail")]
    channel_name: &'static str,
    total_number: i64,
}

impl From<channel::Channels> for ChannelReport {
    fn from(report: channel::Channels) -> Self {
        let row = |(slot, counts): (Slot, Vec<i64>)| {
            let sum = counts.iter().sum();
            let of = |(channel, count): (&Channel, i64)| ChannelEfficiency {
                channel_id: channel.name(),
                channel_name: report::channel_name(*channel),
                channel_message_number: count,
                channel_percentage: percentage(count, sum),
            };
            ChannelRow {
                id: slot.id,
                name: slot.name,
                channel_efficiencies: Channel::ALL.iter().zip(counts).map(of).collect(),
                start_time: slot.from,
                end_time: slot.to,
            }
        };
        let total = |(channel, total_number): (&Channel, i64)| ChannelTotal {
            channel_id: channel.name(),
            channel_name: report::channel_name(*channel),
            total_number,
        };
        Self {
            data_list: report.rows.into_iter().map(row).collect(),
            channel_total_numbers: Channel::ALL.iter().zip(report.total).map(total).collect(),
        }
    }
}

/// `hh:mm:ss` with hours that grow past 24; zeros without data.
pub fn span(millis: Option<i64>) -> String {
    let seconds = millis.unwrap_or(0) / 1000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `hh:mm:ss` that so many percent do not exceed; an addition to the contract
#[derive(Serialize, ToSchema)]
#[schema(as = Percentiles)]
pub struct Percentiles {
    #[schema(example = "00:12:40")]
    p50: String,
    p75: String,
    p90: String,
    p95: String,
    /// Of how many
    count: usize,
}

impl From<&Spans> for Percentiles {
    fn from(spans: &Spans) -> Self {
        let of = |percent| span(spans.percentile(percent));
        Self { p50: of(50), p75: of(75), p90: of(90), p95: of(95), count: spans.count() }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EfficiencyReport)]
pub struct EfficiencyReport {
    data_list: Vec<EfficiencyRow>,
    #[schema(example = "01:04:10")]
    total_avg_agent_response_time: String,
    total_avg_first_response_time: String,
    total_avg_conversation_time: String,
    total_avg_contact_messages: f64,
    total_avg_agent_messages: f64,
    agent_response_time_percentiles: Percentiles,
    first_response_time_percentiles: Percentiles,
    conversation_time_percentiles: Percentiles,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EfficiencyRow)]
pub struct EfficiencyRow {
    id: i64,
    name: String,
    #[schema(example = "01:04:10")]
    avg_agent_response_time: String,
    avg_first_response_time: String,
    avg_conversation_time: String,
    avg_contact_messages: f64,
    avg_agent_messages: f64,
    agent_response_time_percentiles: Percentiles,
    first_response_time_percentiles: Percentiles,
    conversation_time_percentiles: Percentiles,
    #[schema(value_type = String, format = DateTime)]
    start_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end_time: Timestamp,
}

impl From<efficiency::Efficiency> for EfficiencyReport {
    fn from(report: efficiency::Efficiency) -> Self {
        let row = |(slot, it): (Slot, efficiency::Figures)| EfficiencyRow {
            id: slot.id,
            name: slot.name,
            avg_agent_response_time: span(it.response.mean()),
            avg_first_response_time: span(it.first_response.mean()),
            avg_conversation_time: span(it.conversation.mean()),
            avg_contact_messages: it.contact_messages(),
            avg_agent_messages: it.agent_messages(),
            agent_response_time_percentiles: (&it.response).into(),
            first_response_time_percentiles: (&it.first_response).into(),
            conversation_time_percentiles: (&it.conversation).into(),
            start_time: slot.from,
            end_time: slot.to,
        };
        let total = &report.total;
        Self {
            total_avg_agent_response_time: span(total.response.mean()),
            total_avg_first_response_time: span(total.first_response.mean()),
            total_avg_conversation_time: span(total.conversation.mean()),
            total_avg_contact_messages: total.contact_messages(),
            total_avg_agent_messages: total.agent_messages(),
            agent_response_time_percentiles: (&total.response).into(),
            first_response_time_percentiles: (&total.first_response).into(),
            conversation_time_percentiles: (&total.conversation).into(),
            data_list: report.rows.into_iter().map(row).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaReport)]
pub struct SlaReport {
    data_list: Vec<SlaRow>,
    total: SlaFigures,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaRow)]
pub struct SlaRow {
    id: i64,
    name: String,
    #[serde(flatten)]
    figures: SlaFigures,
    #[schema(value_type = String, format = DateTime)]
    start_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end_time: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaFigures)]
pub struct SlaFigures {
    /// Null when nothing was due
    #[schema(example = 97.5)]
    first_respond_time_achieved_percentage: Option<f64>,
    #[schema(example = "00:31:02")]
    avg_first_respond_time: String,
    next_respond_time_achieved_percentage: Option<f64>,
    avg_next_respond_time: String,
    resolve_time_achieved_percentage: Option<f64>,
    avg_resolve_time: String,
    /// Conversations with at least one target missed
    breached_conversations: i64,
    /// The same, by the documents' older name
    breached_tickets: i64,
}

impl From<&sla::Figures> for SlaFigures {
    fn from(it: &sla::Figures) -> Self {
        let [first, next, resolve] = &it.targets;
        Self {
            first_respond_time_achieved_percentage: first.achieved(),
            avg_first_respond_time: span(first.spans.mean()),
            next_respond_time_achieved_percentage: next.achieved(),
            avg_next_respond_time: span(next.spans.mean()),
            resolve_time_achieved_percentage: resolve.achieved(),
            avg_resolve_time: span(resolve.spans.mean()),
            breached_conversations: it.breached(),
            breached_tickets: it.breached(),
        }
    }
}

impl From<sla::Report> for SlaReport {
    fn from(report: sla::Report) -> Self {
        let row = |(slot, figures): (Slot, sla::Figures)| SlaRow {
            id: slot.id,
            name: slot.name,
            figures: (&figures).into(),
            start_time: slot.from,
            end_time: slot.to,
        };
        Self { total: (&report.total).into(), data_list: report.rows.into_iter().map(row).collect() }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = CountedConversations)]
pub struct CountedConversations {
    /// The number in the report: the sum of `times`
    pub number: i64,
    /// How many conversations it is about
    pub total: usize,
    pub conversations: Vec<Counted>,
}

/// A conversation that was counted; only its id where the caller may not see it
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CountedConversation)]
pub struct Counted {
    id: i64,
    /// How often it was counted: once a row, or each message
    times: i64,
    subject: Option<String>,
    status: Option<&'static str>,
}

impl Counted {
    pub fn new(id: ConversationId, times: i64, seen: Option<Conversation>) -> Self {
        let status = seen.as_ref().map(|it| it.status.name());
        Self { id: id.0, times, subject: seen.map(|it| it.subject), status }
    }
}
