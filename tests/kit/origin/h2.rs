//! One HTTP/2 connection of a scripted origin.

use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};

use super::script::{Act, Received, Reply, Script};
use crate::wire::{Fields, Stream};

pub(super) async fn serve(stream: impl Stream, script: Arc<Script>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            let Ok(received) = receive(request).await else {
                return;
            };
            let act = script.take(received);
            // An error is an edge that went first.
            drop(perform(act, respond).await);
            script.done();
        });
    }
}

async fn receive(request: Request<h2::RecvStream>) -> Result<Received, h2::Error> {
    let (head, mut stream) = request.into_parts();
    let mut fields = Vec::new();
    fields.extend(
        head.uri
            .authority()
            .map(|authority| ("host".to_owned(), authority.to_string())),
    );
    for (name, value) in &head.headers {
        fields.push((
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        ));
    }
    let mut body = Vec::new();
    while let Some(bytes) = stream.data().await {
        let bytes = bytes?;
        stream.flow_control().release_capacity(bytes.len())?;
        body.extend(bytes);
    }
    let target = head
        .uri
        .path_and_query()
        .map_or("*", |target| target.as_str())
        .to_owned();
    Ok(Received {
        method: head.method.to_string(),
        target,
        headers: Fields(fields),
        body,
    })
}

async fn perform(act: Act, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    match act {
        Act::Reply(reply) => answer(reply, &mut respond),
        Act::Held(gate, reply) => {
            gate.pass().await;
            answer(reply, &mut respond)
        }
        Act::Raw(_) | Act::Trickle(..) | Act::Echo => {
            respond.send_reset(h2::Reason::INTERNAL_ERROR);
            Ok(())
        }
    }
}

/// Sends an answer; fields whose name begins with `trailer-` come after the body, without that prefix.
fn answer(reply: Reply, respond: &mut SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut response = Response::builder().status(reply.status);
    let mut trailers = HeaderMap::new();
    for (name, value) in &reply.fields.0 {
        match name.strip_prefix("trailer-") {
            Some(name) => drop(trailers.insert(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            )),
            None => response = response.header(name, value),
        }
    }
    let mut stream = respond.send_response(response.body(()).unwrap(), false)?;
    stream.send_data(Bytes::from(reply.body), trailers.is_empty())?;
    if !trailers.is_empty() {
        stream.send_trailers(trailers)?;
    }
    Ok(())
}
