//! Addresses to listen on.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::{Text, ValueError, text_value};

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listening(pub(crate) SocketAddr);

impl Text for Listening {
    const EXPECTING: &'static str = "an address with a port such as `0.0.0.0:443` or `[::]:443`";
    const PATTERN: &'static str = "^([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):\\d{1,5}$";
}

text_value!(Listening);

impl FromStr for Listening {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if let Ok(address) = text.parse() {
            return Ok(Self(address));
        }
        let port = text.strip_prefix(':').unwrap_or(text);
        let right = if port.parse::<u16>().is_ok() {
            format!(
                "write `0.0.0.0:{port}` for every IPv4 address or `[::]:{port}` for every IPv6 address"
            )
        } else if let Some(port) = text.strip_prefix("localhost:") {
            format!("write `127.0.0.1:{port}`")
        } else if let Some(port) = text.strip_prefix("*:") {
            format!("write `0.0.0.0:{port}`")
        } else if let Ok(address) = text.parse::<IpAddr>() {
            format!(
                "it has no port: write one behind it, as in `{}`",
                SocketAddr::new(address, 80)
            )
        } else {
            "expected an IP address and a port, such as `0.0.0.0:443` or `[::]:443`".to_owned()
        };
        Err(ValueError::new(format!(
            "`{text}` is not an address to listen on: {right}"
        )))
    }
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_is_told_how_to_be_right() {
        for (text, right) in [
            (":80", "write `0.0.0.0:80`"),
            ("8080", "write `0.0.0.0:8080`"),
            ("localhost:80", "write `127.0.0.1:80`"),
            ("*:80", "write `0.0.0.0:80`"),
            (
                "127.0.0.1",
                "it has no port: write one behind it, as in `127.0.0.1:80`",
            ),
            (
                "::1",
                "it has no port: write one behind it, as in `[::1]:80`",
            ),
            ("example.com:80", "expected an IP address and a port"),
        ] {
            let error = text.parse::<Listening>().unwrap_err().to_string();
            assert!(error.contains(right), "{text}: {error}");
        }
    }
}
