//! Paths that a route is for.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::normal_path::{BadPath, normalise_path};
use crate::value::{Text, ValueError, text_value};

/// A path, or a set of paths: `/a/b`, `/a/*`, `/user/{id}/posts`.
///
/// `/a/*` is for `/a/` and everything below, not for `/a`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
    rest: bool,
}

/// What stands between two slashes of a [`PathPattern`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// This text in normal form (RFC 3986, section 6.2.2), as requests are compared; empty behind a slash at the end.
    Literal(String),
    /// `{name}`: any text that is not empty.
    Param(Arc<str>),
}

impl PathPattern {
    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments behind the first slash, without a `*` at the end. `/` has one, which is empty.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it ends with `/*`, so that anything may follow the segments and a slash.
    pub fn rest(&self) -> bool {
        self.rest
    }

    /// The pattern for every path.
    pub(crate) fn every() -> Self {
        Self {
            text: "/*".to_owned(),
            segments: Vec::new(),
            rest: true,
        }
    }

    /// Whether both are for the same paths: parameters may have other names.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_same = |(one, two): (&Segment, &Segment)| match (one, two) {
            (Segment::Param(_), Segment::Param(_)) => true,
            (one, two) => one == two,
        };
        self.rest == other.rest
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(is_same)
    }
}

impl Text for PathPattern {
    const EXPECTING: &'static str = "a path such as `/a`, `/a/*` or `/user/{id}`";
    const PATTERN: &'static str = "^/[^?#\\s]*$";
}

text_value!(PathPattern);

impl FromStr for PathPattern {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = |right: &str| ValueError::new(format!("`{text}` is not a path: {right}"));
        let Some(rest) = text.strip_prefix('/') else {
            return Err(match text {
                "*" => wrong("write `/*` for every path"),
                _ if text.contains("://") => {
                    wrong("hosts belong to the site; write what follows the host")
                }
                _ => wrong(&format!("it must start with a slash: write `/{text}`")),
            });
        };
        if text.contains(['?', '#']) {
            return Err(wrong(
                "it ends at the `?`; a route's `query` asks for parameters",
            ));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(
                "write spaces, control characters and non-ASCII letters percent-encoded, such as `%20`",
            ));
        }
        let mut written: Vec<&str> = rest.split('/').collect();
        let rest = written.last() == Some(&"*");
        if rest {
            written.pop();
        }
        let last = written.len().saturating_sub(1);
        let mut segments: Vec<Segment> = Vec::with_capacity(written.len());
        for (position, segment) in written.into_iter().enumerate() {
            if segment.is_empty() && (rest || position != last) {
                return Err(wrong("it has an empty segment: write one slash, not two"));
            }
            let segment = read_segment(segment).map_err(|right| wrong(&right))?;
            if matches!(&segment, Segment::Param(_)) && segments.contains(&segment) {
                return Err(wrong("two of its parameters have the same name"));
            }
            segments.push(segment);
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
            rest,
        })
    }
}

/// One segment, or what would have been right.
fn read_segment(text: &str) -> Result<Segment, String> {
    if let Some(name) = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        let is_word = |name: &str| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        return match name {
            "" => Err("a parameter needs a name, such as `{id}`".to_owned()),
            name if is_word(name) => Ok(Segment::Param(name.into())),
            _ => Err(format!(
                "`{{{name}}}` is not a parameter: its name has letters, digits and `_`"
            )),
        };
    }
    if text.contains(['{', '}']) {
        return Err("a parameter is a whole segment, such as `/user/{id}`".to_owned());
    }
    if text.contains('*') {
        return Err(
            "`*` is only understood as the whole last segment, such as `/img/*`".to_owned(),
        );
    }
    let path = format!("/{text}");
    let normal = normalise_path(&path).map_err(|bad| match bad {
        BadPath::Escape => {
            "`%` must be followed by two hexadecimal digits; write `%25` for a percent sign"
                .to_owned()
        }
        bad => format!("{bad}, which no request may have"),
    })?;
    match normal.strip_prefix('/') {
        Some("") if !text.is_empty() => {
            Err("it has a dot segment, which no request has: write the path it leads to".to_owned())
        }
        normal => Ok(Segment::Literal(normal.unwrap_or_default().to_owned())),
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Segment {
        Segment::Literal(text.into())
    }

    fn param(name: &str) -> Segment {
        Segment::Param(name.into())
    }

    #[test]
    fn paths_are_read() {
        for (text, segments, rest) in [
            ("/", vec![literal("")], false),
            ("/a/b", vec![literal("a"), literal("b")], false),
            ("/a/", vec![literal("a"), literal("")], false),
            ("/*", vec![], true),
            ("/a/*", vec![literal("a")], true),
            (
                "/user/{id}/posts",
                vec![literal("user"), param("id"), literal("posts")],
                false,
            ),
            ("/{a}/{b}/*", vec![param("a"), param("b")], true),
            ("/a%20b", vec![literal("a%20b")], false),
            (
                "/%7euser/%c3%a4",
                vec![literal("~user"), literal("%C3%A4")],
                false,
            ),
            (
                "/.well-known/x...",
                vec![literal(".well-known"), literal("x...")],
                false,
            ),
        ] {
            let path: PathPattern = text.parse().unwrap();
            assert_eq!(
                (path.segments(), path.rest(), path.as_str()),
                (segments.as_slice(), rest, text)
            );
        }
    }

    #[test]
    fn what_is_no_path_is_told() {
        for (text, right) in [
            ("", "it must start with a slash: write `/`"),
            ("a", "it must start with a slash: write `/a`"),
            ("*", "write `/*` for every path"),
            ("https://a/b", "hosts belong to the site"),
            ("/a?b=1", "a route's `query` asks for parameters"),
            ("/a b", "percent-encoded, such as `%20`"),
            ("/ä", "percent-encoded, such as `%20`"),
            ("/a//b", "it has an empty segment"),
            ("//*", "it has an empty segment"),
            ("/a*", "`*` is only understood as the whole last segment"),
            ("/*/a", "`*` is only understood as the whole last segment"),
            ("/a/**", "`*` is only understood as the whole last segment"),
            ("/x{id}", "a parameter is a whole segment"),
            ("/{}", "a parameter needs a name"),
            ("/{a-b}", "`{a-b}` is not a parameter"),
            ("/{id}/{id}", "two of its parameters have the same name"),
            ("/a/../b", "it has a dot segment"),
            ("/a/%2e", "it has a dot segment"),
            ("/%zz", "`%` must be followed by two hexadecimal digits"),
            ("/a%2", "`%` must be followed by two hexadecimal digits"),
        ] {
            let error = text.parse::<PathPattern>().unwrap_err().to_string();
            assert!(error.contains(right), "{text}: {error}");
        }
    }

    #[test]
    fn parameters_by_another_name_are_the_same_paths() {
        let path = |text: &str| text.parse::<PathPattern>().unwrap();
        assert!(path("/user/{id}").is_same(&path("/user/{name}")));
        assert!(!path("/user/{id}").is_same(&path("/user/id")));
        assert!(!path("/user/*").is_same(&path("/user/{id}")));
        assert!(!path("/a").is_same(&path("/a/")));
    }
}
