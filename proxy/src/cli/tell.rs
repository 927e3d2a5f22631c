//! Commands that answer from files alone.

use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use rimward::explain::{Question, explain as explanation};
use rimward_config::{Config, Problems};
use rimward_filters::builtin::{all, find};
use rimward_filters::reference;

/// Reads and compiles a configuration, and tells what is wrong with it.
pub(super) fn check(file: &Path) -> Result<ExitCode> {
    match rimward::load(file).and_then(|config| rimward::check(config.clone()).map(|()| config)) {
        Ok(config) => {
            print(&format!("{}: {}\n", file.display(), summary(&config)))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => Ok(complain(&problems)),
    }
}

/// Prints problems where a terminal shows errors.
pub(super) fn complain(problems: &Problems) -> ExitCode {
    eprintln!("{problems}");
    ExitCode::FAILURE
}

fn summary(config: &Config) -> String {
    let routes: usize = config.sites.iter().map(|site| site.routes.len()).sum();
    format!(
        "ok: {} listeners, {} origins, {} filters, {} sites, {routes} routes",
        config.listeners.len(),
        config.origins.len(),
        config.filters.len(),
        config.sites.len(),
    )
}

/// Tells what would happen to a request.
pub(super) fn explain(
    file: &Path,
    method: Method,
    url: Uri,
    headers: &[String],
    from: IpAddr,
) -> Result<ExitCode> {
    let config = match rimward::load(file) {
        Ok(config) => config,
        Err(problems) => return Ok(complain(&problems)),
    };
    let question = Question {
        method,
        url,
        headers: parse_headers(headers)?,
        from,
    };
    print(&explanation(config, &question)?)?;
    Ok(ExitCode::SUCCESS)
}

fn parse_headers(lines: &[String]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            bail!("`{line}` is not a header field such as `accept-language: de`");
        };
        let name: HeaderName = name
            .trim()
            .parse()
            .with_context(|| format!("`{name}` is not a field name"))?;
        let value: HeaderValue = value
            .trim()
            .parse()
            .with_context(|| format!("`{value}` is not a field value"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Tells the compiled-in filters.
pub(super) fn filters(name: Option<&str>) -> Result<ExitCode> {
    let text = match name {
        None => all().map(reference::text).collect::<Vec<_>>().join("\n"),
        Some(name) => match find(name) {
            Some(kind) => reference::text(kind),
            None => bail!(
                "there is no filter `{name}`: {}",
                all().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
            ),
        },
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the JSON Schema of configuration files.
pub(super) fn schema() -> Result<ExitCode> {
    let filters: Vec<_> = all().map(|kind| (kind.name, (kind.schema)())).collect();
    print(&format!("{:#}\n", rimward_config::schema(&filters)))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints, but is content when the reader had enough (`rimward filters | head`).
pub(super) fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
