//! What holds when a file says nothing.

use std::time::Duration;

use super::{LEAST, meaning};
use crate::config::*;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_listener_is_enough() {
    let config = meaning("");
    assert_eq!(config.pop.name, "rimward");
    assert_eq!(config.pop.threads, None);
    assert!(config.pop.trusted_proxies.is_empty());
    assert!(!config.pop.server_timing);
    assert!(!config.pop.cache_status_key);
    assert!(config.pop.fast_lane);
    assert_eq!(config.pop.shutdown_timeout, secs(30));
    assert_eq!(config.unknown_host, UnknownHost::Misdirected);
    assert!(config.admin.is_none());
    assert_eq!(
        config.log.access,
        Some(AccessLog {
            to: LogTarget::Stdout,
            format: AccessFormat::Json
        })
    );
    assert_eq!(
        (config.log.level.as_str(), config.log.format),
        ("info", LogFormat::Text)
    );
    assert_eq!(
        config.cache,
        CacheBounds {
            memory: 256 << 20,
            disk: None,
            max_object: 64 << 20,
            lock_timeout: secs(10)
        }
    );
    assert!(
        config.geoip.is_none()
            && config.stores.is_empty()
            && config.origins.is_empty()
            && config.secrets.is_empty()
            && config.filters.is_empty()
            && config.sites.is_empty()
    );
    assert_eq!(
        config.guests,
        Guests {
            path: None,
            instances: 1000,
            memory: 64 << 20
        }
    );
    assert_eq!(config.files, [std::path::Path::new("pop.toml")]);
}

#[test]
fn a_store_takes_so_much() {
    let config =
        meaning("[kv.a]\npath = \"store\"\n[kv.b]\npath = \"other\"\nmax_size = \"4MiB\"\n");
    let bounds = config.stores.iter().map(|store| {
        (
            store.name.as_str(),
            store.max_size,
            store.max_value,
            store.memory,
        )
    });
    let expected = [
        ("a", 1 << 30, 1 << 20, 32 << 20),
        ("b", 4 << 20, 512 << 10, 32 << 20),
    ];
    assert_eq!(bounds.collect::<Vec<_>>(), expected);
}

#[test]
fn a_listener_puts_up_with_so_much() {
    let config = meaning("");
    let listener = &config.listeners[0];
    assert!(
        listener.tls.is_none()
            && !listener.proxy_protocol
            && listener.http2
            && !listener.redirect_to_https
    );
    let expected = ListenerLimits {
        header_timeout: secs(10),
        idle_timeout: secs(60),
        body_timeout: secs(30),
        total_timeout: None,
        min_body_rate: 500,
        min_send_rate: 1024,
        max_header_bytes: 32 << 10,
        max_headers: 100,
        max_target_bytes: 8 << 10,
        max_body: 100 << 20,
        max_connections: 20_000,
        max_connections_per_ip: 256,
        max_requests_per_connection: 10_000,
        max_streams: 128,
    };
    assert_eq!(listener.limits, expected);
}

#[test]
fn defaults_stay_within_what_is_set() {
    let config = meaning(
        "limits = { max_connections = 10, max_header_bytes = \"1KiB\" }\n[cache]\nmemory = \"1MiB\"",
    );
    let limits = &config.listeners[0].limits;
    assert_eq!(
        (limits.max_connections_per_ip, limits.max_target_bytes),
        (10, 1024)
    );
    assert_eq!(config.cache.max_object, 1 << 20);
}

#[test]
fn an_admin_section_is_enough() {
    let admin = meaning("[admin]").admin.unwrap();
    assert_eq!(
        admin.address,
        AdminAddress::Tcp("127.0.0.1:9900".parse().unwrap())
    );
    assert_eq!(admin.token_file, None);
}

#[test]
fn servers_are_enough() {
    let config = meaning("[origin.shop]\nservers = [\"10.0.0.1\"]");
    let OriginKind::Servers(servers) = &config.origins[0].kind else {
        panic!("not servers")
    };
    let address = ServerAddress::Ip("10.0.0.1:80".parse().unwrap());
    assert_eq!(
        servers.servers,
        [Server {
            address,
            tls: false,
            weight: 1
        }]
    );
    assert_eq!(servers.balance, Balance::RoundRobin);
    assert_eq!(
        (&servers.health, &servers.outlier, servers.slow_start),
        (&None, &None, Duration::ZERO)
    );
    let timeouts = OriginTimeouts {
        connect: secs(2),
        first_byte: secs(30),
        between_bytes: secs(30),
    };
    assert_eq!(servers.timeouts, timeouts);
    let retries = Retries {
        max: 2,
        on: vec![RetryOn::Connect, RetryOn::Reset],
        budget_percent: 20,
    };
    assert_eq!(servers.retries, retries);
    assert_eq!(
        servers.tls,
        OriginTls {
            verify: true,
            server_name: None,
            ca: None
        }
    );
    assert!(!servers.http2);
    assert_eq!(
        (&servers.host, servers.idle_timeout, servers.max_requests),
        (&None, secs(60), None)
    );
}

#[test]
fn checks_and_ejection_need_little() {
    let config = meaning(
        "[origin.shop]\nservers = [\"10.0.0.1\"]\nhealth = { path = \"/\" }\noutlier = {}\nbalance = \"hash\"",
    );
    let OriginKind::Servers(servers) = &config.origins[0].kind else {
        panic!("not servers")
    };
    let health = HealthCheck {
        path: "/".into(),
        interval: secs(5),
        timeout: secs(2),
        healthy_after: 2,
        unhealthy_after: 3,
    };
    assert_eq!(servers.health, Some(health));
    assert_eq!(
        servers.outlier,
        Some(Outlier {
            consecutive_errors: 5,
            eject_for: secs(30),
            max_ejected_percent: 50
        })
    );
    assert_eq!(servers.balance, Balance::Hash(HashKey::Uri));
}

#[test]
fn a_directory_is_enough() {
    let config = meaning("[origin.files]\ndirectory = \"site\"");
    let OriginKind::Directory(directory) = &config.origins[0].kind else {
        panic!("not a directory")
    };
    assert_eq!(
        *directory,
        Directory {
            root: "site".into(),
            index: "index.html".into(),
            cache_control: None
        }
    );
}

#[test]
fn a_function_is_enough() {
    let config = meaning("[origin.app]\nfunction = \"app.wasm\"");
    let OriginKind::Function(function) = &config.origins[0].kind else {
        panic!("not a function")
    };
    assert_eq!(
        **function,
        Function {
            file: "app.wasm".into(),
            env: vec![],
            args: vec![],
            origins: vec![],
            hosts: vec![],
            limits: FunctionLimits {
                cpu: Duration::from_millis(100),
                wall: secs(30),
                memory: 64 << 20,
                response_body: 64 << 20,
                subrequests: 32,
                log: 16 << 10,
                concurrency: 100,
            },
        }
    );
}

#[test]
fn a_site_is_cached_as_its_origin_says() {
    let config = meaning(
        "[origin.files]\ndirectory = \"site\"\n[[site]]\nhost = \"a.com\"\norigin = \"files\"",
    );
    let [route] = config.sites[0].routes.as_slice() else {
        panic!("not one route")
    };
    assert_eq!(
        (route.path.as_str(), route.name.as_str(), route.origin),
        ("/*", "/*", Some(OriginId(0)))
    );
    assert_eq!(
        (&route.when, route.filters.len()),
        (&Conditions::default(), 0)
    );
    let policy = CachePolicy {
        ttl: None,
        default_ttl: None,
        key: KeyRules {
            query: QueryRule::All,
            header: vec![],
            cookie: vec![],
            country: false,
        },
        stale_while_revalidate: None,
        stale_if_error: None,
        stale_if_unreachable: Duration::from_secs(60),
        stale_beside_s_maxage: true,
        heuristics: HeuristicRule::Always,
        targets: [
            "rimward-cache-control",
            "cdn-cache-control",
            "surrogate-control",
        ]
        .map(str::to_owned)
        .to_vec(),
        pass_targets: vec!["cdn-cache-control".to_owned()],
        request_directives: false,
        early_refresh: true,
        surrogate_keys: vec![],
        set_cookie: SetCookieRule::Pass,
        slice: Some(1 << 20),
    };
    assert_eq!(route.cache, Some(policy));
}

#[test]
fn nothing_is_compressed_unless_it_is_said_how() {
    let site = |words: &str| {
        let text = format!("[[site]]\nhost = \"a\"\nfilters = [{{ use = \"respond\" }}]\n{words}");
        meaning(&text).sites.remove(0).routes.remove(0).compression
    };
    assert_eq!(site(""), None);
    assert_eq!(site("compress = false"), None);
    let compression = site("compress = true").unwrap();
    assert_eq!(
        compression.encodings,
        [Encoding::Zstd, Encoding::Br, Encoding::Gzip]
    );
    assert_eq!(
        (compression.min_size, compression.max_size),
        (1 << 10, 16 << 20)
    );
    let shrinks = |kind: &str| {
        let mut types = compression.types.iter();
        types.any(|pattern| pattern.matches(kind.as_bytes()))
    };
    for kind in [
        "text/html; charset=utf-8",
        "application/ld+json",
        "image/svg+xml",
    ] {
        assert!(shrinks(kind), "{kind}");
    }
    for kind in ["image/png", "font/woff2", "video/mp4", "application/zip"] {
        assert!(!shrinks(kind), "{kind}");
    }
}

/// The comments of the document are the manual: each default that is a number or a word is what really holds.
#[test]
fn the_defaults_of_the_manual_are_right() {
    let limits = "header_timeout = \"10s\"\nidle_timeout = \"60s\"\nbody_timeout = \"30s\"\nmin_body_rate = \"500B\"\n\
        min_send_rate = \"1KiB\"\nmax_header_bytes = \"32KiB\"\nmax_headers = 100\nmax_target_bytes = \"8KiB\"\n\
        max_body = \"100MiB\"\nmax_connections = 20000\nmax_connections_per_ip = 256\n\
        max_requests_per_connection = 10000\nmax_streams = 128\n";
    let schema = crate::schema(&[]);
    let properties = &schema["$defs"]["Limits"]["properties"];
    for line in limits.lines() {
        let (key, value) = line.split_once(" = ").unwrap();
        let description = properties[key]["description"].as_str().unwrap();
        let default = format!("Default: {}.", value.trim_matches('"'));
        let quoted = format!("Default: `{}`.", value.trim_matches('"'));
        let plain = description.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            plain.contains(&default) || plain.contains(&quoted),
            "{key}: {plain}"
        );
    }
    let written = crate::parse(&format!("{LEAST}[listen.limits]\n{limits}"), "pop.toml").unwrap();
    assert_eq!(written.listeners[0].limits, meaning("").listeners[0].limits);
}

#[test]
fn edges_are_enough_for_a_shield() {
    let text = "[shield.mid]\nservers = [\"10.0.0.1\", \"https://mid.pop\"]\noutlier = {}\n[origin.app]\nservers = [\"10.0.0.9\"]\n";
    let sites = "[[site]]\nhost = \"a.com\"\norigin = \"app\"\nshield = \"mid\"\n[[site.route]]\npath = \"/b\"\nshield = false\n";
    let config = meaning(&format!("{text}{sites}"));
    let shield = &config.shields[0];
    assert_eq!((shield.name(), shield.fallback), ("mid", Fallback::Origin));
    assert!(shield.purge.is_empty());
    let OriginKind::Servers(edges) = &shield.edges.kind else {
        panic!("not servers")
    };
    assert_eq!(edges.balance, Balance::Hash(HashKey::CacheKey));
    assert_eq!(
        (edges.servers.len(), edges.http2, &edges.host),
        (2, false, &None)
    );
    let outlier = edges.outlier.as_ref().unwrap();
    assert_eq!((edges.retries.max, outlier.max_ejected_percent), (2, 100));
    let routes = &config.sites[0].routes;
    let shields: Vec<_> = routes.iter().map(|route| route.shield).collect();
    assert_eq!(shields, [None, Some(ShieldId(0))]);
}

#[test]
fn a_shield_that_never_falls_back_needs_no_origin() {
    let text = "[shield.mid]\nservers = [\"10.0.0.1\"]\nfallback = \"fail\"\n[[site]]\nhost = \"a.com\"\nshield = \"mid\"\n";
    let routes = &meaning(text).sites[0].routes;
    assert_eq!((routes.len(), routes[0].origin), (1, None));
    assert_eq!(routes[0].shield, Some(ShieldId(0)));
}
