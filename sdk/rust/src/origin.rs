//! Where a request goes.

use std::time::Duration;

use crate::host::types::{CustomOriginParam, CustomOriginResult, OriginParam, OriginResult};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An origin of the edge's configuration, with its servers and its health.
    Named(String),
    /// Anything else; the filter's grants say which hosts.
    Custom(CustomOrigin),
}

/// An origin that the configuration does not name.
///
/// ```no_run
/// # use rimward_filter::{CustomOrigin, Request, Result};
/// # fn example(request: &mut Request) -> Result<()> {
/// request.set_origin(CustomOrigin::https("images.example.com").path_prefix("/v2"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct CustomOrigin {
    host: String,
    port: u16,
    tls: bool,
    sni: Option<String>,
    path_prefix: String,
    connect_timeout_ms: Option<u32>,
    read_timeout_ms: Option<u32>,
    headers: Vec<(String, String)>,
}

impl CustomOrigin {
    /// At port 443, over TLS.
    pub fn https(host: &str) -> Self {
        Self::new(host, 443, true)
    }

    /// At port 80, in the clear.
    pub fn http(host: &str) -> Self {
        Self::new(host, 80, false)
    }

    fn new(host: &str, port: u16, tls: bool) -> Self {
        Self {
            host: host.to_owned(),
            port,
            tls,
            sni: None,
            path_prefix: String::new(),
            connect_timeout_ms: None,
            read_timeout_ms: None,
            headers: Vec::new(),
        }
    }

    /// At another port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whose certificate is for another name.
    pub fn sni(mut self, name: &str) -> Self {
        self.sni = Some(name.to_owned());
        self
    }

    /// Below this path.
    pub fn path_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.path_prefix);
        self
    }

    /// That has to take a connection within this time.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout_ms = Some(milliseconds(time));
        self
    }

    /// That has to send something within this time.
    pub fn read_timeout(mut self, time: Duration) -> Self {
        self.read_timeout_ms = Some(milliseconds(time));
        self
    }

    /// That gets this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

pub(crate) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

impl Origin {
    /// Lends it to a call, in the form that the edge takes.
    pub(crate) fn lend<R>(&self, call: impl FnOnce(OriginParam<'_>) -> R) -> R {
        let custom = match self {
            Self::Named(name) => return call(OriginParam::Named(name)),
            Self::Custom(custom) => custom,
        };
        let headers: Vec<_> = custom
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        call(OriginParam::Custom(CustomOriginParam {
            host: &custom.host,
            port: custom.port,
            tls: custom.tls,
            sni: custom.sni.as_deref(),
            path_prefix: &custom.path_prefix,
            connect_timeout_ms: custom.connect_timeout_ms,
            read_timeout_ms: custom.read_timeout_ms,
            headers: &headers,
        }))
    }
}

impl From<&str> for Origin {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

impl From<String> for Origin {
    fn from(name: String) -> Self {
        Self::Named(name)
    }
}

impl From<CustomOrigin> for Origin {
    fn from(custom: CustomOrigin) -> Self {
        Self::Custom(custom)
    }
}

impl From<OriginResult> for Origin {
    fn from(origin: OriginResult) -> Self {
        match origin {
            OriginResult::Named(name) => Self::Named(name),
            OriginResult::Custom(custom) => Self::Custom(custom.into()),
        }
    }
}

impl From<CustomOriginResult> for CustomOrigin {
    fn from(custom: CustomOriginResult) -> Self {
        Self {
            host: custom.host,
            port: custom.port,
            tls: custom.tls,
            sni: custom.sni,
            path_prefix: custom.path_prefix,
            connect_timeout_ms: custom.connect_timeout_ms,
            read_timeout_ms: custom.read_timeout_ms,
            headers: custom.headers,
        }
    }
}
