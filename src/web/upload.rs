//! Uploads (multipart/form-data): the files of a form, read with limits and stored as blobs, and its text fields.

use actix_multipart::Multipart;
use actix_web::web::BytesMut;
use futures_util::TryStreamExt;

use crate::app::App;
use crate::desk::Actor;
use crate::desk::attachment::{self, Attachment, LIMIT_BYTES, NewAttachment};
use crate::desk::kept_answer::SentForm;
use crate::error::{Error, Result};
use crate::ids::AgentId;

/// Files and fields accepted in one form.
const FILES: usize = 50;
const FIELDS: usize = 100;
/// Largest text field, in bytes.
const FIELD_BYTES: usize = 2 << 20;

/// A form's text fields, in order, and its files, stored and belonging to whoever sent them.
#[derive(Debug, Default)]
pub struct Form {
    pub fields: Vec<(String, String)>,
    pub files: Vec<Attachment>,
}

impl Form {
    /// The first value of a field, trimmed; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// For `kept_answer::once`; a file counts by its name and size, since its guid is new each time.
    pub fn sent_by(&self, agent: AgentId) -> SentForm {
        let files: Vec<(String, String)> =
            (self.files.iter()).map(|file| (file.file_name.clone(), file.size_bytes.to_string())).collect();
        let all = self.fields.iter().chain(&files).map(|(name, text)| (name.as_str(), text.as_str()));
        SentForm::new(agent, self.text("token"), all)
    }

    pub fn guids(&self) -> Vec<String> {
        self.files.iter().map(|file| file.guid.clone()).collect()
    }
}

/// A file as it came, in memory: at most what one conversation may hold.
pub struct File {
    /// Of the field of the form.
    pub field: String,
    pub name: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// Reads the whole form; `check` sees the text fields before any file is stored (for the form's secret).
pub async fn read(
    app: &App,
    by: &Actor,
    multipart: Multipart,
    check: impl FnOnce(&Form) -> Result<()>,
) -> Result<Form> {
    let (mut form, files) = parts(multipart).await?;
    check(&form)?;
    for file in files {
        form.files.push(store(app, by, file).await?);
    }
    Ok(form)
}

/// Reads a form whose files are no attachments: they stay in memory, each with the name of its field.
pub async fn read_in_memory(
    multipart: Multipart,
    check: impl FnOnce(&Form) -> Result<()>,
) -> Result<(Form, Vec<File>)> {
    let (form, files) = parts(multipart).await?;
    check(&form)?;
    Ok((form, files))
}

async fn parts(mut multipart: Multipart) -> Result<(Form, Vec<File>)> {
    let mut form = Form::default();
    let mut files = Vec::new();
    let mut total = 0;
    while let Some(mut field) = multipart.try_next().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name =
            field.content_disposition().and_then(|disposition| disposition.get_filename()).map(str::to_owned);
        let content_type = field.content_type().map(ToString::to_string).unwrap_or_default();
        let limit = if file_name.is_some() { LIMIT_BYTES as usize - total } else { FIELD_BYTES };
        let mut bytes = BytesMut::new();
        while let Some(chunk) = field.try_next().await.map_err(broken)? {
            if limit < bytes.len() + chunk.len() {
                let what = format!("'{}'", file_name.as_deref().unwrap_or(&name));
                let limit_bytes = if file_name.is_some() { LIMIT_BYTES as u64 } else { FIELD_BYTES as u64 };
                return Err(Error::TooLarge { what, limit_bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        match file_name {
            // A browser sends an empty part for a file field that nothing was chosen for.
            Some(file_name) if file_name.is_empty() && bytes.is_empty() => {}
            Some(file_name) => {
                total += bytes.len();
                files.push(File { field: name, name: file_name, content_type, bytes: bytes.to_vec() });
            }
            None => form.fields.push((name, String::from_utf8_lossy(&bytes).replace('\0', ""))),
        }
        if FILES < files.len() || FIELDS < form.fields.len() {
            return Err(Error::invalid(
                "file",
                format!("there are more than {FILES} files or {FIELDS} fields"),
            ));
        }
    }
    Ok((form, files))
}

async fn store(app: &App, by: &Actor, file: File) -> Result<Attachment> {
    let size = file.bytes.len() as i64;
    let head = file.bytes[..file.bytes.len().min(64)].to_vec();
    let blob = app.store_blob(file.bytes).await?;
    let new = NewAttachment::new(blob, size, &file.name, &file.content_type, &head)?;
    let by = by.clone();
    app.write(move |tx| attachment::create(tx, &by, &new)).await
}

fn broken(error: actix_multipart::MultipartError) -> Error {
    Error::invalid("body", format!("is not a readable form: {error}"))
}
