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

    fn is_pure(&self) -> bool {
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
        !pair.is_empty()
            && !self.drop.have(name)
            && self.keep.as_ref().is_none_or(|keep| keep.have(name))
            && !(self.drop_empty && value_of(pair).is_empty())
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, exchange, refused, status};

    #[track_caller]
    fn check(settings: &str, target: &str, expected: &str) {
        let filter: Query = build(settings).unwrap();
        let mut exchange = exchange("GET", target, &[]);
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(exchange.request.uri, expected, "{settings} on {target}");
    }

    #[test]
    fn queries_get_one_form() {
        for (settings, target, expected) in [
            (
                "presets = ['tracking']",
                "/?utm_source=x&a=1&gclid=2&fbclid=3&_ga=4&mc_eid=5",
                "/?a=1",
            ),
            ("presets = ['tracking']", "/a?%75tm_source=x&yclid", "/a"),
            ("presets = ['tracking']", "/a?gclid2=x", "/a?gclid2=x"),
            ("drop = ['b*']", "/?a&b=1&bc=2&c=3&", "/?a&c=3"),
            (
                "keep = ['a', 'filter_*']",
                "/?b=1&filter_size=2&a=3&c",
                "/?filter_size=2&a=3",
            ),
            (
                "keep = ['a*']\ndrop = ['ab']",
                "/?a=1&ab=2&ac=3",
                "/?a=1&ac=3",
            ),
            ("keep = []", "/?a=1", "/"),
            ("sort = true", "/?b=1&a=2&b=0&A=3", "/?A=3&a=2&b=1&b=0"),
            ("sort = true", "/?a=1&b=2", "/?a=1&b=2"),
            ("drop_empty = true", "/?a=&b&c=1&=d", "/?c=1&=d"),
            ("duplicates = 'first'", "/?a=1&b=2&%61=3", "/?a=1&b=2"),
            ("duplicates = 'last'", "/?a=1&b=2&a=3", "/?b=2&a=3"),
            ("duplicates = 'last'", "/?a=1&b=2", "/?a=1&b=2"),
            ("max = 2", "/?a&b&c", "/?a&b"),
            ("max = 0", "/?a&b&c", "/"),
            ("sort = true", "/", "/"),
            ("sort = true\nmax = 1", "/?b&a", "/?a"),
            ("sort = true", "/?", "/"),
            ("sort = true", "*", "*"),
        ] {
            check(settings, target, expected);
        }
    }

    #[test]
    fn many_duplicates_are_found_quickly() {
        let many: Vec<String> = (0..5_000)
            .map(|number| format!("p{}", number % 2_500))
            .collect();
        let once = many[..2_500].join("&");
        check(
            "duplicates = 'first'",
            &format!("/?{}", many.join("&")),
            &format!("/?{once}"),
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("", "nothing is changed: give `keep`"),
            ("presets = ['seo']", "`seo` is not one of"),
            (
                "keep = ['a']\ndrop = ['a']",
                "keep: `a` is in `drop` as well",
            ),
            ("duplicates = 'some'", "`some` is not one of"),
        ] {
            refused::<Query>(settings, expected);
        }
    }

    proptest! {
        #[test]
        fn a_query_in_its_form_stays_as_it_is(query in "([a-c%]{0,2}(=[a-b+]{0,2})?&?){0,20}") {
            for settings in ["sort = true", "duplicates = 'first'", "duplicates = 'last'\ndrop_empty = true", "max = 3\ndrop = ['a*']"] {
                let filter: Query = build(settings).unwrap();
                let changed = filter.change(&query);
                prop_assert_eq!(filter.change(&changed), changed.clone());
                let is_long = changed.split('&').count() > Query::FEW;
                prop_assert!(changed.is_empty() || is_long || filter.leaves(&changed), "{changed}");
                prop_assert!(!filter.leaves(&query) || changed == query, "{query}");
            }
        }
    }
}
