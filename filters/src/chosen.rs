//! What filters of the request phase decide on, beside changing the request: another origin, and what the response is told
//! apart by in the cache.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rimward_config::OriginId;

use crate::elsewhere::Elsewhere;
use crate::outside::Tally;

/// What filters of the request phase decided on.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// The origin in place of the route's own.
    pub origin: Option<Arc<OriginChoice>>,
    /// The host that is asked in place of any origin.
    pub elsewhere: Option<Arc<Elsewhere>>,
    /// What tells the response from others of the same URL in the cache, beside what the route's rules name.
    pub key_parts: Vec<KeyPart>,
    /// Whether the chosen origin failed, so that its fallback is asked. The request path says so.
    pub fell_back: bool,
}

impl Chosen {
    /// Has an origin of the configuration asked.
    pub fn to(&mut self, origin: Arc<OriginChoice>) {
        (self.origin, self.elsewhere) = (Some(origin), None);
    }

    /// Has the response told apart in the cache by `value`, which `filter` made out. Said twice, the later one holds.
    pub fn distinguish(&mut self, filter: &Arc<str>, value: impl Into<Arc<str>>) {
        let value = value.into();
        match self
            .key_parts
            .iter_mut()
            .find(|part| part.filter == *filter)
        {
            Some(part) => part.value = value,
            None => self.key_parts.push(KeyPart {
                filter: filter.clone(),
                value,
            }),
        }
    }
}

/// Something that tells responses of one URL apart in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPart {
    /// The name of the filter that made it out.
    pub filter: Arc<str>,
    /// What it made out.
    pub value: Arc<str>,
}

/// An origin that is asked in place of a route's own.
#[derive(Debug)]
pub struct OriginChoice {
    /// The origin.
    pub origin: OriginId,
    /// Its name, by which its objects are told from those of the route's own origin in the cache; `None` lets them mix. It
    /// makes no difference where it is the route's own.
    pub key: Option<Arc<str>>,
    /// Who is asked when it fails.
    pub fallback: Option<Fallback>,
    /// Who is told how each try went.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Who is asked when a chosen origin fails.
pub struct Fallback {
    /// The origin.
    pub origin: OriginId,
    /// Which failures count.
    pub on: Failures,
    /// How long its responses may be stored under the key of the origin that failed; zero does not store them.
    pub stored_for: Duration,
    /// What is counted when it is asked.
    pub tally: Option<Arc<dyn Tally>>,
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("origin", &self.origin)
            .field("on", &self.on)
            .finish_non_exhaustive()
    }
}

/// Which failures of an origin lead to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// Statuses of responses.
    pub statuses: Vec<u16>,
    /// No connection, or none in time.
    pub connect: bool,
    /// A connection that ended, or broke the rules of HTTP, before the response's head came.
    pub reset: bool,
    /// No response in time.
    pub timeout: bool,
}

/// Is told how each try at a chosen origin went. Called on a worker: it must not wait.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A server of `origin` was asked.
    fn tried(&self, origin: OriginId, how: Tried);
}

/// How a try at an origin went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// The status of the response; `None` when there was none.
    pub status: Option<u16>,
    /// From asking to the response's head, or to the failure.
    pub time: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_distinguishes_by_one_value() {
        let (device, language): (Arc<str>, Arc<str>) = ("device".into(), "language".into());
        let mut chosen = Chosen::default();
        chosen.distinguish(&device, "mobile");
        chosen.distinguish(&language, "de");
        chosen.distinguish(&device, "tablet");
        let parts: Vec<_> = chosen
            .key_parts
            .iter()
            .map(|part| (&*part.filter, &*part.value))
            .collect();
        assert_eq!(parts, [("device", "tablet"), ("language", "de")]);
    }
}
