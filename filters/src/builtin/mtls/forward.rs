//! What the origin is told of a client's certificate, and by which headers.

use std::collections::BTreeMap;

use http::header::{HeaderName, HeaderValue};
use pingora_http::RequestHeader;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::certificate::{ClientCertificate, Fact};
use crate::filter::{BuildError, FilterError};
use crate::settings::{FieldName, refuse_framing};

/// Headers that others have made customary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline, title = "headers that are customary")]
pub(super) enum Preset {
    /// `client-cert` and `client-cert-chain`, of RFC 9440.
    Rfc9440,
    /// `x-forwarded-client-cert`, of Envoy.
    Envoy,
    /// `ssl-client-verify`, `ssl-client-subject-dn`, `ssl-client-issuer-dn` and `ssl-client-cert`, of the Ingress for nginx.
    Nginx,
}

impl Preset {
    fn headers(self) -> &'static [(&'static str, Told)] {
        match self {
            Self::Rfc9440 => &[
                ("client-cert", Told::Fact(Fact::Certificate)),
                ("client-cert-chain", Told::Fact(Fact::Chain)),
            ],
            Self::Envoy => &[("x-forwarded-client-cert", Told::Fact(Fact::Xfcc))],
            Self::Nginx => &[
                ("ssl-client-verify", Told::Verdict),
                ("ssl-client-subject-dn", Told::Fact(Fact::Subject)),
                ("ssl-client-issuer-dn", Told::Fact(Fact::Issuer)),
                ("ssl-client-cert", Told::Fact(Fact::Pem)),
            ],
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Told {
    Fact(Fact),
    /// `SUCCESS` or `NONE`.
    Verdict,
}

/// Headers that this filter alone may set.
#[derive(Debug)]
pub(super) struct Forward(Vec<(HeaderName, Told)>);

impl Forward {
    pub(super) fn new(
        presets: &[Preset],
        headers: BTreeMap<FieldName, Fact>,
    ) -> Result<Self, BuildError> {
        let preset = presets.iter().flat_map(|preset| preset.headers());
        let mut all: Vec<_> = preset
            .map(|(name, told)| (HeaderName::from_static(name), *told))
            .collect();
        for (FieldName(name), fact) in headers {
            let wrong = |message| BuildError::at(format!("headers.{name}"), message);
            refuse_framing(&name).map_err(wrong)?;
            if name == http::header::HOST {
                return Err(wrong(
                    "`host` tells the origin which site is asked for".to_owned(),
                ));
            }
            if all.iter().any(|(other, _)| *other == name) {
                return Err(wrong("a preset sets this header already".to_owned()));
            }
            all.push((name, Told::Fact(fact)));
        }
        Ok(Self(all))
    }

    /// Whether the origin is told nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes what the client sent under these names, also with `_` in the place of `-`: many programs behind a gateway can't
    /// tell them apart.
    pub(super) fn clear(&self, request: &mut RequestHeader) {
        let sent = request.headers.keys();
        let odd: Vec<HeaderName> = sent
            .filter(|name| {
                name.as_str().contains('_') && self.0.iter().any(|(own, _)| is_like(own, name))
            })
            .cloned()
            .collect();
        let own = self.0.iter().map(|(name, _)| name);
        for name in own.chain(&odd) {
            request.remove_header(name);
        }
    }

    /// Tells of a certificate, or that there is none.
    pub(super) fn tell(
        &self,
        request: &mut RequestHeader,
        certificate: Option<&ClientCertificate>,
    ) -> Result<(), FilterError> {
        for (name, told) in &self.0 {
            let value = match (told, certificate) {
                (Told::Verdict, Some(_)) => Some(HeaderValue::from_static("SUCCESS")),
                (Told::Verdict, None) => Some(HeaderValue::from_static("NONE")),
                (Told::Fact(fact), Some(certificate)) => certificate.tell(*fact).cloned(),
                (Told::Fact(_), None) => None,
            };
            if let Some(value) = value {
                request
                    .insert_header(name, value)
                    .map_err(|_| FilterError::new(format!("`{name}` can't be set")))?;
            }
        }
        Ok(())
    }
}

fn is_like(own: &HeaderName, sent: &HeaderName) -> bool {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte };
    let (own, sent) = (own.as_str().bytes(), sent.as_str().bytes());
    own.map(plain).eq(sent.map(plain))
}
