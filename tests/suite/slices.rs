//! Ranges of large objects: what they cost the origin, and what the client gets.

mod ranges;
mod sharing;
mod versions;

use rimward_tests::expect::From;
use rimward_tests::{Edge, File, Gate, Origin, Received, Response, within};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// A site whose slices are as small as may be.
const SMALL: &str = "cache = { slice = \"64KiB\" }";

/// The ranges that the origin was asked for; `-` for the whole.
fn asked(origin: &Origin) -> Vec<String> {
    let range = |request: Received| request.header("range").unwrap_or("-").to_owned();
    origin.requests().into_iter().map(range).collect()
}

fn slice(number: u64, size: u64) -> String {
    format!("bytes={}-{}", number * size, (number + 1) * size - 1)
}

async fn range(edge: &Edge, range: &str) -> Response {
    edge.request(&format!("GET /a\nrange: bytes={range}")).await
}

/// What comes out of the cache once all that is needed is stored: a client may have its bytes before the slice is whole.
async fn hit(edge: &Edge, asked_for: &str) -> Response {
    let stored = async {
        loop {
            let response = range(edge, asked_for).await;
            if From::of(response.cache_status()) == From::Hit {
                return response;
            }
        }
    };
    within("a hit", stored).await
}

#[track_caller]
fn assert_part(response: &Response, file: &File, part: std::ops::Range<u64>, total: u64) {
    let content_range = format!("bytes {}-{}/{total}", part.start, part.end - 1);
    assert_eq!(
        (response.status, response.header("content-range")),
        (206, Some(content_range.as_str())),
        "{response:?}"
    );
    let length = (part.end - part.start).to_string();
    assert_eq!(response.header("content-length"), Some(length.as_str()));
    assert!(
        response.body == file.bytes(part),
        "other bytes: {response:?}"
    );
}

async fn edge_with(words: &str, file: &File) -> (Origin, Edge) {
    let origin = Origin::start().await;
    let edge = Edge::site_with(&origin, words).await;
    origin.file("/a", file);
    (origin, edge)
}

/// Holds the answer to the next request back, which is this part.
fn held(origin: &Origin, file: &File, part: std::ops::Range<u64>, total: u64) -> Gate {
    let head = format!(
        "206\ncache-control: max-age=60\netag: \"1\"\ncontent-range: bytes {}-{}/{total}",
        part.start,
        part.end - 1
    );
    origin.hold("/a", &head, file.bytes(part))
}
