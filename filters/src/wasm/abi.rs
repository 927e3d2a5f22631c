//! The interface between host and guest, as `sdk/wit/filter.wit` has it: what guests import is made from there, what they
//! export is described here.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, ComponentType, Lower};

wasmtime::component::bindgen!({
    path: "../sdk/wit",
    world: "imports",
    imports: {
        "rimward:filter/kv.[method]store.put": async | trappable,
        "rimward:filter/kv.[method]store.increment": async | trappable,
        "rimward:filter/kv.[method]store.delete": async | trappable,
        "rimward:filter/subrequest.send": async | trappable,
        "rimward:filter/subrequest.[method]pending.wait": async | trappable,
        default: trappable,
    },
    with: {
        "rimward:filter/kv.store": super::host::kv::Opened,
        "rimward:filter/secrets.secret": crate::filter::Secret,
        "rimward:filter/subrequest.pending": super::host::subrequest::Pending,
    },
});

pub(super) use rimward::filter::types::{ChunkVerdict, Error, Synthetic, Verdict};

/// The package of all interfaces.
const PACKAGE: &str = "rimward:filter";
/// The version that this host implements.
const VERSION: &str = "0.1.0";

/// A function that a guest may export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Hook {
    Configure,
    Request,
    RequestBody,
    OriginRequest,
    OriginResponse,
    OriginResponseBody,
    Response,
    ResponseBody,
    Log,
    /// Of handlers of Lambda@Edge, as those behind it.
    Handle,
    Compile,
    Prepare,
    Load,
}

impl Hook {
    pub(super) const ALL: [Self; 13] = [
        Self::Configure,
        Self::Request,
        Self::RequestBody,
        Self::OriginRequest,
        Self::OriginResponse,
        Self::OriginResponseBody,
        Self::Response,
        Self::ResponseBody,
        Self::Log,
        Self::Handle,
        Self::Compile,
        Self::Prepare,
        Self::Load,
    ];

    /// Those of filters.
    pub(super) const PHASES: [Self; 8] = [
        Self::Request,
        Self::RequestBody,
        Self::OriginRequest,
        Self::OriginResponse,
        Self::OriginResponseBody,
        Self::Response,
        Self::ResponseBody,
        Self::Log,
    ];

    /// Its name in logs and metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Request => "request",
            Self::RequestBody => "request_body",
            Self::OriginRequest => "origin_request",
            Self::OriginResponse => "origin_response",
            Self::OriginResponseBody => "origin_response_body",
            Self::Response => "response",
            Self::ResponseBody => "response_body",
            Self::Log => "log",
            Self::Handle => "handle",
            Self::Compile => "compile",
            Self::Prepare => "prepare",
            Self::Load => "load",
        }
    }

    pub(super) fn interface(self) -> String {
        let name = match self {
            Self::Configure => "lifecycle".to_owned(),
            Self::Handle | Self::Load => "lambda-edge".to_owned(),
            Self::Compile | Self::Prepare => "lambda-edge-compiler".to_owned(),
            hook => format!("on-{}", hook.name().replace('_', "-")),
        };
        format!("{PACKAGE}/{name}@{VERSION}")
    }

    fn function(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Compile => "compile",
            Self::Prepare => "prepare",
            Self::Load => "load",
            _ => "handle",
        }
    }
}

/// What a guest exports: one that lacks a hook is never called for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Hooks([Option<ComponentExportIndex>; Hook::ALL.len()]);

impl Hooks {
    pub(super) fn of(component: &Component) -> Self {
        Self(Hook::ALL.map(|hook| {
            let interface = component.get_export_index(None, hook.interface())?;
            component.get_export_index(Some(&interface), hook.function())
        }))
    }

    pub(super) fn get(&self, hook: Hook) -> Option<&ComponentExportIndex> {
        self.0[hook as usize].as_ref()
    }

    pub(super) fn has(&self, hook: Hook) -> bool {
        self.get(hook).is_some()
    }
}

/// What an exchange was, for the hook that is called when it is over.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(super) struct Summary {
    pub(super) status: u16,
    #[component(name = "bytes-sent")]
    pub(super) bytes_sent: u64,
    #[component(name = "duration-us")]
    pub(super) duration_us: u64,
    #[component(name = "origin-us")]
    pub(super) origin_us: Option<u64>,
    pub(super) cache: rimward::filter::types::CacheStatus,
    pub(super) error: Option<String>,
}

impl Summary {
    pub(super) fn of(summary: &crate::filter::Summary, found: crate::exchange::Found) -> Self {
        let micros =
            |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            status: summary.status,
            bytes_sent: summary.bytes_sent,
            duration_us: micros(summary.duration),
            origin_us: summary.origin.map(micros),
            cache: found.into(),
            error: summary.error.clone(),
        }
    }
}

/// Whether a guest may wait in the middle of a call, by what it imports.
pub(super) fn waits(component: &Component) -> bool {
    let kind = component.component_type();
    let engine = component.engine();
    let mut imports = kind.imports(engine);
    imports.any(|(interface, item)| {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            return false;
        };
        let is_of = |name: &str| interface.starts_with(&format!("{PACKAGE}/{name}@"));
        let mut names = instance.exports(engine).map(|(name, _)| name.to_owned());
        if is_of("kv") {
            names.any(|name| {
                ["store.put", "store.increment", "store.delete"]
                    .iter()
                    .any(|waiting| name.ends_with(waiting))
            })
        } else {
            is_of("subrequest")
        }
    })
}
