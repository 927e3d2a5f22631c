//! What is known of an exchange beside its heads.

use std::collections::BTreeMap;

use crate::certificate::Fact;
use crate::wasm::abi::Hook;
use crate::wasm::abi::rimward::filter::context::Host;
use crate::wasm::abi::rimward::filter::types::Phase;
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;

/// How many variables an exchange may have, and how long their names and values may be together, in bytes.
const MAX_VARIABLES: usize = 64;
const MAX_VARIABLE: usize = 4 << 10;

/// What guests leave for later phases and for each other.
#[derive(Debug, Clone, Default)]
pub(in crate::wasm) struct Variables(BTreeMap<String, String>);

impl Host for State {
    fn request_id(&mut self) -> Answer<String> {
        Ok(self.exchange.request_id.clone())
    }

    fn pop(&mut self) -> Answer<String> {
        Ok((*self.version.around.pop).to_owned())
    }

    fn current_phase(&mut self) -> Answer<Phase> {
        Ok(match self.hook {
            Hook::RequestBody if self.is_sent => Phase::OriginRequest,
            Hook::Configure
            | Hook::Request
            | Hook::RequestBody
            | Hook::Handle
            | Hook::Compile
            | Hook::Prepare
            | Hook::Load => Phase::Request,
            Hook::OriginRequest => Phase::OriginRequest,
            Hook::OriginResponse | Hook::OriginResponseBody => Phase::OriginResponse,
            Hook::Response | Hook::ResponseBody => Phase::Response,
            Hook::Log => Phase::Log,
        })
    }

    fn client_ip(&mut self) -> Answer<String> {
        Ok(self.exchange.client.ip.to_string())
    }

    fn tls(&mut self, field: String) -> Answer<Option<String>> {
        let handshake = self.exchange.client.tls.as_deref();
        let fingerprint = handshake.and_then(|handshake| handshake.fingerprint.as_ref());
        let told = match field.as_str() {
            "version" => handshake.map(|handshake| handshake.version),
            "cipher" => handshake.map(|handshake| handshake.cipher),
            "sni" => handshake.and_then(|handshake| handshake.sni.as_deref()),
            "alpn" => handshake.and_then(|handshake| handshake.alpn),
            "ja3" => fingerprint.map(|fingerprint| &*fingerprint.ja3),
            "ja4" => fingerprint.map(|fingerprint| &*fingerprint.ja4),
            _ => return Ok(self.certificate_fact(&field)),
        };
        Ok(told.map(str::to_owned))
    }

    fn get_var(&mut self, name: String) -> Answer<Option<String>> {
        let variables = self.exchange.notes.get::<Variables>();
        Ok(variables.and_then(|variables| variables.0.get(&name).cloned()))
    }

    fn set_var(&mut self, name: String, value: String) -> Answer<()> {
        let notes = &mut self.exchange.notes;
        let mut variables = notes.remove::<Variables>().unwrap_or_default();
        let fits = name.len() + value.len() <= MAX_VARIABLE
            && (variables.0.len() < MAX_VARIABLES || variables.0.contains_key(&name));
        if fits {
            variables.0.insert(name, value);
        } else {
            tracing::warn!(filter = %self.version.name, variable = name, "a guest's variable was left out: it is too long, or one too many");
        }
        notes.insert(variables);
        Ok(())
    }

    fn budget_us(&mut self) -> Answer<u64> {
        let left = self.version.limits.cpu.saturating_sub(self.meter.used());
        Ok(u64::try_from(left.as_micros()).unwrap_or(u64::MAX))
    }
}

impl State {
    /// A fact of the client's certificate, by the name that guests have for it.
    fn certificate_fact(&self, field: &str) -> Option<String> {
        let fact = match field {
            "certificate.subject" => Fact::Subject,
            "certificate.common_name" => Fact::CommonName,
            "certificate.issuer" => Fact::Issuer,
            "certificate.serial" => Fact::Serial,
            "certificate.fingerprint" => Fact::Fingerprint,
            "certificate.not_before" => Fact::NotBefore,
            "certificate.not_after" => Fact::NotAfter,
            "certificate.dns" => Fact::Dns,
            "certificate.email" => Fact::Email,
            "certificate.uri" => Fact::Uri,
            "certificate.ip" => Fact::Ip,
            _ => return None,
        };
        let told = self.exchange.client.certificate.as_ref()?.tell(fact)?;
        Some(String::from_utf8_lossy(told.as_bytes()).into_owned())
    }
}
