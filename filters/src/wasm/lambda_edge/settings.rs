//! `[filter.NAME] lambda_edge = "…"`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rimward_config::{ByteSize, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use super::event::Event;
use super::origin::HostGrant;
use super::viewer::ViewerHeader;
use crate::wasm::settings::Isolation;

/// Settings of a handler of Lambda@Edge.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The handler's file: JavaScript (`.js`, `.cjs`, `.mjs`), or the component (`.wasm`) that `rimward plugin build` makes of
    /// one in Python. A change of it takes effect at once.
    #[schemars(title = "file")]
    pub lambda_edge: PathBuf,
    /// When it is called: `viewer-request`, `origin-request`, `origin-response` or `viewer-response`.
    #[schemars(title = "word")]
    pub event: Event,
    /// The name of the function in a JavaScript file. The default is `handler`; a component has its function with it.
    pub handler: Option<String>,
    /// Whether a request event has the body of requests that have one: 40 KiB of it in `viewer-request`, 1 MiB in
    /// `origin-request`. A handler can replace no other.
    #[serde(default)]
    pub include_body: bool,
    /// What the handler sees as `context.functionName`. The default is the filter's name.
    pub function_name: Option<String>,
    /// What the handler sees as `context.functionVersion`.
    #[serde(default = "first_version")]
    pub function_version: String,
    /// The memory that a call may use, from `16MiB` to `1GiB`.
    #[serde(default = "usual_memory")]
    pub memory: ByteSize,
    /// How long a call may take, from `1ms` to `30s`. The default is AWS's: `5s` in viewer events, `30s` in origin events.
    pub timeout: Option<Span>,
    /// How long an instance of the runtime lives: `request` gives every call variables of its own, `reuse` lets those of the file
    /// outlive a call, as on Lambda. The default is `request` in JavaScript and `reuse` for a component.
    #[schemars(title = "word")]
    pub(in crate::wasm) isolation: Option<Isolation>,
    /// Whether the handler is held to what CloudFront does where the edge could do better:
    /// `viewer-response` is left out for errors and for what a `viewer-request` handler answered, and `origin-response` for
    /// what an `origin-request` handler answered.
    #[serde(default = "yes")]
    pub strict: bool,
    /// Whether a `viewer-request` handler sees the headers of `cloudfront_headers`, which CloudFront adds after it. The
    /// default is the contrary of `strict`.
    pub geo_in_viewer_request: Option<bool>,
    /// The headers in which CloudFront tells who asks, put into requests after `viewer-request` and before `origin-request`;
    /// what a client sends by these names is taken out. The default is all of them: `CloudFront-Viewer-Country`,
    /// `-Country-Name`, `-Country-Region`, `-Country-Region-Name`, `-City`, `-Postal-Code`, `-Latitude`, `-Longitude`,
    /// `-Metro-Code`, `-Time-Zone`, `-Address`, `-ASN`, `-JA3-Fingerprint`, `-JA4-Fingerprint` and `-Http-Version`,
    /// `CloudFront-Is-Mobile-Viewer`, `-Is-Tablet-Viewer`, `-Is-Desktop-Viewer`, `-Is-SmartTV-Viewer`, `-Is-IOS-Viewer` and
    /// `-Is-Android-Viewer`, and `CloudFront-Forwarded-Proto`.
    #[schemars(title = "list of header names")]
    pub cloudfront_headers: Option<Vec<ViewerHeader>>,
    /// What the handler sees as `config.distributionId`. The default is the site's first host.
    pub distribution_id: Option<String>,
    /// What the handler sees as `config.distributionDomainName`. The default is the site's first host.
    pub distribution_domain_name: Option<String>,
    /// The longest body that a host of `grants.hosts` may answer with as an origin.
    #[serde(default = "usual_answer")]
    pub response_body: ByteSize,
    /// What the handler may reach outside its sandbox.
    #[serde(default)]
    pub grants: Grants,
}

/// What a handler may reach outside its sandbox. Nothing but the origins of the configuration unless it is named.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Stores of `[kv.NAME]`.
    #[serde(default)]
    pub kv: Vec<String>,
    /// The origins that it may send a request to by naming one of their servers. The default is every origin of the
    /// configuration; `[]` is none.
    pub origins: Option<Vec<String>>,
    /// Secrets of `[secret.NAME]`.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Hosts that it may ask, or send a request to, though no origin of the configuration has them: `api.example.com`,
    /// `*.s3.amazonaws.com`, `api.example.com:8443`. Without a port it is that of `http` or `https`.
    #[serde(default)]
    pub hosts: Vec<HostGrant>,
    /// Variables of its environment.
    #[serde(default)]
    #[schemars(title = "table")]
    pub env: BTreeMap<String, String>,
}

fn first_version() -> String {
    "1".to_owned()
}

fn usual_memory() -> ByteSize {
    ByteSize(128 << 20)
}

fn usual_answer() -> ByteSize {
    ByteSize(8 << 20)
}

fn yes() -> bool {
    true
}
