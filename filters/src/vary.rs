//! `Vary` of responses.

use http::header::{HeaderValue, VARY};
use pingora_http::ResponseHeader;

use crate::filter::FilterError;

/// Has `Vary` name a request header, if it doesn't yet.
pub(crate) fn by(head: &mut ResponseHeader, name: &'static str) -> Result<(), FilterError> {
    let is_it = |one: &str| one.trim() == "*" || one.trim().eq_ignore_ascii_case(name);
    let names_it = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|value| value.split(',').any(is_it))
    };
    if head.headers.get_all(VARY).iter().any(names_it) {
        return Ok(());
    }
    head.append_header(VARY, HeaderValue::from_static(name))
        .map(|_| ())
        .map_err(|_| FilterError::new("`vary` can't be added: there are too many headers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    #[test]
    fn a_name_is_added_once() {
        for (before, after) in [
            (None, &["Origin"][..]),
            (Some("accept"), &["accept", "Origin"]),
            (Some("accept, origin"), &["accept, origin"]),
            (Some("*"), &["*"]),
        ] {
            let mut head = ResponseHeader::build(200, None).unwrap();
            if let Some(before) = before {
                head.insert_header("vary", before).unwrap();
            }
            by(&mut head, "Origin").unwrap();
            assert_eq!(values(&head, "vary"), after);
        }
    }
}
