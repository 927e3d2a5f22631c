//! Hosts that no origin of the configuration stands for, as guests write them.

use std::time::Duration;

use http::Uri;

use super::heads;
use crate::elsewhere::Elsewhere;
use crate::wasm::abi::Error;
use crate::wasm::abi::rimward::filter::types::CustomOrigin;
use crate::wasm::version::Version;

/// How long a guest may have a host waited for, for a connection or for the beginning of a response.
const LONGEST: Duration = Duration::from_secs(60);
/// How long it is waited for a connection unless the guest says so.
const TO_CONNECT: Duration = Duration::from_secs(5);
/// The same for the beginning of a response.
const TO_BEGIN: Duration = Duration::from_secs(30);
/// From there to the last byte.
const TO_END: Duration = Duration::from_secs(30);
/// The longest prefix of targets, in bytes.
const MAX_PREFIX: usize = 1 << 10;
/// The most fields of its own.
const MAX_FIELDS: usize = 50;

/// The host that a guest names, if it may ask it.
pub(super) fn granted(version: &Version, custom: CustomOrigin) -> Result<Elsewhere, Error> {
    let host = custom.host.to_ascii_lowercase();
    version.grants.check_host(&host, custom.port, custom.tls)?;
    if custom.headers.len() > MAX_FIELDS {
        let most = format!("a host gets at most {MAX_FIELDS} fields of its own");
        return Err(Error::Limit(most));
    }
    let field = |(name, value): &(String, String)| Ok((heads::name(name)?, heads::value(value)?));
    let fields: Result<Vec<_>, Error> = custom.headers.iter().map(field).collect();
    let time = |wanted: Option<u32>, usual: Duration| match wanted {
        Some(wanted) => Duration::from_millis(wanted.into()).min(LONGEST),
        None => usual,
    };
    let elsewhere = Elsewhere {
        prefix: prefix(&custom.path_prefix)?,
        fields: fields?,
        time: time(custom.connect_timeout_ms, TO_CONNECT)
            + time(custom.read_timeout_ms, TO_BEGIN)
            + TO_END,
        most: version.limits.body,
        port: custom.port,
        sni: custom.sni,
        tls: custom.tls,
        host,
    };
    let base = elsewhere.base();
    let is_url = base
        .parse::<Uri>()
        .is_ok_and(|url| url.host() == Some(elsewhere.host.as_str()));
    match is_url {
        true => Ok(elsewhere),
        false => Err(Error::Invalid(format!(
            "`{}` is no URL",
            base.escape_debug()
        ))),
    }
}

fn prefix(written: &str) -> Result<String, Error> {
    let prefix = written.trim_end_matches('/');
    if prefix.is_empty() {
        return Ok(String::new());
    }
    let wrong = |why: &str| Error::Invalid(format!("`{}` {why}", written.escape_debug()));
    if prefix.len() > MAX_PREFIX {
        return Err(Error::Limit(format!(
            "what comes before targets has at most {MAX_PREFIX} bytes"
        )));
    }
    if !prefix.starts_with('/') {
        return Err(wrong("does not begin with `/`"));
    }
    crate::target::normal_path(prefix).map_err(|error| wrong(&error.to_string()))
}

/// A host as the guest is told of it.
pub(super) fn told(elsewhere: &Elsewhere) -> CustomOrigin {
    CustomOrigin {
        host: elsewhere.host.clone(),
        port: elsewhere.port,
        tls: elsewhere.tls,
        sni: elsewhere.sni.clone(),
        path_prefix: elsewhere.prefix.clone(),
        connect_timeout_ms: None,
        read_timeout_ms: None,
        // They may be another filter's secrets.
        headers: Vec::new(),
    }
}
