//! Functions of a service that are called by CloudFront.

use super::Source;
use super::cloudformation::Template;
use super::distribution::{Distribution, add_to};
use super::notes::Notes;
use super::places::Place;
use super::plan::{Event, Plan};
use super::yaml::{Entry, Node};

/// What Serverless calls the distribution of its own event.
const OWN: &str = "CloudFrontDistribution";
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

pub(super) struct Service<'a, 's> {
    pub(super) tree: &'a Node,
    template: &'a Template<'a>,
    pub(super) source: &'a Source,
    distributions: &'s mut Vec<Distribution>,
    pub(super) plan: &'s mut Plan,
    pub(super) notes: &'s mut Notes,
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
        behavior.place = place.or_else(|| behavior.place.take());
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
