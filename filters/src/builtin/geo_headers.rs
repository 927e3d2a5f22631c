//! Tells the origin where the client is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use http::header::{HOST, HeaderName, HeaderValue};
use rimward_geoip::Location;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::exchange::{Client, Exchange};
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases};
use crate::location::LocationField;
use crate::settings::{FieldName, refuse_framing};

/// Tells the origin where the client is.
pub(crate) struct GeoHeaders {
    headers: Vec<(HeaderName, ClientFact)>,
}

/// Settings of `geo_headers`. The headers are those of requests: what a client sends by these names is always taken out, and
/// what is not known is not set. They are no part of the cache key; where the content depends on one, name it in the
/// route's `cache.key.header`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The headers of others. `cloudfront`: `CloudFront-Viewer-Country`, `-Country-Name`, `-Country-Region`,
    /// `-Country-Region-Name`, `-City`, `-Postal-Code`, `-Time-Zone`, `-Latitude`, `-Longitude`, `-Metro-Code`, `-ASN`,
    /// `-Address` (with the port, which is 0 if a proxy hides it), `-JA3-Fingerprint` and `-JA4-Fingerprint`. `cloudflare`:
    /// `CF-IPCountry` (`XX` if it is not known, `T1` for Tor), `CF-IPCity`, `CF-IPContinent`, `CF-IPLatitude`,
    /// `CF-IPLongitude`, `CF-Region`, `CF-Region-Code`, `CF-Metro-Code`, `CF-Postal-Code` and `CF-Timezone`.
    #[serde(default)]
    #[schemars(title = "list of `cloudfront` and `cloudflare`")]
    presets: Vec<Preset>,
    /// Header names of your own, and what each tells: `country`, `country_name`, `is_eu`, `continent`, `region`, `region_name`,
    /// `city`, `postal_code`, `metro_code`, `latitude`, `longitude`, `accuracy_radius`, `time_zone`, `asn`, `organisation`,
    /// `anonymous`, `vpn`, `hosting`, `tor`, `proxy` or `residential_proxy`.
    #[serde(default)]
    headers: BTreeMap<FieldName, LocationField>,
}

/// Headers as others name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Preset {
    /// Those of Amazon CloudFront.
    Cloudfront,
    /// Those of Cloudflare.
    Cloudflare,
}

/// What a header tells of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientFact {
    /// Of where it is.
    Field(LocationField),
    /// Address and port.
    Address,
    /// The country, or what Cloudflare has in place of one.
    CountryOrMark,
    /// A fingerprint of what it offers in a TLS handshake.
    Ja3,
    /// Another one.
    Ja4,
}

impl Preset {
    fn headers(self) -> &'static [(&'static str, ClientFact)] {
        use ClientFact::*;
        use LocationField::*;
        match self {
            Self::Cloudfront => &[
                ("cloudfront-viewer-address", Address),
                ("cloudfront-viewer-asn", Field(Asn)),
                ("cloudfront-viewer-city", Field(City)),
                ("cloudfront-viewer-country", Field(Country)),
                ("cloudfront-viewer-country-name", Field(CountryName)),
                ("cloudfront-viewer-country-region", Field(Region)),
                ("cloudfront-viewer-country-region-name", Field(RegionName)),
                ("cloudfront-viewer-ja3-fingerprint", Ja3),
                ("cloudfront-viewer-ja4-fingerprint", Ja4),
                ("cloudfront-viewer-latitude", Field(Latitude)),
                ("cloudfront-viewer-longitude", Field(Longitude)),
                ("cloudfront-viewer-metro-code", Field(MetroCode)),
                ("cloudfront-viewer-postal-code", Field(PostalCode)),
                ("cloudfront-viewer-time-zone", Field(TimeZone)),
            ],
            Self::Cloudflare => &[
                ("cf-ipcity", Field(City)),
                ("cf-ipcontinent", Field(Continent)),
                ("cf-ipcountry", CountryOrMark),
                ("cf-iplatitude", Field(Latitude)),
                ("cf-iplongitude", Field(Longitude)),
                ("cf-metro-code", Field(MetroCode)),
                ("cf-postal-code", Field(PostalCode)),
                ("cf-region", Field(RegionName)),
                ("cf-region-code", Field(Region)),
                ("cf-timezone", Field(TimeZone)),
            ],
        }
    }
}

impl ClientFact {
    /// What is known of it.
    pub(crate) fn value<'l>(
        self,
        client: &Client,
        location: &Location<'l>,
    ) -> Option<Cow<'l, str>> {
        match self {
            Self::Field(field) => field.value(location),
            Self::Address => {
                let is_direct = client.peer.ip() == client.ip;
                let port = if is_direct { client.peer.port() } else { 0 };
                Some(format!("{}:{port}", client.ip).into())
            }
            Self::CountryOrMark if location.anonymity.tor => Some("T1".into()),
            Self::CountryOrMark => {
                let country = LocationField::Country.value(location);
                Some(country.unwrap_or(Cow::Borrowed("XX")))
            }
            Self::Ja3 => Some(client.fingerprint()?.ja3.clone().into_string().into()),
            Self::Ja4 => Some(client.fingerprint()?.ja4.clone().into_string().into()),
        }
    }
}

impl Configured for GeoHeaders {
    const NAME: &'static str = "geo_headers";
    const SUMMARY: &'static str = "Tells the origin where the client is, in the headers of CloudFront, Cloudflare or your own.";
    const EXAMPLE: &'static str = r#"use = "geo_headers"
presets = ["cloudfront"]
headers = { "x-country" = "country", "x-time-zone" = "time_zone" }
"#;
    type Settings = Settings;

    fn new(
        Settings { presets, headers }: Settings,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        builder.needs_geoip("")?;
        if presets.is_empty() && headers.is_empty() {
            return Err(BuildError::at(
                "",
                "nothing is told: give `presets` or `headers`",
            ));
        }
        let mut names = BTreeSet::new();
        let mut all = Vec::new();
        for (name, field) in headers {
            let FieldName(name) = name;
            let refused = |message: String| BuildError::at(format!("headers.{name}"), message);
            refuse_framing(&name).map_err(refused)?;
            if name == HOST {
                return Err(refused("the filter `rewrite` changes the host".to_owned()));
            }
            names.insert(name.as_str().to_owned());
            all.push((name, ClientFact::Field(field)));
        }
        for (name, source) in presets.into_iter().flat_map(Preset::headers) {
            // A header of the operator's own wins over that of a preset.
            if names.insert((*name).to_owned()) {
                all.push((HeaderName::from_static(name), *source));
            }
        }
        Ok(Self { headers: all })
    }
}

impl Filter for GeoHeaders {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let Exchange {
            request, client, ..
        } = exchange;
        let location = client.location();
        for (name, source) in &self.headers {
            request.remove_header(name);
            // A database's texts are not ours: what can't be in a header is left out.
            let value = source.value(client, &location);
            let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) else {
                continue;
            };
            let fails = |_| {
                FilterError::new(format!(
                    "`{name}` can't be added: there are too many headers"
                ))
            };
            request.insert_header(name, value).map_err(fails)?;
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rimward_geoip::Kind;
    use rimward_geoip::build::{self, Value};

    use super::*;
    use crate::testing::{build, databases, exchange, refused};

    fn settings(presets: &str) -> GeoHeaders {
        build(&format!(
            "presets = [{presets}]\nheaders = {{ x-eu = 'is_eu' }}"
        ))
        .unwrap()
    }

    fn sample() -> Exchange {
        let city = build::city("DE", ("BE", "Land Berlin"), "Berlin", (52.5, 13.25));
        let system = build::network(64_496, "Example Networks");
        let tor: Value = build::map([("is_tor_exit_node", true.into())]);
        let mut exchange = exchange(
            "GET",
            "/",
            &[("cf-ipcountry", "US"), ("cloudfront-viewer-time-zone", "x")],
        );
        exchange.client.geoip = Some(Arc::new(databases(&[
            (Kind::Places, "203.0.113.0/24", city),
            (Kind::Networks, "203.0.113.0/24", system),
            (Kind::Anonymous, "203.0.113.66/32", tor),
        ])));
        exchange
    }

    #[track_caller]
    fn check(exchange: &Exchange, expected: &[(&str, Option<&str>)]) {
        for (name, value) in expected {
            assert_eq!(exchange.header(name), *value, "{name}");
        }
    }

    #[test]
    fn presets_tell_what_those_of_others_do() {
        let mut exchange = sample();
        settings("'cloudfront', 'cloudflare'")
            .request(&mut exchange)
            .unwrap();
        check(
            &exchange,
            &[
                ("CloudFront-Viewer-Country", Some("DE")),
                ("CloudFront-Viewer-Country-Name", Some("Germany")),
                ("CloudFront-Viewer-Country-Region", Some("BE")),
                ("CloudFront-Viewer-Country-Region-Name", Some("Land Berlin")),
                ("CloudFront-Viewer-City", Some("Berlin")),
                ("CloudFront-Viewer-Latitude", Some("52.5")),
                ("CloudFront-Viewer-Longitude", Some("13.25")),
                ("CloudFront-Viewer-ASN", Some("64496")),
                ("CloudFront-Viewer-Address", Some("203.0.113.7:40000")),
                ("CloudFront-Viewer-Time-Zone", None),
                ("CF-IPCountry", Some("DE")),
                ("CF-IPContinent", Some("EU")),
                ("CF-IPCity", Some("Berlin")),
                ("CF-Region", Some("Land Berlin")),
                ("CF-Region-Code", Some("BE")),
                ("CF-Timezone", None),
                ("x-eu", Some("true")),
            ],
        );
    }

    #[test]
    fn what_a_client_sends_is_taken_out_also_when_nothing_is_known() {
        let mut exchange = sample();
        exchange.client.ip = "198.51.100.1".parse().unwrap();
        exchange.request.insert_header("x-eu", "true").unwrap();
        settings("'cloudfront', 'cloudflare'")
            .request(&mut exchange)
            .unwrap();
        check(
            &exchange,
            &[
                ("cloudfront-viewer-country", None),
                ("cloudfront-viewer-time-zone", None),
                ("cloudfront-viewer-address", Some("198.51.100.1:0")),
                ("cf-ipcountry", Some("XX")),
                ("x-eu", None),
            ],
        );
        exchange.client.ip = "203.0.113.66".parse().unwrap();
        settings("'cloudflare'").request(&mut exchange).unwrap();
        check(
            &exchange,
            &[("cf-ipcountry", Some("T1")), ("x-eu", Some("true"))],
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("", "nothing is told: give `presets` or `headers`"),
            ("presets = ['akamai']", "akamai"),
            (
                "headers = { x-a = 'street' }",
                "`street` is nothing that is known of a place: there are country,",
            ),
            ("headers = { 'x a' = 'city' }", "is not a header name"),
            (
                "headers = { host = 'city' }",
                "headers.host: the filter `rewrite` changes the host",
            ),
            ("headers = { te = 'city' }", "`te` is about one connection"),
        ] {
            refused::<GeoHeaders>(settings, expected);
        }
    }
}
