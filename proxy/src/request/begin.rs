//! The beginning of an exchange: one reading of the request for everybody, its client, its site and its route.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri, Version, header};
use pingora::proxy::Session;
use pingora::{OrErr, Result};
use pingora_http::RequestHeader;
use rimward_config::UnknownHost;
use rimward_filters::{Chosen, Client, Exchange, Found, Scheme};

use super::caching::host_of;
use super::client;
use super::context::Context;
use super::enter::Entered;
use super::errors::refuse;
use super::esi::Fragment;
use super::overtaken::Travelling;
use super::revalidate::Revalidation;
use super::slices::Carried;
use crate::edge::Process;
use crate::listen;
use crate::runtime::{Asked, Matched, Route, Runtime, Site, locate};

/// Longest request identity that is taken over from a trusted proxy.
const MAX_REQUEST_ID: usize = 128;

/// Makes the exchange: after this, routing, filters, cache key and origin all see the same request.
///
/// # Errors
/// With the status that refuses the request.
pub(super) fn begin(process: &Process, session: &mut Session, ctx: &mut Context) -> Result<()> {
    if let Some(revalidation) = Revalidation::of(session) {
        revalidation.resume(session, ctx);
        return Ok(());
    }
    if let Some(carried) = Carried::of(session) {
        carried.resume(session, ctx);
        return Ok(());
    }
    if let Some(fragment) = Fragment::of(session) {
        return fragment.begin(process, session, ctx);
    }
    if let Some(entered) = Entered::of(session) {
        return entered.begin(process, session, ctx);
    }
    let connection = listen::connection(&session.downstream_session).cloned();
    let Some(connection) = connection else {
        return Err(refuse(400, "request without a connection"));
    };
    ctx.connection = Some(connection.clone());
    ctx.protocol = protocol(session.req_header().version);
    normalise(session.req_header_mut())?;
    if let Some(travelling) = connection
        .notes_of(session.req_header())
        .remove::<Travelling>()
        && let Some(overtaken) = travelling.take()
    {
        return overtaken.resume(session, ctx);
    }

    let runtime = ctx.runtime.clone();
    let trusted = &runtime.config.pop.trusted_proxies;
    let identity = client::identify(
        connection.peer,
        connection.is_secure(),
        || &session.req_header().headers,
        trusted,
    );
    let host = without_port(host_of(&session.req_header().headers));
    if connection.settings.redirect_to_https && identity.scheme == Scheme::Http {
        ctx.redirect = Some(format!("https://{host}{}", session.req_header().uri));
    }
    // Over the connection of another edge come requests for many hosts.
    let is_misdirected = !identity.trusted && connection.is_misdirected(host);
    let site = find_site(process, &runtime, host)?;
    if is_misdirected {
        return Err(refuse(
            421,
            "the host has another certificate than the connection was made with",
        ));
    }
    let who = Who {
        client: Client {
            ip: identity.ip,
            peer: connection.peer,
            scheme: identity.scheme,
            country: locate(runtime.geoip.as_deref(), identity.ip),
            certificate: connection.client_certificate().cloned(),
            tls: connection.handshake().cloned(),
            geoip: runtime.geoip.clone(),
        },
        trusted: identity.trusted,
        request_id: request_id(&session.req_header().headers, identity.trusted),
    };
    enter(site, session, ctx, who)
}

/// Who asks.
pub(super) struct Who {
    pub(super) client: Client,
    /// Whether the other end of the connection is a trusted proxy.
    pub(super) trusted: bool,
    pub(super) request_id: String,
}

/// Begins a request of the edge's own: gives it its one form, and finds its site by the host that it names.
///
/// # Errors
/// With the status that refuses the request.
pub(super) fn enter_by_host(
    process: &Process,
    session: &mut Session,
    ctx: &mut Context,
    who: Who,
) -> Result<()> {
    normalise(session.req_header_mut())?;
    let runtime = ctx.runtime.clone();
    let host = without_port(host_of(&session.req_header().headers));
    let site = find_site(process, &runtime, host)?;
    enter(site, session, ctx, who)
}

/// Finds the route of a request that has its one form, and makes the exchange.
///
/// # Errors
/// With the status that refuses the request.
fn enter(site: &Site, session: &mut Session, ctx: &mut Context, who: Who) -> Result<()> {
    let (route, params) = {
        let request = session.req_header();
        let asked = Asked {
            method: &request.method,
            headers: &|| &request.headers,
            query: request.uri.query(),
            country: &|| who.client.country,
        };
        let matched = site.paths.find(request.uri.path(), &asked);
        let matched = matched.ok_or_else(|| refuse(404, "no route takes this request"))?;
        (matched.route.clone(), params(&matched))
    };
    ctx.depth = route.pipeline.len();
    ctx.trusted_peer = who.trusted;
    ctx.host = session.req_header().headers.get(header::HOST).cloned();
    ctx.exchange = Some(Box::new(Exchange {
        // The head is the session's, but for the time that filters run.
        request: RequestHeader::build("GET", b"/", Some(0))
            .or_err(pingora::InternalError, "placeholder")?,
        request_id: who.request_id,
        client: who.client,
        site: route.site.clone(),
        route: route.name.clone(),
        params,
        notes: http::Extensions::new(),
        origin: route.origin_id,
        found: Found::Unknown,
        chosen: Chosen::default(),
        request_watchers: Vec::new(),
        request_body: None,
        request_rewriters: Vec::new(),
        outcomes: Vec::new(),
        log: Vec::new(),
        filter_nanoseconds: 0,
    }));
    forget_ranges_of_rewritten_bodies(session, &route);
    ctx.route = Some(route);
    Ok(())
}

/// A part of what an origin sends is not that part of what the client gets, when filters rewrite it.
pub(super) fn forget_ranges_of_rewritten_bodies(session: &mut Session, route: &Route) {
    if !route.ranges {
        session.ignore_downstream_range = true;
        session.req_header_mut().remove_header(&header::RANGE);
        session.req_header_mut().remove_header(&header::IF_RANGE);
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// Gives the head the one form that everything behind relies on: origin form, normalised path, `Host`, HTTP/1.1. The
/// listener has judged it already.
///
/// The version matters: a request that pingora repeats in the background is written with the version it has here, and
/// its HTTP/1 parser refuses `HTTP/2` as well as a missing `Host`.
pub(crate) fn normalise(request: &mut RequestHeader) -> Result<()> {
    if request.version == Version::HTTP_2 {
        let authority = request
            .uri
            .authority()
            .map(|authority| authority.as_str().to_owned());
        if let Some(authority) = authority {
            request
                .insert_header(header::HOST, authority)
                .or_err(pingora::InvalidHTTPHeader, "authority")?;
        }
        join_cookies(request)?;
        request.set_version(Version::HTTP_11);
    }
    let path = request.uri.path();
    let normalised =
        rimward_config::normalise_path(path).map_err(|bad| refuse(400, bad.to_string()))?;
    let is_origin_form = request.uri.scheme().is_none() && request.uri.authority().is_none();
    if is_origin_form && matches!(normalised, std::borrow::Cow::Borrowed(_)) {
        return Ok(());
    }
    let target = match request.uri.query() {
        Some(query) => format!("{normalised}?{query}"),
        None => normalised.into_owned(),
    };
    set_target(request, &target)
}

/// Joins the crumbs of an HTTP/2 cookie (RFC 9113 §8.2.3), which origins and filters expect in one field.
fn join_cookies(request: &mut RequestHeader) -> Result<()> {
    let crumbs: Vec<&[u8]> = request
        .headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if crumbs.len() < 2 {
        return Ok(());
    }
    let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
        .or_err(pingora::InvalidHTTPHeader, "cookie")?;
    request.insert_header(header::COOKIE, joined)
}

/// Replaces the whole target by one in origin form.
fn set_target(request: &mut RequestHeader, target: &str) -> Result<()> {
    let target =
        PathAndQuery::try_from(target).map_err(|_| refuse(400, "target can't be normalised"))?;
    let uri = Uri::from(target);
    request.set_uri(uri);
    Ok(())
}

/// A request's identity in logs.
pub(crate) fn request_id(fields: &HeaderMap, is_trusted: bool) -> String {
    let told = fields
        .get("x-request-id")
        .filter(|_| is_trusted)
        .and_then(|value| value.to_str().ok());
    let usable = |id: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
        !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.bytes().all(plain)
    };
    match told.filter(usable) {
        Some(id) => id.to_owned(),
        None => random_id(),
    }
}

fn random_id() -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut id = rand::random::<u128>();
    let mut digits = [0; 32];
    for digit in &mut digits {
        *digit = DIGITS[usize::from(id as u8 & 15)];
        id >>= 4;
    }
    str::from_utf8(&digits).unwrap_or_default().to_owned()
}

/// The host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match memchr::memrchr(b':', host.as_bytes()) {
        Some(colon) if !host.ends_with(']') => &host[..colon],
        _ => host,
    }
}

/// The site of a host.
///
/// # Errors
/// With the status for hosts that no site has.
fn find_site<'r>(process: &Process, runtime: &'r Runtime, host: &str) -> Result<&'r Arc<Site>> {
    let Some(site) = runtime.hosts.find(host) else {
        process.metrics.unknown_host.inc();
        let status = match runtime.config.unknown_host {
            UnknownHost::Misdirected => 421,
            UnknownHost::NotFound => 404,
        };
        return Err(refuse(status, "no site has this host"));
    };
    Ok(site)
}

pub(crate) type Params = Vec<(Arc<str>, String)>;

/// What the parameters of a route's path matched, decoded.
pub(crate) fn params(matched: &Matched<'_, '_, Arc<Route>>) -> Params {
    let decode = |value: &str| {
        percent_encoding::percent_decode_str(value)
            .decode_utf8_lossy()
            .into_owned()
    };
    let values = matched.values.iter().copied().map(decode);
    matched.names.iter().cloned().zip(values).collect()
}
