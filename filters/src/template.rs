//! Text with variables, such as `https://{host}{path}`: parsed once, rendered for each exchange.
//!
//! What a client sent never gets a meaning in the place it is put into: [`Place`] says how a variable's value is
//! written there. A text without variables is rendered without an allocation.

mod header;
mod parse;
mod place;
mod variable;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;

pub use header::ValueTemplate;
pub use parse::TemplateError;
pub use place::Place;
pub(crate) use place::{NOT_IN_URI, NOT_UNRESERVED};
pub use variable::Variable;

/// Text with variables.
///
/// `{client_ip}`, `{country}`, `{request_id}`, `{host}`, `{path}`, `{query}`, `{uri}` (path and query), `{method}`,
/// `{scheme}`, `{route}`, `{site}`, `{param.NAME}`, `{header.NAME}`, `{cookie.NAME}`, and `{city}`, `{asn}` and the other
/// names of a [`LocationField`](crate::LocationField) stand for what they name; what an exchange hasn't got is empty. `{{`
/// and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Text as it is.
    Literal(String),
    /// What stands for something of the exchange.
    Variable(Variable),
}

impl Template {
    /// The text, if there is no variable in it.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Its pieces in order; no two literals stand side by side.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The variables in order.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Literal(_) => None,
        })
    }

    /// The text for one exchange.
    pub fn render(&self, exchange: &Exchange, place: Place) -> Cow<'_, str> {
        if let Some(text) = self.literal() {
            return Cow::Borrowed(text);
        }
        let mut text = String::with_capacity(64);
        self.render_into(exchange, place, &mut text);
        Cow::Owned(text)
    }

    /// Puts the text for one exchange behind `out`.
    pub fn render_into(&self, exchange: &Exchange, place: Place, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Variable(variable) => variable.render_into(exchange, place, out),
            }
        }
    }
}

impl From<Variable> for Template {
    fn from(variable: Variable) -> Self {
        Self {
            parts: vec![Part::Variable(variable)],
        }
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "template" })
    }
}

#[cfg(test)]
mod tests;
