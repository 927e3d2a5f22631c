//! The four events, and what differs between them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::filter::{Phase, Phases};

/// When a handler is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Every request, before the cache.
    ViewerRequest,
    /// A request that goes to the origin.
    OriginRequest,
    /// What the origin answered, before it is stored.
    OriginResponse,
    /// Every response, from the cache or not.
    ViewerResponse,
}

impl Event {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ViewerRequest => "viewer-request",
            Self::OriginRequest => "origin-request",
            Self::OriginResponse => "origin-response",
            Self::ViewerResponse => "viewer-response",
        }
    }

    /// Whether a request is on its way, which may be answered.
    pub fn is_request(self) -> bool {
        matches!(self, Self::ViewerRequest | Self::OriginRequest)
    }

    /// Whether it is about what passes between the edge and the client.
    pub fn is_viewer(self) -> bool {
        matches!(self, Self::ViewerRequest | Self::ViewerResponse)
    }

    /// How long a handler may take unless the configuration says otherwise.
    pub fn timeout(self) -> Duration {
        Duration::from_secs(if self.is_viewer() { 5 } else { 30 })
    }

    /// The phases that the filter takes part in. For `origin-response` it has to see what goes to the origin, too.
    pub(super) fn phases(self) -> Phases {
        match self {
            Self::ViewerRequest => Phases::only(Phase::Request),
            Self::OriginRequest => Phases::only(Phase::OriginRequest),
            Self::OriginResponse => Phases::only(Phase::OriginRequest).and(Phase::OriginResponse),
            Self::ViewerResponse => Phases::only(Phase::Response),
        }
    }

    /// Bytes of a request's body that a handler sees and may put in its place, and of a response that it makes, head and all.
    pub(super) fn quota(self) -> usize {
        if self.is_viewer() { 40 << 10 } else { 1 << 20 }
    }

    /// What a handler sees and must leave as it is.
    pub(super) fn is_read_only(self, name: &str) -> bool {
        // CloudFront says so of `CDN-Loop` in one event alone; a loop that isn't seen is no better in the other.
        match self {
            Self::ViewerRequest => matches!(
                name,
                "cdn-loop" | "content-length" | "host" | "transfer-encoding" | "via"
            ),
            Self::OriginRequest => matches!(
                name,
                "accept-encoding"
                    | "cdn-loop"
                    | "content-length"
                    | "if-modified-since"
                    | "if-none-match"
                    | "if-range"
                    | "if-unmodified-since"
                    | "transfer-encoding"
                    | "via"
            ),
            Self::OriginResponse => matches!(name, "transfer-encoding" | "via"),
            Self::ViewerResponse => matches!(name, "via" | "warning"),
        }
    }
}

/// What no handler sees or adds.
pub(super) fn is_disallowed(name: &str) -> bool {
    name.starts_with("x-amz-cf-")
        || name.starts_with("x-edge-")
        || matches!(
            name,
            "connection"
                | "expect"
                | "keep-alive"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "proxy-connection"
                | "trailer"
                | "upgrade"
                | "x-accel-buffering"
                | "x-accel-charset"
                | "x-accel-limit-rate"
                | "x-accel-redirect"
                | "x-amzn-auth"
                | "x-amzn-cf-billing"
                | "x-amzn-cf-id"
                | "x-amzn-cf-xff"
                | "x-amzn-errortype"
                | "x-amzn-fle-profile"
                | "x-amzn-header-count"
                | "x-amzn-header-order"
                | "x-amzn-lambda-integration-tag"
                | "x-amzn-requestid"
                | "x-cache"
                | "x-forwarded-proto"
                | "x-real-ip"
        )
}

/// What the edge writes for each hop itself: a handler sees it, and what it makes of it counts for nothing.
pub(super) fn is_of_the_edge(name: &str) -> bool {
    matches!(
        name,
        "content-length" | "transfer-encoding" | "te" | "http2-settings"
    )
}

/// What an origin object's `customHeaders` can't hold, beside what no handler may add.
pub(super) fn is_no_custom_header(name: &str) -> bool {
    let prefixes = ["if-", "proxy-", "x-amz-", "x-edge-"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
        || matches!(
            name,
            "accept-encoding"
                | "cache-control"
                | "cdn-loop"
                | "connection"
                | "content-length"
                | "cookie"
                | "host"
                | "max-forwards"
                | "pragma"
                | "range"
                | "request-range"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "via"
                | "x-real-ip"
        )
}
