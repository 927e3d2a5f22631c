//! Networks of clients.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::{Text, ValueError, text_value};

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(pub IpNet);

impl Text for Cidr {
    const EXPECTING: &'static str = "a network such as `10.0.0.0/8` or an address";
    const PATTERN: &'static str = "^[0-9A-Fa-f.:]+(/\\d{1,3})?$";
}

text_value!(Cidr);

impl FromStr for Cidr {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.into()));
        }
        let network: IpNet = text.parse().map_err(|_| {
            ValueError::new(format!("`{text}` is not a network: expected one such as `10.0.0.0/8` or `2001:db8::/32`, or an address"))
        })?;
        match network.trunc() {
            whole if whole == network => Ok(Self(network)),
            whole => Err(ValueError::new(format!(
                "`{text}` has bits behind its prefix: write `{whole}` or `{}`",
                network.addr()
            ))),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read() {
        for (text, network) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), network);
        }
        for (text, message) in [
            (
                "10.0.0.1/8",
                "`10.0.0.1/8` has bits behind its prefix: write `10.0.0.0/8` or `10.0.0.1`",
            ),
            (
                "10.0.0.0/33",
                "`10.0.0.0/33` is not a network: expected one such as `10.0.0.0/8` or `2001:db8::/32`, or an address",
            ),
        ] {
            assert_eq!(text.parse::<Cidr>().unwrap_err().to_string(), message);
        }
    }
}
