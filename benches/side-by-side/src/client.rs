//! A small HTTP/1.1 client on one kept connection: fills caches, checks answers, holds connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A connection that is kept.
pub(crate) struct Client {
    /// The `Host` that load generators send too, since it is part of what caches go by.
    host: String,
    reader: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Client {
    /// Connects to a port on loopback.
    pub(crate) fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .with_context(|| format!("cannot connect to port {port}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            host: format!("127.0.0.1:{port}"),
            reader: BufReader::with_capacity(4096, stream),
        })
    }

    /// Asks for a path.
    pub(crate) fn get(&mut self, path: &str, headers: &[String]) -> Result<Response> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        self.reader.get_mut().write_all(request.as_bytes())?;
        self.response()
            .with_context(|| format!("the response to `{path}`"))
    }

    /// Whether the other side has kept the connection too.
    pub(crate) fn is_open(&mut self) -> bool {
        let stream = self.reader.get_mut();
        let mut byte = [0];
        let mut nothing_yet = || {
            stream.set_nonblocking(true)?;
            let peeked = stream.peek(&mut byte);
            stream.set_nonblocking(false)?;
            peeked
        };
        matches!(nothing_yet(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    fn response(&mut self) -> Result<Response> {
        let first = self.line()?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("`{first}` has no status"))?;
        let (mut length, mut chunked, mut etag) = (None, false, None);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse()?),
                "transfer-encoding" => chunked = true,
                "etag" => etag = Some(value.to_owned()),
                _ => {}
            }
        }
        let body = match (status, length, chunked) {
            (304, ..) => Vec::new(),
            (_, _, true) => self.chunks()?,
            (_, Some(length), false) => self.bytes(length)?,
            _ => bail!("its length is not told"),
        };
        Ok(Response { status, etag, body })
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.line()?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16)?;
            body.append(&mut self.bytes(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            bail!("the connection was closed");
        }
        Ok(line.trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answered(answer: &'static str) -> Response {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let response = Client::connect(port)
            .unwrap()
            .get("/a", &["X-B: c".into()])
            .unwrap();
        assert_eq!(
            server.join().unwrap(),
            format!("GET /a HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-B: c\r\n\r\n")
        );
        response
    }

    #[test]
    fn bodies_have_a_length_or_come_in_chunks() {
        let plain = answered("HTTP/1.1 206 P\r\nContent-Length: 3\r\nETag: \"x\"\r\n\r\nabc");
        assert_eq!((plain.status, plain.body.as_slice()), (206, &b"abc"[..]));
        assert_eq!(plain.etag.as_deref(), Some("\"x\""));
        let chunked = answered(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        );
        assert_eq!(chunked.body, b"abc");
        assert_eq!(answered("HTTP/1.1 304 N\r\n\r\n").body, b"");
    }
}
