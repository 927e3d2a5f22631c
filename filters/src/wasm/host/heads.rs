//! What reading and changing heads has in common for requests and responses.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use pingora_http::{RequestHeader, ResponseHeader};

use crate::settings::refuse_framing;
use crate::wasm::abi::Error;
use crate::wasm::abi::rimward::filter::types::HeaderOp;

/// The most fields of a head that guests change.
const MAX_FIELDS: usize = 200;
/// The most bytes of them.
const MAX_BYTES: usize = 64 << 10;

/// A head whose fields guests read and change.
pub(super) trait Head {
    fn fields(&self) -> &HeaderMap;
    /// The names as they were written, where that is known.
    fn written(&self) -> Vec<(String, Vec<u8>)>;
    fn insert(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Error>;
    fn append(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Error>;
    fn remove(&mut self, name: &HeaderName);
}

macro_rules! head {
    ($kind:ty) => {
        impl Head for $kind {
            fn fields(&self) -> &HeaderMap {
                &self.headers
            }

            fn written(&self) -> Vec<(String, Vec<u8>)> {
                if self.has_case() {
                    let fields = self.case_header_iter();
                    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
                    return fields
                        .map(|(name, value)| (text(name.as_slice()), value.as_bytes().to_vec()))
                        .collect();
                }
                let fields = self.headers.iter();
                fields
                    .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                    .collect()
            }

            fn insert(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Error> {
                self.insert_header(name, value).map_err(full)
            }

            fn append(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Error> {
                self.append_header(name, value).map(|_| ()).map_err(full)
            }

            fn remove(&mut self, name: &HeaderName) {
                self.remove_header(name);
            }
        }
    };
}

head!(RequestHeader);
head!(ResponseHeader);

fn full(error: impl ToString) -> Error {
    Error::Limit(error.to_string())
}

/// The first value of a field as text.
pub(super) fn first(fields: &HeaderMap, name: &str) -> Option<String> {
    fields.get(name).map(text)
}

/// Every value of a field.
pub(super) fn all(fields: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    let values = fields.get_all(name).iter();
    values.map(|value| value.as_bytes().to_vec()).collect()
}

/// The first values of several fields.
pub(super) fn many(fields: &HeaderMap, names: &[String]) -> Vec<Option<String>> {
    names.iter().map(|name| first(fields, name)).collect()
}

/// The names of all fields, each once.
pub(super) fn names(fields: &HeaderMap) -> Vec<String> {
    fields.keys().map(|name| name.as_str().to_owned()).collect()
}

fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Sets one field, in place of all that have its name.
pub(super) fn set(head: &mut impl Head, name: &str, value: &str) -> Result<(), Error> {
    let op = Op::Set(self::name(name)?, self::value(value)?);
    room(head.fields(), std::slice::from_ref(&op))?;
    op.apply(head)
}

/// Does what is asked for in its order, or nothing of it.
pub(super) fn edit(head: &mut impl Head, ops: Vec<HeaderOp>) -> Result<(), Error> {
    let parsed: Result<Vec<Op>, Error> = ops.into_iter().map(Op::parse).collect();
    let parsed = parsed?;
    room(head.fields(), &parsed)?;
    parsed.into_iter().try_for_each(|op| op.apply(head))
}

enum Op {
    Set(HeaderName, HeaderValue),
    Append(HeaderName, HeaderValue),
    Remove(HeaderName),
}

impl Op {
    fn parse(op: HeaderOp) -> Result<Self, Error> {
        Ok(match op {
            HeaderOp::Set((name, value)) => Self::Set(self::name(&name)?, self::value(&value)?),
            HeaderOp::Append((name, value)) => {
                Self::Append(self::name(&name)?, self::value(&value)?)
            }
            HeaderOp::Remove(name) => Self::Remove(self::name(&name)?),
        })
    }

    fn apply(self, head: &mut impl Head) -> Result<(), Error> {
        match self {
            Self::Set(name, value) => head.insert(name, value)?,
            Self::Append(name, value) => head.append(name, value)?,
            Self::Remove(name) => head.remove(&name),
        }
        Ok(())
    }

    fn size(&self) -> usize {
        match self {
            Self::Set(name, value) | Self::Append(name, value) => name.as_str().len() + value.len(),
            Self::Remove(_) => 0,
        }
    }
}

/// Refuses what would make a head that nobody takes.
fn room(fields: &HeaderMap, ops: &[Op]) -> Result<(), Error> {
    let added: usize = ops.iter().map(Op::size).sum();
    // Few small changes to a head that was let in fit always.
    if ops.len() <= 16 && added <= 4096 {
        return Ok(());
    }
    let held: usize = fields
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if held + added > MAX_BYTES || fields.len() + ops.len() > MAX_FIELDS {
        let most = format!("{MAX_FIELDS} fields of {MAX_BYTES} bytes are the most of a head");
        return Err(Error::Limit(most));
    }
    Ok(())
}

/// The name of a field that guests may change.
pub(super) fn name(text: &str) -> Result<HeaderName, Error> {
    let wrong = || Error::Invalid(format!("`{}` is not a header name", text.escape_debug()));
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| wrong())?;
    refuse_framing(&name).map_err(|_| Error::Forbidden)?;
    Ok(name)
}

/// The value of a field.
pub(super) fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .or_else(|_| HeaderValue::from_bytes(text.as_bytes()))
        .map_err(|_| Error::Invalid("a header's value has no control characters".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::exchange;

    #[test]
    fn heads_are_changed_in_order_or_not_at_all() {
        let set = |name: &str, value: &str| HeaderOp::Set((name.to_owned(), value.to_owned()));
        let append =
            |name: &str, value: &str| HeaderOp::Append((name.to_owned(), value.to_owned()));
        let remove = |name: &str| HeaderOp::Remove(name.to_owned());
        let big = "x".repeat(MAX_BYTES);
        for (ops, expected) in [
            (
                vec![set("x-a", "1"), append("X-A", "2")],
                Ok(vec!["1", "2"]),
            ),
            (vec![append("x-a", "1"), remove("x-a")], Ok(vec![])),
            (vec![set("x-a", "ä")], Ok(vec!["ä"])),
            (
                vec![set("x-a", "1"), set("content-length", "1")],
                Err(Error::Forbidden),
            ),
            (vec![remove("connection")], Err(Error::Forbidden)),
            (
                vec![set("x a", "1")],
                Err(Error::Invalid("`x a` is not a header name".into())),
            ),
        ] {
            let mut head = exchange("GET", "/", &[]).request;
            let done = edit(&mut head, ops).map(|()| all(&head.headers, "x-a"));
            let expected = expected.map(|values| {
                values
                    .into_iter()
                    .map(|value| value.as_bytes().to_vec())
                    .collect::<Vec<_>>()
            });
            assert_eq!(format!("{done:?}"), format!("{expected:?}"));
            assert!(done.is_ok() || head.headers.get("x-a").is_none());
        }
        let mut head = exchange("GET", "/", &[]).request;
        assert!(matches!(
            edit(&mut head, vec![set("x-a", &big)]),
            Err(Error::Limit(_))
        ));
        let many = (0..300).map(|at| set(&format!("x-{at}"), "1")).collect();
        assert!(matches!(edit(&mut head, many), Err(Error::Limit(_))));
        assert!(matches!(
            edit(&mut head, vec![set("x-a", "a\r\nb")]),
            Err(Error::Invalid(_))
        ));
    }

    #[test]
    fn one_field_is_set_as_by_a_batch() {
        let big = "x".repeat(MAX_BYTES);
        for (name, value) in [
            ("x-a", "1"),
            ("Accept", "ä"),
            ("content-length", "1"),
            ("x a", "1"),
            ("x-a", "a\r\nb"),
            ("x-a", &big),
        ] {
            let mut heads = [(); 2].map(|()| exchange("GET", "/", &[("accept", "b")]).request);
            let op = HeaderOp::Set((name.to_owned(), value.to_owned()));
            let done = [
                set(&mut heads[0], name, value),
                edit(&mut heads[1], vec![op]),
            ];
            assert_eq!(format!("{:?}", done[0]), format!("{:?}", done[1]), "{name}");
            assert_eq!(heads[0].headers, heads[1].headers, "{name}");
        }
    }
}
