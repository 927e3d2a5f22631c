//! The parameters of an admin request.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The parameters of a query, decoded.
pub(super) struct Query<'q>(Vec<(&'q str, Cow<'q, str>)>);

impl<'q> Query<'q> {
    /// Reads them.
    ///
    /// # Errors
    /// With the name of one that is not among those that are known.
    pub(super) fn parse(query: &'q str, known: &[&str]) -> Result<Self, &'q str> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name, percent_decode_str(value).decode_utf8_lossy())
        });
        let parameters: Vec<_> = parameters.collect();
        match parameters.iter().find(|(name, _)| !known.contains(name)) {
            Some((name, _)) => Err(name),
            None => Ok(Self(parameters)),
        }
    }

    /// The value of one, unless that is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| *other == name);
        found
            .map(|(_, value)| &**value)
            .filter(|value| !value.is_empty())
    }
}
