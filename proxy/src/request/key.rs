//! The cache key of a request, by its route's rules. Explaining and purging make the same keys.

use http::{HeaderMap, header};
use rimward_cache::{Key, KeyBuilder, Query};
use rimward_config::{KeyRules, QueryRule};
use rimward_filters::Chosen;

/// What a key is made of.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// `http` or `https`.
    pub(crate) scheme: &'a str,
    /// The host as asked for, with its port if there is one.
    pub(crate) host: &'a str,
    /// The normalised path.
    pub(crate) path: &'a str,
    /// The query without its question mark.
    pub(crate) query: Option<&'a str>,
    /// The request's header fields, asked for only if the rules name any.
    pub(crate) headers: &'a dyn Fn() -> &'a HeaderMap,
    /// The client's country.
    pub(crate) country: Option<&'a str>,
    /// What filters decided on; `None` when they did not run.
    pub(crate) chosen: Option<&'a Chosen>,
    /// The route's own origin.
    pub(crate) origin: Option<&'a str>,
}

/// The key of a request.
pub(crate) fn key(rules: &KeyRules, parts: &Parts<'_>) -> Key {
    builder(rules, parts).finish()
}

/// The same, put together but not finished.
pub(crate) fn builder(rules: &KeyRules, parts: &Parts<'_>) -> KeyBuilder {
    let query = match &rules.query {
        QueryRule::All => Query::All,
        QueryRule::Sorted => Query::Sorted,
        QueryRule::Only(names) => Query::Only(names),
        QueryRule::Ignore => Query::Ignore,
    };
    let host = without_default_port(parts.scheme, parts.host);
    let mut key = Key::builder(parts.scheme, host, parts.path).query(parts.query, query);
    for name in &rules.header {
        key = key.header(name, joined((parts.headers)(), name).as_deref());
    }
    for name in &rules.cookie {
        key = key.cookie(name, cookie((parts.headers)(), name));
    }
    if rules.country {
        key = key.country(parts.country);
    }
    let Some(chosen) = parts.chosen else {
        return key;
    };
    for part in &chosen.key_parts {
        key = key.made_out(&part.filter, &part.value);
    }
    if let Some(elsewhere) = &chosen.elsewhere {
        return key.origin(&elsewhere.base());
    }
    let origin = chosen
        .origin
        .as_ref()
        .and_then(|choice| choice.key.as_deref());
    match origin {
        Some(name) if parts.origin != Some(name) => key.origin(name),
        _ => key,
    }
}

/// `example.com` and `example.com:443` are one host over https.
fn without_default_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(port).unwrap_or(host)
}

/// All values of a field as one list, as RFC 9110 §5.3 has it.
fn joined<'h>(headers: &'h HeaderMap, name: &str) -> Option<std::borrow::Cow<'h, str>> {
    let mut values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next()?;
    Some(values.fold(first, |mut list, value| {
        list.to_mut().push_str(", ");
        list.to_mut().push_str(&value);
        list
    }))
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let pairs = values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(rules: &KeyRules, host: &str, query: Option<&str>, fields: &[(&str, &str)]) -> Key {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(
                name.parse::<header::HeaderName>().unwrap(),
                value.parse().unwrap(),
            );
        }
        key(
            rules,
            &Parts {
                scheme: "https",
                host,
                path: "/a",
                query,
                headers: &|| &headers,
                country: Some("DE"),
                chosen: None,
                origin: None,
            },
        )
    }

    #[test]
    fn what_the_rules_leave_out_makes_no_difference() {
        let rules = KeyRules::default();
        let one = made(
            &rules,
            "a.example",
            Some("x=1"),
            &[("cookie", "session=1"), ("accept-language", "de")],
        );
        assert_eq!(one, made(&rules, "A.example:443", Some("x=1"), &[]));
        assert_ne!(one, made(&rules, "a.example", Some("x=2"), &[]));
        assert_ne!(one, made(&rules, "a.example:8443", Some("x=1"), &[]));
    }

    #[test]
    fn what_the_rules_name_makes_a_difference() {
        let rules = KeyRules {
            query: QueryRule::Only(vec!["page".into()]),
            header: vec!["accept-language".into()],
            cookie: vec!["currency".into()],
            country: false,
        };
        let base = made(
            &rules,
            "a",
            Some("utm=1&page=2"),
            &[("cookie", "x=1; currency=EUR")],
        );
        assert_eq!(
            base,
            made(
                &rules,
                "a",
                Some("page=2"),
                &[("cookie", "currency=EUR; x=2")]
            )
        );
        assert_ne!(
            base,
            made(&rules, "a", Some("page=3"), &[("cookie", "currency=EUR")])
        );
        assert_ne!(
            base,
            made(&rules, "a", Some("page=2"), &[("cookie", "currency=USD")])
        );
        assert_ne!(
            base,
            made(
                &rules,
                "a",
                Some("page=2"),
                &[("cookie", "currency=EUR"), ("accept-language", "")]
            )
        );
    }
}
