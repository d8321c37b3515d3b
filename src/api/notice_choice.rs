//! `/anytime/noticeChoices`: what the calling agent is told, and how. Everybody has their own; nobody sees another's.

use actix_web::{HttpResponse, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::desk::notice::Kind;
use crate::desk::notice::choice::{self, Choice};
use crate::error::{Error, Result, shown};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NoticeChoices)]
pub struct NoticeChoicesAnswer {
    /// Each kind of notice once
    notice_choices: Vec<NoticeChoiceJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NoticeChoice)]
pub struct NoticeChoiceJson {
    /// `assigned`, `mentioned`, `replied`, `slaNear`, `slaBreached` or `accountFailing`
    #[schema(example = "mentioned")]
    kind: &'static str,
    /// In the open console
    in_page: bool,
    /// By the browser, where it was allowed to
    in_browser: bool,
    by_mail: bool,
}

impl From<Choice> for NoticeChoiceJson {
    fn from(choice: Choice) -> Self {
        Self {
            kind: choice.kind.name(),
            in_page: choice.in_page,
            in_browser: choice.in_browser,
            by_mail: choice.by_mail,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NoticeChoicesChange)]
pub struct NoticeChoicesInput {
    /// Kinds that are left out stay as they are
    notice_choices: Vec<NoticeChoiceInput>,
}

impl Input for NoticeChoicesInput {}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NoticeChoiceChange)]
pub struct NoticeChoiceInput {
    /// `assigned`, `mentioned`, `replied`, `slaNear`, `slaBreached` or `accountFailing`
    #[schema(example = "mentioned")]
    kind: String,
    /// In the open console; not of `accountFailing`
    in_page: Option<bool>,
    /// By the browser, where it was allowed to; not of `accountFailing`
    in_browser: Option<bool>,
    by_mail: Option<bool>,
}

/// What I am told, and how
#[utoipa::path(tag = "Agents", responses((status = 200, body = NoticeChoicesAnswer)))]
#[get("/api/v3/anytime/noticeChoices")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let choices = app.read(|s| choice::all(s, by.agent_id))?;
    Ok(HttpResponse::Ok().json(answer(choices)))
}

/// Choose what I am told, and how
#[utoipa::path(
    tag = "Agents",
    request_body = NoticeChoicesInput,
    responses((status = 200, body = NoticeChoicesAnswer), (status = 400, body = ErrorBody))
)]
#[put("/api/v3/anytime/noticeChoices")]
pub async fn update(app: App, by: Caller, body: Json<NoticeChoicesInput>) -> Result<HttpResponse, ApiError> {
    let wanted = body.0.notice_choices;
    let choices = app.write(move |tx| {
        let mut choices = choice::all(tx, by.agent_id)?;
        for (index, wanted) in wanted.into_iter().enumerate() {
            let kind = Kind::parse(&wanted.kind).ok_or_else(|| {
                let message = format!("'{}' is no kind of notice", shown(&wanted.kind));
                Error::invalid(format!("noticeChoices[{index}].kind"), message)
            })?;
            for choice in choices.iter_mut().filter(|choice| choice.kind == kind) {
                choice.in_page = wanted.in_page.unwrap_or(choice.in_page);
                choice.in_browser = wanted.in_browser.unwrap_or(choice.in_browser);
                choice.by_mail = wanted.by_mail.unwrap_or(choice.by_mail);
            }
        }
        choice::set(tx, &by.actor, &choices)?;
        Ok(choices)
    });
    Ok(HttpResponse::Ok().json(answer(choices.await?)))
}

fn answer(choices: Vec<Choice>) -> NoticeChoicesAnswer {
    NoticeChoicesAnswer { notice_choices: choices.into_iter().map(NoticeChoiceJson::from).collect() }
}
