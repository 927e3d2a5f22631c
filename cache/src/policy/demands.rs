//! What a request asks of a cache (RFC 9111 §5.2.1).

use std::time::{Duration, SystemTime};

use http::header::CACHE_CONTROL;
use pingora_http::RequestHeader;

use super::{Serve, Terms, serve};
use crate::cache_control::{VERY_LONG, each_directive, seconds};

/// What a request's `Cache-Control` asks of a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demands {
    /// Nothing that is stored without asking the origin.
    pub no_cache: bool,
    /// Nothing of the response is to be stored.
    pub no_store: bool,
    /// Nothing but what is stored; without that, 504.
    pub only_if_cached: bool,
    /// Nothing older than these seconds.
    pub max_age: Option<u64>,
    /// Nothing that is stale within these seconds.
    pub min_fresh: Option<u64>,
    /// What has been stale no longer than these seconds is good as well.
    pub max_stale: Option<u64>,
}

impl Demands {
    /// What the request asks, all lines of the field together. Of what is said twice the stricter counts.
    pub fn of(request: &RequestHeader) -> Self {
        let mut demands = Self::default();
        for line in request.headers.get_all(CACHE_CONTROL) {
            let line = String::from_utf8_lossy(line.as_bytes());
            each_directive(&line, |name, argument| demands.add(name, argument));
        }
        demands
    }

    fn add(&mut self, name: &str, argument: Option<&str>) {
        let least =
            |known: Option<u64>, given: u64| Some(known.map_or(given, |known| known.min(given)));
        // What is no number is the strictest: an age of nothing, a freshness without end.
        let given = argument.map_or(0, seconds);
        match &*name.to_ascii_lowercase() {
            "no-cache" => self.no_cache = true,
            "no-store" => self.no_store = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => self.max_age = least(self.max_age, given),
            "min-fresh" => {
                let is_number = argument.is_some_and(|text| {
                    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
                });
                let given = if is_number { given } else { VERY_LONG };
                self.min_fresh = Some(self.min_fresh.unwrap_or(0).max(given));
            }
            // Alone it takes any age.
            "max-stale" => {
                let given = argument.map_or(VERY_LONG, seconds);
                self.max_stale = least(self.max_stale, given);
            }
            _ => {}
        }
    }

    /// Whether a stored response is served as it is, as far as the request goes.
    pub fn serve(&self, terms: &Terms, now: SystemTime) -> Serve {
        let age_fits = self
            .max_age
            .is_none_or(|most| terms.age(now) <= Duration::from_secs(most));
        let is_fresh_enough = self
            .min_fresh
            .is_none_or(|least| terms.is_fresh_for(Duration::from_secs(least), now));
        if self.no_cache || !age_fits {
            return Serve::Revalidate;
        }
        if terms.is_fresh(now) {
            return if is_fresh_enough {
                Serve::Fresh
            } else {
                Serve::Revalidate
            };
        }
        let is_taken_stale = self
            .max_stale
            .is_some_and(|most| terms.is_taken_stale(Duration::from_secs(most), now));
        match is_taken_stale && self.min_fresh.is_none() {
            true => Serve::Stale,
            // Who asks for an age or for freshness does not want what is stale (§5.2.1.1).
            false if self.max_age.is_some() || self.min_fresh.is_some() => Serve::Revalidate,
            false => serve(terms, now),
        }
    }
}
