//! What is done with which elements, and for whom.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use lol_html::html_content::ContentType;
use lol_html::send::{Element, ElementContentHandlers};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::change::{AttributeName, Change, Content, Html, Spot, Text};
use crate::bodies::{RewritePhase, refuse_personal};
use crate::exchange::Exchange;
use crate::filter::BuildError;
use crate::markup::Selector;
use crate::template::{Place, Template};
use crate::variants::Variants;

/// What is done with some elements.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSettings {
    /// Which elements are meant, as in CSS: by name, `#id`, `.class`, `[attribute]` with `=`, `^=`, `$=`, `*=`, `~=`, `|=` and `i`,
    /// `:nth-child()`, `:first-child`, `:nth-of-type()`, `:first-of-type`, `:not()`, and `A B`, `A > B` and `A, B` of them.
    select: Selector,
    /// For whom: unless set for all.
    when: Option<When>,
    /// Attribute names and their values, which are given to the elements.
    #[serde(default)]
    set: BTreeMap<AttributeName, Template>,
    /// Attribute names and what is replaced in their values: `{ from = "http:", to = "https:" }`.
    #[serde(default)]
    swap: BTreeMap<AttributeName, Swap>,
    /// Attribute names that are taken away.
    #[serde(default)]
    remove_attributes: Vec<AttributeName>,
    /// What is put before the elements: a text, which is escaped, or `{ html = "<b>text</b>" }`, in which variables are.
    before: Option<Content>,
    /// What is put at the beginning of their content.
    prepend: Option<Content>,
    /// What is put in place of their content.
    inner: Option<Content>,
    /// What is put at the end of their content.
    append: Option<Content>,
    /// What is put behind them.
    after: Option<Content>,
    /// What is put in place of them.
    replace: Option<Content>,
    /// Whether they are taken away with all they hold.
    #[serde(default)]
    remove: bool,
    /// Whether their tags are taken away, and what they hold is kept.
    #[serde(default)]
    unwrap: bool,
}

/// For whom a rule is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// Clients with this variant of an experiment: `EXPERIMENT=VARIANT`, by the names that the filter of the experiment has. That
    /// filter comes before this one. What is stored has to be told apart by the variant in the cache key.
    variant: VariantName,
}

/// A variant of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct VariantName {
    experiment: String,
    variant: String,
}

impl TryFrom<String> for VariantName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once('=') {
            Some((experiment, variant)) if !experiment.is_empty() && !variant.is_empty() => {
                Ok(Self {
                    experiment: experiment.to_owned(),
                    variant: variant.to_owned(),
                })
            }
            _ => Err(format!(
                "`{text}` is not a variant such as `checkout=fast-lane`"
            )),
        }
    }
}

impl JsonSchema for VariantName {
    fn schema_name() -> Cow<'static, str> {
        "VariantName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "variant", "pattern": "^[^=]+=.+$" })
    }
}

/// One text that becomes another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Swap {
    /// The text to look for, as it stands in the page.
    from: String,
    /// What is put in its place.
    to: Template,
}

/// A rule made ready.
pub(super) struct Rule {
    selector: Selector,
    when: Option<VariantName>,
    changes: Vec<Change<Text>>,
}

impl Rule {
    pub(super) fn new(
        key: &str,
        settings: RuleSettings,
        phase: RewritePhase,
    ) -> Result<Self, BuildError> {
        refuse_contradictions(key, &settings)?;
        let selector = settings.select.clone();
        let when = settings.when.as_ref().map(|when| when.variant.clone());
        let changes = changes(key, settings)?;
        if changes.is_empty() {
            let told = "nothing is done: give `set`, `remove`, `append` or another change";
            return Err(BuildError::at(key, told));
        }
        if phase == RewritePhase::OriginResponse {
            let texts = changes.iter().filter_map(Change::text);
            texts
                .map(Text::template)
                .try_for_each(|text| refuse_personal(key, text))?;
        }
        Ok(Self {
            selector,
            when,
            changes,
        })
    }

    pub(super) fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Whether it is for this client.
    pub(super) fn applies(&self, exchange: &Exchange) -> bool {
        let Some(when) = &self.when else {
            return true;
        };
        let variants = exchange.notes.get::<Variants>();
        variants
            .and_then(|variants| variants.get(&when.experiment))
            .is_some_and(|variant| **variant == *when.variant)
    }

    pub(super) fn handler(&self, exchange: &Exchange) -> ElementContentHandlers<'static> {
        let render = |change: &Change<Text>| change.render(exchange);
        let changes: Vec<Change<Arc<str>>> = self.changes.iter().map(render).collect();
        ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
            changes.iter().try_for_each(|change| change.apply(element))
        })
    }
}

fn refuse_contradictions(key: &str, settings: &RuleSettings) -> Result<(), BuildError> {
    let ends = [settings.remove, settings.unwrap, settings.replace.is_some()];
    if ends.iter().filter(|is_set| **is_set).count() > 1 {
        let told = "an element ends in one way: `remove`, `unwrap` or `replace`";
        return Err(BuildError::at(key, told));
    }
    Ok(())
}

fn changes(key: &str, settings: RuleSettings) -> Result<Vec<Change<Text>>, BuildError> {
    let mut changes = Vec::new();
    for (name, value) in settings.set {
        changes.push(Change::SetAttribute(name, Text::new(value, Place::Markup)));
    }
    for (name, Swap { from, to }) in settings.swap {
        if from.is_empty() {
            let told = "`from` is empty: give the text to look for";
            return Err(BuildError::at(format!("{key}.swap"), told));
        }
        let to = Text::new(to, Place::Markup);
        changes.push(Change::Swap(name, from.into(), to));
    }
    let removed = settings.remove_attributes.into_iter();
    changes.extend(removed.map(Change::RemoveAttribute));
    for (spot, content) in [
        (Spot::Before, settings.before),
        (Spot::Inner, settings.inner),
        (Spot::Prepend, settings.prepend),
        (Spot::Append, settings.append),
        (Spot::After, settings.after),
        (Spot::Replace, settings.replace),
    ] {
        changes.extend(content.map(|content| match content {
            // The rewriter escapes the whole text.
            Content::Text(text) => {
                Change::Put(spot, Text::new(text, Place::Text), ContentType::Text)
            }
            Content::Html(Html { html }) => {
                Change::Put(spot, Text::new(html, Place::Markup), ContentType::Html)
            }
        }));
    }
    changes.extend(settings.remove.then_some(Change::Remove));
    changes.extend(settings.unwrap.then_some(Change::Unwrap));
    Ok(changes)
}
