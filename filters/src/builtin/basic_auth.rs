//! Asks for a name and a password (RFC 7617).
//!
//! A password's hash takes tens of milliseconds by design. It is computed off the workers, a few at a time, and a
//! pair that was right is remembered, so that only the first request of a client pays.

mod users;
mod verified;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use self::users::Users;
use self::verified::Verified;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};

/// Asks for a name and a password.
pub(crate) struct BasicAuth {
    users: Users,
    challenge: HeaderValue,
    forward: bool,
    verified: &'static Verified,
    desk: &'static Desk,
}

/// Settings of `basic_auth`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// A file with a line `name:hash` for each user, as `htpasswd -B` writes it. Hashes are bcrypt (`$2y$`, `$2b$`) or
    /// Argon2id (`$argon2id$`). It is read with the configuration.

    #[schemars(title = "file")]
    users: PathBuf,
    /// What the browser tells the user that the password is for.
    #[serde(default = "restricted")]
    realm: String,
    /// Whether the origin gets the `Authorization` header. Without it responses are cached as if nobody had logged in.
    #[serde(default)]
    forward: bool,
}

fn restricted() -> String {
    "restricted".to_owned()
}

impl Configured for BasicAuth {
    const NAME: &'static str = "basic_auth";
    const SUMMARY: &'static str = "Asks for a name and a password, and lets in who is in a file.";
    const EXAMPLE: &'static str = r#"use = "basic_auth"
users = "users.htpasswd"
realm = "staging"
"#;
    type Settings = Settings;

    fn new(
        Settings {
            users,
            realm,
            forward,
        }: Settings,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        let text = builder.read("users", &users)?;
        let users = Users::parse(&text).map_err(|message| {
            BuildError::at("users", format!("`{}`, {message}", users.display()))
        })?;
        let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
        let challenge =
            HeaderValue::from_str(&format!("Basic realm=\"{quoted}\", charset=\"UTF-8\""))
                .map_err(|_| BuildError::at("realm", "control characters can't be in a header"))?;
        Ok(Self {
            users,
            challenge,
            forward,
            verified: &VERIFIED,
            desk: &DESK,
        })
    }
}

#[async_trait]
impl Filter for BasicAuth {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let Some(credentials) = Credentials::of(exchange) else {
            return self.ask();
        };
        match self.users.get(&credentials.name) {
            Some(hash) if self.verified.knows(&credentials, hash) => {
                self.admit(exchange, credentials)
            }
            _ => Ok(Flow::Later),
        }
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let Some(credentials) = Credentials::of(exchange) else {
            return self.ask();
        };
        let known = self.users.get(&credentials.name).cloned();
        // Nobody is to learn from the time it takes whether a name is known.
        let hash = known.clone().unwrap_or_else(|| self.users.costliest());
        let Some(seat) = self.desk.seat().await else {
            return busy();
        };
        if known.is_some() && self.verified.knows(&credentials, &hash) {
            return self.admit(exchange, credentials);
        }
        let work = tokio::task::spawn_blocking(move || {
            let is_right = hash.verify(&credentials.password);
            drop(seat);
            (is_right, hash, credentials)
        });
        let (is_right, hash, credentials) = work
            .await
            .map_err(|_| FilterError::new("the password could not be verified"))?;
        if is_right && known.is_some() {
            self.verified.remember(&credentials, &hash);
            return self.admit(exchange, credentials);
        }
        self.ask()
    }
}

impl BasicAuth {
    fn ask(&self) -> Result<Flow, FilterError> {
        Ok(Answer::refuse(401)?
            .header(WWW_AUTHENTICATE, self.challenge.clone())?
            .flow())
    }

    fn admit(
        &self,
        exchange: &mut Exchange,
        credentials: Credentials,
    ) -> Result<Flow, FilterError> {
        exchange.log.push(("user".into(), credentials.name));
        if !self.forward {
            exchange.request.remove_header(&AUTHORIZATION);
        }
        Ok(Flow::Continue)
    }
}

fn busy() -> Result<Flow, FilterError> {
    Ok(Answer::refuse(503)?
        .header(RETRY_AFTER, HeaderValue::from_static("1"))?
        .flow())
}

/// What a client says it is.
struct Credentials {
    name: String,
    password: Vec<u8>,
}

impl Credentials {
    /// Longer headers than of two kilobytes hold no password that anybody has.
    const MAX: usize = 2048;

    /// What the request carries. Two `Authorization` headers are as good as none: which one counts is anybody's guess.
    fn of(exchange: &Exchange) -> Option<Self> {
        let mut values = exchange.request.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (scheme, token) = value
            .to_str()
            .ok()
            .filter(|text| text.len() <= Self::MAX)?
            .split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let mut name = STANDARD.decode(token.trim()).ok()?;
        let colon = name.iter().position(|&byte| byte == b':')?;
        let password = name.split_off(colon).split_off(1);
        let name = String::from_utf8(name)
            .ok()
            .filter(|name| !name.contains(char::is_control))?;
        Some(Self { name, password })
    }
}

/// What was verified is known to every filter and outlives a reload: what it is found by holds the hash itself.
static VERIFIED: LazyLock<Verified> = LazyLock::new(Verified::new);
static DESK: LazyLock<Desk> = LazyLock::new(Desk::new);

/// Where passwords are verified: half the cores at a time and a short queue before it, for the whole process.
struct Desk {
    seats: Arc<Semaphore>,
    queue: Semaphore,
}

impl Desk {
    const QUEUE: usize = 128;
    const PATIENCE: Duration = Duration::from_secs(10);

    fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            seats: Arc::new(Semaphore::new((cores / 2).max(1))),
            queue: Semaphore::new(Self::QUEUE),
        }
    }

    /// A seat, as soon as one is free; `None` when too many wait or it takes too long.
    async fn seat(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let _place = self.queue.try_acquire().ok()?;
        tokio::time::timeout(Self::PATIENCE, self.seats.clone().acquire_owned())
            .await
            .ok()?
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, build_in, exchange, refused, values};

    /// bcrypt of `secret` at the least cost.
    fn users() -> String {
        format!("# staff\n\nann:{}\n", bcrypt::hash("secret", 4).unwrap())
    }

    fn filter(more: &str) -> BasicAuth {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("users"), users()).unwrap();
        build_in(folder.path(), &format!("users = \"users\"\n{more}")).unwrap()
    }

    fn with(credentials: &str) -> Exchange {
        let header = format!("Basic {}", STANDARD.encode(credentials));
        exchange("GET", "/", &[("authorization", &header)])
    }

    /// The status that a request gets, 0 if it is let in, and whether a hash was computed.
    async fn outcome(filter: &BasicAuth, exchange: &mut Exchange) -> (u16, bool) {
        let status = |flow: Flow| match flow {
            Flow::Answer(answer) => answer.head.status.as_u16(),
            _ => 0,
        };
        match filter.request(exchange).unwrap() {
            Flow::Later => (status(filter.request_later(exchange).await.unwrap()), true),
            flow => (status(flow), false),
        }
    }

    #[tokio::test]
    async fn who_knows_the_password_is_let_in_and_remembered() {
        let filter = filter("");
        for hashed in [true, false] {
            let mut exchange = with("ann:secret");
            assert_eq!(outcome(&filter, &mut exchange).await, (0, hashed));
            assert_eq!(exchange.log, [("user".into(), "ann".to_owned())]);
            assert_eq!(exchange.header("authorization"), None);
        }
    }

    #[tokio::test]
    async fn nobody_else_is_let_in_at_the_price_of_a_hash() {
        let filter = filter("");
        assert_eq!(outcome(&filter, &mut with("ann:secret")).await, (0, true));
        for credentials in ["ann:wrong", "bob:secret", "ann:", ":secret", "Ann:secret"] {
            let mut exchange = with(credentials);
            assert_eq!(
                outcome(&filter, &mut exchange).await,
                (401, true),
                "{credentials}"
            );
            assert!(exchange.log.is_empty());
        }
    }

    #[test]
    fn what_is_no_password_is_asked_for_one() {
        let filter = filter(r#"realm = "the \"shop\"""#);
        let long = format!(
            "Basic {}",
            STANDARD.encode("a:".to_owned() + &"b".repeat(4000))
        );
        for header in [
            "",
            "Basic",
            "Basic !",
            "Basic YQ==",
            "Bearer YTpi",
            "Basic YQpiOmM=",
            &long,
        ] {
            let answer = answer(
                &filter,
                &mut exchange("GET", "/", &[("authorization", header)]),
            )
            .unwrap();
            assert_eq!(answer.head.status.as_u16(), 401, "{header}");
            assert_eq!(
                values(&answer.head, "www-authenticate"),
                [r#"Basic realm="the \"shop\"", charset="UTF-8""#]
            );
        }
        let mut twice = with("ann:secret");
        twice
            .request
            .append_header("authorization", "Basic YTpi")
            .unwrap();
        assert!(answer(&filter, &mut twice).is_some());
    }

    #[tokio::test]
    async fn the_origin_gets_the_password_when_told_so() {
        let mut exchange = with("ann:secret");
        assert_eq!(outcome(&filter("forward = true"), &mut exchange).await.0, 0);
        assert!(exchange.header("authorization").is_some());
    }

    #[tokio::test]
    async fn too_many_at_the_desk_are_sent_away() {
        let full: &'static Desk = Box::leak(Box::new(Desk {
            seats: Arc::new(Semaphore::new(1)),
            queue: Semaphore::new(0),
        }));
        let filter = BasicAuth {
            desk: full,
            ..filter("")
        };
        assert_eq!(outcome(&filter, &mut with("ann:other")).await, (503, true));
    }

    #[test]
    fn a_missing_file_is_told() {
        refused::<BasicAuth>(
            "users = \"no-such-file\"",
            "users: `./no-such-file` can't be read",
        );
    }
}
