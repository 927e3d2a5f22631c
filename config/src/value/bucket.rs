//! Where a bucket is, and whose requests reach it.

use std::fmt;
use std::str::FromStr;

use super::{ServerUrl, Text, ValueError, text_value};
use crate::config::ServerAddress;

/// The address of a store that speaks the protocol of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(pub(crate) ServerUrl);

impl Text for Endpoint {
    const EXPECTING: &'static str = "an endpoint such as `https://s3.example.com`";
    const PATTERN: &'static str = "^https?://[^/\\s]+/?$";
}

text_value!(Endpoint);

impl FromStr for Endpoint {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (scheme, authority) = text.split_once("://").ok_or_else(|| {
            ValueError::new(format!(
                "`{text}` does not say whether it speaks TLS: write `https://{text}` or `http://{text}`"
            ))
        })?;
        if !matches!(scheme, "http" | "https") {
            return Err(ValueError::new(format!(
                "`{text}` is not an endpoint: it begins with `http://` or `https://`"
            )));
        }
        if let Some((host, path)) = authority
            .split_once('/')
            .filter(|(_, path)| !path.is_empty())
        {
            return Err(ValueError::new(format!(
                "`{text}` has the path `/{path}`, which an endpoint can't: write `{scheme}://{host}`, and the bucket as `bucket`"
            )));
        }
        let url = text.parse()?;
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Endpoint {
    /// What follows the scheme where it is needed: the host, and the port unless it is the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let own = if self.0.tls { 443 } else { 80 };
        match &self.0.address {
            ServerAddress::Name(name, port) if *port == own => name.clone(),
            ServerAddress::Name(name, port) => format!("{name}:{port}"),
            ServerAddress::Ip(address) if address.port() == own && address.is_ipv4() => {
                address.ip().to_string()
            }
            ServerAddress::Ip(address) if address.port() == own => format!("[{}]", address.ip()),
            ServerAddress::Ip(address) => address.to_string(),
            // No endpoint is either.
            ServerAddress::Srv(_) | ServerAddress::Unix(_) => String::new(),
        }
    }
}

/// Where keys come from, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeysFrom {
    /// The variables that Amazon's tools read.
    Env,
    /// There are none.
    Anonymous,
}

impl Text for KeysFrom {
    const EXPECTING: &'static str = "`env` or `anonymous`";
    const PATTERN: &'static str = "^(env|anonymous)$";
}

text_value!(KeysFrom);

impl FromStr for KeysFrom {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "env" => Ok(Self::Env),
            "anonymous" => Ok(Self::Anonymous),
            // What stands here may be a key by mistake, and is not repeated.
            _ => Err(ValueError::new(
                "credentials are `env`, `anonymous` or a table such as `{ file = \"/etc/rimward/aws\" }`",
            )),
        }
    }
}

impl fmt::Display for KeysFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Env => "env",
            Self::Anonymous => "anonymous",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_the_authority_that_a_host_field_has() {
        for (text, authority) in [
            ("https://S3.example.com", "s3.example.com"),
            ("https://s3.example.com:443/", "s3.example.com"),
            ("https://s3.example.com:8443", "s3.example.com:8443"),
            ("http://127.0.0.1:9000", "127.0.0.1:9000"),
            ("http://127.0.0.1", "127.0.0.1"),
            ("http://[::1]", "[::1]"),
            ("http://[::1]:9000", "[::1]:9000"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().authority(), authority);
        }
    }
}
