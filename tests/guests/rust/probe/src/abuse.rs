//! What goes too far, each in its way.

use std::hint::black_box;

use crate::bindings::rimward::filter::types::HeaderOp;
use crate::bindings::rimward::filter::{log, request, response};
use crate::calls::name;
use crate::script::Step;

/// Does what a step says, which may be the end of this instance.
///
/// | | |
/// |---|---|
/// | `spin [STEPS]` | computes; for ever unless a number is told |
/// | `grow [MIB]` | takes memory, and keeps it; until there is none unless a number is told |
/// | `recurse` | calls itself until the stack is full |
/// | `panic TEXT` | |
/// | `flood [CALLS]` | calls the edge, for ever unless a number is told |
/// | `huge-headers COUNT BYTES` | adds headers `x-huge-N` to what the phase has, by one call |
/// | `huge-log LINES BYTES` | |
pub fn abuse(step: &Step) -> Result<String, String> {
    match step.what.as_str() {
        "spin" => spin(step.number(0, u64::MAX)),
        "grow" => grow(step.number(0, usize::MAX)),
        "recurse" => return Ok(recurse(1).to_string()),
        "panic" => panic!("{}", step.text(0)),
        "flood" => flood(step.number(0, u64::MAX)),
        "huge-headers" => return huge_headers(step.number(0, 1000), step.number(1, 1000)),
        "huge-log" => huge_log(step.number(0, 1000), step.number(1, 1000)),
        _ => return Err(format!("the probe can't do `{}`", step.what)),
    }
    Ok("done".into())
}

fn spin(steps: u64) {
    let mut step = 0;
    while step < steps {
        step = black_box(step + 1);
    }
}

fn grow(mebibytes: usize) {
    for _ in 0..mebibytes {
        std::mem::forget(black_box(vec![1_u8; 1 << 20]));
    }
}

fn recurse(depth: u64) -> u64 {
    let room = black_box([depth; 32]);
    if depth == 0 {
        0
    } else {
        recurse(room[31] + 1) + room[0]
    }
}

fn flood(calls: u64) {
    for _ in 0..calls {
        black_box(request::has_header("x-flood"));
    }
}

fn huge_headers(count: usize, bytes: usize) -> Result<String, String> {
    let value = "x".repeat(bytes);
    let names: Vec<_> = (0..count)
        .map(|number| format!("x-huge-{number}"))
        .collect();
    let edits: Vec<_> = names
        .iter()
        .map(|name| HeaderOp::Set((name, &value)))
        .collect();
    let made = request::edit_headers(&edits).or_else(|_| response::edit_headers(&edits));
    made.map(|()| "done".into()).map_err(|error| name(&error))
}

fn huge_log(lines: usize, bytes: usize) {
    let text = "x".repeat(bytes);
    for _ in 0..lines {
        log::write(log::Level::Info, &text);
    }
}
