//! What headers, logs and cache keys can tell of a client's certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Escaped;
use super::{AlternativeName, ClientCertificate};
use crate::template::NOT_UNRESERVED;

/// What would end a name in a list.
const NOT_IN_LIST: &AsciiSet = &CONTROLS.add(b' ').add(b',');

/// Something that can be told of a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline, title = "what to tell of a certificate")]
pub enum Fact {
    /// The subject's name as RFC 4514 writes it: `CN=ann,O=Example`.
    Subject,
    /// The subject's common name.
    CommonName,
    /// The issuer's name.
    Issuer,
    /// The serial number in hexadecimal capitals.
    Serial,
    /// The SHA-256 digest in hexadecimal.
    Fingerprint,
    /// From when it is valid: `2026-01-31T00:00:00Z`.
    NotBefore,
    /// Until when it is valid.
    NotAfter,
    /// The alternative names that are host names, separated by commas.
    Dns,
    /// Those that are mail addresses.
    Email,
    /// Those that are URIs.
    Uri,
    /// Those that are addresses.
    Ip,
    /// The certificate as RFC 9440 has it: `:` Base64 `:`.
    Certificate,
    /// The certificates that were sent with it, in the same form.
    Chain,
    /// The certificate in PEM, percent-encoded.
    Pem,
    /// What Envoy writes into `x-forwarded-client-cert`: digest, subject, URIs and host names.
    Xfcc,
}

impl Fact {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Xfcc as usize + 1;

    /// What a certificate has of it. Always plain ASCII without control characters.
    pub(super) fn of(self, certificate: &ClientCertificate) -> Option<HeaderValue> {
        let text = match self {
            Self::Subject => certificate.subject.to_string(),
            Self::CommonName => {
                let name = certificate.subject.get("CN").unwrap_or_default();
                Escaped(name).to_string()
            }
            Self::Issuer => certificate.issuer.to_string(),
            Self::Serial => certificate.serial.clone(),
            Self::Fingerprint => hex(&certificate.fingerprint),
            Self::NotBefore => certificate.not_before.clone(),
            Self::NotAfter => certificate.not_after.clone(),
            Self::Dns | Self::Email | Self::Uri | Self::Ip => self.names(certificate),
            Self::Certificate => sequences(certificate.chain.get(..1)),
            Self::Chain => sequences(certificate.chain.get(1..)),
            Self::Pem => pem(certificate.chain.first()?),
            Self::Xfcc => xfcc(certificate),
        };
        if text.is_empty() {
            return None;
        }
        HeaderValue::try_from(text).ok()
    }

    fn names(self, certificate: &ClientCertificate) -> String {
        let names = certificate
            .names
            .iter()
            .filter_map(|name| match (self, name) {
                (Self::Dns, AlternativeName::Dns(name))
                | (Self::Email, AlternativeName::Email(name))
                | (Self::Uri, AlternativeName::Uri(name)) => {
                    Some(utf8_percent_encode(name, NOT_IN_LIST).to_string())
                }
                (Self::Ip, AlternativeName::Ip(address)) => Some(address.to_string()),
                _ => None,
            });
        names.collect::<Vec<_>>().join(", ")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Byte sequences as RFC 9651 has them.
fn sequences(certificates: Option<&[Vec<u8>]>) -> String {
    let sequence = |der: &Vec<u8>| format!(":{}:", STANDARD.encode(der));
    let sequences = certificates.unwrap_or_default().iter().map(sequence);
    sequences.collect::<Vec<_>>().join(", ")
}

fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    utf8_percent_encode(&text, NOT_UNRESERVED).to_string()
}

/// One element of Envoy's header. Values are quoted, so that no name can add a pair or an element; the subject's is as escaped
/// already as quotes need it.
fn xfcc(certificate: &ClientCertificate) -> String {
    let mut pairs = vec![format!("Hash={}", hex(&certificate.fingerprint))];
    if !certificate.subject.is_empty() {
        pairs.push(format!("Subject=\"{}\"", certificate.subject));
    }
    let names = || certificate.names.iter();
    pairs.extend(names().filter_map(|name| match name {
        AlternativeName::Uri(name) => Some(format!("URI={}", quoted(name))),
        _ => None,
    }));
    pairs.extend(names().filter_map(|name| match name {
        AlternativeName::Dns(name) => Some(format!("DNS={}", quoted(name))),
        _ => None,
    }));
    pairs.join(";")
}

/// In quotes, if it needs them.
fn quoted(name: &str) -> String {
    let name = utf8_percent_encode(name, CONTROLS).to_string();
    if name.bytes().any(|byte| b"\\\",;= ".contains(&byte)) {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use rcgen::{DnType, SanType};

    use super::*;
    use crate::certificate::tests::{ann, certificate};

    fn told(certificate: &ClientCertificate, fact: Fact) -> Option<&str> {
        certificate.tell(fact).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn each_fact_is_told() {
        let mut ann = ann();
        let issuer = certificate(|_| {}).chain.remove(0);
        ann.chain.push(issuer.clone());
        let base64 = STANDARD.encode(&ann.chain[0]);
        let hash = hex(&ann.fingerprint);
        let xfcc = format!(
            r#"Hash={hash};Subject="CN=ann,O=Example\, Inc.,C=DE";URI=spiffe://example.org/shop/ann;DNS=ann.example.com"#
        );
        for (fact, expected) in [
            (Fact::Subject, r"CN=ann,O=Example\, Inc.,C=DE"),
            (Fact::CommonName, "ann"),
            (Fact::Issuer, r"CN=ann,O=Example\, Inc.,C=DE"),
            (Fact::Serial, "8A01"),
            (Fact::Fingerprint, &hash),
            (Fact::NotBefore, "2024-01-02T00:00:00Z"),
            (Fact::NotAfter, "2034-12-31T00:00:00Z"),
            (Fact::Dns, "ann.example.com"),
            (Fact::Email, "ann@Example.com"),
            (Fact::Uri, "spiffe://example.org/shop/ann"),
            (Fact::Ip, "192.0.2.7"),
            (Fact::Certificate, &format!(":{base64}:")),
            (Fact::Chain, &format!(":{}:", STANDARD.encode(&issuer))),
            (Fact::Xfcc, &xfcc),
        ] {
            assert_eq!(told(&ann, fact), Some(expected), "{fact:?}");
        }
        let pem = percent_decode_str(told(&ann, Fact::Pem).unwrap())
            .decode_utf8()
            .unwrap();
        let lines: Vec<_> = pem.lines().collect();
        assert_eq!(lines[0], "-----BEGIN CERTIFICATE-----");
        assert_eq!(lines[1..lines.len() - 1].concat(), base64);
        assert!(lines.iter().all(|line| line.len() <= 64));
    }

    #[test]
    fn what_a_certificate_lacks_is_not_told() {
        let bare = certificate(|_| {});
        for fact in [
            Fact::Subject,
            Fact::CommonName,
            Fact::Issuer,
            Fact::Dns,
            Fact::Email,
            Fact::Uri,
            Fact::Ip,
            Fact::Chain,
        ] {
            assert_eq!(told(&bare, fact), None, "{fact:?}");
        }
        assert!(told(&bare, Fact::Xfcc).unwrap().starts_with("Hash="));
    }

    #[test]
    fn no_name_adds_to_what_is_told() {
        let sly = certificate(|params| {
            let name = "eve\";URI=spiffe://example.org/admin,By=x\r\nx-admin: 1";
            params.distinguished_name.push(DnType::CommonName, name);
            let uri = |text: &str| SanType::URI(text.try_into().unwrap());
            params.subject_alt_names = vec![
                uri("spiffe://a/, spiffe://b"),
                uri("spiffe://a\r\nx;URI=b\""),
            ];
        });
        assert_eq!(
            told(&sly, Fact::Uri),
            Some("spiffe://a/%2C%20spiffe://b, spiffe://a%0D%0Ax;URI=b\"")
        );
        let xfcc = told(&sly, Fact::Xfcc).unwrap();
        let (_, pairs) = xfcc.split_once(';').unwrap();
        assert_eq!(
            pairs,
            r#"Subject="CN=eve\"\;URI=spiffe://example.org/admin\,By=x\0D\0Ax-admin: 1";URI="spiffe://a/, spiffe://b";URI="spiffe://a%0D%0Ax;URI=b\"""#
        );
    }
}
