//! The databases of `[geoip]`: read when they changed, kept when the new ones are broken.

use std::path::Path;
use std::sync::Arc;

use rimward_config::{Config, Problem};
use rimward_geoip::{Databases, Kind, Opened};

use crate::metrics::Metrics;

/// Opens what the configuration names. A file that can't be used is a problem, unless it was once: then what was read goes
/// on, and the log and a metric tell.
pub(super) fn open(
    config: &Config,
    metrics: &Metrics,
    previous: Option<&Databases>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<Databases>> {
    let named = |kind: Kind| -> Option<(Kind, &Path)> {
        let geoip = config.geoip.as_ref()?;
        let file = match kind {
            Kind::Places => &geoip.database,
            Kind::Networks => &geoip.asn_database,
            Kind::Anonymous => &geoip.anonymous_database,
        };
        Some((kind, file.as_deref()?))
    };
    let opened = Databases::open(Kind::ALL.into_iter().filter_map(named), previous);
    let Opened { databases, kept } = match opened {
        Ok(opened) => opened,
        Err(errors) => {
            problems.extend(errors.into_iter().map(|(kind, error)| {
                config.problem(&format!("geoip.{}", kind.key()), error.to_string())
            }));
            return None;
        }
    };
    for (kind, error) in &kept {
        tracing::warn!(database = kind.key(), %error, "the database that was read before goes on");
    }
    for (kind, _) in Kind::ALL.into_iter().filter_map(named) {
        let is_kept = kept.iter().any(|(other, _)| *other == kind);
        metrics.geoip_stale(kind.key(), is_kept);
    }
    config.geoip.as_ref()?;
    Some(Arc::new(databases))
}
