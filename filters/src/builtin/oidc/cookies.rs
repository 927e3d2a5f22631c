//! The cookies: how they are named, cut into pieces, read and taken out of requests.

use std::time::Duration;

use http::HeaderValue;

use crate::cookies;
use crate::exchange::{Exchange, Scheme};
use crate::filter::FilterError;

/// Browsers keep cookies of up to 4096 bytes with their names and attributes.
const MAX_PIECE: usize = 3800;
const MAX_PIECES: usize = 4;
/// What browsers take only from the host itself, over `https` and for all paths.
const HOST: &str = "__Host-";

/// The cookies of one name: the pieces of a session, and one for each sign-in that is on its way.
pub(super) struct Jar {
    base: String,
}

impl Jar {
    pub(super) fn new(base: String) -> Self {
        Self { base }
    }

    /// The session, put together of its pieces. The first one tells how many there are.
    pub(super) fn session(&self, exchange: &Exchange) -> Option<String> {
        let scheme = exchange.client.scheme;
        let first = exchange.cookie(&self.name(scheme, ""))?;
        let (count, first) = first.split_once('.')?;
        let count = count
            .parse()
            .ok()
            .filter(|count| (1..=MAX_PIECES).contains(count))?;
        let mut session = first.to_owned();
        for index in 1..count {
            session.push_str(exchange.cookie(&self.piece(scheme, index))?);
        }
        Some(session)
    }

    /// The cookies that keep a session for so long.
    ///
    /// # Errors
    /// When it is too long.
    pub(super) fn keep_session(
        &self,
        scheme: Scheme,
        session: &str,
        time: Duration,
    ) -> Result<Vec<HeaderValue>, FilterError> {
        let count = session.len().div_ceil(MAX_PIECE).max(1);
        if count > MAX_PIECES {
            let message = format!(
                "a session of {} bytes does not fit into cookies: name fewer claims",
                session.len()
            );
            return Err(FilterError::new(message));
        }
        let pieces = session
            .as_bytes()
            .chunks(MAX_PIECE)
            .map(String::from_utf8_lossy);
        let pieces = pieces.enumerate().map(|(index, piece)| {
            let value = match index {
                0 => format!("{count}.{piece}"),
                _ => piece.into_owned(),
            };
            cookies::set(scheme, &self.piece(scheme, index), &value, time)
        });
        pieces.collect()
    }

    /// The cookies that remove a session.
    ///
    /// # Errors
    /// Never: the name was checked.
    pub(super) fn remove_session(&self, scheme: Scheme) -> Result<Vec<HeaderValue>, FilterError> {
        let pieces = (0..MAX_PIECES).map(|index| self.piece(scheme, index));
        pieces
            .map(|name| cookies::set(scheme, &name, "", Duration::ZERO))
            .collect()
    }

    /// What is remembered of a sign-in.
    pub(super) fn sign_in<'e>(&self, exchange: &'e Exchange, id: &str) -> Option<&'e str> {
        exchange.cookie(&self.name(exchange.client.scheme, &format!("_signin_{id}")))
    }

    /// The cookie that remembers a sign-in for so long; no time removes it.
    ///
    /// # Errors
    /// Never: names and values have no characters that cookies can't have.
    pub(super) fn keep_sign_in(
        &self,
        scheme: Scheme,
        id: &str,
        value: &str,
        time: Duration,
    ) -> Result<HeaderValue, FilterError> {
        cookies::set(
            scheme,
            &self.name(scheme, &format!("_signin_{id}")),
            value,
            time,
        )
    }

    /// Takes all of these cookies out of a request.
    pub(super) fn take_out(&self, exchange: &mut Exchange) {
        cookies::take_out(exchange, |name| self.is_ours(name));
    }

    fn is_ours(&self, name: &[u8]) -> bool {
        let name = name.strip_prefix(HOST.as_bytes()).unwrap_or(name);
        let rest = name.strip_prefix(self.base.as_bytes());
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'_')))
    }

    fn piece(&self, scheme: Scheme, index: usize) -> String {
        match index {
            0 => self.name(scheme, ""),
            _ => self.name(scheme, &format!("_{index}")),
        }
    }

    fn name(&self, scheme: Scheme, end: &str) -> String {
        let prefix = match scheme {
            Scheme::Https => HOST,
            Scheme::Http => "",
        };
        format!("{prefix}{}{end}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::exchange;

    const HOUR: Duration = Duration::from_secs(3600);

    fn jar() -> Jar {
        Jar::new("s".to_owned())
    }

    /// The request of a browser that got these cookies.
    fn with(cookies: &[HeaderValue]) -> Exchange {
        let pairs = cookies.iter().map(|cookie| cookie.to_str().unwrap());
        let pairs = pairs.map(|cookie| cookie.split(';').next().unwrap());
        exchange(
            "GET",
            "/",
            &[("cookie", &pairs.collect::<Vec<_>>().join("; "))],
        )
    }

    #[test]
    fn a_session_is_cut_and_put_together() {
        for length in [1, 3800, 3801, 4 * 3800] {
            let session = "x".repeat(length);
            let cookies = jar().keep_session(Scheme::Https, &session, HOUR).unwrap();
            assert_eq!(cookies.len(), length.div_ceil(3800));
            assert!(cookies.iter().all(|cookie| cookie.len() < 4096));
            assert_eq!(jar().session(&with(&cookies)).unwrap(), session);
            if length > 3800 {
                assert_eq!(jar().session(&with(&cookies[..1])), None);
            }
        }
        let long = "x".repeat(4 * 3800 + 1);
        assert!(jar().keep_session(Scheme::Https, &long, HOUR).is_err());
    }

    #[test]
    fn cookies_are_for_the_host_alone() {
        let cookie = |scheme| jar().keep_session(scheme, "x", HOUR).unwrap().remove(0);
        assert_eq!(
            cookie(Scheme::Https),
            "__Host-s=1.x; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            cookie(Scheme::Http),
            "s=1.x; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"
        );
        // A cookie that any page of the domain could have set is none over https.
        assert_eq!(
            jar().session(&exchange("GET", "/", &[("cookie", "s=1.x")])),
            None
        );
    }

    #[test]
    fn what_is_no_session_is_none() {
        for value in ["", "1", "x", "0.x", "5.x", "2.x", "-1.x"] {
            let cookie = format!("__Host-s={value}");
            assert_eq!(
                jar().session(&exchange("GET", "/", &[("cookie", &cookie)])),
                None,
                "{value}"
            );
        }
    }

    #[test]
    fn others_get_the_other_cookies() {
        for (sent, passed) in [
            ("a=1; b=2", Some("a=1; b=2")),
            ("a=1;__Host-s=1.x; b=2", Some("a=1; b=2")),
            ("s=1; __Host-s_1=y; s_signin_7=z", None),
            ("ss=1; S=2; s", Some("ss=1; S=2")),
            ("a=\u{e4}; s=1", Some("a=\u{e4}")),
        ] {
            let mut exchange = exchange("GET", "/", &[]);
            let value = HeaderValue::from_bytes(sent.as_bytes()).unwrap();
            exchange.request.append_header("cookie", value).unwrap();
            exchange.request.append_header("cookie", "s_3=q").unwrap();
            jar().take_out(&mut exchange);
            let left: Vec<_> = exchange.request.headers.get_all("cookie").iter().collect();
            let passed: Vec<_> = passed.iter().map(|passed| passed.as_bytes()).collect();
            assert_eq!(left, passed, "{sent}");
        }
    }
}
