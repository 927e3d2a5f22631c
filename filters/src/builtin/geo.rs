//! Decides by where the client is.

mod conditions;
mod nearest;
mod places;
mod rule;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::header::HeaderName;
use rimward_geoip::Location;
use schemars::JsonSchema;
use serde::Deserialize;

use self::nearest::PlaceSettings;
use self::places::Place;
use self::rule::{Change, Deed, Rule, RuleSettings};
use crate::chosen::OriginChoice;
use crate::exchange::{Client, Exchange};
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases};
use crate::target;

/// Decides by where the client is.
pub(crate) struct Geo {
    /// The filter's name, which its parts of the cache key bear.
    name: Arc<str>,
    rules: Vec<Rule>,
    override_cookie: Option<String>,
    /// Every request header that a rule sets: what the client sent of them is taken out.
    owned: Vec<HeaderName>,
    /// Whether more than the country has to be known.
    looks_closely: bool,
}

/// Settings of `geo`. The rules are tried in order, and the first that takes the client says what happens; a client whom
/// none takes passes. A rule takes a client when all its conditions hold, and a rule without conditions takes everybody.
/// What is not known of a client meets no condition; `not_country` and the other `not_` conditions take those as well of
/// whom it is not known. What a rule changes of the content is told apart in the cache by itself, by the origin, the path
/// or the request headers that it chose.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The rules, in order.
    #[serde(default)]
    rules: Vec<RuleSettings>,
    /// What a last rule without conditions would have as its `nearest`.
    #[serde(default)]
    nearest: Vec<PlaceSettings>,
    /// A cookie by which clients choose for themselves. Its value is the `name` of a rule, or the code of the country that
    /// they want to be taken for. It changes nothing for whom a rule with `respond` takes by where they really are.
    override_cookie: Option<String>,
}

impl Configured for Geo {
    const NAME: &'static str = "geo";
    const SUMMARY: &'static str =
        "Decides by where the client is: refuses, redirects, chooses the origin or the path.";
    const EXAMPLE: &'static str = r#"use = "geo"
override_cookie = "country"
rules = [
  { country = ["KP"], respond = { status = 451 } },
  { tor = true, not_continent = ["EU"], respond = { status = 403, body = "not over Tor" } },
  { country = ["DE", "AT"], name = "de", redirect = { to = "/de{path}" } },
  { region = ["US-CA"], request_headers = { "x-privacy" = "ccpa" } },
  { nearest = [{ origin = "fra", at = [50.1, 8.7] }, { origin = "nyc", at = [40.7, -74.0] }], origin = "fra" },
]
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            mut rules,
            nearest,
            override_cookie,
        } = settings;
        builder.needs_geoip("")?;
        let written = rules.len();
        if !nearest.is_empty() {
            rules.push(RuleSettings::nearest(nearest));
        }
        if rules.is_empty() {
            return Err(BuildError::at(
                "",
                "nothing is decided: give `rules` or `nearest`",
            ));
        }
        if let Some(cookie) = &override_cookie {
            check_cookie(cookie)?;
        }
        let build = |(index, rule): (usize, RuleSettings)| {
            let at = match index {
                index if index < written => format!("rules[{index}]."),
                _ => String::new(),
            };
            Rule::new(&at, rule, builder)
        };
        let rules: Vec<Rule> = rules
            .into_iter()
            .enumerate()
            .map(build)
            .collect::<Result<_, _>>()?;
        if override_cookie.is_none() {
            refuse_unreached(&rules, written)?;
        }
        refuse_same_names(&rules)?;
        let owned: BTreeSet<&str> = rules
            .iter()
            .flat_map(Rule::headers)
            .map(HeaderName::as_str)
            .collect();
        Ok(Self {
            name: builder.name.into(),
            override_cookie,
            owned: owned
                .into_iter()
                .filter_map(|name| name.parse().ok())
                .collect(),
            looks_closely: rules.iter().any(Rule::looks_closely),
            rules,
        })
    }
}

fn check_cookie(name: &str) -> Result<(), BuildError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_token) {
        true => Ok(()),
        false => Err(BuildError::at(
            "override_cookie",
            format!("`{name}` is not the name of a cookie such as `country`"),
        )),
    }
}

fn refuse_unreached(rules: &[Rule], written: usize) -> Result<(), BuildError> {
    let Some(last) = rules.iter().position(Rule::takes_everybody) else {
        return Ok(());
    };
    if last + 1 == rules.len() {
        return Ok(());
    }
    let key = match last + 1 {
        index if index < written => format!("rules[{index}]"),
        _ => "nearest".to_owned(),
    };
    let message =
        format!("no client comes so far: `rules[{last}]` has no condition and takes everybody");
    Err(BuildError::at(key, message))
}

fn refuse_same_names(rules: &[Rule]) -> Result<(), BuildError> {
    for (index, rule) in rules.iter().enumerate() {
        let Some(name) = &rule.name else { continue };
        let is_same = |other: &&Rule| {
            other
                .name
                .as_ref()
                .is_some_and(|other| other.eq_ignore_ascii_case(name))
        };
        if rules[..index].iter().any(|other| is_same(&other)) {
            return Err(BuildError::at(
                format!("rules[{index}].name"),
                format!("another rule before is named `{name}`"),
            ));
        }
    }
    Ok(())
}

impl Filter for Geo {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        for name in &self.owned {
            exchange.request.remove_header(name);
        }
        let location = self.locate(&exchange.client);
        let Some(rule) = self.rule_for(&location, self.wish(exchange)) else {
            return Ok(Flow::Continue);
        };
        let origin = rule.origin_for(&location);
        exchange.outcomes.push(rule.tally.clone());
        match &rule.deed {
            Deed::Respond(respond) => rule::respond(respond, exchange),
            Deed::Change(change) => self.change(change, origin, exchange),
        }
    }
}

/// What a client chose by its cookie.
#[derive(Clone, Copy)]
enum Wish {
    Rule(usize),
    Country([u8; 2]),
}

impl Geo {
    fn locate<'c>(&self, client: &'c Client) -> Location<'c> {
        if self.looks_closely {
            return client.location();
        }
        Location {
            country: client.country,
            ..Location::default()
        }
    }

    fn wish(&self, exchange: &Exchange) -> Option<Wish> {
        let value = exchange.cookie(self.override_cookie.as_deref()?)?;
        let value = value.trim_matches('"');
        let is_meant = |rule: &Rule| {
            let named = rule
                .name
                .as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(value));
            named && !rule.responds()
        };
        if let Some(index) = self.rules.iter().position(is_meant) {
            return Some(Wish::Rule(index));
        }
        let code = <[u8; 2]>::try_from(value.as_bytes())
            .ok()?
            .map(|byte| byte.to_ascii_uppercase());
        rimward_geoip::name_of(code).map(|_| Wish::Country(code))
    }

    /// The rule that takes a client. No wish leads past a rule that answers.
    fn rule_for(&self, location: &Location<'_>, wish: Option<Wish>) -> Option<&Rule> {
        let first = self.rules.iter().find(|rule| rule.takes(location));
        let wish = wish.filter(|_| !first.is_some_and(Rule::responds));
        match wish {
            None => first,
            Some(Wish::Rule(index)) => self.rules.get(index),
            Some(Wish::Country(code)) => {
                let there = Location {
                    asn: location.asn,
                    organisation: location.organisation,
                    anonymity: location.anonymity,
                    ..Location::of_country(code)
                };
                let mut rules = self.rules.iter().filter(|rule| !rule.responds());
                rules.find(|rule| rule.takes(&there))
            }
        }
    }

    fn change(
        &self,
        change: &Change,
        origin: Option<&Arc<OriginChoice>>,
        exchange: &mut Exchange,
    ) -> Result<Flow, FilterError> {
        if let Some(redirect) = &change.redirect
            && !self.is_at_a_place(&redirect.destination(exchange), exchange)
        {
            return rule::send(redirect, exchange);
        }
        if let Some(origin) = origin {
            exchange.chosen.origin = Some(origin.clone());
        }
        if let Some(prefix) = &change.path_prefix {
            self.put_below(prefix, exchange)?;
        }
        change.set_headers(&self.name, exchange)?;
        Ok(Flow::Continue)
    }

    /// Whether a request is for where its rule would send it already, or where another rule sends others: who went there
    /// wants to be there.
    fn is_at_a_place(&self, own: &str, exchange: &Exchange) -> bool {
        if Place::of(own).is_none_or(|place| place.holds(exchange)) {
            return true;
        }
        let changes = self.rules.iter().filter_map(Rule::change);
        let mut others = changes.filter_map(|change| change.redirect.as_ref());
        others.any(|redirect| {
            let destination = redirect.destination(exchange);
            Place::of(&destination).is_some_and(|place| place.holds(exchange))
        })
    }

    /// Puts the path below a prefix, unless it is below one of a rule already.
    fn put_below(&self, prefix: &str, exchange: &mut Exchange) -> Result<(), FilterError> {
        let path = exchange.path();
        let changes = self.rules.iter().filter_map(Rule::change);
        let mut prefixes = changes.filter_map(|change| change.path_prefix.as_deref());
        // `OPTIONS *` has no path.
        if !path.starts_with('/') || prefixes.any(|prefix| places::is_below(path, prefix)) {
            return Ok(());
        }
        let path = [prefix, path].concat();
        let query = exchange.query().unwrap_or("").to_owned();
        target::set(exchange, &path, &query)
    }
}

#[cfg(test)]
mod tests;
