//! Files of a contact's own conversations, only ever offered for download.

use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::app::App;
use crate::desk::attachment;
use crate::error::Error;
use crate::web::download::Download;
use crate::web::{PageError, Visitor};

#[get("/portal/attachments/{guid}")]
pub async fn download(
    app: App,
    request: HttpRequest,
    visitor: Visitor,
    guid: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let file = app.read(|s| attachment::require(s, &visitor.actor, &guid))?;
    if !file.is_available {
        return Err(Error::Conflict("this file is not available".to_owned()).into());
    }
    Ok(Download::from(file).answer(&app, &request))
}
