//! The site's profile (`/site/profile`, also `/sites`) and its two switches (`/anytime/configs`): contract 10.5.

use actix_web::{HttpResponse, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::desk::site::{self, ProfileChange, Site};
use crate::error::Result;
use crate::time;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SiteProfile)]
pub struct SiteProfileJson {
    /// Always 1: there is one site
    id: i64,
    #[schema(example = "Support")]
    site_name: String,
    company: String,
    website: String,
    /// IANA name
    #[schema(example = "Europe/London")]
    time_zone: String,
    #[schema(example = "MM/dd/yyyy HH:mm:ss")]
    datetime_format: String,
}

impl From<Site> for SiteProfileJson {
    fn from(site: Site) -> Self {
        Self {
            id: 1,
            site_name: site.name,
            company: site.company,
            website: site.website,
            time_zone: site.time_zone,
            datetime_format: site.date_time_format,
        }
    }
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SiteProfileChange)]
pub struct SiteProfileInput {
    #[schema(example = "Support")]
    site_name: Option<String>,
    company: Option<String>,
    /// Begins with `https://` or `http://`
    #[schema(example = "https://www.example.com")]
    website: Option<String>,
    /// IANA name; Windows names are understood
    #[schema(example = "Europe/London")]
    time_zone: Option<String>,
    /// A date in one of six orders, then ` HH:mm:ss`
    #[schema(example = "MM/dd/yyyy HH:mm:ss")]
    datetime_format: Option<String>,
}

impl Input for SiteProfileInput {
    const READ_ONLY: &'static [&'static str] = &["id"];
}

#[derive(Serialize, ToSchema)]
#[schema(as = ConfigsAnswer)]
pub struct ConfigsAnswer {
    configs: ConfigsJson,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Configs)]
pub struct ConfigsJson {
    /// Without departments conversations keep those they have, but none can be given
    is_enabled_department: bool,
    /// Most addresses in `to` and `cc` of one mail
    recipient_limit_per_email: i64,
}

impl From<Site> for ConfigsAnswer {
    fn from(site: Site) -> Self {
        Self {
            configs: ConfigsJson {
                is_enabled_department: site.is_department_enabled,
                recipient_limit_per_email: site.recipient_limit,
            },
        }
    }
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConfigsChange)]
pub struct ConfigsInput {
    is_enabled_department: Option<bool>,
    #[schema(minimum = 1, maximum = 500)]
    recipient_limit_per_email: Option<i64>,
}

impl Input for ConfigsInput {}

/// The site, as a list of one
#[utoipa::path(
    tag = "Site",
    responses((status = 200, body = Vec<SiteProfileJson>))
)]
#[get("/api/v3/sites")]
pub async fn list(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json([SiteProfileJson::from(app.read(site::get)?)]))
}

/// Get the site's profile
#[utoipa::path(
    tag = "Site",
    responses((status = 200, body = SiteProfileJson))
)]
#[get("/api/v3/site/profile")]
pub async fn profile(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(SiteProfileJson::from(app.read(site::get)?)))
}

/// Change the site's profile
#[utoipa::path(
    tag = "Site",
    request_body = SiteProfileInput,
    responses((status = 200, body = SiteProfileJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/site/profile")]
pub async fn change_profile(
    app: App,
    by: Caller,
    body: Json<SiteProfileInput>,
) -> Result<HttpResponse, ApiError> {
    let change = ProfileChange {
        name: body.0.site_name,
        company: body.0.company,
        website: body.0.website,
        time_zone: body.0.time_zone.map(|name| time::zone(&name).unwrap_or(name)),
        date_time_format: body.0.datetime_format,
    };
    let site = app.write(move |tx| site::change_profile(tx, &by.actor, &change)).await?;
    Ok(HttpResponse::Ok().json(SiteProfileJson::from(site)))
}

/// Get the site's switches
#[utoipa::path(
    tag = "Site",
    responses((status = 200, body = ConfigsAnswer))
)]
#[get("/api/v3/anytime/configs")]
pub async fn configs(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(ConfigsAnswer::from(app.read(site::get)?)))
}

/// Change the site's switches
#[utoipa::path(
    tag = "Site",
    request_body = ConfigsInput,
    responses((status = 200, body = ConfigsAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/configs")]
pub async fn change_configs(
    app: App,
    by: Caller,
    body: Json<ConfigsInput>,
) -> Result<HttpResponse, ApiError> {
    let ConfigsInput { is_enabled_department, recipient_limit_per_email } = body.0;
    let site =
        app.write(move |tx| site::configure(tx, &by.actor, is_enabled_department, recipient_limit_per_email));
    Ok(HttpResponse::Ok().json(ConfigsAnswer::from(site.await?)))
}
