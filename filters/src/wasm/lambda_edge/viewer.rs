//! The headers in which CloudFront tells who asks.

use std::borrow::Cow;
use std::fmt;

use http::header::HeaderValue;
use http::{HeaderMap, Version};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use pingora_http::RequestHeader;
use rimward_geoip::Location;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::agents::{self, Agent, Device, System};
use crate::builtin::ClientFact;
use crate::exchange::{Client, Exchange};
use crate::filter::FilterError;
use crate::location::LocationField;

/// What a header tells.
#[derive(Clone, Copy)]
enum Fact {
    Client(ClientFact),
    Agent(fn(&Agent) -> bool),
    Scheme,
    Version,
}

const fn place(field: LocationField) -> Fact {
    Fact::Client(ClientFact::Field(field))
}

/// All of them, as CloudFront writes them.
const FACTS: [(&str, Fact); 22] = [
    ("CloudFront-Viewer-Country", place(LocationField::Country)),
    (
        "CloudFront-Viewer-Country-Name",
        place(LocationField::CountryName),
    ),
    (
        "CloudFront-Viewer-Country-Region",
        place(LocationField::Region),
    ),
    (
        "CloudFront-Viewer-Country-Region-Name",
        place(LocationField::RegionName),
    ),
    ("CloudFront-Viewer-City", place(LocationField::City)),
    (
        "CloudFront-Viewer-Postal-Code",
        place(LocationField::PostalCode),
    ),
    ("CloudFront-Viewer-Latitude", place(LocationField::Latitude)),
    (
        "CloudFront-Viewer-Longitude",
        place(LocationField::Longitude),
    ),
    (
        "CloudFront-Viewer-Metro-Code",
        place(LocationField::MetroCode),
    ),
    (
        "CloudFront-Viewer-Time-Zone",
        place(LocationField::TimeZone),
    ),
    (
        "CloudFront-Viewer-Address",
        Fact::Client(ClientFact::Address),
    ),
    (
        "CloudFront-Viewer-JA3-Fingerprint",
        Fact::Client(ClientFact::Ja3),
    ),
    (
        "CloudFront-Viewer-JA4-Fingerprint",
        Fact::Client(ClientFact::Ja4),
    ),
    ("CloudFront-Viewer-ASN", place(LocationField::Asn)),
    ("CloudFront-Viewer-Http-Version", Fact::Version),
    (
        "CloudFront-Is-Mobile-Viewer",
        Fact::Agent(|agent| agent.device == Device::Mobile),
    ),
    (
        "CloudFront-Is-Tablet-Viewer",
        Fact::Agent(|agent| agent.device == Device::Tablet),
    ),
    (
        "CloudFront-Is-Desktop-Viewer",
        Fact::Agent(|agent| agent.device == Device::Desktop),
    ),
    (
        "CloudFront-Is-SmartTV-Viewer",
        Fact::Agent(|agent| agent.device == Device::Tv),
    ),
    (
        "CloudFront-Is-IOS-Viewer",
        Fact::Agent(|agent| agent.system == System::Ios),
    ),
    (
        "CloudFront-Is-Android-Viewer",
        Fact::Agent(|agent| agent.system == System::Android),
    ),
    ("CloudFront-Forwarded-Proto", Fact::Scheme),
];

/// One of the headers in which CloudFront tells who asks: its place among `FACTS`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct ViewerHeader(usize);

impl ViewerHeader {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        (0..FACTS.len()).map(Self).collect()
    }

    fn name(self) -> &'static str {
        FACTS[self.0].0
    }

    fn fact(self) -> Fact {
        FACTS[self.0].1
    }
}

impl fmt::Debug for ViewerHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for ViewerHeader {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let mut all = Self::all().into_iter();
        all.find(|header| header.name().eq_ignore_ascii_case(&name))
            .ok_or_else(|| {
                let names = FACTS.map(|(name, _)| name).join(", ");
                format!(
                    "`{name}` is none of the headers in which CloudFront tells who asks: {names}"
                )
            })
    }
}

impl JsonSchema for ViewerHeader {
    fn schema_name() -> Cow<'static, str> {
        "ViewerHeader".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "header name", "enum": FACTS.map(|(name, _)| name) })
    }
}

/// Makes ready what would take long the first time.
pub(super) fn prepare() {
    agents::prepare();
}

/// Who asks, once it was made out.
pub(super) struct Viewer {
    values: Vec<(&'static str, Option<HeaderValue>)>,
}

impl Viewer {
    /// What these headers say of the client of `exchange`.
    pub(super) fn of(headers: &[ViewerHeader], exchange: &Exchange) -> Self {
        let asked = Asked {
            client: &exchange.client,
            location: exchange.client.location(),
            agent: headers
                .iter()
                .any(|header| matches!(header.fact(), Fact::Agent(_)))
                .then(|| agent(&exchange.request.headers)),
            version: exchange.request.version,
        };
        let value = |header: &ViewerHeader| (header.name(), asked.value(header.fact()));
        Self {
            values: headers.iter().map(value).collect(),
        }
    }

    /// Puts it into a request in place of what the client says of itself.
    pub(super) fn tell(self, request: &mut RequestHeader) -> Result<(), FilterError> {
        for (name, value) in self.values {
            request.remove_header(name);
            if let Some(value) = value {
                let fails = |_| FilterError::new(format!("`{name}` can't be added"));
                request.append_header(name, value).map_err(fails)?;
            }
        }
        Ok(())
    }
}

fn agent(fields: &HeaderMap) -> Agent {
    Agent::of(fields)
}

struct Asked<'e> {
    client: &'e Client,
    location: Location<'e>,
    agent: Option<Agent>,
    version: Version,
}

impl Asked<'_> {
    fn value(&self, fact: Fact) -> Option<HeaderValue> {
        let truth = |is_so: bool| HeaderValue::from_static(if is_so { "true" } else { "false" });
        match fact {
            Fact::Client(fact) => {
                let text = fact.value(self.client, &self.location)?;
                // As CloudFront writes what is not ASCII.
                let text = utf8_percent_encode(&text, CONTROLS).to_string();
                HeaderValue::try_from(text).ok()
            }
            Fact::Agent(is_it) => self.agent.as_ref().map(|agent| truth(is_it(agent))),
            Fact::Scheme => Some(HeaderValue::from_static(self.client.scheme.as_str())),
            Fact::Version => Some(HeaderValue::from_static(match self.version {
                Version::HTTP_10 => "1.0",
                Version::HTTP_2 => "2.0",
                Version::HTTP_3 => "3.0",
                _ => "1.1",
            })),
        }
    }
}
