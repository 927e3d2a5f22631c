//! What a database says of a network, in whichever layout it is written.
//!
//! MaxMind and DB-IP have tables within tables (`country.iso_code`, `city.names.en`, `location.latitude`), ip-location-db
//! and IPinfo plain keys (`country_code`, `city`, `latitude`), some with numbers and flags as texts. What has another shape
//! than one of these is left out.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::location::Location;

/// One record of a database.
pub(crate) struct Record<'a>(pub(crate) Location<'a>);

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record of an address")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut location = Location::default();
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "location" | "traits" => {
                    let Record(inner) = map.next_value()?;
                    location.complete(&inner);
                }
                known if is_known(known) => location.take(known, map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Record(location))
    }
}

fn is_known(key: &str) -> bool {
    matches!(
        key,
        "country"
            | "country_code"
            | "country_name"
            | "continent"
            | "continent_code"
            | "subdivisions"
            | "region"
            | "region_code"
            | "state1"
            | "city"
            | "postal"
            | "postal_code"
            | "postcode"
            | "metro_code"
            | "latitude"
            | "longitude"
            | "accuracy_radius"
            | "time_zone"
            | "timezone"
            | "autonomous_system_number"
            | "asn"
            | "autonomous_system_organization"
            | "as_name"
            | "is_anonymous"
            | "is_anonymous_proxy"
            | "is_anonymous_vpn"
            | "vpn"
            | "is_hosting_provider"
            | "hosting"
            | "is_tor_exit_node"
            | "tor"
            | "is_public_proxy"
            | "proxy"
            | "is_residential_proxy"
            | "relay"
    )
}

impl<'a> Location<'a> {
    /// Takes over what stands under a key that [`is_known`].
    fn take(&mut self, key: &str, value: Value<'a>) {
        let hides = value.flag();
        match key {
            "country" => {
                let code = value.code().and_then(country_code);
                self.country = self.country.or(code);
                self.country_name = value.name();
                self.is_eu = value.is_eu();
            }
            "country_code" => self.country = value.text().and_then(country_code).or(self.country),
            "country_name" => self.country_name = value.text(),
            "continent" => {
                let code = value.code().and_then(continent);
                self.continent = self.continent.or(code);
            }
            "continent_code" => self.continent = value.text().and_then(continent),
            "subdivisions" => (self.region, self.region_name) = (value.code(), value.name()),
            "region" | "state1" => self.region_name = value.text(),
            "region_code" => self.region = value.text(),
            "city" => self.city = value.name().or_else(|| value.text()),
            "postal" | "postal_code" | "postcode" => self.postal_code = value.code(),
            "metro_code" => self.metro_code = value.whole(),
            "latitude" => self.latitude = value.degrees(90.0),
            "longitude" => self.longitude = value.degrees(180.0),
            "accuracy_radius" => self.accuracy_radius = value.whole(),
            "time_zone" | "timezone" => self.time_zone = value.text(),
            "autonomous_system_number" | "asn" => self.asn = value.whole(),
            "autonomous_system_organization" | "as_name" => self.organisation = value.text(),
            _ => {
                let anonymity = &mut self.anonymity;
                anonymity.anonymous |= hides && key != "hosting";
                match key {
                    "is_anonymous_vpn" | "vpn" => anonymity.vpn |= hides,
                    "is_hosting_provider" | "hosting" => anonymity.hosting |= hides,
                    "is_tor_exit_node" | "tor" => anonymity.tor |= hides,
                    "is_public_proxy" | "proxy" => anonymity.proxy |= hides,
                    "is_residential_proxy" => anonymity.residential_proxy |= hides,
                    _ => {}
                }
            }
        }
    }
}

/// A code of two capitals.
pub(crate) fn country_code(text: &str) -> Option<[u8; 2]> {
    let code = <[u8; 2]>::try_from(text.as_bytes()).ok()?;
    code.iter().all(u8::is_ascii_uppercase).then_some(code)
}

fn continent(text: &str) -> Option<&str> {
    (text.len() == 2).then_some(text)
}

/// What stands under a key.
enum Value<'a> {
    Nothing,
    Flag(bool),
    Number(f64),
    Text(&'a str),
    Table(Table<'a>),
}

/// A table of MaxMind's layout.
#[derive(Default)]
struct Table<'a> {
    code: Option<&'a str>,
    name: Option<&'a str>,
    is_eu: Option<bool>,
}

impl<'a> Value<'a> {
    fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text).copied().filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    fn code(&self) -> Option<&'a str> {
        match self {
            Self::Table(table) => table.code,
            _ => self.text(),
        }
    }

    fn name(&self) -> Option<&'a str> {
        match self {
            Self::Table(table) => table.name,
            _ => None,
        }
    }

    fn is_eu(&self) -> Option<bool> {
        match self {
            Self::Table(table) => table.is_eu,
            _ => None,
        }
    }

    fn flag(&self) -> bool {
        match self {
            Self::Flag(flag) => *flag,
            Self::Text(text) => matches!(*text, "true" | "1"),
            _ => false,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.strip_prefix("AS").unwrap_or(text).parse().ok(),
            _ => None,
        }
    }

    fn whole(&self) -> Option<u32> {
        let number = self.number()?;
        let is_one = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        is_one.then_some(number as u32)
    }

    fn degrees(&self, most: f64) -> Option<f64> {
        self.number().filter(|number| number.abs() <= most)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Self::Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Self::Value, E> {
        Ok(Value::Nothing)
    }

    /// The first of several: the largest subdivision.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let first = list.next_element()?.unwrap_or(Value::Nothing);
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut table = Table::default();
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "code" | "iso_code" => table.code = map.next_value::<Value<'_>>()?.text(),
                "names" => table.name = map.next_value::<Name<'_>>()?.0,
                "is_in_european_union" => table.is_eu = Some(map.next_value::<Value<'_>>()?.flag()),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Table(table))
    }
}

/// The English name of several.
struct Name<'a>(Option<&'a str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names by language")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut name = None;
        while let Some(language) = map.next_key::<&str>()? {
            if language == "en" {
                name = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Name(name))
    }
}
