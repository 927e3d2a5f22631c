//! Which clients a rule takes.

use std::borrow::Cow;

use rimward_config::Country;
use rimward_geoip::{Anonymity, Location};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::rule::RuleSettings;
use crate::filter::BuildError;

/// All of them have to hold.
pub(super) struct Conditions(Vec<Condition>);

struct Condition {
    test: Test,
    /// Whether the test has to be met, or must not be.
    wanted: bool,
}

enum Test {
    Country(Vec<[u8; 2]>),
    Continent(Vec<Continent>),
    Region(Vec<Region>),
    City(Vec<String>),
    PostalCode(Vec<String>),
    MetroCode(Vec<u32>),
    Asn(Vec<u32>),
    TimeZone(Vec<TimeZone>),
    IsEu,
    Hidden(fn(Anonymity) -> bool),
    Unknown,
}

impl Test {
    fn is_met(&self, location: &Location<'_>) -> bool {
        fn is_in<T: PartialEq>(value: Option<T>, list: &[T]) -> bool {
            value.is_some_and(|value| list.contains(&value))
        }
        match self {
            Self::Country(codes) => is_in(location.country, codes),
            Self::Continent(codes) => location
                .continent
                .is_some_and(|code| codes.iter().any(|wanted| wanted.as_str() == code)),
            Self::Region(regions) => regions.iter().any(|region| region.is_of(location)),
            Self::City(names) => location
                .city
                .is_some_and(|city| names.iter().any(|name| name.eq_ignore_ascii_case(city))),
            Self::PostalCode(prefixes) => location
                .postal_code
                .is_some_and(|code| prefixes.iter().any(|prefix| begins(code, prefix))),
            Self::MetroCode(codes) => is_in(location.metro_code, codes),
            Self::Asn(numbers) => is_in(location.asn, numbers),
            Self::TimeZone(zones) => location
                .time_zone
                .is_some_and(|name| zones.iter().any(|zone| zone.is(name))),
            Self::IsEu => location.is_eu == Some(true),
            Self::Hidden(how) => how(location.anonymity),
            Self::Unknown => location.country.is_none(),
        }
    }

    /// Whether more than the country has to be known.
    fn looks_closely(&self) -> bool {
        !matches!(self, Self::Country(_) | Self::Unknown)
    }
}

fn begins(code: &str, prefix: &str) -> bool {
    let start = code.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl Conditions {
    pub(super) fn new(at: &str, rule: &RuleSettings) -> Result<Self, BuildError> {
        let mut all = Lists {
            at,
            conditions: Vec::new(),
        };
        for (key, list, wanted) in [
            ("country", &rule.country, true),
            ("not_country", &rule.not_country, false),
        ] {
            all.add(key, list, wanted, country, Test::Country)?;
        }
        for (key, list, wanted) in [
            ("continent", &rule.continent, true),
            ("not_continent", &rule.not_continent, false),
        ] {
            all.add(key, list, wanted, as_it_is, Test::Continent)?;
        }
        for (key, list, wanted) in [
            ("region", &rule.region, true),
            ("not_region", &rule.not_region, false),
        ] {
            all.add(key, list, wanted, as_it_is, Test::Region)?;
        }
        for (key, list, wanted) in [
            ("city", &rule.city, true),
            ("not_city", &rule.not_city, false),
        ] {
            all.add(key, list, wanted, |city| not_empty(city), Test::City)?;
        }
        for (key, list, wanted) in [
            ("postal_code", &rule.postal_code, true),
            ("not_postal_code", &rule.not_postal_code, false),
        ] {
            all.add(key, list, wanted, |code| not_empty(code), Test::PostalCode)?;
        }
        for (key, list, wanted) in [
            ("metro_code", &rule.metro_code, true),
            ("not_metro_code", &rule.not_metro_code, false),
        ] {
            all.add(key, list, wanted, as_it_is, Test::MetroCode)?;
        }
        for (key, list, wanted) in [("asn", &rule.asn, true), ("not_asn", &rule.not_asn, false)] {
            all.add(key, list, wanted, as_it_is, Test::Asn)?;
        }
        for (key, list, wanted) in [
            ("time_zone", &rule.time_zone, true),
            ("not_time_zone", &rule.not_time_zone, false),
        ] {
            all.add(key, list, wanted, as_it_is, Test::TimeZone)?;
        }
        for (wanted, test) in [
            (rule.is_eu, Test::IsEu),
            (rule.anonymous, Test::Hidden(|how| how.anonymous)),
            (rule.vpn, Test::Hidden(|how| how.vpn)),
            (rule.hosting, Test::Hidden(|how| how.hosting)),
            (rule.tor, Test::Hidden(|how| how.tor)),
            (rule.proxy, Test::Hidden(|how| how.proxy)),
            (
                rule.residential_proxy,
                Test::Hidden(|how| how.residential_proxy),
            ),
            (rule.unknown, Test::Unknown),
        ] {
            all.conditions
                .extend(wanted.map(|wanted| Condition { test, wanted }));
        }
        Ok(Self(all.conditions))
    }

    pub(super) fn hold(&self, location: &Location<'_>) -> bool {
        let holds = |condition: &Condition| condition.test.is_met(location) == condition.wanted;
        self.0.iter().all(holds)
    }

    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn look_closely(&self) -> bool {
        self.0
            .iter()
            .any(|condition| condition.test.looks_closely())
    }
}

/// Conditions that are lists.
struct Lists<'a> {
    at: &'a str,
    conditions: Vec<Condition>,
}

impl Lists<'_> {
    fn add<T, U>(
        &mut self,
        key: &str,
        list: &Option<Vec<T>>,
        wanted: bool,
        convert: impl Fn(&T) -> Result<U, String>,
        test: fn(Vec<U>) -> Test,
    ) -> Result<(), BuildError> {
        let Some(list) = list else { return Ok(()) };
        let key = format!("{}{key}", self.at);
        if list.is_empty() {
            let message = "the list is empty: put in what it is about or leave it out";
            return Err(BuildError::at(key, message));
        }
        let converted = list.iter().enumerate().map(|(index, value)| {
            convert(value).map_err(|message| BuildError::at(format!("{key}[{index}]"), message))
        });
        let test = test(converted.collect::<Result<_, _>>()?);
        self.conditions.push(Condition { test, wanted });
        Ok(())
    }
}

fn as_it_is<T: Clone>(value: &T) -> Result<T, String> {
    Ok(value.clone())
}

fn not_empty(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("an empty text is no name and no code".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// A code that no country has takes nobody, which was not meant.
fn country(country: &Country) -> Result<[u8; 2], String> {
    let text = country.as_str();
    let code = <[u8; 2]>::try_from(text.as_bytes()).ok();
    code.filter(|code| rimward_geoip::name_of(*code).is_some())
        .ok_or_else(|| match text {
            "UK" => "no country has the code `UK`: that of the United Kingdom is `GB`".to_owned(),
            _ => format!(
                "no country has the code `{text}`: they are those of ISO 3166, such as `DE`"
            ),
        })
}

/// A continent's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(title = "continent")]
pub(super) enum Continent {
    /// Africa.
    Af,
    /// Antarctica.
    An,
    /// Asia.
    As,
    /// Europe.
    Eu,
    /// North America.
    Na,
    /// Oceania.
    Oc,
    /// South America.
    Sa,
}

impl Continent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Af => "AF",
            Self::An => "AN",
            Self::As => "AS",
            Self::Eu => "EU",
            Self::Na => "NA",
            Self::Oc => "OC",
            Self::Sa => "SA",
        }
    }
}

/// A subdivision's code as ISO 3166-2 has it, with the country's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Region {
    country: [u8; 2],
    code: String,
}

impl Region {
    fn is_of(&self, location: &Location<'_>) -> bool {
        location.country == Some(self.country) && location.region == Some(&self.code)
    }
}

impl TryFrom<String> for Region {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let parts = upper.split_once('-').and_then(|(country, code)| {
            let country = <[u8; 2]>::try_from(country.as_bytes()).ok()?;
            let is_code = (1..=3).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
            (is_code && rimward_geoip::name_of(country).is_some())
                .then(|| (country, code.to_owned()))
        });
        match parts {
            Some((country, code)) => Ok(Self { country, code }),
            None => Err(format!(
                "`{text}` is not a region: expected a country's code, `-` and the region's, as in `US-CA`"
            )),
        }
    }
}

impl JsonSchema for Region {
    fn schema_name() -> Cow<'static, str> {
        "Region".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "region", "pattern": "^[A-Za-z]{2}-[0-9A-Za-z]{1,3}$" })
    }
}

/// A time zone's name, or the beginning of several: `Europe/*`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct TimeZone(String);

impl TimeZone {
    fn is(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => self.0 == name,
        }
    }
}

impl TryFrom<String> for TimeZone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = text.strip_suffix("/*").unwrap_or(&text);
        match name.is_empty() || name.contains(['*', ' ']) {
            true => Err(format!(
                "`{text}` is not a time zone such as `Europe/Berlin` or `Europe/*`"
            )),
            false => Ok(Self(text)),
        }
    }
}

impl JsonSchema for TimeZone {
    fn schema_name() -> Cow<'static, str> {
        "TimeZone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "time zone" })
    }
}
