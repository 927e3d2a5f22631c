//! One rule: whom it takes and what it does with them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, HOST, HeaderName, HeaderValue};
use rimward_config::Country;
use rimward_geoip::Location;
use schemars::JsonSchema;
use serde::Deserialize;

use super::conditions::{Conditions, Continent, Region, TimeZone};
use super::nearest::{Nearest, PlaceSettings, choice};
use super::places::Place;
use crate::builtin::redirect::{Redirect, Settings as RedirectSettings};
use crate::builtin::respond::{Respond, Settings as RespondSettings};
use crate::chosen::OriginChoice;
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow};
use crate::outside::Tally;
use crate::settings::{FieldName, refuse_framing};
use crate::target::normal_path;
use crate::template::{Template, ValueTemplate};

/// A rule: conditions, and what is done with whom it takes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RuleSettings {
    /// What `override_cookie` calls the rule, and what it is counted as.
    name: Option<String>,

    /// One of these countries, by ISO 3166 codes such as `DE`.
    #[schemars(title = "list of countries")]
    pub(super) country: Option<Vec<Country>>,
    /// None of these countries.
    #[schemars(title = "list of countries")]
    pub(super) not_country: Option<Vec<Country>>,
    /// One of these continents: `AF`, `AN`, `AS`, `EU`, `NA`, `OC` or `SA`.
    #[schemars(title = "list of continents")]
    pub(super) continent: Option<Vec<Continent>>,
    /// None of these continents.
    #[schemars(title = "list of continents")]
    pub(super) not_continent: Option<Vec<Continent>>,
    /// One of these regions, by ISO 3166-2 codes such as `US-CA`: the largest subdivision of a country.
    pub(super) region: Option<Vec<Region>>,
    /// None of these regions.
    pub(super) not_region: Option<Vec<Region>>,
    /// One of these cities, by English names, in capitals or not.
    pub(super) city: Option<Vec<String>>,
    /// None of these cities.
    pub(super) not_city: Option<Vec<String>>,
    /// A postal code that begins like one of these. Countries have the same: name the country as well.
    pub(super) postal_code: Option<Vec<String>>,
    /// A postal code that begins like none of these.
    pub(super) not_postal_code: Option<Vec<String>>,
    /// One of these metro codes, of the United States.
    pub(super) metro_code: Option<Vec<u32>>,
    /// None of these metro codes.
    pub(super) not_metro_code: Option<Vec<u32>>,
    /// An address of one of these autonomous systems, by number.
    pub(super) asn: Option<Vec<u32>>,
    /// An address of none of these autonomous systems.
    pub(super) not_asn: Option<Vec<u32>>,
    /// One of these time zones, such as `Europe/Berlin` or `Europe/*`.
    pub(super) time_zone: Option<Vec<TimeZone>>,
    /// None of these time zones.
    pub(super) not_time_zone: Option<Vec<TimeZone>>,
    /// Whether the country is in the European Union.
    pub(super) is_eu: Option<bool>,
    /// Whether anything hides who asks. This and the next five need `anonymous_database`.
    pub(super) anonymous: Option<bool>,
    /// Whether a VPN does.
    pub(super) vpn: Option<bool>,
    /// Whether the address is a provider's of servers.
    pub(super) hosting: Option<bool>,
    /// Whether it is an exit of Tor.
    pub(super) tor: Option<bool>,
    /// Whether it is an open proxy.
    pub(super) proxy: Option<bool>,
    /// Whether it is a proxy at somebody's home.
    pub(super) residential_proxy: Option<bool>,
    /// Whether the country is not known.
    pub(super) unknown: Option<bool>,

    /// Answers, with the settings of [`respond`](respond.md). An error without a body of its own gets the site's error page.
    /// Nobody but the client may store the answer.
    respond: Option<RespondSettings>,
    /// Sends the client elsewhere, with the settings of [`redirect`](redirect.md). Who is there already, or where another
    /// rule of the filter sends clients, is not sent but passes with what else the rule does.
    redirect: Option<RedirectSettings>,
    /// The origin in place of the route's own. With `nearest` it is the one for clients whose place is not known, and for
    /// the time when no other is healthy.
    origin: Option<String>,
    /// Origins and where they are: the nearest of those that are healthy is asked. Needs a database of cities.
    nearest: Vec<PlaceSettings>,
    /// What is put before the path, such as `/de`. A path that begins with the prefix of any rule stays as it is.
    path_prefix: Option<String>,
    /// Header names and values of the request. Those that a client sends by itself are taken out, whichever rule takes it.
    request_headers: BTreeMap<FieldName, Template>,
    /// Whether the content is the same with the rule's origins and headers as without, so that the cache need not tell it
    /// apart. `true` for origins by `nearest`, `false` for all else unless set.
    same_content: Option<bool>,
}

impl RuleSettings {
    /// A rule that takes everybody and looks for the nearest origin.
    pub(super) fn nearest(nearest: Vec<PlaceSettings>) -> Self {
        Self {
            nearest,
            ..Self::default()
        }
    }
}

/// A rule with nothing left to check.
pub(super) struct Rule {
    pub(super) name: Option<String>,
    conditions: Conditions,
    pub(super) deed: Deed,
    pub(super) tally: Arc<dyn Tally>,
}

/// What a rule does.
pub(super) enum Deed {
    Respond(Box<Respond>),
    Change(Box<Change>),
}

/// What a rule changes of a request.
pub(super) struct Change {
    pub(super) redirect: Option<Redirect>,
    origin: Option<Arc<OriginChoice>>,
    nearest: Option<Nearest>,
    pub(super) path_prefix: Option<String>,
    headers: Vec<(HeaderName, ValueTemplate)>,
    apart: Apart,
}

/// What its headers tell the content apart by in the cache.
enum Apart {
    Nothing,
    /// Headers that are the same for all.
    Fixed(Arc<str>),
    /// Headers with variables, by their values.
    Values,
}

impl Rule {
    /// `at` is what stands before the keys of the rule.
    pub(super) fn new(
        at: &str,
        settings: RuleSettings,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        let conditions = Conditions::new(at, &settings)?;
        if let Some(name) = &settings.name {
            check_name(name).map_err(|message| BuildError::at(format!("{at}name"), message))?;
        }
        let name = settings.name.clone();
        let deed = Deed::new(at, settings, builder)?;
        let outcome = match (&name, &deed) {
            (Some(name), _) => name,
            (None, Deed::Respond(_)) => "answered",
            (None, Deed::Change(change)) if change.redirect.is_some() => "redirected",
            (None, Deed::Change(_)) => "changed",
        };
        Ok(Self {
            tally: builder.tally(outcome),
            name,
            conditions,
            deed,
        })
    }

    pub(super) fn takes(&self, location: &Location<'_>) -> bool {
        self.conditions.hold(location)
    }

    pub(super) fn takes_everybody(&self) -> bool {
        self.conditions.are_none()
    }

    pub(super) fn responds(&self) -> bool {
        matches!(self.deed, Deed::Respond(_))
    }

    pub(super) fn change(&self) -> Option<&Change> {
        match &self.deed {
            Deed::Change(change) => Some(change),
            Deed::Respond(_) => None,
        }
    }

    /// The origin that a client at `location` gets, if not the route's own.
    pub(super) fn origin_for(&self, location: &Location<'_>) -> Option<&Arc<OriginChoice>> {
        let change = self.change()?;
        let nearest = change.nearest.as_ref();
        let nearest = nearest.and_then(|nearest| nearest.choose(location));
        nearest.or(change.origin.as_ref())
    }

    /// The request headers that it sets.
    pub(super) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        let headers = self.change().into_iter().flat_map(|change| &change.headers);
        headers.map(|(name, _)| name)
    }

    /// Whether more than the country has to be known.
    pub(super) fn looks_closely(&self) -> bool {
        let is_nearest = self.change().is_some_and(|change| change.nearest.is_some());
        is_nearest || self.conditions.look_closely()
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(format!(
            "`{name}` can't be the value of a cookie: letters, digits, `-`, `_` and `.`"
        )),
    }
}

impl Deed {
    fn new(at: &str, settings: RuleSettings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let RuleSettings {
            respond,
            redirect,
            origin,
            nearest,
            path_prefix,
            request_headers,
            same_content,
            ..
        } = settings;
        if let Some(respond) = respond {
            let changes = redirect.is_some()
                || origin.is_some()
                || !nearest.is_empty()
                || path_prefix.is_some()
                || !request_headers.is_empty();
            if changes {
                let message = "a rule that answers does nothing else: leave the rest out or make it another rule";
                return Err(BuildError::at(format!("{at}respond"), message));
            }
            let respond = Respond::new(respond, builder);
            let respond = respond.map_err(|error| below(&format!("{at}respond"), error))?;
            return Ok(Self::Respond(Box::new(respond)));
        }
        let same_origins = same_content.unwrap_or(!nearest.is_empty());
        let origin =
            origin.map(|name| choice(&format!("{at}origin"), &name, same_origins, builder));
        let nearest = match nearest.is_empty() {
            true => None,
            false => Some(Nearest::new(at, &nearest, same_origins, builder)?),
        };
        Ok(Self::Change(Box::new(Change {
            redirect: redirect
                .map(|redirect| build_redirect(at, redirect, builder))
                .transpose()?,
            origin: origin.transpose()?,
            nearest,
            path_prefix: path_prefix
                .map(|prefix| check_prefix(at, &prefix))
                .transpose()?,
            apart: match same_content.unwrap_or(false) {
                true => Apart::Nothing,
                false => Apart::by(&request_headers),
            },
            headers: build_headers(at, request_headers)?,
        })))
    }
}

/// An error about a setting of a filter that is part of a rule.
fn below(at: &str, error: BuildError) -> BuildError {
    let key = match error.key.is_empty() {
        true => at.to_owned(),
        false => format!("{at}.{}", error.key),
    };
    BuildError { key, ..error }
}

fn build_redirect(
    at: &str,
    settings: RedirectSettings,
    builder: &Builder<'_>,
) -> Result<Redirect, BuildError> {
    let at = format!("{at}redirect");
    let redirect = Redirect::new(settings, builder).map_err(|error| below(&at, error))?;
    if redirect
        .fixed_destination()
        .is_some_and(|text| Place::of(&text).is_none())
    {
        let message = "clients would be sent around in circles: the place needs a host or a folder, as in `/de{path}`";
        return Err(BuildError::at(format!("{at}.to"), message));
    }
    Ok(redirect)
}

fn check_prefix(at: &str, text: &str) -> Result<String, BuildError> {
    let refused = |message| BuildError::at(format!("{at}path_prefix"), message);
    let path =
        normal_path(text).map_err(|error| refused(format!("`{text}` is not a path: {error}")))?;
    match path.trim_end_matches('/') {
        "" => Err(refused(
            "an empty prefix changes nothing: write one such as `/de`".to_owned(),
        )),
        prefix => Ok(prefix.to_owned()),
    }
}

fn build_headers(
    at: &str,
    headers: BTreeMap<FieldName, Template>,
) -> Result<Vec<(HeaderName, ValueTemplate)>, BuildError> {
    let build = |(FieldName(name), template): (FieldName, Template)| {
        let refused = |message| BuildError::at(format!("{at}request_headers.{name}"), message);
        refuse_framing(&name).map_err(refused)?;
        if name == HOST {
            return Err(refused("the filter `rewrite` changes the host".to_owned()));
        }
        let value = ValueTemplate::try_from(template).map_err(refused)?;
        Ok((name, value))
    };
    headers.into_iter().map(build).collect()
}

impl Apart {
    fn by(headers: &BTreeMap<FieldName, Template>) -> Self {
        let mut text = String::new();
        for (FieldName(name), template) in headers {
            let Some(value) = template.literal() else {
                return Self::Values;
            };
            push_pair(&mut text, name, value.trim().as_bytes());
        }
        match text.is_empty() {
            true => Self::Nothing,
            false => Self::Fixed(text.into()),
        }
    }
}

fn push_pair(out: &mut String, name: &HeaderName, value: &[u8]) {
    // Writing into a string can't fail.
    writeln!(out, "{name}:{}", String::from_utf8_lossy(value)).unwrap_or_default();
}

impl Change {
    /// Sets the request's headers, and tells apart in the cache what comes of them.
    pub(super) fn set_headers(
        &self,
        filter: &Arc<str>,
        exchange: &mut Exchange,
    ) -> Result<(), FilterError> {
        let mut values = String::new();
        for (name, value) in &self.headers {
            let value = value.render(exchange);
            if matches!(self.apart, Apart::Values) {
                push_pair(&mut values, name, value.as_bytes());
            }
            let fails = |_| {
                FilterError::new(format!(
                    "`{name}` can't be added: there are too many headers"
                ))
            };
            exchange.request.insert_header(name, value).map_err(fails)?;
        }
        match &self.apart {
            Apart::Nothing => {}
            Apart::Fixed(text) => exchange.chosen.distinguish(filter, text.clone()),
            Apart::Values => exchange.chosen.distinguish(filter, values),
        }
        Ok(())
    }
}

/// Answers a client.
pub(super) fn respond(respond: &Respond, exchange: &mut Exchange) -> Result<Flow, FilterError> {
    let mut flow = respond.request(exchange)?;
    if let Flow::Answer(answer) = &mut flow {
        answer.refusal = answer.body.is_empty() && answer.head.status.as_u16() >= 400;
    }
    private(flow)
}

/// Sends a client elsewhere.
pub(super) fn send(redirect: &Redirect, exchange: &mut Exchange) -> Result<Flow, FilterError> {
    private(redirect.request(exchange)?)
}

/// What depends on who asks must not be stored for others.
fn private(mut flow: Flow) -> Result<Flow, FilterError> {
    const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
    if let Flow::Answer(answer) = &mut flow
        && !answer.head.headers.contains_key(CACHE_CONTROL)
    {
        let fails =
            |_| FilterError::new("`cache-control` can't be added: there are too many headers");
        answer
            .head
            .insert_header(CACHE_CONTROL, PRIVATE)
            .map_err(fails)?;
    }
    Ok(flow)
}
