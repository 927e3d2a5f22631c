//! HTTP/1.1 on the wire, as the scripted origin and the client read it: strictly, and telling apart a message that ended
//! from one that was cut off.

use std::fmt;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Any two-way stream of bytes.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// A connection and what has been read from it ahead.
pub struct Wire {
    stream: Box<dyn Stream>,
    ahead: Vec<u8>,
}

/// Header fields in order, names as sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

/// A start line and its fields.
#[derive(Debug, Clone)]
pub struct Head {
    /// The first line.
    pub start: String,
    /// The fields.
    pub fields: Fields,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Exactly(usize),
    /// Until the last chunk.
    Chunked,
    /// Until the connection ends.
    ToEnd,
}

/// Why a message could not be read whole.
#[derive(Debug)]
pub enum ReadError {
    /// The connection ended, or was reset, before the first byte.
    Closed,
    /// The connection ended in the middle of the head or the body: so much of the body had come.
    CutOff(Vec<u8>),
    /// What came is not HTTP/1.1.
    Malformed(String),
}

impl Fields {
    /// Parses `name: value` lines.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Self(
            lines
                .map(|line| {
                    line.split_once(':')
                        .unwrap_or_else(|| panic!("`{line}` is no header field"))
                })
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
        )
    }

    /// The first field of this name.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Every field of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether there is one.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// As on the wire.
    pub fn to_wire(&self) -> String {
        self.0
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect()
    }

    /// How long the body after these fields is, if they say; chunked wins as RFC 9112 has it.
    pub fn length(&self) -> Result<Option<Length>, ReadError> {
        if self
            .all("transfer-encoding")
            .any(|value| value.to_ascii_lowercase().contains("chunked"))
        {
            return Ok(Some(Length::Chunked));
        }
        let Some(value) = self.get("content-length") else {
            return Ok(None);
        };
        let length = value
            .parse()
            .map_err(|_| ReadError::Malformed(format!("content-length: {value}")))?;
        Ok(Some(Length::Exactly(length)))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_map()
            .entries(self.0.iter().map(|(name, value)| (name, value)))
            .finish()
    }
}

impl Wire {
    /// A connection of which nothing has been read.
    pub fn new(stream: impl Stream) -> Self {
        Self {
            stream: Box::new(stream),
            ahead: Vec::new(),
        }
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// A head, or `None` when the connection ended before it began.
    pub async fn head(&mut self) -> Result<Option<Head>, ReadError> {
        let Some(start) = self.line().await? else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        loop {
            let line = self.line().await?.ok_or(ReadError::CutOff(Vec::new()))?;
            if line.is_empty() {
                return Ok(Some(Head {
                    start,
                    fields: Fields(fields),
                }));
            }
            let field = line
                .split_once(':')
                .ok_or_else(|| ReadError::Malformed(format!("field line {line:?}")))?;
            fields.push((field.0.to_owned(), field.1.trim().to_owned()));
        }
    }

    /// A body and its trailers.
    pub async fn body(&mut self, length: Length) -> Result<(Vec<u8>, Fields), ReadError> {
        match length {
            Length::Exactly(count) => {
                let mut body = Vec::new();
                self.append(&mut body, count).await?;
                Ok((body, Fields::default()))
            }
            Length::Chunked => self.chunks().await,
            Length::ToEnd => {
                while self.more().await? {}
                Ok((std::mem::take(&mut self.ahead), Fields::default()))
            }
        }
    }

    /// Whatever bytes come next, or `None` at the end.
    pub async fn some(&mut self) -> Option<Vec<u8>> {
        if self.ahead.is_empty() && !self.more().await.unwrap_or(false) {
            return None;
        }
        Some(std::mem::take(&mut self.ahead))
    }

    async fn chunks(&mut self) -> Result<(Vec<u8>, Fields), ReadError> {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.line_of(&body).await? else {
                return Err(ReadError::CutOff(body));
            };
            let size = line.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16)
                .map_err(|_| ReadError::Malformed(format!("chunk size {line:?}")))?;
            if size == 0 {
                return self.trailers(body).await;
            }
            self.append(&mut body, size).await?;
            match self.line_of(&body).await? {
                Some(line) if line.is_empty() => {}
                Some(line) => return Err(ReadError::Malformed(format!("{line:?} after a chunk"))),
                None => return Err(ReadError::CutOff(body)),
            }
        }
    }

    async fn trailers(&mut self, body: Vec<u8>) -> Result<(Vec<u8>, Fields), ReadError> {
        let mut trailers = Fields::default();
        loop {
            match self.line_of(&body).await? {
                Some(line) if line.is_empty() => return Ok((body, trailers)),
                Some(line) => trailers.0.extend(Fields::parse(&line).0),
                None => return Err(ReadError::CutOff(body)),
            }
        }
    }

    async fn append(&mut self, body: &mut Vec<u8>, mut count: usize) -> Result<(), ReadError> {
        while count > 0 {
            if self.ahead.is_empty() && !self.more().await.unwrap_or(false) {
                return Err(ReadError::CutOff(std::mem::take(body)));
            }
            let taken = count.min(self.ahead.len());
            body.extend(self.ahead.drain(..taken));
            count -= taken;
        }
        Ok(())
    }

    /// A line inside a body: its end by a reset is a cut like any other.
    async fn line_of(&mut self, body: &[u8]) -> Result<Option<String>, ReadError> {
        match self.line().await {
            Err(ReadError::CutOff(_) | ReadError::Closed) => Err(ReadError::CutOff(body.to_vec())),
            other => other,
        }
    }

    async fn line(&mut self) -> Result<Option<String>, ReadError> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.ahead.drain(..end + 2).take(end).collect();
                return String::from_utf8(line)
                    .map(Some)
                    .map_err(|error| ReadError::Malformed(error.to_string()));
            }
            match (self.more().await, self.ahead.is_empty()) {
                (Ok(true), _) => {}
                (Ok(false), true) => return Ok(None),
                (Err(_), true) => return Err(ReadError::Closed),
                (_, false) => return Err(ReadError::CutOff(Vec::new())),
            }
        }
    }

    async fn more(&mut self) -> Result<bool, ReadError> {
        let count = self
            .stream
            .read_buf(&mut self.ahead)
            .await
            .map_err(|_| ReadError::Closed)?;
        Ok(count > 0)
    }
}
