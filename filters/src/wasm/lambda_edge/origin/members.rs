//! What handlers write into `custom` and `s3`.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::described::Protocol;
use crate::wasm::lambda_edge::fault::Fault;
use crate::wasm::lambda_edge::headers::Fields;

/// The members of `custom` or `s3`.
pub(super) struct Members<'a> {
    of: &'static str,
    map: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub(super) fn of(value: &'a Value, of: &'static str) -> Result<Self, Fault> {
        match value {
            Value::Object(map) => Ok(Self { of, map }),
            _ => Err(Fault::invalid(format!("`origin.{of}` is not an object"))),
        }
    }

    pub(super) fn wrong<T>(&self, what: &str) -> Result<T, Fault> {
        Err(Fault::invalid(format!("`origin.{}`: {what}", self.of)))
    }

    pub(super) fn optional(&self, key: &str) -> Result<Option<&'a str>, Fault> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => self.wrong(&format!("`{key}` is not text")),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, Fault> {
        match self.optional(key)? {
            Some(text) => Ok(text),
            None => self.wrong(&format!("`{key}` is missing")),
        }
    }

    pub(super) fn number<N: TryFrom<u64>>(&self, key: &str) -> Result<N, Fault> {
        let number = self.map.get(key).and_then(Value::as_u64);
        match number.and_then(|number| N::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => self.wrong(&format!("`{key}` is not a number that it can be")),
        }
    }

    pub(super) fn number_or(&self, key: &str, usual: u64) -> Result<u64, Fault> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(usual),
            Some(_) => self.number(key),
        }
    }

    pub(super) fn protocol(&self) -> Result<Protocol, Fault> {
        match self.text("protocol")? {
            "http" => Ok(Protocol::Http),
            "https" => Ok(Protocol::Https),
            _ => self.wrong("`protocol` is neither `http` nor `https`"),
        }
    }

    /// A folder: empty, or with a slash before it and none behind.
    pub(super) fn path(&self, before: Option<&str>) -> Result<String, Fault> {
        let path = self.optional("path")?.unwrap_or("");
        if path.is_empty() || before == Some(path) {
            return Ok(path.to_owned());
        }
        if !path.starts_with('/') || path.ends_with('/') {
            return self.wrong("`path` has to begin with `/` and must not end with one");
        }
        if path.len() > 255 {
            return self.wrong("`path` has more than 255 characters");
        }
        match crate::target::normal_path(path) {
            Ok(path) => Ok(path),
            Err(error) => self.wrong(&format!("`path` is not a path: {error}")),
        }
    }

    pub(super) fn ssl_protocols(&self) -> Result<Vec<String>, Fault> {
        let is_one = |name: &str| matches!(name, "SSLv3" | "TLSv1" | "TLSv1.1" | "TLSv1.2");
        let written = match self.map.get("sslProtocols") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(written)) => written,
            Some(_) => return self.wrong("`sslProtocols` is not a list"),
        };
        let name = |value: &Value| match value.as_str() {
            Some(name) if is_one(name) => Ok(name.to_owned()),
            _ => self.wrong(
                "`sslProtocols` has something else than `SSLv3`, `TLSv1`, `TLSv1.1` and `TLSv1.2`",
            ),
        };
        written.iter().take(16).map(name).collect()
    }

    pub(super) fn custom_headers(&self) -> Result<Fields, Fault> {
        match self.map.get("customHeaders") {
            None | Some(Value::Null) => Ok(Fields::default()),
            Some(headers) => Fields::read(headers),
        }
    }
}

/// A name of DNS: no address, no port.
pub(super) fn is_domain(name: &str, most: usize) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("`domainName` is empty");
    }
    if name.len() > most {
        return Err("`domainName` is too long");
    }
    if name.contains(':') {
        return Err("`domainName` has a colon: the port is `port`");
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    // Some readers of addresses take `127.1` and `0x7f.1` for ones.
    let last = name.rsplit('.').next().unwrap_or("");
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if name.parse::<IpAddr>().is_ok() || is_number {
        return Err("`domainName` is an address: it has to be a name");
    }
    match name.split('.').all(is_label) {
        true => Ok(()),
        false => Err("`domainName` is not the name of a host"),
    }
}
