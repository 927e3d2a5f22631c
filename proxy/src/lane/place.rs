//! Where a request belongs: its client, its site and its route.

use std::cell::OnceCell;
use std::sync::Arc;

use rimward_filters::{Chosen, Client, Exchange, Found, Scheme};

use super::asked::Asked;
use crate::request::begin::{params, request_id, without_port};
use crate::request::client::{Identity, identify};
use crate::runtime::{self, Matched, Route, Runtime, locate};

/// Where a request belongs.
pub(super) struct Place<'r, 'a> {
    pub(super) runtime: &'r Arc<Runtime>,
    pub(super) route: &'r Arc<Route>,
    pub(super) identity: Identity,
    matched: Matched<'r, 'a, Arc<Route>>,
    /// Looked for when somebody wants to know.
    country: OnceCell<Option<[u8; 2]>>,
}

impl<'r, 'a> Place<'r, 'a> {
    /// Finds it; `None` when there is anything that the engine's road does before it looks for the object.
    pub(super) fn of(runtime: &'r Arc<Runtime>, asked: &'a Asked<'a>) -> Option<Self> {
        let connection = asked.connection;
        let fields = || asked.fields();
        let trusted = &runtime.config.pop.trusted_proxies;
        let identity = identify(connection.peer, connection.is_secure(), fields, trusted);
        if connection.settings.redirect_to_https && identity.scheme == Scheme::Http {
            return None;
        }
        let host = without_port(asked.host);
        let site = runtime.hosts.find(host)?;
        if !identity.trusted && connection.is_misdirected(host) {
            return None;
        }
        let country = OnceCell::new();
        let located = || *country.get_or_init(|| locate(runtime.geoip.as_deref(), identity.ip));
        let matched = site.paths.find(
            asked.path,
            &runtime::Asked {
                method: &asked.method,
                headers: &fields,
                query: asked.query,
                country: &located,
            },
        )?;
        let route = matched.route;
        let hears_demands = route.rules.request_directives || identity.trusted;
        if !route.lane || (asked.cache_control && hears_demands) {
            return None;
        }
        Some(Self {
            runtime,
            route,
            identity,
            matched,
            country,
        })
    }

    /// The client's country, if it is known.
    pub(super) fn country(&self) -> &Option<[u8; 2]> {
        let databases = self.runtime.geoip.as_deref();
        self.country
            .get_or_init(|| locate(databases, self.identity.ip))
    }

    /// What filters and the log see; `None` when the request can't be told as they want it.
    pub(super) fn exchange(&self, asked: &Asked<'_>) -> Option<Box<Exchange>> {
        let request = asked.request()?;
        Some(Box::new(Exchange {
            request_id: request_id(&request.headers, self.identity.trusted),
            request,
            client: Client {
                ip: self.identity.ip,
                peer: asked.connection.peer,
                scheme: self.identity.scheme,
                country: *self.country(),
                certificate: asked.connection.client_certificate().cloned(),
                tls: asked.connection.handshake().cloned(),
                geoip: self.runtime.geoip.clone(),
            },
            site: self.route.site.clone(),
            route: self.route.name.clone(),
            params: params(&self.matched),
            notes: http::Extensions::new(),
            origin: self.route.origin_id,
            found: Found::Unknown,
            chosen: Chosen::default(),
            request_watchers: Vec::new(),
            request_body: None,
            request_rewriters: Vec::new(),
            outcomes: Vec::new(),
            log: Vec::new(),
            filter_nanoseconds: 0,
        }))
    }
}
