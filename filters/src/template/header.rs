//! Templates that make header values.

use http::header::HeaderValue;

use super::{Part, Place, Template};
use crate::exchange::Exchange;

/// A template that makes header values. Control characters that a client smuggled into a variable are left out, so
/// that it can neither end the header nor make the filter fail.
#[derive(Debug, Clone)]
pub struct ValueTemplate(Value);

#[derive(Debug, Clone)]
enum Value {
    Fixed(HeaderValue),
    Rendered(Template),
}

impl ValueTemplate {
    /// The value for one exchange.
    pub fn render(&self, exchange: &Exchange) -> HeaderValue {
        match &self.0 {
            Value::Fixed(value) => value.clone(),
            Value::Rendered(template) => header_value(&template.render(exchange, Place::Header)),
        }
    }
}

impl TryFrom<Template> for ValueTemplate {
    type Error = String;

    fn try_from(template: Template) -> Result<Self, String> {
        for part in &template.parts {
            if let Part::Literal(text) = part
                && HeaderValue::from_str(text).is_err()
            {
                return Err(format!(
                    "`{}` can't be in a header: no control characters",
                    text.escape_debug()
                ));
            }
        }
        Ok(Self(match template.literal() {
            Some(text) => Value::Fixed(header_value(text)),
            None => Value::Rendered(template),
        }))
    }
}

/// Text without control characters is always a value.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text.trim()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
