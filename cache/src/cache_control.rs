//! What a response's cache directives say: `Cache-Control` (RFC 9111 §5.2) and its targeted kin (RFC 9213).
//!
//! Both syntaxes end in one [`Directives`]. Where a sender contradicts itself, the more careful reading wins: the
//! shorter lifetime, the longer list of fields. A lifetime that is no number is zero, never "none given".

use http::header::{CACHE_CONTROL, HeaderName};
use pingora_http::ResponseHeader;
use sfv::{BareItem, ListEntry};

/// Seconds beyond which a lifetime is simply "very long" (RFC 9111 §1.2.2).
pub const VERY_LONG: u64 = 1 << 31;

/// The directives of one field, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    /// Anybody may store the response.
    pub public: bool,
    /// Nobody may store it.
    pub no_store: bool,
    /// It is stored only by caches that understand its status; then `no-store` does not count.
    pub must_understand: bool,
    /// Never serve it stale.
    pub must_revalidate: bool,
    /// Never serve it stale from a shared cache.
    pub proxy_revalidate: bool,
    /// The body must not be changed on its way.
    pub no_transform: bool,
    /// It does not change while fresh (RFC 8246).
    pub immutable: bool,
    /// Not for shared caches, wholly or some of its fields.
    pub private: Fields,
    /// Not without asking the origin first, wholly or some of its fields.
    pub no_cache: Fields,
    /// Lifetime in seconds.
    pub max_age: Option<u64>,
    /// Lifetime in seconds for shared caches.
    pub s_maxage: Option<u64>,
    /// Seconds that it may be served stale while it is revalidated (RFC 5861 §3).
    pub stale_while_revalidate: Option<u64>,
    /// Seconds that it may be served stale when the origin fails (RFC 5861 §4).
    pub stale_if_error: Option<u64>,
}

/// What a directive with optional field names covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Fields {
    /// The directive is not there.
    #[default]
    Nothing,
    /// Only these fields.
    Some(Vec<HeaderName>),
    /// The whole response.
    All,
}

impl Directives {
    /// What `Cache-Control` says, all its lines together.
    pub fn of(response: &ResponseHeader) -> Self {
        let mut directives = Self::default();
        for value in response.headers.get_all(CACHE_CONTROL) {
            each_directive(
                &String::from_utf8_lossy(value.as_bytes()),
                |name, argument| {
                    directives.add(name, argument);
                },
            );
        }
        directives
    }

    /// What the most specific of the targeted fields says that is there, valid and not empty (RFC 9213 §2.2).
    pub fn targeted(response: &ResponseHeader, targets: &[HeaderName]) -> Option<Self> {
        targets.iter().find_map(|target| {
            let lines = response
                .headers
                .get_all(target)
                .iter()
                .map(|line| line.as_bytes());
            Self::structured(&lines.collect::<Vec<_>>().join(&b", "[..]))
        })
    }

    /// A targeted field's directives; `None` when it is empty or no valid dictionary.
    fn structured(field: &[u8]) -> Option<Self> {
        let members = sfv::Parser::parse_dictionary(field).ok()?;
        let mut directives = Self::default();
        for (name, member) in &members {
            // An inner list is no type that a directive has, and so is ignored (RFC 9213 §2.1).
            let ListEntry::Item(item) = member else {
                continue;
            };
            match &item.bare_item {
                BareItem::Boolean(true) => directives.add_flag(name, None),
                BareItem::Integer(seconds) => {
                    directives.add_seconds(name, u64::try_from(*seconds).unwrap_or(0))
                }
                BareItem::String(fields) => directives.add_flag(name, Some(fields)),
                _ => {}
            }
        }
        // `content` tells what to do with a page (Edge Architecture Specification 1.0), and nothing of storing it.
        let tells = members.keys().any(|name| name.as_str() != "content");
        tells.then_some(directives)
    }

    fn add(&mut self, name: &str, argument: Option<&str>) {
        let name = name.to_ascii_lowercase();
        self.add_flag(&name, argument);
        self.add_seconds(&name, argument.map_or(0, seconds));
    }

    fn add_flag(&mut self, name: &str, argument: Option<&str>) {
        match name {
            "private" => self.private.add(argument),
            "no-cache" => self.no_cache.add(argument),
            "public" => self.public = true,
            "no-store" => self.no_store = true,
            "must-understand" => self.must_understand = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "no-transform" => self.no_transform = true,
            "immutable" => self.immutable = true,
            _ => {}
        }
    }

    fn add_seconds(&mut self, name: &str, seconds: u64) {
        let lifetime = match name {
            "max-age" => &mut self.max_age,
            "s-maxage" => &mut self.s_maxage,
            "stale-while-revalidate" => &mut self.stale_while_revalidate,
            "stale-if-error" => &mut self.stale_if_error,
            _ => return,
        };
        let seconds = seconds.min(VERY_LONG);
        *lifetime = Some(lifetime.map_or(seconds, |earlier| earlier.min(seconds)));
    }
}

impl Fields {
    fn add(&mut self, argument: Option<&str>) {
        let Some(argument) = argument else {
            *self = Self::All;
            return;
        };
        let names = argument
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let names: Option<Vec<_>> = names
            .map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .collect();
        match (names, &mut *self) {
            (_, Self::All) => {}
            (Some(names), Self::Some(known)) => known.extend(names),
            (Some(names), Self::Nothing) => *self = Self::Some(names),
            (None, _) => *self = Self::All,
        }
    }

    /// The fields named, if it is only some.
    pub fn names(&self) -> &[HeaderName] {
        match self {
            Self::Some(names) => names,
            Self::Nothing | Self::All => &[],
        }
    }
}

/// A lifetime's seconds: anything but digits is none at all, more than fits is very long (RFC 9111 §4.2.1).
pub(crate) fn seconds(argument: &str) -> u64 {
    if argument.is_empty() || !argument.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    argument.parse().unwrap_or(VERY_LONG)
}

/// Goes through the members of a comma-separated list of `name[=argument]`, an argument being a token or a quoted string.
pub(crate) fn each_directive(list: &str, mut found: impl FnMut(&str, Option<&str>)) {
    for member in split_outside_quotes(list) {
        let (name, argument) = match member.split_once('=') {
            Some((name, argument)) => (name, Some(unquote(argument))),
            None => (member, None),
        };
        // Space before the sign makes it no directive at all (RFC 9110 §5.6.6 allows none).
        if !name.is_empty() && !name.contains([' ', '\t']) {
            found(name, argument.as_deref());
        }
    }
}

fn split_outside_quotes(list: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
    .map(|member| member.trim_matches([' ', '\t']))
}

fn unquote(argument: &str) -> String {
    match argument.strip_prefix('"') {
        Some(inner) => inner.strip_suffix('"').unwrap_or(inner).replace('\\', ""),
        None => argument.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Directives {
        let mut response = ResponseHeader::build(200, None).unwrap();
        for line in lines {
            response.append_header(CACHE_CONTROL, *line).unwrap();
        }
        Directives::of(&response)
    }

    #[test]
    fn lifetimes() {
        for (line, expected) in [
            ("max-age=60", Some(60)),
            ("MaX-aGe=60", Some(60)),
            ("max-age=\"60\"", Some(60)),
            ("a=b, max-age=60, c", Some(60)),
            ("a=\"b, max-age=60\"", None),
            ("max-age=60, max-age=0", Some(0)),
            ("max-age=99999999999999999999", Some(VERY_LONG)),
            ("max-age=2147483649", Some(VERY_LONG)),
            ("max-age=-1", Some(0)),
            ("max-age=1.5", Some(0)),
            ("max-age=a60", Some(0)),
            ("max-age=60a", Some(0)),
            ("max-age='60'", Some(0)),
            ("max-age", Some(0)),
            ("max-age= 60", Some(0)),
            ("max-age =60", None),
            ("", None),
            (",, ,", None),
        ] {
            assert_eq!(of(&[line]).max_age, expected, "{line}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let directives = of(&[
            "max-age=60",
            "private=\"set-cookie, x-a\"",
            "no-cache=\"x-b",
        ]);
        assert_eq!(directives.max_age, Some(60));
        assert_eq!(directives.private.names(), ["set-cookie", "x-a"]);
        assert_eq!(directives.no_cache.names(), ["x-b"]);
        assert_eq!(of(&["private=\"x-a\", private"]).private, Fields::All);
        assert_eq!(of(&["private=\"not a name\""]).private, Fields::All);
    }

    /// RFC 9213 §2.1 and §2.2.
    #[test]
    fn targeted_fields_are_structured_or_nothing() {
        let targeted = |value: &str| {
            let mut response = ResponseHeader::build(200, None).unwrap();
            response.append_header("cdn-cache-control", value).unwrap();
            Directives::targeted(&response, &[HeaderName::from_static("cdn-cache-control")])
        };
        assert_eq!(targeted("max-age=60").unwrap().max_age, Some(60));
        assert_eq!(targeted("max-age=\"60\", private").unwrap().max_age, None);
        assert_eq!(targeted("max-age=60.5").unwrap().max_age, None);
        assert_eq!(
            targeted("max-age=60, unknown=(1 2)").unwrap().max_age,
            Some(60)
        );
        assert_eq!(
            targeted("private=\"x-a\"").unwrap().private.names(),
            ["x-a"]
        );
        assert!(!targeted("no-store=?0").unwrap().no_store);
        assert_eq!(targeted("max-age=60 &"), None);
        assert_eq!(targeted("Max-Age=60"), None);
        assert_eq!(targeted(""), None);
        assert_eq!(targeted("content=\"ESI/1.0\""), None);
        let both = targeted("content=\"ESI/1.0\", max-age=60");
        assert_eq!(both.unwrap().max_age, Some(60));
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(lines in proptest::collection::vec("[ -~]*", 0..4)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            of(&lines);
            for line in lines {
                Directives::structured(line.as_bytes());
            }
        }
    }
}
