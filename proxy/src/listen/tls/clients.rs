//! Certificates of clients: who may have issued them, and whose a handshake showed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rimward_config::ClientCertificates;
use rimward_filters::ClientCertificate;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{HandshakeKind, RootCertStore, ServerConnection};
use x509_parser::prelude::{ASN1Time, CertificateRevocationList, FromDer};

use super::{CertificateError, read, read_chain};

/// What clients' certificates are held to.
#[derive(Debug)]
pub(in crate::listen) struct Clients {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    scope: Scope,
}

/// What sessions may not outlive. Lists of revoked certificates are not of it: a resumed session's certificate is held to them.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    is_required: bool,
    authorities: Vec<CertificateDer<'static>>,
}

/// What is wrong with a file: the key below `client_certificates`, and why.
pub(in crate::listen) type Wrong = (String, CertificateError);

impl Clients {
    /// Reads the files; all problems at once.
    pub(in crate::listen) fn load(settings: &ClientCertificates) -> Result<Self, Vec<Wrong>> {
        let (authorities, roots) =
            read_authorities(&settings.ca).map_err(|error| vec![("ca".to_owned(), error)])?;
        let roots = Arc::new(roots);
        let mut lists = Vec::new();
        let mut wrong = Vec::new();
        for (index, file) in settings.crl.iter().enumerate() {
            match read_lists(file, &roots) {
                Ok(more) => lists.extend(more),
                Err(error) => wrong.push((format!("crl[{index}]"), error)),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let verifier = verifier(&roots, lists, settings.is_required).map_err(|error| {
            let error = CertificateError::Authority(settings.ca.clone(), error.to_string());
            vec![("ca".to_owned(), error)]
        })?;
        Ok(Self {
            verifier,
            scope: Scope {
                is_required: settings.is_required,
                authorities,
            },
        })
    }

    /// Whether sessions that were begun under the one may be resumed under the other.
    pub(super) fn share_sessions(one: Option<&Self>, other: Option<&Self>) -> bool {
        one.map(|clients| &clients.scope) == other.map(|clients| &clients.scope)
    }

    /// The certificate of a client whose handshake is done; `None` if it may be without one.
    ///
    /// A resumed session has the certificate of its beginning, which nobody looked at this time: it may have expired or been
    /// revoked since.
    pub(super) fn certificate(
        &self,
        connection: &ServerConnection,
    ) -> Result<Option<ClientCertificate>, rustls::Error> {
        let Some(chain) = connection.peer_certificates() else {
            return match self.scope.is_required {
                true => Err(rustls::Error::NoCertificatesPresented),
                false => Ok(None),
            };
        };
        if connection.handshake_kind() == Some(HandshakeKind::Resumed)
            && let Some((leaf, rest)) = chain.split_first()
        {
            self.verifier
                .verify_client_cert(leaf, rest, UnixTime::now())?;
        }
        let chain = chain.iter().map(|certificate| certificate.to_vec());
        ClientCertificate::read(chain.collect())
            .map(Some)
            .map_err(|error| rustls::Error::General(error.to_string()))
    }
}

/// In the strictest form: lists that are missing or out of date let nobody in.
fn verifier(
    roots: &Arc<RootCertStore>,
    lists: Vec<CertificateRevocationListDer<'static>>,
    is_required: bool,
) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider)
        .with_crls(lists)
        .enforce_revocation_expiration();
    if is_required {
        builder.build()
    } else {
        builder.allow_unauthenticated().build()
    }
}

fn read_authorities(
    file: &Path,
) -> Result<(Vec<CertificateDer<'static>>, RootCertStore), CertificateError> {
    let authorities = read_chain(file)?;
    if authorities.is_empty() {
        return Err(CertificateError::NoCertificate(file.into()));
    }
    let mut roots = RootCertStore::empty();
    for authority in &authorities {
        roots
            .add(authority.clone())
            .map_err(|error| CertificateError::Authority(file.into(), error.to_string()))?;
    }
    Ok((authorities, roots))
}

/// The revocation lists of a file, in PEM or DER. Warns of those that are out of date.
fn read_lists(
    file: &Path,
    roots: &Arc<RootCertStore>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, CertificateError> {
    let bytes = read(file)?;
    let lists = if bytes.first() == Some(&DER_SEQUENCE) {
        vec![CertificateRevocationListDer::from(bytes)]
    } else {
        CertificateRevocationListDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| CertificateError::Pem(file.into(), error))?
    };
    if lists.is_empty() {
        return Err(CertificateError::NoList(file.into()));
    }
    let malformed = |why: String| CertificateError::MalformedList(PathBuf::from(file), why);
    verifier(roots, lists.clone(), true).map_err(|error| malformed(error.to_string()))?;
    for list in &lists {
        let (_, list) = CertificateRevocationList::from_der(list)
            .map_err(|error| malformed(error.to_string()))?;
        if let Some(until) = list.next_update()
            && until < ASN1Time::now()
        {
            tracing::warn!(file = %file.display(), issuer = %list.issuer(), %until, "revocation list is out of date: nobody whose certificate is of this issuer is let in");
        }
    }
    Ok(lists)
}

/// What everything in DER begins with that has parts.
const DER_SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
        IsCa, KeyIdMethod, KeyPair, date_time_ymd,
    };
    use tempfile::TempDir;

    use super::*;

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn list(authority: &CertifiedIssuer<'static, KeyPair>) -> rcgen::CertificateRevocationList {
        CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2050, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(authority)
        .unwrap()
    }

    fn settings(folder: &TempDir, ca: &str, crl: &[&str]) -> ClientCertificates {
        ClientCertificates {
            ca: folder.path().join(ca),
            is_required: true,
            crl: crl.iter().map(|file| folder.path().join(file)).collect(),
        }
    }

    #[test]
    fn files_are_read_and_what_is_wrong_is_told_with_its_key() {
        let folder = TempDir::new().unwrap();
        let authority = authority();
        let list = list(&authority);
        let cut = list.der().as_ref()[..40].to_vec();
        for (name, content) in [
            ("ca.pem", authority.pem().into_bytes()),
            ("empty", Vec::new()),
            (
                "odd.pem",
                b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(),
            ),
            ("list.pem", list.pem().unwrap().into_bytes()),
            ("list.der", list.der().to_vec()),
            ("cut.der", cut),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let load = |ca: &str, crl: &[&str]| Clients::load(&settings(&folder, ca, crl));
        assert!(load("ca.pem", &["list.pem", "list.der"]).is_ok());
        for (ca, crl, key, expected) in [
            ("none", &[][..], "ca", "can't read"),
            ("empty", &[], "ca", "holds no certificate"),
            ("list.pem", &[], "ca", "holds no certificate"),
            ("odd.pem", &[], "ca", "can't be used as a CA"),
            ("ca.pem", &["none"], "crl[0]", "can't read"),
            (
                "ca.pem",
                &["list.pem", "empty"],
                "crl[1]",
                "holds no revocation list",
            ),
            ("ca.pem", &["ca.pem"], "crl[0]", "holds no revocation list"),
            ("ca.pem", &["cut.der"], "crl[0]", "malformed"),
        ] {
            let wrong = load(ca, crl).unwrap_err();
            assert_eq!(wrong.len(), 1, "{ca} {crl:?}");
            let told = wrong[0].1.to_string();
            assert!(
                wrong[0].0 == key && told.contains(expected),
                "{ca} {crl:?}: {told}"
            );
        }
        assert_eq!(load("ca.pem", &["none", "empty"]).unwrap_err().len(), 2);
    }

    #[test]
    fn sessions_are_shared_under_the_same_authorities_alone() {
        let folder = TempDir::new().unwrap();
        for name in ["one.pem", "two.pem"] {
            fs::write(folder.path().join(name), authority().pem()).unwrap();
        }
        let load = |ca: &str, is_required| {
            let settings = ClientCertificates {
                is_required,
                ..settings(&folder, ca, &[])
            };
            Some(Clients::load(&settings).unwrap())
        };
        let one = load("one.pem", true);
        for (other, expected) in [
            (load("one.pem", true), true),
            (load("one.pem", false), false),
            (load("two.pem", true), false),
            (None, false),
        ] {
            assert_eq!(
                Clients::share_sessions(one.as_ref(), other.as_ref()),
                expected
            );
        }
        assert!(Clients::share_sessions(None, None));
    }
}
