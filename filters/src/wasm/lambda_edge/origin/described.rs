//! `custom` and `s3` of a request's `origin`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Place;
use super::members::{Members, is_domain};
use crate::wasm::lambda_edge::fault::Fault;
use crate::wasm::lambda_edge::headers::Fields;

/// An origin as events have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Described {
    /// A server.
    Custom(Custom),
    /// A bucket.
    S3(S3),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Custom {
    pub(super) domain_name: String,
    pub(super) port: u16,
    pub(super) protocol: Protocol,
    pub(super) path: String,
    pub(super) keepalive_timeout: u64,
    pub(super) read_timeout: u64,
    pub(super) ssl_protocols: Vec<String>,
    pub(super) custom_headers: Fields,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    Http,
    Https,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct S3 {
    pub(super) domain_name: String,
    pub(super) path: String,
    pub(super) region: String,
    pub(super) auth_method: &'static str,
    pub(super) custom_headers: Fields,
}

pub(super) const WITH_IDENTITY: &str = "origin-access-identity";
pub(super) const WITHOUT_IDENTITY: &str = "none";

impl Described {
    pub(super) fn domain(&self) -> &str {
        match self {
            Self::Custom(custom) => &custom.domain_name,
            Self::S3(s3) => &s3.domain_name,
        }
    }

    pub(super) fn path(&self) -> &str {
        match self {
            Self::Custom(custom) => &custom.path,
            Self::S3(s3) => &s3.path,
        }
    }

    pub(super) fn custom_headers(&self) -> &Fields {
        match self {
            Self::Custom(custom) => &custom.custom_headers,
            Self::S3(s3) => &s3.custom_headers,
        }
    }

    /// Whether both are asked at one address in one way.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Custom(one), Self::Custom(two)) => {
                one.domain_name.eq_ignore_ascii_case(&two.domain_name)
                    && one.port == two.port
                    && one.protocol == two.protocol
            }
            (Self::S3(one), Self::S3(two)) => one.domain_name == two.domain_name,
            _ => false,
        }
    }

    /// Where a request goes that no origin of the configuration is for.
    pub(super) fn elsewhere(&self) -> Result<Place, Fault> {
        match self {
            Self::Custom(custom) => Ok(Place {
                host: custom.domain_name.to_ascii_lowercase(),
                port: custom.port,
                tls: custom.protocol == Protocol::Https,
                timeout: Duration::from_secs(custom.read_timeout),
            }),
            Self::S3(s3) if s3.auth_method == WITHOUT_IDENTITY => Ok(Place {
                host: s3.domain_name.clone(),
                port: 443,
                tls: true,
                timeout: Duration::from_secs(30),
            }),
            Self::S3(s3) => Err(Fault::invalid(format!(
                "requests to the bucket `{}` have to be signed, for which an origin with `s3` is needed",
                s3.domain_name
            ))),
        }
    }
}

impl Custom {
    pub(super) fn read(value: &Value, seen: Option<&Described>) -> Result<Self, Fault> {
        let members = Members::of(value, "custom")?;
        let seen = match seen {
            Some(Described::Custom(seen)) => Some(seen),
            _ => None,
        };
        let custom = Self {
            domain_name: members.text("domainName")?.to_owned(),
            port: members.number("port")?,
            protocol: members.protocol()?,
            path: members.path(seen.map(|seen| &*seen.path))?,
            keepalive_timeout: members.number_or("keepaliveTimeout", 5)?,
            read_timeout: members.number_or("readTimeout", 30)?,
            ssl_protocols: members.ssl_protocols()?,
            custom_headers: members.custom_headers()?,
        };
        custom.keeps_the_rules(seen)?;
        Ok(custom)
    }

    /// What stays as it was need not keep them: it is the configuration's.
    fn keeps_the_rules(&self, seen: Option<&Self>) -> Result<(), Fault> {
        let wrong = |what: &str| Err(Fault::invalid(format!("`origin.custom`: {what}")));
        if seen.is_none_or(|seen| seen.domain_name != self.domain_name) {
            is_domain(&self.domain_name, 253).or_else(wrong)?;
        }
        if seen.is_none_or(|seen| seen.port != self.port) && !matches!(self.port, 80 | 443 | 1024..)
        {
            return wrong("`port` is neither 80, 443 nor one from 1024 to 65535");
        }
        if !(1..=120).contains(&self.keepalive_timeout) {
            return wrong("`keepaliveTimeout` is not a number of seconds from 1 to 120");
        }
        if !(4..=60).contains(&self.read_timeout) {
            return wrong("`readTimeout` is not a number of seconds from 4 to 60");
        }
        Ok(())
    }
}

impl S3 {
    pub(super) fn read(value: &Value, seen: Option<&Described>) -> Result<Self, Fault> {
        let members = Members::of(value, "s3")?;
        let seen = match seen {
            Some(Described::S3(seen)) => Some(seen),
            _ => None,
        };
        let auth_method = match members.optional("authMethod")? {
            None | Some("none") => WITHOUT_IDENTITY,
            Some("origin-access-identity") => WITH_IDENTITY,
            Some(_) => {
                return members
                    .wrong("`authMethod` is neither `origin-access-identity` nor `none`");
            }
        };
        let s3 = Self {
            domain_name: members.text("domainName")?.to_owned(),
            path: members.path(seen.map(|seen| &*seen.path))?,
            region: members.optional("region")?.unwrap_or("").to_owned(),
            auth_method,
            custom_headers: members.custom_headers()?,
        };
        if s3.auth_method == WITH_IDENTITY && s3.region.is_empty() {
            return members.wrong("`region` is needed with an `origin-access-identity`");
        }
        if seen.is_none_or(|seen| seen.domain_name != s3.domain_name) {
            is_domain(&s3.domain_name, 128).or_else(|what| members.wrong(what))?;
            if s3.domain_name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return members.wrong("`domainName` is not in lower case");
            }
        }
        Ok(s3)
    }
}
