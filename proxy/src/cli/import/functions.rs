//! Functions of a service that are called by CloudFront.

use std::path::Path;

use super::Source;
use super::cloudformation::Template;
use super::distribution::{Distribution, add_to};
use super::notes::Notes;
use super::places::Place;
use super::plan::{Event, FilterKind, Handler, Plan};
use super::yaml::{Entry, Node};

/// What Serverless calls the distribution of its own event.
const OWN: &str = "CloudFrontDistribution";
/// MiB that a handler may have here.
const MOST_MEMORY: u64 = 1024;
const LEAST_MEMORY: u64 = 16;
/// Seconds that a handler may take here.
const MOST_TIME: u64 = 30;
/// What Serverless calls a function's version and the function, behind its name.
const LOGICAL: [&str; 2] = ["LambdaVersion", "LambdaFunction"];

/// Adds the functions to the distributions that they belong to.
pub(super) fn add(
    tree: &Node,
    template: &Template<'_>,
    source: &Source,
    distributions: &mut Vec<Distribution>,
    plan: &mut Plan,
    notes: &mut Notes,
) {
    let functions: Vec<&Entry> = match tree.get("functions") {
        Some(functions) => {
            let lists = functions.list().iter().flat_map(Node::entries);
            functions.entries().iter().chain(lists).collect()
        }
        None => Vec::new(),
    };
    let mut service = Service {
        tree,
        template,
        source,
        distributions,
        plan,
        notes,
    };
    for function in &functions {
        service.function(function, &functions);
    }
    service.wanted(&functions);
}

struct Service<'a, 's> {
    tree: &'a Node,
    template: &'a Template<'a>,
    source: &'a Source,
    distributions: &'s mut Vec<Distribution>,
    plan: &'s mut Plan,
    notes: &'s mut Notes,
}

/// When a function is called, as an event or a plugin has it.
struct Call<'a> {
    node: &'a Node,
    event: Event,
    include_body: bool,
}

impl Service<'_, '_> {
    fn function(&mut self, function: &Entry, all: &[&Entry]) {
        let mut is_called = false;
        for event in function.value.get("events").map_or(&[][..], Node::list) {
            let kind = event.entries().first();
            match kind.map(|entry| (entry.key.as_str(), &entry.value)) {
                Some(("cloudFront", node)) => {
                    is_called = true;
                    self.own_event(function, node);
                }
                Some(("preExistingCloudFront", node)) => {
                    is_called = true;
                    self.elsewhere(function, node);
                }
                Some((kind, _)) => self.notes.tell(
                    event.line,
                    format!(
                        "the event `{kind}` of `{}` is left out: it is none of CloudFront's",
                        function.key
                    ),
                ),
                None => {}
            }
        }
        if let Some(at_edge) = function.value.get("lambdaAtEdge") {
            is_called = true;
            let list = match at_edge.list() {
                [] => std::slice::from_ref(at_edge),
                list => list,
            };
            list.iter().for_each(|node| self.at_edge(function, node));
        }
        if !is_called && !self.is_wanted(function, all) {
            self.notes.tell(
                function.line,
                format!(
                    "the function `{}` is left out: CloudFront does not call it",
                    function.key
                ),
            );
        }
    }

    fn is_wanted(&self, function: &Entry, all: &[&Entry]) -> bool {
        let behaviors = self.distributions.iter().flat_map(|one| &one.behaviors);
        let mut wanted = behaviors.flat_map(|behavior| &behavior.wanted);
        wanted.any(|wanted| {
            let meant = named_by(&wanted.function, all);
            meant.is_some_and(|meant| meant.key == function.key)
        })
    }

    fn call<'n>(&mut self, function: &Entry, node: &'n Node) -> Option<Call<'n>> {
        let event = node.get("eventType").and_then(Node::text);
        let Some(event) = event.and_then(Event::find) else {
            self.notes.tell(
                node.line,
                format!(
                    "an event of `{}` is left out: its `eventType` is none of the four",
                    function.key
                ),
            );
            return None;
        };
        Some(Call {
            node,
            event,
            include_body: node.get("includeBody").is_some_and(Node::is_true),
        })
    }

    /// `- cloudFront: { … }`.
    fn own_event(&mut self, function: &Entry, node: &Node) {
        let Some(call) = self.call(function, node) else {
            return;
        };
        let Some(name) = self.handler(function, call.event, call.include_body) else {
            return;
        };
        let origin = node.get("origin").map(|origin| match origin.text() {
            Some(url) => Place::of_url(url, self.template.region),
            None => Place::of_node(origin, self.template, self.notes),
        });
        let place = match origin {
            Some(Ok(place)) => Some(place),
            Some(Err(why)) => {
                self.notes.tell(
                    node.line,
                    format!("the origin of `{}` is left out: {why}", function.key),
                );
                None
            }
            None => None,
        };
        let (template, notes) = (self.template, &mut *self.notes);
        let distribution = named(self.distributions, OWN);
        let place = place.map(|place| distribution.add_place(place));
        let pattern = call.node.get("pathPattern").and_then(Node::text);
        let behavior = distribution.behavior(pattern, node.line);
        if let Some(table) = node.get("behavior") {
            add_to(behavior, table, template, notes);
        }
        behavior.place = place.or(behavior.place.take());
        behavior.handlers.push((call.event, name));
        if let Some(entry) = node.entry("cachePolicy") {
            notes.tell(
                entry.line,
                "`cachePolicy` is left out: say what it says in the route's `cache`",
            );
        }
    }

    /// `- preExistingCloudFront: { … }` of a plugin.
    fn elsewhere(&mut self, function: &Entry, node: &Node) {
        let id = node.get("distributionId").map(|id| self.template.text(id));
        self.at_distribution(function, node, id);
    }

    /// `lambdaAtEdge: { … }` of another plugin.
    fn at_edge(&mut self, function: &Entry, node: &Node) {
        let name = node
            .get("distribution")
            .or_else(|| node.get("distributionID"));
        let name = name.map(|name| self.template.text(name));
        self.at_distribution(function, node, name);
    }

    fn at_distribution(
        &mut self,
        function: &Entry,
        node: &Node,
        name: Option<Result<String, String>>,
    ) {
        let name = match name {
            Some(Ok(name)) => name,
            Some(Err(why)) => {
                self.notes.tell(
                    node.line,
                    format!(
                        "which distribution calls `{}` is not known: {why}",
                        function.key
                    ),
                );
                "elsewhere".to_owned()
            }
            None => "elsewhere".to_owned(),
        };
        let Some(call) = self.call(function, node) else {
            return;
        };
        let Some(handler) = self.handler(function, call.event, call.include_body) else {
            return;
        };
        let pattern = node.get("pathPattern").and_then(Node::text);
        let distribution = named(self.distributions, &name);
        if distribution.behaviors.is_empty() && distribution.places.is_empty() {
            distribution.is_elsewhere = true;
        }
        distribution
            .behavior(pattern, node.line)
            .handlers
            .push((call.event, handler));
    }

    /// Functions that behaviors name themselves.
    fn wanted(&mut self, functions: &[&Entry]) {
        for distribution in 0..self.distributions.len() {
            for behavior in 0..self.distributions[distribution].behaviors.len() {
                let wanted = std::mem::take(
                    &mut self.distributions[distribution].behaviors[behavior].wanted,
                );
                for wanted in wanted {
                    let function = named_by(&wanted.function, functions);
                    let (Some(function), Some(event)) = (function, wanted.event) else {
                        self.notes.tell(
                            wanted.line,
                            format!(
                                "the function `{}` is left out: it is not in the file",
                                wanted.function
                            ),
                        );
                        continue;
                    };
                    if let Some(handler) = self.handler(function, event, wanted.include_body) {
                        let behavior = &mut self.distributions[distribution].behaviors[behavior];
                        behavior.handlers.push((event, handler));
                    }
                }
            }
        }
    }

    /// The name of the filter that calls a function.
    fn handler(&mut self, function: &Entry, event: Event, include_body: bool) -> Option<String> {
        let node = &function.value;
        let Some(written) = node.get("handler").and_then(Node::text) else {
            self.notes.tell(
                function.line,
                format!(
                    "the function `{}` is left out: it has no `handler`, which an image has not",
                    function.key
                ),
            );
            return None;
        };
        let (base, name) = split(written);
        let is_python = self.is_python(node);
        let file = self.file(function, base, is_python);
        let usual = if is_python {
            "lambda_handler"
        } else {
            "handler"
        };
        self.tell_of_the_rest(function);
        let kind = FilterKind::Handler(Handler {
            file,
            event,
            function: Some(name.to_owned()).filter(|name| name != usual),
            include_body: include_body && event.is_request(),
            memory: self.memory(function),
            timeout: self.timeout(function, event),
        });
        let plain = &function.key;
        let is_taken = self
            .plan
            .filters
            .iter()
            .any(|filter| filter.name == *plain && filter.kind != kind);
        let wish = match is_taken {
            true => format!("{plain}-{}", event.name()),
            false => plain.clone(),
        };
        Some(self.plan.filter(&wish, kind))
    }

    fn is_python(&self, function: &Node) -> bool {
        let runtime = function
            .get("runtime")
            .or_else(|| self.tree.at(&["provider", "runtime"]));
        let runtime = runtime.and_then(Node::text);
        runtime.is_some_and(|runtime| runtime.starts_with("python"))
    }

    /// The file of a handler, whose name the service leaves the ending out of.
    fn file(&mut self, function: &Entry, base: &str, is_python: bool) -> String {
        let base = base.trim_start_matches("./");
        let kinds: &[&str] = if is_python {
            &["py"]
        } else {
            &["js", "cjs", "mjs"]
        };
        let is_there = |kind: &str| self.source.folder.join(format!("{base}.{kind}")).is_file();
        let kind = kinds.iter().find(|kind| is_there(kind));
        let written = format!("{base}.{}", kind.unwrap_or(&kinds[0]));
        if kind.is_none() {
            let what = match is_there("ts") {
                true => format!(
                    "`{base}.ts` is TypeScript: name the JavaScript that it is built to as `lambda_edge` of `{}`",
                    function.key
                ),
                false => format!(
                    "there is no file `{written}`: name it as `lambda_edge` of `{}`",
                    function.key
                ),
            };
            self.notes.tell(function.line, what);
        }
        let path = self.source.seen_from_output.join(Path::new(&written));
        path.to_string_lossy().into_owned()
    }

    fn memory(&mut self, function: &Entry) -> Option<u64> {
        let entry = function.value.entry("memorySize")?;
        let memory = entry.value.number()?;
        let clamped = memory.clamp(LEAST_MEMORY, MOST_MEMORY);
        if clamped != memory {
            self.notes.tell(
                entry.line,
                format!(
                    "`memorySize` is {memory}: here it is from {LEAST_MEMORY} to {MOST_MEMORY} MiB"
                ),
            );
        }
        Some(clamped)
    }

    fn timeout(&mut self, function: &Entry, event: Event) -> Option<u64> {
        let entry = function.value.entry("timeout")?;
        let timeout = entry.value.number().filter(|timeout| *timeout > 0)?;
        let most = if event.is_viewer() { 5 } else { MOST_TIME };
        if timeout > most {
            self.notes.tell(
                entry.line,
                format!(
                    "`timeout` is {timeout}: {} takes at most {most} seconds",
                    event.name()
                ),
            );
        }
        Some(timeout.min(most))
    }

    fn tell_of_the_rest(&mut self, function: &Entry) {
        for (key, what) in [
            (
                "environment",
                "Lambda@Edge gives handlers no environment: `grants.env` of the filter does",
            ),
            ("layers", "layers are left out: a handler is one file"),
            (
                "vpc",
                "`vpc` is left out: `grants` says what a handler may reach",
            ),
        ] {
            if let Some(entry) = function.value.entry(key) {
                self.notes.tell(entry.line, what);
            }
        }
    }
}

fn named<'d>(distributions: &'d mut Vec<Distribution>, name: &str) -> &'d mut Distribution {
    let index = match distributions.iter().position(|one| one.name == name) {
        Some(index) => index,
        None => {
            distributions.push(Distribution::named(name));
            distributions.len() - 1
        }
    };
    &mut distributions[index]
}

/// `src/auth.handler` as `src/auth` and `handler`.
fn split(handler: &str) -> (&str, &str) {
    let name = handler.rfind('/').map_or(0, |slash| slash + 1);
    match handler[name..].rfind('.') {
        Some(dot) => (&handler[..name + dot], &handler[name + dot + 1..]),
        None => (handler, "handler"),
    }
}

/// The function that a reference means: `AuthLambdaVersion…` is `auth`'s.
fn named_by<'f>(reference: &str, functions: &[&'f Entry]) -> Option<&'f Entry> {
    let is_meant = |function: &&&'f Entry| {
        let logical = logical_name(&function.key);
        let is_logical = LOGICAL
            .iter()
            .any(|end| reference.contains(&format!("{logical}{end}")));
        let name = function.value.get("name").and_then(Node::text);
        let is_part = |name: &str| reference.split(':').any(|part| part == name);
        is_logical || name.is_some_and(is_part)
    };
    // Of two that fit, the one with the longer name is meant.
    functions
        .iter()
        .filter(is_meant)
        .max_by_key(|function| function.key.len())
        .copied()
}

/// What Serverless makes of a function's name in the template.
fn logical_name(name: &str) -> String {
    let plain = name.replace('-', "Dash").replace('_', "Underscore");
    let mut letters = plain.chars();
    match letters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + letters.as_str(),
        None => String::new(),
    }
}
