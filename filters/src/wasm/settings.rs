//! `[filter.NAME] wasm = "…"`: from settings to a guest that is ready.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use super::abi::Hook;
use super::code::{Code, CodeId};
use super::engine::{Pool, engine};
use super::guest::{Guest, Loaded};
use super::lambda_edge::HostGrant;
use super::limits::{Limits, LimitsSettings};
use super::trial;
use super::version::{Grants, Version};
use super::versions::Versions;
use crate::bucket::BUCKETS;
use crate::filter::{BuildError, Builder, Configured};
use crate::pictures::{Failing, Pictures, Work};

/// How many exchanges an instance serves that is used again, if nothing else is said.
const EXCHANGES: u32 = 1000;

/// Settings of a filter in WebAssembly, which has `wasm` in place of `use`. The file is watched: a new one is compiled beside the
/// workers, linked, given its `config`, tried, and then takes over, while requests on their way end with the one before. One that
/// fails any of this leaves the one before in its place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The component: a file, or a folder of versions, of which the one with the greatest name is taken, numbers in names being
    /// compared as numbers. A core module made with `wit-bindgen` will do as well.
    wasm: PathBuf,
    /// Settings that the guest reads, as it wants them.
    #[serde(default)]
    config: serde_json::Map<String, serde_json::Value>,
    /// What it may reach beyond the request that it is called for.
    #[serde(default)]
    grants: GrantsSettings,
    /// What it may take.
    #[serde(default)]
    limits: LimitsSettings,
    /// How long an instance lives: `"request"` gives each request a fresh one, which nothing of another request reaches. `"reuse"`
    /// lets one serve many requests, one after the other, which is faster and keeps what the guest remembers; Python needs it.
    #[serde(default)]
    isolation: Isolation,
    /// How many requests an instance serves with `isolation = "reuse"`: 1000 unless something else is said.
    reuse: Option<u32>,
    /// A request that a new version has to survive before it takes over.
    smoke: Option<trial::Smoke>,
    /// Another version that part of the clients get, each always the same.
    rollout: Option<Rollout>,
}

/// How long an instance lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline, title = "word")]
pub(crate) enum Isolation {
    /// For one request.
    #[default]
    Request,
    /// For many requests, one after the other.
    Reuse,
}

/// What a guest may reach.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrantsSettings {
    /// Stores of `[kv.NAME]`, by name.
    pub(super) kv: Vec<String>,
    /// Origins that it may choose and ask, by name.
    pub(super) origins: Vec<String>,
    /// Secrets of `[secret.NAME]`, by name.
    pub(super) secrets: Vec<String>,
    /// Other hosts that it may ask, or have asked in place of the origin: `api.example.com`, `*.example.com` for all below one, or
    /// one with a port: without it, it is that of `http` or `https`.
    pub(super) hosts: Vec<HostGrant>,
    /// Variables of its environment.
    pub(super) env: BTreeMap<String, String>,
    /// Whether it may have pictures made (`images.apply`), within the usual bounds of the filter `image`.
    pub(super) images: bool,
}

/// Another version for part of the clients.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollout {
    /// The other component, as `wasm`.
    wasm: PathBuf,
    /// How many of a hundred clients get it, by their address: from 0 to 100.
    percent: f64,
}

impl Configured for Guest {
    const NAME: &'static str = "wasm";
    const SUMMARY: &'static str = "Runs a filter in WebAssembly.";
    const EXAMPLE: &'static str = r#"wasm = "plugins/prices.wasm"
config = { currency = "EUR" }
limits = { cpu = "5ms", wall = "500ms", memory = "16MiB", subrequests = 4 }
on_error = "skip"
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let plan = Plan::new(&settings, builder)?;
        let file = plan.read(builder, "wasm", &settings.wasm)?;
        let name = builder
            .name
            .replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
        let versions = Versions::of(&name, builder.guests().path.as_deref());
        let choice = Choice::new(&versions, file);
        let current = plan.load(builder, "wasm", &choice.current)?;
        let before = choice
            .before
            .as_ref()
            .and_then(|before| plan.load(builder, "wasm", before).ok());
        let candidate = match &settings.rollout {
            Some(rollout) => {
                let share = share(rollout.percent)?;
                let file = plan.read(builder, "rollout.wasm", &rollout.wasm)?;
                Some((plan.load(builder, "rollout.wasm", &file)?, share))
            }
            None => match &choice.candidate {
                Some((content, percent)) => {
                    Some((plan.load(builder, "wasm", content)?, share(*percent)?))
                }
                None => None,
            },
        };
        Ok(Self::of(current, before, candidate).kept_by(versions, choice.file.bytes))
    }
}

/// Which versions run: what was deployed, unless the file of the configuration has changed since.
struct Choice {
    file: Content,
    current: Content,
    before: Option<Content>,
    candidate: Option<(Content, f64)>,
}

/// What a version is made of, and where it came from.
#[derive(Clone)]
struct Content {
    place: String,
    bytes: Bytes,
}

impl Choice {
    fn new(versions: &Versions, file: Content) -> Self {
        let index = versions.index();
        let kept = |sha256: &String| {
            let place = format!("version {}", sha256.get(..12).unwrap_or(sha256));
            versions
                .content(sha256)
                .map(|bytes| Content { place, bytes })
        };
        let id = CodeId::of(&file.bytes).hex();
        if index.file.as_ref() != Some(&id) {
            return Self {
                current: file.clone(),
                before: index
                    .active
                    .as_ref()
                    .filter(|active| **active != id)
                    .and_then(kept),
                candidate: None,
                file,
            };
        }
        let active = index
            .active
            .as_ref()
            .filter(|active| **active != id)
            .and_then(kept);
        let candidate = index.candidate.as_ref();
        Self {
            current: active.unwrap_or_else(|| file.clone()),
            before: index.before.last().and_then(kept),
            candidate: candidate.and_then(|share| Some((kept(&share.sha256)?, share.percent))),
            file,
        }
    }
}

fn share(percent: f64) -> Result<u32, BuildError> {
    if !(0.0..=100.0).contains(&percent) {
        let wrong = format!("`{percent}` is not a number from 0 to 100");
        return Err(BuildError::at("rollout.percent", wrong));
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 10,000"
    )]
    Ok((percent / 100.0 * f64::from(BUCKETS)).round() as u32)
}

/// How versions of one guest are made ready.
struct Plan<'s> {
    settings: &'s Settings,
    limits: Limits,
    exchanges: u32,
}

impl<'s> Plan<'s> {
    fn new(settings: &'s Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let most = usize::try_from(builder.guests().memory).unwrap_or(usize::MAX);
        let exchanges = match (settings.isolation, settings.reuse) {
            (Isolation::Request, None) => 1,
            (Isolation::Request, Some(_)) => {
                let wrong = "it is for `isolation = \"reuse\"`";
                return Err(BuildError::at("reuse", wrong));
            }
            (Isolation::Reuse, None) => EXCHANGES,
            (Isolation::Reuse, Some(0)) => {
                return Err(BuildError::at(
                    "reuse",
                    "an instance serves at least one request",
                ));
            }
            (Isolation::Reuse, Some(exchanges)) => exchanges,
        };
        Ok(Self {
            settings,
            limits: Limits::new(&settings.limits, most)?,
            exchanges,
        })
    }

    fn read(&self, builder: &Builder<'_>, key: &str, path: &Path) -> Result<Content, BuildError> {
        let file = newest(builder, path);
        Ok(Content {
            bytes: builder.read_bytes(key, &file)?.into(),
            place: file.display().to_string(),
        })
    }

    fn load(
        &self,
        builder: &Builder<'_>,
        key: &str,
        content: &Content,
    ) -> Result<Loaded, BuildError> {
        let wrong = |why: String| BuildError::at(key, format!("`{}` {why}", content.place));
        let engine = engine(pool(builder))
            .map_err(|error| wrong(format!("can't be run on this machine: {error}")))?;
        let code = Code::load(&content.bytes, engine, builder.guests().path.as_deref())
            .map_err(|error| wrong(format!("is not a component that can be run: {error}")))?;
        let grants = grants(&self.settings.grants, builder)?;
        let config = serde_json::Value::Object(self.settings.config.clone());
        let version = Version::new(builder, &code, self.limits, grants, config, &wrong)?;
        if !Hook::PHASES.iter().any(|hook| version.hooks.has(*hook)) {
            return Err(wrong(
                "exports no phase such as `rimward:filter/on-request@0.1.0`".to_owned(),
            ));
        }
        let version = Arc::new(version);
        let loaded = Loaded::new(version, self.exchanges);
        trial::survives(&loaded, self.settings.smoke.as_ref()).map_err(&wrong)?;
        Ok(loaded)
    }
}

/// The pool that guests are wanted to share.
pub(super) fn pool(builder: &Builder<'_>) -> Pool {
    let guests = builder.guests();
    Pool {
        instances: guests.instances,
        memory: usize::try_from(guests.memory).unwrap_or(usize::MAX),
    }
}

pub(super) fn grants(
    written: &GrantsSettings,
    builder: &Builder<'_>,
) -> Result<Grants, BuildError> {
    let mut grants = Grants {
        env: written.env.clone().into_iter().collect(),
        hosts: written.hosts.clone(),
        ..Grants::default()
    };
    for (index, name) in written.kv.iter().enumerate() {
        let store = builder.store(format!("grants.kv[{index}]"), name)?;
        grants.stores.insert(name.clone(), store);
    }
    for (index, name) in written.origins.iter().enumerate() {
        let choice = builder.choice(format!("grants.origins[{index}]"), name)?;
        grants.origins.insert(name.clone(), choice);
    }
    for (index, name) in written.secrets.iter().enumerate() {
        let secret = builder.secret(format!("grants.secrets[{index}]"), name)?;
        grants.secrets.insert(name.clone(), secret);
    }
    if written.images {
        let pictures = Pictures::new(&Work::default(), Failing::Original, Arc::default(), builder)?;
        grants.pictures = Some(Arc::new(pictures));
    }
    Ok(grants)
}

/// The file that is meant: of a folder, the one with the greatest name.
fn newest(builder: &Builder<'_>, path: &Path) -> PathBuf {
    let whole = builder.folder.join(path);
    let Ok(files) = std::fs::read_dir(&whole) else {
        return path.to_owned();
    };
    builder.watch(whole);
    let names = files.filter_map(|file| Some(file.ok()?.file_name()));
    let versions = names.filter(|name| {
        Path::new(name)
            .extension()
            .is_some_and(|kind| kind == "wasm")
    });
    let newest = versions.max_by_key(|name| in_order(&name.to_string_lossy()));
    newest.map_or_else(|| path.join("*.wasm"), |name| path.join(name))
}

/// What names are ordered by: numbers in them as numbers.
fn in_order(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = rest.split_at(digits);
        let text = behind
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(behind.len());
        let (text, behind) = behind.split_at(text);
        parts.push((number.parse().unwrap_or_default(), text.to_owned()));
        rest = behind;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = [
            "1.10.0.wasm",
            "1.9.0.wasm",
            "1.9.0-rc.wasm",
            "2.wasm",
            "app-1.wasm",
        ];
        names.sort_by_key(|name| in_order(name));
        assert_eq!(
            names,
            [
                "app-1.wasm",
                "1.9.0-rc.wasm",
                "1.9.0.wasm",
                "1.10.0.wasm",
                "2.wasm"
            ]
        );
    }

    #[test]
    fn a_share_is_of_a_hundred() {
        for (percent, expected) in [
            (0.0, Some(0)),
            (0.01, Some(1)),
            (5.0, Some(500)),
            (100.0, Some(10_000)),
            (-1.0, None),
            (101.0, None),
            (f64::NAN, None),
        ] {
            assert_eq!(share(percent).ok(), expected, "{percent}");
        }
    }
}
