//! A guest that does what a request tells it to, by the bare interfaces, and tells what came of it.
//!
//! The header `x-do` (all of them, or else the setting `do`) is a script: steps that are divided by `;`, each the name of a phase,
//! what to do there, and its arguments, divided by blanks. In an argument `%20` is a blank, `%3B` a semicolon.
//!
//! ```text
//! x-do: request request.header accept; request kv.put counts a 1; response response.set x-a b
//! ```
//!
//! What came of each step is added to the response as a header `x-did` by the phase `response`, and by an answer of its own:
//! `request request.header: text/html`, or `request kv.put! denied …` when the edge refused. Steps of bodies and of `log` tell by a line of the log that
//! starts with `x-did`.
//!
//! `calls.rs` has what can be called, `abuse.rs` what goes too far. Beside those a step may be
//!
//! | | |
//! |---|---|
//! | `answer STATUS [BODY] [NAME=VALUE …] [ttl=SECONDS]` | ends with this response |
//! | `replace-body BODY` | the verdict of this name |
//! | `fail TEXT` | returns an error |
//! | `pass`, `replace TEXT`, `upper`, `hold`, `drop` | of a body: what happens to the piece; `hold` until the last one, which passes |

mod abuse;
mod calls;
mod script;

use std::cell::RefCell;
use std::sync::Once;

use bindings::exports::rimward::filter as exports;
use bindings::rimward::filter::types::{ChunkVerdict, HeaderOp, Synthetic, Verdict};
use bindings::rimward::filter::{body, config, log, response};
use script::{Step, script};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../../sdk/wit",
        world: "filter",
        ownership: Borrowing { duplicate_if_necessary: true },
        generate_all,
    });
}

struct Probe;

bindings::export!(Probe with_types_in bindings);

thread_local! {
    /// What came of the steps so far: an instance is of one request.
    static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn tell(phase: &str, step: &Step, came: Result<String, String>) {
    let told = match came {
        Ok(value) => format!("{phase} {}: {value}", step.what),
        Err(error) => format!("{phase} {}! {error}", step.what),
    };
    if phase == "log" || phase.ends_with("-body") {
        log::write(log::Level::Info, &format!("x-did {told}"));
    }
    TOLD.with_borrow_mut(|all| all.push(told));
}

fn told() -> Vec<String> {
    TOLD.with_borrow(Clone::clone)
}

/// Takes the steps of a phase up to one that is a verdict.
fn play(phase: &str) -> Result<Verdict, String> {
    start();
    for step in script(phase) {
        match step.what.as_str() {
            "answer" => return Ok(Verdict::Respond(answer(&step))),
            "replace-body" => return Ok(Verdict::ReplaceBody(step.text(0).into())),
            "fail" => return Err(step.text(0)),
            _ => tell(phase, &step, calls::call(&step)),
        }
    }
    Ok(Verdict::Next)
}

fn answer(step: &Step) -> Synthetic {
    let mut answer = Synthetic {
        status: step.number(0, 200),
        headers: told()
            .into_iter()
            .map(|told| ("x-did".to_owned(), told))
            .collect(),
        body: step.text(1).into(),
        cache_ttl: None,
    };
    for pair in step.arguments.iter().skip(2) {
        match pair.split_once('=') {
            Some(("ttl", seconds)) => answer.cache_ttl = seconds.parse().ok(),
            Some((name, value)) => answer.headers.push((name.to_owned(), value.to_owned())),
            None => {}
        }
    }
    answer
}

/// Takes the steps of a phase with a body up to one that is a verdict.
fn play_body(phase: &str) -> Result<ChunkVerdict, String> {
    start();
    for step in script(phase) {
        match step.what.as_str() {
            "pass" => return Ok(ChunkVerdict::Pass),
            "drop" => return Ok(ChunkVerdict::Drop),
            "hold" if body::is_last() => return Ok(ChunkVerdict::Pass),
            "hold" => return Ok(ChunkVerdict::Hold),
            "replace" => return Ok(ChunkVerdict::Replace(step.text(0).into())),
            "upper" => {
                let piece = body::read(0, body::len());
                return Ok(ChunkVerdict::Replace(piece.to_ascii_uppercase()));
            }
            "fail" => return Err(step.text(0)),
            _ => tell(phase, &step, calls::call(&step)),
        }
    }
    Ok(ChunkVerdict::Pass)
}

/// Has panics logged: what a trap tells is that there was one.
fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            log::write(log::Level::Error, &panic.to_string());
        }));
    });
}

impl exports::lifecycle::Guest for Probe {
    /// Refuses the setting `refuse` with its text, and panics for `panic`.
    fn configure(_: String) -> Result<(), String> {
        start();
        if let Some(text) = config::get("panic") {
            panic!("{text}");
        }
        config::get("refuse").map_or(Ok(()), Err)
    }
}

impl exports::on_request::Guest for Probe {
    fn handle() -> Result<Verdict, String> {
        TOLD.take();
        play("request")
    }
}

impl exports::on_request_body::Guest for Probe {
    fn handle() -> Result<ChunkVerdict, String> {
        play_body("request-body")
    }
}

impl exports::on_origin_request::Guest for Probe {
    fn handle() -> Result<Verdict, String> {
        play("origin-request")
    }
}

impl exports::on_origin_response::Guest for Probe {
    fn handle() -> Result<Verdict, String> {
        play("origin-response")
    }
}

impl exports::on_origin_response_body::Guest for Probe {
    fn handle() -> Result<ChunkVerdict, String> {
        play_body("origin-response-body")
    }
}

impl exports::on_response::Guest for Probe {
    fn handle() -> Result<Verdict, String> {
        let verdict = play("response")?;
        let told = told();
        let edits: Vec<_> = told
            .iter()
            .map(|told| HeaderOp::Append(("x-did", told)))
            .collect();
        if !edits.is_empty() {
            response::edit_headers(&edits).map_err(|error| calls::name(&error))?;
        }
        Ok(verdict)
    }
}

impl exports::on_response_body::Guest for Probe {
    fn handle() -> Result<ChunkVerdict, String> {
        play_body("response-body")
    }
}

impl exports::on_log::Guest for Probe {
    fn handle(summary: exports::on_log::Summary) {
        let steps = script("log");
        if !steps.is_empty() {
            log::write(log::Level::Info, &format!("x-did log summary: {summary:?}"));
        }
        for step in steps {
            tell("log", &step, calls::call(&step));
        }
    }
}
