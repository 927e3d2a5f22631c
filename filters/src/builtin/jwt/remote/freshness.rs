//! How long keys that were fetched are fresh.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName};

const LEAST: Duration = Duration::from_secs(60);
const USUAL: Duration = Duration::from_secs(600);
const MOST: Duration = Duration::from_secs(86_400);

/// As long as the response says, within bounds.
pub(super) fn of(headers: &HeaderMap) -> Duration {
    let told = by_cache_control(headers).or_else(|| by_expires(headers));
    told.unwrap_or(USUAL).clamp(LEAST, MOST)
}

fn by_cache_control(headers: &HeaderMap) -> Option<Duration> {
    let directives: Vec<&str> = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let is_given = |name: &str| {
        directives
            .iter()
            .any(|told| told.eq_ignore_ascii_case(name))
    };
    if is_given("no-store") || is_given("no-cache") {
        return Some(Duration::ZERO);
    }
    let age = text(headers, AGE).and_then(|age| age.trim().parse().ok());
    let of = |name: &str| {
        directives.iter().find_map(|directive| {
            let (told, seconds) = directive.split_once('=')?;
            let seconds = seconds.trim().trim_matches('"').parse::<u64>().ok()?;
            told.trim().eq_ignore_ascii_case(name).then_some(seconds)
        })
    };
    let seconds = of("s-maxage").or_else(|| of("max-age"))?;
    Some(Duration::from_secs(
        seconds.saturating_sub(age.unwrap_or(0)),
    ))
}

fn by_expires(headers: &HeaderMap) -> Option<Duration> {
    let expires = text(headers, EXPIRES)?;
    // What is no date, as `0`, is in the past.
    let Ok(expires) = httpdate::parse_http_date(expires) else {
        return Some(Duration::ZERO);
    };
    let date = text(headers, DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let from = date.unwrap_or_else(SystemTime::now);
    Some(expires.duration_since(from).unwrap_or(Duration::ZERO))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fresh_as_long_as_the_headers_say_within_bounds() {
        for (fields, seconds) in [
            (&[][..], 600),
            (&[("cache-control", "public, max-age=3600")], 3600),
            (&[("cache-control", "max-age=3600"), ("age", "600")], 3000),
            (&[("cache-control", "max-age=7200, s-maxage=\"900\"")], 900),
            (&[("cache-control", "max-age=1")], 60),
            (&[("cache-control", "max-age=99999999")], 86_400),
            (&[("cache-control", "max-age=3600, no-cache")], 60),
            (&[("cache-control", "max-age=soon")], 600),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("expires", "Sun, 06 Nov 1994 08:59:39 GMT"),
                ],
                602,
            ),
            (&[("expires", "0")], 60),
            (&[("cache-control", "max-age=120"), ("expires", "0")], 120),
        ] {
            let fields = fields
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            let headers: HeaderMap = fields.collect();
            assert_eq!(of(&headers).as_secs(), seconds, "{headers:?}");
        }
    }
}
