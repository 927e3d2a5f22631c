//! Greets whoever the path names: `GET /Ann` is answered with `Hello, Ann!`. The word of greeting is a variable of the
//! environment, `GREETING`.

use wasip2::cli::environment::get_environment;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wasip2::http::proxy::export!(Hello);

struct Hello;

impl Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return answer(out, 405, &[("allow", "GET, HEAD")], "only GET and HEAD\n");
        }
        let target = request.path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let whom = match path.trim_matches('/') {
            "" => "world",
            name => name,
        };
        let headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("cache-control", "public, max-age=60"),
        ];
        answer(
            out,
            200,
            &headers,
            &[&greeting(), ", ", whom, "!\n"].concat(),
        );
    }
}

fn greeting() -> String {
    let variables = get_environment();
    let given = variables.into_iter().find(|(name, _)| name == "GREETING");
    given.map_or_else(|| "Hello".to_owned(), |(_, value)| value)
}

fn answer(out: ResponseOutparam, status: u16, headers: &[(&str, &str)], text: &str) {
    let fields = Fields::new();
    for (name, value) in headers {
        fields
            .append(name, value.as_bytes())
            .expect("a header that may be set");
    }
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("the first time it is asked for");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the first time it is asked for");
    // Whoever asked may be gone, which is no fault of ours.
    drop(stream.blocking_write_and_flush(text.as_bytes()));
    drop(stream);
    drop(OutgoingBody::finish(body, None));
}
