//! What the admin interface answers.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Deserialize;

use rimward_cache::{Mode, Purge};

use super::access::Access;
use crate::edge::{Edge, Process};
use crate::origin::ServerStatus;
use crate::request::key::{Parts, key};

/// The longest request body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

type Reply = Response<Full<Bytes>>;

/// Answers one request. Nothing that changes state is a GET.
pub(super) async fn respond(
    request: Request<Incoming>,
    access: &ArcSwap<Access>,
    edge: &Weak<Edge>,
) -> Result<Reply, Infallible> {
    let path = request.uri().path().to_owned();
    if let Err(status) = access
        .load()
        .check(request.method(), &path, request.headers())
    {
        return Ok(refusal(status));
    }
    let Some(edge) = edge.upgrade() else {
        return Ok(text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"));
    };
    Ok(match (request.method(), path.as_str()) {
        (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
        (&Method::GET, "/readyz") if edge.is_ready() => text(StatusCode::OK, "ready\n"),
        (&Method::GET, "/readyz") => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        (&Method::GET, "/metrics") => metrics(&edge),
        (&Method::GET, "/origins") => origins(&edge),
        (&Method::POST, "/reload") => reload(&edge).await,
        (&Method::POST, "/purge") => purge_request(&edge, request).await,
        (_, "/healthz" | "/readyz" | "/metrics" | "/origins") => not_allowed("GET"),
        (_, "/reload" | "/purge") => not_allowed("POST"),
        _ => text(
            StatusCode::NOT_FOUND,
            "there is GET /healthz, /readyz, /metrics, /origins and POST /reload, /purge\n",
        ),
    })
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    reply(status, "text/plain; charset=utf-8", body.into())
}

fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    response
}

fn refusal(status: StatusCode) -> Reply {
    let mut response = match status {
        StatusCode::UNAUTHORIZED => text(status, "a bearer token is needed\n"),
        StatusCode::FORBIDDEN => text(status, "requests of web pages are not answered\n"),
        _ => text(status, "Host has to be an address or localhost\n"),
    };
    if status == StatusCode::UNAUTHORIZED {
        let challenge = header::HeaderValue::from_static("Bearer realm=\"rimward\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn not_allowed(method: &'static str) -> Reply {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("{method} only\n"));
    response
        .headers_mut()
        .insert(header::ALLOW, header::HeaderValue::from_static(method));
    response
}

fn metrics(edge: &Edge) -> Reply {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    reply(
        StatusCode::OK,
        content_type,
        render_metrics(edge.process()).into(),
    )
}

/// Everything counted: by requests, by the cache and by the origins.
pub(crate) fn render_metrics(process: &Process) -> String {
    let mut text = process.metrics.render();
    // Writing to a string can't fail.
    render_cache(&process.cache.objects().stats(), &mut text).ok();
    render_origins(&process.runtime.load().origins.status(), &mut text).ok();
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
    ] {
        let suffix = if kind == "counter" { "_total" } else { "" };
        writeln!(
            text,
            "# HELP rimward_{name} {help}.\n# TYPE rimward_{name} {kind}\nrimward_{name}{suffix} {value}"
        )?;
    }
    Ok(())
}

fn render_origins(servers: &[ServerStatus], text: &mut String) -> std::fmt::Result {
    let gauges: [(&str, &str, fn(&ServerStatus) -> u64); 4] = [
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
    let counters: [(&str, &str, fn(&ServerStatus) -> u64); 4] = [
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

fn origins(edge: &Edge) -> Reply {
    let servers = edge.process().runtime.load().origins.status();
    let list: Vec<_> = servers
        .iter()
        .map(|server| {
            serde_json::json!({
                "origin": *server.origin,
                "server": server.label(),
                "healthy": server.healthy,
                "ejected": server.ejected,
                "in_flight": server.in_flight,
                "idle_connections": server.idle,
                "requests": server.requests,
                "failures": server.failures,
            })
        })
        .collect();
    reply(
        StatusCode::OK,
        "application/json",
        format!("{:#}\n", serde_json::Value::from(list)).into(),
    )
}

async fn reload(edge: &Arc<Edge>) -> Reply {
    let Some(file) = edge.config().files.first().cloned() else {
        return text(
            StatusCode::CONFLICT,
            "the edge was not started from a file\n",
        );
    };
    let result = edge.reload_file(file.clone()).await;
    let reply = match &result {
        Ok(()) => text(StatusCode::OK, "reloaded\n"),
        Err(problems) => text(StatusCode::UNPROCESSABLE_ENTITY, format!("{problems}\n")),
    };
    crate::reload::report(result, &file);
    reply
}

/// What is to be purged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PurgeOrder {
    url: String,
    #[serde(default)]
    soft: bool,
}

async fn purge_request(edge: &Edge, request: Request<Incoming>) -> Reply {
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
        return text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too long or was cut off\n",
        );
    };
    let asked: PurgeOrder = match serde_json::from_slice(&body.to_bytes()) {
        Ok(asked) => asked,
        Err(error) => {
            let message =
                format!("{error}; expected {{\"url\": \"https://host/path\", \"soft\": false}}\n");
            return text(StatusCode::BAD_REQUEST, message);
        }
    };
    match purge(edge.process(), &asked.url, asked.soft) {
        Ok(()) => text(StatusCode::OK, "purged\n"),
        Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

/// Why a URL can't be purged.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// It is no URL with scheme and host.
    #[error("`{0}` is not an absolute URL such as `https://www.example.com/path`")]
    NotAbsolute(String),
    /// No site has its host.
    #[error("no site has the host `{0}`")]
    UnknownHost(String),
    /// Its path could not be asked for.
    #[error("the path can't be asked for: {0}")]
    BadPath(String),
}

/// Removes the object of a URL with all its variants, or makes it stale.
pub(crate) fn purge(process: &Process, url: &str, soft: bool) -> Result<(), PurgeError> {
    let not_absolute = || PurgeError::NotAbsolute(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| not_absolute())?;
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(not_absolute());
    };
    let runtime = process.runtime.load();
    let site = runtime
        .hosts
        .find(host)
        .ok_or_else(|| PurgeError::UnknownHost(host.to_owned()))?;
    let path = crate::listen::normalise_path(uri.path())
        .map_err(|bad| PurgeError::BadPath(bad.to_string()))?;
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let mode = if soft { Mode::Soft } else { Mode::Hard };
    let store = process.cache.objects();
    for policy in site
        .paths
        .all(&path)
        .into_iter()
        .filter_map(|route| route.cache.as_ref())
    {
        let parts = Parts {
            scheme,
            host: authority,
            path: &path,
            query: uri.query(),
            headers: &HeaderMap::new(),
            country: None,
        };
        let key = key(&policy.key, &parts);
        store.purge(&Purge::Url(key.as_ref()), mode);
    }
    Ok(())
}
