//! What is known of an address.

use crate::countries::{self, Country};

/// What is known of an address. Texts are lent by the databases, so that making one allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Location<'a> {
    /// The country's ISO 3166-1 code.
    pub country: Option<[u8; 2]>,
    /// The country's English name.
    pub country_name: Option<&'a str>,
    /// Whether the country is in the European Union.
    pub is_eu: Option<bool>,
    /// The continent's code: `AF`, `AN`, `AS`, `EU`, `NA`, `OC` or `SA`.
    pub continent: Option<&'a str>,
    /// The code of the largest subdivision, as ISO 3166-2 has it behind the country: `CA`.
    pub region: Option<&'a str>,
    /// Its English name.
    pub region_name: Option<&'a str>,
    /// The city's English name.
    pub city: Option<&'a str>,
    /// The postal code, or its beginning.
    pub postal_code: Option<&'a str>,
    /// The metro code, of addresses in the United States.
    pub metro_code: Option<u32>,
    /// Degrees north of the equator.
    pub latitude: Option<f64>,
    /// Degrees east of Greenwich.
    pub longitude: Option<f64>,
    /// Kilometres around that point in which the address may be.
    pub accuracy_radius: Option<u32>,
    /// The time zone's name, such as `Europe/Berlin`.
    pub time_zone: Option<&'a str>,
    /// The number of the autonomous system that announces the address.
    pub asn: Option<u32>,
    /// Who runs that system.
    pub organisation: Option<&'a str>,
    /// What hides who asks.
    pub anonymity: Anonymity,
}

/// What hides who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Anonymity {
    /// Any of the others.
    pub anonymous: bool,
    /// A VPN that sells anonymity.
    pub vpn: bool,
    /// A provider of servers.
    pub hosting: bool,
    /// An exit of Tor.
    pub tor: bool,
    /// An open proxy.
    pub proxy: bool,
    /// A proxy at somebody's home.
    pub residential_proxy: bool,
}

impl<'a> Location<'a> {
    /// All that the country alone tells.
    pub fn of_country(code: [u8; 2]) -> Location<'static> {
        let mut location = Location {
            country: Some(code),
            ..Location::default()
        };
        location.derive();
        location
    }

    /// The country's code as text.
    pub fn country(&self) -> Option<&str> {
        let code = self.country.as_ref()?;
        std::str::from_utf8(code).ok()
    }

    /// Latitude and longitude, if both are known.
    pub fn point(&self) -> Option<(f64, f64)> {
        self.latitude.zip(self.longitude)
    }

    /// Takes over what it has not got itself.
    pub(crate) fn complete(&mut self, other: &Self) {
        fn fill<T: Copy>(mine: &mut Option<T>, other: Option<T>) {
            *mine = mine.or(other);
        }
        fill(&mut self.country, other.country);
        fill(&mut self.country_name, other.country_name);
        fill(&mut self.is_eu, other.is_eu);
        fill(&mut self.continent, other.continent);
        fill(&mut self.region, other.region);
        fill(&mut self.region_name, other.region_name);
        fill(&mut self.city, other.city);
        fill(&mut self.postal_code, other.postal_code);
        fill(&mut self.metro_code, other.metro_code);
        fill(&mut self.latitude, other.latitude);
        fill(&mut self.longitude, other.longitude);
        fill(&mut self.accuracy_radius, other.accuracy_radius);
        fill(&mut self.time_zone, other.time_zone);
        fill(&mut self.asn, other.asn);
        fill(&mut self.organisation, other.organisation);
        self.anonymity.join(other.anonymity);
    }

    /// Fills in what follows from the country, for databases that tell nothing but its code.
    pub(crate) fn derive(&mut self) {
        if self.country_name.is_some() && self.continent.is_some() && self.is_eu.is_some() {
            return;
        }
        let Some(country) = self.country.and_then(countries::find) else {
            return;
        };
        let Country {
            name, continent, ..
        } = *country;
        self.country_name.get_or_insert(name);
        self.continent.get_or_insert(continent);
        self.is_eu.get_or_insert_with(|| country.is_eu());
    }
}

impl Anonymity {
    /// Whether nothing is known to hide who asks.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    fn join(&mut self, other: Self) {
        self.anonymous |= other.anonymous;
        self.vpn |= other.vpn;
        self.hosting |= other.hosting;
        self.tor |= other.tor;
        self.proxy |= other.proxy;
        self.residential_proxy |= other.residential_proxy;
    }
}
