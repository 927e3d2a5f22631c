//! The floor that hits are compared with: a loop on one thread which answers each read by one write of 1 KiB.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;

const LISTENER: u64 = u64::MAX;

/// Serves on a port of loopback until the process ends.
pub(crate) fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("cannot listen on port {port}"))?;
    serve_on(&listener)
}

fn serve_on(listener: &TcpListener) -> Result<()> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &poll,
        listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let answer = answer();
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut events = Vec::with_capacity(256);
    loop {
        epoll::wait(&poll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            if event.data.u64() == LISTENER {
                accept(listener, &poll, &mut connections)?;
                continue;
            }
            let place = usize::try_from(event.data.u64())?;
            let over = connections[place]
                .as_mut()
                .is_none_or(|stream| !exchange(stream, &answer));
            if over {
                connections[place] = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &OwnedFd,
    connections: &mut Vec<Option<TcpStream>>,
) -> Result<()> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let place = connections
        .iter()
        .position(Option::is_none)
        .unwrap_or(connections.len());
    epoll::add(
        poll,
        &stream,
        EventData::new_u64(place as u64),
        EventFlags::IN,
    )?;
    if place == connections.len() {
        connections.push(Some(stream));
    } else {
        connections[place] = Some(stream);
    }
    Ok(())
}

/// One read, one write; whether the connection goes on.
fn exchange(stream: &mut TcpStream, answer: &[u8]) -> bool {
    let mut request = [0; 4096];
    match stream.read(&mut request) {
        Ok(0) => false,
        Ok(_) => stream.write_all(answer).is_ok(),
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// A response as a cache would give it: 1 KiB, and some fields.
fn answer() -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nServer: echo\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
        Content-Type: text/plain\r\nContent-Length: 1024\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
        ETag: \"69555b00-400\"\r\nCache-Control: max-age=3600\r\nAge: 1\r\nAccept-Ranges: bytes\r\n\r\n"
        .to_vec();
    answer.resize(answer.len() + 1024, b'x');
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;

    #[test]
    fn every_request_gets_a_kibibyte() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || serve_on(&listener));
        for _ in 0..2 {
            let mut client = Client::connect(port).unwrap();
            for _ in 0..3 {
                let response = client.get("/", &[]).unwrap();
                assert_eq!((response.status, response.body.len()), (200, 1024));
            }
        }
    }
}
