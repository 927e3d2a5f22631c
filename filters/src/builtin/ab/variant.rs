//! What a variant changes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::super::headers::refuse;
use super::super::rewrite::path::PathChange;
use crate::bucket::BUCKETS;
use crate::chosen::OriginChoice;
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, FilterError};
use crate::outside::Tally;
use crate::settings::FieldName;
use crate::target;
use crate::template::{Template, ValueTemplate};

/// A variant of an experiment.
pub(super) struct Variant {
    pub(super) name: Arc<str>,
    /// The first bucket behind its own.
    pub(super) end: u32,
    path: Option<PathChange>,
    origin: Option<Arc<OriginChoice>>,
    request: Vec<(HeaderName, HeaderValue)>,
    pub(super) response: Vec<(HeaderName, ValueTemplate)>,
    /// Whether its responses are told apart in the cache by its name. Path and origin are in the key anyway.
    distinguishes: bool,
    pub(super) told_as: Told,
    pub(super) tally: Arc<dyn Tally>,
}

/// How an experiment and its variant are told: `checkout-experiment=fast-lane`.
pub(super) struct Told {
    pub(super) text: String,
    pub(super) value: HeaderValue,
}

/// One of the variants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantSettings {
    /// What it is called in logs, metrics and headers: small letters, digits, `-` and `_`.
    name: VariantName,
    /// Its share of those who take part, in proportion to the other weights.
    weight: u32,
    /// Headers that it sets.
    #[serde(default)]
    set: SetSettings,
    /// Segments that are put before the path, before the cache and the origin see it. A path that begins with them stays.
    path_prefix: Option<String>,
    /// The path that is asked for instead: `/new{path}`.
    path: Option<Template>,
    /// The origin that is asked instead of the route's.
    origin: Option<String>,
    /// Whether its responses differ for a reason that is not told here, such as a filter that goes by the variant: then they
    /// are told apart in the cache. Those with another path, origin or request header are so anyway.
    #[serde(default)]
    vary: bool,
}

/// Headers that a variant sets.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct SetSettings {
    /// Of the request, before the cache and the origin see it. No client can send them itself.
    request_header: BTreeMap<FieldName, String>,
    /// Of the response on its way to the client, which is not stored.
    response_header: BTreeMap<FieldName, Template>,
}

/// The outcome of requests that take no part.
pub(super) const NONE: &str = "none";
/// The outcome of those whose client chose the variant itself.
pub(super) const FORCED: &str = "forced";

/// A variant's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct VariantName(String);

impl TryFrom<String> for VariantName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if [NONE, FORCED].contains(&&*name) {
            return Err(format!(
                "`{name}` is what others are counted as: choose another name"
            ));
        }
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            return Err(format!(
                "`{name}` is not a name of small letters, digits, `-` and `_`"
            ));
        }
        Ok(Self(name))
    }
}

impl JsonSchema for VariantName {
    fn schema_name() -> Cow<'static, str> {
        "VariantName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "name", "pattern": "^[a-z0-9_-]{1,64}$" })
    }
}

/// All variants of an experiment, with their buckets.
pub(super) fn all(
    settings: Vec<VariantSettings>,
    builder: &Builder<'_>,
) -> Result<Vec<Variant>, BuildError> {
    let total: u64 = settings
        .iter()
        .map(|variant| u64::from(variant.weight))
        .sum();
    if total == 0 {
        let message = "there has to be a variant with a weight above 0: `{ name = \"control\", weight = 90 }`";
        return Err(BuildError::at("variants", message));
    }
    let mut variants: Vec<Variant> = Vec::with_capacity(settings.len());
    let mut weights = 0;
    for (index, settings) in settings.into_iter().enumerate() {
        let at = |key: &str| format!("variants[{index}].{key}");
        let (name, weight) = (&settings.name.0, settings.weight);
        if variants.iter().any(|variant| *variant.name == **name) {
            return Err(BuildError::at(
                at("name"),
                format!("there are two variants `{name}`"),
            ));
        }
        if weight > 0 && u64::from(weight) * u64::from(BUCKETS) < total {
            let message = format!("`{weight}` of {total} is less than a bucket, which is 0.01%");
            return Err(BuildError::at(at("weight"), message));
        }
        weights += u64::from(weight);
        let end = u32::try_from(weights * u64::from(BUCKETS) / total).unwrap_or(BUCKETS);
        variants.push(Variant::new(settings, end, &at, builder)?);
    }
    Ok(variants)
}

impl Variant {
    fn new(
        settings: VariantSettings,
        end: u32,
        at: &dyn Fn(&str) -> String,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        let VariantSettings {
            name: VariantName(name),
            set,
            path_prefix,
            path,
            origin,
            vary,
            ..
        } = settings;
        let path = match (path, path_prefix) {
            (Some(_), Some(_)) => {
                let message = "`path` is the whole path: it can't go with `path_prefix`";
                return Err(BuildError::at(at("path"), message));
            }
            (Some(path), None) => Some(
                PathChange::whole(path).map_err(|message| BuildError::at(at("path"), message))?,
            ),
            (None, Some(prefix)) => Some(
                PathChange::behind(prefix)
                    .map_err(|error| BuildError::at(at("path_prefix"), error.message))?,
            ),
            (None, None) => None,
        };
        let origin = origin
            .map(|origin| builder.choice(at("origin"), &origin))
            .transpose()?;
        let request = set
            .request_header
            .into_iter()
            .map(|field| request_field(field, at));
        let request = request.collect::<Result<Vec<_>, _>>()?;
        let response = set
            .response_header
            .into_iter()
            .map(|field| response_field(field, at));
        Ok(Self {
            end,
            path,
            origin,
            distinguishes: vary || !request.is_empty(),
            request,
            response: response.collect::<Result<_, _>>()?,
            told_as: Told::new(builder.name, &name)?,
            tally: builder.tally(&name),
            name: name.into(),
        })
    }

    /// The request headers that it sets.
    pub(super) fn told(&self) -> impl Iterator<Item = &HeaderName> {
        self.request.iter().map(|(name, _)| name)
    }

    /// Whether its responses may be others than those of the site as it is.
    pub(super) fn changes_content(&self) -> bool {
        self.distinguishes || self.path.is_some() || self.origin.is_some()
    }

    pub(super) fn changes_response(&self) -> bool {
        !self.response.is_empty()
    }

    /// Has the request get this variant.
    pub(super) fn apply(
        &self,
        experiment: &Arc<str>,
        exchange: &mut Exchange,
    ) -> Result<(), FilterError> {
        // `OPTIONS *` has no path.
        if let Some(path) = self
            .path
            .as_ref()
            .filter(|_| exchange.path().starts_with('/'))
            && let Some(path) = path.apply(exchange)?
        {
            let query = exchange.query().unwrap_or("").to_owned();
            target::set(exchange, &path, &query)?;
        }
        for (name, value) in &self.request {
            let added = exchange.request.insert_header(name, value.clone());
            added.map_err(|_| super::too_many(name))?;
        }
        if let Some(origin) = &self.origin {
            exchange.chosen.origin = Some(origin.clone());
        }
        if self.distinguishes {
            exchange.chosen.distinguish(experiment, self.name.clone());
        }
        Ok(())
    }
}

impl Told {
    fn new(experiment: &str, variant: &str) -> Result<Self, BuildError> {
        let text = format!("{experiment}={variant}");
        let value = HeaderValue::from_str(&text).map_err(|_| {
            BuildError::at(
                "",
                format!("the filter's name `{experiment}` can't be in a header"),
            )
        })?;
        Ok(Self { text, value })
    }
}

fn request_field(
    (FieldName(name), text): (FieldName, String),
    at: &dyn Fn(&str) -> String,
) -> Result<(HeaderName, HeaderValue), BuildError> {
    let wrong = |message| BuildError::at(at(&format!("set.request_header.{name}")), message);
    refuse(&name, true).map_err(wrong)?;
    if text.contains(['{', '}']) {
        let message =
            "this is text as it is: what differs by client is set by the filter `headers`";
        return Err(wrong(message.to_owned()));
    }
    let value = HeaderValue::from_str(&text)
        .map_err(|_| wrong(format!("`{}` can't be in a header", text.escape_debug())))?;
    Ok((name, value))
}

fn response_field(
    (FieldName(name), template): (FieldName, Template),
    at: &dyn Fn(&str) -> String,
) -> Result<(HeaderName, ValueTemplate), BuildError> {
    let wrong = |message| BuildError::at(at(&format!("set.response_header.{name}")), message);
    refuse(&name, false).map_err(wrong)?;
    let value = ValueTemplate::try_from(template).map_err(wrong)?;
    Ok((name, value))
}
