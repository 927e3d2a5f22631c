//! Policies: for which URLs, until when and for whom.

use std::net::IpAddr;

use serde::Deserialize;

use super::super::Refusal;
use crate::ranges::Ranges;

/// A policy's only statement.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Policy {
    /// A URL with wildcards; without one it is good for all that the key is good for.
    resource: Option<String>,
    condition: Condition,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    statement: Vec<Policy>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Condition {
    date_less_than: Time,
    date_greater_than: Option<Time>,
    ip_address: Option<Source>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Time {
    #[serde(rename = "AWS:EpochTime")]
    seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    #[serde(rename = "AWS:SourceIp")]
    net: String,
}

/// The policy that nobody sends: for one URL until one time, byte by byte as it is signed.
pub(super) fn canned(url: &str, until: u64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{until}}}}}}}]}}"#
    )
}

impl Policy {
    /// Reads what was signed. What is not known of it could forbid something, so there must be none.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(json).ok()?;
        let mut statements = document.statement.into_iter();
        let policy = statements.next()?;
        statements.next().is_none().then_some(policy)
    }

    /// Whether it allows one of these URLs to this client now.
    pub(super) fn allows(&self, urls: &[String], ip: IpAddr, now: u64) -> Result<(), Refusal> {
        let Condition {
            date_less_than,
            date_greater_than,
            ip_address,
        } = &self.condition;
        if now >= date_less_than.seconds {
            return Err(Refusal::Expired);
        }
        let has_begun = date_greater_than
            .as_ref()
            .is_none_or(|from| now > from.seconds);
        let is_for_him = ip_address.as_ref().is_none_or(|source| source.covers(ip));
        let is_for_this = self
            .resource
            .as_ref()
            .is_none_or(|pattern| urls.iter().any(|url| matches(pattern, url)));
        match has_begun && is_for_him && is_for_this {
            true => Ok(()),
            false => Err(Refusal::Elsewhere),
        }
    }
}

impl Source {
    fn covers(&self, ip: IpAddr) -> bool {
        let net = match self.net.parse::<IpAddr>() {
            Ok(ip) => Ok(ip.into()),
            Err(_) => self.net.parse::<ipnet::IpNet>(),
        };
        net.is_ok_and(|net| [net].into_iter().collect::<Ranges>().contains(ip))
    }
}

/// Whether a pattern matches the whole text: `*` any characters, `?` exactly one. It goes back to the last `*` alone, so
/// that its time is bounded by the product of both lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[from] => {
                at += 1;
                from += 1;
            }
            _ => match &mut star {
                Some((before, taken)) => {
                    *taken += 1;
                    (at, from) = (*before + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_matches_by_its_wildcards() {
        for (pattern, url, expected) in [
            ("https://a.b/c", "https://a.b/c", true),
            ("https://a.b/c", "https://a.b/c?d", false),
            ("https://a.b/c", "http://a.b/c", false),
            ("http*://a.b/c", "https://a.b/c", true),
            ("https://a.b/*", "https://a.b/", true),
            ("https://a.b/*", "https://a.b/c/d?e=f", true),
            ("https://a.b/*", "https://a.bc/d", false),
            ("https://a.b/*.jpg", "https://a.b/c.jpg", true),
            ("https://a.b/*.jpg", "https://a.b/c.jpg?d", false),
            ("https://a.b/*.jpg*", "https://a.b/c.jpg?d", true),
            ("https://a.b/?.jpg", "https://a.b/c.jpg", true),
            ("https://a.b/?.jpg", "https://a.b/cc.jpg", false),
            ("https://a.b/?.jpg", "https://a.b/.jpg", false),
            ("*", "https://a.b/", true),
            ("**", "", true),
            ("", "https://a.b/", false),
            ("*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaac", false),
            ("*a*a*b", "xaxayb", true),
        ] {
            assert_eq!(matches(pattern, url), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn a_policy_with_anything_unknown_is_none() {
        let right = canned("https://a.b/c", 1);
        assert!(Policy::read(right.as_bytes()).is_some());
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"Statement":[]}"#,
            r#"{"Statement":[{"Resource":"*"}]}"#,
            r#"{"Statement":[{"Resource":"*","Condition":{}}]}"#,
            r#"{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":"1"}}}]}"#,
            r#"{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":-1}}}]}"#,
            r#"{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1},"StringEquals":{}}}]}"#,
            r#"{"Statement":[{"Resource":["*"],"Condition":{"DateLessThan":{"AWS:EpochTime":1}}}]}"#,
            r#"{"Statement":[{"Effect":"Deny","Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1}}}]}"#,
            &right.replace(
                "}]}",
                "},{\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":1}}}]}",
            ),
        ] {
            assert!(Policy::read(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
