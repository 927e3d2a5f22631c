//! The cases: what is asked for, how, and what a right answer is.

use std::ops::RangeInclusive;

/// What a peer has to be able to for a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Cache,
    Conditional,
    Range,
    Tls,
    Http2,
    Reload,
    Filters,
    Code,
}

/// Who asks, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// wrk over plain HTTP/1.1 or with TLS.
    Wrk { tls: bool },
    /// h2load: HTTP/2 over TLS with several streams on each connection, or plain HTTP/1.1.
    H2load { tls: bool },
    /// `openssl s_time`: a connection for each handshake.
    Handshakes { resumed: bool },
}

/// Which URLs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paths {
    One(&'static str),
    /// This many distinct ones in turn, all of them warm.
    Cycle(u32),
    /// Each once.
    New,
    /// Some of this many by Zipf's law, all of them warm, and now and then one that was never asked for.
    Mix(u32),
}

/// What goes on beside the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    IdleConnections(usize),
    Reloads,
}

/// One thing that is measured.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) load: Load,
    pub(crate) paths: Paths,
    pub(crate) headers: &'static [&'static str],
    pub(crate) beside: Beside,
    pub(crate) status: u16,
    /// The bytes of each body.
    pub(crate) length: u64,
    /// How many requests the origin may see for each of the load's.
    pub(crate) asked: RangeInclusive<f64>,
}

impl Load {
    /// Whether it speaks TLS.
    pub(crate) fn is_tls(self) -> bool {
        !matches!(self, Self::Wrk { tls: false } | Self::H2load { tls: false })
    }
}

impl Case {
    /// Whether each turn needs a server of its own: idle connections of several would be too many open files.
    pub(crate) fn begins_anew(&self) -> bool {
        matches!(self.beside, Beside::IdleConnections(_))
    }
}

const HITS: RangeInclusive<f64> = 0.0..=0.001;
/// A reload may lose the cache, which all connections then fill at once.
const NEARLY_HITS: RangeInclusive<f64> = 0.0..=0.02;
const EACH: RangeInclusive<f64> = 0.98..=1.02;
/// The script `mix.lua` asks for something new every tenth time.
const TENTH: RangeInclusive<f64> = 0.09..=0.11;

/// The `ETag` of the origin's file is not known before it is asked; this stands for it.
pub(crate) const ETAG: &str = "{etag}";

/// A hit of 1 KiB, which the others are variations of.
fn hit(name: &'static str, title: &'static str) -> Case {
    Case {
        name,
        title,
        needs: &[Need::Cache],
        load: Load::Wrk { tls: false },
        paths: Paths::One("/1k"),
        headers: &[],
        beside: Beside::Nothing,
        status: 200,
        length: 1024,
        asked: HITS,
    }
}

/// All cases, in the order they run.
pub(crate) fn all() -> Vec<Case> {
    [sizes(), protocols(), kinds(), connections(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn sizes() -> Vec<Case> {
    vec![
        hit("hit-1k", "1 KiB hit"),
        Case {
            paths: Paths::One("/100k"),
            length: 100 << 10,
            ..hit("hit-100k", "100 KiB hit")
        },
        Case {
            paths: Paths::One("/10m"),
            length: 10 << 20,
            ..hit("hit-10m", "10 MiB hit")
        },
        Case {
            paths: Paths::Cycle(100_000),
            ..hit("hot-100k", "1 KiB hit, 100,000 hot objects")
        },
    ]
}

fn protocols() -> Vec<Case> {
    vec![
        Case {
            needs: &[Need::Cache, Need::Tls],
            load: Load::Wrk { tls: true },
            ..hit("tls-1k", "1 KiB hit, HTTP/1.1 over TLS")
        },
        Case {
            needs: &[Need::Cache, Need::Tls, Need::Http2],
            load: Load::H2load { tls: true },
            ..hit("h2-1k", "1 KiB hit, HTTP/2 over TLS")
        },
    ]
}

fn kinds() -> Vec<Case> {
    vec![
        Case {
            needs: &[Need::Cache, Need::Conditional],
            // wrk waits for the body whose length a 304 may tell.
            load: Load::H2load { tls: false },
            headers: &["If-None-Match: {etag}"],
            status: 304,
            length: 0,
            ..hit("not-modified", "304 to `If-None-Match`")
        },
        Case {
            needs: &[Need::Cache, Need::Range],
            paths: Paths::One("/100k"),
            headers: &["Range: bytes=50000-51023"],
            status: 206,
            ..hit("range", "1 KiB range of a 100 KiB hit")
        },
        Case {
            paths: Paths::New,
            asked: EACH,
            ..hit("miss", "1 KiB miss that is stored")
        },
        Case {
            paths: Paths::Mix(10_000),
            asked: TENTH,
            ..hit("mix", "Zipf mix, every tenth a miss")
        },
        Case {
            needs: &[],
            paths: Paths::One("/pass/1k"),
            asked: EACH,
            ..hit("pass", "1 KiB passed through, nothing stored")
        },
    ]
}

fn connections() -> Vec<Case> {
    const TLS: &[Need] = &[Need::Cache, Need::Tls];
    vec![
        Case {
            beside: Beside::IdleConnections(10_000),
            ..hit("idle-10k", "1 KiB hit beside 10,000 idle connections")
        },
        Case {
            headers: &["Connection: close"],
            ..hit("close", "1 KiB hit, a connection for each request")
        },
        Case {
            needs: TLS,
            load: Load::Handshakes { resumed: false },
            ..hit("tls-full", "full TLS 1.3 handshake and a 1 KiB hit")
        },
        Case {
            needs: TLS,
            load: Load::Handshakes { resumed: true },
            ..hit("tls-resumed", "resumed TLS 1.3 handshake and a 1 KiB hit")
        },
    ]
}

fn others() -> Vec<Case> {
    vec![
        Case {
            needs: &[Need::Cache, Need::Reload],
            beside: Beside::Reloads,
            asked: NEARLY_HITS,
            ..hit(
                "reload",
                "1 KiB hit while the settings are reloaded twice a second",
            )
        },
        Case {
            needs: &[Need::Cache, Need::Filters],
            ..hit(
                "filters",
                "1 KiB hit with five header-only filters, and without",
            )
        },
        Case {
            needs: &[Need::Code],
            paths: Paths::One("/made"),
            ..hit("code", "1 KiB made by code in JavaScript")
        },
    ]
}
