//! The certificate that a client showed and the listener found to be valid.

mod fact;
mod name;

use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderValue;
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate};

pub use fact::Fact;
pub use name::{AttributeKind, DistinguishedName};

/// A client's certificate, read once for each connection. It is the one of the connection's other end: behind a proxy that is
/// the proxy's.
pub struct ClientCertificate {
    /// Whose it is; may be empty when it has alternative names.
    pub subject: DistinguishedName,
    /// Who issued it.
    pub issuer: DistinguishedName,
    /// The number that the issuer gave it, in hexadecimal capitals.
    pub serial: String,
    /// The subject's alternative names, those of other kinds left out.
    pub names: Vec<AlternativeName>,
    /// From when it is valid, as RFC 3339 writes times.
    pub not_before: String,
    /// Until when it is valid.
    pub not_after: String,
    /// The SHA-256 digest of the certificate.
    pub fingerprint: [u8; 32],
    /// The certificate and those that were sent with it, in DER.
    pub chain: Vec<Vec<u8>>,
    /// What was asked for, as values of headers.
    told: [OnceLock<Option<HeaderValue>>; Fact::COUNT],
}

/// An alternative name of a certificate's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlternativeName {
    /// A host name.
    Dns(String),
    /// A mail address.
    Email(String),
    /// A URI, such as a SPIFFE ID.
    Uri(String),
    /// An address.
    Ip(IpAddr),
}

/// Why a certificate can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the client's certificate can't be read: {0}")]
pub struct UnreadableCertificate(String);

impl ClientCertificate {
    /// Reads the first of a chain of certificates. Whether it is valid was found out before.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn read(chain: Vec<Vec<u8>>) -> Result<Self, UnreadableCertificate> {
        let unreadable = |error: &dyn fmt::Display| UnreadableCertificate(error.to_string());
        let leaf = chain
            .first()
            .ok_or_else(|| unreadable(&"there is none"))?
            .as_slice();
        let (rest, certificate) =
            X509Certificate::from_der(leaf).map_err(|error| unreadable(&error))?;
        if !rest.is_empty() {
            return Err(unreadable(&"there is more behind it"));
        }
        let alternative = certificate
            .subject_alternative_name()
            .map_err(|error| unreadable(&error))?;
        let names = alternative
            .iter()
            .flat_map(|extension| &extension.value.general_names);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, leaf).as_ref());
        Ok(Self {
            subject: DistinguishedName::of(certificate.subject()),
            issuer: DistinguishedName::of(certificate.issuer()),
            serial: serial(certificate.raw_serial()),
            names: names.filter_map(AlternativeName::of).collect(),
            not_before: time(certificate.validity().not_before),
            not_after: time(certificate.validity().not_after),
            fingerprint,
            told: [const { OnceLock::new() }; Fact::COUNT],
            chain,
        })
    }

    /// What is asked of it, as the value of a header; `None` when it has nothing of the kind. Made once.
    pub fn tell(&self, fact: Fact) -> Option<&HeaderValue> {
        self.told[fact as usize]
            .get_or_init(|| fact.of(self))
            .as_ref()
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("subject", &self.subject.to_string())
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl AlternativeName {
    fn of(name: &GeneralName<'_>) -> Option<Self> {
        match name {
            GeneralName::DNSName(name) => Some(Self::Dns((*name).to_owned())),
            GeneralName::RFC822Name(name) => Some(Self::Email((*name).to_owned())),
            GeneralName::URI(name) => Some(Self::Uri((*name).to_owned())),
            GeneralName::IPAddress(bytes) => address(bytes).map(Self::Ip),
            _ => None,
        }
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(bytes.into());
    }
    let bytes = <[u8; 16]>::try_from(bytes).ok()?;
    Some(IpAddr::from(bytes).to_canonical())
}

/// Without the zero that keeps a number positive.
fn serial(bytes: &[u8]) -> String {
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn time(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use rcgen::{
        CertificateParams, CustomExtension, DnType, DnValue, KeyPair, SanType, SerialNumber,
        date_time_ymd,
    };

    use super::*;

    /// A certificate for tests, which its owner issued.
    pub(crate) fn certificate(change: impl FnOnce(&mut CertificateParams)) -> ClientCertificate {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.not_before = date_time_ymd(2024, 1, 2);
        params.not_after = date_time_ymd(2034, 12, 31);
        params.serial_number = Some(SerialNumber::from_slice(&[0x8a, 0x01]));
        change(&mut params);
        let der = params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .to_vec();
        ClientCertificate::read(vec![der]).unwrap()
    }

    /// Ann of Example, with a name of each kind.
    pub(crate) fn ann() -> ClientCertificate {
        certificate(|params| {
            let name = &mut params.distinguished_name;
            name.push(DnType::CountryName, "DE");
            name.push(DnType::OrganizationName, "Example, Inc.");
            name.push(DnType::CommonName, "ann");
            params.subject_alt_names = vec![
                SanType::DnsName("ann.example.com".try_into().unwrap()),
                SanType::Rfc822Name("ann@Example.com".try_into().unwrap()),
                SanType::URI("spiffe://example.org/shop/ann".try_into().unwrap()),
                SanType::IpAddress("192.0.2.7".parse().unwrap()),
            ];
        })
    }

    #[test]
    fn a_certificate_is_read() {
        let ann = ann();
        assert_eq!(ann.subject.to_string(), r"CN=ann,O=Example\, Inc.,C=DE");
        assert_eq!(ann.issuer, ann.subject);
        assert_eq!(ann.serial, "8A01");
        assert_eq!(
            (&*ann.not_before, &*ann.not_after),
            ("2024-01-02T00:00:00Z", "2034-12-31T00:00:00Z")
        );
        assert_eq!(
            ann.names,
            [
                AlternativeName::Dns("ann.example.com".into()),
                AlternativeName::Email("ann@Example.com".into()),
                AlternativeName::Uri("spiffe://example.org/shop/ann".into()),
                AlternativeName::Ip([192, 0, 2, 7].into()),
            ]
        );
        assert_eq!(ann.fingerprint, digest(&SHA256, &ann.chain[0]).as_ref());
    }

    #[test]
    fn odd_names_are_read() {
        let odd = certificate(|params| {
            let name = &mut params.distinguished_name;
            name.push(
                DnType::OrganizationName,
                DnValue::BmpString("Bäcker".try_into().unwrap()),
            );
            name.push(DnType::CustomDnType(vec![1, 2, 3, 4]), "a\r\nb");
        });
        assert_eq!(odd.subject.to_string(), r"1.2.3.4=a\0D\0Ab,O=B\C3\A4cker");
        assert!(odd.names.is_empty());
        assert!(certificate(|_| {}).subject.is_empty());
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let whole = ann().chain;
        assert!(ClientCertificate::read(Vec::new()).is_err());
        for length in (0..whole[0].len()).step_by(7) {
            assert!(
                ClientCertificate::read(vec![whole[0][..length].to_vec()]).is_err(),
                "{length}"
            );
        }
        let more = [&*whole[0], b"x"].concat();
        assert!(ClientCertificate::read(vec![more]).is_err());
        let twice = CustomExtension::from_oid_content(&[2, 5, 29, 17], vec![0x30, 0]);
        let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        params.custom_extensions.push(twice);
        let twice = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert!(ClientCertificate::read(vec![twice.der().to_vec()]).is_err());
    }
}
