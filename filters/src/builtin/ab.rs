//! Experiments: some clients get one variant of a site, some another, and each stays with its own.

mod assignment;
mod force;
mod sticky;
mod variant;

use std::sync::Arc;

use http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use pingora_http::ResponseHeader;
use schemars::JsonSchema;
use serde::Deserialize;

use self::assignment::{Assignment, Buckets};
use self::force::{Force, ForceSettings};
use self::sticky::Sticky;
use self::variant::{Variant, VariantSettings};
use super::headers::refuse;
use crate::agents;
use crate::exchange::Exchange;
use crate::filter::{
    Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::settings::FieldName;
use crate::variants::Variants;

/// An experiment.
pub(crate) struct Ab {
    name: Arc<str>,
    assignment: Assignment,
    layer: Option<Arc<str>>,
    sticky: Sticky,
    variants: Vec<Variant>,
    /// Request headers that variants set: no client says them itself.
    told: Vec<HeaderName>,
    force: Option<Force>,
    exclude_bots: bool,
    header: Option<HeaderName>,
    private: bool,
    forced: Arc<dyn Tally>,
    none: Arc<dyn Tally>,
}

/// Settings of `ab`. A client's key is hashed together with `salt` into one of 10,000 buckets, the same at every POP and after every
/// restart. The variants share the buckets by their weights in the order of the list: where one grows, only the buckets at its edges
/// change hands, so put the one that grows last. Who takes no part gets the site as it is, from the same objects in the cache
/// as a variant that changes nothing. Several experiments are independent of each other, unless they are in one layer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What makes a client the same client: `{ cookie = "exp", ttl = "30d" }`, `{ header = "x-user-id" }`,
    /// `{ claim = "sub" }`, or `"client_ip"`, of which IPv6 counts by its /64. Experiments may share a cookie. Who hasn't the
    /// header or the claim takes no part.
    sticky: Sticky,
    /// The variants, in the order in which they share the buckets.
    variants: Vec<VariantSettings>,
    /// The share of clients that take part, such as `"50%"`. When it grows, whoever took part stays with their variant. In a layer
    /// it is the experiment's own part of it, such as `"20%-50%"`.
    #[schemars(title = "share")]
    traffic: Option<Buckets>,
    /// A name that experiments have in common of which a client takes part in at most one. Their `traffic` are parts of
    /// the layer that do not overlap; where they do, the first in the order of filters has the client.
    layer: Option<String>,
    /// What is hashed together with a client's key; the filter's name unless set. Another salt deals the clients out anew.
    salt: Option<String>,
    /// How those who test choose their variant: by its name in one of these, of which the first holds. Neither the cache nor the
    /// origin sees the parameter or the header.
    force: Option<ForceSettings>,
    /// Whether crawlers, monitors and scripts, by their `User-Agent`, take no part.
    #[serde(default = "yes")]
    exclude_bots: bool,
    /// A response header that tells the variant: `checkout-experiment=fast-lane`.
    header: Option<FieldName>,
    /// Whether responses say `Cache-Control: private` where variants change the content or a cookie is set, so that
    /// caches between the edge and the client don't hand one client's response to another. Browsers store it all the same.
    #[serde(default = "yes")]
    private: bool,
}

fn yes() -> bool {
    true
}

impl Configured for Ab {
    const NAME: &'static str = "ab";
    const SUMMARY: &'static str =
        "Runs an experiment: clients get variants of a site by weight, and stay with theirs.";
    const EXAMPLE: &'static str = r#"use = "ab"
sticky = { cookie = "exp_checkout", ttl = "30d" }
variants = [
  { name = "control", weight = 90 },
  { name = "fast-lane", weight = 10, set = { request_header = { "x-variant" = "fast-lane" } }, path_prefix = "/b" },
]
traffic = "50%"
force = { query = "x-ab", from = ["192.0.2.0/24"] }
header = "x-experiment"
"#;
    const SAFE_TO_SKIP: bool = true;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        if settings.layer.is_some() && settings.traffic.is_none() {
            let message = "which part of the layer is this experiment's? Such as `\"20%-50%\"`, and no other's of the layer";
            return Err(BuildError::at("traffic", message));
        }
        let salt = settings.salt.as_deref().unwrap_or(builder.name);
        let assignment = Assignment::new(
            salt,
            settings.layer.as_deref(),
            settings.traffic.unwrap_or_default(),
        );
        let variants = variant::all(settings.variants, builder)?;
        let told = variants.iter().flat_map(Variant::told).cloned().collect();
        if let Some(FieldName(name)) = &settings.header {
            refuse(name, false).map_err(|message| BuildError::at("header", message))?;
        }
        agents::prepare();
        Ok(Self {
            name: builder.name.into(),
            assignment,
            layer: settings.layer.map(Into::into),
            sticky: settings.sticky,
            private: settings.private && variants.iter().any(Variant::changes_content),
            variants,
            told,
            force: settings.force.map(Force::new).transpose()?,
            exclude_bots: settings.exclude_bots,
            header: settings.header.map(|FieldName(name)| name),
            forced: builder.tally(variant::FORCED),
            none: builder.tally(variant::NONE),
        })
    }
}

impl Filter for Ab {
    fn phases(&self) -> Phases {
        let responds = self.private
            || self.header.is_some()
            || self.sticky.sets_cookie()
            || self.variants.iter().any(Variant::changes_response);
        Phases::only(Phase::Request).and_if(responds, Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        for name in &self.told {
            exchange.request.remove_header(name);
        }
        let wanted = match &self.force {
            Some(force) => force.take(exchange)?,
            None => None,
        };
        let forced = wanted.and_then(|name| self.variant(&name));
        let Some(variant) = forced.or_else(|| self.assign(exchange)) else {
            exchange.outcomes.push(self.none.clone());
            return Ok(Flow::Continue);
        };
        let tally = if forced.is_some() {
            &self.forced
        } else {
            &variant.tally
        };
        exchange.outcomes.push(tally.clone());
        log(exchange, &variant.told_as);
        let variants = exchange.notes.get_or_insert_default::<Variants>();
        variants.set(self.name.clone(), variant.name.clone());
        variant.apply(&self.name, exchange)?;
        Ok(Flow::Continue)
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let sets_cookie = self.sticky.set_cookie(&self.name, exchange, response)?;
        if self.private || sets_cookie {
            make_private(response)?;
        }
        let name = exchange
            .notes
            .get::<Variants>()
            .and_then(|variants| variants.get(&self.name));
        let Some(variant) = name.and_then(|name| self.variant(name)) else {
            return Ok(Body::Untouched);
        };
        for (name, value) in &variant.response {
            response
                .insert_header(name, value.render(exchange))
                .map_err(|_| too_many(name))?;
        }
        if let Some(name) = &self.header {
            response
                .append_header(name, variant.told_as.value.clone())
                .map_err(|_| too_many(name))?;
        }
        Ok(Body::Untouched)
    }
}

impl Ab {
    fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| *variant.name == *name)
    }

    /// The variant that a client gets by its key; `None` when it takes no part.
    fn assign(&self, exchange: &mut Exchange) -> Option<&Variant> {
        if self.exclude_bots && agents::is_bot(&exchange.request.headers) {
            return None;
        }
        let bucket = self
            .sticky
            .with_key(&self.name, exchange, |key| self.assignment.bucket(key))??;
        if !self.enters_layer(exchange) {
            return None;
        }
        self.variants.iter().find(|variant| bucket < variant.end)
    }

    /// Whether no other experiment of the layer has the request.
    fn enters_layer(&self, exchange: &mut Exchange) -> bool {
        let Some(layer) = &self.layer else {
            return true;
        };
        let taken = exchange.notes.get_or_insert_default::<Layers>();
        if let Some((_, experiment)) = taken.0.iter().find(|(name, _)| name == layer) {
            return *experiment == self.name;
        }
        taken.0.push((layer.clone(), self.name.clone()));
        true
    }
}

/// The layers of which an experiment has the request, each with that experiment.
#[derive(Debug, Clone, Default)]
struct Layers(Vec<(Arc<str>, Arc<str>)>);

/// Tells the access log, which has all experiments in one field.
fn log(exchange: &mut Exchange, told: &variant::Told) {
    const FIELD: &str = "variants";
    match exchange.log.iter_mut().find(|(name, _)| name == FIELD) {
        Some((_, text)) => text.extend([", ", &told.text]),
        None => exchange.log.push((FIELD.into(), told.text.clone())),
    }
}

/// Keeps the response from caches that more than one client uses.
fn make_private(response: &mut ResponseHeader) -> Result<(), FilterError> {
    let is_private = |value: &HeaderValue| {
        let is_one = |word: &str| {
            ["private", "no-store"]
                .iter()
                .any(|one| word.trim().eq_ignore_ascii_case(one))
        };
        value
            .to_str()
            .is_ok_and(|value| value.split(',').any(is_one))
    };
    if response
        .headers
        .get_all(CACHE_CONTROL)
        .iter()
        .any(is_private)
    {
        return Ok(());
    }
    let added = response.append_header(CACHE_CONTROL, HeaderValue::from_static("private"));
    added.map(|_| ()).map_err(|_| too_many(&CACHE_CONTROL))
}

fn too_many(name: &HeaderName) -> FilterError {
    FilterError::new(format!(
        "`{name}` can't be added: there are too many headers"
    ))
}

#[cfg(test)]
mod tests;
