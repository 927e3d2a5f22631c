//! What filters make of a request on its way to the origin. They see it once, however many servers are tried then; what they
//! changed is changed in the head of each try.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Uri, header};
use pingora::Result;
use pingora::cache::filters::upstream;
use pingora::proxy::Session;
use pingora_http::RequestHeader;
use rimward_filters::{Answer, Phase, Unfinished, Verdict};

use super::aside::Coming;
use super::body::Upload;
use super::context::Context;
use super::elsewhere;
use super::error_page::error_page_for_all;
use super::errors::fail;
use super::fallback;
use super::forward;
use super::respond;
use crate::listen::BodyFields;
use crate::origin::Given;
use crate::runtime::Route;

/// What filters changed in a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    method: Option<Method>,
    uri: Option<Uri>,
    /// Fields with the values that they have now, none for those that were taken out.
    fields: Vec<(HeaderName, Vec<HeaderValue>)>,
}

/// Runs the origin request phase, if it was not run yet.
///
/// # Errors
/// When a filter fails and may not be skipped.
pub(super) async fn filter(session: &mut Session, ctx: &mut Context, route: &Route) -> Result<()> {
    if ctx.edits.is_some() {
        return Ok(());
    }
    if !route.pipeline.takes_part(Phase::OriginRequest) && !elsewhere::is_chosen(ctx) {
        ctx.edits = Some(Edits::default());
        return Ok(());
    }
    let before = shown(session, ctx, route)?;
    let mut after = before.clone();
    let fields = BodyFields::of(session.req_header());
    let Some((_, mut exchange)) = ctx.lend(session) else {
        return Ok(());
    };
    ctx.keyed = Some(exchange.chosen.clone());
    let mut upload = Upload::of(session, &mut ctx.body, fields);
    let ended = route
        .pipeline
        .origin_request(&mut exchange, &mut after, &mut upload)
        .await;
    let ended = elsewhere::instead(ended, &mut exchange, &after, &mut upload).await;
    let fields = upload.end();
    ctx.give_back(session, exchange);
    fields.put_back(session.req_header_mut())?;
    ctx.edits = Some(Edits::between(&before, &after));
    match ended {
        Ok((Verdict::Pass, _)) => Ok(()),
        Ok((Verdict::Answered(answer), depth)) => give(session, ctx, *answer, depth).await,
        Err(Unfinished::Failed(failure)) => Err(fail(failure.status, failure.to_string())),
        Err(Unfinished::Lost(error)) => Err(error),
    }
}

/// The request as filters see it: as it would go to the origin that is known by now.
fn shown(session: &mut Session, ctx: &mut Context, route: &Route) -> Result<RequestHeader> {
    let mut request = session.req_header().clone();
    strip_hop_by_hop(&mut request);
    if session.cache.enabled() {
        upstream::request_filter(&mut request, session.cache.maybe_cache_meta());
    }
    let origin = fallback::origin(ctx, route);
    forward::make(session, ctx, origin.as_deref(), &mut request)?;
    Ok(request)
}

/// Takes the fields out that concern the client's connection alone, as the engine does.
fn strip_hop_by_hop(request: &mut RequestHeader) {
    const CONNECTIONS: [HeaderName; 8] = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    if request.headers.contains_key(header::UPGRADE) {
        return;
    }
    let lines = request.headers.get_all(header::CONNECTION).iter();
    let named = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok());
    let named: Vec<HeaderName> = named.collect();
    for name in CONNECTIONS.iter().chain(&named) {
        request.remove_header(name);
    }
}

/// Has the engine get an answer in place of the origin's response, as the filters before the one that gave it leave it.
async fn give(
    session: &mut Session,
    ctx: &mut Context,
    answer: Answer,
    depth: usize,
) -> Result<()> {
    let Answer {
        mut head,
        mut body,
        refusal,
    } = answer;
    if refusal {
        let page = error_page_for_all(ctx, head.status.as_u16());
        head.insert_header(header::CONTENT_TYPE, page.content_type)?;
        head.insert_header(header::CACHE_CONTROL, "no-store")?;
        body = page.body;
    }
    let phase = Phase::OriginResponse;
    let passing = &mut Coming::Elsewhere;
    let mut rewriters = respond::filtered(session, ctx, phase, depth, &mut head, passing).await?;
    respond::heed_storing(ctx);
    let body = respond::pass_whole(&mut rewriters, &head, body)?;
    ctx.given = Some(Given::new(head, body)?);
    Ok(())
}

impl Edits {
    /// What is different in `after`.
    pub(crate) fn between(before: &RequestHeader, after: &RequestHeader) -> Self {
        let (old, new) = (&before.headers, &after.headers);
        let changed = new
            .keys()
            .filter(|name| !old.get_all(*name).iter().eq(new.get_all(*name)));
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        let now = |name: &HeaderName| {
            let values = new.get_all(name).iter().cloned();
            (name.clone(), values.collect())
        };
        Self {
            method: (before.method != after.method).then(|| after.method.clone()),
            uri: (before.uri != after.uri).then(|| after.uri.clone()),
            fields: changed.chain(gone).map(now).collect(),
        }
    }

    /// Changes the same in another head.
    ///
    /// # Errors
    /// When that can't take another field.
    pub(super) fn apply(&self, request: &mut RequestHeader) -> Result<()> {
        if let Some(method) = &self.method {
            request.set_method(method.clone());
        }
        if let Some(uri) = &self.uri {
            request.set_uri(uri.clone());
        }
        for (name, values) in &self.fields {
            request.remove_header(name);
            for value in values {
                request.append_header(name, value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, target: &str, fields: &[(&'static str, &str)]) -> RequestHeader {
        let mut head = RequestHeader::build(method, target.as_bytes(), None).unwrap();
        for (name, value) in fields {
            head.append_header(*name, *value).unwrap();
        }
        head
    }

    #[test]
    fn what_filters_changed_is_changed_in_each_try() {
        let before = head(
            "GET",
            "/a",
            &[
                ("host", "a.example"),
                ("via", "1.1 x"),
                ("via", "1.1 fra1"),
                ("cookie", "a=b"),
            ],
        );
        assert_eq!(Edits::between(&before, &before), Edits::default());
        let mut after = before.clone();
        after.set_method(Method::POST);
        after.set_uri(Uri::from_static("/b?c"));
        after.append_header("via", "1.1 filter").unwrap();
        after.insert_header("x-new", "1").unwrap();
        after.append_header("x-new", "2").unwrap();
        after.remove_header("cookie");
        let edits = Edits::between(&before, &after);
        // Another server, whose host is another.
        let mut again = before.clone();
        again.insert_header("host", "b.example").unwrap();
        edits.apply(&mut again).unwrap();
        let values = |name: &str| -> Vec<_> {
            let values = again.headers.get_all(name).iter();
            values
                .map(|value| value.to_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!((again.method.as_str(), again.uri.path()), ("POST", "/b"));
        assert_eq!(values("host"), ["b.example"]);
        assert_eq!(values("via"), ["1.1 x", "1.1 fra1", "1.1 filter"]);
        assert_eq!(values("x-new"), ["1", "2"]);
        assert_eq!(values("cookie"), [""; 0]);
    }

    #[test]
    fn filters_see_nothing_of_the_clients_connection() {
        let fields = [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("x-kept", "1"),
        ];
        let mut request = head("GET", "/", &fields);
        strip_hop_by_hop(&mut request);
        let names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-kept"]);
    }
}
