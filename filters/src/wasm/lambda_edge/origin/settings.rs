//! Hosts that are granted.

use std::borrow::Cow;

use rimward_config::HostPattern;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A host that may be asked, such as `api.example.com`, `*.s3.amazonaws.com` or `api.example.com:8443`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostGrant {
    host: HostPattern,
    /// Without one, that of the protocol.
    port: Option<u16>,
}

impl HostGrant {
    /// Whether a request may go there.
    pub(in crate::wasm) fn covers(&self, host: &str, port: u16, tls: bool) -> bool {
        let usual = if tls { 443 } else { 80 };
        self.host.matches(host) && port == self.port.unwrap_or(usual)
    }
}

impl TryFrom<String> for HostGrant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') && !text.contains("://") => {
                let port = port.parse().ok().filter(|port| *port != 0);
                let port = port.ok_or_else(|| {
                    format!("`{text}` does not end in a port: write one from 1 to 65535")
                })?;
                (host, Some(port))
            }
            _ => (text.as_str(), None),
        };
        match host.parse::<HostPattern>().map_err(|error| error.to_string())? {
            HostPattern::Default => Err(
                "`*` would let a handler ask every host there is, those behind the edge included: name the hosts"
                    .to_owned(),
            ),
            host => Ok(Self { host, port }),
        }
    }
}

impl JsonSchema for HostGrant {
    fn schema_name() -> Cow<'static, str> {
        "HostGrant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "host", "pattern": "^(\\*\\.)?[^*\\s/]+(:[0-9]+)?$" })
    }
}
