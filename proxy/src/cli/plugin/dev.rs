//! `rimward dev`: a filter in front of pages, built again whenever its source changes.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use http::Uri;
use toml::{Table, Value};

use super::build;
use super::project::{Language, Project};
use crate::cli::serve;

/// How often sources are looked at.
const EACH: Duration = Duration::from_millis(300);
/// The port that is taken if it is free, and how many behind it are tried.
const PORT: u16 = 8080;
const PORTS: u16 = 100;
/// A project's own configuration for this.
const OWN: &str = "dev.toml";
/// What is served behind the filter if the project has no pages.
const PAGES: [(&str, &[u8]); 3] = [
    (
        "index.html",
        include_bytes!("../../../../examples/site/index.html"),
    ),
    (
        "style.css",
        include_bytes!("../../../../examples/site/style.css"),
    ),
    (
        "edge.svg",
        include_bytes!("../../../../examples/site/edge.svg"),
    ),
];

/// What is served.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Order {
    /// The project's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The port on this machine: 8080 or the next that is free, unless something else is said
    #[arg(short, long)]
    port: Option<u16>,
    /// The server behind the filter, such as http://127.0.0.1:3000; without one, the pages in `site/` or a page of its own
    #[arg(long, value_name = "URL")]
    origin: Option<Uri>,
}

/// Serves until a signal ends it.
pub(in crate::cli) fn run(order: &Order) -> Result<ExitCode> {
    let project = Project::find(&order.folder)?;
    let place = tempfile::tempdir()?;
    let file = match project.folder.join(OWN) {
        own if own.is_file() => own,
        _ => {
            let file = place.path().join(OWN);
            fs::write(&file, configuration(order, &project, place.path())?)?;
            file
        }
    };
    let mut sources = look(&project.folder);
    while !builds(&project) {
        eprintln!("waiting for a change");
        next_change(&project.folder, &mut sources);
    }
    std::thread::Builder::new()
        .name("builder".to_owned())
        .spawn(move || {
            loop {
                next_change(&project.folder, &mut sources);
                if !builds(&project) {
                    eprintln!("the version before serves on");
                }
            }
        })?;
    serve::run(&file)
}

/// Builds a project; says why it can't be built.
fn builds(project: &Project) -> bool {
    let built = build::build(project, &project.component());
    if let Err(error) = &built {
        eprintln!("error: {error:#}");
    }
    built.is_ok()
}

/// The configuration of an edge with the filter, and pages or a server behind it.
fn configuration(order: &Order, project: &Project, place: &Path) -> Result<String> {
    if project.language == Language::Handler {
        bail!("a handler of Lambda@Edge needs a `{OWN}` that says for which event it is");
    }
    let mut config: Table = toml::from_str(
        r#"
        [log]
        access = { to = "stdout", format = "combined" }
        [[site]]
        hosts = ["*"]
        origin = "pages"
        "#,
    )?;
    let text = |text: &str| Value::String(text.to_owned());
    let name = &name(project);
    let address = format!("127.0.0.1:{}", port(order.port)?);
    let listener = Table::from_iter([("address".to_owned(), text(&address))]);
    config.insert("listen".to_owned(), Value::Array(vec![listener.into()]));
    let origin = match &order.origin {
        Some(url) => (
            "servers".to_owned(),
            Value::Array(vec![text(&server(url)?)]),
        ),
        None => {
            let pages = pages(project, place)?.display().to_string();
            ("directory".to_owned(), Value::String(pages))
        }
    };
    let mut origin = Table::from_iter([origin]);
    if order.origin.is_none() {
        // All phases run each time.
        origin.insert("cache_control".to_owned(), text("no-store"));
    }
    config.insert("origin".to_owned(), named("pages", origin));
    let mut filter = settings(&project.folder)?;
    let component = project.component().display().to_string();
    filter.insert("wasm".to_owned(), Value::String(component));
    config.insert("filter".to_owned(), named(name, filter));
    let site = config.get_mut("site").and_then(|sites| sites.get_mut(0));
    if let Some(site) = site.and_then(Value::as_table_mut) {
        site.insert("filters".to_owned(), Value::Array(vec![text(name)]));
    }
    Ok(toml::to_string(&config)?)
}

/// What the filter is called: folders may have names that filters can't.
fn name(project: &Project) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    project.name.replace(|c: char| !fits(c), "-")
}

fn named(name: &str, table: Table) -> Value {
    Table::from_iter([(name.to_owned(), Value::Table(table))]).into()
}

/// What `tests.toml` says of the filter's table.
fn settings(folder: &Path) -> Result<Table> {
    let file = folder.join("tests.toml");
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok(Table::new());
    };
    let tests: Table = toml::from_str(&text).with_context(|| format!("`{}`", file.display()))?;
    let filter = tests.get("filter").and_then(Value::as_table);
    Ok(filter.cloned().unwrap_or_default())
}

/// The folder of pages: the project's own, or ones that are written.
fn pages(project: &Project, place: &Path) -> Result<PathBuf> {
    let own = project.folder.join("site");
    if own.is_dir() {
        return Ok(own);
    }
    let pages = place.join("site");
    fs::create_dir(&pages)?;
    for (name, content) in PAGES {
        fs::write(pages.join(name), content)?;
    }
    Ok(pages)
}

/// A server, as the configuration names it.
fn server(url: &Uri) -> Result<String> {
    let wrong = || anyhow!("`{url}` is no server such as `http://127.0.0.1:3000`");
    let (scheme, authority) = url.scheme_str().zip(url.authority()).ok_or_else(wrong)?;
    if !matches!(scheme, "http" | "https") || url.path() != "/" {
        return Err(wrong());
    }
    Ok(format!("{scheme}://{authority}"))
}

fn port(wanted: Option<u16>) -> Result<u16> {
    if let Some(port) = wanted {
        return Ok(port);
    }
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let free = (PORT..PORT + PORTS).find(is_free);
    free.context("no port from 8080 on is free: `--port` names another")
}

/// When each source was last changed, and how long it is.
type Sources = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Waits until sources are others than before, and stay so for a moment.
fn next_change(folder: &Path, seen: &mut Sources) {
    loop {
        std::thread::park_timeout(EACH);
        let mut now = look(folder);
        if now == *seen {
            continue;
        }
        while now != *seen {
            *seen = now;
            std::thread::park_timeout(EACH / 3);
            now = look(folder);
        }
        return;
    }
}

fn look(folder: &Path) -> Sources {
    let mut sources = Sources::new();
    gather(folder, &mut sources);
    sources
}

/// All files but those that builds make, and pages.
fn gather(folder: &Path, sources: &mut Sources) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let is_made = name.starts_with('.') || name.ends_with(".wasm") || name.ends_with(".new");
        if is_made || ["Cargo.lock", "tests.toml", OWN].contains(&&*name) {
            continue;
        }
        if !metadata.is_dir() {
            sources.insert(path, (metadata.modified().ok(), metadata.len()));
        } else if !["target", "node_modules", "__pycache__", "site"].contains(&&*name) {
            gather(&path, sources);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_as_the_configuration_does() {
        for (url, expected) in [
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("https://example.com/", Some("https://example.com")),
            ("http://example.com/a", None),
            ("ftp://example.com", None),
            ("/a", None),
        ] {
            let told = server(&url.parse().unwrap()).ok();
            assert_eq!(told.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn what_builds_make_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        for made in ["target", "node_modules", ".git", "src"] {
            fs::create_dir(folder.path().join(made)).unwrap();
            fs::write(folder.path().join(made).join("a.rs"), "").unwrap();
        }
        for file in ["a.wasm", "a.wasm.new", "Cargo.toml"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let sources = look(folder.path());
        let names = sources
            .keys()
            .map(|path| path.strip_prefix(folder.path()).unwrap());
        let names: Vec<_> = names.map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, ["Cargo.toml", "src/a.rs"]);
    }

    #[test]
    fn the_configuration_is_one_that_an_edge_takes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("prices.js", "");
        write(
            "tests.toml",
            "[filter]\nisolation = \"reuse\"\n[[test]]\nname = \"a\"",
        );
        let project = Project::find(&folder.path().join("prices.js")).unwrap();
        let place = tempfile::tempdir().unwrap();
        for origin in [None, Some(Uri::from_static("http://127.0.0.1:3000"))] {
            let order = Order {
                folder: folder.path().to_owned(),
                port: Some(0),
                origin,
            };
            fs::remove_dir_all(place.path().join("site")).ok();
            let text = configuration(&order, &project, place.path()).unwrap();
            let file = place.path().join(OWN);
            fs::write(&file, &text).unwrap();
            let config =
                rimward::load(&file).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
            assert_eq!((config.filters.len(), config.sites.len()), (1, 1));
            assert!(text.contains("isolation = \"reuse\""), "{text}");
        }
    }
}
