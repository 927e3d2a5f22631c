//! Redirects in place of originals: where they lead, and what they say of the picture.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, VARY};
use http::{Response, StatusCode};
use rimward_config::normalise_path;

use super::answer::REMEMBERED;
use super::freshness;
use super::sites::{Sites, Url};
use super::wanted::Source;
use crate::exchange::{Exchange, Storing};

/// What concerns a picture as well, beside freshness.
const CARRIED: [HeaderName; 3] = [
    VARY,
    HeaderName::from_static("surrogate-key"),
    HeaderName::from_static("cache-tag"),
];

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stray {
    /// It has no `Location` that could be one.
    #[error("the origin redirects to what is no `http` or `https` URL")]
    NoUrl,
    /// It leads to a site whose pictures may not be asked for.
    #[error("the origin redirects to `{0}`, whose pictures may not be asked for")]
    Elsewhere(String),
    /// It comes after so many others.
    #[error("the origin redirects more often than {0} times")]
    TooOften(u8),
}

impl Stray {
    /// The number that Cloudflare has for it.
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::NoUrl | Self::Elsewhere(_) => 9420,
            Self::TooOften(_) => 9421,
        }
    }
}

/// Whether a response says that what was asked for is elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

/// Where a redirect leads from a URL, where the site that is asked has `own` for its host.
pub(super) fn next(
    sites: &Sites,
    own: &str,
    from: &Url<'_>,
    head: &HeaderMap,
) -> Result<Source, Stray> {
    let mut locations = head.get_all(LOCATION).iter();
    let location = locations.next().filter(|_| locations.next().is_none());
    let location = location.and_then(|location| location.to_str().ok());
    let url = location.and_then(|location| from.join(location));
    let url = url.ok_or(Stray::NoUrl)?;
    let next = sites.find(own, &url);
    next.ok_or_else(|| Stray::Elsewhere(url.authority.to_owned()))
}

impl<'u> Url<'u> {
    /// An absolute URL.
    pub(super) fn parse(text: &'u str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = ["http", "https"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(scheme))?;
        Self::behind(scheme, rest)
    }

    /// What a reference means here (RFC 3986 §5.2).
    fn join(&self, reference: &'u str) -> Option<Self> {
        let reference = reference
            .split('#')
            .next()
            .filter(|text| !text.is_empty())?;
        if let Some(rest) = reference.strip_prefix("//") {
            return Self::behind(self.scheme, rest);
        }
        if has_scheme(reference) {
            return Self::parse(reference);
        }
        let path = self.target.split('?').next()?;
        let target = match reference.chars().next()? {
            '/' => reference.to_owned(),
            '?' => format!("{path}{reference}"),
            _ => format!("{}{reference}", path.get(..=path.rfind('/')?)?),
        };
        Some(Self {
            scheme: self.scheme,
            authority: self.authority,
            target: one_form(&target)?,
        })
    }

    /// What stands behind `http://`.
    fn behind(scheme: &'static str, rest: &'u str) -> Option<Self> {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let parsed = authority.parse::<http::uri::Authority>().ok()?;
        if parsed.host().is_empty() || authority.contains('@') {
            return None;
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Some(Self {
            scheme,
            authority,
            target: one_form(&format!("{slash}{target}"))?,
        })
    }
}

/// Whether a reference begins with a scheme: what comes before a colon, where that comes before any other mark.
fn has_scheme(reference: &str) -> bool {
    let mark = reference.find([':', '/', '?']);
    mark.is_some_and(|at| reference.get(at..=at) == Some(":"))
}

/// A path and its query in the one form that all targets have here, if all of it may stand there (RFC 3986 §3.3 and §3.4).
fn one_form(target: &str) -> Option<String> {
    let may_stand =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
    if !target.bytes().all(may_stand) {
        return None;
    }
    let Some((path, query)) = target.split_once('?') else {
        return normalise_path(target).ok().map(Into::into);
    };
    Some(format!("{}?{query}", normalise_path(path).ok()?))
}

/// The redirects that led to an original, as far as they concern what is made of it.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub(super) steps: u8,
    /// For how long they all hold, if one of them says so.
    at_most: Option<Duration>,
    carried: Vec<(HeaderName, HeaderValue)>,
    /// What was found, to purge by.
    labels: Vec<String>,
}

impl Trail {
    /// A redirect, and where it led.
    pub(super) fn step<B>(&mut self, redirect: &Response<B>, to: &Source) {
        let head = redirect.headers();
        let holds = holds(redirect.status(), head);
        self.at_most = self.at_most.into_iter().chain(holds).min();
        for name in CARRIED {
            let values = head.get_all(&name).iter().cloned();
            self.carried
                .extend(values.map(|value| (name.clone(), value)));
        }
        self.labels.push(to.label().to_owned());
        self.steps = self.steps.saturating_add(1);
    }

    /// Puts into a response what the redirects to it say.
    pub(super) fn end<B>(&mut self, response: &mut Response<B>) {
        let head = response.headers_mut();
        for (name, value) in self.carried.drain(..) {
            head.append(name, value);
        }
        if let Some(most) = self.at_most {
            freshness::bound(head, most);
        }
    }

    /// Has what is made be stored so that it is found by what it was made of, and for no longer than the redirects hold.
    pub(super) fn note(self, exchange: &mut Exchange) {
        if self.steps > 0 {
            let storing = exchange.notes.get_or_insert_default::<Storing>();
            storing.surrogate_keys.extend(self.labels);
            storing.at_most = self.at_most;
        }
    }
}

/// How long a redirect holds. One for good that says nothing holds as long as what it leads to, any other for a minute.
fn holds(status: StatusCode, head: &HeaderMap) -> Option<Duration> {
    let is_permanent = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT
    );
    freshness::left(head).or_else(|| (!is_permanent).then_some(REMEMBERED))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `location` leads from `https://example.com/photos/a.jpg?v=1`, or why nowhere.
    fn led(location: &str) -> String {
        let sites = Sites::new("/i/", &["https://images.example.org".to_owned()]).unwrap();
        let from = Url {
            scheme: "https",
            authority: "example.com",
            target: "/photos/a.jpg?v=1".to_owned(),
        };
        let mut head = HeaderMap::new();
        head.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        match next(&sites, "example.com", &from, &head) {
            Ok(source) => source.label().to_owned(),
            Err(stray) => format!("{} {stray}", stray.code()),
        }
    }

    #[test]
    fn redirects_are_followed_to_the_same_site_and_to_known_ones() {
        const NO_URL: &str = "9420 the origin redirects to what is no `http` or `https` URL";
        for (location, expected) in [
            ("/b.jpg", "/b.jpg"),
            ("b.jpg?w=1#top", "/photos/b.jpg?w=1"),
            ("../b.jpg", "/b.jpg"),
            ("../../../b.jpg", "/b.jpg"),
            ("?v=2", "/photos/a.jpg?v=2"),
            ("./a:b.jpg", "/photos/a:b.jpg"),
            ("//example.com/b.jpg", "/b.jpg"),
            ("https://example.com", "/"),
            ("HTTP://EXAMPLE.com:80/b.jpg", "/b.jpg"),
            ("https://example.com?b", "/?b"),
            ("/%62.jpg", "/b.jpg"),
            (
                "https://images.example.org/x/../b.jpg?c=/../",
                "https://images.example.org/b.jpg?c=/../",
            ),
            (
                "https://other.example/b.jpg",
                "9420 the origin redirects to `other.example`, whose pictures may not be asked for",
            ),
            (
                "http://127.0.0.1:6379/",
                "9420 the origin redirects to `127.0.0.1:6379`, whose pictures may not be asked for",
            ),
            (
                "//images.example.org.evil.example/",
                "9420 the origin redirects to `images.example.org.evil.example`, whose pictures may not be asked for",
            ),
            ("https://images.example.org@127.0.0.1/", NO_URL),
            ("https://me:secret@example.com/", NO_URL),
            ("https:///b.jpg", NO_URL),
            ("https:b.jpg", NO_URL),
            ("javascript:alert(1)", NO_URL),
            ("file:///etc/passwd", NO_URL),
            ("a:b.jpg", NO_URL),
            ("/a b.jpg", NO_URL),
            ("/a\\b.jpg", NO_URL),
            ("/\\other.example/", NO_URL),
            ("/%zz", NO_URL),
            ("/a?<b>", NO_URL),
            ("#top", NO_URL),
            ("", NO_URL),
        ] {
            assert_eq!(led(location), expected, "{location}");
        }
    }

    #[test]
    fn a_redirect_holds_for_as_long_as_it_says() {
        for (status, said, expected) in [
            (301, "max-age=5", Some(5)),
            (301, "public", None),
            (308, "", None),
            (302, "max-age=500", Some(500)),
            (302, "no-store", Some(0)),
            (302, "", Some(60)),
            (303, "", Some(60)),
            (307, "", Some(60)),
        ] {
            let mut head = HeaderMap::new();
            head.insert("cache-control", HeaderValue::from_static(said));
            let holds = holds(StatusCode::from_u16(status).unwrap(), &head);
            assert_eq!(holds, expected.map(Duration::from_secs), "{status} {said}");
        }
    }
}
