//! `[origin.NAME]`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{Directory, Guests, Origin, OriginKind};
use crate::document;
use crate::load::Loaded;
use crate::problem::Problem;

use super::function;
use super::s3;
use super::servers::{servers, settings};
use super::{Names, Scope};

/// The origins in the order of `names`; one that could not be read has a stand-in, so that indices hold.
pub(crate) fn origins(
    files: &mut [Loaded],
    names: &Names,
    guests: &Guests,
    problems: &mut Vec<Problem>,
) -> Vec<Origin> {
    let mut written: BTreeMap<String, document::Origin> = BTreeMap::new();
    for file in files.iter_mut().rev() {
        // Backwards, so that of two with one name the first is taken; the second is told by `Names`.
        written.append(&mut file.document.origin);
    }
    let origins: Vec<Origin> = names
        .iter()
        .map(|(name, source)| {
            let kind = match written.remove(name) {
                Some(written) => origin(written, names, &mut Scope::new(source.clone(), problems)),
                None => stand_in(),
            };
            Origin {
                name: name.clone(),
                kind,
            }
        })
        .collect();
    function::refuse_large(&origins, names, guests, problems);
    function::refuse_circles(&origins, names, problems);
    origins
}

/// Never seen: there is a problem where it stands.
pub(super) fn stand_in() -> OriginKind {
    OriginKind::Directory(Directory {
        root: Path::new("").into(),
        index: String::new(),
        cache_control: None,
    })
}

fn origin(mut written: document::Origin, names: &Names, scope: &mut Scope<'_>) -> OriginKind {
    let function = written.function.take();
    if function.is_none() {
        refuse(&of_functions(&written), "a `function`", scope);
    }
    match (
        written.servers.take(),
        written.directory.take(),
        written.s3.take(),
        function,
    ) {
        (Some(list), None, None, None) => {
            OriginKind::Servers(Box::new(servers(list, written, scope)))
        }
        (None, Some(root), None, None) => directory(&root, &written, scope),
        (None, None, Some(s3), None) => bucket(s3, written, scope),
        (None, None, None, Some(file)) => {
            refuse(
                &of_servers(&written),
                "`servers`, not to a `function`",
                scope,
            );
            refuse(
                &of_files(&written),
                "a `directory`, not to a `function`",
                scope,
            );
            OriginKind::Function(Box::new(function::function(&file, written, names, scope)))
        }
        (None, None, None, None) => {
            let misses = |key| scope.source.misses(key);
            if !["servers", "directory", "s3", "function"]
                .into_iter()
                .any(misses)
            {
                scope.tell_with_help(
                    "",
                    "an origin needs `servers`, a `directory`, `s3` or a `function`",
                    "write `servers = [\"10.0.0.11:8080\"]` or `directory = \"site/\"`",
                );
            }
            stand_in()
        }
        (_, directory, _, function) => {
            let second = match (function, directory) {
                (Some(_), _) => "function",
                (None, Some(_)) => "directory",
                (None, None) => "s3",
            };
            scope.tell(
                second,
                "an origin has `servers`, a `directory`, `s3` or a `function`, one of them only: make two origins of it",
            );
            stand_in()
        }
    }
}

/// A server like others, with requests of their own kind.
fn bucket(s3: document::S3, mut written: document::Origin, scope: &mut Scope<'_>) -> OriginKind {
    if written.index.take().is_some() {
        scope.tell(
            "index",
            "`index` belongs to a `directory`; that of a bucket stands within `s3`",
        );
    }
    let is_given = written.cache_control.take().is_some();
    refuse(
        &[("cache_control", is_given)],
        "a `directory`, not to `s3`",
        scope,
    );
    let is_given = written.host.take().is_some();
    refuse(
        &[("host", is_given)],
        "`servers`, and that of a bucket is part of its address",
        scope,
    );
    let Some(bucket) = s3::bucket(s3, &mut scope.key("s3")) else {
        return stand_in();
    };
    if written.tls.is_some() && !bucket.server.tls {
        scope.tell(
            "tls",
            "`tls` is given, but the endpoint has no TLS: write `https://` before it",
        );
    }
    let mut settings = settings(vec![bucket.server], written, scope);
    settings.host = Some(bucket.host);
    settings.s3 = Some(bucket.s3);
    OriginKind::Servers(Box::new(settings))
}

fn directory(root: &Path, written: &document::Origin, scope: &mut Scope<'_>) -> OriginKind {
    refuse(
        &of_servers(written),
        "`servers`, not to a `directory`",
        scope,
    );
    let index = written
        .index
        .clone()
        .unwrap_or_else(|| "index.html".to_owned());
    if index.is_empty() || index.contains(['/', '\\', '\0']) || index.starts_with('.') {
        scope.tell("index", format!("`{index}` is not the name of a file: write one such as `index.html`, without a folder"));
    }
    if let Some(value) = &written.cache_control
        && (value.trim().is_empty() || !is_field_value(value))
    {
        scope.tell(
            "cache_control",
            format!("`{value}` can't be a header: write one such as `max-age=3600`"),
        );
    }
    OriginKind::Directory(Directory {
        root: scope.path("directory", root),
        index,
        cache_control: written.cache_control.clone(),
    })
}

/// The keys of servers, and whether they are given.
fn of_servers(written: &document::Origin) -> [(&'static str, bool); 12] {
    [
        ("balance", written.balance.is_some()),
        ("hash_by", written.hash_by.is_some()),
        ("health", written.health.is_some()),
        ("outlier", written.outlier.is_some()),
        ("slow_start", written.slow_start.is_some()),
        ("timeouts", written.timeouts.is_some()),
        ("retries", written.retries.is_some()),
        ("tls", written.tls.is_some()),
        ("http2", written.http2.is_some()),
        ("host", written.host.is_some()),
        ("idle_timeout", written.idle_timeout.is_some()),
        ("max_requests", written.max_requests.is_some()),
    ]
}

/// The keys of a directory, and whether they are given.
pub(super) fn of_files(written: &document::Origin) -> [(&'static str, bool); 2] {
    [
        ("index", written.index.is_some()),
        ("cache_control", written.cache_control.is_some()),
    ]
}

/// The keys of a function, and whether they are given.
fn of_functions(written: &document::Origin) -> [(&'static str, bool); 4] {
    [
        ("env", written.env.is_some()),
        ("args", written.args.is_some()),
        ("grants", written.grants.is_some()),
        ("limits", written.limits.is_some()),
    ]
}

/// Tells of each key that means nothing here.
pub(super) fn refuse(keys: &[(&str, bool)], belongs_to: &str, scope: &mut Scope<'_>) {
    for (key, _) in keys.iter().filter(|(_, is_given)| *is_given) {
        let problem = scope.source.key_problem(
            key,
            format!("`{key}` belongs to {belongs_to}: leave it out"),
        );
        scope.problems.push(problem);
    }
}

fn is_field_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}
