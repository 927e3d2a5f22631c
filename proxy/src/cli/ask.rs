//! Commands that a running edge answers, through its admin interface.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use http::{Method, StatusCode};
use rimward::admin::Client;

/// Lets the edge read its configuration again.
pub(super) fn reload(file: &Path) -> Result<ExitCode> {
    ask(file, "/reload", String::new())
}

/// Lets the edge forget an object.
pub(super) fn purge(file: &Path, url: &str, soft: bool) -> Result<ExitCode> {
    ask(
        file,
        "/purge",
        serde_json::json!({ "url": url, "soft": soft }).to_string(),
    )
}

fn ask(file: &Path, path: &str, body: String) -> Result<ExitCode> {
    let client = client(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (status, answer) = runtime.block_on(client.ask(Method::POST, path, body))?;
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
