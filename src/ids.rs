//! One newtype per table, so that a contact's id can never be passed where an agent's belongs.
//! Transparent in JSON and in SQL.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};

macro_rules! ids {
    ($($name:ident),+ $(,)?) => {$(
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    )+};
}

ids!(
    AgentId,
    ApiKeyId,
    AttachmentId,
    AuditLogId,
    BlobId,
    ConditionId,
    BlockedSenderId,
    CannedMessageCategoryId,
    CannedMessageId,
    ContactId,
    ConversationId,
    DepartmentId,
    EmailAccountId,
    EventId,
    FieldId,
    FieldOptionId,
    FilterId,
    HolidayId,
    IdentityId,
    InboundMailId,
    IntegrationAccountId,
    JunkEmailId,
    MessageId,
    OauthClientId,
    OauthGrantId,
    OutgoingMailId,
    RehearsalId,
    RoleId,
    RoutingRuleId,
    SlaPolicyId,
    TagId,
    TriggerId,
    WebhookDeliveryId,
    WebhookId,
);
