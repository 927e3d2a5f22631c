//! TLS towards a server: whom to trust and which name to find, made ready once.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use pingora::utils::tls::{WrappedX509, parse_x509};
use rimward_config::OriginTls;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// What an origin's TLS settings come to; shared by its servers.
#[derive(Debug)]
pub(super) struct Trust {
    /// Checks certificates, or does not when the file says so.
    pub(super) verify: bool,
    /// Offers HTTP/1.1 alone, since that is what the connections it is for speak.
    pub(super) http1: Arc<ClientConfig>,
    /// Offers HTTP/2 too; for health checks of servers that speak nothing else.
    pub(super) http2: Arc<ClientConfig>,
    /// The certificates of the file named, in the engine's own form, for HTTP/2.
    pub(super) ca: Option<Arc<[WrappedX509]>>,
    /// The name to ask for and to find, when the file names one.
    pub(super) server_name: Option<ServerName<'static>>,
    /// Tells apart settings under which a connection may not be shared.
    pub(super) fingerprint: u64,
}

/// Why TLS can't be made ready: the key below `tls` and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct TlsError {
    pub(super) key: &'static str,
    pub(super) message: String,
}

impl Trust {
    /// Reads the certificates; blocking, for use when a configuration is compiled.
    pub(super) fn new(settings: &OriginTls) -> Result<Self, TlsError> {
        let certificates = settings.ca.as_deref().map(read_certificates).transpose()?;
        let verifier: Arc<dyn ServerCertVerifier> = if settings.verify {
            let roots = match &certificates {
                Some(certificates) => named_roots(certificates)?,
                None => system_roots()?,
            };
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
                .build()
                .map_err(|error| problem("ca", format!("no certificate can be checked: {error}")))?
        } else {
            Arc::new(Unchecked(provider()))
        };
        let server_name = settings.server_name.as_deref().map(name).transpose()?;
        Ok(Self {
            verify: settings.verify,
            http1: client_config(verifier.clone(), &[b"http/1.1"])?,
            http2: client_config(verifier, &[b"h2", b"http/1.1"])?,
            ca: certificates
                .as_deref()
                .filter(|_| settings.verify)
                .map(wrapped),
            server_name,
            fingerprint: fingerprint(settings, certificates.as_deref().unwrap_or_default()),
        })
    }

    /// The name to ask a server for and to find in its certificate.
    ///
    /// The engine switches checks off silently when there is none, so a server that is to be checked always has one.
    pub(super) fn name_for(
        &self,
        server: Option<&str>,
    ) -> Result<Option<ServerName<'static>>, TlsError> {
        if let Some(name) = &self.server_name {
            return Ok(Some(name.clone()));
        }
        match server {
            Some(server) => name(server).map(Some),
            None if !self.verify => Ok(None),
            None => Err(problem(
                "server_name",
                "a Unix socket has no name that its certificate could be checked against: set `server_name`".into(),
            )),
        }
    }
}

/// What URLs are fetched with: the system's authorities, HTTP/1.1. Blocking, since it reads files.
///
/// # Errors
/// With what is wrong with the system's authorities.
pub(crate) fn system_client() -> Result<Arc<ClientConfig>, String> {
    let wrong = |error: TlsError| error.message;
    let roots = Arc::new(system_roots().map_err(wrong)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
    let verifier = verifier.map_err(|error| error.to_string())?;
    client_config(verifier, &[b"http/1.1"]).map_err(wrong)
}

/// The name to ask a server for and to find in its certificate.
///
/// # Errors
/// When no certificate could hold it.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    name(host).map_err(|error| error.message)
}

/// What stands in for a name where TLS wants one and nothing checks it.
pub(super) fn no_name() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::from([0, 0, 0, 0]).into())
}

fn problem(key: &'static str, message: String) -> TlsError {
    TlsError { key, message }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn name(text: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = text
        .trim_end_matches('.')
        .trim_start_matches('[')
        .trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).map_err(|_| {
        let message = format!(
            "`{text}` cannot be the name in a certificate: give a host name or an IP address"
        );
        problem("server_name", message)
    })
}

fn client_config(
    verifier: Arc<dyn ServerCertVerifier>,
    protocols: &[&[u8]],
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            problem(
                "verify",
                format!("TLS 1.2 and 1.3 cannot be set up: {error}"),
            )
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let shown = path.display();
    let pem = std::fs::read(path)
        .map_err(|error| problem("ca", format!("cannot read `{shown}`: {error}")))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| problem("ca", format!("`{shown}` is not PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(problem(
            "ca",
            format!("`{shown}` has no certificate: it needs one or more in PEM"),
        ));
    }
    Ok(certificates)
}

fn named_roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|error| {
            problem(
                "ca",
                format!("a certificate of the file cannot be used: {error}"),
            )
        })?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs().map_err(|error| {
        problem(
            "ca",
            format!("the system's CA certificates cannot be read: {error}"),
        )
    })?;
    // One odd certificate in the system's bundle must not take the others with it.
    let (added, _ignored) = roots.add_parsable_certificates(found);
    if added == 0 {
        return Err(problem(
            "ca",
            "this system has no CA certificates: install them or name a file with `ca`".into(),
        ));
    }
    Ok(roots)
}

/// Only for certificates that [`named_roots`] took, since the engine panics on what is none.
fn wrapped(certificates: &[CertificateDer<'static>]) -> Arc<[WrappedX509]> {
    certificates
        .iter()
        .map(|certificate| WrappedX509::new(certificate.to_vec(), parse_x509))
        .collect()
}

fn fingerprint(settings: &OriginTls, certificates: &[CertificateDer<'static>]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    settings.verify.hash(&mut hasher);
    settings.server_name.hash(&mut hasher);
    for certificate in certificates {
        certificate.as_ref().hash(&mut hasher);
    }
    hasher.finish()
}

/// Takes any certificate, for origins whose file says `verify = false`.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
