//! `[pop]`, `[admin]`, `[log]`, `[cache]` and `[geoip]`.

use std::path::PathBuf;

use crate::config::{
    AccessFormat, AccessLog, Admin, AdminAddress, CacheBounds, CacheDisk, GeoIp, Log, LogFormat,
    LogTarget, Pop, UnknownHost,
};
use crate::document;
use crate::value::{ByteSize, Short, Switch};

use super::Scope;
use super::scope::{HOUR, SHORTEST, secs};

const DEFAULT_NAME: &str = "rimward";
const DEFAULT_LEVEL: &str = "info";

pub(crate) fn default_pop() -> Pop {
    Pop {
        name: DEFAULT_NAME.to_owned(),
        threads: None,
        trusted_proxies: Vec::new(),
        server_timing: false,
        cache_status_key: false,
        fast_lane: true,
        shutdown_timeout: secs(30).0,
    }
}

pub(crate) fn pop(written: document::Pop, scope: &mut Scope<'_>) -> (Pop, UnknownHost) {
    let default = default_pop();
    if let Some(name) = &written.name
        && !is_pop_name(name)
    {
        scope.tell(
            "name",
            format!("`{name}` can't be a name: at most 64 letters, digits and `-._`, beginning with a letter, such as `fra1`"),
        );
    }
    let unknown_host = match written.unknown_host {
        None | Some(421) => UnknownHost::Misdirected,
        Some(404) => UnknownHost::NotFound,
        Some(other) => {
            scope.tell(
                "unknown_host",
                format!("`{other}` can't be the status of an unknown host: 421 or 404"),
            );
            UnknownHost::default()
        }
    };
    let pop = Pop {
        name: written.name.unwrap_or(default.name),
        threads: match written.threads {
            Some(document::Threads::Number(threads)) => Some(threads),
            Some(document::Threads::Auto) | None => None,
        },
        trusted_proxies: written
            .trusted_proxies
            .unwrap_or_default()
            .into_iter()
            .map(|cidr| cidr.0)
            .collect(),
        server_timing: written.server_timing.unwrap_or(default.server_timing),
        cache_status_key: written.cache_status_key.unwrap_or(default.cache_status_key),
        fast_lane: written.fast_lane.unwrap_or(default.fast_lane),
        shutdown_timeout: scope.span(
            "shutdown_timeout",
            written.shutdown_timeout,
            secs(0)..=HOUR,
            secs(30),
        ),
    };
    (pop, unknown_host)
}

/// Whether a text is a token of RFC 8941, and plain enough for metrics and logs.
fn is_pop_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

pub(crate) fn admin(written: document::Admin, scope: &mut Scope<'_>) -> Admin {
    let token_file = written
        .token_file
        .map(|path| scope.path("token_file", &path));
    let address = match written.address {
        None => AdminAddress::Tcp(([127, 0, 0, 1], 9900).into()),
        Some(document::AdminAt(AdminAddress::Unix(path))) => {
            AdminAddress::Unix(scope.source.folder().join(path))
        }
        Some(document::AdminAt(tcp)) => tcp,
    };
    if let AdminAddress::Tcp(tcp) = address
        && !tcp.ip().is_loopback()
        && token_file.is_none()
        && !scope.source.misses("token_file")
    {
        scope.tell_with_help(
            "address",
            format!("`{tcp}` is reachable from elsewhere, so a token is needed"),
            "add `token_file`, or listen on a loopback address such as `127.0.0.1:9900`",
        );
    }
    Admin {
        address,
        token_file,
    }
}

pub(crate) fn default_log() -> Log {
    Log {
        access: Some(default_access()),
        level: DEFAULT_LEVEL.to_owned(),
        format: LogFormat::Text,
    }
}

fn default_access() -> AccessLog {
    AccessLog {
        to: LogTarget::Stdout,
        format: AccessFormat::Json,
    }
}

pub(crate) fn log(written: document::Log, scope: &mut Scope<'_>) -> Log {
    let default = default_access();
    let access = match written.access {
        None | Some(Switch::On) => Some(default),
        Some(Switch::Off) => None,
        Some(Switch::With(Short::Short(to))) => Some(AccessLog {
            to: target(to, scope),
            ..default
        }),
        Some(Switch::With(Short::Full(access))) => Some(AccessLog {
            to: access.to.map_or(default.to, |to| target(to, scope)),
            format: match access.format {
                Some(document::AccessFormat::Combined) => AccessFormat::Combined,
                Some(document::AccessFormat::Json) | None => AccessFormat::Json,
            },
        }),
    };
    if let Some(level) = &written.level
        && !level.split(',').all(is_directive)
    {
        scope.tell(
            "level",
            format!("`{level}` is not a level: `error`, `warn`, `info`, `debug` or `trace`, or levels by module such as `rimward=debug,info`"),
        );
    }
    Log {
        access,
        level: written.level.unwrap_or_else(|| DEFAULT_LEVEL.to_owned()),
        format: match written.format {
            Some(document::LogFormat::Json) => LogFormat::Json,
            Some(document::LogFormat::Text) | None => LogFormat::Text,
        },
    }
}

fn target(written: document::LogTo, scope: &Scope<'_>) -> LogTarget {
    match written.0 {
        LogTarget::File(path) => LogTarget::File(scope.source.folder().join(path)),
        stream => stream,
    }
}

/// Whether a text is a level, or a module and its level.
fn is_directive(text: &str) -> bool {
    let (module, level) = text
        .split_once('=')
        .map_or((None, text), |(module, level)| (Some(module), level));
    let is_level = ["off", "error", "warn", "info", "debug", "trace"].contains(&level.trim());
    let is_module = |module: &str| {
        !module.is_empty()
            && module
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
    };
    is_level && module.is_none_or(|module| is_module(module.trim()))
}

pub(crate) fn cache(written: document::Cache, scope: &mut Scope<'_>) -> CacheBounds {
    let most = ByteSize(16 << 40);
    let memory = scope.size(
        "memory",
        written.memory,
        ByteSize(64 << 10)..=most,
        ByteSize(256 << 20),
    );
    let disk = written
        .disk
        .map(|disk| cache_disk(&disk, &mut scope.key("disk")));
    let (room, room_is, usual) = match &disk {
        Some(disk) => (disk.size / 4, "a quarter of `disk.size`", 2 << 30),
        None => (memory, "`memory`", 64 << 20),
    };
    let max_object = scope.size(
        "max_object",
        written.max_object,
        ByteSize(1)..=most,
        ByteSize(room.min(usual)),
    );
    if max_object > room {
        scope.tell(
            "max_object",
            format!(
                "`{}` is more than there is room for: at most {room_is}, which is `{}`",
                ByteSize(max_object),
                ByteSize(room)
            ),
        );
    }
    CacheBounds {
        memory,
        disk,
        max_object,
        lock_timeout: scope.span(
            "lock_timeout",
            written.lock_timeout,
            SHORTEST..=secs(600),
            secs(10),
        ),
    }
}

fn cache_disk(written: &document::Disk, scope: &mut Scope<'_>) -> CacheDisk {
    let range = ByteSize(16 << 20)..=ByteSize(256 << 40);
    let path = scope.path("path", &written.path);
    CacheDisk {
        path,
        size: scope.size("size", Some(written.size), range, ByteSize(16 << 20)),
    }
}

pub(crate) fn geoip(written: document::GeoIp, scope: &mut Scope<'_>) -> GeoIp {
    let mut path = |key, written: Option<PathBuf>| Some(scope.path(key, &written?));
    let geoip = GeoIp {
        database: path("database", written.database),
        asn_database: path("asn_database", written.asn_database),
        anonymous_database: path("anonymous_database", written.anonymous_database),
    };
    if geoip.files().next().is_none() {
        scope.tell(
            "",
            "there is no database: name one as `database`, `asn_database` or `anonymous_database`",
        );
    }
    geoip
}
