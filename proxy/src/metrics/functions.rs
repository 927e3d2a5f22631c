//! What functions did.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rimward_filters::wasm::function::Account;

use super::{Seconds, Text};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FunctionLabel {
    function: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    function: Text,
    outcome: &'static str,
}

/// What functions did.
pub(super) struct Functions {
    runs: Family<EndLabels, Counter>,
    instances: Family<FunctionLabel, Gauge>,
    seconds: Family<FunctionLabel, Counter<f64, Seconds>>,
    denied: Family<FunctionLabel, Counter>,
}

impl Functions {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let this = Self {
            runs: Family::default(),
            instances: Family::default(),
            seconds: Family::default(),
            denied: Family::default(),
        };
        let Self {
            runs,
            instances,
            seconds,
            denied,
        } = &this;
        registry.register(
            "function_runs",
            "Runs of functions by how they ended",
            runs.clone(),
        );
        registry.register(
            "function_instances",
            "Instances of functions now",
            instances.clone(),
        );
        registry.register(
            "function_seconds",
            "Time that functions were on a processor",
            seconds.clone(),
        );
        registry.register(
            "function_denied",
            "Requests that functions wanted to send and may not",
            denied.clone(),
        );
        this
    }

    /// Where the runs of a function are counted.
    pub(super) fn account(&self, name: &str) -> Arc<dyn Account> {
        let function = Text(name.into());
        let label = FunctionLabel {
            function: function.clone(),
        };
        Arc::new(FunctionAccount {
            function,
            runs: self.runs.clone(),
            instances: self.instances.get_or_create(&label).clone(),
            seconds: self.seconds.get_or_create(&label).clone(),
            denied: self.denied.get_or_create(&label).clone(),
        })
    }
}

struct FunctionAccount {
    function: Text,
    runs: Family<EndLabels, Counter>,
    instances: Gauge,
    seconds: Counter<f64, Seconds>,
    denied: Counter,
}

impl Account for FunctionAccount {
    fn begins(&self) {
        self.instances.inc();
    }

    fn ends(&self, outcome: &'static str, cpu: Duration) {
        self.instances.dec();
        self.seconds.inc_by(cpu.as_secs_f64());
        let function = self.function.clone();
        let labels = EndLabels { function, outcome };
        self.runs.get_or_create(&labels).inc();
    }

    fn denied(&self) {
        self.denied.inc();
    }
}
