//! Settings of `signed_url`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::credentials::{Secret, Word};

/// Settings of `signed_url`. Whoever has no right signature gets 403; the access log's field `signed_url` tells why:
/// `missing`, `invalid`, `expired`, or `elsewhere` for another address, URL or time. `rimward sign` makes links. All parts of a
/// signature are taken out of the request, so that everybody gets the same object of the cache. A signature of our own form
/// is the HMAC-SHA256, in base64url without padding, of six lines with a line feed between them: `rimward-url-1`; the name
/// of the key; the time when it expires, in seconds since 1970; the address or network, or nothing; the host in small
/// letters without a port, or nothing (`any_host`); and `url` with the path and the rest of the query (`url /a?b=c`) or
/// `prefix` with a folder (`prefix /videos/`). Paths are signed as the edge sees them: hex digits of escapes in capitals, and
/// nothing escaped that need not be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// A file with a line for each key of our own form: its name, blanks and a secret of at least 32 characters, such as
    /// `openssl rand -hex 32` makes. `#` begins a comment. Links tell the name of their key: to replace a key, add another,
    /// sign with that, and take the old one away when its links have expired. It is read with the configuration.
    #[schemars(title = "file")]
    pub(super) file: Option<PathBuf>,
    /// Secrets by the name of their key, beside those of the file.
    #[serde(default)]
    pub(super) keys: BTreeMap<Word, Secret>,
    /// How the names of the query parameters begin: `rw-expires` (seconds since 1970), `rw-key`, `rw-ip` (an address or
    /// a network), `rw-prefix` (a folder such as `/videos/`, below which the signature is good) and `rw-signature`.
    #[serde(default = "rw")]
    pub(super) parameters: Word,
    /// A cookie that may hold the same, its parts written as a query without that beginning:
    /// `expires=…&key=…&prefix=/videos/&signature=…`.
    pub(super) cookie: Option<Word>,
    /// Whether links are good for every host of the site. The host is signed otherwise.
    #[serde(default)]
    pub(super) any_host: bool,
    /// Whether the rest of the query is signed too, as it stands there. A link with `rw-prefix` never depends on it.
    #[serde(default = "yes")]
    pub(super) sign_query: bool,
    /// Lets signed URLs and signed cookies of CloudFront in, with canned or custom policies, by the same rules. Their
    /// parameters (`Expires`, `Policy`, `Signature`, `Key-Pair-Id`, `Hash-Algorithm`) and cookies (`CloudFront-…`) are taken
    /// out of the request. A URL has to be signed in the form in which the edge sees it: hex digits of escapes in capitals, and
    /// nothing escaped that need not be.
    pub(super) cloudfront: Option<CloudFrontSettings>,
}

/// Settings of CloudFront's links.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloudFrontSettings {
    /// Files with a public key in PEM (RSA of at least 2048 bits, or ECDSA on P-256) by their key pair ID. They are read
    /// with the configuration.
    #[schemars(title = "table of files")]
    pub(super) keys: BTreeMap<Word, PathBuf>,
    /// Hosts that links may be signed for in place of the one that is asked for, such as
    /// `d111111abcdef8.cloudfront.net` after a move.
    #[serde(default)]
    pub(super) hosts: Vec<String>,
}

fn rw() -> Word {
    Word::literal("rw-")
}

fn yes() -> bool {
    true
}
