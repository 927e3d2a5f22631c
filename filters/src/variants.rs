//! Which variants of experiments a request gets.

use std::sync::Arc;

/// The experiments that a request takes part in, each with its variant, for later filters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variants(Vec<(Arc<str>, Arc<str>)>);

impl Variants {
    /// Has the request get `variant` of `experiment`. Said twice, the later one holds.
    pub(crate) fn set(&mut self, experiment: Arc<str>, variant: Arc<str>) {
        match self.0.iter_mut().find(|(of, _)| *of == experiment) {
            Some((_, before)) => *before = variant,
            None => self.0.push((experiment, variant)),
        }
    }

    /// The variant of an experiment; `None` when the request takes no part.
    pub(crate) fn get(&self, experiment: &str) -> Option<&Arc<str>> {
        self.0
            .iter()
            .find_map(|(of, variant)| (**of == *experiment).then_some(variant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_variant_of_each_experiment() {
        let mut variants = Variants::default();
        variants.set("a".into(), "one".into());
        variants.set("b".into(), "one".into());
        variants.set("a".into(), "two".into());
        let got = ["a", "b", "c"].map(|name| variants.get(name).map(|variant| &**variant));
        assert_eq!(got, [Some("two"), Some("one"), None]);
    }
}
