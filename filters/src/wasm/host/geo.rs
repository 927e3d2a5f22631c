//! Where clients are.

use rimward_geoip::Location;

use crate::wasm::abi::rimward::filter::geo::{self, Host};
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;

impl Host for State {
    fn country(&mut self) -> Answer<Option<String>> {
        Ok(self.exchange.client.country().map(str::to_owned))
    }

    fn client(&mut self) -> Answer<Option<geo::Location>> {
        let location = self.exchange.client.location();
        Ok(location.country.is_some().then(|| told(&location)))
    }

    fn lookup(&mut self, ip: String) -> Answer<Option<geo::Location>> {
        let (Ok(ip), Some(databases)) = (ip.parse(), &self.exchange.client.geoip) else {
            return Ok(None);
        };
        let location = databases.location(ip);
        let is_known = location.country.is_some() || location.asn.is_some();
        Ok(is_known.then(|| told(&location)))
    }
}

fn told(location: &Location<'_>) -> geo::Location {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let country = location
        .country
        .as_ref()
        .and_then(|code| std::str::from_utf8(code).ok());
    geo::Location {
        country: text(country),
        country_name: text(location.country_name),
        is_eu: location.is_eu.unwrap_or_default(),
        continent: text(location.continent),
        region_code: text(location.region),
        region: text(location.region_name),
        city: text(location.city),
        postal_code: text(location.postal_code),
        metro_code: location.metro_code.map(|code| code.to_string()),
        latitude: location.latitude,
        longitude: location.longitude,
        timezone: text(location.time_zone),
        asn: location.asn,
        as_organization: text(location.organisation),
    }
}
