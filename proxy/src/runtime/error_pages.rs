//! Bodies of the edge's own error responses: a site's files, or a small page of ours.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use http::StatusCode;

/// The error pages of one site.
#[derive(Debug, Default)]
pub struct ErrorPages {
    pages: BTreeMap<u16, Page>,
}

/// A body and its type.
#[derive(Debug, Clone)]
pub struct Page {
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The whole body.
    pub body: Bytes,
}

impl ErrorPages {
    /// Reads the files of a site.
    ///
    /// # Errors
    /// When one can't be read, with its status.
    pub fn read(files: &BTreeMap<u16, PathBuf>) -> Result<Self, (u16, String)> {
        let read = |(&status, path): (&u16, &PathBuf)| {
            let body = std::fs::read(path).map_err(|error| {
                (
                    status,
                    format!("`{}` can't be read: {error}", path.display()),
                )
            })?;
            let page = Page {
                content_type: content_type(path),
                body: body.into(),
            };
            Ok((status, page))
        };
        let pages: Result<_, (u16, String)> = files.iter().map(read).collect();
        Ok(Self { pages: pages? })
    }

    /// The page for a status.
    pub fn page(&self, status: u16, request_id: &str) -> Page {
        self.pages
            .get(&status)
            .cloned()
            .unwrap_or_else(|| plain(status, request_id))
    }
}

fn content_type(path: &std::path::Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "text/html; charset=utf-8",
    }
}

/// Our own page: what happened, and the request's identity, if there is one, to tell an operator.
fn plain(status: u16, request_id: &str) -> Page {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error");
    let request = match request_id {
        "" => String::new(),
        id => format!("<p>Request <code>{id}</code></p>\n"),
    };
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{status} {reason}</title>\n\
         <h1>{status} {reason}</h1>\n{request}</html>\n"
    );
    Page {
        content_type: "text/html; charset=utf-8",
        body: body.into(),
    }
}
