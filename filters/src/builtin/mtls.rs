//! Lets clients in by their certificates, and tells origins of them.
//!
//! The listener has asked for a certificate and found it valid before any filter runs: here it is only asked whose it is.

mod forward;
mod rule;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use self::forward::{Forward, Preset};
use self::rule::Rule;
use crate::certificate::{ClientCertificate, Fact};
use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::settings::{FieldName, RefusalStatus};

/// Lets clients in by their certificates.
pub(crate) struct Mtls {
    require: bool,
    /// `None` when every valid certificate is allowed.
    allow: Option<Vec<Rule>>,
    status: u16,
    forward: Forward,
    key: Option<(Arc<str>, Fact)>,
    log: Fact,
    tallies: Outcomes,
}

/// What became of requests.
struct Outcomes {
    no_certificate: Arc<dyn Tally>,
    not_allowed: Arc<dyn Tally>,
    allowed: Arc<dyn Tally>,
}

/// Settings of `mtls`. Certificates are asked for by listeners, with `tls.client_certificates`, which only let valid ones in; this
/// filter says whose are allowed here and what the origin is told. The certificate is the one of the connection's other end:
/// behind a proxy, the proxy's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Whether clients without a certificate are refused. Who has one that is not allowed is refused in any case.
    #[serde(default = "yes")]
    require: bool,
    /// Whose certificates are allowed: those for which one of these tables holds. Without it, all that are valid. All that a
    /// table has must hold: `san`, an alternative name such as `dns:*.example.com`, `email:*@example.com`,
    /// `uri:spiffe://example.org/shop/*` or `ip:192.0.2.0/24`; `subject` and `issuer`, a whole name such as
    /// `"CN=ann,O=Example"`, in either order, or a table of attributes that the name has, such as `{ O = "Example" }`;
    /// `fingerprint`, the SHA-256 digest of the certificate in hexadecimal, with or without colons.
    #[schemars(title = "list of tables")]
    allow: Option<Vec<Rule>>,
    /// The status of a refusal, from 400 to 599.
    #[serde(default = "forbidden")]
    status: RefusalStatus,
    /// Customary headers by which the origin is told of the certificate: `rfc9440` (`client-cert` and `client-cert-chain`),
    /// `envoy` (`x-forwarded-client-cert`), `nginx` (`ssl-client-verify`, `ssl-client-subject-dn`, `ssl-client-issuer-dn` and
    /// `ssl-client-cert`, as the Ingress for nginx has them).
    #[serde(default)]
    #[schemars(title = "list of presets")]
    presets: Vec<Preset>,
    /// More headers, each with what it tells: `subject`, `common_name`, `issuer`, `serial`, `fingerprint` (SHA-256),
    /// `not_before`, `not_after`, the alternative names `dns`, `email`, `uri` and `ip`, the whole `certificate` and its `chain`
    /// in Base64 as RFC 9440 has them, the `pem`, percent-encoded, or `xfcc`. What a certificate hasn't got is not sent. What the
    /// client sent under these names, or those of `presets`, never reaches the origin, not even with `_` in the place of `-`.
    #[serde(default)]
    #[schemars(title = "table of headers")]
    headers: BTreeMap<FieldName, Fact>,
    /// What of the certificate tells responses apart in the cache, such as `fingerprint`: for origins whose responses depend on
    /// who asks. Without it, all who are let in share what is stored.
    key: Option<Fact>,
    /// What the access log has of the certificate, as `client_cert`. The fingerprint stands in for what it hasn't got.
    #[serde(default = "subject")]
    log: Fact,
}

fn yes() -> bool {
    true
}

fn forbidden() -> RefusalStatus {
    RefusalStatus::FORBIDDEN
}

fn subject() -> Fact {
    Fact::Subject
}

impl Configured for Mtls {
    const NAME: &'static str = "mtls";
    const SUMMARY: &'static str =
        "Lets clients in by their certificates, and tells the origin whose they are.";
    const EXAMPLE: &'static str = r#"use = "mtls"
allow = [
  { san = "uri:spiffe://example.org/shop/*" },
  { san = "dns:*.partner.example", issuer = { O = "Partner" } },
  { subject = "CN=ann,O=Example,C=DE" },
  { fingerprint = "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08" },
]
presets = ["rfc9440"]
headers = { x-client-subject = "subject", x-client-fingerprint = "fingerprint" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let rules = settings.allow.iter().flatten();
        if let Some(index) = rules.clone().position(Rule::is_empty) {
            return Err(BuildError::at(
                format!("allow[{index}]"),
                "this allows everybody: give `san`, `subject`, `issuer` or `fingerprint`, or leave out `allow`",
            ));
        }
        let forward = Forward::new(&settings.presets, settings.headers)?;
        let does_nothing = !settings.require && settings.allow.is_none();
        if does_nothing && forward.is_empty() && settings.key.is_none() {
            return Err(BuildError::at(
                "",
                "everybody is let in and nothing is told: give `allow`, `headers`, `presets` or `key`, or leave out `require = false`",
            ));
        }
        Ok(Self {
            require: settings.require,
            allow: settings.allow,
            status: settings.status.0,
            forward,
            key: settings.key.map(|fact| (builder.name.into(), fact)),
            log: settings.log,
            tallies: Outcomes {
                no_certificate: builder.tally("no_certificate"),
                not_allowed: builder.tally("not_allowed"),
                allowed: builder.tally("allowed"),
            },
        })
    }
}

impl Filter for Mtls {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        self.forward.clear(&mut exchange.request);
        let certificate = exchange.client.certificate.clone();
        if let Some(certificate) = &certificate {
            self.log(exchange, certificate);
        }
        match certificate.as_deref() {
            None if self.require => {
                self.refuse(exchange, &self.tallies.no_certificate, "no_certificate")
            }
            Some(certificate) if !self.allows(certificate) => {
                self.refuse(exchange, &self.tallies.not_allowed, "not_allowed")
            }
            certificate => self.admit(exchange, certificate),
        }
    }
}

impl Mtls {
    fn allows(&self, certificate: &ClientCertificate) -> bool {
        let rules = self.allow.as_ref();
        rules.is_none_or(|rules| rules.iter().any(|rule| rule.allows(certificate)))
    }

    fn refuse(
        &self,
        exchange: &mut Exchange,
        tally: &Arc<dyn Tally>,
        why: &str,
    ) -> Result<Flow, FilterError> {
        exchange.outcomes.push(tally.clone());
        exchange.log.push(("mtls".into(), why.to_owned()));
        Ok(Answer::refuse(self.status)?.flow())
    }

    fn admit(
        &self,
        exchange: &mut Exchange,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Flow, FilterError> {
        exchange.outcomes.push(match certificate {
            Some(_) => self.tallies.allowed.clone(),
            None => self.tallies.no_certificate.clone(),
        });
        self.forward.tell(&mut exchange.request, certificate)?;
        if let Some((filter, fact)) = &self.key {
            let value = certificate.map_or("", |certificate| text(certificate, *fact));
            exchange.chosen.distinguish(filter, value);
        }
        Ok(Flow::Continue)
    }

    fn log(&self, exchange: &mut Exchange, certificate: &ClientCertificate) {
        let told = match text(certificate, self.log) {
            "" => text(certificate, Fact::Fingerprint),
            told => told,
        };
        exchange.log.push(("client_cert".into(), told.to_owned()));
    }
}

/// What is told of a certificate, or nothing.
fn text(certificate: &ClientCertificate, fact: Fact) -> &str {
    let value = certificate.tell(fact);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
