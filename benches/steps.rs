//! Filters and what they run on.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use pingora_http::RequestHeader;
use rcgen::{CertificateParams, DnType, KeyPair};
use rimward::metrics::Metrics;
use rimward_config::OriginId;
use rimward_filters::{
    AskError, Bounds, Builder, Chosen, Client, ClientCertificate, Exchange, Filter, Found, OnError,
    Outside, Pipeline, Scheme, Step, Surroundings, builtin,
};
use rimward_kv::{Settings, Store, Write};

/// What each filter of [`pipeline`] does: a header of the request, two of the response.
const SETTINGS: &str = r#"
    request = { set = { "x-country" = "{country}" } }
    response = { set = { "x-served-by" = "fra1", "x-route" = "{route}" } }
"#;

/// The certificate of every client.
static CERTIFICATE: LazyLock<Arc<ClientCertificate>> = LazyLock::new(|| {
    let mut params = CertificateParams::new(vec!["ann.example.com".to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, "ann");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let chain = vec![certificate.der().to_vec()];
    Arc::new(ClientCertificate::read(chain).expect("a certificate"))
});

/// A request of 203.0.113.7 in Germany over TLS, as a browser sends it, with a certificate and more fields.
///
/// # Panics
/// Never, but for a fault of the bench.
pub fn exchange(method: &str, target: &str, fields: &[(&'static str, &'static str)]) -> Exchange {
    let mut request = RequestHeader::build(method, target.as_bytes(), None).expect("a request");
    let always = crate::objects::request();
    for (name, value) in &always.headers {
        request.append_header(name, value).expect("a field");
    }
    for (name, value) in fields {
        request.append_header(*name, *value).expect("a field");
    }
    let peer: std::net::SocketAddr = ([203, 0, 113, 7], 40_000).into();
    Exchange {
        request,
        client: Client {
            ip: peer.ip(),
            peer,
            scheme: Scheme::Https,
            country: Some(*b"DE"),
            certificate: Some(CERTIFICATE.clone()),
            tls: None,
            geoip: None,
        },
        site: "www.example.com".into(),
        route: "/".into(),
        params: Vec::new(),
        request_id: "0123456789abcdef0123456789abcdef".into(),
        notes: http::Extensions::new(),
        origin: None,
        chosen: Chosen::default(),
        found: Found::Unknown,
        request_watchers: Vec::new(),
        request_body: None,
        request_rewriters: Vec::new(),
        outcomes: Vec::new(),
        log: Vec::new(),
        filter_nanoseconds: 0,
    }
}

/// A store with a thousand redirects, of which one is for `/shoes`.
static LINKS: LazyLock<Arc<Store>> = LazyLock::new(|| {
    let store = Store::in_memory(&Settings::at("links")).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        for number in 0..999 {
            let key = format!("/page/{number}");
            let put = store.put(&key, "/new".into(), Write::default());
            put.await.expect("room");
        }
        let target = "https://shop.example.com/sale".into();
        let put = store.put("/shoes", target, Write::default());
        put.await.expect("room");
    });
    Arc::new(store)
});

/// Says yes to whatever it is asked.
struct Willing;

#[async_trait]
impl Outside for Willing {
    async fn ask(
        &self,
        _: OriginId,
        _: Request<Bytes>,
        _: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        Ok(Response::new(Bytes::new()))
    }

    async fn fetch(&self, _: Request<Bytes>, _: Bounds) -> Result<Response<Bytes>, AskError> {
        Ok(Response::new(Bytes::new()))
    }
}

/// A compiled-in filter with settings, whose files are in `folder`. Whoever it asks says yes.
///
/// # Panics
/// When the settings are wrong, which would be a fault of the bench.
pub fn filter(name: &str, settings: &str, folder: &Path) -> Arc<dyn Filter> {
    let kind = builtin::find(name).expect("a filter");
    let settings = settings.parse().expect("a table");
    let around = Surroundings {
        outside: Arc::new(Willing),
        stores: Some([("links".into(), LINKS.clone())].into()),
        ..Surroundings::default()
    };
    let built = (kind.build)(&settings, &Builder::new(folder, name).within(around));
    built.unwrap_or_else(|problems| panic!("{name}: {problems:?}"))
}

/// A pipeline of so many filters that change headers, with the meters that the edge has.
pub fn pipeline(length: usize) -> Pipeline {
    let metrics = Metrics::default();
    let step = |number| {
        let name: Arc<str> = format!("headers-{number}").into();
        Step {
            filter: filter("headers", SETTINGS, Path::new(".")),
            on_error: OnError::Status(500),
            meter: metrics.filter(&name),
            name,
        }
    };
    Pipeline::new((0..length).map(step).collect())
}
