//! How long what an origin sent may be used, as its head says: as much as it takes to hold a picture to it.

use std::time::{Duration, SystemTime};

use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName, HeaderValue};

/// For caches of this kind alone, which go by it in place of `Cache-Control` and `Expires` (RFC 9213).
const TARGETED: HeaderName = HeaderName::from_static("cdn-cache-control");
const SURROGATE: HeaderName = HeaderName::from_static("surrogate-control");

/// What is left of its freshness; none when the head says nothing of it.
pub(super) fn left(head: &HeaderMap) -> Option<Duration> {
    let lifetime = match head.contains_key(TARGETED) {
        true => said(head, &TARGETED),
        false => said(head, &CACHE_CONTROL).or_else(|| until_it_expires(head)),
    };
    Some(lifetime?.saturating_sub(age(head)))
}

/// Has nobody use it for longer than that. A head that says nothing of it goes on saying nothing.
pub(super) fn bound(head: &mut HeaderMap, most: Duration) {
    if left(head).is_none_or(|left| left <= most) {
        return;
    }
    let kept: Vec<String> = directives(head, &CACHE_CONTROL)
        .filter(|(name, _)| !name.eq_ignore_ascii_case("max-age"))
        .filter(|(name, _)| !name.eq_ignore_ascii_case("s-maxage"))
        .map(|(name, value)| match value {
            Some(value) => format!("{name}={value}, "),
            None => format!("{name}, "),
        })
        .collect();
    let said = format!("{}max-age={}", kept.concat(), most.as_secs());
    let said = HeaderValue::from_str(&said);
    set(head, said.unwrap_or(HeaderValue::from_static("max-age=0")));
}

/// Makes this all that the head says of it. It counts from now.
pub(super) fn set(head: &mut HeaderMap, cache_control: HeaderValue) {
    for name in [EXPIRES, AGE, DATE, TARGETED, SURROGATE] {
        head.remove(name);
    }
    head.insert(CACHE_CONTROL, cache_control);
}

/// The lifetime that a field of directives gives; none at all where it wants no use without asking.
fn said(head: &HeaderMap, field: &HeaderName) -> Option<Duration> {
    let given = |wanted: &str| {
        directives(head, field)
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    };
    let is_barred = ["no-store", "no-cache", "private"]
        .iter()
        .any(|word| given(word).is_some());
    if is_barred {
        return Some(Duration::ZERO);
    }
    // What is no number is none (RFC 9111 §4.2.1).
    let value = given("s-maxage").or_else(|| given("max-age"))?;
    let seconds = value.and_then(|value| value.trim_matches('"').parse().ok());
    Some(Duration::from_secs(seconds.unwrap_or_default()))
}

fn directives<'h>(
    head: &'h HeaderMap,
    field: &HeaderName,
) -> impl Iterator<Item = (&'h str, Option<&'h str>)> {
    let lines = head.get_all(field).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .map(|directive| match directive.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (directive, None),
        })
}

fn until_it_expires(head: &HeaderMap) -> Option<Duration> {
    let date = |name| {
        let text = head.get(name)?.to_str().ok()?;
        httpdate::parse_http_date(text).ok()
    };
    head.get(EXPIRES)?;
    let sent = date(DATE).unwrap_or_else(SystemTime::now);
    // What is no date is over (RFC 9111 §5.3).
    let left = date(EXPIRES).and_then(|end| end.duration_since(sent).ok());
    Some(left.unwrap_or_default())
}

fn age(head: &HeaderMap) -> Duration {
    let text = head.get(AGE).and_then(|age| age.to_str().ok());
    let seconds = text.and_then(|text| text.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| {
            let (name, value) = (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            (name, value)
        });
        fields.collect()
    }

    #[test]
    fn heads_tell_how_long_they_hold() {
        const SENT: (&str, &str) = ("date", "Sat, 01 Nov 2025 00:00:00 GMT");
        for (fields, expected) in [
            (&[][..], None),
            (&[("cache-control", "public")], None),
            (&[("cache-control", "max-age=60")], Some(60)),
            (&[("cache-control", "Max-Age=\"60\"")], Some(60)),
            (&[("cache-control", "max-age=60, s-maxage=10")], Some(10)),
            (&[("cache-control", "max-age=soon")], Some(0)),
            (&[("cache-control", "max-age=60"), ("age", "20")], Some(40)),
            (&[("cache-control", "max-age=60"), ("age", "90")], Some(0)),
            (&[("cache-control", "max-age=60, no-cache")], Some(0)),
            (&[("cache-control", "no-store")], Some(0)),
            (&[("cache-control", "private, max-age=9")], Some(0)),
            (
                &[
                    ("cache-control", "no-store"),
                    ("cdn-cache-control", "max-age=5"),
                ],
                Some(5),
            ),
            (
                &[("expires", "Sat, 01 Nov 2025 00:01:00 GMT"), SENT],
                Some(60),
            ),
            (
                &[("expires", "Fri, 31 Oct 2025 00:01:00 GMT"), SENT],
                Some(0),
            ),
            (&[("expires", "0"), SENT], Some(0)),
        ] {
            let left = left(&head(fields));
            assert_eq!(left, expected.map(Duration::from_secs), "{fields:?}");
        }
    }

    #[test]
    fn what_holds_longer_is_bounded() {
        for (fields, expected) in [
            (&[("cache-control", "max-age=60")][..], "max-age=60"),
            (
                &[
                    (
                        "cache-control",
                        "public, max-age=600, s-maxage=900, stale-while-revalidate=5",
                    ),
                    ("age", "30"),
                ],
                "public, stale-while-revalidate=5, max-age=100",
            ),
            (
                &[
                    ("expires", "Thu, 01 Nov 2035 00:01:00 GMT"),
                    ("date", "Sat, 01 Nov 2025 00:00:00 GMT"),
                ],
                "max-age=100",
            ),
            (&[("cdn-cache-control", "max-age=600")], "max-age=100"),
            (&[("cache-control", "no-store")], "no-store"),
        ] {
            let mut head = head(fields);
            bound(&mut head, Duration::from_secs(100));
            assert_eq!(head[CACHE_CONTROL], expected, "{fields:?}");
            let is_bounded = expected.contains("max-age=100");
            assert!(!is_bounded || head.len() == 1, "{head:?}");
        }
        let mut silent = head(&[]);
        bound(&mut silent, Duration::ZERO);
        assert!(silent.is_empty());
    }
}
