//! `[filter.NAME]`, and filters written in place.

use std::collections::{BTreeMap, HashSet};

use crate::config::FilterId;
use crate::document::{FilterTable, FilterUse};
use crate::filter_spec::FilterSpec;
use crate::load::Loaded;
use crate::source::Source;

use super::{Names, Scope};

/// All filters: first those with names, in the order of [`Names`].
pub(crate) struct Filters {
    pub(crate) specs: Vec<FilterSpec>,
    names: Names,
    taken: HashSet<String>,
}

impl Filters {
    /// The filters that have names. One that could not be decoded has a stand-in, so that indices hold.
    pub(crate) fn named(files: &mut [Loaded], names: Names) -> Self {
        let mut written = BTreeMap::new();
        for file in files.iter_mut().rev() {
            written.append(&mut file.document.filter);
        }
        let stand_in = || FilterTable {
            kind: String::new(),
            on_error: None,
            settings: toml::Table::new(),
        };
        let specs: Vec<FilterSpec> = names
            .iter()
            .map(|(name, source)| {
                let table = written.remove(name).unwrap_or_else(stand_in);
                spec(name.clone(), table, source.clone())
            })
            .collect();
        let taken = names.iter().map(|(name, _)| name.clone()).collect();
        Self {
            specs,
            names,
            taken,
        }
    }

    /// The filters of a site or a route; `owner` is how one in place is called.
    pub(crate) fn used(
        &mut self,
        written: Vec<FilterUse>,
        owner: &str,
        scope: &mut Scope<'_>,
    ) -> Vec<FilterId> {
        let mut ids = Vec::with_capacity(written.len());
        for (index, filter) in written.into_iter().enumerate() {
            let key = format!("filters[{index}]");
            match filter {
                FilterUse::Named(name) => {
                    let Some(id) = self.names.find(&name, &key, scope) else {
                        continue;
                    };
                    if ids.contains(&FilterId(id)) {
                        scope.tell(
                            &key,
                            format!("the filter `{name}` is given twice: leave one out"),
                        );
                    }
                    ids.push(FilterId(id));
                }
                FilterUse::InPlace(table) => {
                    let source = scope.source.key("filters").index(index);
                    let name = self.name_in_place(owner, &table.kind);
                    ids.push(FilterId(self.specs.len()));
                    self.specs.push(spec(name, table, source));
                }
            }
        }
        ids
    }

    /// A name that no other filter has and that stays the same over reloads.
    fn name_in_place(&mut self, owner: &str, kind: &str) -> String {
        let plain = format!("{owner}:{kind}");
        let name = match self.taken.contains(&plain) {
            false => plain,
            true => (2_usize..)
                .map(|number| format!("{plain}:{number}"))
                .find(|name| !self.taken.contains(name))
                .unwrap_or(plain),
        };
        self.taken.insert(name.clone());
        name
    }
}

fn spec(name: String, table: FilterTable, source: Source) -> FilterSpec {
    let on_error = table.on_error.map(|on_error| on_error.0);
    FilterSpec {
        name,
        kind: table.kind,
        on_error,
        settings: table.settings,
        source,
    }
}
