//! One version of a guest, ready to run: its code linked, with its settings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use rimward_config::OriginId;
use rimward_kv::Store;
use serde_json::Value;
use wasmtime::component::InstancePre;

use super::abi::{Error, Hook, Hooks, waits};
use super::code::{Code, CodeId};
use super::lambda_edge::HostGrant;
use super::limits::{Limits, is_near};
use super::link;
use super::state::State;
use crate::chosen::OriginChoice;
use crate::filter::{BuildError, Builder, Secret};
use crate::lasting::uptime;
use crate::outside::{Surroundings, Tally};
use crate::pictures::Pictures;

/// How many calls in a row may fail before a version is taken out.
const MAX_FAULTS: u32 = 10;
/// How often a version is said to come near its limits.
const WARN_EACH: Duration = Duration::from_secs(60);

/// One version of a guest.
pub(super) struct Version {
    /// The filter's name.
    pub(super) name: Arc<str>,
    /// What tells this version from others.
    pub(super) id: Arc<str>,
    pub(super) code: CodeId,
    pub(super) hooks: Hooks,
    pub(super) limits: Limits,
    pub(super) grants: Grants,
    pub(super) config: ConfigText,
    /// Counts up with each time that it is made.
    pub(super) generation: u64,
    /// Whether it may wait in the middle of a call.
    pub(super) waits: bool,
    /// Whether it may have pages rewritten by the host.
    pub(super) edits_pages: bool,
    /// Whether it may have pictures made by the host.
    pub(super) wants_pictures: bool,
    pub(super) around: Surroundings,
    pub(super) pre: InstancePre<State>,
    pub(super) counters: Counters,
    pub(super) health: Health,
}

/// What a guest was granted.
#[derive(Default)]
pub(super) struct Grants {
    pub(super) stores: BTreeMap<String, Arc<Store>>,
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) origins: BTreeMap<String, Arc<OriginChoice>>,
    pub(super) hosts: Vec<HostGrant>,
    pub(super) env: Vec<(String, String)>,
    /// Where pictures are made, if it may have any made.
    pub(super) pictures: Option<Arc<Pictures>>,
}

impl Grants {
    /// Whether a host may be asked.
    pub(super) fn check_host(&self, host: &str, port: u16, tls: bool) -> Result<(), Error> {
        match self.hosts.iter().any(|grant| grant.covers(host, port, tls)) {
            true => Ok(()),
            false => Err(Error::Denied(format!(
                "`grants.hosts` does not name `{}:{port}`",
                host.escape_debug()
            ))),
        }
    }
}

/// The settings of a guest, as it reads them.
pub(super) struct ConfigText {
    pub(super) text: String,
    value: Value,
}

impl ConfigText {
    pub(super) fn new(value: Value) -> Self {
        Self {
            text: value.to_string(),
            value,
        }
    }

    /// One setting by its path, such as `prices.eur[0]`: a text as it is, all else as JSON.
    pub(super) fn get(&self, path: &str) -> Option<String> {
        let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
        let found = steps
            .into_iter()
            .try_fold(&self.value, |value, step| match value {
                Value::Array(list) => list.get(step.parse::<usize>().ok()?),
                value => value.get(step),
            })?;
        Some(match found {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Ok,
    /// The guest said that it failed.
    Error,
    Trap,
    Cpu,
    Wall,
    Memory,
    /// There was no room for another instance.
    Full,
}

impl Ending {
    const ALL: [Self; 7] = [
        Self::Ok,
        Self::Error,
        Self::Trap,
        Self::Cpu,
        Self::Wall,
        Self::Memory,
        Self::Full,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Trap => "trap",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::Memory => "memory",
            Self::Full => "full",
        }
    }
}

/// Where the calls of a version are counted.
pub(super) struct Counters([[Option<Arc<dyn Tally>>; Ending::ALL.len()]; Hook::ALL.len()]);

impl Counters {
    pub(super) fn new(name: &str, id: &str, hooks: &Hooks, around: &Surroundings) -> Self {
        Self(Hook::ALL.map(|hook| {
            let calls = |ending: Ending| around.tallies.calls(name, id, hook.name(), ending.name());
            Ending::ALL.map(|ending| hooks.has(hook).then(|| calls(ending)))
        }))
    }

    pub(super) fn count(&self, hook: Hook, ending: Ending) {
        if let Some(counter) = &self.0[hook as usize][ending as usize] {
            counter.count();
        }
    }
}

/// How a version does.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Calls in a row that failed.
    faults: AtomicU32,
    /// When it was last said to come near a limit, in milliseconds of uptime.
    warned: AtomicU64,
}

impl Health {
    /// A call ended; whether the version has now failed too often to go on.
    pub(super) fn ended(&self, ending: Ending) -> bool {
        match ending {
            // An error is an answer of a guest that is well, and room is not its fault.
            Ending::Ok | Ending::Error | Ending::Full => {
                if self.faults.load(Ordering::Relaxed) != 0 {
                    self.faults.store(0, Ordering::Relaxed);
                }
                false
            }
            _ => self.faults.fetch_add(1, Ordering::Relaxed) + 1 == MAX_FAULTS,
        }
    }

    fn may_warn(&self) -> bool {
        let now = u64::try_from(uptime().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let last = self.warned.load(Ordering::Relaxed);
        let each = u64::try_from(WARN_EACH.as_millis()).unwrap_or(u64::MAX);
        (last == 0 || now.saturating_sub(last) >= each)
            && self
                .warned
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl Version {
    /// Links code with its settings.
    ///
    /// # Errors
    /// With what it imports that no guest is given, by `wrong`.
    pub(super) fn new(
        builder: &Builder<'_>,
        code: &Code,
        limits: Limits,
        grants: Grants,
        config: Value,
        wrong: &dyn Fn(String) -> BuildError,
    ) -> Result<Self, BuildError> {
        static GENERATIONS: AtomicU64 = AtomicU64::new(0);
        let refused = link::refused(&code.component);
        if !refused.is_empty() {
            let list: Vec<_> = refused.iter().map(|name| format!("`{name}`")).collect();
            let list = list.join(", ");
            return Err(wrong(format!("imports what no guest is given: {list}")));
        }
        let linker = link::linker(code.component.engine()).map_err(wrong)?;
        let pre = linker.instantiate_pre(&code.component);
        let pre = pre.map_err(|error| wrong(format!("can't be linked: {error:#}")))?;
        let hooks = Hooks::of(&code.component);
        let id = code.id.short();
        let around = builder.around().clone();
        Ok(Self {
            name: builder.name.into(),
            counters: Counters::new(builder.name, &id, &hooks, &around),
            id: id.into(),
            code: code.id,
            hooks,
            limits,
            config: ConfigText::new(config),
            generation: GENERATIONS.fetch_add(1, Ordering::Relaxed) + 1,
            waits: waits(&code.component),
            edits_pages: link::imports(&code.component, "html"),
            wants_pictures: grants.pictures.is_some() && link::imports(&code.component, "images"),
            grants,
            around,
            pre,
            health: Health::default(),
        })
    }

    /// Says so when a call came near a limit.
    pub(super) fn warn_near(&self, hook: Hook, cpu: Duration, memory: usize) {
        let (limits, near) = (&self.limits, is_near);
        let cpu_is_near = near(cpu.as_nanos(), limits.cpu.as_nanos());
        let memory_is_near = near(memory as u128, limits.memory as u128);
        if (cpu_is_near || memory_is_near) && self.health.may_warn() {
            tracing::warn!(
                filter = %self.name, version = %self.id, phase = hook.name(),
                cpu = ?cpu, cpu_limit = ?limits.cpu, memory, memory_limit = limits.memory,
                "a guest comes near its limits"
            );
        }
    }

    /// The name of an origin.
    pub(super) fn origin_name(&self, origin: OriginId) -> Option<Arc<str>> {
        self.around.origins.as_ref()?.get(origin.0).cloned()
    }

    /// An origin that the guest may choose.
    pub(super) fn choice(&self, name: &str) -> Result<Arc<OriginChoice>, Error> {
        if let Some(choice) = self.grants.origins.get(name) {
            return Ok(choice.clone());
        }
        let name = name.escape_debug();
        Err(Error::Denied(format!(
            "`grants.origins` does not name `{name}`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_by_their_path() {
        let config = serde_json::json!({ "a": { "b": ["x", { "c": 1 }] }, "d": true });
        let config = ConfigText::new(config);
        for (path, expected) in [
            ("a.b[0]", Some("x")),
            ("a.b[1].c", Some("1")),
            ("a.b.0", Some("x")),
            ("d", Some("true")),
            ("a.b", Some("[\"x\",{\"c\":1}]")),
            ("a.c", None),
            ("a.b[2]", None),
            ("d.e", None),
        ] {
            assert_eq!(config.get(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_version_is_taken_out_once_after_a_run_of_faults() {
        let health = Health::default();
        let trips = |ending| (0..2 * MAX_FAULTS).filter(|_| health.ended(ending)).count();
        assert_eq!(trips(Ending::Trap), 1);
        assert_eq!(trips(Ending::Ok), 0);
        assert_eq!(trips(Ending::Cpu), 1);
        for _ in 0..100 {
            assert!(!health.ended(Ending::Ok));
            assert!(!health.ended(Ending::Memory));
        }
    }
}
