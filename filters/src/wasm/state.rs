//! What a guest sees of the world while it is called, and what it has asked for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use lol_html::html_content::ContentType;
use lol_html::send::{Element, ElementContentHandlers};
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_images::Transform;
use wasmtime::component::ResourceTable;

use super::abi::Hook;
use super::abi::rimward::filter::types::BodyWant;
use super::limits::{Memory, Meter};
use super::version::Version;
use crate::chosen::Chosen;
use crate::exchange::{Client, Exchange, Found, Scheme};
use crate::markup::Selector;

/// How many handles a guest may hold at once.
const MAX_HANDLES: usize = 256;

/// The data of one instance. Between calls it holds placeholders; for a call, what it is about is swapped in.
pub(super) struct State {
    pub(super) version: Arc<Version>,
    /// What is called.
    pub(super) hook: Hook,
    /// The exchange that it is called for.
    pub(super) exchange: Exchange,
    /// In the origin request phase: what goes to the origin.
    pub(super) sent: RequestHeader,
    /// Whether that is there.
    pub(super) is_sent: bool,
    /// In the response phases: the response.
    pub(super) response: ResponseHeader,
    /// In hooks for bodies: what there is of it.
    pub(super) chunk: Chunk,
    /// Whether the head still waits for the body.
    pub(super) is_held: bool,
    /// How much of the body it wants.
    pub(super) wants: Option<BodyWant>,
    /// How it wants the page to be rewritten.
    pub(super) edits: Vec<(Selector, Edit)>,
    /// What picture it wants of a body.
    pub(super) picture: Option<Picture>,
    /// What it did in the same exchange so far.
    pub(super) spent: Spent,
    pub(super) table: ResourceTable,
    pub(super) memory: Memory,
    pub(super) meter: Arc<Meter>,
    now_ms: Option<u64>,
}

/// A piece of a body, or all of it.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    /// Where it stands in the body.
    pub(super) offset: u64,
    pub(super) is_last: bool,
}

/// A picture that the host is to make.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) transform: Transform,
    /// The options as a query has them.
    pub(super) text: String,
}

/// What is done with the elements of a page.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    SetAttribute(String, String),
    Remove,
    Append(String),
    Prepend(String),
    SetInner(String),
}

/// What a guest used up of what it may have for one exchange.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) subrequests: u32,
    pub(super) log: usize,
    pub(super) fields: u32,
}

impl Edit {
    /// What the rewriter of pages does for it.
    pub(super) fn handler(self) -> ElementContentHandlers<'static> {
        ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
            match &self {
                Self::SetAttribute(name, value) => element.set_attribute(name, value)?,
                Self::Remove => element.remove(),
                Self::Append(text) => element.append(text, ContentType::Html),
                Self::Prepend(text) => element.prepend(text, ContentType::Html),
                Self::SetInner(text) => element.set_inner_content(text, ContentType::Html),
            }
            Ok(())
        })
    }
}

impl State {
    pub(super) fn new(version: Arc<Version>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            memory: Memory::new(version.limits.memory),
            version,
            hook: Hook::Configure,
            exchange: vacant(),
            sent: no_request(),
            is_sent: false,
            response: no_response(),
            chunk: Chunk::default(),
            is_held: false,
            wants: None,
            edits: Vec::new(),
            picture: None,
            spent: Spent::default(),
            table,
            meter: Arc::default(),
            now_ms: None,
        }
    }

    /// A call begins.
    pub(super) fn begin(&mut self, hook: Hook) {
        self.hook = hook;
        self.wants = None;
        self.picture = None;
        self.now_ms = None;
    }

    /// Whether the call can be left for a while: not in the middle of bodies, nor when all is over.
    pub(super) fn may_wait(&self) -> bool {
        let is_at_once = matches!(
            self.hook,
            Hook::Configure
                | Hook::OriginResponseBody
                | Hook::ResponseBody
                | Hook::Log
                | Hook::Compile
                | Hook::Prepare
                | Hook::Load
        );
        !is_at_once && (self.hook != Hook::RequestBody || self.is_held)
    }

    /// Another exchange begins for an instance that is used again.
    pub(super) fn renew(&mut self) {
        self.spent = Spent::default();
    }

    /// The request that it is shown: on its way to the origin, that is what the origin gets.
    pub(super) fn request(&self) -> &RequestHeader {
        match self.is_sent {
            true => &self.sent,
            false => &self.exchange.request,
        }
    }

    /// The same, where it may be changed.
    pub(super) fn request_mut(&mut self) -> Option<&mut RequestHeader> {
        let is_due = match self.hook {
            Hook::Request | Hook::OriginRequest => true,
            Hook::RequestBody => self.is_held,
            _ => false,
        };
        match self.is_sent {
            true => is_due.then_some(&mut self.sent),
            false => is_due.then_some(&mut self.exchange.request),
        }
    }

    /// The response, where there is one.
    pub(super) fn response_mut(&mut self) -> Option<&mut ResponseHeader> {
        match self.hook {
            Hook::OriginResponse | Hook::Response => Some(&mut self.response),
            Hook::ResponseBody if self.is_held => Some(&mut self.response),
            _ => None,
        }
    }

    /// Milliseconds since 1970, the same for all of one call.
    pub(super) fn now_ms(&mut self) -> u64 {
        *self.now_ms.get_or_insert_with(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            })
        })
    }
}

/// A head of a request that stands for none. Costs no allocation.
pub(super) fn no_request() -> RequestHeader {
    http::Request::new(()).into_parts().0.into()
}

/// A head of a response that stands for none. Costs no allocation.
pub(super) fn no_response() -> ResponseHeader {
    http::Response::new(()).into_parts().0.into()
}

/// An exchange that stands for none.
pub(super) fn vacant() -> Exchange {
    static NOTHING: LazyLock<Arc<str>> = LazyLock::new(|| "".into());
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    Exchange {
        request: no_request(),
        client: Client {
            ip: nowhere,
            peer: SocketAddr::new(nowhere, 0),
            scheme: Scheme::Http,
            country: None,
            certificate: None,
            tls: None,
            geoip: None,
        },
        site: NOTHING.clone(),
        route: NOTHING.clone(),
        params: Vec::new(),
        request_id: String::new(),
        notes: http::Extensions::new(),
        chosen: Chosen::default(),
        origin: None,
        found: Found::Unknown,
        request_watchers: Vec::new(),
        request_body: None,
        request_rewriters: Vec::new(),
        outcomes: Vec::new(),
        log: Vec::new(),
        filter_nanoseconds: 0,
    }
}
