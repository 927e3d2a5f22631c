//! Metrics in the Prometheus text form: what requests counted, and what cache and origins tell when they are asked.

use std::fmt::Write;

use rimward_kv::Stats;

use crate::edge::Process;
use crate::origin::ServerStatus;
use crate::stores::NamedStores;

/// A metric of servers: its name, its help, and where its value is.
type Row = (&'static str, &'static str, fn(&ServerStatus) -> u64);

/// A metric of stores: its name, its kind, its help, and where its value is.
type StoreRow = (&'static str, &'static str, &'static str, fn(&Stats) -> u64);

/// Everything counted: by requests, by the cache, by the origins and by stores.
pub(crate) fn render_metrics(process: &Process) -> String {
    let mut text = process.metrics.render();
    // Writing to a string can't fail.
    render_cache(&process.cache.objects().stats(), &mut text).ok();
    if let Some(stats) = process.cache.objects().disk_stats() {
        render_disk(&stats, &mut text).ok();
    }
    let runtime = process.runtime.load();
    render_origins(&runtime.origins.status(), &mut text).ok();
    render_stores(&runtime.stores, &mut text).ok();
    text.push_str("# EOF\n");
    text
}

fn render_cache(stats: &rimward_cache::store::Stats, text: &mut String) -> std::fmt::Result {
    for (name, kind, help, value) in [
        (
            "cache_keys",
            "gauge",
            "Cache keys with at least one object",
            stats.keys,
        ),
        ("cache_bytes", "gauge", "Bytes held in memory", stats.bytes),
        (
            "cache_capacity_bytes",
            "gauge",
            "Bytes that may be held in memory",
            stats.capacity,
        ),
        (
            "cache_fills",
            "gauge",
            "Responses on their way into the cache",
            stats.fills,
        ),
        (
            "cache_hits",
            "counter",
            "Look-ups that found an object",
            stats.hits,
        ),
        (
            "cache_misses",
            "counter",
            "Look-ups that found nothing",
            stats.misses,
        ),
        (
            "cache_evictions",
            "counter",
            "Objects that had to make room",
            stats.evictions,
        ),
        (
            "purge_journal_failures",
            "counter",
            "Times that purges could no longer be written down",
            stats.purge_journal_failures,
        ),
    ] {
        metric(text, name, kind, help, value)?;
    }
    Ok(())
}

fn render_disk(stats: &rimward_cache::DiskStats, text: &mut String) -> std::fmt::Result {
    for (name, kind, help, value) in [
        (
            "up",
            "gauge",
            "1 while the cache's disk is in use",
            u64::from(stats.up),
        ),
        ("objects", "gauge", "Objects held on disk", stats.objects),
        (
            "bytes",
            "gauge",
            "Bytes that the cache's files take",
            stats.bytes,
        ),
        (
            "capacity_bytes",
            "gauge",
            "Bytes that they may take",
            stats.capacity,
        ),
        (
            "hits",
            "counter",
            "Look-ups that found an object on disk",
            stats.hits,
        ),
        ("writes", "counter", "Objects written to disk", stats.writes),
        (
            "written_bytes",
            "counter",
            "Bytes written to disk",
            stats.written_bytes,
        ),
        (
            "dropped",
            "counter",
            "Objects not written, since too many waited",
            stats.dropped,
        ),
        (
            "evictions",
            "counter",
            "Objects on disk that had to make room",
            stats.evictions,
        ),
        (
            "read_faults",
            "counter",
            "Reads that failed or gave something else than was written",
            stats.read_faults,
        ),
        (
            "write_faults",
            "counter",
            "Writes that failed",
            stats.write_faults,
        ),
    ] {
        metric(text, &format!("cache_disk_{name}"), kind, help, value)?;
    }
    Ok(())
}

fn metric(text: &mut String, name: &str, kind: &str, help: &str, value: u64) -> std::fmt::Result {
    let suffix = if kind == "counter" { "_total" } else { "" };
    writeln!(
        text,
        "# HELP rimward_{name} {help}.\n# TYPE rimward_{name} {kind}\nrimward_{name}{suffix} {value}"
    )
}

fn render_origins(servers: &[ServerStatus], text: &mut String) -> std::fmt::Result {
    let gauges: [Row; 4] = [
        (
            "origin_healthy",
            "1 while a server passes its health checks",
            |server| u64::from(server.healthy),
        ),
        (
            "origin_ejected",
            "1 while a server is out for its failures",
            |server| u64::from(server.ejected),
        ),
        (
            "origin_idle_connections",
            "Connections to a server kept for the next request",
            |server| server.idle as u64,
        ),
        ("origin_in_flight", "Requests at a server now", |server| {
            server.in_flight as u64
        }),
    ];
    for (name, help, value) in gauges {
        writeln!(
            text,
            "# HELP rimward_{name} {help}.\n# TYPE rimward_{name} gauge"
        )?;
        for server in servers {
            writeln!(
                text,
                "rimward_{name}{{{}}} {}",
                labels(server),
                value(server)
            )?;
        }
    }
    let counters: [Row; 4] = [
        ("origin_requests", "Requests sent to a server", |server| {
            server.requests
        }),
        (
            "origin_failures",
            "Requests that failed at a server",
            |server| server.failures,
        ),
        (
            "origin_ejections",
            "How often a server was left alone for its failures",
            |server| server.ejections,
        ),
        (
            "origin_health_changes",
            "How often health checks changed their mind",
            |server| server.health_changes,
        ),
    ];
    for (name, help, value) in counters {
        writeln!(
            text,
            "# HELP rimward_{name} {help}.\n# TYPE rimward_{name} counter"
        )?;
        for server in servers {
            writeln!(
                text,
                "rimward_{name}_total{{{}}} {}",
                labels(server),
                value(server)
            )?;
        }
    }
    Ok(())
}

const STORES: [StoreRow; 12] = [
    ("keys", "gauge", "Keys in a store", |stats| stats.keys),
    ("bytes", "gauge", "What keys and values take", |stats| {
        stats.bytes
    }),
    (
        "room_bytes",
        "gauge",
        "What keys and values may take",
        |stats| stats.room,
    ),
    (
        "file_bytes",
        "gauge",
        "The length of a store's file",
        |stats| stats.file,
    ),
    (
        "hits",
        "counter",
        "Look-ups in a store that found something",
        |stats| stats.hits,
    ),
    (
        "misses",
        "counter",
        "Look-ups in a store that found nothing",
        |stats| stats.misses,
    ),
    ("puts", "counter", "Values written to a store", |stats| {
        stats.puts
    }),
    ("deletes", "counter", "Keys deleted from a store", |stats| {
        stats.deletes
    }),
    (
        "conflicts",
        "counter",
        "Writes whose condition did not hold",
        |stats| stats.conflicts,
    ),
    (
        "full",
        "counter",
        "Writes that a store had no room for",
        |stats| stats.full,
    ),
    ("expired", "counter", "Entries that expired", |stats| {
        stats.expired
    }),
    (
        "errors",
        "counter",
        "Look-ups and writes that failed at a store's file",
        |stats| stats.errors,
    ),
];

fn render_stores(stores: &NamedStores, text: &mut String) -> std::fmt::Result {
    if stores.is_empty() {
        return Ok(());
    }
    let stats: Vec<_> = stores
        .iter()
        .map(|(name, store)| (escape(name), store.stats()))
        .collect();
    for (name, kind, help, value) in STORES {
        writeln!(
            text,
            "# HELP rimward_kv_{name} {help}.\n# TYPE rimward_kv_{name} {kind}"
        )?;
        let suffix = if kind == "counter" { "_total" } else { "" };
        for (store, stats) in &stats {
            writeln!(
                text,
                "rimward_kv_{name}{suffix}{{store=\"{store}\"}} {}",
                value(stats)
            )?;
        }
    }
    Ok(())
}

fn labels(server: &ServerStatus) -> String {
    format!(
        "origin=\"{}\",server=\"{}\"",
        escape(&server.origin),
        escape(server.label())
    )
}

fn escape(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
