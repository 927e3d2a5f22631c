//! What filters that rewrite bodies have in common: which bodies they take, and in which phase.

use std::path::Path;
use std::sync::Arc;

use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use pingora_http::ResponseHeader;
use rimward_config::MediaPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Phase, Phases};
use crate::outside::Tally;
use crate::template::{Template, Variable};

/// The phase in which a body is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline, title = "phase")]
pub(crate) enum RewritePhase {
    /// Once, on its way into the cache.
    #[default]
    OriginResponse,
    /// Each time, on its way to the client.
    Response,
}

impl From<RewritePhase> for Phases {
    fn from(phase: RewritePhase) -> Self {
        Self::only(match phase {
            RewritePhase::OriginResponse => Phase::OriginResponse,
            RewritePhase::Response => Phase::Response,
        })
    }
}

/// The bodies that a filter rewrites: of these types, whole, and not encoded.
pub(crate) struct Rewritable {
    types: Vec<MediaPattern>,
    encoded: Arc<dyn Tally>,
}

impl Rewritable {
    /// Bodies of these types. Those that are encoded are counted as `encoded`.
    pub(crate) fn new(types: Vec<MediaPattern>, builder: &Builder<'_>) -> Self {
        Self {
            types,
            encoded: builder.tally("encoded"),
        }
    }

    /// Whether the body of this response is one of them. An origin is asked for bodies as they are; one that encodes
    /// them all the same has them passed on untouched.
    pub(crate) fn takes(&self, exchange: &mut Exchange, response: &ResponseHeader) -> bool {
        let kind = response.headers.get(CONTENT_TYPE);
        let is_of_type =
            kind.is_some_and(|kind| self.types.iter().any(|one| one.matches(kind.as_bytes())));
        let is_part = response.status == StatusCode::PARTIAL_CONTENT
            || response.headers.contains_key(CONTENT_RANGE);
        if !is_of_type || is_part {
            return false;
        }
        if is_encoded(response) {
            exchange.outcomes.push(self.encoded.clone());
            return false;
        }
        true
    }
}

fn is_encoded(response: &ResponseHeader) -> bool {
    let lines = response.headers.get_all(CONTENT_ENCODING).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

/// The media type that a file's name tells.
pub(crate) fn media_type_of(file: &Path) -> String {
    match mime_guess::from_path(file).first_or_octet_stream() {
        mime if mime.type_() == "text" => format!("{mime}; charset=utf-8"),
        mime => mime.to_string(),
    }
}

/// A stored body is for all who ask for the same: its variables have to be the same for all of them.
pub(crate) fn refuse_personal(key: &str, template: &Template) -> Result<(), BuildError> {
    let is_shared = |variable: &&Variable| {
        matches!(
            variable,
            Variable::Scheme
                | Variable::Host
                | Variable::Path
                | Variable::Site
                | Variable::Route
                | Variable::Param(_)
        )
    };
    match template.variables().find(|variable| !is_shared(variable)) {
        Some(variable) => Err(BuildError::at(
            key,
            format!(
                "`{{{variable}}}` may differ among clients who get the same stored body: set \
                 `phase = \"response\"`, or use scheme, host, path, param.NAME, site or route"
            ),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::exchange;

    #[test]
    fn whole_bodies_of_the_types_are_taken_unless_they_are_encoded() {
        let types = ["text/*", "application/json"].map(|kind| kind.parse().unwrap());
        let bodies = Rewritable::new(types.into(), &Builder::new(Path::new("."), "test"));
        for (status, fields, taken, counted) in [
            (
                200,
                &[("content-type", "text/html; charset=utf-8")][..],
                true,
                0,
            ),
            (404, &[("content-type", "Application/JSON")], true, 0),
            (200, &[("content-type", "image/png")], false, 0),
            (200, &[], false, 0),
            (206, &[("content-type", "text/css")], false, 0),
            (
                200,
                &[
                    ("content-type", "text/css"),
                    ("content-encoding", "identity"),
                ],
                true,
                0,
            ),
            (
                200,
                &[("content-type", "text/css"), ("content-encoding", "gzip")],
                false,
                1,
            ),
        ] {
            let mut head = ResponseHeader::build(status, None).unwrap();
            for (name, value) in fields {
                head.insert_header(*name, *value).unwrap();
            }
            let mut exchange = exchange("GET", "/", &[]);
            assert_eq!(
                bodies.takes(&mut exchange, &head),
                taken,
                "{status} {fields:?}"
            );
            assert_eq!(exchange.outcomes.len(), counted, "{status} {fields:?}");
        }
    }

    #[test]
    fn what_is_stored_has_no_variable_of_one_client() {
        for (template, refused) in [
            ("https://{host}{path}", None),
            ("{param.id} {site} {route} {scheme}", None),
            ("{host} {header.x}", Some("`{header.x}` may differ")),
            ("{client_ip}", Some("`{client_ip}` may differ")),
            ("{query}", Some("`{query}` may differ")),
        ] {
            let told = refuse_personal("replace", &template.parse().unwrap());
            let told = told.err().map(|error| error.message);
            let is_right = match (&told, refused) {
                (Some(told), Some(refused)) => told.contains(refused),
                (None, None) => true,
                _ => false,
            };
            assert!(is_right, "{template}: {told:?}");
        }
    }
}
