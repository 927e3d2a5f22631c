//! `[origin.NAME]` with a `function`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{Function, FunctionLimits, Guests, Origin, OriginId, OriginKind};
use crate::document;
use crate::problem::Problem;
use crate::value::{ByteSize, Span};

use super::scope::{HOUR, SHORTEST, millis, secs};
use super::{Names, Scope};

pub(super) fn function(
    file: &Path,
    written: document::Origin,
    names: &Names,
    scope: &mut Scope<'_>,
) -> Function {
    let grants = written.grants.unwrap_or_default();
    Function {
        file: scope.path("function", file),
        env: env(written.env.unwrap_or_default(), &mut scope.key("env")),
        args: args(written.args.unwrap_or_default(), scope),
        origins: origins(
            grants.origins.unwrap_or_default(),
            names,
            &mut scope.key("grants"),
        ),
        hosts: grants.hosts.unwrap_or_default(),
        limits: limits(written.limits.unwrap_or_default(), &mut scope.key("limits")),
    }
}

fn env(written: BTreeMap<String, String>, scope: &mut Scope<'_>) -> Vec<(String, String)> {
    for (name, value) in &written {
        let is_name = !name.is_empty() && !name.contains('=') && !name.contains(char::is_control);
        if !is_name {
            let message =
                format!("`{name}` can't be the name of a variable: write one such as `API_URL`");
            scope.problems.push(scope.source.key_problem(name, message));
        } else if value.contains('\0') {
            scope.tell(name, "the value of a variable can't hold a NUL");
        }
    }
    written.into_iter().collect()
}

fn args(written: Vec<String>, scope: &mut Scope<'_>) -> Vec<String> {
    for (index, argument) in written.iter().enumerate() {
        if argument.contains('\0') {
            scope.tell(&format!("args[{index}]"), "an argument can't hold a NUL");
        }
    }
    written
}

fn origins(written: Vec<String>, names: &Names, scope: &mut Scope<'_>) -> Vec<OriginId> {
    let mut ids = Vec::with_capacity(written.len());
    for (index, name) in written.iter().enumerate() {
        let key = format!("origins[{index}]");
        let Some(id) = names.find(name, &key, scope) else {
            continue;
        };
        if ids.contains(&OriginId(id)) {
            scope.tell(
                &key,
                format!("the origin `{name}` is given twice: leave one out"),
            );
        }
        ids.push(OriginId(id));
    }
    ids
}

fn limits(written: document::FunctionLimits, scope: &mut Scope<'_>) -> FunctionLimits {
    let default = FunctionLimits::default();
    FunctionLimits {
        cpu: scope.span("cpu", written.cpu, millis(1)..=secs(600), Span(default.cpu)),
        wall: scope.span("wall", written.wall, SHORTEST..=HOUR, Span(default.wall)),
        memory: scope.size(
            "memory",
            written.memory,
            ByteSize(64 << 10)..=ByteSize(4 << 30),
            ByteSize(default.memory),
        ),
        response_body: scope.size(
            "response_body",
            written.response_body,
            ByteSize(0)..=ByteSize(1 << 40),
            ByteSize(default.response_body),
        ),
        subrequests: scope.count(
            "subrequests",
            written.subrequests,
            0..=10_000,
            default.subrequests,
        ),
        log: scope.size(
            "log",
            written.log,
            ByteSize(0)..=ByteSize(1 << 20),
            ByteSize(default.log),
        ),
        concurrency: scope.count(
            "concurrency",
            written.concurrency,
            1..=100_000,
            default.concurrency,
        ),
    }
}

/// Tells of each function that may have more memory than guests have.
pub(super) fn refuse_large(
    origins: &[Origin],
    names: &Names,
    guests: &Guests,
    problems: &mut Vec<Problem>,
) {
    for (origin, (_, source)) in origins.iter().zip(names.iter()) {
        let OriginKind::Function(function) = &origin.kind else {
            continue;
        };
        let memory = function.limits.memory;
        if memory > guests.memory {
            let (memory, most) = (ByteSize(memory), ByteSize(guests.memory));
            let message =
                format!("the function may have `{memory}`, but no guest has more than `{most}`");
            let help = "give `limits.memory` here, or more `memory` in `[guests]`";
            problems.push(source.problem("limits.memory", message).with_help(help));
        }
    }
}

/// Tells of each function that would ask itself, by way of others or at once: such requests have no end.
pub(super) fn refuse_circles(origins: &[Origin], names: &Names, problems: &mut Vec<Problem>) {
    for (start, (_, source)) in names.iter().enumerate() {
        let Some(circle) = circle(origins, start) else {
            continue;
        };
        let named: Vec<String> = circle
            .iter()
            .map(|index| format!("`{}`", origins[*index].name))
            .collect();
        let message = format!("the function would ask itself: {}", named.join(" → "));
        problems.push(source.problem("grants.origins", message));
    }
}

/// The shortest way along grants that leads from an origin back to it.
fn circle(origins: &[Origin], start: usize) -> Option<Vec<usize>> {
    let mut ways = std::collections::VecDeque::from([vec![start]]);
    let mut seen = vec![false; origins.len()];
    while let Some(way) = ways.pop_front() {
        let OriginKind::Function(function) = &origins[*way.last()?].kind else {
            continue;
        };
        for OriginId(next) in &function.origins {
            let longer = [&way[..], &[*next]].concat();
            if *next == start {
                return Some(longer);
            }
            if !std::mem::replace(&mut seen[*next], true) {
                ways.push_back(longer);
            }
        }
    }
    None
}
