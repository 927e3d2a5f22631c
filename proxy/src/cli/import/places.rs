//! Origins of CloudFront as origins of a configuration.

use std::collections::BTreeMap;

use super::cloudformation::Template;
use super::notes::Notes;
use super::plan::{FilterKind, OriginKind, Plan};
use super::yaml::Node;

/// An origin, and the filters that do what CloudFront's origin did itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) kind: OriginKind,
    /// What comes before the path, for servers.
    pub(super) path: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
}

impl Place {
    /// `https://app.example.com/path` or `s3://bucket.s3.amazonaws.com/path`.
    pub(super) fn of_url(url: &str, region: &str) -> Result<Self, String> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| format!("`{url}` is not a URL"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        let kind = match scheme {
            "s3" => bucket(authority, path, region, false)
                .ok_or_else(|| format!("`{authority}` is not the address of a bucket"))?,
            "http" | "https" => server(scheme == "https", authority, None, None),
            _ => return Err(format!("`{scheme}://` is no scheme of an origin")),
        };
        let is_server = matches!(kind, OriginKind::Server { .. });
        Ok(Self {
            id: authority.to_owned(),
            kind,
            path: (is_server && !path.is_empty()).then(|| path.to_owned()),
            headers: BTreeMap::new(),
        })
    }

    /// An origin as CloudFormation has it.
    pub(super) fn of_node(
        node: &Node,
        template: &Template<'_>,
        notes: &mut Notes,
    ) -> Result<Self, String> {
        let domain = node.get("DomainName").ok_or("it has no `DomainName`")?;
        let domain = template.text(domain)?;
        let domain = domain
            .split_once("://")
            .map_or(&*domain, |(_, domain)| domain);
        let path = match node.get("OriginPath") {
            Some(path) => template.text(path)?,
            None => String::new(),
        };
        let path = path.trim_end_matches('/').to_owned();
        let id = node.get("Id").and_then(|id| template.text(id).ok());
        let is_bucket =
            node.entry("S3OriginConfig").is_some() || node.get("CustomOriginConfig").is_none();
        let is_private = is_private(node);
        let kind = match bucket(domain, &path, template.region, is_private).filter(|_| is_bucket) {
            Some(bucket) => bucket,
            None => custom(node, domain, notes),
        };
        if is_private && matches!(kind, OriginKind::Bucket { .. }) {
            notes.tell(
                node.line,
                format!("the bucket `{domain}` lets CloudFront's identity in, not everybody: give the edge keys by `credentials` of `s3`"),
            );
        }
        tell_of_the_rest(node, notes);
        let is_server = matches!(kind, OriginKind::Server { .. });
        Ok(Self {
            id: id.unwrap_or_else(|| domain.to_owned()),
            kind,
            path: (is_server && !path.is_empty()).then_some(path),
            headers: headers(node, template, notes),
        })
    }

    /// The origin's name, with its filters.
    pub(super) fn plan(&self, is_host_forwarded: bool, plan: &mut Plan) -> (String, Vec<String>) {
        let mut kind = self.kind.clone();
        if let OriginKind::Server { host, .. } = &mut kind
            && is_host_forwarded
        {
            *host = None;
        }
        let name = plan.origin(&self.id, kind);
        let mut filters = Vec::new();
        if let Some(path) = &self.path {
            filters.push(plan.filter(&format!("{name}-path"), FilterKind::Behind(path.clone())));
        }
        if !self.headers.is_empty() {
            let kind = FilterKind::Headers(self.headers.clone());
            filters.push(plan.filter(&format!("{name}-headers"), kind));
        }
        (name, filters)
    }
}

fn server(tls: bool, authority: &str, connect: Option<u64>, first_byte: Option<u64>) -> OriginKind {
    let scheme = if tls { "https" } else { "http" };
    OriginKind::Server {
        url: format!("{scheme}://{authority}"),
        host: Some(authority.to_owned()),
        connect,
        first_byte,
    }
}

fn custom(node: &Node, domain: &str, notes: &mut Notes) -> OriginKind {
    let config = node.get("CustomOriginConfig");
    let member = |key| config.and_then(|config| config.get(key));
    let policy = member("OriginProtocolPolicy").and_then(Node::text);
    let tls = policy != Some("http-only");
    if policy == Some("match-viewer") {
        notes.tell(
            node.line,
            format!("`{domain}` is asked by the client's protocol: here it is always `https`"),
        );
    }
    let (key, usual) = if tls {
        ("HTTPSPort", 443)
    } else {
        ("HTTPPort", 80)
    };
    let port = member(key).and_then(Node::number).unwrap_or(usual);
    let authority = match port == usual {
        true => domain.to_owned(),
        false => format!("{domain}:{port}"),
    };
    let seconds = |node: Option<&Node>| node.and_then(Node::number);
    server(
        tls,
        &authority,
        seconds(node.get("ConnectionTimeout")),
        seconds(member("OriginReadTimeout")),
    )
}

/// `bucket.s3.amazonaws.com`, `bucket.s3.eu-west-1.amazonaws.com` and `bucket.s3-eu-west-1.amazonaws.com`.
fn bucket(domain: &str, path: &str, region: &str, is_private: bool) -> Option<OriginKind> {
    let own = domain.strip_suffix(".amazonaws.com")?;
    let (bucket, own_region) = match own.strip_suffix(".s3") {
        Some(bucket) => (bucket, None),
        None => {
            let at = own.rfind(".s3.").or_else(|| own.rfind(".s3-"))?;
            (&own[..at], Some(&own[at + 4..]))
        }
    };
    let is_website = own_region.is_some_and(|region| region.starts_with("website"));
    let is_name = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        });
    (is_name && !is_website).then(|| OriginKind::Bucket {
        bucket: bucket.to_owned(),
        region: own_region.unwrap_or(region).to_owned(),
        prefix: Some(path.trim_matches('/').to_owned()).filter(|prefix| !prefix.is_empty()),
        is_private,
    })
}

fn is_private(node: &Node) -> bool {
    let identity = node.at(&["S3OriginConfig", "OriginAccessIdentity"]);
    let is_given = |node: &Node| node.text() != Some("");
    identity.is_some_and(is_given) || node.get("OriginAccessControlId").is_some_and(is_given)
}

fn headers(node: &Node, template: &Template<'_>, notes: &mut Notes) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for header in node.get("OriginCustomHeaders").map_or(&[][..], Node::list) {
        let name = header.get("HeaderName").and_then(Node::text);
        let value = header.get("HeaderValue").map(|value| template.text(value));
        match (name, value) {
            (Some(name), Some(Ok(value))) => {
                headers.insert(name.to_ascii_lowercase(), value);
            }
            (name, value) => {
                let why = value.and_then(Result::err).unwrap_or_default();
                let name = name.unwrap_or("?");
                notes.tell(
                    header.line,
                    format!("the origin's header `{name}` is left out: {why}"),
                );
            }
        }
    }
    headers
}

fn tell_of_the_rest(node: &Node, notes: &mut Notes) {
    for (key, what) in [
        (
            "OriginShield",
            "`OriginShield` is left out: `[shield.NAME]` names edges of yours that are asked first",
        ),
        (
            "VpcOriginConfig",
            "`VpcOriginConfig` is left out: the edge has to reach the server by itself",
        ),
    ] {
        if let Some(entry) = node.entry(key).filter(|entry| !entry.value.is_null()) {
            notes.tell(entry.line, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_servers_and_buckets() {
        let of = |url: &str| Place::of_url(url, "us-east-1").map(|place| (place.kind, place.path));
        assert_eq!(
            of("https://app.example.com/v1/"),
            Ok((
                server(true, "app.example.com", None, None),
                Some("/v1".to_owned())
            ))
        );
        assert_eq!(
            of("http://a:8080"),
            Ok((server(false, "a:8080", None, None), None))
        );
        for (url, bucket, region, prefix) in [
            (
                "s3://pics.s3.amazonaws.com/files",
                "pics",
                "us-east-1",
                Some("files"),
            ),
            (
                "s3://my.pics.s3.eu-west-1.amazonaws.com",
                "my.pics",
                "eu-west-1",
                None,
            ),
            (
                "s3://pics.s3-eu-west-1.amazonaws.com/",
                "pics",
                "eu-west-1",
                None,
            ),
        ] {
            let expected = OriginKind::Bucket {
                bucket: bucket.to_owned(),
                region: region.to_owned(),
                prefix: prefix.map(str::to_owned),
                is_private: false,
            };
            assert_eq!(of(url), Ok((expected, None)), "{url}");
        }
        for url in [
            "app.example.com",
            "ftp://a",
            "s3://bucket",
            "s3://UP.s3.amazonaws.com",
        ] {
            assert!(of(url).is_err(), "{url}");
        }
    }
}
