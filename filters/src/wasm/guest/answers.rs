//! What becomes of a guest's verdict on a head.

use http::{HeaderName, HeaderValue};
use pingora_http::ResponseHeader;

use super::super::abi::rimward::filter::types::BodyWant;
use super::super::abi::{Hook, Synthetic, Verdict};
use super::super::state::Edit;
use super::bodies::{Chain, Chunked, Collecting, Holding};
use super::live::Live;
use super::pictures::one_of_two;
use super::{Guest, Next};
use crate::exchange::Exchange;
use crate::filter::{Answer, Body, BodyRewriter, FilterError, Flow};
use crate::markup::{Charset, PageRewriter, Selector};
use crate::settings::refuse_framing;

/// The most memory for one page that is rewritten.
const MAX_PAGE: usize = 1 << 20;
/// The most fields of an answer.
const MAX_FIELDS: usize = 200;

impl Guest {
    /// How a request goes on after a verdict.
    pub(super) fn request_goes_on(
        &self,
        exchange: &mut Exchange,
        next: Next,
    ) -> Result<Flow, FilterError> {
        let verdict = match next {
            Next::Body(most) => return Ok(Flow::WantsBody(most)),
            Next::Picture(picture) => {
                self.want_picture(exchange, picture);
                return Ok(Flow::Continue);
            }
            Next::Done(verdict) => verdict,
        };
        match verdict {
            Verdict::Next => {
                self.watch_request_body(exchange);
                Ok(Flow::Continue)
            }
            Verdict::Respond(synthetic) => Ok(self.answer(exchange, synthetic)?.flow()),
            Verdict::ReplaceBody(_) => Err(FilterError::new(
                "it replaces the body of a response where there is none: `respond` answers a request",
            )),
        }
    }

    /// Has the body of the request shown to the guest piece by piece, if it wants that.
    fn watch_request_body(&self, exchange: &mut Exchange) {
        let Some(mut instance) = Live::take(exchange, self.id) else {
            return;
        };
        let wants = instance.state().wants.take();
        let live = Live::of(exchange);
        live.put_of(self.id, instance);
        if matches!(wants, Some(BodyWant::Chunks)) {
            let chunked = Chunked::new(self, Hook::RequestBody, exchange, None);
            exchange.request_rewriters.push(Box::new(chunked));
        }
    }

    /// How a response goes on after a verdict.
    pub(super) fn response_goes_on(
        &self,
        hook: Hook,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
        next: Next,
    ) -> Result<Body, FilterError> {
        let body = match hook {
            Hook::OriginResponse => Hook::OriginResponseBody,
            _ => Hook::ResponseBody,
        };
        let stored = match hook {
            Hook::Response => self.stored_picture(exchange),
            _ => None,
        };
        let verdict = match next {
            Next::Body(_) if stored.is_some() => return Err(one_of_two()),
            Next::Body(most) if hook == Hook::Response => {
                return Ok(Body::Held(Box::new(Holding::new(self, exchange, most))));
            }
            Next::Body(most) => {
                let collecting = Collecting::new(self, body, exchange, response, most);
                return Ok(Body::Rewritten(Box::new(collecting)));
            }
            Next::Picture(picture) if hook == Hook::Response => {
                return Ok(self.picture_of(exchange, picture));
            }
            Next::Picture(picture) => return self.store_picture(response, &picture),
            Next::Done(verdict) => verdict,
        };
        match verdict {
            Verdict::Next => match stored {
                Some(picture) => Ok(self.picture_of(exchange, picture)),
                None => self.rewrite(body, exchange, response),
            },
            Verdict::ReplaceBody(bytes) => {
                self.check_size(exchange, bytes.len())?;
                Ok(Body::Replaced(bytes.into()))
            }
            Verdict::Respond(synthetic) => {
                let Answer { head, body, .. } = self.answer(exchange, synthetic)?;
                *response = head;
                Ok(Body::Replaced(body))
            }
        }
    }

    /// Has the body rewritten as the guest wants it: shown to it in chunks, or by rules for pages.
    fn rewrite(
        &self,
        body: Hook,
        exchange: &mut Exchange,
        response: &ResponseHeader,
    ) -> Result<Body, FilterError> {
        let Some(live) = exchange.notes.get::<Live>().cloned() else {
            return Ok(Body::Untouched);
        };
        let Some(mut instance) = live.take_of(self.id) else {
            return Ok(Body::Untouched);
        };
        let wants = instance.state().wants.take();
        let edits = std::mem::take(&mut instance.state().edits);
        live.put_of(self.id, instance);
        let page = page(response, edits);
        let chunks = matches!(wants, Some(BodyWant::Chunks))
            .then(|| Chunked::new(self, body, exchange, Some(response)));
        let rewriter: Option<Box<dyn BodyRewriter>> = match (page, chunks) {
            (Some(page), Some(chunks)) => Some(Box::new(Chain(page, chunks))),
            (Some(page), None) => Some(Box::new(page)),
            (None, Some(chunks)) => Some(Box::new(chunks)),
            (None, None) => None,
        };
        Ok(rewriter.map_or(Body::Untouched, Body::Rewritten))
    }

    fn check_size(&self, exchange: &Exchange, len: usize) -> Result<(), FilterError> {
        let most = self.pick(exchange).version.limits.body;
        match len <= most {
            true => Ok(()),
            false => Err(FilterError::new(format!(
                "its body of {len} bytes is longer than the {most} of `limits.response_body`"
            ))),
        }
    }

    /// The response that a guest made.
    fn answer(&self, exchange: &Exchange, made: Synthetic) -> Result<Answer, FilterError> {
        self.check_size(exchange, made.body.len())?;
        let mut answer = Answer::new(made.status)?;
        if made.headers.len() > MAX_FIELDS {
            let wrong = format!("its answer has more than {MAX_FIELDS} fields");
            return Err(FilterError::new(wrong));
        }
        for (name, value) in made.headers {
            let wrong = || {
                FilterError::new(format!(
                    "`{}` can't be a field of its answer",
                    name.escape_debug()
                ))
            };
            let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            refuse_framing(&field).map_err(FilterError::new)?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?;
            answer
                .head
                .append_header(field, value)
                .map_err(|_| wrong())?;
        }
        if let Some(ttl) = made.cache_ttl {
            let lifetime = format!("s-maxage={ttl}");
            let told = answer
                .head
                .headers
                .contains_key(http::header::CACHE_CONTROL);
            if !told {
                answer = answer.header(http::header::CACHE_CONTROL, lifetime.as_str())?;
            }
        }
        Ok(answer.with_body(made.body))
    }
}

/// What rewrites a page by rules; `None` when there are none, or it is no page that can be.
fn page(response: &ResponseHeader, edits: Vec<(Selector, Edit)>) -> Option<PageRewriter> {
    let kind = response
        .headers
        .get(http::header::CONTENT_TYPE)?
        .to_str()
        .ok()?;
    let is_page = ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|page| kind.starts_with(page));
    let is_encoded = response
        .headers
        .contains_key(http::header::CONTENT_ENCODING);
    if edits.is_empty() || !is_page || is_encoded {
        return None;
    }
    let charset = Charset::of(response)?;
    let handlers = edits
        .iter()
        .map(|(selector, edit)| (selector, edit.clone().handler()));
    Some(PageRewriter::new(charset, MAX_PAGE, handlers))
}
