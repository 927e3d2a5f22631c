use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const PAGE: &str = "0123456789";

/// Two folders: `root`, which is served, and what lies beside it.
fn site() -> TempDir {
    let site = tempfile::tempdir().unwrap();
    std::fs::write(site.path().join("secret"), "secret").unwrap();
    let root = site.path().join("root");
    std::fs::create_dir_all(root.join("sub/inner")).unwrap();
    std::fs::create_dir_all(root.join(".well-known")).unwrap();
    for (name, text) in [
        ("index.html", "<p>home"),
        ("page.txt", PAGE),
        ("sub/index.html", "<p>sub"),
        ("a b.txt", "space"),
        ("per%cent.txt", "percent"),
        ("empty.txt", ""),
        (".hidden", "hidden"),
        (".well-known/security.txt", "contact"),
    ] {
        write(&root.join(name), text.as_bytes());
    }
    symlink("page.txt", root.join("link.txt")).unwrap();
    symlink("../secret", root.join("out")).unwrap();
    symlink("/etc/passwd", root.join("absolute")).unwrap();
    symlink("..", root.join("up")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    site
}

/// A file that was last changed long ago, so that its tag is strong.
fn write(path: &std::path::Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
}

const MODIFIED: &str = "Sun, 09 Sep 2001 01:46:40 GMT";

fn files(site: &TempDir) -> Arc<Files> {
    let directory = Directory {
        root: site.path().join("root"),
        index: "index.html".into(),
        cache_control: Some("max-age=60".into()),
    };
    Arc::new(Files::open(&directory).unwrap())
}

struct Reply {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        let find = |line: &'_ str| -> Option<usize> {
            line.to_ascii_lowercase()
                .starts_with(&format!("{name}: "))
                .then_some(name.len() + 2)
        };
        self.headers
            .lines()
            .find_map(|line| find(line).map(|at| &line[at..]))
            .unwrap_or("")
    }
}

/// Sends raw bytes over the pipe and reads all that comes back.
async fn send(files: &Arc<Files>, request: &str) -> Reply {
    let mut pipe = files.connect();
    pipe.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    pipe.read_to_end(&mut reply).await.unwrap();
    let end = reply
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let headers = String::from_utf8(reply[..end].to_vec()).unwrap();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Reply {
        status,
        headers,
        body: reply[end + 4..].to_vec(),
    }
}

async fn ask(files: &Arc<Files>, method: &str, path: &str, fields: &str) -> Reply {
    send(
        files,
        &format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n"),
    )
    .await
}

async fn get(files: &Arc<Files>, path: &str, fields: &str) -> Reply {
    ask(files, "GET", path, fields).await
}

#[tokio::test]
async fn files_are_served_with_all_that_a_cache_needs() {
    let site = site();
    let reply = get(&files(&site), "/page.txt?v=1", "").await;
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (200, PAGE.as_bytes())
    );
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("content-length"), "10");
    assert_eq!(reply.header("last-modified"), MODIFIED);
    assert_eq!(reply.header("accept-ranges"), "bytes");
    assert_eq!(reply.header("cache-control"), "max-age=60");
    assert!(reply.header("etag").starts_with('"'), "{}", reply.headers);
}

#[tokio::test]
async fn names_are_found() {
    let site = site();
    let files = files(&site);
    for (path, body) in [
        ("/", "<p>home"),
        ("/index.html", "<p>home"),
        ("/sub/", "<p>sub"),
        ("/a%20b.txt", "space"),
        ("/per%25cent.txt", "percent"),
        ("/link.txt", PAGE),
        ("/empty.txt", ""),
        ("/%70age.txt", PAGE),
        ("/.well-known/security.txt", "contact"),
    ] {
        let reply = get(&files, path, "").await;
        assert_eq!(
            (reply.status, String::from_utf8_lossy(&reply.body).as_ref()),
            (200, body),
            "{path}"
        );
    }
}

#[tokio::test]
async fn nothing_else_is_found() {
    let site = site();
    let files = files(&site);
    for path in [
        "/nothing",
        "/sub/inner/",
        "/page.txt/",
        "/page.txt/more",
        "/../secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/%2E./secret",
        "/..%2fsecret",
        "/sub/..%2f..%2fsecret",
        "/..%5csecret",
        "/%252e%252e/secret",
        "/sub/../page.txt",
        "/./page.txt",
        "//page.txt",
        "/sub//index.html",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/out",
        "/absolute",
        "/up/secret",
        "/page.txt%00",
        "/page.txt%00.html",
        "/.hidden",
        "/%2ehidden",
        "/.well-known",
        "/sub/.well-known/x",
        "/fifo",
        "/%ff%fe",
        "*",
    ] {
        let reply = get(&files, path, "").await;
        assert!(
            matches!(reply.status, 400 | 404),
            "{path}: {}",
            reply.headers
        );
        assert!(
            !String::from_utf8_lossy(&reply.body).contains("secret"),
            "{path}"
        );
    }
    let long = format!("/{}", "x".repeat(5000));
    assert_eq!(get(&files, &long, "").await.status, 404);
}

#[tokio::test]
async fn a_folder_is_asked_for_with_a_slash() {
    let site = site();
    let files = files(&site);
    for (path, location) in [
        ("/sub", "/sub/"),
        ("/sub?a=b", "/sub/?a=b"),
        ("/sub/inner", "/sub/inner/"),
    ] {
        let reply = get(&files, path, "").await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (308, location),
            "{path}"
        );
    }
}

#[tokio::test]
async fn head_tells_the_length_and_sends_nothing() {
    let site = site();
    let files = files(&site);
    let reply = ask(&files, "HEAD", "/page.txt", "Range: bytes=0-1\r\n").await;
    assert_eq!(
        (
            reply.status,
            reply.header("content-length"),
            reply.body.len()
        ),
        (200, "10", 0)
    );
    let reply = ask(&files, "HEAD", "/nothing", "").await;
    assert_eq!((reply.status, reply.body.len()), (404, 0));
}

#[tokio::test]
async fn only_get_and_head_are_known() {
    let site = site();
    let files = files(&site);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let reply = ask(&files, method, "/page.txt", "Content-Length: 0\r\n").await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, "GET, HEAD"),
            "{method}"
        );
    }
}

#[tokio::test]
async fn conditions_are_answered() {
    let site = site();
    let files = files(&site);
    let etag = get(&files, "/page.txt", "").await.header("etag").to_owned();
    for (fields, expected) in [
        (format!("If-None-Match: {etag}\r\n"), 304),
        ("If-None-Match: \"other\"\r\n".into(), 200),
        (format!("If-Modified-Since: {MODIFIED}\r\n"), 304),
        ("If-Match: \"other\"\r\n".into(), 412),
    ] {
        let reply = get(&files, "/page.txt", &fields).await;
        assert_eq!(reply.status, expected, "{fields}");
        if expected == 304 {
            assert_eq!(
                (reply.header("etag"), reply.header("cache-control")),
                (etag.as_str(), "max-age=60")
            );
            assert!(reply.body.is_empty());
        }
    }
}

#[tokio::test]
async fn parts_are_given_out() {
    let site = site();
    let files = files(&site);
    let etag = get(&files, "/page.txt", "").await.header("etag").to_owned();
    for (fields, status, range, body) in [
        (
            "Range: bytes=2-4\r\n".to_owned(),
            206,
            "bytes 2-4/10",
            "234",
        ),
        ("Range: bytes=-3\r\n".into(), 206, "bytes 7-9/10", "789"),
        (
            format!("Range: bytes=2-\r\nIf-Range: {etag}\r\n"),
            206,
            "bytes 2-9/10",
            "23456789",
        ),
        (
            "Range: bytes=2-\r\nIf-Range: \"other\"\r\n".into(),
            200,
            "",
            PAGE,
        ),
        ("Range: bytes=0-1,4-5\r\n".into(), 200, "", PAGE),
        (
            "Range: bytes=10-\r\n".into(),
            416,
            "bytes */10",
            "416 Range Not Satisfiable\n",
        ),
    ] {
        let reply = get(&files, "/page.txt", &fields).await;
        assert_eq!(
            (reply.status, reply.header("content-range")),
            (status, range),
            "{fields}"
        );
        assert_eq!(
            String::from_utf8(reply.body.clone()).unwrap(),
            body,
            "{fields}"
        );
        assert_eq!(
            reply.header("content-length"),
            body.len().to_string(),
            "{fields}"
        );
    }
}

#[tokio::test]
async fn types_go_by_the_name() {
    let site = site();
    let root = site.path().join("root");
    let files = files(&site);
    for (name, expected) in [
        ("a.html", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.png", "image/png"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ] {
        write(&root.join(name), b"x");
        assert_eq!(
            get(&files, &format!("/{name}"), "")
                .await
                .header("content-type"),
            expected
        );
    }
}

#[tokio::test]
async fn large_files_come_whole_and_in_part() {
    let site = site();
    let bytes: Vec<u8> = (0..300_001_u32).map(|n| (n % 251) as u8).collect();
    write(&site.path().join("root/large.bin"), &bytes);
    let files = files(&site);
    assert!(get(&files, "/large.bin", "").await.body == bytes);
    let reply = get(&files, "/large.bin", "Range: bytes=100000-299999\r\n").await;
    assert_eq!(reply.status, 206);
    assert!(reply.body == bytes[100_000..300_000]);
}

#[tokio::test]
async fn a_file_that_shrinks_ends_the_connection_early() {
    let site = site();
    let path = site.path().join("root/large.bin");
    write(&path, &vec![b'x'; 1_000_000]);
    let files = files(&site);
    let mut pipe = files.connect();
    pipe.write_all(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut some = vec![0; 1000];
    pipe.read_exact(&mut some).await.unwrap();
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(200_000)
        .unwrap();
    let mut rest = Vec::new();
    pipe.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() < 999_000);
}

#[tokio::test]
async fn one_pipe_takes_several_requests() {
    let site = site();
    let request = "GET /page.txt HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /page.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let reply = send(&files(&site), &format!("{request}{last}")).await;
    assert_eq!(
        String::from_utf8_lossy(&reply.body).matches(PAGE).count(),
        2
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let site = site();
    for root in ["nowhere", "secret"] {
        let root = site.path().join(root);
        let directory = Directory {
            root,
            index: "index.html".into(),
            cache_control: None,
        };
        assert!(Files::open(&directory).is_err());
    }
}
