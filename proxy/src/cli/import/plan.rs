//! What becomes of a service: the sections of a configuration.

use std::collections::{BTreeMap, BTreeSet};

/// A configuration before it is written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) origins: Vec<Origin>,
    pub(super) filters: Vec<Filter>,
    pub(super) sites: Vec<Site>,
}

/// `[origin.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) kind: OriginKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum OriginKind {
    Server {
        url: String,
        host: Option<String>,
        /// Seconds.
        connect: Option<u64>,
        /// Seconds.
        first_byte: Option<u64>,
    },
    Bucket {
        bucket: String,
        region: String,
        prefix: Option<String>,
        is_private: bool,
    },
}

/// `[filter.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) name: String,
    pub(super) kind: FilterKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum FilterKind {
    Handler(Handler),
    /// Headers towards the origin.
    Headers(BTreeMap<String, String>),
    /// Segments that come before the path.
    Behind(String),
    /// The path that stands for the root.
    Root(String),
    /// The methods that are taken.
    Methods(Vec<String>),
}

/// A handler of Lambda@Edge, at one event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Handler {
    pub(super) file: String,
    pub(super) event: Event,
    /// The function in the file, unless it has the usual name.
    pub(super) function: Option<String>,
    pub(super) include_body: bool,
    /// MiB.
    pub(super) memory: Option<u64>,
    /// Seconds.
    pub(super) timeout: Option<u64>,
}

/// When a handler is called, in the order of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    ViewerRequest,
    OriginRequest,
    OriginResponse,
    ViewerResponse,
}

impl Event {
    pub(super) fn find(name: &str) -> Option<Self> {
        [
            Self::ViewerRequest,
            Self::OriginRequest,
            Self::OriginResponse,
            Self::ViewerResponse,
        ]
        .into_iter()
        .find(|event| event.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ViewerRequest => "viewer-request",
            Self::OriginRequest => "origin-request",
            Self::OriginResponse => "origin-response",
            Self::ViewerResponse => "viewer-response",
        }
    }

    pub(super) fn is_request(self) -> bool {
        matches!(self, Self::ViewerRequest | Self::OriginRequest)
    }

    pub(super) fn is_viewer(self) -> bool {
        matches!(self, Self::ViewerRequest | Self::ViewerResponse)
    }
}

/// `[[site]]`.
#[derive(Debug, Default)]
pub(super) struct Site {
    /// What it was before.
    pub(super) about: String,
    pub(super) hosts: Vec<String>,
    pub(super) routes: Vec<Route>,
}

/// `[[site.route]]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Route {
    pub(super) path: String,
    pub(super) origin: Option<String>,
    /// Names of filters.
    pub(super) filters: Vec<String>,
    pub(super) cache: Cache,
    pub(super) is_compressed: bool,
}

/// `cache` of a route.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cache {
    pub(super) is_off: bool,
    /// Seconds.
    pub(super) ttl: Option<u64>,
    /// Seconds.
    pub(super) default_ttl: Option<u64>,
    pub(super) query: Query,
    pub(super) headers: Vec<String>,
    pub(super) cookies: Vec<String>,
}

/// Which parameters tell objects apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Query {
    #[default]
    All,
    None,
    Only(Vec<String>),
}

impl Plan {
    /// The name of a filter like this: that of one that is there, or else a new one.
    pub(super) fn filter(&mut self, wish: &str, kind: FilterKind) -> String {
        if let Some(same) = self.filters.iter().find(|filter| filter.kind == kind) {
            return same.name.clone();
        }
        let name = free(wish, |name| {
            self.filters.iter().any(|filter| filter.name == name)
        });
        self.filters.push(Filter {
            name: name.clone(),
            kind,
        });
        name
    }

    /// The same for an origin.
    pub(super) fn origin(&mut self, wish: &str, kind: OriginKind) -> String {
        if let Some(same) = self.origins.iter().find(|origin| origin.kind == kind) {
            return same.name.clone();
        }
        let name = free(wish, |name| {
            self.origins.iter().any(|origin| origin.name == name)
        });
        self.origins.push(Origin {
            name: name.clone(),
            kind,
        });
        name
    }
}

impl Plan {
    /// Leaves out what no route uses.
    pub(super) fn prune(&mut self) {
        let routes = || self.sites.iter().flat_map(|site| &site.routes);
        let filters: BTreeSet<&String> = routes().flat_map(|route| &route.filters).collect();
        let origins: BTreeSet<&String> = routes().flat_map(|route| &route.origin).collect();
        self.filters.retain(|filter| filters.contains(&filter.name));
        self.origins.retain(|origin| origins.contains(&origin.name));
    }
}

/// A name made of letters, digits and `-_.` that is not taken.
fn free(wish: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') => letter,
        _ => '-',
    };
    let plain: String = wish.chars().map(letter).collect();
    let plain = match plain.trim_matches('-') {
        "" => "unnamed",
        plain => plain,
    };
    let mut numbers = 2_usize..;
    let mut name = plain.to_owned();
    while is_taken(&name) {
        let number = numbers.next().unwrap_or(0);
        name = format!("{plain}-{number}");
    }
    name
}
