//! Functions as filters.

use super::functions::Service;
use super::plan::{Event, FilterKind, Handler};
use super::yaml::{Entry, Node};

/// MiB that a handler may have here.
const MOST_MEMORY: u64 = 1024;
const LEAST_MEMORY: u64 = 16;
/// Seconds that a handler may take here.
const MOST_TIME: u64 = 30;

impl Service<'_, '_> {
    /// The name of the filter that calls a function.
    pub(super) fn handler(
        &mut self,
        function: &Entry,
        event: Event,
        include_body: bool,
    ) -> Option<String> {
        let node = &function.value;
        let Some(written) = node.get("handler").and_then(Node::text) else {
            self.notes.tell(
                function.line,
                format!(
                    "the function `{}` is left out: it has no `handler`, but is an image",
                    function.key
                ),
            );
            return None;
        };
        let (base, name) = split(written);
        let is_python = self.is_python(node);
        let file = match is_python {
            true => self.python(function, base, name),
            false => self.script(function, base),
        };
        self.tell_of_the_rest(function);
        let kind = FilterKind::Handler(Handler {
            file,
            event,
            function: Some(name.to_owned()).filter(|name| !is_python && name != "handler"),
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

    /// The file of a handler in JavaScript, whose name the service leaves the ending out of.
    fn script(&mut self, function: &Entry, base: &str) -> String {
        let base = base.trim_start_matches("./");
        let is_there = |kind: &str| self.source.folder.join(format!("{base}.{kind}")).is_file();
        let kind = ["js", "cjs", "mjs"].into_iter().find(|kind| is_there(kind));
        let written = format!("{base}.{}", kind.unwrap_or("js"));
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
        self.seen(&written)
    }

    /// The component that is to be built of a handler in Python.
    fn python(&mut self, function: &Entry, base: &str, name: &str) -> String {
        let base = base.trim_start_matches("./");
        let what = format!(
            "`{}` is Python: build `{base}.wasm` of the function `{name}` in `{base}.py` by `rimward plugin build`",
            function.key
        );
        self.notes.tell(function.line, what);
        self.seen(&format!("{base}.wasm"))
    }

    /// A file of the service as the configuration names it.
    fn seen(&self, file: &str) -> String {
        let path = self.source.seen_from_output.join(file);
        path.to_string_lossy().into_owned()
    }

    fn memory(&mut self, function: &Entry) -> Option<u64> {
        let entry = setting(self.tree, function, "memorySize")?;
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
        let entry = setting(self.tree, function, "timeout")?;
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

/// `src/auth.handler` as `src/auth` and `handler`.
fn split(handler: &str) -> (&str, &str) {
    let name = handler.rfind('/').map_or(0, |slash| slash + 1);
    match handler[name..].rfind('.') {
        Some(dot) => (&handler[..name + dot], &handler[name + dot + 1..]),
        None => (handler, "handler"),
    }
}

/// What the function says, or else what the service says of all.
fn setting<'n>(tree: &'n Node, function: &'n Entry, key: &str) -> Option<&'n Entry> {
    let of_all = || tree.get("provider")?.entry(key);
    function.value.entry(key).or_else(of_all)
}
