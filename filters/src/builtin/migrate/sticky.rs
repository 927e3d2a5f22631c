//! What a client keeps its origin by.

use std::net::IpAddr;
use std::time::Duration;

use http::header::SET_COOKIE;
use pingora_http::ResponseHeader;
use rand::Rng;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bucket::{BUCKETS, Dealer};
use crate::cookies;
use crate::exchange::Exchange;
use crate::filter::FilterError;
use crate::settings::{CookieName, FieldName};

/// What a client keeps its origin by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "sticky")]
pub(super) enum StickyBy {
    /// The client's address; of IPv6 its /64.
    #[default]
    ClientIp,
    /// Host and path: all clients see one version of a page.
    Path,
    /// A request header; without it the address counts.
    Header(FieldName),
    /// A cookie of the edge's own with this name, set where it is missing.
    Cookie(CookieName),
}

/// The same, with what sets its buckets apart from others'.
pub(super) struct Sticky {
    by: StickyBy,
    dealer: Dealer,
    cookie_ttl: Duration,
}

/// A bucket that a client without one was given in this exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assigned(u32);

impl StickyBy {
    pub(super) fn compile(self, salt: &str, cookie_ttl: Duration) -> Sticky {
        Sticky {
            by: self,
            dealer: Dealer::new(salt),
            cookie_ttl,
        }
    }
}

impl Sticky {
    /// Whether responses may set a cookie.
    pub(super) fn sets_cookie(&self) -> bool {
        matches!(self.by, StickyBy::Cookie(_))
    }

    /// The bucket of a request. A client without the cookie is given one by chance, which is noted.
    pub(super) fn bucket(&self, exchange: &mut Exchange) -> u32 {
        let of = |key: &[u8]| self.dealer.bucket(key);
        match &self.by {
            StickyBy::ClientIp => self.of_address(exchange),
            StickyBy::Path => {
                let host = exchange.host().to_ascii_lowercase();
                of(&[host.as_bytes(), exchange.path().as_bytes()].concat())
            }
            StickyBy::Header(FieldName(name)) => match exchange.request.headers.get(name) {
                Some(value) => of(value.as_bytes()),
                None => self.of_address(exchange),
            },
            StickyBy::Cookie(cookie) => {
                let told = exchange.cookie(&cookie.0);
                if let Some(told) = told.and_then(|value| value.parse().ok()).filter(is_bucket) {
                    return told;
                }
                let given = exchange.notes.get::<Assigned>().copied();
                let Assigned(given) = given.unwrap_or_else(Assigned::by_chance);
                exchange.notes.insert(Assigned(given));
                given
            }
        }
    }

    fn of_address(&self, exchange: &Exchange) -> u32 {
        match exchange.client.ip.to_canonical() {
            IpAddr::V4(ip) => self.dealer.bucket(&ip.octets()),
            IpAddr::V6(ip) => self.dealer.bucket(&ip.octets()[..8]),
        }
    }

    /// Sets the cookie of a client that was given a bucket.
    ///
    /// # Errors
    /// Never, but for a fault of the edge: the settings were checked.
    pub(super) fn tell(
        &self,
        assigned: &Assigned,
        exchange: &Exchange,
        response: &mut ResponseHeader,
    ) -> Result<(), FilterError> {
        let StickyBy::Cookie(cookie) = &self.by else {
            return Ok(());
        };
        let value = assigned.0.to_string();
        let cookie = cookies::set(exchange.client.scheme, &cookie.0, &value, self.cookie_ttl)?;
        let set = response.append_header(SET_COOKIE, cookie);
        set.map(drop)
            .map_err(|_| FilterError::new("the response has no room for the cookie"))
    }
}

impl Assigned {
    fn by_chance() -> Self {
        Self(rand::rng().random_range(0..BUCKETS))
    }
}

fn is_bucket(bucket: &u32) -> bool {
    *bucket < BUCKETS
}
