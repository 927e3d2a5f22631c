//! The response on its way to the store or to the client.

use std::time::Duration;

use super::heads::{self, Head};
use crate::wasm::abi::rimward::filter::response::Host;
use crate::wasm::abi::rimward::filter::types::{BodyWant, CacheStatus, HeaderOp};
use crate::wasm::abi::{Error, Hook};
use crate::wasm::state::State;
use crate::{Found, Storing};

type Answer<T> = wasmtime::Result<T>;
type Outcome = wasmtime::Result<Result<(), Error>>;

/// The most surrogate keys that guests give one response, and the longest of them.
const MAX_KEYS: usize = 128;
const MAX_KEY: usize = 1024;

impl Host for State {
    fn status(&mut self) -> Answer<u16> {
        Ok(self.response.status.as_u16())
    }

    fn set_status(&mut self, status: u16) -> Outcome {
        let Some(head) = self.response_mut() else {
            return Ok(Err(Error::NotAllowedInPhase));
        };
        if !(200..=599).contains(&status) {
            return Ok(Err(Error::Invalid(format!(
                "`{status}` is not a status: 200 to 599"
            ))));
        }
        let set = head
            .set_status(status)
            .and_then(|()| head.set_reason_phrase(None));
        Ok(set.map_err(|error| Error::Invalid(error.to_string())))
    }

    fn header(&mut self, name: String) -> Answer<Option<String>> {
        Ok(heads::first(&self.response.headers, &name))
    }

    fn header_all(&mut self, name: String) -> Answer<Vec<Vec<u8>>> {
        Ok(heads::all(&self.response.headers, &name))
    }

    fn has_header(&mut self, name: String) -> Answer<bool> {
        Ok(self.response.headers.contains_key(name))
    }

    fn header_many(&mut self, names: Vec<String>) -> Answer<Vec<Option<String>>> {
        Ok(heads::many(&self.response.headers, &names))
    }

    fn header_names(&mut self) -> Answer<Vec<String>> {
        Ok(heads::names(&self.response.headers))
    }

    fn headers(&mut self) -> Answer<Vec<(String, Vec<u8>)>> {
        Ok(self.response.written())
    }

    fn edit_headers(&mut self, ops: Vec<HeaderOp>) -> Outcome {
        Ok(match self.response_mut() {
            Some(head) => heads::edit(head, ops),
            None => Err(Error::NotAllowedInPhase),
        })
    }

    fn set_header(&mut self, name: String, value: String) -> Outcome {
        Ok(match self.response_mut() {
            Some(head) => heads::set(head, &name, &value),
            None => Err(Error::NotAllowedInPhase),
        })
    }

    fn cache_result(&mut self) -> Answer<CacheStatus> {
        Ok(self.exchange.found.into())
    }

    fn cache_for(&mut self, ttl_s: u32, swr_s: u32, sie_s: u32) -> Outcome {
        let seconds = |seconds| Some(Duration::from_secs(u64::from(seconds)));
        Ok(self.storing(|storing| {
            storing.ttl = seconds(ttl_s);
            storing.stale_while_revalidate = seconds(swr_s);
            storing.stale_if_error = seconds(sie_s);
        }))
    }

    fn surrogate_keys(&mut self, keys: Vec<String>) -> Outcome {
        if keys.len() > MAX_KEYS {
            return Ok(Err(Error::Limit(format!(
                "at most {MAX_KEYS} surrogate keys"
            ))));
        }
        let is_one = |key: &String| {
            (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if let Some(wrong) = keys.iter().find(|key| !is_one(key)) {
            let wrong = format!("`{}` is not a surrogate key", wrong.escape_debug());
            return Ok(Err(Error::Invalid(wrong)));
        }
        Ok(self.storing(|storing| storing.surrogate_keys.extend(keys)))
    }

    fn cache_never(&mut self) -> Outcome {
        Ok(self.storing(|storing| storing.never = true))
    }

    fn want_body(&mut self, want: BodyWant) -> Outcome {
        let hook = match self.hook {
            Hook::OriginResponse => Hook::OriginResponseBody,
            Hook::Response => Hook::ResponseBody,
            _ => return Ok(Err(Error::NotAllowedInPhase)),
        };
        Ok(self.want(hook, want))
    }
}

impl State {
    /// Changes how the response is stored.
    fn storing(&mut self, change: impl FnOnce(&mut Storing)) -> Result<(), Error> {
        if self.hook != Hook::OriginResponse {
            return Err(Error::NotAllowedInPhase);
        }
        let notes = &mut self.exchange.notes;
        let mut storing = notes.remove::<Storing>().unwrap_or_default();
        change(&mut storing);
        notes.insert(storing);
        Ok(())
    }
}

impl From<Found> for CacheStatus {
    fn from(found: Found) -> Self {
        match found {
            Found::Unknown => Self::Unknown,
            Found::Hit => Self::Hit,
            Found::Stale => Self::Stale,
            Found::Miss => Self::Miss,
            Found::Revalidated => Self::Revalidated,
            Found::Pass => Self::Bypass,
            Found::Uncacheable => Self::Uncacheable,
        }
    }
}
