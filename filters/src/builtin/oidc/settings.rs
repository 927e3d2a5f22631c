//! The settings, and what can be wrong with them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use openidconnect::{AuthType, ClientId, ClientSecret, IssuerUrl};
use rimward_config::{PathPattern, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::asking::Asking;
use super::claims::{ClaimPath, Required};
use super::discovery::Discovery;
use super::provider::Provider;
use crate::filter::{BuildError, Builder};
use crate::settings::{CookieName, FieldName, refuse_framing};
use crate::target::normal_path;

/// Settings of `oidc`. A browser that comes without a session is sent to the provider and, once the user has signed in there,
/// back to the page that it wanted; only `GET` requests that browsers make to show a page are sent, all others get 401. The
/// session is kept in the browser alone: in cookies that are encrypted (AES-256-GCM), `HttpOnly` and `SameSite=Lax`, over
/// `https` also `Secure` and with the prefix `__Host-`. So all edges with the same secret know it, and signing out makes the
/// browser forget it. Neither the origin nor the cache sees these cookies; what the cache holds is served only to those who
/// are signed in. A shared cache between the clients and this edge knows nothing of that: there must be none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The provider, as it calls itself: `https://id.example.com/realms/staff`. What else there is to know of it is read from
    /// `/.well-known/openid-configuration` below it, when it is needed first and then every hour; while it does not answer,
    /// what was known holds.
    pub(super) issuer: String,
    /// What the provider calls this site.
    pub(super) client_id: String,
    /// A file with the secret that the provider gave this site. Without it the site is a public client, which PKCE alone
    /// protects.
    #[schemars(title = "file")]
    pub(super) client_secret_file: Option<PathBuf>,
    /// How the secret is told to the provider: `"basic"`, in a header, or `"post"`, in the body.
    #[serde(default)]
    pub(super) client_auth: ClientAuth,
    /// A file with a secret that cookies are encrypted with, such as `openssl rand -base64 32` writes it. It may have several
    /// lines: the first is in use, cookies of the others are still read.
    #[schemars(title = "file")]
    pub(super) cookie_secret_file: PathBuf,
    /// The name of the cookies, without the prefix that they get over `https`. A long session takes up to four.
    #[serde(default = "rimward_session")]
    pub(super) cookie: CookieName,
    /// The path to which the provider sends browsers back. The provider has to know its whole URL, with each host of the site.
    #[serde(default = "default_callback")]
    pub(super) callback: OwnPath,
    /// The path that signs out: it removes the cookies, and then the provider signs out too if it offers that.
    #[serde(default = "default_logout")]
    pub(super) logout: OwnPath,
    /// Where browsers go after signing out: a path of the site or a whole URL.
    #[serde(default = "root")]
    pub(super) after_logout: String,
    /// The URL that clients know the site by, such as `https://shop.example.com`. Unless set, it is the scheme and the host of
    /// the request.
    pub(super) base_url: Option<String>,
    /// What the provider is asked for. `offline_access` gets a refresh token from most. `openid` is always asked for.
    #[serde(default = "usual_scopes")]
    pub(super) scopes: Vec<String>,
    /// More parameters for the provider's sign-in page, such as `{ prompt = "select_account" }`.
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, String>,
    /// Paths that everybody may see: `/`, `/assets/*`. Their origin is not told who is signed in.
    #[serde(default)]
    #[schemars(title = "list of paths")]
    pub(super) public: Vec<PathPattern>,
    /// What the ID token has to say of a user, or the answer is 403: `{ email_verified = true, groups = ["staff", "admin"] }`. A
    /// claim has to be the value or one of a list of values; a claim that is a list has to hold one of them. A dot leads into
    /// a table: `"realm_access.roles"`.
    #[serde(default)]
    pub(super) require: BTreeMap<ClaimPath, Required>,
    /// Request headers that are made of claims: `{ x-user = "sub", x-groups = "groups" }`. What the client sent under these
    /// names is removed in any case. A list is joined by commas, and a comma within is written `%2C`.
    #[serde(default)]
    pub(super) headers: BTreeMap<FieldName, ClaimPath>,
    /// Whether responses in the cache are for all who are signed in. Otherwise, where there are `headers`, they are told apart
    /// by them, so that nobody gets a page that was made for somebody else.
    #[serde(default)]
    pub(super) share_cache: bool,
    /// How long a session lasts before the user is sent to the provider again. With a refresh token, what the provider says is
    /// asked anew whenever the access token has run out; without one the session lasts this long.
    #[serde(default = "twelve_hours")]
    pub(super) session_ttl: Span,
    /// How long the provider's answers are waited for.
    #[serde(default = "ten_seconds")]
    pub(super) timeout: Span,
    /// Whether the provider may be asked in the clear. On the machine itself (`http://127.0.0.1`, `http://[::1]`,
    /// `http://localhost`) it always may.
    #[serde(default)]
    pub(super) allow_http: bool,
}

/// How the client's secret is told to the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "client auth")]
pub(super) enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the body.
    Post,
}

/// A path that the filter answers itself, in the form that requests have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct OwnPath(pub(super) String);

impl TryFrom<String> for OwnPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let path = normal_path(&text);
        path.map(Self)
            .map_err(|error| format!("`{text}` is not a path: {error}"))
    }
}

impl From<OwnPath> for String {
    fn from(path: OwnPath) -> Self {
        path.0
    }
}

impl JsonSchema for OwnPath {
    fn schema_name() -> Cow<'static, str> {
        "OwnPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "path", "pattern": "^/[^?#]*$" })
    }
}

fn rimward_session() -> CookieName {
    CookieName("rimward_session".to_owned())
}

fn default_callback() -> OwnPath {
    OwnPath("/oidc/callback".to_owned())
}

fn default_logout() -> OwnPath {
    OwnPath("/oidc/logout".to_owned())
}

fn root() -> String {
    "/".to_owned()
}

fn usual_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

fn twelve_hours() -> Span {
    Span(Duration::from_secs(12 * 3600))
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

/// Parameters of the sign-in page that the protocol needs.
const OWN_PARAMETERS: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

impl Settings {
    /// What can be seen without reading files.
    ///
    /// # Errors
    /// With what is wrong.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        if self.callback == self.logout {
            let message = "it is the path of `callback` too: name another";
            return Err(BuildError::at("logout", message));
        }
        if self.session_ttl.0 < Duration::from_secs(60) {
            return Err(BuildError::at("session_ttl", "it has to be at least `1m`"));
        }
        if self.timeout.0.is_zero() {
            return Err(BuildError::at("timeout", "it has to be more than zero"));
        }
        for FieldName(name) in self.headers.keys() {
            refuse_framing(name).map_err(|message| BuildError::at("headers", message))?;
        }
        self.check_asked()
    }

    /// What the sign-in page is asked for beside what the protocol needs.
    fn check_asked(&self) -> Result<(), BuildError> {
        let is_word =
            |scope: &String| !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic());
        if let Some(scope) = self.scopes.iter().find(|scope| !is_word(scope)) {
            let message = format!("`{}` is not a scope: one word each", scope.escape_debug());
            return Err(BuildError::at("scopes", message));
        }
        let mut names = self.parameters.keys();
        match names.find(|name| OWN_PARAMETERS.contains(&name.as_str())) {
            Some(name) => {
                let message = format!("`{name}` is set by the edge itself");
                Err(BuildError::at("parameters", message))
            }
            None => Ok(()),
        }
    }

    /// The provider.
    ///
    /// # Errors
    /// When it can't be one, or its secret can't be read.
    pub(super) fn provider(&self, builder: &Builder<'_>) -> Result<Provider, BuildError> {
        let issuer = self.issuer()?;
        let may_be_http = self.allow_http || issuer.url().scheme() == "http";
        let asking = Asking::new(builder.outside(), self.timeout.0, may_be_http);
        let asking = Arc::new(asking);
        Ok(Provider {
            client_id: ClientId::new(self.client_id.clone()),
            client_secret: self.client_secret(builder)?,
            auth_type: match self.client_auth {
                ClientAuth::Basic => AuthType::BasicAuth,
                ClientAuth::Post => AuthType::RequestBody,
            },
            scopes: self.scopes.clone(),
            parameters: self.parameters.clone().into_iter().collect(),
            discovery: Arc::new(Discovery::new(issuer, asking.clone())),
            asking,
        })
    }

    fn issuer(&self) -> Result<IssuerUrl, BuildError> {
        let wrong = |message: String| BuildError::at("issuer", message);
        let issuer = IssuerUrl::new(self.issuer.clone());
        let issuer =
            issuer.map_err(|error| wrong(format!("`{}` is not a URL: {error}", self.issuer)))?;
        let host = issuer.url().host_str();
        let is_here = matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"));
        match issuer.url().scheme() {
            "https" => Ok(issuer),
            "http" if is_here || self.allow_http => Ok(issuer),
            "http" => Err(wrong("a provider is asked over `https`, unless it is on this machine or `allow_http` is set".to_owned())),
            other => Err(wrong(format!("`{other}` is not `https`"))),
        }
    }

    fn client_secret(&self, builder: &Builder<'_>) -> Result<Option<ClientSecret>, BuildError> {
        let Some(file) = &self.client_secret_file else {
            return Ok(None);
        };
        let secret = builder.read("client_secret_file", file)?;
        match secret.trim() {
            "" => Err(BuildError::at("client_secret_file", "the file is empty")),
            secret => Ok(Some(ClientSecret::new(secret.to_owned()))),
        }
    }

    /// The URL that clients know the site by, without a slash at the end.
    ///
    /// # Errors
    /// When it is no scheme and host.
    pub(super) fn base_url(&self) -> Result<Option<String>, BuildError> {
        let Some(base) = &self.base_url else {
            return Ok(None);
        };
        let url = base.parse::<Uri>().ok().filter(|url| {
            let is_web = matches!(url.scheme_str(), Some("http" | "https"));
            is_web && matches!(url.path(), "" | "/") && url.query().is_none()
        });
        match url {
            Some(_) => Ok(Some(base.trim_end_matches('/').to_owned())),
            None => {
                let message =
                    format!("`{base}` is not a scheme and a host: `https://shop.example.com`");
                Err(BuildError::at("base_url", message))
            }
        }
    }

    /// Where browsers go after signing out.
    ///
    /// # Errors
    /// When it is neither a path nor a URL.
    pub(super) fn after_logout(&self) -> Result<String, BuildError> {
        let to = &self.after_logout;
        let is_path = to.starts_with('/') && !to.starts_with("//");
        let is_url = to.starts_with("https://") || to.starts_with("http://");
        match (is_path || is_url) && to.parse::<Uri>().is_ok() {
            true => Ok(to.clone()),
            false => {
                let message = format!(
                    "`{to}` is neither a path such as `/` nor a URL such as `https://example.com/`"
                );
                Err(BuildError::at("after_logout", message))
            }
        }
    }
}
