//! Finding the country of an address, in a database of a hundred thousand networks of each kind.

use std::hint::black_box;
use std::net::IpAddr;

use criterion::Criterion;
use rimward_benches::mmdb;
use rimward_geoip::Countries;

const NETWORKS: u32 = 100_000;

fn look_ups(criterion: &mut Criterion) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), mmdb::file(NETWORKS)).expect("room for a database");
    let countries = Countries::open(file.path()).unwrap_or_else(|error| panic!("{error}"));
    for (name, address) in [
        ("IPv4", mmdb::ipv4 as fn(u32) -> IpAddr),
        ("IPv6", mmdb::ipv6),
    ] {
        let mut numbers = (0..NETWORKS).cycle();
        criterion.bench_function(&format!("country of an {name} address"), |bench| {
            bench.iter(|| {
                let address = address(numbers.next().unwrap_or(0));
                let country = countries.country(black_box(address));
                assert!(country.is_some());
            });
        });
    }
    let unknown = IpAddr::from([203, 0, 113, 7]);
    criterion.bench_function("country of an unknown address", |bench| {
        bench.iter(|| countries.country(black_box(unknown)));
    });
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    look_ups(&mut criterion);
    criterion.final_summary();
}
