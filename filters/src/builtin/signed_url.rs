//! Lets in who has a signed link: signed by our own form, or made for CloudFront.

mod cloudfront;
mod own;
mod settings;

use std::sync::Arc;

use self::cloudfront::CloudFront;
use self::own::Own;
pub use self::own::{Signed, Terms, UrlSigner};
use self::settings::Settings;
use crate::credentials::retain_cookies;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::target::retain_query;

/// Lets in who has a signed link.
pub(crate) struct SignedUrl {
    own: Option<Own>,
    cloudfront: Option<CloudFront>,
    /// What is counted for each refusal, in their order.
    tallies: [Arc<dyn Tally>; 4],
    clock: fn() -> u64,
}

/// Why a link lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It is not signed.
    Missing,
    /// Nobody whom we know signed this.
    Invalid,
    /// Its time is over.
    Expired,
    /// It is for another address, another URL or a later time.
    Elsewhere,
}

impl Refusal {
    const ALL: [Self; 4] = [Self::Missing, Self::Invalid, Self::Expired, Self::Elsewhere];

    fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl Configured for SignedUrl {
    const NAME: &'static str = "signed_url";
    const SUMMARY: &'static str =
        "Lets in who has a signed link or cookie: of our own form, or made for CloudFront.";
    const EXAMPLE: &'static str = r#"use = "signed_url"
file = "links.keys"
cookie = "media"
cloudfront = { keys = { K2JCJMDEHXQW5F = "cloudfront.pem" } }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let own = Own::new(&settings, builder)?;
        let cloudfront = settings
            .cloudfront
            .map(|settings| CloudFront::new(settings, builder))
            .transpose()?;
        if own.is_none() && cloudfront.is_none() {
            let message = "there is no key: give a `file`, `keys` or `cloudfront`";
            return Err(BuildError::at("", message));
        }
        Ok(Self {
            own,
            cloudfront,
            tallies: Refusal::ALL.map(|refusal| builder.tally(refusal.word())),
            clock: jsonwebtoken::get_current_timestamp,
        })
    }
}

impl Filter for SignedUrl {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        match self.judge(exchange) {
            Ok(key) => {
                exchange.log.push(("signed_by".into(), key));
                self.strip(exchange)?;
                Ok(Flow::Continue)
            }
            Err(refusal) => {
                exchange
                    .log
                    .push(("signed_url".into(), refusal.word().to_owned()));
                exchange
                    .outcomes
                    .extend(self.tallies.get(refusal as usize).cloned());
                Ok(Answer::refuse(403)?.flow())
            }
        }
    }
}

impl SignedUrl {
    /// The key that signed this, once it was found good. A link counts before a cookie, and ours before CloudFront's; what
    /// is there and wrong is not made good by another.
    fn judge(&self, exchange: &Exchange) -> Result<String, Refusal> {
        let now = (self.clock)();
        let (own, cloudfront) = (self.own.as_ref(), self.cloudfront.as_ref());
        let told = own.and_then(|own| own.by_query(exchange, now));
        let told = told.or_else(|| cloudfront?.by_query(exchange, now));
        let told = told.or_else(|| own?.by_cookie(exchange, now));
        let told = told.or_else(|| cloudfront?.by_cookies(exchange, now));
        told.unwrap_or(Err(Refusal::Missing))
    }

    /// Takes all of a signature away, so that it is part of no cache key and no origin sees it.
    fn strip(&self, exchange: &mut Exchange) -> Result<(), FilterError> {
        let is_ours = |name: &str| self.own.as_ref().is_some_and(|own| own.is_parameter(name));
        let has_cloudfront = self.cloudfront.is_some();
        retain_query(exchange, |name| {
            !(is_ours(name) || has_cloudfront && cloudfront::is_parameter(name))
        })?;
        let is_our_cookie = |name: &str| self.own.as_ref().is_some_and(|own| own.is_cookie(name));
        retain_cookies(exchange, |name| {
            !(is_our_cookie(name) || has_cloudfront && cloudfront::is_cookie(name))
        })
    }
}

/// Sets `slot` to a parameter's value; that of a parameter which stands there twice is nobody's.
fn once<'a>(slot: &mut Option<&'a str>, value: &'a str) -> Result<(), Refusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::Invalid),
    }
}

#[cfg(test)]
mod tests;
