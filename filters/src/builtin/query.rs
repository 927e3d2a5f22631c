//! Brings queries into one form, so that the cache has one object for what is one page.

use ahash::AHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases};
use crate::parameters::{Names, name_of, value_of};
use crate::target;

/// Brings queries into one form.
pub(crate) struct Query {
    keep: Option<Names>,
    drop: Names,
    drop_empty: bool,
    duplicates: Duplicates,
    sort: bool,
    max: usize,
}

/// Settings of `query`. First `drop` and its like, then `keep`, then `duplicates`, `sort` and `max`. The cache key, later
/// filters and the origin see what is left. Names are meant decoded, however a client spells them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The parameters that stay, and with them no others; `filter_*` names all that begin so.
    keep: Option<Vec<String>>,
    /// Parameters to take out.
    #[serde(default)]
    drop: Vec<String>,
    /// Lists of parameters to take out. `"tracking"` is what advertising, newsletters and analytics add to links, such as `utm_*`,
    /// `gclid` and `fbclid`, which scripts in the page read and no origin does.
    #[serde(default)]
    #[schemars(title = "list of words")]
    presets: Vec<Preset>,
    /// Whether parameters without a value are taken out.
    #[serde(default)]
    drop_empty: bool,
    /// Which of several parameters of one name stay: `"all"`, the `"first"` or the `"last"`.
    #[serde(default)]
    #[schemars(title = "word")]
    duplicates: Duplicates,
    /// Whether parameters are sorted by name. Those of one name keep their order.
    #[serde(default)]
    sort: bool,
    /// How many parameters stay at most; those behind are taken out.
    max: Option<usize>,
}

/// A list of parameters that nobody at the origin wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Preset {
    Tracking,
}

/// What advertising, newsletters and analytics add to links.
const TRACKING: &[&str] = &[
    "utm_*",
    "gclid",
    "gclsrc",
    "dclid",
    "wbraid",
    "gbraid",
    "gad_source",
    "gad_campaignid",
    "srsltid",
    "_ga",
    "_gl",
    "fbclid",
    "fb_action_ids",
    "fb_action_types",
    "fb_source",
    "msclkid",
    "twclid",
    "ttclid",
    "li_fat_id",
    "igshid",
    "igsh",
    "epik",
    "rdt_cid",
    "ScCid",
    "yclid",
    "ysclid",
    "_openstat",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "_hsenc",
    "_hsmi",
    "__hssc",
    "__hstc",
    "__hsfp",
    "hsCtaTracking",
    "vero_id",
    "vero_conv",
    "oly_anon_id",
    "oly_enc_id",
    "wickedid",
    "s_kwcid",
    "ef_id",
    "irclickid",
    "_branch_match_id",
    "_kx",
    "pk_*",
    "piwik_*",
    "mtm_*",
    "matomo_*",
    "at_campaign",
    "at_medium",
    "cmpid",
];

/// Which of several parameters of one name stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Duplicates {
    #[default]
    All,
    First,
    Last,
}

impl Configured for Query {
    const NAME: &'static str = "query";
    const SUMMARY: &'static str = "Keeps, drops and sorts parameters of the query, so that the cache has one object for one page.";
    const EXAMPLE: &'static str = r#"use = "query"
presets = ["tracking"]
drop = ["debug", "partner_*"]
sort = true
"#;
    type Settings = Settings;

    fn new(settings: Settings, _: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            keep,
            drop,
            presets,
            drop_empty,
            duplicates,
            sort,
            max,
        } = settings;
        let drops = !drop.is_empty() || !presets.is_empty() || drop_empty;
        if !drops && keep.is_none() && !sort && max.is_none() && duplicates == Duplicates::All {
            return Err(BuildError::at(
                "",
                "nothing is changed: give `keep`, `drop`, `presets`, `sort` or another change",
            ));
        }
        if let (Some(keep), false) = (&keep, drop.is_empty())
            && let Some(both) = keep.iter().find(|name| drop.contains(name))
        {
            return Err(BuildError::at(
                "keep",
                format!("`{both}` is in `drop` as well, which wins"),
            ));
        }
        let mut drop: Names = drop.into_iter().collect();
        if presets.contains(&Preset::Tracking) {
            drop.extend(TRACKING);
        }
        Ok(Self {
            keep: keep.map(|names| names.into_iter().collect()),
            drop,
            drop_empty,
            duplicates,
            sort,
            max: max.unwrap_or(usize::MAX),
        })
    }
}

impl Filter for Query {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let Some(query) = exchange.query() else {
            return Ok(Flow::Continue);
        };
        if self.leaves(query) {
            return Ok(Flow::Continue);
        }
        let changed = self.change(query);
        // `/?` is `/`.
        if changed != query || query.is_empty() {
            let path = exchange.path().to_owned();
            target::set(exchange, &path, &changed)?;
        }
        Ok(Flow::Continue)
    }
}

impl Query {
    /// So many parameters are compared with each other at most; of more, duplicates are found by a set.
    const FEW: usize = 16;

    /// Whether it is plain that nothing changes, which is found out without an allocation.
    fn leaves(&self, query: &str) -> bool {
        let mut count = 0;
        let mut before = None;
        for pair in query.split('&') {
            let name = name_of(pair);
            count += 1;
            if !self.stays(pair, &name) {
                return false;
            }
            if self.sort && before.as_ref().is_some_and(|before| *before > name) {
                return false;
            }
            before = Some(name);
        }
        count <= self.max
            && (self.duplicates == Duplicates::All || (count <= Self::FEW && all_differ(query)))
    }

    fn change(&self, query: &str) -> String {
        let mut pairs: Vec<&str> = query
            .split('&')
            .filter(|pair| self.stays(pair, &name_of(pair)))
            .collect();
        let mut seen = AHashSet::new();
        match self.duplicates {
            Duplicates::All => {}
            Duplicates::First => pairs.retain(|pair| seen.insert(name_of(pair))),
            Duplicates::Last => {
                pairs.reverse();
                pairs.retain(|pair| seen.insert(name_of(pair)));
                pairs.reverse();
            }
        }
        if self.sort {
            pairs.sort_by_cached_key(|pair| name_of(pair));
        }
        pairs.truncate(self.max);
        pairs.join("&")
    }

    fn stays(&self, pair: &str, name: &[u8]) -> bool {
        let is_dropped = self.drop.have(name) || (self.drop_empty && value_of(pair).is_empty());
        let is_kept = self.keep.as_ref().is_none_or(|keep| keep.have(name));
        !pair.is_empty() && !is_dropped && is_kept
    }
}

/// Whether no two parameters have one name.
fn all_differ(query: &str) -> bool {
    let names = || query.split('&').map(name_of);
    names()
        .enumerate()
        .all(|(index, name)| names().take(index).all(|before| before != name))
}

#[cfg(test)]
mod tests;
