//! `[origin.NAME] s3`: a server like any other, and how it is asked.

use crate::config::{Credentials, S3, Server, ServerAddress};
use crate::document;
use crate::value::{Endpoint, KeysFrom, Short, is_label};

use super::Scope;

/// What an object may be asked for beside its name, by those who read it.
const PARAMETERS: [&str; 8] = [
    "versionId",
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// A bucket, with the server that has it and the `Host` that this server sees.
pub(super) struct Bucket {
    pub(super) server: Server,
    pub(super) host: String,
    pub(super) s3: S3,
}

/// `None` when too little is known of the bucket; what is missing was told.
pub(super) fn bucket(written: document::S3, scope: &mut Scope<'_>) -> Option<Bucket> {
    let name = name(written.bucket, scope);
    let region = region(written.region, written.endpoint.is_some(), scope);
    let s3 = S3 {
        bucket: name.clone().unwrap_or_default(),
        region: region.clone().unwrap_or_default(),
        path_style: written
            .path_style
            .unwrap_or_else(|| written.endpoint.is_some() || has_dot(name.as_deref())),
        prefix: prefix(written.prefix, scope),
        index: index(written.index, scope),
        credentials: credentials(written.credentials, &mut scope.key("credentials")),
        query: query(written.query.unwrap_or_default(), scope),
        writable: written.writable.unwrap_or(false),
        denied: denied(written.denied, scope),
    };
    let (name, region) = (name?, region?);
    let endpoint = written.endpoint.unwrap_or_else(|| amazon(&region));
    let (server, host) = place(endpoint, &name, s3.path_style, scope)?;
    Some(Bucket { server, host, s3 })
}

fn has_dot(bucket: Option<&str>) -> bool {
    bucket.is_some_and(|bucket| bucket.contains('.'))
}

fn name(written: Option<String>, scope: &mut Scope<'_>) -> Option<String> {
    let name = scope.required("bucket", written)?;
    let is_right = (3..=63).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        })
        && name.split('.').all(is_label);
    if !is_right {
        scope.tell(
            "bucket",
            format!(
                "`{name}` can't be the name of a bucket: 3 to 63 lower-case letters, digits, `-` and `.`"
            ),
        );
        return None;
    }
    Some(name)
}

fn region(written: Option<String>, has_endpoint: bool, scope: &mut Scope<'_>) -> Option<String> {
    let Some(region) = written else {
        if has_endpoint || scope.source.misses("region") || scope.source.misses("endpoint") {
            return Some("us-east-1".to_owned());
        }
        scope.tell_with_help(
            "",
            "the key `region` is missing",
            "write `region = \"eu-central-1\"`, or an `endpoint` if the bucket is not Amazon's",
        );
        return None;
    };
    if !is_label(&region) {
        scope.tell(
            "region",
            format!("`{region}` is not a region: write one such as `eu-central-1`"),
        );
        return None;
    }
    Some(region)
}

/// Amazon's own address for a region.
fn amazon(region: &str) -> Endpoint {
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    Endpoint(crate::value::ServerUrl {
        address: ServerAddress::Name(format!("s3.{region}.{domain}"), 443),
        tls: true,
    })
}

/// The server of a bucket, and the `Host` that names both.
fn place(
    mut endpoint: Endpoint,
    bucket: &str,
    path_style: bool,
    scope: &mut Scope<'_>,
) -> Option<(Server, String)> {
    if !path_style {
        match &mut endpoint.0.address {
            ServerAddress::Name(name, _) => *name = format!("{bucket}.{name}"),
            _ => {
                scope.tell(
                    "path_style",
                    format!(
                        "a bucket can't stand before the address `{}`: leave out `path_style`",
                        endpoint.authority()
                    ),
                );
                return None;
            }
        }
    }
    let host = endpoint.authority();
    let server = Server {
        address: endpoint.0.address,
        tls: endpoint.0.tls,
        weight: 1,
    };
    Some((server, host))
}

/// The folder that paths start from, with the slash behind it.
fn prefix(written: Option<String>, scope: &mut Scope<'_>) -> String {
    let Some(written) = written else {
        return String::new();
    };
    let folder = written.trim_start_matches('/');
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    let is_right = folder
        .split('/')
        .all(|part| !matches!(part, "" | "." | "..") && !part.contains(char::is_control));
    if !is_right || folder.len() > 512 {
        scope.tell(
            "prefix",
            format!("`{written}` is not a folder in a bucket: write one such as `site/v2`"),
        );
        return String::new();
    }
    format!("{folder}/")
}

fn index(written: Option<String>, scope: &mut Scope<'_>) -> Option<String> {
    let index = written?;
    if index.is_empty()
        || index.contains(['/', '\\'])
        || index.starts_with('.')
        || index.contains(char::is_control)
    {
        scope.tell(
            "index",
            format!("`{index}` is not the name of an object: write one such as `index.html`, without a folder"),
        );
        return None;
    }
    Some(index)
}

fn credentials(
    written: Option<Short<KeysFrom, document::KeysFile>>,
    scope: &mut Scope<'_>,
) -> Credentials {
    match written {
        None | Some(Short::Short(KeysFrom::Env)) => Credentials::Env,
        Some(Short::Short(KeysFrom::Anonymous)) => Credentials::Anonymous,
        Some(Short::Full(table)) => {
            let profile = table.profile.unwrap_or_else(|| "default".to_owned());
            if profile.trim() != profile || profile.is_empty() || profile.contains([']', '\n']) {
                scope.tell(
                    "profile",
                    format!(
                        "`{profile}` is not the name of a section: write one such as `default`"
                    ),
                );
            }
            match scope.required("file", table.file) {
                Some(file) => Credentials::File {
                    path: scope.path("file", &file),
                    profile,
                },
                None => Credentials::Anonymous,
            }
        }
    }
}

fn query(written: Vec<String>, scope: &mut Scope<'_>) -> Vec<String> {
    for (index, name) in written.iter().enumerate() {
        let key = format!("query[{index}]");
        if !PARAMETERS.contains(&name.as_str()) {
            let known = PARAMETERS.map(|name| format!("`{name}`"));
            let problem = scope.source.problem(
                &key,
                format!(
                    "`{name}` is not passed on to a bucket: only {} are",
                    known.join(", ")
                ),
            );
            scope.problems.push(problem);
        } else if written[..index].contains(name) {
            scope.tell(&key, "this parameter is given twice: leave one out");
        }
    }
    written
}

fn denied(written: Option<i64>, scope: &mut Scope<'_>) -> u16 {
    match written {
        None | Some(403) => 403,
        Some(404) => 404,
        Some(other) => {
            scope.tell(
                "denied",
                format!("`{other}` is not a status for what is denied: `403` or `404`"),
            );
            403
        }
    }
}
