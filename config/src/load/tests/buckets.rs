//! What a bucket as an origin means.

use super::meaning;
use crate::config::*;

fn bucket(s3: &str) -> (Servers, S3) {
    let config = meaning(&format!("[origin.a]\ns3 = {{ {s3} }}\n"));
    let OriginKind::Servers(servers) = config.origins[0].kind.clone() else {
        panic!("not servers")
    };
    let s3 = servers.s3.clone().unwrap();
    (*servers, s3)
}

#[test]
fn a_bucket_and_its_region_are_enough() {
    let (servers, s3) = bucket("bucket = \"my-assets\", region = \"eu-central-1\"");
    let host = "my-assets.s3.eu-central-1.amazonaws.com";
    assert_eq!(servers.host.as_deref(), Some(host));
    assert_eq!(
        servers.servers,
        [Server {
            address: ServerAddress::Name(host.into(), 443),
            tls: true,
            weight: 1
        }]
    );
    assert_eq!(
        s3,
        S3 {
            bucket: "my-assets".into(),
            region: "eu-central-1".into(),
            path_style: false,
            prefix: String::new(),
            index: None,
            credentials: Credentials::Env,
            query: Vec::new(),
            writable: false,
            denied: 403,
        }
    );
}

#[test]
fn the_bucket_stands_where_it_is_found() {
    for (s3, host, tls, path_style) in [
        (
            "region = \"cn-north-1\"",
            "my-assets.s3.cn-north-1.amazonaws.com.cn",
            true,
            false,
        ),
        (
            "region = \"eu-west-1\", path_style = true",
            "s3.eu-west-1.amazonaws.com",
            true,
            true,
        ),
        (
            "endpoint = \"http://10.0.0.9:9000\"",
            "10.0.0.9:9000",
            false,
            true,
        ),
        (
            "endpoint = \"https://minio.internal/\"",
            "minio.internal",
            true,
            true,
        ),
        (
            "endpoint = \"https://r2.example:8443\", path_style = false",
            "my-assets.r2.example:8443",
            true,
            false,
        ),
    ] {
        let (servers, s3) = bucket(&format!("bucket = \"my-assets\", {s3}"));
        assert_eq!(servers.host.as_deref(), Some(host));
        assert_eq!(
            (servers.servers[0].tls, s3.path_style),
            (tls, path_style),
            "{host}"
        );
    }
    let (servers, s3) = bucket("bucket = \"assets.example.com\", region = \"eu-west-1\"");
    assert_eq!(
        (servers.host.as_deref(), s3.path_style),
        (Some("s3.eu-west-1.amazonaws.com"), true),
        "no certificate covers a name with a dot"
    );
}

#[test]
fn each_key_of_a_bucket_is_read() {
    let (_, s3) = bucket(
        "bucket = \"my-assets\", endpoint = \"http://minio:9000\", prefix = \"/site/ü v2/\", index = \"index.html\", \
        credentials = { file = \"keys\", profile = \"edge\" }, query = [\"versionId\"], writable = true, denied = 404",
    );
    let credentials = Credentials::File {
        path: "keys".into(),
        profile: "edge".into(),
    };
    assert_eq!(
        (s3.region.as_str(), s3.prefix.as_str()),
        ("us-east-1", "site/ü v2/")
    );
    assert_eq!(
        (s3.index.as_deref(), s3.credentials),
        (Some("index.html"), credentials)
    );
    assert_eq!(
        (s3.query, s3.writable, s3.denied),
        (vec!["versionId".to_owned()], true, 404)
    );
    let (_, s3) = bucket("bucket = \"my-assets\", region = \"auto\", credentials = \"anonymous\"");
    assert_eq!(s3.credentials, Credentials::Anonymous);
}
