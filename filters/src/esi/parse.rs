//! Reads the markup of a page.

use bytes::Bytes;
use memchr::memmem;

use super::{Include, Node};

/// Why a page can't be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// An element that is not known.
    #[error(
        "`<esi:{0}>` is not known: there are include, remove, comment, try, attempt and except"
    )]
    Unknown(String),
    /// An element that has no end.
    #[error("`<esi:{0}>` has no end")]
    Open(&'static str),
    /// An end of what did not begin.
    #[error("`</esi:{0}>` ends what did not begin")]
    Stray(String),
    /// An include that does not tell what.
    #[error("`<esi:include>` has no `src`")]
    NoSource,
    /// A tag that can't be read.
    #[error("a tag can't be read: `{0}`")]
    Tag(String),
    /// A `try` without its two parts.
    #[error("`<esi:try>` needs one `attempt` and one `except`, and nothing else")]
    Try,
    /// Elements within elements without end.
    #[error("elements stand more than {MAX_NESTING} deep in each other")]
    Nested,
}

/// How deep elements may stand in each other.
const MAX_NESTING: usize = 16;
/// Bytes of a tag.
const MAX_TAG: usize = 8 << 10;

const COMMENT_BEGIN: &[u8] = b"<!--esi";
const COMMENT_END: &[u8] = b"-->";

/// Reads the markup of a whole page. Text is shared with `page`, not copied.
///
/// # Errors
/// When the markup is broken.
pub fn parse(page: &Bytes) -> Result<Vec<Node>, ParseError> {
    let mut parser = Parser { page, position: 0 };
    parser.nodes(None, 0)
}

/// What is next in a page.
enum Token {
    /// `<!--esi`, `-->` of one, which stand for nothing.
    Shell,
    Begin(Tag),
    End(String),
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    is_empty: bool,
}

struct Parser<'p> {
    page: &'p Bytes,
    position: usize,
}

impl Parser<'_> {
    /// Nodes up to the end tag of `within`, or of the page.
    fn nodes(
        &mut self,
        within: Option<&'static str>,
        depth: usize,
    ) -> Result<Vec<Node>, ParseError> {
        if depth > MAX_NESTING {
            return Err(ParseError::Nested);
        }
        let mut nodes = Vec::new();
        let mut is_in_shell = false;
        loop {
            let (text, token) = self.next(is_in_shell)?;
            if !text.is_empty() {
                nodes.push(Node::Text(text));
            }
            match token {
                Some(Token::Shell) => is_in_shell = !is_in_shell,
                Some(Token::Begin(tag)) => nodes.extend(self.element(tag, depth)?),
                Some(Token::End(name)) if Some(name.as_str()) == within => return Ok(nodes),
                Some(Token::End(name)) => return Err(ParseError::Stray(name)),
                None => return within.map_or(Ok(nodes), |name| Err(ParseError::Open(name))),
            }
        }
    }

    fn element(&mut self, tag: Tag, depth: usize) -> Result<Option<Node>, ParseError> {
        match tag.name.as_str() {
            "include" => {
                let include = include(&tag)?;
                if !tag.is_empty {
                    self.skip("include")?;
                }
                Ok(Some(Node::Include(include)))
            }
            "comment" => {
                if !tag.is_empty {
                    self.skip("comment")?;
                }
                Ok(None)
            }
            "remove" if tag.is_empty => Ok(None),
            "remove" => self.skip("remove").map(|()| None),
            "try" if !tag.is_empty => self.attempt(depth + 1).map(Some),
            "try" | "attempt" | "except" => Err(ParseError::Try),
            _ => Err(ParseError::Unknown(tag.name)),
        }
    }

    /// Passes over everything up to the end tag of an element.
    fn skip(&mut self, name: &'static str) -> Result<(), ParseError> {
        let end = format!("</esi:{name}>");
        let rest = &self.page[self.position..];
        let found = memmem::find(rest, end.as_bytes()).ok_or(ParseError::Open(name))?;
        self.position += found + end.len();
        Ok(())
    }

    fn attempt(&mut self, depth: usize) -> Result<Node, ParseError> {
        let (mut attempt, mut except) = (None, None);
        loop {
            let (text, token) = self.next(false)?;
            if !text.iter().all(u8::is_ascii_whitespace) {
                return Err(ParseError::Try);
            }
            match token {
                Some(Token::Begin(tag)) if tag.name == "attempt" && attempt.is_none() => {
                    attempt = Some(self.part("attempt", &tag, depth)?);
                }
                Some(Token::Begin(tag)) if tag.name == "except" && except.is_none() => {
                    except = Some(self.part("except", &tag, depth)?);
                }
                Some(Token::Begin(tag)) if tag.name == "comment" => {
                    self.element(tag, depth)?;
                }
                Some(Token::End(name)) if name == "try" => break,
                Some(_) => return Err(ParseError::Try),
                None => return Err(ParseError::Open("try")),
            }
        }
        match (attempt, except) {
            (Some(attempt), Some(except)) => Ok(Node::Try { attempt, except }),
            _ => Err(ParseError::Try),
        }
    }

    fn part(
        &mut self,
        name: &'static str,
        tag: &Tag,
        depth: usize,
    ) -> Result<Vec<Node>, ParseError> {
        match tag.is_empty {
            true => Ok(Vec::new()),
            false => self.nodes(Some(name), depth),
        }
    }

    /// The text up to the next piece of markup, and that; `None` at the end of the page.
    fn next(&mut self, is_in_shell: bool) -> Result<(Bytes, Option<Token>), ParseError> {
        let begin = self.position;
        let mut position = begin;
        loop {
            let rest = &self.page[position..];
            let Some(found) = memchr::memchr2(b'<', b'-', rest).map(|found| position + found)
            else {
                self.position = self.page.len();
                return Ok((self.page.slice(begin..), None));
            };
            let text = self.page.slice(begin..found);
            let rest = &self.page[found..];
            if rest.starts_with(COMMENT_BEGIN) && !is_in_shell {
                self.position = found + COMMENT_BEGIN.len();
                return Ok((text, Some(Token::Shell)));
            }
            if is_in_shell && rest.starts_with(COMMENT_END) {
                self.position = found + COMMENT_END.len();
                return Ok((text, Some(Token::Shell)));
            }
            if rest.starts_with(b"<esi:") || rest.starts_with(b"</esi:") {
                let (token, length) = tag(rest)?;
                self.position = found + length;
                return Ok((text, Some(token)));
            }
            position = found + 1;
        }
    }
}

fn include(tag: &Tag) -> Result<Include, ParseError> {
    let attribute = |name: &str| {
        let mut attributes = tag.attributes.iter();
        attributes.find_map(|(key, value)| (key == name).then(|| value.clone()))
    };
    let src = attribute("src").filter(|src| !src.is_empty());
    Ok(Include {
        src: src.ok_or(ParseError::NoSource)?,
        alt: attribute("alt").filter(|alt| !alt.is_empty()),
        may_fail: attribute("onerror").as_deref() == Some("continue"),
    })
}

/// Reads one tag, and tells how long it is.
fn tag(text: &[u8]) -> Result<(Token, usize), ParseError> {
    let window = &text[..text.len().min(MAX_TAG)];
    let wrong = || {
        let shown = String::from_utf8_lossy(&window[..window.len().min(40)]);
        ParseError::Tag(shown.into_owned())
    };
    let end = tag_end(window).ok_or_else(wrong)?;
    let inner = std::str::from_utf8(&window[..end]).map_err(|_| wrong())?;
    if let Some(name) = inner.strip_prefix("</esi:") {
        return Ok((Token::End(name.trim().to_owned()), end + 1));
    }
    let inner = inner.strip_prefix("<esi:").ok_or_else(wrong)?;
    let (inner, is_empty) = match inner.strip_suffix('/') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let name_end = inner
        .find(|char: char| char.is_ascii_whitespace())
        .unwrap_or(inner.len());
    let (name, rest) = inner.split_at(name_end);
    let tag = Tag {
        name: name.to_owned(),
        attributes: attributes(rest).ok_or_else(wrong)?,
        is_empty,
    };
    Ok((Token::Begin(tag), end + 1))
}

/// Where the `>` is that ends a tag: none within quotes.
fn tag_end(text: &[u8]) -> Option<usize> {
    let mut quote = None;
    text.iter().position(|&byte| match (quote, byte) {
        (None, b'>') => true,
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (Some(open), _) if open == byte => {
            quote = None;
            false
        }
        _ => false,
    })
}

/// `name="value"` pairs, with either kind of quote.
fn attributes(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    loop {
        text = text.trim_ascii_start();
        if text.is_empty() {
            return Some(attributes);
        }
        let (name, rest) = text.split_once('=')?;
        let rest = rest.trim_ascii_start();
        let quote = rest
            .chars()
            .next()
            .filter(|char| matches!(char, '"' | '\''))?;
        let (value, rest) = rest[1..].split_once(quote)?;
        attributes.push((name.trim().to_ascii_lowercase(), unescaped(value)));
        text = rest;
    }
}

/// The character references of XML.
fn unescaped(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    pairs.iter().fold(value.to_owned(), |value, (from, to)| {
        value.replace(from, to)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Node {
        Node::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn put(src: &str) -> Node {
        Node::Include(Include {
            src: src.into(),
            alt: None,
            may_fail: false,
        })
    }

    fn read(page: &str) -> Result<Vec<Node>, ParseError> {
        parse(&Bytes::copy_from_slice(page.as_bytes()))
    }

    #[test]
    fn markup_is_taken_out_of_text() {
        let both = Node::Include(Include {
            src: "/a?b&c".into(),
            alt: Some("/d".into()),
            may_fail: true,
        });
        for (page, expected) in [
            ("", vec![]),
            ("<p>a-->b</p>", vec![text("<p>a-->b</p>")]),
            (
                "a<esi:include src=\"/b\"/>c",
                vec![text("a"), put("/b"), text("c")],
            ),
            (
                "<esi:include src='/a?b&amp;c' alt=\"/d\" onerror='continue' />",
                vec![both],
            ),
            ("<esi:include src=\"/b\"></esi:include>", vec![put("/b")]),
            (
                "a<esi:remove><p>old</p></esi:remove>b",
                vec![text("a"), text("b")],
            ),
            (
                "a<esi:comment text=\"x > y\"/>b",
                vec![text("a"), text("b")],
            ),
            (
                "a<!--esi b<esi:include src=\"/c\"/>-->d<!-- e -->",
                vec![text("a"), text(" b"), put("/c"), text("d<!-- e -->")],
            ),
            (
                "<esi:try> <esi:attempt>a<esi:include src=\"/b\"/></esi:attempt>\n<esi:except>c</esi:except></esi:try>",
                vec![Node::Try {
                    attempt: vec![text("a"), put("/b")],
                    except: vec![text("c")],
                }],
            ),
        ] {
            assert_eq!(read(page), Ok(expected), "{page}");
        }
    }

    #[test]
    fn broken_markup_is_an_error() {
        for (page, expected) in [
            ("<esi:include/>", "has no `src`"),
            ("<esi:include src=\"\"/>", "has no `src`"),
            ("<esi:include src=/a/>", "can't be read"),
            ("<esi:include src=\"/a\"", "can't be read"),
            ("<esi:include src=\"/a\">", "has no end"),
            ("<esi:remove>a", "has no end"),
            ("</esi:remove>", "did not begin"),
            ("<esi:choose></esi:choose>", "is not known"),
            ("<esi:try><esi:attempt/></esi:try>", "needs one `attempt`"),
            (
                "<esi:try>a<esi:attempt/><esi:except/></esi:try>",
                "needs one `attempt`",
            ),
            ("<esi:attempt>a</esi:attempt>", "needs one `attempt`"),
            ("<esi:try><esi:attempt>a</esi:try>", "did not begin"),
        ] {
            let error = read(page).unwrap_err().to_string();
            assert!(error.contains(expected), "{page}: {error}");
        }
        let deep = "<esi:try><esi:except/><esi:attempt>".repeat(30);
        assert_eq!(read(&deep), Err(ParseError::Nested));
    }

    proptest! {
        #[test]
        fn any_page_is_read_or_refused(page in "(<|/|>|esi:|!--esi|-->|include|try|attempt|except|remove| src=|\"|'|a|-){0,40}") {
            drop(read(&page));
        }

        #[test]
        fn text_without_markup_stays_as_it_is(page in "[^<]{0,64}") {
            let nodes = read(&page).unwrap();
            let whole: String = nodes.iter().map(|node| match node {
                Node::Text(text) => std::str::from_utf8(text).unwrap(),
                _ => "",
            }).collect();
            prop_assert_eq!(whole, page);
        }
    }
}
