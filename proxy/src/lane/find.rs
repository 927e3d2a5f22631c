//! From a request to the object that answers it: filters, key and store, each as on the engine's road.

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName};
use rimward_cache::KeyRef;
use rimward_cache::encoding::Accepted;
use rimward_cache::store::Fresh;
use rimward_filters::{Came, Chosen, Phase};

use super::asked::Asked;
use super::place::Place;
use super::work::Work;
use crate::edge::Process;
use crate::request::caching::host_of;
use crate::request::compress;
use crate::request::key::{Parts, builder};

/// Fields by which a filter makes a request less than plain.
const ODD: [HeaderName; 7] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::UPGRADE,
    header::CACHE_CONTROL,
];

/// An object that answers a request, and all that is needed to say so.
pub(super) struct Found<'p, 'r, 'a> {
    pub(super) place: &'p Place<'r, 'a>,
    pub(super) fresh: Fresh,
    /// Which encoding the client takes, when there are filters or the response may be compressed.
    pub(super) accepted: Option<Accepted>,
    /// Whether the client has it already.
    pub(super) not_modified: bool,
    /// The key, where responses tell it.
    pub(super) key: Option<String>,
}

/// Runs the request phase as far as nobody has to wait. An exchange is made when filters take part, or the response may be
/// compressed.
pub(super) fn begin(place: &Place<'_, '_>, asked: &Asked<'_>, work: &mut Work) -> Option<()> {
    let pipeline = &place.route.pipeline;
    let takes_part = |phase| pipeline.takes_part(phase);
    let sees_hits = takes_part(Phase::Request) || takes_part(Phase::Response);
    if sees_hits || compress::asks_for_identity(place.route) {
        let exchange = work.exchange.insert(place.exchange(asked)?);
        work.way = Some(pipeline.begin_request(exchange));
    }
    Some(())
}

/// Finds what plainly answers a request that filters let pass.
pub(super) fn find<'p, 'r, 'a>(
    process: &Process,
    place: &'p Place<'r, 'a>,
    asked: &'a Asked<'a>,
    work: &mut Work,
) -> Option<Found<'p, 'r, 'a>> {
    if let (Some(way), Some(exchange)) = (&work.way, &mut work.exchange) {
        if way.came() != Came::Through {
            return None;
        }
        let accepted = compress::negotiate_for(place.route, &mut exchange.request);
        work.accepted = Some(accepted.ok()?);
    }
    let (fresh, key, tag) = match &work.exchange {
        None => {
            let fields = || asked.fields();
            let target = (asked.host, asked.path, asked.query);
            let (fresh, key) = look_up(process, place, target, &fields, None)?;
            (fresh, key, asked.if_none_match)
        }
        Some(exchange) => {
            let request = &exchange.request;
            let fields = || &request.headers;
            let target = request.uri.path_and_query()?;
            let target = (host_of(&request.headers), target.path(), target.query());
            let chosen = Some(&exchange.chosen);
            let (fresh, key) = look_up(process, place, target, &fields, chosen)?;
            (fresh, key, if_none_match(&request.headers)?)
        }
    };
    let not_modified = match tag {
        Some(tag) if has_tag(&fresh, tag) => true,
        // What else a list of tags may say is for the engine's road to read.
        Some(_) => return None,
        None => false,
    };
    Some(Found {
        place,
        fresh,
        accepted: work.accepted,
        not_modified,
        key,
    })
}

/// Finds a fresh object, which is not about to be renewed, and its key in words where responses tell it.
fn look_up<'f>(
    process: &Process,
    place: &'f Place<'_, '_>,
    (host, path, query): (&'f str, &'f str, Option<&'f str>),
    fields: &'f dyn Fn() -> &'f HeaderMap,
    chosen: Option<&'f Chosen>,
) -> Option<(Fresh, Option<String>)> {
    let country = place.country().as_ref();
    let parts = Parts {
        scheme: place.identity.scheme.as_str(),
        host,
        path,
        query,
        headers: fields,
        country: country.and_then(|code| std::str::from_utf8(code).ok()),
        chosen,
        origin: place.route.origin.as_ref().map(|origin| origin.name()),
    };
    let parts = builder(&place.route.cache.as_ref()?.key, &parts).into_parts();
    let key = KeyRef::of(&parts);
    if process.cache.passes(key) {
        return None;
    }
    let fresh = process.cache.objects().fresh(key, fields)?;
    if place.route.rules.early_refresh && fresh.may_be_refreshed() {
        return None;
    }
    let told = place.runtime.config.pop.cache_status_key;
    Some((fresh, told.then(|| key.to_string())))
}

/// The one `If-None-Match` of a request that is plain still after filters changed it.
fn if_none_match(fields: &HeaderMap) -> Option<Option<&[u8]>> {
    if ODD.iter().any(|name| fields.contains_key(name)) {
        return None;
    }
    let mut lines = fields.get_all(header::IF_NONE_MATCH).iter();
    let first = lines.next().map(|line| line.as_bytes());
    lines.next().is_none().then_some(first)
}

/// Whether the object has exactly this tag, which is one and not a list.
fn has_tag(fresh: &Fresh, tag: &[u8]) -> bool {
    let opaque = tag.strip_prefix(b"W/").unwrap_or(tag);
    let inner = opaque
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let is_one = inner.is_some_and(|inner| !inner.contains(&b'"'));
    let mut tags = fresh
        .object
        .fields()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"etag"));
    is_one
        && fresh.object.status() == StatusCode::OK
        && tags.next().is_some_and(|(_, has)| has == tag)
}
