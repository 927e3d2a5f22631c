//! One HTTP/1.1 connection of a scripted origin.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::script::{Act, Piece, Received, Reply, Script, chunk};
use crate::wire::{Length, ReadError, Stream, Wire};

pub(super) async fn serve(stream: impl Stream, script: Arc<Script>) {
    let mut wire = Wire::new(stream);
    while let Ok(Some(request)) = receive(&mut wire).await {
        let head_only = request.method == "HEAD";
        let act = script.take(request);
        let sent = perform(&mut wire, act, head_only).await;
        script.done();
        if !sent.unwrap_or(false) {
            break;
        }
    }
    // Errors here are an edge that went first.
    drop(wire.finish().await);
}

async fn receive(wire: &mut Wire) -> Result<Option<Received>, ReadError> {
    let Some(head) = wire.head().await? else {
        return Ok(None);
    };
    let mut words = head.start.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(ReadError::Malformed(head.start));
    };
    if head.fields.get("expect") == Some("100-continue") {
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .map_err(|_| ReadError::Closed)?;
    }
    let length = head.fields.length()?.unwrap_or(Length::Exactly(0));
    let (body, _) = wire.body(length).await?;
    Ok(Some(Received {
        method,
        target,
        headers: head.fields,
        body,
    }))
}

/// Does what the script says; `false` when the connection has to end.
async fn perform(wire: &mut Wire, act: Act, head_only: bool) -> io::Result<bool> {
    match act {
        Act::Reply(reply) => answer(wire, &reply, head_only).await,
        Act::Held(gate, reply) => {
            gate.pass().await;
            answer(wire, &reply, head_only).await
        }
        Act::Trickle(head, pieces) => trickle(wire, &head, pieces).await,
        Act::Raw(bytes) => {
            wire.send(&bytes).await?;
            Ok(false)
        }
        Act::Echo => echo(wire).await,
    }
}

async fn answer(wire: &mut Wire, reply: &Reply, head_only: bool) -> io::Result<bool> {
    wire.send(&reply.to_wire(head_only)).await?;
    Ok(reply.fields.get("connection") != Some("close"))
}

async fn trickle(
    wire: &mut Wire,
    head: &str,
    mut pieces: mpsc::UnboundedReceiver<Piece>,
) -> io::Result<bool> {
    let chunked = Reply::new(&format!("{head}\ntransfer-encoding: chunked"), b"");
    let framed = Reply::new(head, b"");
    let by_length = framed.fields.has("content-length");
    wire.send(&if by_length { framed } else { chunked }.to_wire(true))
        .await?;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Bytes(bytes) if by_length => wire.send(&bytes).await?,
            Piece::Bytes(bytes) => wire.send(&chunk(&bytes)).await?,
            Piece::End if by_length => return Ok(true),
            Piece::End => return wire.send(b"0\r\n\r\n").await.map(|()| true),
        }
    }
    Ok(false)
}

async fn echo(wire: &mut Wire) -> io::Result<bool> {
    wire.send(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    )
    .await?;
    while let Some(bytes) = wire.some().await {
        wire.send(&bytes).await?;
    }
    Ok(false)
}
