//! What is known of a user who is signed in, as it is kept in the browser.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::claims::{ClaimPath, Claims};
use super::provider::Told;

/// A user who is signed in. Times are seconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Session {
    /// Those claims that are asked for.
    pub(super) claims: Claims,
    /// When the user has to be asked again.
    pub(super) ends: i64,
    /// When the provider has to be asked again, if there is something to ask it with.
    fresh_until: i64,
    pub(super) refresh_token: Option<String>,
}

/// How a session stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Fresh,
    /// The provider has to be asked.
    RanOut,
    Ended,
}

/// Which claims are kept: the subject, and what settings name.
pub(super) struct Kept(pub(super) Vec<ClaimPath>);

impl Kept {
    fn of(&self, claims: &Claims) -> Claims {
        let subject = claims.get_key_value("sub");
        let subject = subject.map(|(name, value)| (name.clone(), value.clone()));
        let named = self.0.iter().filter_map(|path| path.kept(claims));
        named.chain(subject).collect()
    }
}

impl Session {
    /// The session of a user who has signed in now.
    pub(super) fn begin(told: Told, kept: &Kept, ttl: Duration, now: i64) -> Self {
        let claims = told.claims.as_ref().map(|claims| kept.of(claims));
        Self {
            claims: claims.unwrap_or_default(),
            ends: now.saturating_add(seconds(ttl)),
            fresh_until: fresh_until(told.expires_in, now),
            refresh_token: told.refresh_token,
        }
    }

    /// The same after the provider was asked again; `None` when it speaks of somebody else.
    pub(super) fn renewed(&self, told: Told, kept: &Kept, now: i64) -> Option<Self> {
        let claims = match &told.claims {
            Some(claims) if claims.get("sub") != self.claims.get("sub") => return None,
            Some(claims) => kept.of(claims),
            None => self.claims.clone(),
        };
        Some(Self {
            claims,
            ends: self.ends,
            fresh_until: fresh_until(told.expires_in, now),
            refresh_token: told.refresh_token.or_else(|| self.refresh_token.clone()),
        })
    }

    pub(super) fn standing(&self, now: i64) -> Standing {
        if now >= self.ends {
            return Standing::Ended;
        }
        match self.refresh_token.is_some() && now >= self.fresh_until {
            true => Standing::RanOut,
            false => Standing::Fresh,
        }
    }

    /// Whom the provider speaks of.
    pub(super) fn subject(&self) -> &str {
        let subject = self.claims.get("sub").and_then(|subject| subject.as_str());
        subject.unwrap_or_default()
    }
}

/// A provider that names no time is asked again after five minutes.
fn fresh_until(expires_in: Option<Duration>, now: i64) -> i64 {
    let time = expires_in.unwrap_or(Duration::from_secs(300));
    now.saturating_add(seconds(time))
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(claims: serde_json::Value, refresh_token: Option<&str>) -> Told {
        Told {
            claims: claims.as_object().cloned(),
            expires_in: Some(Duration::from_secs(60)),
            refresh_token: refresh_token.map(str::to_owned),
        }
    }

    fn kept() -> Kept {
        Kept(vec!["email".to_owned().try_into().unwrap()])
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_session_runs_out_and_ends() {
        let claims = json!({ "sub": "7", "email": "a@b.example", "more": 1 });
        let with = Session::begin(told(claims.clone(), Some("r")), &kept(), HOUR, 1_000);
        assert_eq!(
            json!(with.claims),
            json!({ "sub": "7", "email": "a@b.example" })
        );
        let without = Session::begin(told(claims, None), &kept(), HOUR, 1_000);
        for (now, expected, expected_without) in [
            (1_059, Standing::Fresh, Standing::Fresh),
            (1_060, Standing::RanOut, Standing::Fresh),
            (4_599, Standing::RanOut, Standing::Fresh),
            (4_600, Standing::Ended, Standing::Ended),
        ] {
            assert_eq!(with.standing(now), expected, "{now}");
            assert_eq!(without.standing(now), expected_without, "{now}");
        }
    }

    #[test]
    fn a_renewed_session_is_of_the_same_user_and_ends_when_it_did() {
        let session = Session::begin(told(json!({ "sub": "7" }), Some("r")), &kept(), HOUR, 1_000);
        let same = session
            .renewed(told(json!(null), None), &kept(), 2_000)
            .unwrap();
        assert_eq!((same.subject(), same.ends), ("7", 4_600));
        assert_eq!(same.refresh_token.as_deref(), Some("r"));
        assert_eq!(same.standing(2_059), Standing::Fresh);
        let other = told(json!({ "sub": "8" }), None);
        assert!(session.renewed(other, &kept(), 2_000).is_none());
    }
}
