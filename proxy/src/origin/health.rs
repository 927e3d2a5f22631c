//! Active health checks: each server is asked for a path now and then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use http::{Method, header};
use pingora_http::RequestHeader;
use rand::Rng;
use rimward_config::HealthCheck;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Origin;
use super::dial::Told;
use super::pool::Io;
use super::server::Server;

/// Checks that run at a time for one origin.
const AT_ONCE: usize = 32;
/// Bytes of a response that are looked at: its first line has to be in there.
const HEAD: usize = 4096;

/// Checks all servers of an origin, for ever.
pub(super) async fn watch(origin: Arc<Origin>, check: HealthCheck) {
    // The first round is soon, so that a dead server does not get requests for a whole interval.
    tokio::time::sleep(some_of(check.interval.min(Duration::from_secs(1)))).await;
    loop {
        round(&origin, &check).await;
        // A tenth more or less, so that edges that started together don't ask together.
        tokio::time::sleep(check.interval.mul_f64(0.9) + some_of(check.interval.mul_f64(0.2)))
            .await;
    }
}

async fn round(origin: &Origin, check: &HealthCheck) {
    let servers = origin.servers();
    stream::iter(servers.all.iter())
        .for_each_concurrent(AT_ONCE, |server| async {
            let result = tokio::time::timeout(check.timeout, ask(server, check, origin)).await;
            let result =
                result.unwrap_or_else(|_| Err(format!("no answer within {:?}", check.timeout)));
            note(origin, server, check, result);
        })
        .await;
}

fn some_of(time: Duration) -> Duration {
    time.mul_f64(rand::rng().random::<f64>())
}

/// Counts the result of a check and changes the server's health when enough of them agree.
fn note(origin: &Origin, server: &Server, check: &HealthCheck, result: Result<(), String>) {
    let state = &server.state;
    let was = state.healthy.load(Ordering::Relaxed);
    if result.is_ok() == was {
        state.dissent.store(0, Ordering::Relaxed);
        return;
    }
    let needed = if was {
        check.unhealthy_after
    } else {
        check.healthy_after
    };
    if state.dissent.fetch_add(1, Ordering::Relaxed) + 1 < needed {
        return;
    }
    state.dissent.store(0, Ordering::Relaxed);
    state.health_changes.fetch_add(1, Ordering::Relaxed);
    let (origin, server) = (origin.name(), &server.label);
    match result {
        Ok(()) => {
            state.came_back();
            tracing::info!(origin, %server, "a server is healthy again");
        }
        Err(reason) => tracing::warn!(origin, %server, reason, "a server is unhealthy"),
    }
    state.healthy.store(!was, Ordering::Relaxed);
}

async fn ask(server: &Server, check: &HealthCheck, origin: &Origin) -> Result<(), String> {
    let head = head(server, check, origin)?;
    let status = if origin.http2() {
        match server
            .dial
            .open_http2()
            .await
            .map_err(|error| error.to_string())?
        {
            (io, true) => ask_http2(io, server, head).await?,
            (io, false) => ask_http1(io, head).await?,
        }
    } else {
        let io = server
            .dial
            .open(&Arc::new(Told::new(true)))
            .await
            .map_err(|error| error.to_string())?;
        ask_http1(io, head).await?
    };
    match status {
        200..=399 => Ok(()),
        _ => Err(format!("status {status}, which is not one of 200 to 399")),
    }
}

/// The request of a check: as a client's would be, so that a bucket takes it.
fn head(server: &Server, check: &HealthCheck, origin: &Origin) -> Result<RequestHeader, String> {
    let mut head = RequestHeader::build(Method::GET, check.path.as_bytes(), None)
        .map_err(|error| error.to_string())?;
    head.insert_header(header::HOST, origin.check_host(server))
        .map_err(|error| error.to_string())?;
    head.insert_header(header::USER_AGENT, "rimward-health")
        .map_err(|error| error.to_string())?;
    origin.sign(&mut head).map_err(|error| error.to_string())?;
    Ok(head)
}

async fn ask_http1(mut io: Box<dyn Io>, mut head: RequestHeader) -> Result<u16, String> {
    head.insert_header(header::CONNECTION, "close")
        .map_err(|error| error.to_string())?;
    let mut request = [b"GET ", head.raw_path(), b" HTTP/1.1\r\n"].concat();
    head.header_to_h1_wire(&mut request);
    request.extend_from_slice(b"\r\n");
    io.write_all(&request)
        .await
        .map_err(|error| error.to_string())?;
    io.flush().await.map_err(|error| error.to_string())?;
    let mut head = Vec::with_capacity(HEAD);
    let mut response = (&mut io).take(HEAD as u64);
    loop {
        let read = response
            .read_buf(&mut head)
            .await
            .map_err(|error| error.to_string())?;
        if let Some(status) = status(&head)? {
            return Ok(status);
        }
        if read == 0 {
            return Err("the answer ended before its first line did".into());
        }
    }
}

/// The status, once the first line is there.
fn status(head: &[u8]) -> Result<Option<u16>, String> {
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let line = head.get(..=end).unwrap_or(head);
    let mut none = [];
    let mut response = httparse::Response::new(&mut none);
    match response.parse(line) {
        Ok(_) => Ok(response.code),
        Err(error) => Err(format!("the answer is not HTTP: {error}")),
    }
}

async fn ask_http2(io: Box<dyn Io>, server: &Server, head: RequestHeader) -> Result<u16, String> {
    let scheme = if server.peer.is_tls() {
        "https"
    } else {
        "http"
    };
    let host = head.headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut request = http::Request::get(format!("{scheme}://{host}{}", head.uri))
        .version(http::Version::HTTP_2)
        .body(())
        .map_err(|error| error.to_string())?;
    *request.headers_mut() = head.headers.clone();
    request.headers_mut().remove(header::HOST);
    let (mut sender, connection) = h2::client::handshake(io)
        .await
        .map_err(|error| error.to_string())?;
    let answer = async {
        futures_util::future::poll_fn(|cx| sender.poll_ready(cx)).await?;
        let (response, _) = sender.send_request(request, true)?;
        response.await
    };
    // The connection does its work while the answer is waited for, and ends with it.
    tokio::select! {
        answer = answer => answer.map(|response| response.status().as_u16()).map_err(|error| error.to_string()),
        end = connection => Err(end.err().map_or_else(|| "the connection ended".into(), |error| error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::origin::tests::{origin_with, servers_at};

    fn check() -> HealthCheck {
        HealthCheck {
            path: "/healthz".into(),
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            healthy_after: 2,
            unhealthy_after: 3,
        }
    }

    #[tokio::test]
    async fn health_changes_when_enough_checks_agree() {
        let origin = origin_with(servers_at(&[1]));
        let server = origin.servers().all[0].clone();
        let bad = || Err("bad".to_owned());
        for (result, expected) in [
            (bad(), true),
            (bad(), true),
            (Ok(()), true),
            (bad(), true),
            (bad(), true),
            (bad(), false),
            (bad(), false),
            (Ok(()), false),
            (bad(), false),
            (Ok(()), false),
            (Ok(()), true),
        ] {
            note(&origin, &server, &check(), result);
            assert_eq!(server.state.healthy.load(Ordering::Relaxed), expected);
        }
        assert_eq!(server.state.health_changes.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn the_path_is_asked_for_with_a_host() {
        for (answer, healthy) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", true),
            ("HTTP/1.0 204\r\n\r\n", true),
            ("HTTP/1.1 404 Not Found\r\n\r\n", false),
            ("HTTP/1.1 503 Busy\r\n\r\n", false),
            ("SSH-2.0-OpenSSH_9.2\r\n", false),
            ("", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let origin = origin_with(servers_at(&[port]));
            let served = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 1024];
                let read = stream.read(&mut request).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                String::from_utf8(request[..read].to_vec()).unwrap()
            });
            let server = origin.servers().all[0].clone();
            let result = ask(&server, &check(), &origin).await;
            assert_eq!(result.is_ok(), healthy, "{answer:?}: {result:?}");
            let request = served.await.unwrap();
            assert!(
                request.starts_with("GET /healthz HTTP/1.1\r\n"),
                "{request}"
            );
            assert!(
                request.contains(&format!("Host: 127.0.0.1:{port}\r\n")),
                "{request}"
            );
        }
    }

    #[tokio::test]
    async fn http2_servers_are_asked_in_http2() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings = servers_at(&[listener.local_addr().unwrap().port()]);
        settings.http2 = true;
        let origin = origin_with(settings);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(request) = connection.accept().await {
                let (request, mut respond) = request.unwrap();
                assert_eq!(request.uri().path(), "/healthz");
                respond
                    .send_response(http::Response::new(()), true)
                    .unwrap();
            }
        });
        let server = origin.servers().all[0].clone();
        assert_eq!(ask(&server, &check(), &origin).await, Ok(()));
    }
}
