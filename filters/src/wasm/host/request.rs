//! The request that a guest is called for.

use std::sync::Arc;

use http::Uri;
use http::header::{HOST, HeaderValue};

use super::elsewhere;
use super::heads::{self, Head};
use crate::wasm::abi::rimward::filter::request::Host;
use crate::wasm::abi::rimward::filter::types::{BodyWant, HeaderOp, Origin};
use crate::wasm::abi::{Error, Hook};
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;
type Outcome = wasmtime::Result<Result<(), Error>>;

/// How many values may tell a response from others in the cache, for one guest.
const MAX_KEY_PARTS: usize = 16;
/// The longest of them, in bytes.
const MAX_KEY_PART: usize = 256;
/// The longest target, in bytes.
const MAX_TARGET: usize = 8 << 10;

impl Host for State {
    fn method(&mut self) -> Answer<String> {
        Ok(self.request().method.as_str().to_owned())
    }

    fn uri(&mut self) -> Answer<String> {
        let uri = &self.request().uri;
        Ok(uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned())
    }

    fn path(&mut self) -> Answer<String> {
        Ok(self.request().uri.path().to_owned())
    }

    fn query(&mut self) -> Answer<Option<String>> {
        Ok(self.request().uri.query().map(str::to_owned))
    }

    fn query_param(&mut self, name: String) -> Answer<Option<String>> {
        let query = self.request().uri.query().unwrap_or_default();
        let value = query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key) == name).then(|| decoded(value))
        });
        Ok(value)
    }

    fn scheme(&mut self) -> Answer<String> {
        Ok(self.exchange.client.scheme.as_str().to_owned())
    }

    fn host(&mut self) -> Answer<String> {
        Ok(heads::first(&self.request().headers, "host").unwrap_or_default())
    }

    fn http_version(&mut self) -> Answer<String> {
        Ok(format!("{:?}", self.request().version))
    }

    fn header(&mut self, name: String) -> Answer<Option<String>> {
        Ok(heads::first(&self.request().headers, &name))
    }

    fn header_all(&mut self, name: String) -> Answer<Vec<Vec<u8>>> {
        Ok(heads::all(&self.request().headers, &name))
    }

    fn has_header(&mut self, name: String) -> Answer<bool> {
        Ok(self.request().headers.contains_key(name))
    }

    fn header_many(&mut self, names: Vec<String>) -> Answer<Vec<Option<String>>> {
        Ok(heads::many(&self.request().headers, &names))
    }

    fn header_names(&mut self) -> Answer<Vec<String>> {
        Ok(heads::names(&self.request().headers))
    }

    fn headers(&mut self) -> Answer<Vec<(String, Vec<u8>)>> {
        Ok(self.request().written())
    }

    fn cookie(&mut self, name: String) -> Answer<Option<String>> {
        let lines = self.request().headers.get_all(http::header::COOKIE).iter();
        let value = lines
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then(|| value.to_owned()));
        Ok(value)
    }

    fn edit_headers(&mut self, ops: Vec<HeaderOp>) -> Outcome {
        Ok(match self.request_mut() {
            Some(head) => heads::edit(head, ops),
            None => Err(Error::NotAllowedInPhase),
        })
    }

    fn set_header(&mut self, name: String, value: String) -> Outcome {
        Ok(match self.request_mut() {
            Some(head) => heads::set(head, &name, &value),
            None => Err(Error::NotAllowedInPhase),
        })
    }

    fn set_uri(&mut self, path_and_query: String) -> Outcome {
        Ok(match self.request_mut() {
            Some(head) => target(&path_and_query).map(|uri| head.set_uri(uri)),
            None => Err(Error::NotAllowedInPhase),
        })
    }

    fn set_host(&mut self, host: String) -> Outcome {
        Ok(self.host_to(&host))
    }

    fn set_origin(&mut self, to: Origin) -> Outcome {
        Ok(self.origin_to(to))
    }

    fn chosen_origin(&mut self) -> Answer<Origin> {
        let chosen = &self.exchange.chosen;
        if let Some(elsewhere) = &chosen.elsewhere {
            return Ok(Origin::Custom(elsewhere::told(elsewhere)));
        }
        let chosen = chosen.origin.as_ref();
        let origin = chosen.map(|choice| choice.origin).or(self.exchange.origin);
        let name = origin.and_then(|origin| self.version.origin_name(origin));
        Ok(Origin::Named(
            name.map(|name| (*name).to_owned()).unwrap_or_default(),
        ))
    }

    fn cache_key_part(&mut self, label: String, value: String) -> Outcome {
        Ok(self.key_part(&label, &value))
    }

    fn cache_bypass(&mut self) -> Outcome {
        if self.hook != Hook::Request && !(self.hook == Hook::RequestBody && self.is_held) {
            return Ok(Err(Error::NotAllowedInPhase));
        }
        self.exchange.notes.insert(crate::Pass);
        Ok(Ok(()))
    }

    fn want_body(&mut self, want: BodyWant) -> Outcome {
        let hook = match self.hook {
            Hook::Request | Hook::OriginRequest => Hook::RequestBody,
            _ => return Ok(Err(Error::NotAllowedInPhase)),
        };
        Ok(self.want(hook, want))
    }
}

impl State {
    /// Notes how much of a body the guest wants to see by `hook`.
    pub(super) fn want(&mut self, hook: Hook, want: BodyWant) -> Result<(), Error> {
        if !self.version.hooks.has(hook) {
            let lacks = format!(
                "the guest does not export on-{}",
                hook.name().replace('_', "-")
            );
            return Err(Error::Other(lacks));
        }
        let most = self.version.limits.body;
        if let BodyWant::Buffered(wanted) = want
            && usize::try_from(wanted).is_ok_and(|wanted| wanted > most)
        {
            return Err(Error::Limit(format!(
                "`limits.response_body` allows {most} bytes"
            )));
        }
        self.wants = Some(want);
        Ok(())
    }

    fn host_to(&mut self, host: &str) -> Result<(), Error> {
        let wrong = || Error::Invalid(format!("`{}` is not a host", host.escape_debug()));
        let is_one = host.parse::<http::uri::Authority>().is_ok() && !host.contains('@');
        let value = HeaderValue::from_str(host)
            .ok()
            .filter(|_| is_one)
            .ok_or_else(wrong)?;
        let head = self.request_mut().ok_or(Error::NotAllowedInPhase)?;
        head.insert(HOST, value)
    }

    fn origin_to(&mut self, to: Origin) -> Result<(), Error> {
        if self.request_mut().is_none() {
            return Err(Error::NotAllowedInPhase);
        }
        match to {
            Origin::Named(name) => self.exchange.chosen.to(self.version.choice(&name)?),
            Origin::Custom(custom) => {
                let elsewhere = elsewhere::granted(&self.version, custom)?;
                self.exchange.chosen.elsewhere = Some(Arc::new(elsewhere));
            }
        }
        Ok(())
    }

    fn key_part(&mut self, label: &str, value: &str) -> Result<(), Error> {
        if self.hook != Hook::Request && !(self.hook == Hook::RequestBody && self.is_held) {
            return Err(Error::NotAllowedInPhase);
        }
        if label.len() + value.len() > MAX_KEY_PART {
            return Err(Error::Limit(format!(
                "a part of a key has at most {MAX_KEY_PART} bytes"
            )));
        }
        let name: Arc<str> = format!("{}:{label}", self.version.name).into();
        let parts = &self.exchange.chosen.key_parts;
        let is_new = !parts.iter().any(|part| part.filter == name);
        if is_new && parts.len() >= MAX_KEY_PARTS {
            return Err(Error::Limit(format!(
                "a key has at most {MAX_KEY_PARTS} parts"
            )));
        }
        self.exchange.chosen.distinguish(&name, value);
        Ok(())
    }
}

/// A target in origin form, in the one form that requests have.
fn target(text: &str) -> Result<Uri, Error> {
    let wrong = |why: &str| Error::Invalid(format!("`{}` {why}", text.escape_debug()));
    if text.len() > MAX_TARGET {
        return Err(Error::Limit(format!(
            "a target has at most {MAX_TARGET} bytes"
        )));
    }
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    if !path.starts_with('/') {
        return Err(wrong("does not begin with `/`"));
    }
    let path = crate::target::normal_path(path).map_err(|error| wrong(&error.to_string()))?;
    let target = match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    target
        .parse()
        .map_err(|_| wrong("is not a target of a request"))
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text)
        .decode_utf8_lossy()
        .into_owned()
}
