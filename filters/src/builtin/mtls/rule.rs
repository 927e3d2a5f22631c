//! Whose certificate is allowed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use rimward_config::Cidr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::certificate::{AlternativeName, AttributeKind, ClientCertificate, DistinguishedName};

/// Certificates that are allowed. All that is given has to hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Rule {
    /// An alternative name: `dns:*.example.com`, where `*` is one label; `email:ann@example.com` or `email:*@example.com`;
    /// `uri:spiffe://example.org/shop/api`, or with a `*` behind a slash at the end for all below; `ip:192.0.2.0/24`.
    san: Option<San>,
    /// The subject's whole name, such as `"CN=ann,O=Example"`, with the most specific attribute first or last; or a table of
    /// attributes that it has, such as `{ O = "Example" }`.
    subject: Option<NamePattern>,
    /// The issuer's name, in the same forms: of the CA that signed the client's own certificate, not of the one above it.
    issuer: Option<NamePattern>,
    /// The SHA-256 digest of the certificate: 64 hexadecimal digits, with or without colons.
    fingerprint: Option<Fingerprint>,
}

impl Rule {
    /// Whether it would allow everybody.
    pub(super) fn is_empty(&self) -> bool {
        self.san.is_none()
            && self.subject.is_none()
            && self.issuer.is_none()
            && self.fingerprint.is_none()
    }

    pub(super) fn allows(&self, certificate: &ClientCertificate) -> bool {
        let is_named = |san: &San| certificate.names.iter().any(|name| san.matches(name));
        let Self {
            san,
            subject,
            issuer,
            fingerprint,
        } = self;
        san.as_ref().is_none_or(is_named)
            && subject
                .as_ref()
                .is_none_or(|pattern| pattern.matches(&certificate.subject))
            && issuer
                .as_ref()
                .is_none_or(|pattern| pattern.matches(&certificate.issuer))
            && fingerprint
                .as_ref()
                .is_none_or(|Fingerprint(bytes)| *bytes == certificate.fingerprint)
    }
}

/// A pattern of alternative names.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
enum San {
    /// In lower case.
    Dns(String),
    /// By what follows the first label, with its dot.
    DnsBelow(String),
    Email(String),
    /// By the host, with its `@`.
    EmailAt(String),
    Uri(String),
    UriBelow(String),
    Ip(Cidr),
}

impl San {
    fn matches(&self, name: &AlternativeName) -> bool {
        match (self, name) {
            (Self::Dns(host), AlternativeName::Dns(name)) => host.eq_ignore_ascii_case(name),
            (Self::DnsBelow(parent), AlternativeName::Dns(name)) => name
                .find('.')
                .is_some_and(|dot| dot > 0 && name[dot..].eq_ignore_ascii_case(parent)),
            (Self::Email(address), AlternativeName::Email(name)) => is_same_mailbox(address, name),
            (Self::EmailAt(host), AlternativeName::Email(name)) => name
                .rfind('@')
                .is_some_and(|at| at > 0 && name[at..].eq_ignore_ascii_case(host)),
            (Self::Uri(uri), AlternativeName::Uri(name)) => uri == name,
            (Self::UriBelow(parent), AlternativeName::Uri(name)) => {
                name.strip_prefix(parent.as_str()).is_some_and(is_below)
            }
            (Self::Ip(Cidr(network)), AlternativeName::Ip(address)) => network.contains(address),
            _ => false,
        }
    }
}

/// Whether a path does not lead up again.
fn is_below(path: &str) -> bool {
    !path.is_empty() && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The host of a mail address has no case.
fn is_same_mailbox(one: &str, two: &str) -> bool {
    match (one.rsplit_once('@'), two.rsplit_once('@')) {
        (Some((name, host)), Some((other, other_host))) => {
            name == other && host.eq_ignore_ascii_case(other_host)
        }
        _ => false,
    }
}

impl TryFrom<String> for San {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{text}` {why}"));
        let Some((kind, name)) = text.split_once(':') else {
            return wrong("has no kind before it: `dns:`, `email:`, `uri:` or `ip:`");
        };
        let rest = name.strip_prefix('*').unwrap_or(name);
        match kind {
            _ if name.is_empty() => wrong("has nothing behind its kind"),
            "ip" => name
                .parse()
                .map(Self::Ip)
                .map_err(|error: rimward_config::ValueError| error.to_string()),
            "dns" if rest.contains('*') || (rest != name && !rest.starts_with('.')) => {
                wrong("can only have `*` for its first label, as in `dns:*.example.com`")
            }
            "dns" if rest != name => Ok(Self::DnsBelow(rest.to_owned())),
            "dns" => Ok(Self::Dns(name.to_owned())),
            "email" if !name.contains('@') => wrong("is no mail address: `email:ann@example.com`"),
            "email" if rest.contains('*') || (rest != name && !rest.starts_with('@')) => {
                wrong("can only have `*` for all before the `@`, as in `email:*@example.com`")
            }
            "email" if rest != name => Ok(Self::EmailAt(rest.to_owned())),
            "email" => Ok(Self::Email(name.to_owned())),
            "uri" => match name.strip_suffix('*') {
                Some(parent) if parent.contains('*') || !is_below_host(parent) => wrong(
                    "can only have `*` at its end, behind a slash that is not before the host: `uri:spiffe://example.org/*`",
                ),
                Some(parent) => Ok(Self::UriBelow(parent.to_owned())),
                None => Ok(Self::Uri(name.to_owned())),
            },
            _ => wrong("is of no kind known here: `dns:`, `email:`, `uri:` or `ip:`"),
        }
    }
}

/// Whether what follows can no longer be a part of the host.
fn is_below_host(uri: &str) -> bool {
    let after_scheme = uri.split_once("://").map(|(_, rest)| rest);
    uri.ends_with('/')
        && after_scheme.is_none_or(|rest| rest.find('/').is_some_and(|at| at > 0))
        && !uri.ends_with("://")
}

impl JsonSchema for San {
    fn schema_name() -> Cow<'static, str> {
        "AlternativeName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "alternative name", "pattern": "^(dns|email|uri|ip):.+$" })
    }
}

/// A name as a whole, or attributes that it has.
#[derive(Debug)]
enum NamePattern {
    Whole(DistinguishedName),
    With(Vec<(AttributeKind, String)>),
}

impl NamePattern {
    fn matches(&self, name: &DistinguishedName) -> bool {
        match self {
            Self::Whole(whole) => name.is_like(whole),
            Self::With(attributes) => attributes.iter().all(|(kind, value)| name.has(kind, value)),
        }
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = NamePattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a name such as `\"CN=ann,O=Example\"`, or a table such as `{ O = \"Example\" }`",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<NamePattern, E> {
        text.parse().map(NamePattern::Whole).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NamePattern, A::Error> {
        let written: BTreeMap<String, String> =
            Deserialize::deserialize(MapAccessDeserializer::new(map))?;
        if written.is_empty() {
            return Err(A::Error::custom(
                "a table without attributes would be every name: give one, such as `{ O = \"Example\" }`",
            ));
        }
        let read = |(kind, value): (String, String)| Ok((kind.parse()?, value));
        let attributes: Result<_, String> = written.into_iter().map(read).collect();
        attributes.map(NamePattern::With).map_err(A::Error::custom)
    }
}

impl JsonSchema for NamePattern {
    fn schema_name() -> Cow<'static, str> {
        "DistinguishedName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "object"], "title": "name, or table of attributes" })
    }
}

/// A SHA-256 digest.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Fingerprint([u8; 32]);

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a SHA-256 digest: 64 hexadecimal digits");
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|&character| character != ':')
            .map(|character| u8::try_from(character.to_digit(16)?).ok())
            .collect();
        let bytes: Vec<u8> = digits
            .filter(|digits| digits.len() == 64)
            .ok_or_else(wrong)?
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

impl JsonSchema for Fingerprint {
    fn schema_name() -> Cow<'static, str> {
        "Fingerprint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "SHA-256 digest", "pattern": "^([0-9A-Fa-f]{2}:?){32}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &AlternativeName, matches: bool) {
        let san = San::try_from(pattern.to_owned()).unwrap();
        assert_eq!(san.matches(name), matches, "{pattern} and {name:?}");
    }

    #[test]
    fn alternative_names_match() {
        for (pattern, name, matches) in [
            ("dns:a.example.com", "A.Example.com", true),
            ("dns:a.example.com", "b.example.com", false),
            ("dns:*.example.com", "a.Example.COM", true),
            ("dns:*.example.com", "a.b.example.com", false),
            ("dns:*.example.com", "example.com", false),
            ("dns:*.example.com", ".example.com", false),
            ("dns:*.example.com", "a.example.com.evil", false),
            ("dns:a.example.com", "*.example.com", false),
            ("uri:a.example.com", "a.example.com", false),
        ] {
            check(pattern, &AlternativeName::Dns(name.into()), matches);
        }
        for (pattern, name, matches) in [
            ("email:ann@example.com", "ann@Example.com", true),
            ("email:ann@example.com", "Ann@example.com", false),
            ("email:*@example.com", "bob@example.com", true),
            ("email:*@example.com", "@example.com", false),
            ("email:*@example.com", "bob@a.example.com", false),
            ("email:*@example.com", "bob@example.com@evil", false),
        ] {
            check(pattern, &AlternativeName::Email(name.into()), matches);
        }
        for (pattern, name, matches) in [
            ("uri:spiffe://a/b", "spiffe://a/b", true),
            ("uri:spiffe://a/b", "spiffe://a/B", false),
            ("uri:spiffe://a/b", "spiffe://a/b/c", false),
            ("uri:spiffe://a/*", "spiffe://a/b/c", true),
            ("uri:spiffe://a/*", "spiffe://a/", false),
            ("uri:spiffe://a/b/*", "spiffe://a/b/../c", false),
            ("uri:spiffe://a/*", "spiffe://a.evil/b", false),
            ("uri:urn:example/*", "urn:example/a", true),
        ] {
            check(pattern, &AlternativeName::Uri(name.into()), matches);
        }
        for (pattern, name, matches) in [
            ("ip:192.0.2.7", "192.0.2.7", true),
            ("ip:192.0.2.0/24", "192.0.2.7", true),
            ("ip:2001:db8::/32", "2001:db8::1", true),
            ("ip:2001:db8::/32", "192.0.2.7", false),
        ] {
            check(
                pattern,
                &AlternativeName::Ip(name.parse().unwrap()),
                matches,
            );
        }
    }
}
