//! Everything that a guest can call, by the names of the WIT: `kv.get STORE KEY` calls `get` of that store.

use std::fmt::Debug;

use crate::abuse;
use crate::bindings::rimward::filter::types::{
    BodyWant, CustomOriginParam, Error, HeaderOp, OriginParam,
};
use crate::bindings::rimward::filter::{
    body, clock, config, context, crypto, geo, html, images, kv, log, metrics, request, response,
    secrets, subrequest,
};
use crate::script::Step;

type Came = Result<String, String>;

/// Does what a step says.
pub fn call(step: &Step) -> Came {
    let (interface, function) = step.what.split_once('.').unwrap_or((&step.what, ""));
    match interface {
        "request" => of_request(function, step),
        "response" => of_response(function, step),
        "body" => of_body(function, step),
        "config" => of_config(function, step),
        "context" => of_context(function, step),
        "geo" => of_geo(function, step),
        "kv" => of_kv(function, step),
        "secrets" => of_secrets(step),
        "crypto" => of_crypto(function, step),
        "subrequest" => of_subrequest(function, step),
        "log" => of_log(function, step),
        "metrics" => of_metrics(function, step),
        "clock" => of_clock(function, step),
        "images" => of_images(step),
        "html" => of_html(function, step),
        _ => abuse::abuse(step),
    }
}

/// An error by its name in the WIT, with its text.
pub fn name(error: &Error) -> String {
    match error {
        Error::NotAllowedInPhase => "not-allowed-in-phase".into(),
        Error::ReadOnly => "read-only".into(),
        Error::Forbidden => "forbidden".into(),
        Error::Invalid(text) => format!("invalid {text}"),
        Error::NoSuch(text) => format!("no-such {text}"),
        Error::Denied(text) => format!("denied {text}"),
        Error::Limit(text) => format!("limit {text}"),
        Error::Timeout => "timeout".into(),
        Error::Unavailable(text) => format!("unavailable {text}"),
        Error::Other(text) => format!("other {text}"),
    }
}

fn told<T>(result: Result<T, Error>, text: impl FnOnce(T) -> String) -> Came {
    result.map(text).map_err(|error| name(&error))
}

fn done(result: Result<(), Error>) -> Came {
    told(result, |()| "done".into())
}

fn maybe(value: Option<String>) -> Came {
    Ok(value.unwrap_or_else(|| "none".into()))
}

fn shown(value: impl Debug) -> Came {
    Ok(format!("{value:?}"))
}

fn texts(values: &[Vec<u8>]) -> Came {
    let texts: Vec<_> = values
        .iter()
        .map(|value| String::from_utf8_lossy(value))
        .collect();
    Ok(texts.join(" | "))
}

fn pairs(headers: &[(String, Vec<u8>)]) -> Came {
    let text =
        |(name, value): &(String, Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
    Ok(headers.iter().map(text).collect::<Vec<_>>().join(" | "))
}

fn unknown(step: &Step) -> Came {
    Err(format!("the probe can't do `{}`", step.what))
}

fn of_request(function: &str, step: &Step) -> Came {
    let (first, second) = (&step.text(0), &step.text(1));
    match function {
        "method" => Ok(request::method()),
        "uri" => Ok(request::uri()),
        "path" => Ok(request::path()),
        "query" => maybe(request::query()),
        "query-param" => maybe(request::query_param(first)),
        "scheme" => Ok(request::scheme()),
        "host" => Ok(request::host()),
        "http-version" => Ok(request::http_version()),
        "header" => maybe(request::header(first)),
        "header-all" => texts(&request::header_all(first)),
        "has-header" => shown(request::has_header(first)),
        "header-many" => shown(request::header_many(&step.rest(0))),
        "header-names" => Ok(request::header_names().join(" ")),
        "headers" => pairs(&request::headers()),
        "cookie" => maybe(request::cookie(first)),
        "set-uri" => done(request::set_uri(first)),
        "set-host" => done(request::set_host(first)),
        "set-origin" => done(with_origin(step, 0, request::set_origin)),
        "chosen-origin" => shown(request::chosen_origin()),
        "cache-key-part" => done(request::cache_key_part(first, second)),
        "cache-bypass" => done(request::cache_bypass()),
        "want-body" => done(request::want_body(want(step))),
        _ => edits(function, step, request::edit_headers),
    }
}

fn of_response(function: &str, step: &Step) -> Came {
    let first = &step.text(0);
    match function {
        "status" => shown(response::status()),
        "set-status" => done(response::set_status(step.number(0, 0))),
        "header" => maybe(response::header(first)),
        "header-all" => texts(&response::header_all(first)),
        "has-header" => shown(response::has_header(first)),
        "header-many" => shown(response::header_many(&step.rest(0))),
        "header-names" => Ok(response::header_names().join(" ")),
        "headers" => pairs(&response::headers()),
        "cache-result" => shown(response::cache_result()),
        "cache-for" => done(response::cache_for(
            step.number(0, 0),
            step.number(1, 0),
            step.number(2, 0),
        )),
        "surrogate-keys" => done(response::surrogate_keys(&step.rest(0))),
        "cache-never" => done(response::cache_never()),
        "want-body" => done(response::want_body(want(step))),
        _ => edits(function, step, response::edit_headers),
    }
}

/// `set NAME VALUE`, `append NAME VALUE`, `remove NAME`, and several at once: `edit +NAME=VALUE =NAME=VALUE -NAME`.
fn edits(function: &str, step: &Step, make: fn(&[HeaderOp<'_>]) -> Result<(), Error>) -> Came {
    let (first, second) = (&step.text(0), &step.text(1));
    match function {
        "set" => done(make(&[HeaderOp::Set((first, second))])),
        "append" => done(make(&[HeaderOp::Append((first, second))])),
        "remove" => done(make(&[HeaderOp::Remove(first)])),
        "edit" => done(make(
            &step
                .rest(0)
                .into_iter()
                .filter_map(edit)
                .collect::<Vec<_>>(),
        )),
        _ => unknown(step),
    }
}

fn edit(text: &str) -> Option<HeaderOp<'_>> {
    let (kind, edit) = text.split_at_checked(1)?;
    match kind {
        "-" => Some(HeaderOp::Remove(edit)),
        "+" => edit.split_once('=').map(HeaderOp::Append),
        _ => edit.split_once('=').map(HeaderOp::Set),
    }
}

/// `none`, `chunks`, `buffered BYTES`.
fn want(step: &Step) -> BodyWant {
    match step.text(0).as_str() {
        "chunks" => BodyWant::Chunks,
        "buffered" => BodyWant::Buffered(step.number(1, 65536)),
        _ => BodyWant::None,
    }
}

/// An origin by its name, or `http://HOST:PORT/PREFIX` or the same with `https`.
fn with_origin<R>(step: &Step, at: usize, call: impl FnOnce(OriginParam<'_>) -> R) -> R {
    let text = step.text(at);
    let Some((scheme, place)) = text.split_once("://") else {
        return call(OriginParam::Named(&text));
    };
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let prefix = format!("/{path}");
    call(OriginParam::Custom(CustomOriginParam {
        host,
        port: port
            .parse()
            .unwrap_or(if scheme == "https" { 443 } else { 80 }),
        tls: scheme == "https",
        sni: None,
        path_prefix: if path.is_empty() { "" } else { &prefix },
        connect_timeout_ms: Some(1000),
        read_timeout_ms: Some(1000),
        headers: &[("x-custom", "yes")],
    }))
}

fn of_body(function: &str, step: &Step) -> Came {
    match function {
        "len" => shown(body::len()),
        "offset" => shown(body::offset()),
        "is-last" => shown(body::is_last()),
        "read" => {
            let bytes = body::read(step.number(0, 0), step.number(1, u32::MAX));
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => unknown(step),
    }
}

fn of_config(function: &str, step: &Step) -> Came {
    match function {
        "all" => Ok(config::all()),
        "get" => maybe(config::get(&step.text(0))),
        "generation" => shown(config::generation()),
        _ => unknown(step),
    }
}

fn of_context(function: &str, step: &Step) -> Came {
    match function {
        "request-id" => Ok(context::request_id()),
        "pop" => Ok(context::pop()),
        "current-phase" => shown(context::current_phase()),
        "client-ip" => Ok(context::client_ip()),
        "tls" => maybe(context::tls(&step.text(0))),
        "get-var" => maybe(context::get_var(&step.text(0))),
        "set-var" => {
            context::set_var(&step.text(0), &step.text(1));
            Ok("done".into())
        }
        "budget-us" => shown(context::budget_us()),
        _ => unknown(step),
    }
}

fn of_geo(function: &str, step: &Step) -> Came {
    match function {
        "country" => maybe(geo::country()),
        "client" => shown(geo::client()),
        "lookup" => shown(geo::lookup(&step.text(0))),
        _ => unknown(step),
    }
}

/// Each opens the store first, so that a refusal of that is told as well.
fn of_kv(function: &str, step: &Step) -> Came {
    let store = kv::open(&step.text(0)).map_err(|error| format!("open {}", name(&error)))?;
    let key = &step.text(1);
    match function {
        "open" => Ok("done".into()),
        "get" => told(store.get(key), |entry| format!("{entry:?}")),
        "get-text" => told(store.get_text(key), |text| {
            text.unwrap_or_else(|| "none".into())
        }),
        "get-many" => told(store.get_many(&step.rest(1)), |values| {
            format!("{values:?}")
        }),
        "put" => told(put(&store, step), |generation| generation.to_string()),
        "increment" => {
            let ttl = step.arguments.get(3).and_then(|ttl| ttl.parse().ok());
            told(store.increment(key, step.number(2, 1), ttl), |sum| {
                sum.to_string()
            })
        }
        "delete" => told(store.delete(key), |was| was.to_string()),
        "list" => {
            let cursor = step.arguments.get(3).map(String::as_str);
            told(store.list(key, cursor, step.number(2, 100)), |page| {
                format!("{} cursor={:?}", page.keys.join(" "), page.cursor)
            })
        }
        _ => unknown(step),
    }
}

/// `kv.put STORE KEY VALUE [add] [compare=GENERATION] [ttl=SECONDS] [metadata=TEXT]`
fn put(store: &kv::Store, step: &Step) -> Result<u64, Error> {
    let mut write = kv::Write {
        mode: kv::WriteMode::Overwrite,
        if_generation: None,
        ttl_s: None,
        metadata: None,
    };
    for option in step.rest(3) {
        match option.split_once('=').unwrap_or((option, "")) {
            ("add", _) => write.mode = kv::WriteMode::Add,
            ("compare", generation) => {
                write.mode = kv::WriteMode::Compare;
                write.if_generation = generation.parse().ok();
            }
            ("ttl", seconds) => write.ttl_s = seconds.parse().ok(),
            ("metadata", text) => write.metadata = Some(text),
            _ => {}
        }
    }
    store.put(&step.text(1), step.text(2).as_bytes(), Some(write))
}

fn of_secrets(step: &Step) -> Came {
    told(secrets::get(&step.text(0)), |secret| {
        String::from_utf8_lossy(&secret.reveal()).into_owned()
    })
}

/// `crypto.sha256 TEXT`, `crypto.sign ALGORITHM SECRET TEXT`, `crypto.verify ALGORITHM SECRET TEXT HEX`
fn of_crypto(function: &str, step: &Step) -> Came {
    if function == "sha256" {
        return Ok(hex(&crypto::sha256(step.text(0).as_bytes())));
    }
    let algorithm = match step.text(0).as_str() {
        "hs384" => crypto::Alg::Hs384,
        "hs512" => crypto::Alg::Hs512,
        "rs256" => crypto::Alg::Rs256,
        "es256" => crypto::Alg::Es256,
        "eddsa" => crypto::Alg::Eddsa,
        _ => crypto::Alg::Hs256,
    };
    let key = secrets::get(&step.text(1)).map_err(|error| name(&error))?;
    let data = step.text(2);
    match function {
        "sign" => told(crypto::sign(algorithm, &key, data.as_bytes()), |mac| {
            hex(&mac)
        }),
        "verify" => {
            let mac = unhex(&step.text(3));
            told(
                crypto::verify(algorithm, &key, data.as_bytes(), &mac),
                |is_right| is_right.to_string(),
            )
        }
        _ => unknown(step),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| {
        text.get(at..at + 2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
    };
    (0..text.len()).step_by(2).filter_map(byte).collect()
}

/// `subrequest.send ORIGIN METHOD URI [BODY] [cached] [timeout=MILLISECONDS] [max=BYTES] [NAME:VALUE …]`; `subrequest.start ORIGIN
/// URI URI …` sends several at once and then waits for them.
fn of_subrequest(function: &str, step: &Step) -> Came {
    match function {
        "send" => {
            let uri = step.text(2);
            told(outgoing(step, &uri, subrequest::send), reply)
        }
        "start" => {
            let bare = Step {
                what: String::new(),
                arguments: vec![step.text(0), "GET".into()],
            };
            let started: Result<Vec<_>, _> = step
                .rest(1)
                .into_iter()
                .map(|uri| outgoing(&bare, uri, subrequest::start))
                .collect();
            let replies: Vec<_> = started
                .map_err(|error| format!("start {}", name(&error)))?
                .iter()
                .map(|pending| told(pending.wait(), reply).unwrap_or_else(|error| error))
                .collect();
            Ok(replies.join(" | "))
        }
        _ => unknown(step),
    }
}

fn outgoing<R>(step: &Step, uri: &str, call: impl FnOnce(subrequest::Outgoing<'_>) -> R) -> R {
    let (method, body) = (step.text(1), step.text(3));
    let options = step.rest(4);
    let number = |key: &str, otherwise| {
        let value = options.iter().find_map(|option| option.strip_prefix(key));
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or(otherwise)
    };
    let headers: Vec<_> = options
        .iter()
        .filter_map(|option| option.split_once(':'))
        .collect();
    with_origin(step, 0, |to| {
        call(subrequest::Outgoing {
            method: &method,
            uri,
            headers: &headers,
            body: body.as_bytes(),
            to,
            timeout_ms: number("timeout=", 2000),
            max_body: number("max=", 65536),
            cached: options.contains(&"cached"),
        })
    })
}

fn reply(reply: subrequest::Incoming) -> String {
    let cut = if reply.truncated { " truncated" } else { "" };
    format!(
        "{}{cut} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    )
}

fn of_log(function: &str, step: &Step) -> Came {
    let level = match step.text(0).as_str() {
        "trace" => log::Level::Trace,
        "debug" => log::Level::Debug,
        "warn" => log::Level::Warn,
        "error" => log::Level::Error,
        _ => log::Level::Info,
    };
    match function {
        "enabled" => return shown(log::enabled(level)),
        "write" => log::write(level, &step.text(1)),
        "field" => log::field(&step.text(0), &step.text(1)),
        _ => return unknown(step),
    }
    Ok("done".into())
}

fn of_metrics(function: &str, step: &Step) -> Came {
    match function {
        "count" => metrics::count(&step.text(0), step.number(1, 1)),
        "observe" => metrics::observe(&step.text(0), step.number(1, 1.0)),
        _ => return unknown(step),
    }
    Ok("done".into())
}

fn of_clock(function: &str, step: &Step) -> Came {
    match function {
        "now-ms" => shown(clock::now_ms()),
        "random-u64" => shown(clock::random_u64()),
        "bucket" => shown(clock::bucket(
            &step.text(0),
            &step.text(1),
            step.number(2, 100),
        )),
        _ => unknown(step),
    }
}

/// `images.apply WIDTH [FORMAT]`
fn of_images(step: &Step) -> Came {
    done(images::apply(images::Transform {
        width: step.arguments.first().and_then(|width| width.parse().ok()),
        height: None,
        fit: None,
        format: step.arguments.get(1).map(String::as_str),
        quality: None,
        dpr: None,
    }))
}

/// `html.set-attribute SELECTOR NAME VALUE`, `html.remove SELECTOR`, `html.append SELECTOR HTML` and so on
fn of_html(function: &str, step: &Step) -> Came {
    let (first, second) = (&step.text(1), &step.text(2));
    let edit = match function {
        "set-attribute" => html::Edit::SetAttribute((first, second)),
        "remove" => html::Edit::Remove,
        "append" => html::Edit::AppendHtml(first),
        "prepend" => html::Edit::PrependHtml(first),
        "set-inner" => html::Edit::SetInner(first),
        _ => return unknown(step),
    };
    done(html::rule(&step.text(0), edit))
}
