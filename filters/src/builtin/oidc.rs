//! Lets in who has signed in at an OpenID provider (authorization code with PKCE).
//!
//! Who is signed in is kept in the browser alone, in cookies that only edges with the same secret can read. So a request of
//! somebody who is signed in is let in at once; the provider is asked in [`Filter::request_later`].

mod asking;
mod claims;
mod cookies;
mod discovery;
mod provider;
mod seal;
mod session;
mod settings;
mod signing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use blake2::Blake2s256;
use blake2::digest::Digest;
use http::HeaderName;
use http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use moka::sync::Cache;
use pingora_http::ResponseHeader;
use rimward_config::PathPattern;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::claims::{ClaimPath, Required};
use self::cookies::Jar;
use self::provider::{Provider, Unsaid};
use self::seal::Sealer;
use self::session::{Kept, Session, Standing};
use self::settings::Settings;
use crate::apart::key_of;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::paths;
use crate::secrets::Secrets;
use crate::settings::FieldName;

/// How many sign-ins that are over are remembered, so that none is used twice.
const MAX_USED: u64 = 100_000;
/// How many sessions that were renewed are remembered for a minute, so that of a page's many requests one asks.
const MAX_RENEWED: u64 = 10_000;

/// Lets in who has signed in at an OpenID provider.
pub(crate) struct Oidc {
    name: Arc<str>,
    provider: Provider,
    sealer: Sealer,
    purposes: Purposes,
    jar: Jar,
    kept: Kept,
    callback: String,
    logout: String,
    after_logout: String,
    base_url: Option<String>,
    public: Vec<PathPattern>,
    require: BTreeMap<ClaimPath, Required>,
    headers: Box<[(HeaderName, ClaimPath)]>,
    share_cache: bool,
    ttl: Duration,
    used: Cache<String, ()>,
    renewed: Cache<[u8; 32], Arc<OnceCell<Option<Session>>>>,
    clock: fn() -> i64,
    tallies: Tallied,
}

/// What cookies are sealed for: a session of other settings is none.
struct Purposes {
    session: String,
    sign_in: String,
}

struct Tallied {
    admitted: Arc<dyn Tally>,
    refused: Arc<dyn Tally>,
    sent: Arc<dyn Tally>,
    signed_in: Arc<dyn Tally>,
    signed_out: Arc<dyn Tally>,
    renewed: Arc<dyn Tally>,
}

impl Configured for Oidc {
    const NAME: &'static str = "oidc";
    const SUMMARY: &'static str = "Lets in who has signed in at an OpenID provider.";
    const EXAMPLE: &'static str = r#"use = "oidc"
issuer = "https://id.example.com/realms/staff"
client_id = "shop"
client_secret_file = "client.secret"
cookie_secret_file = "cookies.secret"
public = ["/assets/*", "/healthz"]
require = { groups = ["staff", "admin"] }
headers = { x-user = "preferred_username", x-groups = "groups" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        settings.check()?;
        let secrets = Secrets::read(builder, "cookie_secret_file", &settings.cookie_secret_file)?;
        let named = settings.headers.values().chain(settings.require.keys());
        let kept: Vec<_> = named.cloned().collect();
        let about = format!("{:?} {:?} {kept:?}", settings.issuer, settings.client_id);
        Ok(Self {
            name: builder.name.into(),
            after_logout: settings.after_logout()?,
            base_url: settings.base_url()?,
            provider: settings.provider(builder)?,
            sealer: Sealer::new(&secrets)?,
            purposes: Purposes {
                session: format!("session {about}"),
                sign_in: format!("sign-in {about}"),
            },
            jar: Jar::new(settings.cookie.0),
            kept: Kept(kept),
            callback: settings.callback.0,
            logout: settings.logout.0,
            public: settings.public,
            require: settings.require,
            headers: settings
                .headers
                .into_iter()
                .map(|(FieldName(name), claim)| (name, claim))
                .collect(),
            share_cache: settings.share_cache,
            ttl: settings.session_ttl.0,
            used: remembering(MAX_USED, Duration::from_secs(700)),
            renewed: remembering(MAX_RENEWED, Duration::from_secs(60)),
            clock: unix_now,
            tallies: Tallied {
                admitted: builder.tally("admitted"),
                refused: builder.tally("refused"),
                sent: builder.tally("sent to sign in"),
                signed_in: builder.tally("signed in"),
                signed_out: builder.tally("signed out"),
                renewed: builder.tally("renewed"),
            },
        })
    }
}

fn remembering<K, V>(most: u64, time: Duration) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(most)
        .time_to_live(time)
        .build()
}

#[async_trait]
impl Filter for Oidc {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and(Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn status(&self) -> Option<Value> {
        let (known, fault) = self.provider.discovery.status();
        Some(json!({
            "issuer": self.provider.discovery.issuer.as_str(),
            "known_for_seconds": known.map(|known| known.as_secs()),
            "fault": fault,
        }))
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let path = exchange.path();
        if path == self.callback || path == self.logout {
            return Ok(Flow::Later);
        }
        if paths::any_is_for(&self.public, path) {
            self.take_out(exchange);
            return Ok(Flow::Continue);
        }
        match self.session(exchange) {
            Some((session, Standing::Fresh)) => self.admit(exchange, &session),
            Some((_, Standing::RanOut)) => Ok(Flow::Later),
            _ if signing::is_navigation(exchange) => Ok(Flow::Later),
            _ => self.unauthorized(exchange),
        }
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if exchange.path() == self.callback {
            return self.come_back(exchange).await;
        }
        if exchange.path() == self.logout {
            return self.sign_out(exchange).await;
        }
        match self.session(exchange) {
            Some((session, Standing::Fresh)) => self.admit(exchange, &session),
            Some((session, Standing::RanOut)) => match self.renew(&session).await? {
                Some(session) => {
                    exchange.outcomes.push(self.tallies.renewed.clone());
                    let cookies = self.session_cookies(exchange.client.scheme, &session)?;
                    exchange
                        .notes
                        .get_or_insert_default::<Fresh>()
                        .note(&self.name, cookies);
                    self.admit(exchange, &session)
                }
                None => self.ask_to_sign_in(exchange).await,
            },
            _ => self.ask_to_sign_in(exchange).await,
        }
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let fresh = exchange.notes.get::<Fresh>();
        if let Some(cookies) = fresh.and_then(|fresh| fresh.of(&self.name)) {
            let failed = |error| FilterError::new(format!("a cookie can't be set: {error}"));
            for cookie in cookies {
                response
                    .append_header(SET_COOKIE, cookie.clone())
                    .map_err(failed)?;
            }
            // Nobody on the way to the client is to store a session.
            let no_store = HeaderValue::from_static("no-store");
            response
                .insert_header(CACHE_CONTROL, no_store)
                .map_err(failed)?;
        }
        Ok(Body::Untouched)
    }
}

impl Oidc {
    /// Who is signed in, and how the session stands; nothing for one that is over.
    fn session(&self, exchange: &Exchange) -> Option<(Session, Standing)> {
        let sealed = self.jar.session(exchange)?;
        let opened = self.sealer.open(&self.purposes.session, &sealed)?;
        let session: Session = serde_json::from_slice(&opened).ok()?;
        match session.standing((self.clock)()) {
            Standing::Ended => None,
            standing => Some((session, standing)),
        }
    }

    /// The session as the provider has it now; `None` when it does not vouch for the user any more. Of those who come with
    /// the same session, one asks.
    async fn renew(&self, session: &Session) -> Result<Option<Session>, FilterError> {
        let token = session.refresh_token.as_deref().unwrap_or_default();
        let digest: [u8; 32] = Blake2s256::digest(token.as_bytes()).into();
        let cell = self.renewed.get_with(digest, Arc::default);
        let renewed = cell.get_or_try_init(|| async {
            let now = (self.clock)();
            match self.provider.refresh(token).await {
                Ok(told) => Ok(session.renewed(told, &self.kept, now)),
                Err(Unsaid::Refused(_)) => Ok(None),
                Err(Unsaid::Fault(error)) => Err(error),
            }
        });
        renewed.await.cloned()
    }

    fn admit(&self, exchange: &mut Exchange, session: &Session) -> Result<Flow, FilterError> {
        exchange
            .log
            .push(("user".into(), session.subject().to_owned()));
        if let Some(claim) = claims::unmet(&self.require, &session.claims) {
            exchange.outcomes.push(self.tallies.refused.clone());
            exchange.log.push(("unmet_claim".into(), claim.to_owned()));
            return Ok(Answer::refuse(403)?.flow());
        }
        self.take_out(exchange);
        let fields = self.headers.iter().filter_map(|(name, claim)| {
            let value = claims::header_value(claim.find(&session.claims));
            value.map(|value| (name.clone(), value))
        });
        let fields: Vec<_> = fields.collect();
        if !self.share_cache && !self.headers.is_empty() {
            exchange.chosen.distinguish(&self.name, key_of(&fields));
        }
        for (name, value) in fields {
            let told = exchange.request.insert_header(name, value);
            told.map_err(|error| FilterError::new(format!("a claim can't be told: {error}")))?;
        }
        exchange.outcomes.push(self.tallies.admitted.clone());
        Ok(Flow::Continue)
    }

    /// Takes out what is for this filter, and what only this filter may say.
    fn take_out(&self, exchange: &mut Exchange) {
        self.jar.take_out(exchange);
        for (name, _) in &self.headers {
            exchange.request.remove_header(name);
        }
    }
}

/// Notes the cookies of sessions that were renewed, each by the filter's name.
#[derive(Clone, Default)]
struct Fresh(Vec<(Arc<str>, Vec<HeaderValue>)>);

impl Fresh {
    fn of(&self, filter: &Arc<str>) -> Option<&Vec<HeaderValue>> {
        let mut found = self.0.iter().filter(|(name, _)| name == filter);
        found.next().map(|(_, cookies)| cookies)
    }

    fn note(&mut self, filter: &Arc<str>, cookies: Vec<HeaderValue>) {
        self.0.retain(|(name, _)| name != filter);
        self.0.push((filter.clone(), cookies));
    }
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
