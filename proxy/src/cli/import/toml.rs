//! A plan as TOML, as an operator would write it.

use std::fmt::Write;

use super::plan::{Cache, Filter, FilterKind, Origin, OriginKind, Plan, Query, Route, Site};

/// The configuration.
pub(super) fn written(plan: &Plan, file: &str, stage: &str) -> String {
    let mut out = Text::default();
    out.line(format_args!(
        "# Made from `{file}` for the stage `{stage}` by `rimward import`."
    ));
    out.line(format_args!(""));
    out.line(format_args!("[[listen]]"));
    out.line(format_args!("address = \"127.0.0.1:8080\""));
    plan.origins.iter().for_each(|one| origin(one, &mut out));
    plan.filters.iter().for_each(|one| filter(one, &mut out));
    plan.sites.iter().for_each(|one| site(one, &mut out));
    out.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing into a string can't fail.
        writeln!(self.0, "{line}").ok();
    }

    fn section(&mut self, kind: &str, name: &str) {
        let name = if name.contains('.') {
            quoted(name)
        } else {
            name.to_owned()
        };
        self.line(format_args!("\n[{kind}.{name}]"));
    }
}

fn quoted(text: &str) -> String {
    ::toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// The longer units are easier to read.
fn span(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        seconds if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn origin(origin: &Origin, out: &mut Text) {
    out.section("origin", &origin.name);
    match &origin.kind {
        OriginKind::Server {
            url,
            host,
            connect,
            first_byte,
        } => {
            out.line(format_args!("servers = [{}]", quoted(url)));
            if let Some(host) = host {
                out.line(format_args!("host = {}", quoted(host)));
            }
            let times: Vec<String> = [("connect", connect), ("first_byte", first_byte)]
                .into_iter()
                .filter_map(|(key, seconds)| {
                    let seconds = seconds.filter(|seconds| *seconds > 0)?;
                    Some(format!("{key} = \"{}\"", span(seconds)))
                })
                .collect();
            if !times.is_empty() {
                out.line(format_args!("timeouts = {{ {} }}", times.join(", ")));
            }
        }
        OriginKind::Bucket {
            bucket,
            region,
            prefix,
            is_private,
        } => {
            let mut keys = vec![
                format!("bucket = {}", quoted(bucket)),
                format!("region = {}", quoted(region)),
            ];
            keys.extend(
                prefix
                    .as_ref()
                    .map(|prefix| format!("prefix = {}", quoted(prefix))),
            );
            keys.push("credentials = \"anonymous\"".to_owned());
            if *is_private {
                out.line(format_args!(
                    "# The bucket lets CloudFront's identity in: give the edge keys of its own by `credentials`."
                ));
            }
            out.line(format_args!("s3 = {{ {} }}", keys.join(", ")));
        }
    }
}

fn filter(filter: &Filter, out: &mut Text) {
    out.section("filter", &filter.name);
    match &filter.kind {
        FilterKind::Handler(handler) => {
            out.line(format_args!("lambda_edge = {}", quoted(&handler.file)));
            out.line(format_args!("event = \"{}\"", handler.event.name()));
            if let Some(function) = &handler.function {
                out.line(format_args!("handler = {}", quoted(function)));
            }
            if handler.include_body {
                out.line(format_args!("include_body = true"));
            }
            if let Some(memory) = handler.memory {
                out.line(format_args!("memory = \"{memory}MiB\""));
            }
            if let Some(timeout) = handler.timeout {
                out.line(format_args!("timeout = \"{timeout}s\""));
            }
        }
        FilterKind::Headers(headers) => {
            out.line(format_args!("use = \"headers\""));
            let pair = |(name, value): (&String, &String)| {
                // Braces have a meaning in templates.
                let value = value.replace('{', "{{").replace('}', "}}");
                format!("{} = {}", quoted(name), quoted(&value))
            };
            let pairs: Vec<String> = headers.iter().map(pair).collect();
            out.line(format_args!(
                "origin_request = {{ set = {{ {} }} }}",
                pairs.join(", ")
            ));
        }
        FilterKind::Behind(path) => {
            out.line(format_args!("use = \"rewrite\""));
            out.line(format_args!("add_prefix = {}", quoted(path)));
        }
        FilterKind::Root(path) => {
            out.line(format_args!("use = \"rewrite\""));
            out.line(format_args!("path = {}", quoted(path)));
        }
        FilterKind::Methods(methods) => {
            out.line(format_args!("use = \"request_limits\""));
            out.line(format_args!("methods = {}", list(methods)));
        }
    }
}

fn site(site: &Site, out: &mut Text) {
    out.line(format_args!(
        "\n# {}",
        site.about.replace(char::is_control, " ")
    ));
    out.line(format_args!("[[site]]"));
    out.line(format_args!("hosts = {}", list(&site.hosts)));
    site.routes.iter().for_each(|one| route(one, out));
}

fn route(route: &Route, out: &mut Text) {
    out.line(format_args!("\n  [[site.route]]"));
    out.line(format_args!("  path = {}", quoted(&route.path)));
    if let Some(origin) = &route.origin {
        out.line(format_args!("  origin = {}", quoted(origin)));
    }
    if !route.filters.is_empty() {
        out.line(format_args!("  filters = {}", list(&route.filters)));
    }
    if let Some(cache) = cache(&route.cache) {
        out.line(format_args!("  cache = {cache}"));
    }
    if route.is_compressed {
        out.line(format_args!("  compress = [\"br\", \"gzip\"]"));
    }
}

fn cache(cache: &Cache) -> Option<String> {
    if cache.is_off {
        return Some("false".to_owned());
    }
    let mut keys = Vec::new();
    keys.extend(cache.ttl.map(|ttl| format!("ttl = \"{}\"", span(ttl))));
    keys.extend(
        cache
            .default_ttl
            .map(|ttl| format!("default_ttl = \"{}\"", span(ttl))),
    );
    let mut of_key = Vec::new();
    match &cache.query {
        Query::All => {}
        Query::None => of_key.push("query = \"none\"".to_owned()),
        Query::Only(names) => of_key.push(format!("query = {}", list(names))),
    }
    if !cache.headers.is_empty() {
        of_key.push(format!("header = {}", list(&cache.headers)));
    }
    if !cache.cookies.is_empty() {
        of_key.push(format!("cookie = {}", list(&cache.cookies)));
    }
    if !of_key.is_empty() {
        keys.push(format!("key = {{ {} }}", of_key.join(", ")));
    }
    (!keys.is_empty()).then(|| format!("{{ {} }}", keys.join(", ")))
}
