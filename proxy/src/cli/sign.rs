//! `rimward sign`: makes links that a filter `signed_url` lets in.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow, bail};
use rimward_config::{FilterSpec, Span};
use rimward_filters::builtin::{Terms, UrlSigner};

use super::tell::{complain, print};

/// What is signed, and as whose.
#[derive(Debug, clap::Args)]
pub(super) struct Order {
    /// The absolute URL
    url: String,
    #[command(flatten)]
    keys: Keys,
    /// The name of the key; needed when there are several
    #[arg(long)]
    key: Option<String>,
    /// How long the link is good, such as 10m or 1d
    #[arg(long, default_value = "1h")]
    expires: Span,
    /// The address or network that may use it
    #[arg(long)]
    ip: Option<String>,
    /// The folder that it is good for, such as /videos/, in place of the one URL
    #[arg(long)]
    prefix: Option<String>,
    /// Print the cookie that says the same, in place of the link
    #[arg(long)]
    cookie: bool,
    /// The configuration file that has the filter
    #[arg(short, long, requires = "filter")]
    config: Option<PathBuf>,
}

/// Where the keys are: exactly one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Keys {
    /// A file with a line for each key, as the filter's setting `file`; the filter's other settings are taken for the usual ones
    #[arg(long, conflicts_with = "config")]
    key_file: Option<PathBuf>,
    /// The filter whose keys and settings hold
    #[arg(long, requires = "config")]
    filter: Option<String>,
}

/// Prints a link or a cookie.
pub(super) fn sign(order: Order) -> Result<ExitCode> {
    let signer = match (&order.config, &order.keys.filter, &order.keys.key_file) {
        (Some(config), Some(name), _) => match rimward::load(config) {
            Ok(config) => as_filter(&config.filters, name)?,
            Err(problems) => return Ok(complain(&problems)),
        },
        (_, _, Some(file)) => with_file(file)?,
        _ => bail!("give `--key-file`, or `--config` and `--filter`"),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let terms = Terms {
        key: order.key,
        expires: (now + order.expires.0).as_secs(),
        ip: order.ip,
        prefix: order.prefix,
    };
    let signed = signer
        .sign(&order.url, &terms)
        .map_err(|error| anyhow!(error))?;
    let line = match (order.cookie, signed.cookie) {
        (false, _) => signed.url,
        (true, Some(cookie)) => cookie,
        (true, None) => bail!("the filter takes no cookie: `cookie` is not set"),
    };
    print(&format!("{line}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn as_filter(filters: &[FilterSpec], name: &str) -> Result<UrlSigner> {
    let Some(spec) = filters.iter().find(|spec| spec.name == name) else {
        bail!("there is no filter `{name}` in it");
    };
    if spec.kind != "signed_url" {
        bail!("`{name}` is not a `signed_url`, but a `{}`", spec.kind);
    }
    made(&spec.settings, spec.folder())
}

fn with_file(file: &Path) -> Result<UrlSigner> {
    let file = std::path::absolute(file)?;
    let Some(file) = file.to_str() else {
        bail!("`{}` is not UTF-8", file.display());
    };
    let mut settings = toml::Table::new();
    settings.insert("file".to_owned(), file.into());
    made(&settings, Path::new("."))
}

fn made(settings: &toml::Table, folder: &Path) -> Result<UrlSigner> {
    UrlSigner::new(settings, folder).map_err(|errors| {
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow!(told.join("; "))
    })
}
