//! Settings of `jwt`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use rimward_config::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::require::{Requirement, Strings};
use crate::credentials::{Place, Places, Secret, Word};
use crate::settings::FieldName;

/// Settings of `jwt`. A request without a token, or with one that is not right, is answered with 401; one whose claims are
/// right but do not suffice with 403; `WWW-Authenticate` tells why. Unsigned tokens (`none`) are never taken. A later filter
/// sees the claims. When keys have to be fetched and can't be, the request ends with 503.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What signatures are verified with: each from one of `file`, `secret`, `secret_file` or `url`. RSA keys have at least 2048
    /// bits, a secret is at least as long as its hash: 32, 48 or 64 bytes. What is at a URL is fetched when the first token
    /// comes, and again when its `Cache-Control` or `Expires` says so (10 minutes where they don't; at least a minute, at
    /// most a day), and at most once a minute when a token has a `kid` that is not there. The old keys are kept while the URL
    /// is down. A request that comes before the first keys waits for them, for three seconds at most.
    #[schemars(title = "list of tables")]
    pub(super) keys: Vec<SourceSettings>,
    /// Who must have issued the token (`iss`): one or a list of which any will do. Not looked at unless set.
    #[serde(default)]
    pub(super) issuer: Strings,
    /// Whom the token must be for (`aud`): one or a list of which any will do. Not looked at unless set, which is only right
    /// when the keys sign for nobody else.
    #[serde(default)]
    pub(super) audience: Strings,
    /// How far clocks may be apart when `exp` and `nbf` are looked at.
    #[serde(default = "a_minute")]
    #[schemars(title = "duration")]
    pub(super) leeway: Span,
    /// Whether a token must say when it expires.
    #[serde(default = "yes")]
    pub(super) require_exp: bool,
    /// What the claims must be, else the client gets 403: each by one of `equals`, `one_of` or `contains`, or with none of
    /// them the claim has to be there.
    #[serde(default)]
    #[schemars(title = "list of tables")]
    pub(super) require: Vec<Requirement>,
    /// Headers that tell the origin of claims: `{ x-user = "sub" }`. Lists are joined by commas, tables are JSON. The same
    /// headers of the client are always removed.
    #[serde(default)]
    pub(super) headers: BTreeMap<FieldName, String>,
    /// Whether a request without a token is let through, without any of the headers. One with a wrong token is not.
    #[serde(default)]
    pub(super) optional: bool,
    /// Where the token is looked for, in order: `{ authorization = "Bearer" }` for what stands behind that scheme in
    /// `Authorization`, `{ header = "x-token" }`, `{ cookie = "session" }` or `{ query = "token" }`. A place with two
    /// different values is answered with 400.
    #[serde(default = "bearer")]
    #[schemars(title = "list of places")]
    pub(super) from: Places,
    /// Whether the origin gets the token. It is taken out of the request otherwise, and responses are stored as if nobody
    /// had sent it.
    #[serde(default)]
    pub(super) forward: bool,
    /// Whether everybody who is let in may get the same stored response. Unless set they may when the origin can't tell them
    /// apart; when it gets `headers`, those for whom these are the same may; when it gets the token, nobody else may.
    #[serde(default)]
    pub(super) shared: bool,
    /// What the client is told that the token is for.
    #[serde(default = "api")]
    pub(super) realm: String,
}

fn a_minute() -> Span {
    Span(Duration::from_secs(60))
}

fn yes() -> bool {
    true
}

fn api() -> String {
    "api".to_owned()
}

fn bearer() -> Places {
    Places::only(Place::Authorization(Word::literal("Bearer")))
}

/// Where keys come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceSettings {
    /// A file with a public key in PEM, a JWK or a set of them.
    #[schemars(title = "file")]
    pub(super) file: Option<PathBuf>,
    /// A secret, for HS256, HS384 and HS512.
    pub(super) secret: Option<Secret>,
    /// A file that holds one.
    #[schemars(title = "file")]
    pub(super) secret_file: Option<PathBuf>,
    /// Where a set of JWKs is, such as an identity provider has at its `jwks_uri`.
    pub(super) url: Option<String>,
    /// How the keys sign. Unless set a key does as its `alg` says, or else RSA keys RS256, EC keys ES256 or ES384 by their
    /// curve, Ed25519 keys EdDSA, secrets HS256. PS256 and the like have to be named by either.
    pub(super) algorithm: Option<Signs>,
    /// The `kid` of a key that has none itself. A key without one is tried for every token.
    pub(super) id: Option<String>,
    /// How a secret is written: `"text"`, unless set, `"base64"`, `"base64url"` or `"hex"`.
    #[schemars(title = "encoding")]
    pub(super) encoding: Option<Encoding>,
}

/// How a secret is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Encoding {
    #[default]
    Text,
    Base64,
    Base64url,
    Hex,
}

/// An algorithm by its name in RFC 7518 and RFC 8037.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(super) struct Signs(pub(super) Algorithm);

impl TryFrom<String> for Signs {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| {
            format!(
                "`{}` is not an algorithm here: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA",
                name.escape_debug()
            )
        })
    }
}

impl JsonSchema for Signs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JwtAlgorithm".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "algorithm" })
    }
}
