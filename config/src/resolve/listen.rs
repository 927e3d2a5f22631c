//! `[[listen]]`.

use std::net::SocketAddr;

use crate::config::{Certificate, ClientCertificates, Listener, ListenerLimits, ListenerTls};
use crate::document;
use crate::load::Loaded;
use crate::problem::Problem;
use crate::source::Source;
use crate::value::{ByteSize, Short};

use super::Scope;
use super::scope::{HOUR, SHORTEST, secs};

pub(crate) fn listeners(
    files: &mut [Loaded],
    is_whole: bool,
    problems: &mut Vec<Problem>,
) -> (Vec<Listener>, Vec<Source>) {
    let mut listeners: Vec<(Listener, Source)> = Vec::new();
    let mut is_given = !is_whole;
    for file in files.iter_mut() {
        is_given |= file
            .source
            .node()
            .is_some_and(|root| root.keys().any(|key| key == "listen"));
        for (index, written) in std::mem::take(&mut file.document.listen)
            .into_iter()
            .enumerate()
        {
            let source = file.source.key("listen").index(index);
            let Some(listener) = listener(written, &mut Scope::new(source.clone(), problems))
            else {
                continue;
            };
            if let Some((_, first)) = listeners
                .iter()
                .find(|(other, _)| clash(other.address, listener.address))
            {
                let message = format!(
                    "`{}` is already listened on at {}",
                    listener.address,
                    first.place()
                );
                problems.push(source.problem("address", message));
            }
            listeners.push((listener, source));
        }
    }
    if !is_given && let Some(file) = files.first() {
        let problem = Problem::new(
            "",
            format!(
                "`{}` names no address to listen on",
                file.source.file().display()
            ),
        );
        problems.push(problem.with_help(
            "add a section `[[listen]]` with an address, such as `address = \"0.0.0.0:80\"`",
        ));
    }
    listeners.into_iter().unzip()
}

/// Whether two listeners would take the same connections.
fn clash(one: SocketAddr, two: SocketAddr) -> bool {
    let is_same_ip = one.ip() == two.ip();
    let is_covered =
        one.is_ipv4() == two.is_ipv4() && (one.ip().is_unspecified() || two.ip().is_unspecified());
    one.port() == two.port() && one.port() != 0 && (is_same_ip || is_covered)
}

fn listener(written: document::Listen, scope: &mut Scope<'_>) -> Option<Listener> {
    let address = scope.required("address", written.address);
    let redirect_to_https = written.redirect_to_https.unwrap_or(false);
    if redirect_to_https && written.tls.is_some() {
        scope.tell(
            "redirect_to_https",
            "a listener with TLS would redirect to itself: leave out `redirect_to_https` or `tls`",
        );
    }
    let tls = written.tls.map(|tls| self::tls(tls, &mut scope.key("tls")));
    let limits = limits(written.limits.unwrap_or_default(), &mut scope.key("limits"));
    Some(Listener {
        address: address?.0,
        tls,
        proxy_protocol: written.proxy_protocol.unwrap_or(false),
        http2: written.http2.unwrap_or(true),
        redirect_to_https,
        limits,
    })
}

fn tls(written: document::Tls, scope: &mut Scope<'_>) -> ListenerTls {
    let clients = written
        .client_certificates
        .and_then(|written| clients(written, &mut scope.key("client_certificates")));
    let written = scope.required("certificates", written.certificates);
    if written
        .as_ref()
        .is_some_and(|list| scope.is_empty("certificates", list))
    {
        scope.tell(
            "certificates",
            "no certificate is given: name at least one PEM file with chain and key",
        );
    }
    let mut certificates = Vec::new();
    for (index, certificate) in written.into_iter().flatten().enumerate() {
        let key = format!("certificates[{index}]");
        let certificate = match certificate {
            Short::Short(file) => {
                let chain = scope.path(&key, &file.0);
                Certificate {
                    key: chain.clone(),
                    chain,
                }
            }
            Short::Full(written) => {
                let chain = scope.path(&format!("{key}.chain"), &written.chain);
                let key = written
                    .key
                    .map(|path| scope.path(&format!("{key}.key"), &path));
                Certificate {
                    key: key.unwrap_or_else(|| chain.clone()),
                    chain,
                }
            }
        };
        if certificates.contains(&certificate) {
            scope.tell(&key, "this certificate is given twice: leave one out");
        }
        certificates.push(certificate);
    }
    ListenerTls {
        certificates,
        clients,
    }
}

fn clients(
    written: document::ClientCertificates,
    scope: &mut Scope<'_>,
) -> Option<ClientCertificates> {
    let mut crl = Vec::new();
    for (index, file) in written.crl.into_iter().flatten().enumerate() {
        let key = format!("crl[{index}]");
        let file = scope.path(&key, &file);
        if crl.contains(&file) {
            scope.tell(&key, "this list is given twice: leave one out");
        }
        crl.push(file);
    }
    let ca = scope.required("ca", written.ca)?;
    Some(ClientCertificates {
        ca: scope.path("ca", &ca),
        is_required: written.mode != Some(document::ClientCertificateMode::Request),
        crl,
    })
}

fn limits(written: document::Limits, scope: &mut Scope<'_>) -> ListenerLimits {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    let rates = ByteSize(0)..=ByteSize(1 << 30);
    let header = scope.size(
        "max_header_bytes",
        written.max_header_bytes,
        ByteSize(256)..=ByteSize(MIB),
        ByteSize(32 * KIB),
    );
    let default_target = ByteSize(header.min(8 * KIB));
    let target = scope.size(
        "max_target_bytes",
        written.max_target_bytes,
        ByteSize(16)..=ByteSize(MIB),
        default_target,
    );
    if target > header {
        scope.tell(
            "max_target_bytes",
            format!(
                "`{}` is more than the whole head: at most `max_header_bytes`, which is `{}`",
                ByteSize(target),
                ByteSize(header)
            ),
        );
    }
    let connections = scope.count(
        "max_connections",
        written.max_connections,
        1..=1_000_000,
        20_000,
    );
    let per_ip = scope.count(
        "max_connections_per_ip",
        written.max_connections_per_ip,
        1..=1_000_000,
        connections.min(256),
    );
    if per_ip > connections {
        scope.tell(
            "max_connections_per_ip",
            format!("`{per_ip}` is more than all connections: at most `max_connections`, which is `{connections}`"),
        );
    }
    ListenerLimits {
        header_timeout: scope.span(
            "header_timeout",
            written.header_timeout,
            SHORTEST..=secs(600),
            secs(10),
        ),
        idle_timeout: scope.span(
            "idle_timeout",
            written.idle_timeout,
            SHORTEST..=HOUR,
            secs(60),
        ),
        body_timeout: scope.span(
            "body_timeout",
            written.body_timeout,
            SHORTEST..=HOUR,
            secs(30),
        ),
        total_timeout: scope
            .within_if_any(
                "total_timeout",
                written.total_timeout,
                SHORTEST..=secs(30 * 86_400),
            )
            .map(|span| span.0),
        min_body_rate: scope.size(
            "min_body_rate",
            written.min_body_rate,
            rates.clone(),
            ByteSize(500),
        ),
        min_send_rate: scope.size("min_send_rate", written.min_send_rate, rates, ByteSize(KIB)),
        max_header_bytes: as_usize(header),
        max_headers: scope.count("max_headers", written.max_headers, 1..=10_000, 100),
        max_target_bytes: as_usize(target),
        max_body: scope.size(
            "max_body",
            written.max_body,
            ByteSize(0)..=ByteSize(16 << 40),
            ByteSize(100 * MIB),
        ),
        max_connections: connections,
        max_connections_per_ip: per_ip,
        max_requests_per_connection: scope.count(
            "max_requests_per_connection",
            written.max_requests_per_connection,
            1..=1_000_000_000,
            10_000,
        ),
        max_streams: scope.count("max_streams", written.max_streams, 1..=10_000, 128),
    }
}

/// A size that was checked to be at most a mebibyte.
fn as_usize(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
