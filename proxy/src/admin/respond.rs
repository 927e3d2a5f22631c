//! What the admin interface answers.

use std::convert::Infallible;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Deserialize;

use super::access::Access;
use super::purge::purge;
use super::render::render_metrics;
use super::shields;
use crate::edge::Edge;

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
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too long or was cut off\n",
        );
    };
    let body = body.to_bytes();
    let asked: PurgeOrder = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => {
            let message =
                format!("{error}; expected {{\"url\": \"https://host/path\", \"soft\": false}}\n");
            return text(StatusCode::BAD_REQUEST, message);
        }
    };
    let failed = shields::purge_first(edge.process(), &head.headers, &body).await;
    match purge(edge.process(), &asked.url, asked.soft) {
        Ok(()) if !failed.is_empty() => text(StatusCode::BAD_GATEWAY, shields::report(&failed)),
        Ok(()) => text(StatusCode::OK, "purged\n"),
        Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}
