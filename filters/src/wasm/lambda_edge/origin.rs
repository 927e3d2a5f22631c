//! The origin of a request as a handler sees it, and another that it wants.
//!
//! An origin object that names a server of an origin of the configuration means that origin, so that its pool, health checks and
//! TLS stay. Anything else has to be granted.

mod described;
mod known;
mod members;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use rimward_config::OriginId;
use serde_json::{Map, Value};

use super::event::{Event, is_disallowed, is_no_custom_header};
use super::fault::Fault;
use super::headers::{Edit, Fields};
use crate::chosen::OriginChoice;
use described::{Custom, S3};

pub(super) use described::Described;
pub(super) use known::KnownOrigins;
pub use settings::HostGrant;

/// What a handler may reach.
pub(super) struct Reach<'a> {
    pub(super) known: &'a KnownOrigins,
    /// The origins that may be chosen; `None` for all.
    pub(super) origins: Option<&'a [OriginId]>,
    pub(super) hosts: &'a [HostGrant],
    /// The origin that the request would go to.
    pub(super) current: Option<OriginId>,
}

/// Where a handler sends a request.
#[derive(Debug)]
pub(super) struct NewOrigin {
    pub(super) to: To,
    /// What comes before the path: empty, or a path without a slash at its end.
    pub(super) path: String,
    /// The origin object's own headers.
    pub(super) headers: Vec<Edit>,
}

#[derive(Debug, Default)]
pub(super) enum To {
    /// Where it would go anyway.
    #[default]
    Current,
    /// Another origin of the configuration.
    Named(Arc<OriginChoice>),
    /// A host that is granted, and the origin object that names it.
    Host(Place, Described),
}

/// A host that no origin of the configuration stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) timeout: Duration,
}

impl NewOrigin {
    pub(super) fn take_to(&mut self) -> To {
        std::mem::take(&mut self.to)
    }
}

impl Reach<'_> {
    /// The origin that a returned request is for; `None` if nothing about it changed.
    pub(super) fn chosen(
        &self,
        seen: Option<&Described>,
        returned: &Map<String, Value>,
        headers: &Fields,
    ) -> Result<Option<NewOrigin>, Fault> {
        let written = match returned.get("origin") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(written)) => written,
            Some(_) => return Err(Fault::invalid("`origin` is not an object")),
        };
        let wanted = match (written.get("custom"), written.get("s3")) {
            (Some(custom), None) => Described::Custom(Custom::read(custom, seen)?),
            (None, Some(s3)) => Described::S3(S3::read(s3, seen)?),
            (Some(_), Some(_)) => {
                return Err(Fault::invalid(
                    "`origin` has both `custom` and `s3`: it can be one of them",
                ));
            }
            (None, None) => {
                return Err(Fault::invalid("`origin` has neither `custom` nor `s3`"));
            }
        };
        if seen == Some(&wanted) {
            return Ok(None);
        }
        let (to, before) = self.place(seen, &wanted)?;
        Ok(Some(NewOrigin {
            to,
            path: rest_of_path(wanted.path(), before)?,
            headers: custom_headers(wanted.custom_headers(), headers)?,
        }))
    }

    /// Where that is, and the path that requests get there anyway.
    fn place<'k>(
        &'k self,
        seen: Option<&'k Described>,
        wanted: &Described,
    ) -> Result<(To, &'k str), Fault> {
        if let Some(seen) = seen.filter(|seen| seen.is_same_place(wanted)) {
            return Ok((To::Current, seen.path()));
        }
        if let Some(id) = self.known.find(wanted, self.current) {
            let may = self.origins.is_none_or(|origins| origins.contains(&id));
            return match self.known.get(id) {
                _ if !may => Err(Fault::invalid(format!(
                    "the handler chose `{}`, which is the origin `{}`: `grants.origins` does not name it",
                    wanted.domain(),
                    self.known.name(id)
                ))),
                Some((described, choice)) => Ok((self.to(id, choice), described.path())),
                None => Ok((To::Current, "")),
            };
        }
        let place = wanted.elsewhere()?;
        match self
            .hosts
            .iter()
            .any(|grant| grant.covers(&place.host, place.port, place.tls))
        {
            true => Ok((To::Host(place, wanted.clone()), "")),
            false => Err(Fault::invalid(format!(
                "the handler chose `{}` as the origin: no origin has this server, and `grants.hosts` does not name it",
                wanted.domain()
            ))),
        }
    }

    fn to(&self, id: OriginId, choice: &Arc<OriginChoice>) -> To {
        match self.current == Some(id) {
            true => To::Current,
            false => To::Named(choice.clone()),
        }
    }
}

/// What a path has beyond that which requests get there anyway.
fn rest_of_path(wanted: &str, before: &str) -> Result<String, Fault> {
    if wanted.is_empty() {
        return Ok(String::new());
    }
    match wanted.strip_prefix(before) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(rest.to_owned()),
        _ => Err(Fault::invalid(format!(
            "the path of the chosen origin is not below `{before}`, which its configuration says"
        ))),
    }
}

fn custom_headers(custom: &Fields, request: &Fields) -> Result<Vec<Edit>, Fault> {
    for name in custom.names() {
        may_be_custom(name)?;
        if request.has(name) {
            return Err(Fault::invalid(format!(
                "the header `{name}` stands both in `headers` and in `customHeaders`"
            )));
        }
    }
    Fields::default().changes(custom, Event::OriginRequest)
}

fn may_be_custom(name: &HeaderName) -> Result<(), Fault> {
    match is_disallowed(name.as_str()) || is_no_custom_header(name.as_str()) {
        true => Err(Fault::invalid(format!(
            "the header `{name}` can't be one of `customHeaders`"
        ))),
        false => Ok(()),
    }
}
