//! Words for what is expected of a response, read from its status, its body and its `Cache-Status` (RFC 9211).

use std::fmt;

use crate::client::Response;

/// What a response is expected to be; compare it with `assert_eq!(edge.get("/a").await, hit("v1"))`.
#[derive(PartialEq, Eq)]
pub struct Expected {
    from: From,
    body: Vec<u8>,
}

/// Where a response came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A fresh object.
    Hit,
    /// The origin, since no object was there that could be used.
    Miss,
    /// A stale object, by permission.
    Stale,
    /// A stale object which the origin said still holds.
    Revalidated,
    /// The origin, without a look into the cache.
    Pass,
    /// None of these: the edge itself, say.
    Elsewhere,
}

/// 200 out of a fresh object.
pub fn hit(body: impl AsRef<[u8]>) -> Expected {
    Expected::new(From::Hit, body)
}

/// 200 from the origin, which the cache could not spare the way.
pub fn miss(body: impl AsRef<[u8]>) -> Expected {
    Expected::new(From::Miss, body)
}

/// 200 out of a stale object.
pub fn stale(body: impl AsRef<[u8]>) -> Expected {
    Expected::new(From::Stale, body)
}

/// 200 out of a stale object, after the origin answered 304.
pub fn revalidated(body: impl AsRef<[u8]>) -> Expected {
    Expected::new(From::Revalidated, body)
}

/// 200 from the origin, the cache not having been looked up by decision.
pub fn pass(body: impl AsRef<[u8]>) -> Expected {
    Expected::new(From::Pass, body)
}

impl Expected {
    fn new(from: From, body: impl AsRef<[u8]>) -> Self {
        Self {
            from,
            body: body.as_ref().to_vec(),
        }
    }
}

impl From {
    /// Reads the last member of a `Cache-Status`, which is the cache nearest to the client.
    pub fn of(cache_status: &str) -> Self {
        let member = cache_status.rsplit(',').next().unwrap_or_default();
        let parameters: Vec<(&str, &str)> = member
            .split(';')
            .skip(1)
            .map(|parameter| {
                parameter
                    .trim()
                    .split_once('=')
                    .unwrap_or_else(|| (parameter.trim(), ""))
            })
            .collect();
        let value = |name| {
            parameters
                .iter()
                .find_map(|&(key, value)| (key == name).then_some(value))
        };
        match (value("hit"), value("fwd"), value("fwd-status")) {
            (Some(_), _, _) if value("ttl").is_some_and(|ttl| ttl.starts_with('-')) => Self::Stale,
            (Some(_), _, _) => Self::Hit,
            (None, Some("stale"), Some("304")) => Self::Revalidated,
            (None, Some("bypass" | "method" | "request"), _) => Self::Pass,
            (None, Some("uri-miss" | "vary-miss" | "miss" | "stale" | "partial"), _) => Self::Miss,
            _ => Self::Elsewhere,
        }
    }
}

impl PartialEq<Expected> for Response {
    fn eq(&self, expected: &Expected) -> bool {
        self.status == 200
            && self.body == expected.body
            && From::of(self.cache_status()) == expected.from
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "200 {:?}, by Cache-Status a {:?}",
            String::from_utf8_lossy(&self.body),
            self.from
        )
    }
}

#[cfg(test)]
mod tests {
    use super::From;

    #[test]
    fn cache_status_is_read_by_its_last_member() {
        let table = [
            ("fra1; hit; ttl=59", From::Hit),
            ("fra1; hit; ttl=-3", From::Stale),
            ("fra1; fwd=uri-miss; fwd-status=200; stored", From::Miss),
            ("fra1; fwd=uri-miss; collapsed", From::Miss),
            ("fra1; fwd=stale; fwd-status=304", From::Revalidated),
            ("fra1; fwd=stale; fwd-status=200; stored", From::Miss),
            ("fra1; fwd=bypass", From::Pass),
            ("fra1; fwd=method", From::Pass),
            ("shield; hit, fra1; fwd=uri-miss", From::Miss),
            ("fra1; detail=redirect", From::Elsewhere),
            ("", From::Elsewhere),
        ];
        for (cache_status, from) in table {
            assert_eq!(From::of(cache_status), from, "{cache_status}");
        }
    }
}
