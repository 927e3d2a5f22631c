//! What is done with an element.

use std::borrow::Cow;
use std::sync::Arc;

use lol_html::HandlerResult;
use lol_html::html_content::ContentType;
use lol_html::send::Element;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::exchange::Exchange;
use crate::template::{Place, Template};

/// The name of an attribute, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct AttributeName(Arc<str>);

impl TryFrom<String> for AttributeName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_in_name = |c: char| c.is_ascii_graphic() && !"\"'<>/=".contains(c);
        if name.is_empty() || !name.chars().all(is_in_name) {
            return Err(format!(
                "`{name}` is not the name of an attribute such as `href`"
            ));
        }
        Ok(Self(name.to_ascii_lowercase().into()))
    }
}

impl JsonSchema for AttributeName {
    fn schema_name() -> Cow<'static, str> {
        "AttributeName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "attribute name", "pattern": "^[!-~]+$" })
    }
}

/// What is put into a page: text as it is, or HTML.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline, title = "text or HTML")]
pub(super) enum Content {
    Text(Template),
    Html(Html),
}

/// HTML, whose variables are escaped.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Html {
    pub(super) html: Template,
}

/// A text with variables, and how they are written where it is put.
#[derive(Debug, Clone)]
pub(super) struct Text {
    template: Template,
    place: Place,
    /// The text, if there is no variable in it.
    fixed: Option<Arc<str>>,
}

impl Text {
    pub(super) fn new(template: Template, place: Place) -> Self {
        Self {
            fixed: template.literal().map(Arc::from),
            template,
            place,
        }
    }

    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    pub(super) fn render(&self, exchange: &Exchange) -> Arc<str> {
        match &self.fixed {
            Some(text) => text.clone(),
            None => self.template.render(exchange, self.place).into(),
        }
    }
}

/// Where something is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Before,
    Prepend,
    Inner,
    Append,
    After,
    Replace,
}

/// One thing that is done with an element, with texts that are yet to be rendered, or are.
pub(super) enum Change<T> {
    SetAttribute(AttributeName, T),
    /// In an attribute's value, one text becomes another.
    Swap(AttributeName, Arc<str>, T),
    RemoveAttribute(AttributeName),
    Put(Spot, T, ContentType),
    Remove,
    Unwrap,
}

impl Change<Text> {
    /// The text in it.
    pub(super) fn text(&self) -> Option<&Text> {
        match self {
            Self::SetAttribute(_, text) | Self::Swap(_, _, text) | Self::Put(_, text, _) => {
                Some(text)
            }
            Self::RemoveAttribute(_) | Self::Remove | Self::Unwrap => None,
        }
    }

    pub(super) fn render(&self, exchange: &Exchange) -> Change<Arc<str>> {
        match self {
            Self::SetAttribute(name, text) => {
                Change::SetAttribute(name.clone(), text.render(exchange))
            }
            Self::Swap(name, from, text) => {
                Change::Swap(name.clone(), from.clone(), text.render(exchange))
            }
            Self::RemoveAttribute(name) => Change::RemoveAttribute(name.clone()),
            Self::Put(spot, text, kind) => Change::Put(*spot, text.render(exchange), *kind),
            Self::Remove => Change::Remove,
            Self::Unwrap => Change::Unwrap,
        }
    }
}

impl Change<Arc<str>> {
    pub(super) fn apply(&self, element: &mut Element<'_, '_>) -> HandlerResult {
        match self {
            Self::SetAttribute(AttributeName(name), value) => element.set_attribute(name, value)?,
            Self::Swap(AttributeName(name), from, to) => {
                let value = element.get_attribute(name);
                if let Some(value) = value.filter(|value| value.contains(&**from)) {
                    element.set_attribute(name, &value.replace(&**from, to))?;
                }
            }
            Self::RemoveAttribute(AttributeName(name)) => element.remove_attribute(name),
            Self::Put(spot, text, kind) => put(element, *spot, text, *kind),
            Self::Remove => element.remove(),
            Self::Unwrap => element.remove_and_keep_content(),
        }
        Ok(())
    }
}

fn put(element: &mut Element<'_, '_>, spot: Spot, text: &str, kind: ContentType) {
    match spot {
        Spot::Before => element.before(text, kind),
        Spot::Prepend => element.prepend(text, kind),
        Spot::Inner => element.set_inner_content(text, kind),
        Spot::Append => element.append(text, kind),
        Spot::After => element.after(text, kind),
        Spot::Replace => element.replace(text, kind),
    }
}
