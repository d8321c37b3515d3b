//! Stored files as answers: streamed chunk by chunk, one range on request, only ever offered for download.

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, ByteRangeSpec, Charset, ContentDisposition, ContentEncoding, DispositionParam, DispositionType,
    ExtendedValue, Header, Range,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{Stream, try_unfold};

use super::error::api_answer;
use super::security::FILE_POLICY;
use crate::app::App;
use crate::desk::attachment::Attachment;
use crate::desk::blob::{self, CHUNK_BYTES};
use crate::error::{Error, Result};
use crate::ids::BlobId;

/// A blob and how it is called.
#[derive(Debug, Clone)]
pub struct Download {
    pub blob_id: BlobId,
    pub size_bytes: i64,
    pub content_type: String,
    pub file_name: String,
}

impl From<Attachment> for Download {
    fn from(file: Attachment) -> Self {
        Self {
            blob_id: file.blob_id,
            size_bytes: file.size_bytes,
            content_type: file.content_type,
            file_name: file.file_name,
        }
    }
}

impl Download {
    /// The file, or the one range that was asked for (RFC 9110 14). Several ranges at once get the whole file.
    pub fn answer(&self, app: &App, request: &HttpRequest) -> HttpResponse {
        let size = self.size_bytes.max(0) as u64;
        let range = match wanted(request).map(|range| range.to_satisfiable_range(size)) {
            None => None,
            Some(Some(range)) => Some(range),
            Some(None) => {
                let message = format!("the range lies outside of the file's {size} bytes");
                let mut answer = api_answer(StatusCode::RANGE_NOT_SATISFIABLE, message);
                if let Ok(value) = format!("bytes */{size}").parse() {
                    answer.headers_mut().insert(header::CONTENT_RANGE, value);
                }
                return answer;
            }
        };
        let (first, length) = range.map_or((0, size), |(first, last)| (first, last - first + 1));
        let mut builder = HttpResponse::Ok();
        if let Some((first, last)) = range {
            builder.status(StatusCode::PARTIAL_CONTENT);
            builder.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")));
        }
        builder
            .content_type(self.content_type.as_str())
            .insert_header(disposition(&self.file_name))
            .insert_header((header::ACCEPT_RANGES, "bytes"))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .insert_header((header::CONTENT_SECURITY_POLICY, FILE_POLICY))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            // A range counts the file's own bytes, so nothing may compress them on the way.
            .insert_header(ContentEncoding::Identity)
            .body(SizedStream::new(length, bytes(app.clone(), self.blob_id, first, length)))
    }
}

/// The range asked for, if it is a single one. There are no validators, so `If-Range` never matches.
fn wanted(request: &HttpRequest) -> Option<ByteRangeSpec> {
    if request.headers().contains_key(header::IF_RANGE) {
        return None;
    }
    match Range::parse(request) {
        Ok(Range::Bytes(ranges)) if ranges.len() == 1 => ranges.into_iter().next(),
        _ => None,
    }
}

/// `attachment` with the name as RFC 8187 writes it.
fn disposition(file_name: &str) -> ContentDisposition {
    let name = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: file_name.into(),
    };
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(name)],
    }
}

fn bytes(app: App, blob: BlobId, first: u64, length: u64) -> impl Stream<Item = Result<Bytes>> {
    try_unfold((first, length), move |(at, left)| {
        let app = app.clone();
        async move {
            if left == 0 {
                return Ok(None);
            }
            let (seq, start) = (at / CHUNK_BYTES as u64, (at % CHUNK_BYTES as u64) as usize);
            let chunk = app.read(|s| blob::chunk(s, blob, seq as i64))?.unwrap_or_default();
            let end = chunk.len().min(start.saturating_add(left as usize));
            if end <= start {
                return Err(Error::internal(format!("blob {blob} ends before its size")));
            }
            let piece = Bytes::from(chunk).slice(start..end);
            let count = piece.len() as u64;
            Ok(Some((piece, (at + count, left - count))))
        }
    })
}
