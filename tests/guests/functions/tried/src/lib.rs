//! A function that does, by its path, whatever a function may do well or badly.

use wasip2::cli::{environment, stderr, stdout};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

wasip2::http::proxy::export!(Tried);

struct Tried;

const SECOND: u64 = 1_000_000_000;

impl Guest for Tried {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/hello" => answer(out, 200, &[], "hello"),
            "/cached" => answer(out, 200, &[("cache-control", "max-age=60")], "kept"),
            "/head" => answer(out, 200, &[], &head(&request)),
            "/env" => answer(out, 200, &[], &surroundings()),
            "/random" => answer(
                out,
                200,
                &[],
                &wasip2::random::random::get_random_u64().to_string(),
            ),
            "/status" => answer(out, query.parse().unwrap_or(500), &[], "by the query"),
            "/echo" => echo(request, out),
            "/trailers" => trailers(request, out),
            "/fetch" => fetch(query, &[], out),
            "/looped" => fetch(query, &[("cdn-loop", b"forged")], out),
            "/many" => many(query, out),
            "/post" => post(query, request, out),
            "/log" => log(query, out),
            "/trap" => core::arch::wasm32::unreachable(),
            "/trap-late" => {
                let (body, stream) = begin(out, 200, &[]);
                write(&stream, b"half");
                wait(SECOND / 100);
                keep(body, stream);
                core::arch::wasm32::unreachable()
            }
            "/loop" => spin(),
            "/loop-late" => {
                let (body, stream) = begin(out, 200, &[]);
                write(&stream, b"half");
                keep(body, stream);
                spin()
            }
            "/hog" => hog(),
            "/deep" => answer(out, 200, &[], &deep(1).to_string()),
            "/hang" => wait(3600 * SECOND),
            "/hang-late" => {
                let (body, stream) = begin(out, 200, &[]);
                write(&stream, b"half");
                keep(body, stream);
                wait(3600 * SECOND);
            }
            "/slow" => slow(query, out),
            "/silent" => drop(out),
            "/error" => ResponseOutparam::set(
                out,
                Err(ErrorCode::InternalError(Some("on purpose".into()))),
            ),
            "/short" => {
                let (body, stream) = begin(out, 200, &[("content-length", "10")]);
                write(&stream, b"half");
                drop(stream);
                drop(OutgoingBody::finish(body, None));
            }
            "/unfinished" => {
                let (body, stream) = begin(out, 200, &[]);
                write(&stream, b"half");
                drop(stream);
                drop(body);
            }
            "/afterwards" => {
                answer(out, 200, &[], "over");
                wait(query.parse::<u64>().unwrap_or(0) * SECOND / 1000);
                print(b"went on\n");
            }
            "/flood" => flood(query.parse().unwrap_or(0), out),
            "/resources" => {
                let kept: Vec<Fields> = (0..10_000_000).map(|_| Fields::new()).collect();
                answer(out, 200, &[], &kept.len().to_string());
            }
            _ => answer(out, 404, &[], "no such trial"),
        }
    }
}

fn fields(list: &[(&str, &str)]) -> Fields {
    let fields = Fields::new();
    for (name, value) in list {
        fields.append(name, value.as_bytes()).unwrap();
    }
    fields
}

/// Sends a head, and gives what its body is written to.
fn begin(
    out: ResponseOutparam,
    status: u16,
    headers: &[(&str, &str)],
) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(fields(headers));
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().unwrap();
    (body, stream)
}

fn answer(out: ResponseOutparam, status: u16, headers: &[(&str, &str)], text: &str) {
    let (body, stream) = begin(out, status, headers);
    write(&stream, text.as_bytes());
    end(body, stream);
}

fn write(stream: &OutputStream, bytes: &[u8]) -> bool {
    bytes
        .chunks(4096)
        .all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
}

fn end(body: OutgoingBody, stream: OutputStream) {
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

/// Leaves a body as it is, neither finished nor given up.
fn keep(body: OutgoingBody, stream: OutputStream) {
    core::mem::forget(stream);
    core::mem::forget(body);
}

fn wait(nanoseconds: u64) {
    subscribe_duration(nanoseconds).block();
}

/// The request as the function sees it.
fn head(request: &IncomingRequest) -> String {
    let scheme = match request.scheme() {
        Some(Scheme::Http) => "http",
        Some(Scheme::Https) => "https",
        _ => "?",
    };
    let mut text = format!(
        "{:?} {scheme}://{}{}\n",
        request.method(),
        request.authority().unwrap_or_default(),
        request.path_with_query().unwrap_or_default(),
    );
    for (name, value) in request.headers().entries() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
    text
}

fn surroundings() -> String {
    let mut environment = environment::get_environment();
    environment.sort();
    format!(
        "{environment:?} {:?} {:?}",
        environment::get_arguments(),
        environment::initial_cwd()
    )
}

fn spin() -> ! {
    let mut number = 1_u64;
    loop {
        number = core::hint::black_box(number.wrapping_mul(31).wrapping_add(7));
    }
}

fn hog() {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(core::hint::black_box(vec![1; 1024 * 1024]));
    }
}

fn deep(number: u64) -> u64 {
    let here = core::hint::black_box([number; 64]);
    match core::hint::black_box(number) {
        0 => 0,
        number => deep(number + 1).wrapping_add(here[7]),
    }
}

/// The bytes of a body as they come; `None` at the end.
fn read(stream: &InputStream) -> Option<Vec<u8>> {
    match stream.blocking_read(64 * 1024) {
        Ok(bytes) => Some(bytes),
        Err(StreamError::Closed) => None,
        Err(StreamError::LastOperationFailed(_)) => {
            print(b"the body broke off\n");
            core::arch::wasm32::unreachable()
        }
    }
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    let (body, to) = begin(out, 200, &[]);
    while let Some(bytes) = read(&from) {
        if !write(&to, &bytes) {
            return;
        }
    }
    end(body, to);
}

/// Sends back the trailers of the request, as a body and as trailers.
fn trailers(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    while read(&from).is_some() {}
    drop(from);
    let future = IncomingBody::finish(incoming);
    future.subscribe().block();
    let trailers = match future.get() {
        Some(Ok(Ok(Some(trailers)))) => trailers.entries(),
        _ => Vec::new(),
    };
    let (body, to) = begin(out, 200, &[("trailer", "x-sent-back")]);
    for (name, value) in &trailers {
        write(
            &to,
            format!("{name}: {}\n", String::from_utf8_lossy(value)).as_bytes(),
        );
    }
    drop(to);
    let sent = fields(&[("x-sent-back", "yes")]);
    OutgoingBody::finish(body, Some(sent)).unwrap();
}

/// Sends a request to a URL.
fn ask(
    method: &Method,
    url: &str,
    headers: &[(&str, &[u8])],
) -> Result<(OutgoingRequest, OutgoingBody), ErrorCode> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let fields = Fields::new();
    for (name, value) in headers {
        fields
            .append(name, value)
            .map_err(|_| ErrorCode::HttpRequestDenied)?;
    }
    let request = OutgoingRequest::new(fields);
    let wrong = |()| ErrorCode::HttpRequestUriInvalid;
    let scheme = if scheme == "https" {
        Scheme::Https
    } else {
        Scheme::Http
    };
    request.set_method(method).map_err(wrong)?;
    request.set_scheme(Some(&scheme)).map_err(wrong)?;
    request.set_authority(Some(authority)).map_err(wrong)?;
    request.set_path_with_query(Some(path)).map_err(wrong)?;
    let body = request.body().map_err(wrong)?;
    Ok((request, body))
}

fn get(url: &str, headers: &[(&str, &[u8])]) -> Result<IncomingResponse, ErrorCode> {
    let (request, body) = ask(&Method::Get, url, headers)?;
    let future = outgoing_handler::handle(request, None)?;
    OutgoingBody::finish(body, None)?;
    future.subscribe().block();
    future.get().unwrap().unwrap()
}

fn fetch(url: &str, headers: &[(&str, &[u8])], out: ResponseOutparam) {
    match get(url, headers) {
        Ok(response) => pass_on(response, out),
        Err(code) => answer(out, 502, &[], &format!("{code:?}")),
    }
}

fn pass_on(response: IncomingResponse, out: ResponseOutparam) {
    let status = response.status();
    let incoming = response.consume().unwrap();
    let from = incoming.stream().unwrap();
    let (body, to) = begin(out, status, &[("x-fetched", "yes")]);
    while let Some(bytes) = read(&from) {
        if !write(&to, &bytes) {
            return;
        }
    }
    end(body, to);
}

/// Asks several URLs, parted by commas, one after another.
fn many(urls: &str, out: ResponseOutparam) {
    let mut text = String::new();
    for url in urls.split(',') {
        match get(url, &[]) {
            Ok(response) => text.push_str(&format!("{}\n", response.status())),
            Err(code) => text.push_str(&format!("{code:?}\n")),
        }
    }
    answer(out, 200, &[], &text);
}

/// Passes the body of the request on to a URL, and its answer back, both as they come.
fn post(url: &str, request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    let (asked, body) = ask(&Method::Post, url, &[]).unwrap();
    let to = body.write().unwrap();
    let future = outgoing_handler::handle(asked, None).unwrap();
    while let Some(bytes) = read(&from) {
        if !write(&to, &bytes) {
            break;
        }
    }
    end(body, to);
    future.subscribe().block();
    match future.get().unwrap().unwrap() {
        Ok(response) => pass_on(response, out),
        Err(code) => answer(out, 502, &[], &format!("{code:?}")),
    }
}

fn print(text: &[u8]) {
    drop(stdout::get_stdout().blocking_write_and_flush(text));
}

fn log(lines: &str, out: ResponseOutparam) {
    print(b"one line, in ");
    print(b"two parts\nand the next\n");
    drop(stderr::get_stderr().blocking_write_and_flush(b"something is odd\n"));
    for number in 0..lines.parse().unwrap_or(0) {
        print(format!("line {number:04} of many that are as long as this one is\n").as_bytes());
    }
    print(b"without an end");
    answer(out, 200, &[], "logged");
}

/// Parts of a body, with pauses: how many, and how long in milliseconds.
fn slow(query: &str, out: ResponseOutparam) {
    let (parts, pause) = query.split_once(',').unwrap_or(("3", "10"));
    let (body, stream) = begin(out, 200, &[]);
    for number in 0..parts.parse().unwrap_or(3) {
        if !write(&stream, format!("part {number}\n").as_bytes()) {
            return;
        }
        wait(pause.parse::<u64>().unwrap_or(10) * SECOND / 1000);
    }
    end(body, stream);
}

fn flood(kibibytes: usize, out: ResponseOutparam) {
    let (body, stream) = begin(out, 200, &[]);
    let part = [b'x'; 4096];
    for _ in 0..kibibytes / 4 {
        if !write(&stream, &part) {
            print(b"nobody reads\n");
            return;
        }
    }
    end(body, stream);
}
