//! What clients get: the picture with what its original says of caching, or why there is none.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use pingora_http::ResponseHeader;
use rimward_images::ImageError;

use super::freshness;
use super::redirects::Stray;
use super::wanted::{Source, Wanted};
use crate::exchange::Storing;
use crate::filter::{Answer, FilterError};
use crate::outside::AskError;

/// How long a failure is remembered.
pub(super) const REMEMBERED: Duration = Duration::from_secs(60);
const A_MINUTE: HeaderValue = HeaderValue::from_static("max-age=60");
/// What was made, or why nothing was.
pub(crate) const X_IMAGE: HeaderName = HeaderName::from_static("x-image");
/// What was asked for and is not done.
pub(super) const X_IMAGE_UNMET: HeaderName = HeaderName::from_static("x-image-unmet");

/// What is said of the body of the original, or of the connection that it came by, and not of the picture.
const OF_THE_ORIGINAL: [HeaderName; 22] = [
    header::ACCEPT_RANGES,
    header::ALT_SVC,
    header::CONNECTION,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::ETAG,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::VIA,
    X_IMAGE,
    X_IMAGE_UNMET,
    HeaderName::from_static("cache-status"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("server-timing"),
];

/// Why there is no picture.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The original is not to be had.
    Asked(AskError),
    /// The origin has none: this is its status.
    Status(StatusCode),
    /// This edge could not have it of another site: what it answered itself.
    Elsewhere {
        status: StatusCode,
        /// As `x-image` has it.
        told: String,
    },
    /// The origin says that it is elsewhere, where it is not asked for.
    Stray(Stray),
    /// It can't be made.
    Image(ImageError),
}

impl Failure {
    /// The number that Cloudflare has for it.
    fn code(&self) -> u16 {
        match self {
            Self::Asked(AskError::TooLong(_)) => 9402,
            Self::Asked(AskError::Unknown(_)) => 9407,
            Self::Asked(AskError::Private(_) | AskError::Request(_)) => 9406,
            Self::Asked(AskError::Timeout(_)) => 9504,
            Self::Asked(_) => 9505,
            Self::Status(StatusCode::NOT_FOUND | StatusCode::GONE) => 9404,
            Self::Status(status) if status.is_redirection() => 9420,
            Self::Status(status) if status.is_server_error() => 9510,
            Self::Status(_) | Self::Elsewhere { .. } => 9408,
            Self::Stray(stray) => stray.code(),
            Self::Image(error) => error.code(),
        }
    }

    fn why(&self) -> String {
        match self {
            Self::Asked(error) => error.to_string(),
            Self::Status(status) | Self::Elsewhere { status, .. } => {
                format!("the origin says {}", status.as_u16())
            }
            Self::Stray(stray) => stray.to_string(),
            Self::Image(error) => error.to_string(),
        }
    }

    /// As `x-image` and the access log have it.
    pub(super) fn told(&self) -> String {
        if let Self::Elsewhere { told, .. } = self {
            return told.clone();
        }
        let why: String = self.why().chars().map(plain).collect();
        format!("err={} {why}", self.code())
    }

    /// Whether the client may find it where it is, though it is not to be had here: it is larger than may be read, leads to where it is
    /// not asked for, or there is no room for it.
    pub(super) fn may_be_well_where_it_is(&self) -> bool {
        match self {
            Self::Asked(AskError::TooLong(_)) | Self::Stray(_) | Self::Image(_) => true,
            Self::Elsewhere { status, .. } => *status == StatusCode::PAYLOAD_TOO_LARGE,
            Self::Asked(_) | Self::Status(_) => false,
        }
    }

    /// The status of the error that clients get if they don't get the original.
    fn status(&self) -> u16 {
        match self {
            Self::Asked(AskError::TooLong(_)) => 413,
            Self::Asked(AskError::Timeout(_)) => 504,
            Self::Asked(AskError::Private(_) | AskError::Request(_)) => 403,
            Self::Asked(_) | Self::Stray(_) => 502,
            Self::Status(status) | Self::Elsewhere { status, .. } => status.as_u16(),
            Self::Image(ImageError::Options(_)) => 400,
            Self::Image(ImageError::NotAnImage | ImageError::Unsupported(_)) => 415,
            Self::Image(ImageError::Broken(_) | ImageError::TooLarge { .. }) => 422,
            Self::Image(ImageError::Deadline(_) | ImageError::Busy) => 503,
            Self::Image(_) => 500,
        }
    }
}

/// What a header can hold.
fn plain(char: char) -> char {
    if matches!(char, ' '..='~') { char } else { '?' }
}

/// The answer that holds a picture, or what there is to say of one.
pub(super) fn picture(
    original: &HeaderMap,
    kind: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
    told: &str,
) -> Result<Answer, FilterError> {
    let mut answer = Answer::new(200)?;
    inherit(original, &mut answer.head)?;
    answer
        .header(header::CONTENT_TYPE, HeaderValue::from_static(kind))?
        .header(header::ETAG, etag)?
        .header(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        )?
        .header(X_IMAGE, told)
        .map(|answer| answer.with_body(bytes))
}

/// The answer that says that a picture is as it was.
pub(super) fn unchanged(original: &HeaderMap, etag: HeaderValue) -> Result<Answer, FilterError> {
    let mut answer = Answer::new(304)?;
    inherit(original, &mut answer.head)?;
    answer.header(header::ETAG, etag)
}

/// What the original says of caching and of whom it is for holds for the picture, too.
fn inherit(original: &HeaderMap, head: &mut ResponseHeader) -> Result<(), FilterError> {
    let too_many = |_| FilterError::new("the original has too many headers");
    for (name, value) in original {
        if OF_THE_ORIGINAL.contains(name) {
            continue;
        }
        if name == header::VARY {
            for name in varies(value) {
                head.append_header(header::VARY, name).map_err(too_many)?;
            }
            continue;
        }
        head.append_header(name, value).map_err(too_many)?;
    }
    Ok(())
}

/// What the original varies by, but for what requests for originals always say alike.
fn varies(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let names = value.to_str().unwrap_or("*").split(',').map(str::trim);
    names.filter(|name| {
        let alike = [
            "accept",
            "accept-encoding",
            "cookie",
            "authorization",
            "user-agent",
            "accept-language",
        ];
        !name.is_empty() && !alike.iter().any(|alike| name.eq_ignore_ascii_case(alike))
    })
}

/// The original in place of a picture: as it came when it is not meant to be changed, else for a minute.
pub(super) fn original(
    original: Response<Bytes>,
    told: &str,
    lasts: bool,
) -> Result<Answer, FilterError> {
    let (mut from, body) = original.into_parts();
    let mut answer = Answer::new(from.status.as_u16())?;
    for name in [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        X_IMAGE,
    ] {
        from.headers.remove(name);
    }
    from.headers.remove("cache-status");
    from.headers.remove("server-timing");
    if !lasts {
        shorten(&mut from.headers);
    }
    if is_svg(&from.headers) {
        // It is a document that could do what it likes in the name of the site.
        let nothing =
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
        from.headers
            .insert(header::CONTENT_SECURITY_POLICY, nothing);
    }
    for (name, value) in &from.headers {
        let too_many = |_| FilterError::new("the original has too many headers");
        answer.head.append_header(name, value).map_err(too_many)?;
    }
    Ok(answer.header(X_IMAGE, told)?.with_body(body))
}

/// Whether a response is a drawing, which is as large as one likes and passed on as it is.
pub(super) fn is_svg(head: &HeaderMap) -> bool {
    let type_ = head
        .get(header::CONTENT_TYPE)
        .and_then(|type_| type_.to_str().ok());
    type_.is_some_and(|type_| {
        type_
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("image/svg+xml")
    })
}

/// Has clients keep it for a minute and no longer, unless they keep it less already.
fn shorten(head: &mut HeaderMap) {
    if freshness::left(head).is_none_or(|left| left > REMEMBERED) {
        freshness::set(head, A_MINUTE);
    }
}

/// Has what stands in place of a picture be stored for a minute.
pub(super) fn store_briefly(storing: &mut Storing) {
    storing.ttl = Some(REMEMBERED);
    storing.stale_while_revalidate = Some(Duration::ZERO);
    storing.stale_if_error = Some(Duration::ZERO);
}

/// Sends the client to the original.
pub(super) fn redirect(wanted: &Wanted, told: &str) -> Result<Answer, FilterError> {
    let location = match &wanted.source {
        Source {
            elsewhere: Some(url),
            ..
        } => url.to_string(),
        // Two slashes would be the beginning of another site.
        Source { target, .. } if target.starts_with("//") => format!("/.{target}"),
        Source { target, .. } => target.to_string(),
    };
    Answer::new(307)?
        .header(header::LOCATION, location)?
        .header(header::CACHE_CONTROL, A_MINUTE)?
        .header(X_IMAGE, told)
}

/// Tells the client that there is no picture.
pub(super) fn error(failure: &Failure, told: &str) -> Result<Answer, FilterError> {
    Answer::refuse(failure.status())?.header(X_IMAGE, told)
}
