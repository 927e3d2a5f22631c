//! Negotiating must cost next to nothing; what encoding costs says which levels a worker can bear.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use rimward::compress::Encoder;
use rimward_cache::Encoding;
use rimward_cache::encoding::negotiate;

fn negotiation(criterion: &mut Criterion) {
    for (name, field) in [
        ("of a browser", "gzip, deflate, br, zstd"),
        (
            "with weights",
            "gzip;q=0.8, br;q=0.9, *;q=0.1, identity;q=0",
        ),
    ] {
        let mut request = HeaderMap::new();
        request.insert(ACCEPT_ENCODING, HeaderValue::from_static(field));
        criterion.bench_function(&format!("negotiation {name}"), |bench| {
            bench.iter(|| negotiate(black_box(&request), &Encoding::ALL));
        });
    }
}

/// A page of markup of this many bytes, as varied as pages are.
fn page(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let words = [
        "edge", "cache", "origin", "request", "response", "the", "of", "and", "in", "fresh",
    ];
    let mut page = String::new();
    while page.len() < length {
        page.push_str(&format!(
            "<li class=\"item-{}\"><a href=\"/p/{}\">",
            next(9),
            next(9000)
        ));
        for _ in 0..=next(12) {
            page.push_str(words[next(10) as usize]);
            page.push(' ');
        }
        page.push_str("</a></li>\n");
    }
    page.truncate(length);
    page.into_bytes()
}

fn encode(mut encoder: Encoder, body: &[u8], piece: usize) -> usize {
    let mut length = 0;
    for piece in body.chunks(piece) {
        encoder.write(piece).expect("an encoder that works");
        if body.len() > piece.len() {
            length += encoder.flush().expect("an encoder that works").len();
        }
    }
    length + encoder.finish().expect("an encoder that works").len()
}

fn encoding(criterion: &mut Criterion) {
    let body = page(100 << 10);
    let mut group = criterion.benchmark_group("100 KiB");
    group.throughput(Throughput::Bytes(body.len() as u64));
    for encoding in Encoding::ALL {
        let name = encoding.as_str();
        let once = || Encoder::whole(encoding, body.len() as u64).expect("memory");
        let passing = || Encoder::streamed(encoding).expect("memory");
        let sizes = [
            encode(once(), &body, body.len()),
            encode(passing(), &body, 16 << 10),
        ];
        group.bench_function(format!("{name} once, to {} bytes", sizes[0]), |bench| {
            bench.iter(|| encode(once(), &body, body.len()));
        });
        let title = format!("{name} in pieces of 16 KiB, to {} bytes", sizes[1]);
        group.bench_function(title, |bench| {
            bench.iter(|| encode(passing(), &body, 16 << 10));
        });
    }
    group.finish();
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    negotiation(&mut criterion);
    encoding(&mut criterion);
    criterion.final_summary();
}
