//! Who may ask the admin interface for what.

use std::io;

use http::{HeaderMap, Method, StatusCode, header};
use rimward_config::Admin;
use subtle::ConstantTimeEq;

/// The least length of a token: 128 bits in hex or base64 are longer.
const MIN_TOKEN: usize = 16;

/// What is asked of a request before it is answered.
pub(super) struct Access {
    token: Option<Box<[u8]>>,
}

impl Access {
    /// Reads the token, if there is one.
    ///
    /// # Errors
    /// When the file can't be read or the token is too short.
    pub(super) fn new(settings: &Admin) -> io::Result<Self> {
        let Some(path) = &settings.token_file else {
            return Ok(Self { token: None });
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("token file `{}`: {error}", path.display()),
            )
        })?;
        let token = text.trim();
        if token.len() < MIN_TOKEN {
            let message = format!(
                "token in `{}` has less than {MIN_TOKEN} characters",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(Self {
            token: Some(token.as_bytes().into()),
        })
    }

    /// Whether a request may be answered.
    ///
    /// Without a token, a web page in a browser on this machine must not be able to ask: it can't forge `Host`
    /// (against DNS rebinding) nor leave out `Origin`.
    ///
    /// # Errors
    /// With the status of the refusal.
    pub(super) fn check(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<(), StatusCode> {
        let open = method == Method::GET && matches!(path, "/healthz" | "/readyz");
        if open {
            return Ok(());
        }
        match &self.token {
            Some(token) if bearer(headers).is_some_and(|told| told.ct_eq(token).into()) => Ok(()),
            Some(_) => Err(StatusCode::UNAUTHORIZED),
            None if !is_local(headers) => Err(StatusCode::MISDIRECTED_REQUEST),
            None if headers.contains_key(header::ORIGIN) => Err(StatusCode::FORBIDDEN),
            None => Ok(()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Whether `Host` is an address or `localhost`, which no name in DNS can stand for.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
    else {
        return true;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    host == "localhost"
        || name == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok()
        || host.parse::<std::net::SocketAddr>().is_ok()
        || name
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_local_clients_that_are_no_web_pages_may_ask_without_a_token() {
        let access = Access { token: None };
        for (fields, expected) in [
            (&[("host", "127.0.0.1:9900")][..], Ok(())),
            (&[("host", "[::1]:9900")], Ok(())),
            (&[("host", "localhost")], Ok(())),
            (&[("host", "localhost:9900")], Ok(())),
            (&[], Ok(())),
            (
                &[("host", "rebound.example")],
                Err(StatusCode::MISDIRECTED_REQUEST),
            ),
            (
                &[("host", "127.0.0.1"), ("origin", "http://evil.example")],
                Err(StatusCode::FORBIDDEN),
            ),
        ] {
            assert_eq!(
                access.check(&Method::POST, "/reload", &headers(fields)),
                expected,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn a_token_is_asked_of_everybody_but_for_health() {
        let access = Access {
            token: Some((*b"0123456789abcdef").into()),
        };
        for (path, fields, allowed) in [
            ("/metrics", &[][..], false),
            (
                "/metrics",
                &[("authorization", "Bearer 0123456789abcdeX")],
                false,
            ),
            (
                "/metrics",
                &[("authorization", "Bearer 0123456789abcdef")],
                true,
            ),
            (
                "/metrics",
                &[
                    ("authorization", "bearer 0123456789abcdef"),
                    ("host", "edge.example"),
                ],
                true,
            ),
            ("/metrics", &[("authorization", "é")], false),
            ("/healthz", &[], true),
        ] {
            assert_eq!(
                access.check(&Method::GET, path, &headers(fields)).is_ok(),
                allowed,
                "{path} {fields:?}"
            );
        }
    }
}
