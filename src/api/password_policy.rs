//! `/passwordPolicy` (contract 2.3): what passwords must be like, and when failed sign-ins lock an agent.

use actix_web::{HttpResponse, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::desk::password_policy::{self, PasswordPolicy};
use crate::error::Result;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasswordPolicy)]
pub struct PasswordPolicyJson {
    /// Without it the shortest password has 8 characters
    is_verify_password_minimum_length: bool,
    #[schema(example = 12)]
    minimum_password_length: i64,
    is_verify_password_history: bool,
    /// So many last passwords may not be used again
    verification_value_of_password_history: i64,
    /// Kept for clients that set it; no password expires
    is_enable_password_expiration_limit: bool,
    password_expire_in_days: i64,
    /// Three of: lower case, upper case, digits, other characters
    is_verify_password_complexity: bool,
    is_verify_agent_name: bool,
    is_verify_common_phrases: bool,
    is_verify_maximum_change_times: bool,
    /// Changes of one's own password within 24 hours
    maximum_change_times: i64,
    is_lock_account_after_certain_failed_login_attempts: bool,
    /// Wrong passwords before the first lock, which ends by itself
    allowed_failed_login_attempts: i64,
    /// Whether agents who sign in by password must set up two-step sign-in before anything else; API keys and sign-in
    /// with the identity provider are not touched by it
    is_require_two_step_sign_in: bool,
}

impl From<PasswordPolicy> for PasswordPolicyJson {
    fn from(policy: PasswordPolicy) -> Self {
        Self {
            is_verify_password_minimum_length: policy.checks_length,
            minimum_password_length: policy.minimum_length,
            is_verify_password_history: policy.checks_history,
            verification_value_of_password_history: policy.history,
            is_enable_password_expiration_limit: policy.expires,
            password_expire_in_days: policy.expires_in_days,
            is_verify_password_complexity: policy.checks_complexity,
            is_verify_agent_name: policy.checks_agent_name,
            is_verify_common_phrases: policy.checks_common_phrases,
            is_verify_maximum_change_times: policy.limits_changes,
            maximum_change_times: policy.maximum_changes,
            is_lock_account_after_certain_failed_login_attempts: policy.locks,
            allowed_failed_login_attempts: policy.allowed_failures,
            is_require_two_step_sign_in: policy.requires_second_factor,
        }
    }
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasswordPolicyChange)]
pub struct PasswordPolicyInput {
    is_verify_password_minimum_length: Option<bool>,
    #[schema(minimum = 8, maximum = 128)]
    minimum_password_length: Option<i64>,
    is_verify_password_history: Option<bool>,
    #[schema(minimum = 1, maximum = 24)]
    verification_value_of_password_history: Option<i64>,
    is_enable_password_expiration_limit: Option<bool>,
    #[schema(minimum = 1, maximum = 3650)]
    password_expire_in_days: Option<i64>,
    // The documents misspell it.
    #[serde(alias = "isVerifyPassworfComplexity")]
    is_verify_password_complexity: Option<bool>,
    is_verify_agent_name: Option<bool>,
    is_verify_common_phrases: Option<bool>,
    is_verify_maximum_change_times: Option<bool>,
    #[schema(minimum = 1, maximum = 100)]
    maximum_change_times: Option<i64>,
    is_lock_account_after_certain_failed_login_attempts: Option<bool>,
    #[schema(minimum = 1, maximum = 100)]
    allowed_failed_login_attempts: Option<i64>,
    /// 409 while the caller, who has a password, has no two-step sign-in of their own
    is_require_two_step_sign_in: Option<bool>,
}

impl Input for PasswordPolicyInput {}

impl PasswordPolicyInput {
    fn over(self, before: PasswordPolicy) -> PasswordPolicy {
        PasswordPolicy {
            checks_length: self.is_verify_password_minimum_length.unwrap_or(before.checks_length),
            minimum_length: self.minimum_password_length.unwrap_or(before.minimum_length),
            checks_history: self.is_verify_password_history.unwrap_or(before.checks_history),
            history: self.verification_value_of_password_history.unwrap_or(before.history),
            expires: self.is_enable_password_expiration_limit.unwrap_or(before.expires),
            expires_in_days: self.password_expire_in_days.unwrap_or(before.expires_in_days),
            checks_complexity: self.is_verify_password_complexity.unwrap_or(before.checks_complexity),
            checks_agent_name: self.is_verify_agent_name.unwrap_or(before.checks_agent_name),
            checks_common_phrases: self.is_verify_common_phrases.unwrap_or(before.checks_common_phrases),
            limits_changes: self.is_verify_maximum_change_times.unwrap_or(before.limits_changes),
            maximum_changes: self.maximum_change_times.unwrap_or(before.maximum_changes),
            locks: self.is_lock_account_after_certain_failed_login_attempts.unwrap_or(before.locks),
            allowed_failures: self.allowed_failed_login_attempts.unwrap_or(before.allowed_failures),
            requires_second_factor: self.is_require_two_step_sign_in.unwrap_or(before.requires_second_factor),
        }
    }
}

/// Get the password policy
#[utoipa::path(
    tag = "Security",
    responses((status = 200, body = PasswordPolicyJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/passwordPolicy")]
pub async fn get(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let policy = app.read(|s| password_policy::view(s, &by.actor))?;
    Ok(HttpResponse::Ok().json(PasswordPolicyJson::from(policy)))
}

/// Change the password policy; passwords that there are already stay as they are
#[utoipa::path(
    tag = "Security",
    request_body = PasswordPolicyInput,
    responses(
        (status = 200, body = PasswordPolicyJson),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/passwordPolicy")]
pub async fn update(app: App, by: Caller, body: Json<PasswordPolicyInput>) -> Result<HttpResponse, ApiError> {
    let policy = app.write(move |tx| {
        let policy = body.0.over(password_policy::get(tx)?);
        password_policy::set(tx, &by.actor, &policy)?;
        Ok(policy)
    });
    Ok(HttpResponse::Ok().json(PasswordPolicyJson::from(policy.await?)))
}
