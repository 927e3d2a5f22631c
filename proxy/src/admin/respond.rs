//! What the admin interface answers.

use std::convert::Infallible;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::task::{JoinError, spawn_blocking};

use super::access::Access;
use super::filters::{self, FilterFault};
use super::kv;
use super::objects::{self, ObjectsError};
use super::plugins::{self, PluginFault};
use super::purge::{Order, Target};
use super::render::render_metrics;
use super::shields;
use crate::edge::Edge;

/// The longest request body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

pub(super) type Reply = Response<Full<Bytes>>;

/// Answers one request. Nothing that changes state is a GET.
pub(super) async fn respond(
    request: Request<Incoming>,
    access: &ArcSwap<Access>,
    edge: &Weak<Edge>,
) -> Result<Reply, Infallible> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
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
        (&Method::GET, "/cache/objects") => {
            looked_up(&edge, move |edge| objects::list(edge.process(), &query)).await
        }
        (&Method::GET, "/cache/object") => {
            looked_up(&edge, move |edge| objects::show(edge.process(), &query)).await
        }
        (&Method::GET, "/cache/stats") => {
            looked_up(&edge, |edge| Ok(objects::stats(edge.process()))).await
        }
        (&Method::GET, "/filters") => json(&filters::list(&edge.process().runtime.load())),
        (&Method::GET, path) if path.starts_with(filters::PREFIX) => {
            filter(filters::show(&edge.process().runtime.load(), path))
        }
        (&Method::POST, path) if path.starts_with(filters::PREFIX) => {
            match whole_body(request).await {
                Ok(body) => filter(filters::change(&edge.process().runtime.load(), path, &body)),
                Err(reply) => reply,
            }
        }
        (&Method::GET, "/plugins") => json(&plugins::list(&edge)),
        (method, path) if path.starts_with(plugins::PREFIX) => {
            let (method, path) = (method.clone(), path.to_owned());
            plugin(&edge, &method, &path, &query, request).await
        }
        (_, path) if path == "/kv" || path.starts_with(kv::PREFIX) => {
            let stores = edge.process().runtime.load().stores.clone();
            kv::respond(&stores, request).await
        }
        (&Method::POST, "/reload") => reload(&edge).await,
        (&Method::POST, "/purge") => purge(&edge, request).await,
        (_, "/healthz" | "/readyz" | "/metrics" | "/origins" | "/filters" | "/plugins") => {
            not_allowed("GET")
        }
        (_, "/cache/objects" | "/cache/object" | "/cache/stats") => not_allowed("GET"),
        (_, "/reload" | "/purge") => not_allowed("POST"),
        (_, path) if path.starts_with(filters::PREFIX) => not_allowed("GET, POST"),
        _ => text(
            StatusCode::NOT_FOUND,
            "there is GET /healthz, /readyz, /metrics, /origins, /cache/objects, /cache/object, /cache/stats, /filters, /plugins, /kv and POST /reload, /purge, /filters/NAME, /plugins/NAME/deploy, /rollback, /promote\n",
        ),
    })
}

pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    reply(status, "text/plain; charset=utf-8", body.into())
}

pub(super) fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
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

pub(super) fn not_allowed(method: &'static str) -> Reply {
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
    json(&list.into())
}

pub(super) fn json(value: &Value) -> Reply {
    reply(
        StatusCode::OK,
        "application/json",
        format!("{value:#}\n").into(),
    )
}

/// What somebody has to go through the store for, which is nothing for a worker.
async fn looked_up(
    edge: &Arc<Edge>,
    look: impl FnOnce(&Edge) -> Result<Value, ObjectsError> + Send + 'static,
) -> Reply {
    let edge = edge.clone();
    match spawn_blocking(move || look(&edge)).await {
        Ok(Ok(found)) => json(&found),
        Ok(Err(error)) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Err(error) => failed(&error),
    }
}

pub(super) fn failed(error: &JoinError) -> Reply {
    tracing::error!(%error, "an admin request failed");
    text(StatusCode::INTERNAL_SERVER_ERROR, "that failed\n")
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

async fn purge(edge: &Arc<Edge>, request: Request<Incoming>) -> Reply {
    let headers = request.headers().clone();
    let body = match whole_body(request).await {
        Ok(body) => body,
        Err(reply) => return reply,
    };
    let order = match Order::parse(&body) {
        Ok(order) => order,
        Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let not_reached = shields::purge_first(edge.process(), &headers, &body).await;
    let (edge, told) = (edge.clone(), told(&order));
    match spawn_blocking(move || edge.purge(&order)).await {
        Ok(Ok(_)) if !not_reached.is_empty() => {
            text(StatusCode::BAD_GATEWAY, shields::report(&not_reached))
        }
        Ok(Ok(None)) => text(StatusCode::OK, format!("{told}\n")),
        Ok(Ok(Some(error))) => {
            let told = format!("{told}, but not recorded on disk: {error}\n");
            text(StatusCode::OK, told)
        }
        Ok(Err(error)) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Err(error) => failed(&error),
    }
}

fn filter(told: Result<Value, FilterFault>) -> Reply {
    match told {
        Ok(told) => json(&told),
        Err(fault @ FilterFault::Unknown(_)) => text(StatusCode::NOT_FOUND, format!("{fault}\n")),
        Err(fault @ FilterFault::Wrong(_)) => text(StatusCode::BAD_REQUEST, format!("{fault}\n")),
    }
}

/// What is asked of a filter in WebAssembly.
async fn plugin(
    edge: &Arc<Edge>,
    method: &Method,
    path: &str,
    query: &str,
    request: Request<Incoming>,
) -> Reply {
    let (name, action) = plugins::parts(path);
    let told = match (method, action.as_str()) {
        (&Method::GET, "") => plugins::show(edge, &name),
        (&Method::GET, "logs") => plugins::messages(edge, &name, query),
        (&Method::POST, _) => match body_of(request, plugins::MAX_COMPONENT).await {
            Ok(body) => plugins::act(edge, &name, &action, query, body).await,
            Err(reply) => return reply,
        },
        _ => return not_allowed("GET, POST"),
    };
    let status = match &told {
        Ok(told) => return json(told),
        Err(PluginFault::Unknown(_)) => StatusCode::NOT_FOUND,
        Err(PluginFault::Refused(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        Err(PluginFault::Version(_) | PluginFault::Wrong(_)) => StatusCode::BAD_REQUEST,
    };
    text(
        status,
        told.map_or_else(|fault| format!("{fault}\n"), |_| String::new()),
    )
}

async fn whole_body(request: Request<Incoming>) -> Result<Bytes, Reply> {
    body_of(request, MAX_BODY).await
}

async fn body_of(request: Request<Incoming>, most: usize) -> Result<Bytes, Reply> {
    let body = Limited::new(request.into_body(), most).collect().await;
    body.map(|body| body.to_bytes()).map_err(|_| {
        text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too long or was cut off\n",
        )
    })
}

/// What was done, in a few words.
fn told(order: &Order) -> String {
    let done = if order.soft { "made stale" } else { "purged" };
    match &order.target {
        Target::Url(url) => format!("{done}: `{url}`"),
        Target::Prefix(prefix) => format!("{done}: all that begins with `{prefix}`"),
        Target::Host(host) => format!("{done}: all of host `{host}`"),
        Target::SurrogateKeys(keys) => {
            format!("{done}: all with surrogate key `{}`", keys.join("` or `"))
        }
        Target::Everything => format!("{done}: everything"),
    }
}
