//! Look-ups in files that are made here, and files that are broken.

use std::path::PathBuf;

use super::*;
use crate::build::{self, Value, map};
use crate::location::Anonymity;

/// A folder with files to open.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn open(&self, files: &[(Kind, &[u8])]) -> Databases {
        let paths: Vec<_> = files
            .iter()
            .map(|(kind, bytes)| (*kind, self.write(kind.key(), bytes)))
            .collect();
        let files = paths.iter().map(|(kind, path)| (*kind, path.as_path()));
        let opened = Databases::open(files, None);
        opened
            .unwrap_or_else(|errors| panic!("{errors:?}"))
            .databases
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn countries() -> Vec<u8> {
    build::file(
        "Test-Country",
        [
            ("2001:db8::/32", build::country("DE")),
            ("203.0.113.0/24", build::country("FR")),
            ("203.0.113.128/25", build::country("IT")),
        ],
    )
}

#[test]
fn countries_are_found_also_of_mapped_addresses() {
    let databases = Folder::new().open(&[(Kind::Places, &countries())]);
    for (text, code) in [
        ("2001:db8::1", Some(*b"DE")),
        ("203.0.113.7", Some(*b"FR")),
        ("203.0.113.200", Some(*b"IT")),
        ("::ffff:203.0.113.7", Some(*b"FR")),
        ("198.51.100.1", None),
        ("::1", None),
    ] {
        let address = address(text);
        assert_eq!(databases.country(address), code, "{text}");
        assert_eq!(databases.location(address).country, code, "{text}");
    }
}

#[test]
fn a_location_is_put_together_from_all_databases() {
    let berlin = build::city("DE", ("BE", "Land Berlin"), "Berlin", (52.52, 13.4));
    let places = build::file("GeoLite2-City", [("203.0.113.0/24", berlin)]);
    let network = build::network(64_496, "Example Networks");
    let networks = build::file("GeoLite2-ASN", [("203.0.0.0/16", network)]);
    let hides = map([
        ("is_anonymous", true.into()),
        ("is_anonymous_vpn", true.into()),
        ("is_hosting_provider", true.into()),
    ]);
    let anonymous = build::file("GeoIP2-Anonymous-IP", [("203.0.113.7/32", hides)]);
    let folder = Folder::new();
    let databases = folder.open(&[
        (Kind::Places, &places),
        (Kind::Networks, &networks),
        (Kind::Anonymous, &anonymous),
    ]);
    let known = Location {
        country: Some(*b"DE"),
        country_name: Some("Germany"),
        is_eu: Some(true),
        continent: Some("EU"),
        region: Some("BE"),
        region_name: Some("Land Berlin"),
        city: Some("Berlin"),
        latitude: Some(52.52),
        longitude: Some(13.4),
        asn: Some(64_496),
        organisation: Some("Example Networks"),
        anonymity: Anonymity {
            anonymous: true,
            vpn: true,
            hosting: true,
            ..Anonymity::default()
        },
        ..Location::default()
    };
    assert_eq!(databases.location(address("203.0.113.7")), known);
    let neighbour = Location {
        anonymity: Anonymity::default(),
        ..known
    };
    assert_eq!(databases.location(address("203.0.113.8")), neighbour);
    let elsewhere = databases.location(address("203.0.1.1"));
    assert_eq!((elsewhere.asn, elsewhere.country), (Some(64_496), None));
}

/// One record in the layout of each of several makers, which all say the same.
#[test]
fn layouts_of_other_makers_are_read() {
    let maxmind = map([
        ("city", map([("names", map([("en", "San Jose".into())]))])),
        (
            "continent",
            map([
                ("code", "NA".into()),
                ("names", map([("en", "North America".into())])),
            ]),
        ),
        (
            "country",
            map([
                ("geoname_id", 6_252_001.into()),
                ("is_in_european_union", false.into()),
                ("iso_code", "US".into()),
                ("names", map([("en", "United States".into())])),
            ]),
        ),
        (
            "location",
            map([
                ("latitude", 37.3.into()),
                ("longitude", (-121.8).into()),
                ("time_zone", "America/Los_Angeles".into()),
            ]),
        ),
        ("postal", map([("code", "95141".into())])),
        ("registered_country", map([("iso_code", "CA".into())])),
        (
            "subdivisions",
            Value::List(vec![
                map([("names", map([("en", "California".into())]))]),
                map([("iso_code", "XX".into())]),
            ]),
        ),
    ]);
    let ip_location_db = map([
        ("city", "San Jose".into()),
        ("country_code", "US".into()),
        ("latitude", 37.3.into()),
        ("longitude", (-121.8).into()),
        ("postcode", "95141".into()),
        ("state1", "California".into()),
        ("state2", "".into()),
        ("timezone", "America/Los_Angeles".into()),
    ]);
    let ipinfo = map([
        ("city", "San Jose".into()),
        ("continent", "North America".into()),
        ("continent_code", "NA".into()),
        ("country", "United States".into()),
        ("country_code", "US".into()),
        ("latitude", "37.3".into()),
        ("longitude", "-121.8".into()),
        ("postal_code", "95141".into()),
        ("region", "California".into()),
        ("timezone", "America/Los_Angeles".into()),
    ]);
    let older_ipinfo = map([
        ("city", "San Jose".into()),
        ("country", "US".into()),
        ("latitude", "37.3".into()),
        ("longitude", "-121.8".into()),
        ("postal_code", "95141".into()),
        ("region", "California".into()),
        ("timezone", "America/Los_Angeles".into()),
    ]);
    let known = Location {
        country: Some(*b"US"),
        country_name: Some("United States"),
        is_eu: Some(false),
        continent: Some("NA"),
        region_name: Some("California"),
        city: Some("San Jose"),
        postal_code: Some("95141"),
        latitude: Some(37.3),
        longitude: Some(-121.8),
        time_zone: Some("America/Los_Angeles"),
        ..Location::default()
    };
    for record in [maxmind, ip_location_db, ipinfo, older_ipinfo] {
        let told = format!("{record:?}");
        let file = build::file("Test", [("203.0.113.0/24", record)]);
        let folder = Folder::new();
        let databases = folder.open(&[(Kind::Places, &file)]);
        let address = address("203.0.113.7");
        assert_eq!(databases.location(address), known, "{told}");
        assert_eq!(databases.country(address), Some(*b"US"), "{told}");
    }
}

#[test]
fn flags_and_numbers_may_be_texts() {
    let record = map([
        ("as_name", "Example".into()),
        ("asn", "AS64496".into()),
        ("country_code", "US".into()),
        ("hosting", "true".into()),
        ("tor", "true".into()),
        ("vpn", "".into()),
    ]);
    let file = build::file("Test", [("203.0.113.0/24", record)]);
    let folder = Folder::new();
    let databases = folder.open(&[(Kind::Anonymous, &file), (Kind::Places, &file)]);
    let location = databases.location(address("203.0.113.7"));
    assert_eq!(
        (location.asn, location.organisation),
        (Some(64_496), Some("Example"))
    );
    let hides = Anonymity {
        anonymous: true,
        hosting: true,
        tor: true,
        ..Anonymity::default()
    };
    assert_eq!(location.anonymity, hides);
}

#[test]
fn files_that_are_cut_off_or_something_else_are_refused() {
    let whole = countries();
    let half = &whole[..whole.len() / 2];
    let networks = build::file("GeoLite2-ASN", [("203.0.113.0/24", build::network(1, "a"))]);
    let empty = build::file("Test-Country", []);
    let folder = Folder::new();
    for (bytes, expected) in [
        (&b""[..], "can't be used as an MMDB file"),
        (b"not a database", "can't be used as an MMDB file"),
        (half, "can't be used as an MMDB file"),
        (
            &networks,
            "of type `GeoLite2-ASN`, which tells no countries",
        ),
        (&empty, "of type `Test-Country`, which tells no countries"),
    ] {
        let path = folder.write("a.mmdb", bytes);
        let errors = Databases::open([(Kind::Places, &*path)], None).unwrap_err();
        let told = errors[0].1.to_string();
        assert!(told.contains(expected), "{told}");
    }
    for path in [folder.0.path(), &folder.0.path().join("absent")] {
        assert!(Databases::open([(Kind::Places, path)], None).is_err());
    }
}

#[test]
fn a_broken_file_keeps_the_database_and_a_good_one_takes_its_place() {
    let folder = Folder::new();
    let path = folder.write("a.mmdb", &countries());
    let open = |previous| Databases::open([(Kind::Places, &*path)], previous);
    let first = open(None).unwrap().databases;
    let address = address("203.0.113.7");
    folder.write("a.mmdb", b"cut off");
    let kept = open(Some(&first)).unwrap();
    assert_eq!(kept.databases.country(address), Some(*b"FR"));
    assert_eq!(kept.kept.len(), 1);
    std::fs::remove_file(&path).unwrap();
    let kept = open(Some(&kept.databases)).unwrap();
    assert_eq!(kept.databases.country(address), Some(*b"FR"));
    let moved = build::file("Test", [("203.0.113.0/24", build::country("ES"))]);
    folder.write("a.mmdb", &moved);
    let new = open(Some(&kept.databases)).unwrap();
    assert_eq!(new.databases.country(address), Some(*b"ES"));
    assert!(new.kept.is_empty());
    let other = folder.write("b.mmdb", b"cut off");
    assert!(Databases::open([(Kind::Places, &*other)], Some(&new.databases)).is_err());
}

#[test]
fn damage_makes_addresses_unknown_and_nothing_worse() {
    let whole = countries();
    let folder = Folder::new();
    for position in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0xff;
        let path = folder.write("a.mmdb", &bytes);
        let Ok(opened) = Databases::open([(Kind::Places, &*path)], None) else {
            continue;
        };
        for text in ["2001:db8::1", "203.0.113.7", "::1"] {
            opened.databases.country(address(text));
            opened.databases.location(address(text));
        }
    }
}
