//! What is put in the place of a match.

use std::sync::Arc;

use regex::bytes::Regex;

use crate::exchange::Exchange;
use crate::template::{Part, Place, Template, Variable};

/// What is put in the place of a match, as it was written.
pub(super) enum Replacement {
    /// The same for every exchange.
    Fixed(Arc<[Ready]>),
    Rendered(Vec<Piece>),
}

/// A piece of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Ready(Ready),
    Variable(Variable),
}

/// A piece that the exchange is no longer needed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ready {
    Text(Box<[u8]>),
    /// What a group of the regex matched.
    Group(usize),
}

impl Replacement {
    /// Of a literal, where a dollar is one.
    pub(super) fn of_literal(template: &Template) -> Self {
        let piece = |part: &Part| match part {
            Part::Literal(text) => text_piece(text),
            Part::Variable(variable) => Piece::Variable(variable.clone()),
        };
        Self::of(template.parts().iter().map(piece).collect())
    }

    /// Of a regex, whose groups it may name.
    pub(super) fn of_regex(template: &Template, regex: &Regex) -> Result<Self, String> {
        let mut pieces = Vec::new();
        for part in template.parts() {
            match part {
                Part::Literal(text) => read_groups(text, regex, &mut pieces)?,
                Part::Variable(variable) => pieces.push(Piece::Variable(variable.clone())),
            }
        }
        Ok(Self::of(pieces))
    }

    fn of(pieces: Vec<Piece>) -> Self {
        let ready = |piece: &Piece| match piece {
            Piece::Ready(ready) => Some(ready.clone()),
            Piece::Variable(_) => None,
        };
        match pieces.iter().map(ready).collect::<Option<Vec<_>>>() {
            Some(ready) => Self::Fixed(ready.into()),
            None => Self::Rendered(pieces),
        }
    }

    /// Whether groups of the match are needed.
    pub(super) fn names_groups(&self) -> bool {
        let names_one = |ready: &Ready| matches!(ready, Ready::Group(_));
        match self {
            Self::Fixed(ready) => ready.iter().any(names_one),
            Self::Rendered(pieces) => pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Ready(ready) if names_one(ready))),
        }
    }

    /// The pieces for one exchange.
    pub(super) fn render(&self, exchange: &Exchange, place: Place) -> Arc<[Ready]> {
        let pieces = match self {
            Self::Fixed(ready) => return ready.clone(),
            Self::Rendered(pieces) => pieces,
        };
        let ready = |piece: &Piece| match piece {
            Piece::Ready(ready) => ready.clone(),
            Piece::Variable(variable) => {
                let mut text = String::new();
                if let Some(value) = variable.value(exchange) {
                    variable.write(&value, place, &mut text);
                }
                Ready::Text(text.into_bytes().into())
            }
        };
        pieces.iter().map(ready).collect()
    }
}

fn text_piece(text: &str) -> Piece {
    Piece::Ready(Ready::Text(text.as_bytes().into()))
}

/// `$1`, `$name`, `${name}` and `$$` within `text`.
fn read_groups(text: &str, regex: &Regex, pieces: &mut Vec<Piece>) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        if !before.is_empty() {
            pieces.push(text_piece(before));
        }
        if let Some(after) = after.strip_prefix('$') {
            pieces.push(text_piece("$"));
            rest = after;
            continue;
        }
        let (name, after) = group_name(after)?;
        let index = match name.parse() {
            Ok(index) => Some(index).filter(|index| *index < regex.captures_len()),
            Err(_) => regex.capture_names().position(|known| known == Some(name)),
        };
        let index = index.ok_or_else(|| format!("`{}` has no group `{name}`", regex.as_str()))?;
        pieces.push(Piece::Ready(Ready::Group(index)));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(text_piece(rest));
    }
    Ok(())
}

/// The name behind a dollar, and what comes after it.
fn group_name(text: &str) -> Result<(&str, &str), String> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, after) = braced.split_once('}').ok_or("`${` is never closed")?;
        return Ok((name, after));
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit());
    let is_in_name = |c: char| match is_number {
        true => c.is_ascii_digit(),
        false => c.is_ascii_alphanumeric() || c == '_',
    };
    let end = text.find(|c| !is_in_name(c)).unwrap_or(text.len());
    if end == 0 {
        return Err("`$` names no group: write `$1`, `$name`, or `$$` for a dollar".to_owned());
    }
    Ok(text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(template: &str) -> Result<String, String> {
        let regex = Regex::new("(a)(?<word>b)").unwrap();
        let replacement = Replacement::of_regex(&template.parse().unwrap(), &regex)?;
        let shown = |ready: &Ready| match ready {
            Ready::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Ready::Group(index) => format!("<{index}>"),
        };
        let exchange = crate::testing::exchange("GET", "/", &[]);
        let pieces = replacement.render(&exchange, Place::Text);
        Ok(pieces.iter().map(shown).collect())
    }

    #[test]
    fn groups_are_named_by_number_and_name() {
        for (template, expected) in [
            ("", Ok("")),
            ("x$1y$2z", Ok("x<1>y<2>z")),
            ("$0", Ok("<0>")),
            ("$word-$$1", Ok("<2>-$1")),
            ("${{word}}s ${{1}}0", Ok("<2>s <1>0")),
            ("$1{host}", Ok("<1>example.com")),
            ("$3", Err("has no group `3`")),
            ("$words", Err("has no group `words`")),
            ("a$", Err("`$` names no group")),
            ("$-", Err("`$` names no group")),
            ("${{1", Err("never closed")),
        ] {
            match (read(template), expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{template}"),
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{told}"),
                (read, _) => panic!("{template}: {read:?}"),
            }
        }
    }
}
