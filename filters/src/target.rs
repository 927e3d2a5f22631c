//! Request targets that filters make: what comes out is normalised, or refused.

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rimward_config::{BadPath, normalise_path};

use crate::exchange::Exchange;
use crate::filter::FilterError;

/// What a path holds as it is; a percent sign begins an escape, and a backslash is refused later.
const NOT_IN_PATH: &AsciiSet = &PLAIN
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'%')
    .remove(b'\\');
/// All but unreserved characters (RFC 3986 §2.3).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why a path can't be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("`?` and `#` end a path; a query is set by `query`")]
    End,
    #[error("`.` and `..` can't be segments of it")]
    Dots,
    #[error("{0}")]
    Bad(#[from] BadPath),
}

/// A path in the form that requests have: what can't stand in a path is percent-encoded, and no dot segment is resolved,
/// since whoever wrote one meant something else.
pub(crate) fn normal_path(text: &str) -> Result<String, PathError> {
    if text.contains(['?', '#']) {
        return Err(PathError::End);
    }
    let encoded = utf8_percent_encode(text, NOT_IN_PATH).to_string();
    let has_dots = encoded.split('/').any(|segment| {
        matches!(
            segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
    });
    if has_dots {
        return Err(PathError::Dots);
    }
    Ok(normalise_path(&encoded)?.into_owned())
}

/// Puts what a query can't hold behind `out` percent-encoded, the rest as it is.
pub(crate) fn push_query(text: &str, out: &mut String) {
    out.extend(utf8_percent_encode(text, crate::template::NOT_IN_URI));
}

/// Gives the request a new target in origin form.
pub(crate) fn set(exchange: &mut Exchange, path: &str, query: &str) -> Result<(), FilterError> {
    let wrong =
        |error| FilterError::new(format!("the new target is not a request target: {error}"));
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    if target.len() > MAX_TARGET {
        return Err(FilterError::new(format!(
            "the new target is longer than {MAX_TARGET} bytes"
        )));
    }
    exchange
        .request
        .set_uri(Uri::try_from(target).map_err(wrong)?);
    Ok(())
}

/// Keeps the query parameters whose name stays, as they were sent.
pub(crate) fn retain_query(
    exchange: &mut Exchange,
    stays: impl Fn(&str) -> bool,
) -> Result<(), FilterError> {
    let stays = |pair: &&str| stays(pair.split_once('=').map_or(*pair, |(name, _)| name));
    let Some(query) = exchange.query() else {
        return Ok(());
    };
    if query.split('&').all(|pair| stays(&pair)) {
        return Ok(());
    }
    let kept: Vec<&str> = query.split('&').filter(stays).collect();
    let (path, query) = (exchange.path().to_owned(), kept.join("&"));
    set(exchange, &path, &query)
}

/// `http::Uri` takes no more than 65534 bytes.
const MAX_TARGET: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_normal_or_refused() {
        for (text, expected) in [
            ("/", Ok("/")),
            ("/a b/ä", Ok("/a%20b/%C3%A4")),
            ("/%7euser/%2f/%c3%a4", Ok("/~user/%2F/%C3%A4")),
            ("/a;b=c,d:@!$&'()*+", Ok("/a;b=c,d:@!$&'()*+")),
            ("/...", Ok("/...")),
            ("/a//b", Ok("/a//b")),
            ("a", Err(PathError::Bad(BadPath::NotAbsolute))),
            ("", Err(PathError::Bad(BadPath::NotAbsolute))),
            ("/a/../b", Err(PathError::Dots)),
            ("/a/%2e%2E", Err(PathError::Dots)),
            ("/.", Err(PathError::Dots)),
            ("/a?b", Err(PathError::End)),
            ("/a#b", Err(PathError::End)),
            ("/a\\b", Err(PathError::Bad(BadPath::Backslash))),
            ("/a%00", Err(PathError::Bad(BadPath::Control))),
            ("/a\0", Err(PathError::Bad(BadPath::Control))),
            ("/a\n", Err(PathError::Bad(BadPath::Control))),
            ("/..;/a", Err(PathError::Bad(BadPath::HiddenDots))),
            ("/100%", Err(PathError::Bad(BadPath::Escape))),
            ("/%+1", Err(PathError::Bad(BadPath::Escape))),
            ("/%zz", Err(PathError::Bad(BadPath::Escape))),
        ] {
            assert_eq!(normal_path(text), expected.map(str::to_owned), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_normal_path_stays_as_it_is(text in "/.*") {
            if let Ok(path) = normal_path(&text) {
                prop_assert_eq!(normal_path(&path), Ok(path));
            }
        }
    }
}
