//! What is known of where a client is, by the names that settings and templates have for it.

use std::borrow::Cow;

use rimward_geoip::Location;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Something that is known of where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum LocationField {
    /// The country's code.
    Country,
    /// The country's English name.
    CountryName,
    /// Whether that is in the European Union.
    IsEu,
    /// The continent's code.
    Continent,
    /// The code of the largest subdivision, without the country.
    Region,
    /// Its English name.
    RegionName,
    /// The city's English name.
    City,
    /// The postal code.
    PostalCode,
    /// The metro code.
    MetroCode,
    /// Degrees north.
    Latitude,
    /// Degrees east.
    Longitude,
    /// Kilometres around that.
    AccuracyRadius,
    /// The time zone's name.
    TimeZone,
    /// The number of the autonomous system.
    Asn,
    /// Who runs it.
    Organisation,
    /// Whether anything hides who asks.
    Anonymous,
    /// Whether a VPN does.
    Vpn,
    /// Whether the address is a provider's of servers.
    Hosting,
    /// Whether it is an exit of Tor.
    Tor,
    /// Whether it is an open proxy.
    Proxy,
    /// Whether it is a proxy at somebody's home.
    ResidentialProxy,
}

impl LocationField {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Country,
        Self::CountryName,
        Self::IsEu,
        Self::Continent,
        Self::Region,
        Self::RegionName,
        Self::City,
        Self::PostalCode,
        Self::MetroCode,
        Self::Latitude,
        Self::Longitude,
        Self::AccuracyRadius,
        Self::TimeZone,
        Self::Asn,
        Self::Organisation,
        Self::Anonymous,
        Self::Vpn,
        Self::Hosting,
        Self::Tor,
        Self::Proxy,
        Self::ResidentialProxy,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::CountryName => "country_name",
            Self::IsEu => "is_eu",
            Self::Continent => "continent",
            Self::Region => "region",
            Self::RegionName => "region_name",
            Self::City => "city",
            Self::PostalCode => "postal_code",
            Self::MetroCode => "metro_code",
            Self::Latitude => "latitude",
            Self::Longitude => "longitude",
            Self::AccuracyRadius => "accuracy_radius",
            Self::TimeZone => "time_zone",
            Self::Asn => "asn",
            Self::Organisation => "organisation",
            Self::Anonymous => "anonymous",
            Self::Vpn => "vpn",
            Self::Hosting => "hosting",
            Self::Tor => "tor",
            Self::Proxy => "proxy",
            Self::ResidentialProxy => "residential_proxy",
        }
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// What a location says of it; `None` when that is not known.
    pub fn value<'l>(self, location: &Location<'l>) -> Option<Cow<'l, str>> {
        let lent = match self {
            Self::Country => return Some(location.country()?.to_owned().into()),
            Self::CountryName => location.country_name?,
            Self::IsEu => yes_or_no(location.is_eu?),
            Self::Continent => location.continent?,
            Self::Region => location.region?,
            Self::RegionName => location.region_name?,
            Self::City => location.city?,
            Self::PostalCode => location.postal_code?,
            Self::MetroCode => return Some(location.metro_code?.to_string().into()),
            Self::Latitude => return Some(location.latitude?.to_string().into()),
            Self::Longitude => return Some(location.longitude?.to_string().into()),
            Self::AccuracyRadius => return Some(location.accuracy_radius?.to_string().into()),
            Self::TimeZone => location.time_zone?,
            Self::Asn => return Some(location.asn?.to_string().into()),
            Self::Organisation => location.organisation?,
            Self::Anonymous => yes_or_no(location.anonymity.anonymous),
            Self::Vpn => yes_or_no(location.anonymity.vpn),
            Self::Hosting => yes_or_no(location.anonymity.hosting),
            Self::Tor => yes_or_no(location.anonymity.tor),
            Self::Proxy => yes_or_no(location.anonymity.proxy),
            Self::ResidentialProxy => yes_or_no(location.anonymity.residential_proxy),
        };
        Some(Cow::Borrowed(lent))
    }
}

fn yes_or_no(holds: bool) -> &'static str {
    if holds { "true" } else { "false" }
}

impl TryFrom<String> for LocationField {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::find(&name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{name}` is nothing that is known of a place: there are {names}")
        })
    }
}

impl JsonSchema for LocationField {
    fn schema_name() -> Cow<'static, str> {
        "LocationField".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "field", "enum": Self::ALL.map(Self::name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_name_and_the_value_of_the_location() {
        for field in LocationField::ALL {
            assert_eq!(LocationField::find(field.name()), Some(field));
        }
        let location = Location {
            latitude: Some(-33.5),
            city: Some("São Paulo"),
            ..Location::of_country(*b"BR")
        };
        for (name, value) in [
            ("country", Some("BR")),
            ("country_name", Some("Brazil")),
            ("is_eu", Some("false")),
            ("continent", Some("SA")),
            ("city", Some("São Paulo")),
            ("latitude", Some("-33.5")),
            ("longitude", None),
            ("tor", Some("false")),
        ] {
            let field = LocationField::find(name).unwrap();
            assert_eq!(field.value(&location).as_deref(), value, "{name}");
        }
    }
}
