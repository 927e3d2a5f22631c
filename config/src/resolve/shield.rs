//! `[shield.NAME]`.

use std::collections::BTreeMap;

use crate::config::{
    Admin, AdminAddress, Balance, Fallback, HashKey, Origin, OriginKind, Servers, Shield, ShieldId,
};
use crate::document::{self, ShieldUse};
use crate::load::Loaded;
use crate::problem::Problem;

use super::origin::stand_in;
use super::servers::servers;
use super::{Names, Scope};

/// The shields in the order of `names`; one that could not be read has a stand-in, so that indices hold.
pub(crate) fn shields(
    files: &mut [Loaded],
    names: &Names,
    origins: &Names,
    problems: &mut Vec<Problem>,
) -> Vec<Shield> {
    let mut written: BTreeMap<String, document::Shield> = BTreeMap::new();
    for file in files.iter_mut().rev() {
        // Backwards, so that of two with one name the first is taken; the second is told by `Names`.
        written.append(&mut file.document.shield);
    }
    names
        .iter()
        .map(|(name, source)| {
            let mut scope = Scope::new(source.clone(), problems);
            if origins.iter().any(|(origin, _)| origin == name) {
                let message = format!(
                    "there is an origin `{name}` too, and logs and metrics could not tell them apart: give the shield another name"
                );
                scope.problems.push(scope.source.key_problem("", message));
            }
            match written.remove(name) {
                Some(written) => shield(name, written, &mut scope),
                None => named(name, stand_in()),
            }
        })
        .collect()
}

fn named(name: &str, kind: OriginKind) -> Shield {
    Shield {
        edges: Origin {
            name: name.to_owned(),
            kind,
        },
        fallback: Fallback::default(),
        purge: Vec::new(),
    }
}

fn shield(name: &str, written: document::Shield, scope: &mut Scope<'_>) -> Shield {
    let Some(list) = scope.required("servers", written.servers) else {
        return named(name, stand_in());
    };
    let as_origin = document::Origin {
        health: written.health,
        outlier: written.outlier,
        slow_start: written.slow_start,
        timeouts: written.timeouts,
        retries: written.retries,
        tls: written.tls,
        http2: written.http2,
        idle_timeout: written.idle_timeout,
        max_requests: written.max_requests,
        ..document::Origin::default()
    };
    let may_eject_all = as_origin
        .outlier
        .as_ref()
        .is_some_and(|outlier| outlier.max_ejected_percent.is_none());
    let mut edges = Servers {
        balance: Balance::Hash(HashKey::CacheKey),
        ..servers(list, as_origin, scope)
    };
    if let Some(outlier) = edges.outlier.as_mut().filter(|_| may_eject_all) {
        outlier.max_ejected_percent = 100;
    }
    let purge = written.purge.unwrap_or_default();
    Shield {
        fallback: match written.fallback {
            None | Some(document::Fallback::Origin) => Fallback::Origin,
            Some(document::Fallback::Fail) => Fallback::Fail,
        },
        purge: purge
            .into_iter()
            .enumerate()
            .filter_map(|(index, written)| {
                admin(written, &mut scope.at(&format!("purge[{index}]")))
            })
            .collect(),
        ..named(name, OriginKind::Servers(Box::new(edges)))
    }
}

fn admin(written: document::ShieldAdmin, scope: &mut Scope<'_>) -> Option<Admin> {
    let token_file = written
        .token_file
        .map(|path| scope.path("token_file", &path));
    let address = match scope.required("admin", written.admin)?.0 {
        AdminAddress::Unix(path) => AdminAddress::Unix(scope.source.folder().join(path)),
        tcp => tcp,
    };
    if let AdminAddress::Tcp(tcp) = address
        && !tcp.ip().is_loopback()
        && token_file.is_none()
        && !scope.source.misses("token_file")
    {
        scope.tell_with_help(
            "admin",
            format!("an edge asks for a token at `{tcp}`, since that is not loopback"),
            "add `token_file`",
        );
    }
    Some(Admin {
        address,
        token_file,
    })
}

/// The shield that a site or a route names in the end.
pub(crate) fn used(
    written: Option<&ShieldUse>,
    site: Option<ShieldId>,
    names: &Names,
    scope: &mut Scope<'_>,
) -> Option<ShieldId> {
    match written {
        None => site,
        Some(ShieldUse::Off) => None,
        Some(ShieldUse::Named(name)) => names.find(name, "shield", scope).map(ShieldId),
    }
}
