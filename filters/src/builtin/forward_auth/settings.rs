//! The settings, and what can be wrong with them.

use std::time::Duration;

use http::{HeaderName, header};
use rimward_config::{ByteSize, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::filter::BuildError;
use crate::settings::{CookieName, FieldName, FieldNames, Method, refuse_framing};
use crate::template::Template;

/// Settings of `forward_auth`. The auth origin is asked for `path` and told of the request by `X-Forwarded-Method`, `-Proto`,
/// `-Host`, `-Uri` and `-For` and by the headers of `request_headers`; it never gets the body. A status of 200 to 299 lets the
/// request pass. One of 300 to 499 is the answer that the client gets, with its headers and body, such as a redirect to a
/// page for signing in. Any other status, and no answer in time, is a fault. What is in the cache is served only to requests
/// that may pass. A request that comes from asking the auth origin itself is refused with 508.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The origin that decides.
    pub(super) origin: String,
    /// What it is asked for: a path, and a query if you like, such as `/verify` or `/verify?site={host}`.
    pub(super) path: Template,
    /// The method that it is asked with.
    #[serde(default = "get")]
    pub(super) method: Method,
    /// The request headers that it gets, if the client sent them; `x-api-*` stands for all that begin so.
    #[serde(default = "usual_headers")]
    #[schemars(title = "list of headers", with = "Vec<FieldName>")]
    pub(super) request_headers: Vec<FieldNames>,
    /// Headers of its answer that the request goes on with, such as `x-auth-user`. What the client sent under these names is
    /// removed, also where the answer has none.
    #[serde(default)]
    pub(super) to_origin: Vec<FieldName>,
    /// Headers of its answer that the response to a request that passes gets, such as `set-cookie`.
    #[serde(default)]
    pub(super) to_client: Vec<FieldName>,
    /// Whether responses in the cache are for all who may pass. Otherwise, where there are headers `to_origin`, responses to
    /// requests that go on with others are told apart.
    #[serde(default)]
    pub(super) share_cache: bool,
    /// How long its answer is waited for.
    #[serde(default = "five_seconds")]
    pub(super) timeout: Span,
    /// The longest body of its answer; a longer one is a fault.
    #[serde(default = "sixty_four_kibibytes")]
    pub(super) max_body: ByteSize,
    /// What a fault leads to: `"closed"`, the request ends as `on_error` says, or `"open"`, it passes.
    #[serde(default)]
    pub(super) fail: Fail,
    /// Remembers decisions. Without it the auth origin is asked for each request.
    pub(super) cache: Option<CacheSettings>,
}

/// How decisions are remembered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheSettings {
    /// What makes two requests alike, so that what was decided for one holds for the other: a list of `"method"`, `"scheme"`,
    /// `"host"`, `"path"`, `"uri"`, `"client_ip"`, `{ header = "authorization" }` and `{ cookie = "session" }`. It has to name all
    /// that the decision hangs on. Unless set, it is all that the auth origin is told. If it names headers or cookies,
    /// nothing that lets a request without any of them pass is remembered.
    pub(super) key: Option<Vec<KeyPart>>,
    /// How long a decision holds. Only statuses of 200 to 299, 401 and 403 are remembered, and neither answers with
    /// `Cache-Control: no-store` nor those that set a cookie or whose body is longer than 4 KiB.
    #[serde(default = "one_minute")]
    pub(super) ttl: Span,
    /// How many decisions are remembered; when there are more, the one that was of no use for longest is forgotten. A reload
    /// forgets all.
    #[serde(default = "ten_thousand")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) max_entries: u64,
}

/// Something that the decision hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "key part")]
pub(super) enum KeyPart {
    /// The method.
    Method,
    /// `http` or `https`.
    Scheme,
    /// The host that is asked for.
    Host,
    /// The path.
    Path,
    /// Path and query.
    Uri,
    /// The client's address.
    ClientIp,
    /// A request header, with all its values.
    Header(FieldName),
    /// A cookie, with all its values.
    Cookie(CookieName),
}

/// What a fault leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "fail")]
pub(super) enum Fail {
    /// The request ends as `on_error` says.
    #[default]
    Closed,
    /// The request passes.
    Open,
}

fn get() -> Method {
    Method(http::Method::GET)
}

fn usual_headers() -> Vec<FieldNames> {
    [
        header::ACCEPT,
        header::ACCEPT_LANGUAGE,
        header::AUTHORIZATION,
        header::COOKIE,
        header::ORIGIN,
        header::USER_AGENT,
    ]
    .map(FieldNames::One)
    .to_vec()
}

fn five_seconds() -> Span {
    Span(Duration::from_secs(5))
}

fn sixty_four_kibibytes() -> ByteSize {
    ByteSize(64 << 10)
}

fn one_minute() -> Span {
    Span(Duration::from_secs(60))
}

fn ten_thousand() -> u64 {
    10_000
}

/// The names of headers that are copied from the auth origin's answer.
///
/// # Errors
/// When one of them is not the auth origin's to set.
pub(super) fn copied(key: &str, names: Vec<FieldName>) -> Result<Box<[HeaderName]>, BuildError> {
    for (index, FieldName(name)) in names.iter().enumerate() {
        let at = |message: String| BuildError::at(format!("{key}[{index}]"), message);
        refuse_framing(name).map_err(at)?;
        if *name == header::HOST {
            let message = "`host` is what routes go by: `rewrite` changes it";
            return Err(at(message.to_owned()));
        }
    }
    Ok(names.into_iter().map(|FieldName(name)| name).collect())
}
