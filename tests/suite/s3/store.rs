//! A real S3 server over files, which checks signatures, and a book of what it was asked for.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use rimward_tests::Files;
use s3s::auth::SimpleAuth;
use s3s::host::SingleDomain;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The keys that a store takes.
pub(super) const ID: &str = "AKIAEXAMPLE";
pub(super) const SECRET: &str = "a/secret+key=";

/// A store on a port of its own until it is dropped.
pub(super) struct Store {
    address: SocketAddr,
    files: Files,
    book: Arc<Book>,
    serving: JoinHandle<()>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

#[derive(Default)]
struct Book {
    asked: Mutex<Vec<Asked>>,
    /// What is answered before anything else.
    errors: Mutex<VecDeque<(u16, &'static str)>>,
}

impl Store {
    /// A store with a bucket `assets`, whose requests are to be signed.
    pub(super) async fn start() -> Self {
        Self::with(true).await
    }

    /// The same for everybody.
    pub(super) async fn public() -> Self {
        Self::with(false).await
    }

    async fn with(keys: bool) -> Self {
        let files = Files::new();
        std::fs::create_dir(files.path("assets")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let objects = s3s_fs::FileSystem::new(files.folder()).unwrap();
        let mut service = S3ServiceBuilder::new(objects);
        if keys {
            service.set_auth(SimpleAuth::from_single(ID, SECRET));
        }
        service.set_host(Hosts(
            SingleDomain::new(&format!("localhost:{}", address.port())).unwrap(),
        ));
        let book = Arc::new(Book::default());
        let serving = tokio::spawn(accept(listener, service.build(), book.clone()));
        Self {
            address,
            files,
            book,
            serving,
        }
    }

    /// Where it is.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Puts an object into its bucket.
    pub(super) fn put(&self, key: &str, content: &str) {
        self.files.write(&format!("assets/{key}"), content);
    }

    /// Whether an object is in its bucket.
    pub(super) fn has(&self, key: &str) -> bool {
        self.files.path(&format!("assets/{key}")).exists()
    }

    /// Answers the next request with an error.
    pub(super) fn fails(&self, status: u16, code: &'static str) {
        self.book.errors.lock().unwrap().push_back((status, code));
    }

    /// What it was asked for, in order.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.book.asked.lock().unwrap().clone()
    }

    /// The last of that.
    pub(super) fn last(&self) -> Asked {
        self.asked().pop().expect("the store was not asked at all")
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Buckets stand before `localhost`, and in the path where the host is an address.
struct Hosts(SingleDomain);

impl s3s::host::S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> s3s::S3Result<s3s::host::VirtualHost<'a>> {
        match host.parse::<SocketAddr>() {
            Ok(_) => Ok(s3s::host::VirtualHost::new(host)),
            Err(_) => self.0.parse_host_header(host),
        }
    }
}

async fn accept(listener: TcpListener, service: S3Service, book: Arc<Book>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, service.clone(), book.clone()));
    }
}

async fn serve(stream: TcpStream, service: S3Service, book: Arc<Book>) {
    let answer = service_fn(move |request| answer(service.clone(), book.clone(), request));
    // A client that goes away is no news.
    drop(
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await,
    );
}

async fn answer(
    service: S3Service,
    book: Arc<Book>,
    request: http::Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let asked = Asked {
        method: request.method().clone(),
        target: request.uri().to_string(),
        headers: request.headers().clone(),
    };
    book.asked.lock().unwrap().push(asked.clone());
    if let Some((status, code)) = book.errors.lock().unwrap().pop_front() {
        return Ok(error(status, code));
    }
    let response = Service::call(&service, request).await?;
    Ok(conditional(&asked, response))
}

fn error(status: u16, code: &str) -> Response<Body> {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><BucketName>assets</BucketName></Error>"
    );
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/xml");
    response
        .header("x-amz-bucket-region", "eu-west-1")
        .body(Body::from(body))
        .unwrap()
}

/// The store over files knows no conditions, which S3 does.
fn conditional(asked: &Asked, mut response: Response<Body>) -> Response<Body> {
    let condition = asked.headers.get(header::IF_NONE_MATCH);
    if response.status() == StatusCode::OK
        && condition.is_some()
        && condition == response.headers().get(header::ETAG)
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::empty();
    }
    response
}
