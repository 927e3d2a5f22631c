//! Tells on what kind of device a response is shown.

use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use pingora_http::ResponseHeader;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::headers::refuse;
use crate::agents::{self, Agent, System};
use crate::exchange::Exchange;
use crate::filter::{
    Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::settings::FieldName;
use crate::vary;

/// Tells on what kind of device a response is shown.
pub(crate) struct Device {
    name: Arc<str>,
    kinds: Vec<Kind>,
    systems: bool,
    told: Vec<Told>,
    header: Option<HeaderName>,
    preset: Option<Preset>,
    key: bool,
    vary: bool,
    accept_ch: bool,
}

/// Settings of `device`. The kind comes from `User-Agent` and from client hints where a browser sends them. An iPad that
/// asks for pages as a desktop does, which is how it comes, can't be told from a Mac.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The kinds that are told apart: the fewer, the fewer objects in the cache. A television and a tablet that aren't among them are
    /// a `desktop`, a bot is what it pretends to be.
    #[serde(default = "all_kinds")]
    #[schemars(title = "list of kinds")]
    kinds: Vec<Kind>,
    /// Whether `ios` and `android` are told apart as well: the kind is then such as `mobile-ios`.
    #[serde(default)]
    systems: bool,
    /// A request header that tells the kind to later filters and the origin.
    header: Option<FieldName>,
    /// Request headers under the names of another CDN: `"cloudfront"` sets `CloudFront-Is-Mobile-Viewer` and its like to `true`
    /// or `false`; those for iOS and Android only with `systems`.
    #[schemars(title = "word")]
    preset: Option<Preset>,
    /// Whether responses are told apart in the cache by the kind.
    #[serde(default = "yes")]
    key: bool,
    /// Whether responses say in `Vary` that they go by `User-Agent` and the client hints, for caches behind the edge.
    #[serde(default)]
    vary: bool,
    /// Whether responses ask browsers for the client hints that they don't send by themselves (`Accept-CH`).
    #[serde(default)]
    accept_ch: bool,
}

fn all_kinds() -> Vec<Kind> {
    Kind::ALL.into()
}

fn yes() -> bool {
    true
}

/// A kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Desktop,
    Mobile,
    Tablet,
    Tv,
    Bot,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Desktop,
        Self::Mobile,
        Self::Tablet,
        Self::Tv,
        Self::Bot,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Tv => "tv",
            Self::Bot => "bot",
        }
    }
}

/// Names of another CDN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Preset {
    CloudFront,
}

/// What CloudFront says of kinds.
const CLOUDFRONT_KINDS: [(HeaderName, Kind); 4] = [
    (
        HeaderName::from_static("cloudfront-is-desktop-viewer"),
        Kind::Desktop,
    ),
    (
        HeaderName::from_static("cloudfront-is-mobile-viewer"),
        Kind::Mobile,
    ),
    (
        HeaderName::from_static("cloudfront-is-tablet-viewer"),
        Kind::Tablet,
    ),
    (
        HeaderName::from_static("cloudfront-is-smarttv-viewer"),
        Kind::Tv,
    ),
];

/// What CloudFront says of systems.
const CLOUDFRONT_SYSTEMS: [(HeaderName, System); 2] = [
    (
        HeaderName::from_static("cloudfront-is-ios-viewer"),
        System::Ios,
    ),
    (
        HeaderName::from_static("cloudfront-is-android-viewer"),
        System::Android,
    ),
];

/// How a kind on a system is told, made once.
struct Told {
    kind: Kind,
    system: System,
    part: Arc<str>,
    value: HeaderValue,
}

impl Told {
    fn new(kind: Kind, system: System) -> Self {
        let text = match system {
            System::Other => kind.name().to_owned(),
            System::Ios => format!("{}-ios", kind.name()),
            System::Android => format!("{}-android", kind.name()),
        };
        Self {
            kind,
            system,
            // Small letters and a hyphen are always a value.
            value: HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("")),
            part: text.into(),
        }
    }
}

impl Configured for Device {
    const NAME: &'static str = "device";
    const SUMMARY: &'static str = "Tells mobiles, tablets, desktops, televisions and bots apart, for the origin and in the cache.";
    const EXAMPLE: &'static str = r#"use = "device"
kinds = ["desktop", "mobile"]
header = "x-device"
vary = true
"#;
    const SAFE_TO_SKIP: bool = true;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            kinds,
            systems,
            header,
            preset,
            key,
            vary,
            accept_ch,
        } = settings;
        if !kinds.contains(&Kind::Desktop) {
            let message = "`desktop` has to be among them: it is what all others are";
            return Err(BuildError::at("kinds", message));
        }
        if !key && header.is_none() && preset.is_none() {
            let message =
                "nobody is told the kind: name a `header` or a `preset`, or leave `key` on";
            return Err(BuildError::at("", message));
        }
        if let Some(FieldName(name)) = &header {
            refuse(name, true).map_err(|message| BuildError::at("header", message))?;
        }
        let on = |kind: Kind| {
            [System::Other, System::Ios, System::Android].map(|system| Told::new(kind, system))
        };
        agents::prepare();
        Ok(Self {
            name: builder.name.into(),
            told: Kind::ALL.into_iter().flat_map(on).collect(),
            kinds,
            systems,
            header: header.map(|FieldName(name)| name),
            preset,
            key,
            vary,
            accept_ch,
        })
    }
}

impl Filter for Device {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and_if(self.vary || self.accept_ch, Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let agent = Agent::of(&exchange.request.headers);
        let (kind, system) = (
            self.kind(agent),
            if self.systems {
                agent.system
            } else {
                System::Other
            },
        );
        let told = self
            .told
            .iter()
            .find(|told| (told.kind, told.system) == (kind, system));
        if let (Some(name), Some(told)) = (&self.header, told) {
            put(exchange, name, told.value.clone())?;
        }
        if self.preset == Some(Preset::CloudFront) {
            self.tell_as_cloudfront(exchange, kind, system)?;
        }
        if let Some(told) = told.filter(|_| self.key) {
            exchange.chosen.distinguish(&self.name, told.part.clone());
        }
        Ok(Flow::Continue)
    }

    fn response(
        &self,
        _: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        const HINTS: HeaderValue = HeaderValue::from_static(
            "Sec-CH-UA-Mobile, Sec-CH-UA-Platform, Sec-CH-UA-Form-Factors",
        );
        const ACCEPT_CH: HeaderName = HeaderName::from_static("accept-ch");
        if self.vary {
            for name in [
                "User-Agent",
                "Sec-CH-UA-Mobile",
                "Sec-CH-UA-Platform",
                "Sec-CH-UA-Form-Factors",
            ] {
                vary::by(response, name)?;
            }
        }
        if self.accept_ch {
            response
                .append_header(ACCEPT_CH, HINTS)
                .map_err(|_| too_many(&ACCEPT_CH))?;
        }
        Ok(Body::Untouched)
    }
}

impl Device {
    /// What an agent is among the kinds that are told apart.
    fn kind(&self, agent: Agent) -> Kind {
        let kind = match agent.device {
            _ if agent.is_bot && self.kinds.contains(&Kind::Bot) => return Kind::Bot,
            agents::Device::Desktop => Kind::Desktop,
            agents::Device::Mobile => Kind::Mobile,
            agents::Device::Tablet => Kind::Tablet,
            agents::Device::Tv => Kind::Tv,
        };
        if self.kinds.contains(&kind) {
            kind
        } else {
            Kind::Desktop
        }
    }

    fn tell_as_cloudfront(
        &self,
        exchange: &mut Exchange,
        kind: Kind,
        system: System,
    ) -> Result<(), FilterError> {
        for (name, of) in &CLOUDFRONT_KINDS {
            // CloudFront knows no bots: they look as those with a desktop.
            let is_it = *of == kind || (*of == Kind::Desktop && kind == Kind::Bot);
            put(exchange, name, truth(is_it))?;
        }
        for (name, of) in &CLOUDFRONT_SYSTEMS {
            if self.systems {
                put(exchange, name, truth(*of == system))?;
            } else {
                exchange.request.remove_header(name);
            }
        }
        Ok(())
    }
}

fn truth(is_true: bool) -> HeaderValue {
    HeaderValue::from_static(if is_true { "true" } else { "false" })
}

fn put(exchange: &mut Exchange, name: &HeaderName, value: HeaderValue) -> Result<(), FilterError> {
    exchange
        .request
        .insert_header(name, value)
        .map_err(|_| too_many(name))
}

fn too_many(name: &HeaderName) -> FilterError {
    FilterError::new(format!(
        "`{name}` can't be added: there are too many headers"
    ))
}

#[cfg(test)]
mod tests;
