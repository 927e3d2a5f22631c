//! A bucket as an origin: its server is one like any other, but requests to it are of another kind. They ask for a key in
//! the bucket, carry nothing of the client's that S3 would take for a command, and are signed.

mod credentials;
mod refusal;
mod target;

use std::fmt;
use std::time::SystemTime;

use aws_credential_types::Credentials as Keys;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use pingora_http::RequestHeader;
use rimward_config as config;

pub use refusal::Refusal;
pub(super) use refusal::code;

use super::servers::KeyProblem;
use target::Base;

/// Prefixes of fields that are commands to a store, and that no client may give.
const COMMANDS: [&str; 2] = ["x-amz-", "x-goog-"];

/// A bucket, and whose requests reach it.
pub struct S3 {
    settings: config::S3,
    /// The `Host` that its server sees.
    host: String,
    base: Base,
    /// `None` where requests are anonymous.
    keys: Option<Keys>,
}

/// Why a request is not sent to a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unasked {
    /// The status of the answer in place of the bucket's.
    pub status: u16,
    /// Why.
    pub reason: String,
}

impl S3 {
    /// Reads the keys; blocking.
    pub(super) fn compile(settings: &config::S3, host: &str) -> Result<Self, KeyProblem> {
        Ok(Self {
            base: Base::new(settings),
            keys: credentials::find(&settings.credentials)?,
            host: host.to_owned(),
            settings: settings.clone(),
        })
    }

    /// The methods that reach the bucket, as `Allow` has them.
    pub fn allowed(&self) -> &'static str {
        match self.settings.writable {
            true => "GET, HEAD, PUT, DELETE",
            false => "GET, HEAD",
        }
    }

    /// Whether a method reaches the bucket.
    ///
    /// # Errors
    /// With 405 when it does not.
    pub fn takes(&self, method: &Method) -> Result<(), Unasked> {
        let writes = matches!(*method, Method::PUT | Method::DELETE);
        if reads(method) || (writes && self.settings.writable) {
            return Ok(());
        }
        Err(Unasked {
            status: 405,
            reason: format!("a bucket takes {}, not {method}", self.allowed()),
        })
    }

    /// Makes a request one for the bucket, and signs it: the last thing that may change its head.
    ///
    /// # Errors
    /// When it is not for the bucket: the method is another, or nothing has such a name.
    pub fn sign(&self, request: &mut RequestHeader, now: SystemTime) -> Result<(), Unasked> {
        self.takes(&request.method)?;
        let query = match reads(&request.method) {
            true => target::query(request.uri.query(), &self.settings.query),
            false => String::new(),
        };
        let path = target::path(
            &self.base,
            request.uri.path(),
            self.settings.index.as_deref(),
        )?;
        let target: Uri = format!("{path}{query}")
            .parse()
            .map_err(|_| target::nothing())?;
        request.set_uri(target);
        strip(request);
        let host = self.host.as_str();
        request
            .insert_header(header::HOST, host)
            .map_err(unsigned)?;
        match &self.keys {
            Some(keys) => self.sign_with(keys, request, now),
            None => Ok(()),
        }
    }

    fn sign_with(
        &self,
        keys: &Keys,
        request: &mut RequestHeader,
        now: SystemTime,
    ) -> Result<(), Unasked> {
        let identity = keys.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.settings.region)
            .name("s3")
            .time(now)
            .settings(settings())
            .build()
            .map_err(unsigned)?;
        let range = request.headers.get(header::RANGE);
        let range = range.and_then(|range| range.to_str().ok());
        let fields = [("host", self.host.as_str())].into_iter();
        let fields = fields.chain(range.map(|range| ("range", range)));
        let body = match has_body(&request.headers) {
            true => SignableBody::UnsignedPayload,
            false => SignableBody::empty(),
        };
        let target = request.uri.to_string();
        let signable = SignableRequest::new(request.method.as_str(), target, fields, body);
        let signed = sign(signable.map_err(unsigned)?, &params.into()).map_err(unsigned)?;
        for (name, value) in signed.into_parts().0.headers() {
            let mut value = HeaderValue::from_str(value).map_err(unsigned)?;
            value.set_sensitive(true);
            let name = HeaderName::try_from(name).map_err(unsigned)?;
            request.insert_header(name, value).map_err(unsigned)?;
        }
        Ok(())
    }
}

/// How S3 wants requests signed, which is not how Amazon's other services do.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Takes out what is the client's own affair with the edge, and what S3 would take for a command.
fn strip(request: &mut RequestHeader) {
    for name in [
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::COOKIE,
    ] {
        request.remove_header(&name);
    }
    let is_command = |name: &&HeaderName| {
        COMMANDS
            .iter()
            .any(|command| name.as_str().starts_with(command))
    };
    let commands: Vec<HeaderName> = request.headers.keys().filter(is_command).cloned().collect();
    for name in &commands {
        request.remove_header(name);
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
}

/// A fault of the edge: what is signed was made by it.
fn unsigned(error: impl fmt::Display) -> Unasked {
    Unasked {
        status: 500,
        reason: format!("the request to the bucket can't be signed: {error}"),
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed = self.keys.is_some();
        f.debug_struct("S3")
            .field("settings", &self.settings)
            .field("signed", &signed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
