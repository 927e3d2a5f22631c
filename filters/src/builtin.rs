//! The compiled-in filters. One more is one more file in `builtin/` and its two lines here.

mod ab;
mod api_key;
mod basic_auth;
mod body_replace;
mod cookies;
mod cors;
mod device;
mod error_pages;
mod esi;
mod forward_auth;
mod geo;
mod geo_headers;
mod headers;
mod html;
mod image;
mod ip_access;
mod jwt;
mod language;
mod maintenance;
mod migrate;
mod mirror;
mod mtls;
mod oidc;
mod query;
mod rate_limit;
mod redirect;
mod redirects;
mod request_limits;
mod respond;
mod rewrite;
mod security_headers;
mod signed_url;
mod waiting_room;

pub(crate) use geo_headers::ClientFact;
pub use request_limits::MaxBody;
pub use signed_url::{Signed, Terms, UrlSigner};

use crate::filter::FilterKind;

/// Every compiled-in filter, by name.
pub const KINDS: &[FilterKind] = &[
    FilterKind::of::<ab::Ab>(),
    FilterKind::of::<api_key::ApiKey>(),
    FilterKind::of::<basic_auth::BasicAuth>(),
    FilterKind::of::<body_replace::BodyReplace>(),
    FilterKind::of::<cookies::Cookies>(),
    FilterKind::of::<cors::Cors>(),
    FilterKind::of::<device::Device>(),
    FilterKind::of::<error_pages::ErrorPages>(),
    FilterKind::of::<esi::Esi>(),
    FilterKind::of::<forward_auth::ForwardAuth>(),
    FilterKind::of::<geo::Geo>(),
    FilterKind::of::<geo_headers::GeoHeaders>(),
    FilterKind::of::<headers::Headers>(),
    FilterKind::of::<html::Html>(),
    FilterKind::of::<image::Image>(),
    FilterKind::of::<ip_access::IpAccess>(),
    FilterKind::of::<jwt::Jwt>(),
    FilterKind::of::<language::Language>(),
    FilterKind::of::<maintenance::Maintenance>(),
    FilterKind::of::<migrate::Migrate>(),
    FilterKind::of::<mirror::Mirror>(),
    FilterKind::of::<mtls::Mtls>(),
    FilterKind::of::<oidc::Oidc>(),
    FilterKind::of::<query::Query>(),
    FilterKind::of::<rate_limit::RateLimit>(),
    FilterKind::of::<redirect::Redirect>(),
    FilterKind::of::<redirects::Redirects>(),
    FilterKind::of::<request_limits::RequestLimits>(),
    FilterKind::of::<respond::Respond>(),
    FilterKind::of::<rewrite::Rewrite>(),
    FilterKind::of::<security_headers::SecurityHeaders>(),
    FilterKind::of::<signed_url::SignedUrl>(),
    FilterKind::of::<waiting_room::WaitingRoom>(),
];

/// The filters that are code in WebAssembly. A configuration names them by their file in place of `use`.
pub const GUESTS: &[FilterKind] = &[
    FilterKind::of::<crate::wasm::lambda_edge::LambdaEdge>(),
    FilterKind::of::<crate::wasm::Guest>(),
];

/// Every kind of filter.
pub fn all() -> impl Iterator<Item = &'static FilterKind> {
    KINDS.iter().chain(GUESTS)
}

/// The filter that a configuration means by `use = "name"`.
pub fn find(name: &str) -> Option<&'static FilterKind> {
    all().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use pingora_http::ResponseHeader;
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::Exchange;
    use crate::filter::{Body, Builder, Filter, Flow, Phase};
    use crate::testing::exchange;

    /// The files that examples name, each with a content that works.
    const FILES: &[(&str, &str)] = &[
        (
            "users.htpasswd",
            "ann:$2y$04$eWVCVF3Fqt6Ti6QfkcnnQOUgjYBApAVjnmpuWQUmVlqpGxQkcVnkm\n",
        ),
        (
            "cloudfront.pem",
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtt1FITtL869xrFoZeJCB\n4Hdum9pKvsIlFznfLg1mDBste+FMGLq8HL1Hwia5r/wFn566dg49E/tbIElEA9Dl\nHfUNfzZj4k2sTC0IebJlonPKeEb1XSuzxFBtvtV0fURznL2az8VwlKhMerftq++S\nQP8wJmORcaKx6/7/J9AiHLG6HtwEJk2KnTJPnsViWfZgcMrU9XTCScmuUHT9JV/b\nr+CJO34OPr8wdLQvennjqh/iNfjts+BpvvoLXg2q2MPsENGx74DJX6D3/0EEsBKp\nOMH1WtyYxloOx0IoWeT3agDz09Bv7FWqRCuPT+bpTTlH8Jkl2C04qv014mW/hA7t\n/wIDAQAB\n-----END PUBLIC KEY-----\n",
        ),
        ("links.keys", "k1 0123456789abcdef0123456789abcdef\n"),
        ("api.keys", "shop 0123456789abcdef0123456789abcdef\n"),
        ("404.html", "<h1>{status}</h1>"),
        ("cookies.secret", "0123456789abcdef0123456789abcdef\n"),
        ("client.secret", "hunter2\n"),
        ("blocklist.txt", "198.51.100.0/24 # documentation\n"),
        ("down.html", "<h1>Back soon</h1>"),
    ];

    #[test]
    fn every_example_builds() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in FILES {
            fs::write(folder.path().join(name), content).unwrap();
        }
        for kind in KINDS {
            let mut settings: toml::Table = kind
                .example
                .parse()
                .unwrap_or_else(|e| panic!("{}: {e}", kind.name));
            assert_eq!(
                settings.remove("use"),
                Some(kind.name.into()),
                "the example's `use`"
            );
            let built = (kind.build)(&settings, &Builder::new(folder.path(), kind.name));
            built.unwrap_or_else(|errors| panic!("{}: {errors:?}", kind.name));
        }
    }

    #[test]
    fn every_file_is_in_the_list() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/builtin");
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            files,
            KINDS.iter().map(|kind| kind.name.to_owned()).collect()
        );
    }

    #[test]
    fn the_list_is_ordered_and_refuses_unknown_settings() {
        assert!(KINDS.is_sorted_by_key(|kind| kind.name));
        let settings: toml::Table = "no-such-setting = 1".parse().unwrap();
        for kind in KINDS {
            let errors = (kind.build)(&settings, &Builder::new(Path::new("."), kind.name))
                .err()
                .unwrap();
            assert!(
                errors.iter().any(|error| error.key == "no-such-setting"),
                "{}: {errors:?}",
                kind.name
            );
        }
    }

    /// Fields that some filter reads.
    const FIELDS: [&str; 16] = [
        "authorization",
        "cookie",
        "accept",
        "accept-language",
        "accept-encoding",
        "user-agent",
        "origin",
        "referer",
        "content-type",
        "content-length",
        "x-api-key",
        "x-forwarded-for",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "if-none-match",
        "x-ab",
    ];

    type Fields = Vec<(usize, Vec<u8>)>;

    /// An exchange of this request; `None` when it would not have come so far.
    fn asked(method: usize, target: &str, fields: &Fields) -> Option<Exchange> {
        let methods = ["GET", "HEAD", "POST", "OPTIONS", "PURGE"];
        let mut exchange = exchange(methods[method % methods.len()], "/", &[]);
        let uri = target.parse::<http::Uri>().ok()?;
        rimward_config::normalise_path(uri.path()).ok()?;
        exchange.request.set_uri(uri);
        for (name, value) in fields {
            let value = http::HeaderValue::from_bytes(value).ok()?;
            let name = FIELDS[name % FIELDS.len()];
            exchange.request.append_header(name, value).ok()?;
        }
        Some(exchange)
    }

    /// Takes an exchange through all phases of a filter.
    async fn goes_through(
        filter: &dyn Filter,
        exchange: &mut Exchange,
        head: ResponseHeader,
        body: &[u8],
    ) {
        let flow = filter.request(exchange);
        if matches!(flow, Ok(Flow::Later)) {
            drop(filter.request_later(exchange).await);
        }
        let mut request = exchange.request.clone();
        drop(filter.origin_request(exchange, &mut request));
        for phase in [Phase::OriginResponse, Phase::Response] {
            let mut head = head.clone();
            let told = match phase {
                Phase::OriginResponse => filter.origin_response(exchange, &mut head),
                _ => filter.response(exchange, &mut head),
            };
            match told {
                Ok(Body::Rewritten(mut rewriter)) => {
                    for piece in body.chunks(7) {
                        drop(rewriter.chunk(bytes::Bytes::copy_from_slice(piece)));
                    }
                    drop(rewriter.end());
                }
                Ok(Body::Watched(mut watcher)) => {
                    watcher.chunk(&bytes::Bytes::copy_from_slice(body));
                    watcher.end();
                }
                _ => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_filter_panics_whatever_comes(
            method in 0_usize..5,
            target in "/[ -~]{0,24}(\\?[ -~]{0,40})?",
            fields in proptest::collection::vec((0_usize..16, proptest::collection::vec(any::<u8>(), 0..40)), 0..6),
            kind in 0_usize..4,
            status in 200_u16..600,
            body in "(<[a-z/ ='\"]{0,12}>?|[ -~]{0,12}|é|\n){0,12}",
        ) {
            let folder = tempfile::tempdir().unwrap();
            for (name, content) in FILES {
                fs::write(folder.path().join(name), content).unwrap();
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            let _inside = runtime.enter();
            for row in KINDS {
                let Some(mut exchange) = asked(method, &target, &fields) else {
                    continue;
                };
                let mut settings: toml::Table = row.example.parse().unwrap();
                settings.remove("use");
                let filter = (row.build)(&settings, &Builder::new(folder.path(), row.name)).unwrap_or_else(|errors| panic!("{}: {errors:?}", row.name));
                let mut head = ResponseHeader::build(status, None).unwrap();
                let kinds = ["text/html; charset=utf-8", "application/json", "text/html", "x"];
                head.insert_header("content-type", kinds[kind]).unwrap();
                runtime.block_on(goes_through(&*filter, &mut exchange, head, body.as_bytes()));
            }
        }
    }
}
