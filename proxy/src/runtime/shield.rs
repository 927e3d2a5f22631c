//! A shield at work: edges that are asked before the origin.

use std::fs;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use rimward_config::{self as config, Admin, AdminAddress, Fallback, Problem};

use crate::metrics::Metrics;
use crate::origin::Origin;

/// Edges that are asked before the origin.
pub struct Shield {
    /// The edges, as an origin.
    pub edges: Arc<Origin>,
    /// What happens when none of them can be asked.
    pub fallback: Fallback,
    /// Their admin interfaces, which purges are sent to.
    pub admins: Vec<ShieldAdmin>,
    /// Requests sent to it.
    pub requests: Counter,
    /// Requests that went to the origin, since no edge of it could be asked.
    pub fallbacks: Counter,
}

/// The admin interface of an edge.
#[derive(Clone)]
pub struct ShieldAdmin {
    /// Where it is.
    pub address: AdminAddress,
    /// What it wants to be told.
    pub token: Option<String>,
}

impl Shield {
    /// Puts a shield together, reading the tokens of its edges.
    ///
    /// # Errors
    /// With every token that can't be read.
    pub fn compile(
        written: &config::Shield,
        edges: Arc<Origin>,
        config: &config::Config,
        metrics: &Metrics,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut admins = Vec::with_capacity(written.purge.len());
        for (index, admin) in written.purge.iter().enumerate() {
            match ShieldAdmin::read(admin) {
                Ok(admin) => admins.push(admin),
                Err(message) => {
                    let key = format!("shield.{}.purge[{index}].token_file", written.name());
                    problems.push(config.problem(&key, message));
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let (requests, fallbacks) = metrics.shield(written.name());
        Ok(Self {
            edges,
            fallback: written.fallback,
            admins,
            requests,
            fallbacks,
        })
    }
}

impl ShieldAdmin {
    fn read(written: &Admin) -> Result<Self, String> {
        let token = written.token_file.as_ref().map(|path| {
            let text = fs::read_to_string(path);
            text.map(|text| text.trim().to_owned())
                .map_err(|error| format!("token file `{}`: {error}", path.display()))
        });
        Ok(Self {
            address: written.address.clone(),
            token: token.transpose()?,
        })
    }
}
