//! Commands that a running edge answers, through its admin interface.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use rimward::admin::Client;
use serde_json::json;

use super::Target;

/// Lets the edge read its configuration again.
pub(super) fn reload(file: &Path) -> Result<ExitCode> {
    tell(ask(file, Method::POST, "/reload", String::new())?)
}

/// Lets the edge forget objects, or makes them stale.
pub(super) fn purge(file: &Path, target: Target, soft: bool) -> Result<ExitCode> {
    let Target {
        url,
        prefix,
        host,
        keys,
        all,
    } = target;
    let mut order = serde_json::Map::new();
    order.extend(url.map(|url| ("url".to_owned(), json!(url))));
    order.extend(prefix.map(|prefix| ("prefix".to_owned(), json!(prefix))));
    order.extend(host.map(|host| ("host".to_owned(), json!(host))));
    if !keys.is_empty() {
        order.insert("surrogate_keys".to_owned(), json!(keys));
    }
    if all {
        order.insert("all".to_owned(), json!(true));
    }
    order.insert("soft".to_owned(), json!(soft));
    let order = serde_json::Value::Object(order).to_string();
    tell(ask(file, Method::POST, "/purge", order)?)
}

/// Asks the edge that was started with `file`.
pub(super) fn ask(
    file: &Path,
    method: Method,
    target: &str,
    body: String,
) -> Result<(StatusCode, String)> {
    let edge = Edge::of(file)?;
    Ok(edge
        .runtime
        .block_on(edge.client.ask(method, target, body))?)
}

/// A running edge that is asked more than once.
pub(super) struct Edge {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Edge {
    /// The edge that was started with `file`.
    pub(super) fn of(file: &Path) -> Result<Self> {
        let client = client(file)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self { client, runtime })
    }

    pub(super) fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        Ok(self.runtime.block_on(self.client.exchange(request))?)
    }
}

/// Prints an answer where its kind belongs.
pub(super) fn tell((status, answer): (StatusCode, String)) -> Result<ExitCode> {
    if status == StatusCode::OK {
        super::tell::print(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    eprint!("{answer}");
    Ok(ExitCode::FAILURE)
}

/// The edge that was started with `file`. Only its `[admin]` has to be right: the rest may be what a reload is to refuse.
fn client(file: &Path) -> Result<Client> {
    let admin =
        rimward_config::load_admin(file).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let Some(admin) = admin else {
        bail!(
            "`{}` has no [admin], so the edge can't be asked",
            file.display()
        );
    };
    let token = admin.token_file.as_deref().map(|path| {
        std::fs::read_to_string(path).with_context(|| format!("token file `{}`", path.display()))
    });
    let token = token.transpose()?.map(|token| token.trim().to_owned());
    Ok(Client::new(admin.address, token))
}
