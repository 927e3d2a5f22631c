//! What a request needs beside its path for a route to take it.

use http::{HeaderMap, Method};
use rimward_config::Conditions;

/// What conditions look at.
pub struct Asked<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request's header fields, asked for only if a route wants to know.
    pub headers: &'a dyn Fn() -> &'a HeaderMap,
    /// The query without its question mark.
    pub query: Option<&'a str>,
    /// Locates the client, asked only if a route wants to know.
    pub country: &'a dyn Fn() -> Option<[u8; 2]>,
}

/// [`Conditions`], ready to be tried.
pub(super) struct When {
    methods: Vec<Method>,
    headers: Vec<(String, Option<String>)>,
    query: Vec<(String, Option<String>)>,
    countries: Vec<[u8; 2]>,
}

impl When {
    pub(super) fn new(conditions: &Conditions) -> Self {
        let methods = conditions
            .methods
            .iter()
            .filter_map(|name| Method::from_bytes(name.as_bytes()).ok());
        let countries = conditions
            .countries
            .iter()
            .filter_map(|code| code.as_bytes().try_into().ok());
        Self {
            methods: methods.collect(),
            headers: conditions.headers.clone(),
            query: conditions.query.clone(),
            countries: countries.collect(),
        }
    }

    pub(super) fn count(&self) -> usize {
        let lists = usize::from(!self.methods.is_empty()) + usize::from(!self.countries.is_empty());
        lists + self.headers.len() + self.query.len()
    }

    pub(super) fn holds(&self, asked: &Asked<'_>) -> bool {
        (self.methods.is_empty() || self.methods.contains(asked.method))
            && self
                .headers
                .iter()
                .all(|(name, value)| has_header((asked.headers)(), name, value.as_deref()))
            && self
                .query
                .iter()
                .all(|(name, value)| has_parameter(asked.query, name, value.as_deref()))
            && (self.countries.is_empty()
                || (asked.country)().is_some_and(|code| self.countries.contains(&code)))
    }
}

fn has_header(headers: &HeaderMap, name: &str, value: Option<&str>) -> bool {
    let mut values = headers.get_all(name).iter();
    match value {
        None => values.next().is_some(),
        Some(value) => values.any(|found| found.as_bytes() == value.as_bytes()),
    }
}

fn has_parameter(query: Option<&str>, name: &str, value: Option<&str>) -> bool {
    query.unwrap_or("").split('&').any(|pair| {
        let (key, found) = pair.split_once('=').unwrap_or((pair, ""));
        key == name && value.is_none_or(|value| value == found)
    })
}
