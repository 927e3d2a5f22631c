//! Which variants of experiments a client was given, as one filter leaves it for others.

use std::sync::Arc;

/// A note of the variants that the client was given, by experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variants(Vec<(Arc<str>, Arc<str>)>);

impl Variants {
    /// Notes the variant of an experiment, in place of one that was noted before.
    pub fn set(&mut self, experiment: Arc<str>, variant: Arc<str>) {
        match self.0.iter_mut().find(|(known, _)| *known == experiment) {
            Some((_, held)) => *held = variant,
            None => self.0.push((experiment, variant)),
        }
    }

    /// The variant of an experiment.
    pub fn get(&self, experiment: &str) -> Option<&Arc<str>> {
        self.0
            .iter()
            .find_map(|(known, variant)| (**known == *experiment).then_some(variant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_has_one_variant() {
        let mut variants = Variants::default();
        variants.set("checkout".into(), "slow-lane".into());
        variants.set("colour".into(), "red".into());
        variants.set("checkout".into(), "fast-lane".into());
        let found = ["checkout", "colour", "price"].map(|name| variants.get(name).map(|v| &**v));
        assert_eq!(found, [Some("fast-lane"), Some("red"), None]);
    }
}
