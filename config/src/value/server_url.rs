//! Servers of an origin.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use super::{Text, ValueError, text_value};
use crate::config::ServerAddress;

/// A server of an origin as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    pub(crate) address: ServerAddress,
    pub(crate) tls: bool,
}

impl Text for ServerUrl {
    const EXPECTING: &'static str = "a server such as `10.0.0.11:8080` or `https://app.internal`";
    const PATTERN: &'static str = "^((https?|srv\\+https?)://)?[^/\\s]+$|^unix:\\S+$";
}

text_value!(ServerUrl);

impl FromStr for ServerUrl {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(ValueError::new(
                    "`unix:` has no path: write `unix:/run/app.sock`",
                )),
                path => Ok(Self {
                    address: ServerAddress::Unix(PathBuf::from(path)),
                    tls: false,
                }),
            };
        }
        let (scheme, authority) = text.split_once("://").unwrap_or(("http", text));
        let tls = match scheme {
            "http" | "srv+http" => false,
            "https" | "srv+https" => true,
            _ => {
                return Err(ValueError::new(format!(
                    "`{scheme}://` in `{text}` is not a scheme of a server: `http://`, `https://`, `srv+http://`, `srv+https://` or `unix:`"
                )));
            }
        };
        let host = plain_authority(text, authority)?;
        let address = match scheme.starts_with("srv+") {
            true => srv_name(text, host)?,
            false => host_and_port(text, host, if tls { 443 } else { 80 })?,
        };
        Ok(Self { address, tls })
    }
}

/// What remains of an authority without a slash; refuses a path and credentials.
fn plain_authority<'a>(text: &str, authority: &'a str) -> Result<&'a str, ValueError> {
    let (host, path) =
        authority.split_at(authority.find(['/', '?', '#']).unwrap_or(authority.len()));
    if !matches!(path, "" | "/") {
        let right = text.strip_suffix(path).unwrap_or(text);
        return Err(ValueError::new(format!(
            "`{text}` has a path, which a server can't: write `{right}`; the filter `rewrite` changes paths"
        )));
    }
    if host.contains('@') {
        return Err(ValueError::new(
            "a server can't have credentials: leave out what stands before the `@`",
        ));
    }
    if host.is_empty() {
        return Err(ValueError::new(format!(
            "`{text}` has no host: expected {}",
            ServerUrl::EXPECTING
        )));
    }
    Ok(host)
}

fn srv_name(text: &str, name: &str) -> Result<ServerAddress, ValueError> {
    if name.contains(':') {
        return Err(ValueError::new(format!(
            "`{text}` has a port, but the SRV record tells the ports: leave it out"
        )));
    }
    let mut labels = name.split('.');
    let is_service =
        |label: Option<&str>| label.is_some_and(|label| label.len() > 1 && label.starts_with('_'));
    if !is_service(labels.next()) || !is_service(labels.next()) || !is_name(name) {
        return Err(ValueError::new(format!(
            "`{name}` is not the name of an SRV record: expected one such as `_http._tcp.app.internal`"
        )));
    }
    Ok(ServerAddress::Srv(name.to_ascii_lowercase()))
}

fn host_and_port(text: &str, host: &str, default_port: u16) -> Result<ServerAddress, ValueError> {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return non_zero(text, address.port()).map(|_| ServerAddress::Ip(address));
    }
    let without_brackets = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if let Some(address) = without_brackets.and_then(|host| host.parse::<Ipv6Addr>().ok()) {
        return Ok(ServerAddress::Ip(SocketAddr::new(
            address.into(),
            default_port,
        )));
    }
    match host.parse::<IpAddr>() {
        Ok(address @ IpAddr::V4(_)) => {
            return Ok(ServerAddress::Ip(SocketAddr::new(address, default_port)));
        }
        Ok(address @ IpAddr::V6(_)) => {
            return Err(ValueError::new(format!(
                "`{host}` needs brackets: write `[{address}]:{default_port}`"
            )));
        }
        Err(_) => {}
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, port_number(text, port)?),
        None => (host, default_port),
    };
    match is_name(name) {
        true => Ok(ServerAddress::Name(name.to_ascii_lowercase(), port)),
        false => Err(ValueError::new(format!(
            "`{name}` in `{text}` is neither an address nor a host's name"
        ))),
    }
}

fn port_number(text: &str, port: &str) -> Result<u16, ValueError> {
    let number = port
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| port.parse().ok())
        .flatten();
    match number {
        Some(number) => non_zero(text, number),
        None => Err(ValueError::new(format!(
            "`{port}` in `{text}` is not a port: a number from 1 to 65535"
        ))),
    }
}

fn non_zero(text: &str, port: u16) -> Result<u16, ValueError> {
    match port {
        0 => Err(ValueError::new(format!(
            "`0` in `{text}` is not a port: a number from 1 to 65535"
        ))),
        port => Ok(port),
    }
}

/// Whether a text may be asked of DNS. Digits and dots alone are a broken address.
pub(crate) fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    name.len() <= 253
        && name.split('.').all(is_label)
        && !name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether a text is a label of a host's name; underscores are found in the wild.
pub(crate) fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.tls { "s" } else { "" };
        match &self.address {
            ServerAddress::Ip(address) => write!(f, "http{s}://{address}"),
            ServerAddress::Name(name, port) => write!(f, "http{s}://{name}:{port}"),
            ServerAddress::Srv(name) => write!(f, "srv+http{s}://{name}"),
            ServerAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        for (text, read) in [
            ("10.0.0.11:8080", "http://10.0.0.11:8080"),
            ("10.0.0.11", "http://10.0.0.11:80"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("[::1]", "http://[::1]:80"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]:443"),
            ("https://V2.shop.internal", "https://v2.shop.internal:443"),
            ("https://v2.shop.internal/", "https://v2.shop.internal:443"),
            ("http://app:3000", "http://app:3000"),
            ("my_app", "http://my_app:80"),
            ("app.internal.", "http://app.internal.:80"),
            (
                "srv+https://_http._tcp.App.internal",
                "srv+https://_http._tcp.app.internal",
            ),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
            ("unix:///run/app.sock", "unix:/run/app.sock"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), read);
        }
    }

    #[test]
    fn what_is_no_server_is_told() {
        for (text, message) in [
            ("", "`` has no host"),
            ("https://", "`https://` has no host"),
            (
                "ftp://a",
                "`ftp://` in `ftp://a` is not a scheme of a server",
            ),
            (
                "http://a/b",
                "`http://a/b` has a path, which a server can't: write `http://a`",
            ),
            (
                "10.0.0.1:8080/x?y",
                "`10.0.0.1:8080/x?y` has a path, which a server can't: write `10.0.0.1:8080`",
            ),
            ("a?b", "`a?b` has a path"),
            ("http://me:pw@a", "a server can't have credentials"),
            ("::1", "`::1` needs brackets: write `[::1]:80`"),
            (
                "https://2001:db8::1",
                "`2001:db8::1` needs brackets: write `[2001:db8::1]:443`",
            ),
            ("a:b", "`b` in `a:b` is not a port"),
            ("a:70000", "`70000` in `a:70000` is not a port"),
            ("a:+80", "`+80` in `a:+80` is not a port"),
            ("a:0", "`0` in `a:0` is not a port"),
            ("10.0.0.1:0", "`0` in `10.0.0.1:0` is not a port"),
            (
                "10.0.0.256",
                "`10.0.0.256` in `10.0.0.256` is neither an address nor a host's name",
            ),
            ("a b", "`a b` in `a b` is neither"),
            (
                "srv+http://app.internal",
                "`app.internal` is not the name of an SRV record",
            ),
            (
                "srv+http://_http._tcp.a:80",
                "`srv+http://_http._tcp.a:80` has a port",
            ),
            ("unix:", "`unix:` has no path"),
        ] {
            let error = text.parse::<ServerUrl>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }
}
