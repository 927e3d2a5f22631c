//! Changes to the query.

use std::borrow::Cow;

use percent_encoding::utf8_percent_encode;

use super::QuerySettings;
use crate::exchange::Exchange;
use crate::filter::BuildError;
use crate::parameters::{Names, name_of};
use crate::target::push_query;
use crate::template::{NOT_UNRESERVED, Place, Template};

/// What becomes of the query.
pub(super) struct QueryChange {
    replace: Option<Template>,
    remove: Names,
    set: Vec<(String, Template)>,
}

impl QueryChange {
    pub(super) fn new(
        QuerySettings {
            replace,
            remove,
            set,
        }: QuerySettings,
    ) -> Result<Self, BuildError> {
        if replace.is_none() && remove.is_empty() && set.is_empty() {
            return Err(BuildError::at(
                "query",
                "nothing is changed: give `replace`, `remove` or `set`",
            ));
        }
        let set: Vec<_> = set.into_iter().collect();
        let mut remove: Names = remove.into_iter().collect();
        remove.extend(set.iter().map(|(name, _)| name));
        Ok(Self {
            replace,
            remove,
            set,
        })
    }

    pub(super) fn apply(&self, exchange: &Exchange) -> String {
        let old = match &self.replace {
            Some(template) => template.render(exchange, Place::Uri),
            None => Cow::Borrowed(exchange.query().unwrap_or("")),
        };
        let mut query = String::with_capacity(old.len() + 16);
        let stays = |pair: &&str| {
            let name = name_of(pair);
            !pair.is_empty() && !self.remove.have(&name)
        };
        for pair in old.split('&').filter(stays) {
            separate(&mut query);
            push_query(pair, &mut query);
        }
        for (name, value) in &self.set {
            separate(&mut query);
            query.extend(utf8_percent_encode(name, NOT_UNRESERVED));
            query.push('=');
            let value = match value.literal() {
                Some(text) => Cow::Borrowed(text),
                None => value.render(exchange, Place::Text),
            };
            query.extend(utf8_percent_encode(&value, NOT_UNRESERVED));
        }
        query
    }
}

fn separate(query: &mut String) {
    if !query.is_empty() {
        query.push('&');
    }
}
