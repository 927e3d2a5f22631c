//! Signing in and out: the way to the provider and back.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use blake2::Blake2s256;
use blake2::digest::Digest;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use openidconnect::{PostLogoutRedirectUrl, RedirectUrl};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::Oidc;
use super::provider::Unsaid;
use super::session::Session;
use crate::exchange::{Exchange, Scheme};
use crate::filter::{Answer, FilterError, Flow};

/// How long a user may take to sign in.
const PATIENCE: Duration = Duration::from_secs(600);
/// A longer target is not come back to.
const MAX_TARGET: usize = 1024;

/// What is remembered of a sign-in that is on its way.
#[derive(Serialize, Deserialize)]
struct SignIn {
    state: String,
    nonce: String,
    verifier: String,
    /// Path and query of the page that was wanted.
    to: String,
    until: i64,
}

impl Oidc {
    /// What somebody gets who is not signed in.
    pub(super) async fn ask_to_sign_in(
        &self,
        exchange: &mut Exchange,
    ) -> Result<Flow, FilterError> {
        match is_navigation(exchange) {
            true => self.begin(exchange).await,
            false => self.unauthorized(exchange),
        }
    }

    /// What a request gets that no page is shown for.
    pub(super) fn unauthorized(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        exchange.outcomes.push(self.tallies.refused.clone());
        Ok(Answer::refuse(401)?
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie"))?
            .flow())
    }

    async fn begin(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let begun = self.provider.begin(self.redirect(exchange)?).await?;
        let target = exchange.request.uri.path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let id = id_of(&begun.state);
        let sign_in = SignIn {
            state: begun.state,
            nonce: begun.nonce,
            verifier: begun.verifier,
            to: if target.len() > MAX_TARGET {
                "/"
            } else {
                target
            }
            .to_owned(),
            until: (self.clock)().saturating_add_unsigned(PATIENCE.as_secs()),
        };
        let sealed = self.sealer.seal(&self.purposes.sign_in, json(&sign_in)?)?;
        let scheme = exchange.client.scheme;
        let cookie = self.jar.keep_sign_in(scheme, &id, &sealed, PATIENCE)?;
        exchange.outcomes.push(self.tallies.sent.clone());
        sent_to(302, &begun.url, vec![cookie])
    }

    /// Takes a user who comes back from the provider.
    pub(super) async fn come_back(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let state = parameter(exchange, "state").unwrap_or_default();
        let id = id_of(&state);
        match self.session_of(exchange, &state, &id).await {
            Ok((session, to)) => {
                let scheme = exchange.client.scheme;
                let mut cookies = self.session_cookies(scheme, &session)?;
                cookies.push(self.jar.keep_sign_in(scheme, &id, "", Duration::ZERO)?);
                exchange.outcomes.push(self.tallies.signed_in.clone());
                exchange
                    .log
                    .push(("user".into(), session.subject().to_owned()));
                // With the host before it no path can lead to another one.
                sent_to(303, &format!("{}{to}", self.base(exchange)), cookies)
            }
            Err(Unsaid::Refused(why)) => {
                exchange.outcomes.push(self.tallies.refused.clone());
                exchange.log.push(("sign_in".into(), why));
                Ok(Answer::refuse(403)?.flow())
            }
            Err(Unsaid::Fault(error)) => Err(error),
        }
    }

    /// The session of a user who comes back, and the page that was wanted.
    async fn session_of(
        &self,
        exchange: &Exchange,
        state: &str,
        id: &str,
    ) -> Result<(Session, String), Unsaid> {
        let refused = |why: &str| Unsaid::Refused(why.to_owned());
        let sealed = self.jar.sign_in(exchange, id);
        let opened = sealed.and_then(|sealed| self.sealer.open(&self.purposes.sign_in, sealed));
        let sign_in = opened.and_then(|opened| serde_json::from_slice::<SignIn>(&opened).ok());
        let sign_in = sign_in.ok_or_else(|| refused("no sign-in has begun"))?;
        let now = (self.clock)();
        if verify_slices_are_equal(state.as_bytes(), sign_in.state.as_bytes()).is_err() {
            return Err(refused("another sign-in has begun"));
        }
        if now >= sign_in.until {
            return Err(refused("the sign-in took too long"));
        }
        if !self
            .used
            .entry_by_ref(&sign_in.state)
            .or_insert(())
            .is_fresh()
        {
            return Err(refused("the sign-in is over"));
        }
        // RFC 9207: another provider's answer is none of ours.
        if parameter(exchange, "iss")
            .is_some_and(|issuer| issuer != **self.provider.discovery.issuer)
        {
            return Err(refused("another provider answered"));
        }
        let Some(code) = parameter(exchange, "code") else {
            let error = parameter(exchange, "error").unwrap_or_default();
            let error: String = error
                .chars()
                .filter(|c| c.is_ascii_graphic())
                .take(64)
                .collect();
            return Err(refused(&format!("the provider says `{error}`")));
        };
        let redirect = self.redirect(exchange)?;
        let SignIn {
            verifier,
            nonce,
            to,
            ..
        } = sign_in;
        let told = self
            .provider
            .exchange(redirect, code, verifier, nonce)
            .await?;
        Ok((Session::begin(told, &self.kept, self.ttl, now), to))
    }

    /// Forgets the user here, and sends the browser where the provider does so too.
    pub(super) async fn sign_out(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let then = match self.after_logout.starts_with('/') {
            true => format!("{}{}", self.base(exchange), self.after_logout),
            false => self.after_logout.clone(),
        };
        let at_provider = match PostLogoutRedirectUrl::new(then.clone()) {
            Ok(then) => self.provider.sign_out(then).await,
            Err(_) => None,
        };
        exchange.outcomes.push(self.tallies.signed_out.clone());
        let cookies = self.jar.remove_session(exchange.client.scheme)?;
        sent_to(303, &at_provider.unwrap_or(then), cookies)
    }

    /// The cookies that keep a session until it ends.
    pub(super) fn session_cookies(
        &self,
        scheme: Scheme,
        session: &Session,
    ) -> Result<Vec<HeaderValue>, FilterError> {
        let left = session.ends.saturating_sub((self.clock)());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        let sealed = self.sealer.seal(&self.purposes.session, json(session)?)?;
        self.jar.keep_session(scheme, &sealed, left)
    }

    /// Where the provider sends browsers back to.
    fn redirect(&self, exchange: &Exchange) -> Result<RedirectUrl, FilterError> {
        let url = format!("{}{}", self.base(exchange), self.callback);
        RedirectUrl::new(url).map_err(|_| FilterError::new("the request's host makes no URL"))
    }

    /// Scheme and host of the site, as clients know it.
    fn base(&self, exchange: &Exchange) -> String {
        match &self.base_url {
            Some(base) => base.clone(),
            None => {
                let host = exchange.header("host").unwrap_or_default();
                format!("{}://{host}", exchange.client.scheme.as_str())
            }
        }
    }
}

/// Whether a browser asks for a page to show.
pub(super) fn is_navigation(exchange: &Exchange) -> bool {
    if exchange.request.method != http::Method::GET {
        return false;
    }
    match exchange.header("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => {
            let accept = exchange.header("accept");
            accept.is_some_and(|accept| accept.contains("text/html"))
        }
    }
}

fn sent_to(status: u16, url: &str, cookies: Vec<HeaderValue>) -> Result<Flow, FilterError> {
    let mut answer = Answer::new(status)?
        .header(LOCATION, url)?
        .header(CACHE_CONTROL, "no-store")?;
    for cookie in cookies {
        let appended = answer.head.append_header(SET_COOKIE, cookie);
        appended.map_err(|error| FilterError::new(format!("a cookie can't be set: {error}")))?;
    }
    Ok(answer.flow())
}

/// What the cookie of a sign-in is told by from those of others, such as of another tab.
fn id_of(state: &str) -> String {
    let digest = Blake2s256::digest(state.as_bytes());
    let bytes = digest.iter().take(4);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// A parameter of the query, decoded.
fn parameter(exchange: &Exchange, name: &str) -> Option<String> {
    let value = exchange.query_param(name)?.replace('+', " ");
    let decoded = percent_decode_str(&value).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, FilterError> {
    serde_json::to_vec(value).map_err(|_| FilterError::new("a cookie can't be written"))
}
