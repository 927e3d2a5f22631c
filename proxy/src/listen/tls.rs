//! TLS at the listeners: certificates chosen by server name, and the settings of handshakes.

mod clients;
mod fingerprint;
pub(super) mod hello;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rimward_config::Certificate;
use rimward_filters::{Fingerprint, Handshake};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, ServerConfig, ServerConnection};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::connection::TlsInfo;
pub(super) use clients::{Clients, Wrong};

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file can't be read.
    #[error("can't read `{0}`: {1}")]
    Read(PathBuf, #[source] io::Error),
    /// The file is not PEM.
    #[error("`{0}` is not PEM: {1:?}")]
    Pem(PathBuf, pem::Error),
    /// There is no certificate in it.
    #[error(
        "`{0}` holds no certificate: it should have at least one `-----BEGIN CERTIFICATE-----`"
    )]
    NoCertificate(PathBuf),
    /// There is no key in it.
    #[error(
        "`{0}` holds no private key: it should have a `-----BEGIN PRIVATE KEY-----`, without a passphrase"
    )]
    NoKey(PathBuf),
    /// The first certificate can't be understood.
    #[error("the first certificate of `{0}` is malformed: {1}")]
    Malformed(PathBuf, String),
    /// The key is of another certificate.
    #[error(
        "the key in `{key}` is not the one of the first certificate in `{chain}`; the chain should begin with the site's own certificate"
    )]
    Mismatch {
        /// The chain.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The key is of a kind that can't be used.
    #[error(
        "the key in `{0}` can't be used: {1}; it should be RSA of 2048 bits or more, ECDSA P-256, P-384, P-521 or Ed25519"
    )]
    Unusable(PathBuf, rustls::Error),
    /// A certificate can't stand for a CA.
    #[error("a certificate of `{0}` can't be used as a CA: {1}")]
    Authority(PathBuf, String),
    /// There is no revocation list in it.
    #[error(
        "`{0}` holds no revocation list: it should have at least one `-----BEGIN X509 CRL-----`, or one in DER"
    )]
    NoList(PathBuf),
    /// A revocation list can't be understood.
    #[error("a revocation list of `{0}` is malformed: {1}")]
    MalformedList(PathBuf, String),
}

/// Session tickets of a listener, under keys that change by themselves. One for as long as the listener holds clients'
/// certificates to the same, so that sessions outlive reloads; none is accepted for another server name than it was given to,
/// or by another listener.
fn ticketer() -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    aws_lc_rs::Ticketer::new()
}

/// TLS of a listener.
#[derive(Debug)]
pub(super) struct Tls {
    /// The settings of handshakes.
    pub(super) config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
    clients: Option<Clients>,
}

impl Tls {
    /// TLS with these certificates, and in place of what was there before. Tickets go on from that.
    pub(super) fn new(
        certificates: Certificates,
        clients: Option<Clients>,
        http2: bool,
        before: Option<&Self>,
    ) -> Result<Self, rustls::Error> {
        let certificates = Arc::new(certificates);
        let ticketer = match before {
            Some(before) if Clients::share_sessions(before.clients.as_ref(), clients.as_ref()) => {
                before.config.ticketer.clone()
            }
            _ => ticketer()?,
        };
        let config = server_config(certificates.clone(), clients.as_ref(), http2, ticketer)?;
        Ok(Self {
            config,
            certificates,
            clients,
        })
    }

    /// What a finished handshake agreed on.
    ///
    /// # Errors
    /// When the session that it resumed would not be begun now.
    pub(super) fn info(
        &self,
        connection: &ServerConnection,
        fingerprint: Option<Fingerprint>,
    ) -> io::Result<TlsInfo> {
        let certificate = match &self.clients {
            Some(clients) => clients.certificate(connection).map_err(io::Error::other)?,
            None => None,
        };
        Ok(TlsInfo {
            handshake: Arc::new(handshake(connection, fingerprint)),
            certificate: certificate.map(Arc::new),
        })
    }

    /// Whether a connection that was made for one name may ask for another: when both have the same certificate.
    pub(super) fn shares(&self, name: &str, other: &str) -> bool {
        let (one, two) = (
            self.certificates.find(Some(name)),
            self.certificates.find(Some(other)),
        );
        one.iter()
            .any(|key| two.iter().any(|other| Arc::ptr_eq(key, other)))
    }
}

fn server_config(
    certificates: Arc<Certificates>,
    clients: Option<&Clients>,
    http2: bool,
    ticketer: Arc<dyn ProducesTickets>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let verifier = match clients {
        Some(clients) => clients.verifier.clone(),
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificates);
    config.alpn_protocols = if http2 {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    } else {
        vec![b"http/1.1".to_vec()]
    };
    config.ticketer = ticketer;
    // Tickets do it all; a store of sessions would cost memory for each handshake.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

fn handshake(connection: &ServerConnection, fingerprint: Option<Fingerprint>) -> Handshake {
    Handshake {
        sni: connection
            .server_name()
            .map(|name| name.to_ascii_lowercase().into()),
        version: match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        },
        cipher: connection
            .negotiated_cipher_suite()
            .map_or("unknown", |suite| name(suite.suite())),
        alpn: match connection.alpn_protocol() {
            Some(b"h2") => Some("h2"),
            Some(b"http/1.1") => Some("http/1.1"),
            _ => None,
        },
        fingerprint,
    }
}

/// The name of a cipher suite in IANA's registry, which has no `TLS13_`.
fn name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// Certificates by the names they are for. A name can have several with keys of different kinds.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    exact: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    /// By what follows `*.`.
    wildcard: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    /// The first in the file, with those for the same names.
    default: Vec<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Loads them; all problems at once, each with the number of its certificate.
    pub(super) fn load(
        certificates: &[Certificate],
    ) -> Result<Self, Vec<(usize, CertificateError)>> {
        let provider = aws_lc_rs::default_provider();
        let mut all = Self::default();
        let mut problems = Vec::new();
        for (index, certificate) in certificates.iter().enumerate() {
            match load(certificate, &provider) {
                Ok((key, names)) => all.add(&key, &names),
                Err(problem) => problems.push((index, problem)),
            }
        }
        if problems.is_empty() {
            Ok(all)
        } else {
            Err(problems)
        }
    }

    fn add(&mut self, key: &Arc<CertifiedKey>, names: &[String]) {
        if self.default.is_empty() {
            self.default.push(key.clone());
        }
        for name in names {
            let (names, name) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.wildcard, parent),
                None => (&mut self.exact, name.as_str()),
            };
            names.entry(name.into()).or_default().push(key.clone());
        }
    }

    /// Those for a server name: exact, then wildcard, then the default.
    fn find(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let Some(name) = name else {
            return &self.default;
        };
        let lower = name.to_ascii_lowercase();
        let parent = lower.split_once('.').map_or("", |(_, parent)| parent);
        self.exact
            .get(lower.as_str())
            .or_else(|| self.wildcard.get(parent))
            .unwrap_or(&self.default)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let candidates = self.find(hello.server_name());
        let usable = candidates
            .iter()
            .find(|key| key.key.choose_scheme(hello.signature_schemes()).is_some());
        usable.or_else(|| candidates.first()).cloned()
    }
}

/// A certificate with its key and the names it is for.
fn load(
    files: &Certificate,
    provider: &CryptoProvider,
) -> Result<(Arc<CertifiedKey>, Vec<String>), CertificateError> {
    let chain = read_chain(&files.chain)?;
    let key = read_key(&files.key)?;
    let leaf = chain
        .first()
        .ok_or_else(|| CertificateError::NoCertificate(files.chain.clone()))?;
    let names = read_leaf(leaf, &files.chain)?;
    let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch {
            chain: files.chain.clone(),
            key: files.key.clone(),
        },
        other => CertificateError::Unusable(files.key.clone(), other),
    })?;
    Ok((Arc::new(key), names))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let text = read(path)?;
    CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| CertificateError::Pem(path.into(), error))
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    match PrivateKeyDer::from_pem_slice(&read(path)?) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(CertificateError::NoKey(path.into())),
        Err(error) => Err(CertificateError::Pem(path.into(), error)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|error| CertificateError::Read(path.into(), error))
}

/// The DNS names of a certificate, in lower case. Warns when it is not valid today.
fn read_leaf(leaf: &CertificateDer<'_>, path: &Path) -> Result<Vec<String>, CertificateError> {
    let malformed = |error: String| CertificateError::Malformed(path.into(), error);
    let (_, certificate) =
        X509Certificate::from_der(leaf).map_err(|error| malformed(error.to_string()))?;
    if !certificate.validity().is_valid() {
        let validity = certificate.validity();
        tracing::warn!(file = %path.display(), from = %validity.not_before, to = %validity.not_after, "certificate is not valid today");
    }
    let alternative = certificate
        .subject_alternative_name()
        .map_err(|error| malformed(error.to_string()))?;
    let mut names: Vec<String> = alternative
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    if alternative.is_none() {
        // Certificates made by hand often have nothing but a common name.
        names.extend(
            certificate
                .subject()
                .iter_common_name()
                .filter_map(|name| name.as_str().ok())
                .map(str::to_ascii_lowercase),
        );
    }
    Ok(names)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
    use tempfile::TempDir;

    use super::*;

    /// Writes a certificate for these names and its key.
    pub(in super::super) fn write_certificate(
        folder: &TempDir,
        file: &str,
        names: &[&str],
    ) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(
            names
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>(),
        )
        .unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, file);
        let certificate = params.self_signed(&key).unwrap();
        let files = Certificate {
            chain: folder.path().join(format!("{file}.pem")),
            key: folder.path().join(format!("{file}.key")),
        };
        fs::write(&files.chain, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    fn provider() -> CryptoProvider {
        aws_lc_rs::default_provider()
    }

    fn problem(files: &Certificate) -> String {
        load(files, &provider()).unwrap_err().to_string()
    }

    #[test]
    fn certificates_are_found_by_name() {
        let folder = TempDir::new().unwrap();
        let files = [
            write_certificate(&folder, "first", &["first.example"]),
            write_certificate(&folder, "exact", &["www.example.com"]),
            write_certificate(&folder, "wild", &["*.example.com", "Example.COM"]),
            write_certificate(&folder, "named.example", &[]),
        ];
        let all = Certificates::load(&files).unwrap();
        let cases = [
            (None, 0),
            (Some("unknown.example"), 0),
            (Some("first.example"), 0),
            (Some("www.example.com"), 1),
            (Some("WWW.Example.com"), 1),
            (Some("other.example.com"), 2),
            (Some("example.com"), 2),
            (Some("a.b.example.com"), 0),
            (Some("com"), 0),
            (Some("named.example"), 3),
        ];
        for (name, index) in cases {
            let wanted = read_chain(&files[index].chain).unwrap();
            assert_eq!(all.find(name)[0].cert, wanted, "{name:?}");
        }
    }

    #[test]
    fn problems_say_what_would_have_been_right() {
        let folder = TempDir::new().unwrap();
        let one = write_certificate(&folder, "one", &["one.example"]);
        let two = write_certificate(&folder, "two", &["two.example"]);
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::File::create(&path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
            path
        };
        let with_key = |key: &Path| Certificate {
            chain: one.chain.clone(),
            key: key.into(),
        };
        let with_chain = |chain: PathBuf| Certificate {
            chain,
            key: one.key.clone(),
        };
        assert!(problem(&with_key(&two.key)).contains("is not the one of the first certificate"));
        assert!(problem(&with_key(&one.chain)).contains("holds no private key"));
        assert!(problem(&with_key(Path::new("/nowhere"))).starts_with("can't read `/nowhere`"));
        assert!(problem(&with_chain(one.key.clone())).contains("holds no certificate"));
        assert!(problem(&with_chain(file("empty", ""))).contains("holds no certificate"));
        let cut = fs::read_to_string(&one.chain)
            .unwrap()
            .replace("-----END CERTIFICATE-----", "");
        assert!(problem(&with_chain(file("cut", &cut))).contains("is not PEM"));
        let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(problem(&with_chain(file("odd", odd))).contains("malformed"));
        let both = Certificates::load(&[with_key(&two.key), with_chain(file("none", ""))]);
        assert_eq!(
            both.unwrap_err()
                .iter()
                .map(|(index, _)| *index)
                .collect::<Vec<_>>(),
            [0, 1]
        );
    }

    #[test]
    fn chain_and_key_may_share_a_file() {
        let folder = TempDir::new().unwrap();
        let one = write_certificate(&folder, "one", &["one.example"]);
        let both = fs::read_to_string(&one.key).unwrap() + &fs::read_to_string(&one.chain).unwrap();
        let path = folder.path().join("both.pem");
        fs::write(&path, both).unwrap();
        assert!(
            load(
                &Certificate {
                    chain: path.clone(),
                    key: path
                },
                &provider()
            )
            .is_ok()
        );
    }
}
