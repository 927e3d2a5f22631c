//! Which of several responses under one key answers a request (RFC 9111 §4.1).
//!
//! A response's `Vary` names request fields; its [`Variance`] is a hash of their names and values. Values are hashed in
//! a normal form, so that requests that mean the same find the same variant.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{self, HeaderName};

use crate::key::hash;

/// What distinguishes a variant from others under its key.
pub type Variance = u128;

/// Names beyond which a `Vary` is taken for an attempt to make every request a variant of its own.
const MAX_NAMES: usize = 16;

/// The request fields that a response varies on: sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vary {
    names: Box<[HeaderName]>,
    /// The language it is in, when that is what the client's preference chose: who prefers it too is answered by it,
    /// whatever else stands in `Accept-Language`.
    language: Option<Box<str>>,
}

impl Vary {
    /// What a response with these fields varies on.
    pub fn of(response: &HeaderMap) -> Self {
        let names = names(response).filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let mut names: Vec<HeaderName> = names.take(MAX_NAMES).collect();
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        let language = names
            .contains(&header::ACCEPT_LANGUAGE)
            .then(|| language(response))
            .flatten();
        Self {
            names: names.into_boxed_slice(),
            language,
        }
    }

    /// The variant that answers a request with these fields; `None` when the response does not vary.
    pub fn variance(&self, request: &HeaderMap) -> Option<Variance> {
        self.selecting(request).map(|values| variance_of(&values))
    }

    /// The request's values of the fields that the response varies on, in a normal form that is the same in every
    /// process; `None` when the response does not vary.
    pub fn selecting(&self, request: &HeaderMap) -> Option<Vec<u8>> {
        if self.names.is_empty() {
            return None;
        }
        let mut values = Vec::with_capacity(64);
        for name in &self.names {
            let answered = self
                .language
                .as_deref()
                .filter(|language| *name == header::ACCEPT_LANGUAGE && prefers(request, language));
            if let Some(language) = answered {
                frame(&mut values, name.as_str().as_bytes());
                // Neither there nor not there: a preference instead of a value.
                values.push(2);
                frame(&mut values, language.as_bytes());
                continue;
            }
            let value = normal_form(request, name);
            frame(&mut values, name.as_str().as_bytes());
            // A field that is not there is something else than an empty one.
            values.push(u8::from(value.is_some()));
            frame(&mut values, value.as_deref().unwrap_or_default().as_bytes());
        }
        Some(values)
    }

    /// The names.
    pub fn names(&self) -> &[HeaderName] {
        &self.names
    }
}

/// The one language that a response says to be in, in lower case.
fn language(response: &HeaderMap) -> Option<Box<str>> {
    let mut lines = response.get_all(header::CONTENT_LANGUAGE).iter();
    let language = lines.next()?.to_str().ok()?.trim();
    let is_one = lines.next().is_none() && !language.is_empty() && !language.contains(',');
    is_one.then(|| language.to_ascii_lowercase().into())
}

/// Whether no language in `Accept-Language` has more weight than this one (RFC 9110 §12.5.4).
fn prefers(request: &HeaderMap, language: &str) -> bool {
    let lines = request
        .get_all(header::ACCEPT_LANGUAGE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let (mut most, mut its) = (0, 0);
    for member in lines.flat_map(|line| line.split(',')) {
        let (range, weight) = weighted(member);
        most = most.max(weight);
        if range.eq_ignore_ascii_case(language) {
            its = its.max(weight);
        }
    }
    its > 0 && its == most
}

/// A member of a list of preferences and its weight in thousandths; what is no weight counts as none at all.
fn weighted(member: &str) -> (&str, u16) {
    let mut parts = member.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("q")
            .then_some(value.trim())
    });
    let weight = weight.map_or(Some(1000), thousandths);
    (range, weight.unwrap_or(0))
}

/// `0.8` is 800 (RFC 9110 §12.4.2).
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "0" | "1") || part.len() > 3 || !is_digits(part) {
        return None;
    }
    let whole = if whole == "1" { 1000 } else { 0 };
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    Some((whole + part).min(1000))
}

/// The members of `Vary`, all its lines together, as written.
pub fn names(response: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = response
        .get_all(header::VARY)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// The variance that these selecting values make.
pub(crate) fn variance_of(selecting: &[u8]) -> Variance {
    hash(selecting)
}

fn frame(values: &mut Vec<u8>, part: &[u8]) {
    values.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    values.extend_from_slice(part);
}

/// A field's value without what makes no difference to its meaning; `None` when the field is not there.
fn normal_form(request: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines = request
        .get_all(name)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()));
    let joined = lines.reduce(|all, line| Cow::Owned(format!("{all},{line}")))?;
    let is_preference = [
        header::ACCEPT_ENCODING,
        header::ACCEPT_LANGUAGE,
        header::ACCEPT_CHARSET,
    ]
    .contains(name);
    let members = joined.split(',').map(str::trim);
    if !is_preference {
        return Some(members.collect::<Vec<_>>().join(","));
    }
    let members = members.filter(|member| !member.is_empty());
    let mut members: Vec<String> = members
        .map(preference)
        .filter(|member| !member.is_empty())
        .collect();
    members.sort_unstable();
    members.dedup();
    Some(members.join(","))
}

/// `GZIP; q=1.0` and `gzip` mean the same; what has weight zero is kept, since it says "not that".
fn preference(member: &str) -> String {
    let member: String = member
        .chars()
        .filter(|letter| !letter.is_ascii_whitespace())
        .collect();
    let member = member.to_ascii_lowercase();
    match member.split_once(";q=") {
        Some((value, weight)) if weight.trim_end_matches(['0', '.']) == "1" => value.to_owned(),
        Some((value, weight)) if weight.contains('.') => {
            format!(
                "{value};q={}",
                weight.trim_end_matches('0').trim_end_matches('.')
            )
        }
        _ => member,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = fields.iter();
        pairs
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn variance(vary: &'static str, request: &[(&'static str, &'static str)]) -> Option<Variance> {
        Vary::of(&fields(&[("vary", vary)])).variance(&fields(request))
    }

    /// RFC 9111 §4.1: row E of the contract.
    #[test]
    fn values_that_mean_the_same_find_the_same_variant() {
        for (vary, one, other) in [
            ("accept-encoding", "gzip, br", "br,gzip"),
            ("Accept-Encoding", "GZIP;q=1.0", "gzip"),
            ("accept-encoding", "gzip; q=0.50", "gzip;q=0.5"),
            ("accept-language", "de, EN;q=0.8", "en; q=0.8 ,de"),
            ("foo", "1,2", "1 , 2"),
            ("foo, foo", "1", "1"),
        ] {
            let request = |value| {
                let name = vary.split(',').next().unwrap().to_ascii_lowercase();
                HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
            };
            let vary = Vary::of(&fields(&[("vary", vary)]));
            assert_eq!(
                vary.variance(&request(one)),
                vary.variance(&request(other)),
                "{one} | {other}"
            );
        }
        assert_eq!(
            variance("a, b", &[("a", "1"), ("b", "2")]),
            variance("B,A", &[("b", "2"), ("a", "1")])
        );
        assert_eq!(
            variance("a", &[("a", "1"), ("a", "2")]),
            variance("a", &[("a", "1, 2")])
        );
    }

    /// RFC 9110 §12.5.4, RFC 9111 §4.1: row E of the contract.
    #[test]
    fn who_prefers_the_language_of_a_response_is_answered_by_it() {
        let german = [("vary", "accept-language"), ("content-language", "de")];
        let variance = |response: &[(&'static str, &'static str)], accepted: &'static str| {
            Vary::of(&fields(response)).variance(&fields(&[("accept-language", accepted)]))
        };
        let by_preference = variance(&german, "de");
        for (accepted, is_answered) in [
            ("en, de", true),
            ("DE;Q=1.0, en;q=0.9", true),
            ("fr;q=0.5, de;q=1.0", true),
            ("fr;q=0.5, de ; q=0.6", true),
            ("en, de;q=0.9", false),
            ("de-AT, en;q=0.5", false),
            ("de;q=0", false),
            ("de;q=2", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(
                variance(&german, accepted) == by_preference,
                is_answered,
                "{accepted}"
            );
        }
        let both = [("vary", "accept-language"), ("content-language", "de, en")];
        assert_ne!(variance(&both, "de"), variance(&both, "en, de"));
        let twice = [german[0], german[1], ("content-language", "en")];
        assert_ne!(variance(&twice, "de"), variance(&twice, "en, de"));
        let unvaried = [("vary", "foo"), ("content-language", "de")];
        assert_eq!(variance(&unvaried, "de"), variance(&unvaried, "en"));
    }

    #[test]
    fn values_that_differ_find_different_variants() {
        for (vary, one, other) in [
            ("foo", [("foo", "1")].as_slice(), [("foo", "2")].as_slice()),
            ("foo", &[("foo", "a")], &[("foo", "A")]),
            ("foo", &[("foo", "2,1")], &[("foo", "1,2")]),
            ("foo", &[], &[("foo", "")]),
            ("a, b", &[("a", "1")], &[("b", "1")]),
            ("a, b", &[("a", "12"), ("b", "")], &[("a", "1"), ("b", "2")]),
            (
                "accept-encoding",
                &[("accept-encoding", "gzip")],
                &[("accept-encoding", "gzip;q=0")],
            ),
        ] {
            assert_ne!(
                variance(vary, one),
                variance(vary, other),
                "{one:?} | {other:?}"
            );
        }
        assert_eq!(variance("", &[("foo", "1")]), None);
    }

    proptest::proptest! {
        #[test]
        fn normalising_never_panics(value in "[ -~]*", name in proptest::sample::select(vec!["accept-encoding", "x"])) {
            let mut request = HeaderMap::new();
            request.insert(name, HeaderValue::from_str(&value).unwrap());
            normal_form(&request, &HeaderName::from_static(name));
            request.insert("accept-language", HeaderValue::from_str(&value).unwrap());
            prefers(&request, "de");
        }
    }
}
