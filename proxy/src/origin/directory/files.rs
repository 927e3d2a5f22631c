//! From a request to a file to a response.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use percent_encoding::percent_decode_str;
use tokio::task::JoinHandle;

use super::Files;
use super::conditions::{Validators, Verdict, whole_seconds};
use super::range::{Part, part};

/// Bytes that are read at a time. A file no longer than this is read as it is opened.
const CHUNK: u64 = 32 * 1024;

/// A response, as far as it is decided before the method and headers of the request are looked at.
enum Found {
    File(Box<Opened>),
    Folder,
    Nothing,
}

struct Opened {
    file: File,
    metadata: Metadata,
    start: Bytes,
}

impl Files {
    /// Answers one request.
    pub(super) async fn answer<B>(self: Arc<Self>, request: &Request<B>) -> Response<FileBody> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let Some(path) = decode(request.uri().path()) else {
            return plain(StatusCode::NOT_FOUND);
        };
        let folder = path.is_empty() || path.ends_with(b"/");
        let served = if folder {
            [path.as_slice(), self.index.as_bytes()].concat()
        } else {
            path
        };
        let kind = content_type(&served);
        let files = self.clone();
        match tokio::task::spawn_blocking(move || files.find(&served))
            .await
            .map_err(io::Error::other)
            .flatten()
        {
            Ok(Found::File(opened)) => self.file(request, kind, *opened),
            Ok(Found::Folder) if !folder => to_folder(request.uri()),
            Ok(Found::Folder | Found::Nothing) => plain(StatusCode::NOT_FOUND),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                plain(StatusCode::FORBIDDEN)
            }
            Err(error) if is_out_of_files(&error) => {
                tracing::error!(%error, "a file cannot be opened");
                plain(StatusCode::SERVICE_UNAVAILABLE)
            }
            // Whatever else there is in the way of a name, it does not lead to a file: a link that leaves the folder
            // or goes round, a file where a folder should be, a name too long.
            Err(error) => {
                tracing::debug!(%error, "a path does not lead to a file");
                plain(StatusCode::NOT_FOUND)
            }
        }
    }

    /// Opens a file and reads its start; blocking.
    fn find(&self, path: &[u8]) -> io::Result<Found> {
        let file = self.root.beneath(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Ok(Found::Folder);
        }
        if !metadata.is_file() {
            return Ok(Found::Nothing);
        }
        let start = if metadata.len() <= CHUNK {
            read(&file, 0, metadata.len())?
        } else {
            Bytes::new()
        };
        Ok(Found::File(Box::new(Opened {
            file,
            metadata,
            start,
        })))
    }

    fn file<B>(
        &self,
        request: &Request<B>,
        kind: HeaderValue,
        opened: Opened,
    ) -> Response<FileBody> {
        let Opened {
            file,
            metadata,
            start,
        } = opened;
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let validators =
            Validators::new(metadata.len(), metadata.ino(), modified, SystemTime::now());
        let verdict = validators.judge(request.headers());
        if verdict == Verdict::Failed {
            return plain(StatusCode::PRECONDITION_FAILED);
        }
        let mut response = Response::new(FileBody::Empty);
        let headers = response.headers_mut();
        put(headers, header::ETAG, &validators.etag);
        put(
            headers,
            header::LAST_MODIFIED,
            &httpdate::fmt_http_date(whole_seconds(modified)),
        );
        if let Some(cache_control) = &self.cache_control {
            headers.insert(header::CACHE_CONTROL, cache_control.clone());
        }
        if verdict == Verdict::NotModified {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let length = metadata.len();
        // RFC 9110, section 14.2: a range of anything but a GET is ignored.
        let range = request
            .headers()
            .get(header::RANGE)
            .and_then(|range| range.to_str().ok());
        let range = range.filter(|_| {
            *request.method() == Method::GET && validators.range_allowed(request.headers())
        });
        let (first, end) = match range.map_or(Part::Whole, |range| part(range, length)) {
            Part::Whole => (0, length),
            Part::Bytes(first, last) => {
                put(
                    headers,
                    header::CONTENT_RANGE,
                    &format!("bytes {first}-{last}/{length}"),
                );
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                (first, last + 1)
            }
            Part::Unsatisfiable => {
                let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE);
                put(
                    response.headers_mut(),
                    header::CONTENT_RANGE,
                    &format!("bytes */{length}"),
                );
                return response;
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - first));
        if *request.method() == Method::GET {
            *response.body_mut() = FileBody::of(file, start, first, end);
        }
        response
    }
}

/// A path as a file's name beneath the folder; `None` when it can't be one.
///
/// It is decoded once. What decoding would make a separator or a step up is not a name, and neither is a hidden one,
/// but for `.well-known` (RFC 8615).
fn decode(path: &str) -> Option<Vec<u8>> {
    let path = path.strip_prefix('/')?;
    let mut name = Vec::with_capacity(path.len());
    let mut segments = path.split('/').peekable();
    let mut first = true;
    while let Some(segment) = segments.next() {
        let decoded: Vec<u8> = percent_decode_str(segment).collect();
        let last = segments.peek().is_none();
        let hidden = decoded.starts_with(b".") && !(first && !last && decoded == b".well-known");
        if hidden
            || decoded.contains(&b'/')
            || decoded.contains(&0)
            || (decoded.is_empty() && !last)
        {
            return None;
        }
        name.extend_from_slice(&decoded);
        if !last {
            name.push(b'/');
        }
        first = false;
    }
    Some(name)
}

fn content_type(path: &[u8]) -> HeaderValue {
    let name = String::from_utf8_lossy(path);
    let kind = mime_guess::from_path(Path::new(&*name)).first_or_octet_stream();
    let text = kind.type_() == mime_guess::mime::TEXT
        || matches!(kind.subtype().as_str(), "javascript" | "ecmascript")
        || kind.suffix() == Some(mime_guess::mime::XML)
        || kind.subtype() == mime_guess::mime::XML;
    let value = if text && kind.get_param("charset").is_none() {
        HeaderValue::try_from(format!("{kind}; charset=utf-8"))
    } else {
        HeaderValue::try_from(kind.as_ref())
    };
    value.unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// The path has no empty segment, so what is sent back can't be taken for the name of another host.
fn to_folder(uri: &http::Uri) -> Response<FileBody> {
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut response = plain(StatusCode::PERMANENT_REDIRECT);
    put(
        response.headers_mut(),
        header::LOCATION,
        &format!("{}/{query}", uri.path()),
    );
    response
}

fn plain(status: StatusCode) -> Response<FileBody> {
    let text = format!(
        "{} {}\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    let mut response = Response::new(FileBody::Start(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

fn put(headers: &mut http::HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Reads `length` bytes or fails: a file that became shorter can't be sent as promised.
fn read(file: &File, offset: u64, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes.into())
}

/// The bytes of a response.
pub(super) enum FileBody {
    Empty,
    /// Bytes that are there already, all that is to come.
    Start(Bytes),
    /// A file that is read as it is sent.
    Rest {
        file: Arc<File>,
        next: u64,
        end: u64,
        reading: Option<JoinHandle<io::Result<Bytes>>>,
    },
}

impl FileBody {
    fn of(file: File, start: Bytes, first: u64, end: u64) -> Self {
        let within = usize::try_from(first).ok().zip(usize::try_from(end).ok());
        match within.and_then(|(first, end)| (end <= start.len()).then(|| start.slice(first..end)))
        {
            Some(bytes) if bytes.is_empty() => Self::Empty,
            Some(bytes) => Self::Start(bytes),
            None => Self::Rest {
                file: Arc::new(file),
                next: first,
                end,
                reading: None,
            },
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Start(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Rest { next, end, .. } if *next >= *end => Poll::Ready(None),
            Self::Rest {
                file,
                next,
                end,
                reading,
            } => {
                let read = reading.get_or_insert_with(|| {
                    let (file, from, length) = (file.clone(), *next, (*end - *next).min(CHUNK));
                    tokio::task::spawn_blocking(move || read(&file, from, length))
                });
                let bytes = ready!(Pin::new(read).poll(cx))
                    .map_err(io::Error::other)
                    .flatten();
                *reading = None;
                match bytes {
                    Ok(bytes) => {
                        *next += bytes.len() as u64;
                        Poll::Ready(Some(Ok(Frame::data(bytes))))
                    }
                    Err(error) => {
                        *this = Self::Empty;
                        Poll::Ready(Some(Err(error)))
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Start(_) => false,
            Self::Rest { next, end, .. } => next >= end,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Start(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Rest { next, end, .. } => SizeHint::with_exact(end - next),
        }
    }
}
