//! Finding where an address is, in databases of a hundred thousand networks of each kind, and in a public one if
//! `benches/fetch-geoip.sh` has fetched it.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use criterion::Criterion;
use rimward_benches::mmdb;
use rimward_geoip::{Databases, Kind};

const NETWORKS: u32 = 100_000;

/// Where a public database is, if it was fetched.
const PUBLIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/geoip/city.mmdb");

/// From one address to the next, so that they lie all over the tree.
const STRIDE: u32 = 0x9e37_79b9;

fn open(files: &[(Kind, PathBuf)]) -> Databases {
    let files = files.iter().map(|(kind, path)| (*kind, path.as_path()));
    let opened = Databases::open(files, None);
    opened
        .unwrap_or_else(|errors| panic!("{errors:?}"))
        .databases
}

fn made(criterion: &mut Criterion, folder: &Path) {
    let write = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("room for a database");
        path
    };
    let countries = open(&[(Kind::Places, write("countries", mmdb::countries(NETWORKS)))]);
    let cities = (Kind::Places, write("cities", mmdb::cities(NETWORKS)));
    let systems = (Kind::Networks, write("systems", mmdb::systems(NETWORKS)));
    let systems_alone = open(std::slice::from_ref(&systems));
    let cities_alone = open(std::slice::from_ref(&cities));
    let both = open(&[cities, systems]);
    for (name, address) in [
        ("IPv4", mmdb::ipv4 as fn(u32) -> IpAddr),
        ("IPv6", mmdb::ipv6),
    ] {
        let mut numbers = (0..NETWORKS).cycle();
        let mut next = || address(numbers.next().unwrap_or(0));
        criterion.bench_function(&format!("country of an {name} address"), |bench| {
            bench.iter(|| assert!(countries.country(black_box(next())).is_some()));
        });
        criterion.bench_function(&format!("system of an {name} address"), |bench| {
            bench.iter(|| assert!(systems_alone.location(black_box(next())).asn.is_some()));
        });
        criterion.bench_function(&format!("city of an {name} address"), |bench| {
            bench.iter(|| assert!(cities_alone.location(black_box(next())).city.is_some()));
        });
        criterion.bench_function(&format!("city and system of an {name} address"), |bench| {
            bench.iter(|| assert!(both.location(black_box(next())).asn.is_some()));
        });
    }
    let unknown = IpAddr::from([203, 0, 113, 7]);
    criterion.bench_function("country of an unknown address", |bench| {
        bench.iter(|| countries.country(black_box(unknown)));
    });
    criterion.bench_function("city and system of an unknown address", |bench| {
        bench.iter(|| both.location(black_box(unknown)));
    });
}

/// What was fetched, for addresses all over IPv4.
fn public(criterion: &mut Criterion) {
    let cities = Path::new(PUBLIC);
    if !cities.exists() {
        return;
    }
    let files = [(Kind::Places, cities.to_owned())];
    criterion.bench_function("public database, opened", |bench| {
        bench.iter(|| open(&files));
    });
    let databases = open(&files);
    let mut bits = 0_u32;
    let mut next = || {
        bits = bits.wrapping_add(STRIDE);
        IpAddr::from(Ipv4Addr::from_bits(bits))
    };
    criterion.bench_function("public database, country", |bench| {
        bench.iter(|| databases.country(black_box(next())));
    });
    criterion.bench_function("public database, location", |bench| {
        bench.iter(|| databases.location(black_box(next())).city.is_some());
    });
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().expect("a folder");
    made(&mut criterion, folder.path());
    public(&mut criterion);
    criterion.final_summary();
}
