//! Who may import whom.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What cargo knows of the workspace.
fn metadata(arguments: &[&str]) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = Command::new(&cargo).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--offline",
            "--filter-platform",
            host,
        ])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The direct dependencies of each of our crates, but for those of their tests.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata(&["--no-deps"]);
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            (
                name(package),
                dependencies
                    .filter(|dependency| dependency["kind"].is_null())
                    .map(name)
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn crates_import_only_those_below_them() {
    let picture = [
        ("rimward-config", &[][..]),
        ("rimward-geoip", &[]),
        ("rimward-cache", &[]),
        ("rimward-images", &[]),
        ("rimward-kv", &[]),
        (
            "rimward-filters",
            &[
                "rimward-config",
                "rimward-geoip",
                "rimward-images",
                "rimward-kv",
            ],
        ),
        (
            "rimward",
            &[
                "rimward-config",
                "rimward-geoip",
                "rimward-cache",
                "rimward-filters",
                "rimward-images",
                "rimward-kv",
            ],
        ),
        (
            "rimward-tests",
            &[
                "rimward",
                "rimward-config",
                "rimward-geoip",
                "rimward-cache",
                "rimward-filters",
                "rimward-images",
                "rimward-kv",
            ],
        ),
        (
            "rimward-benches",
            &[
                "rimward",
                "rimward-config",
                "rimward-geoip",
                "rimward-cache",
                "rimward-filters",
                "rimward-images",
                "rimward-kv",
                "rimward-tests",
            ],
        ),
        ("rimward-bench-images", &["rimward-images"]),
        ("rimward-side-by-side", &[]),
    ];
    let imports = imports();
    let named: BTreeSet<&str> = picture.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        imports.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        named,
        "a crate is missing in this picture"
    );
    for (name, allowed) in picture {
        for import in imports[name]
            .iter()
            .filter(|import| named.contains(import.as_str()))
        {
            assert!(
                allowed.contains(&import.as_str()),
                "{name} must not import {import}"
            );
        }
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    let homes = [
        (
            "pingora",
            &["rimward", "rimward-tests", "rimward-benches"][..],
        ),
        ("maxminddb", &["rimward-geoip"]),
        ("moka", &["rimward-filters"]),
        ("redb", &["rimward-kv"]),
        ("quick_cache", &["rimward-cache"]),
        (
            "anyhow",
            &["rimward", "rimward-bench-images", "rimward-side-by-side"],
        ),
        ("mozjpeg-sys", &["rimward-images"]),
        ("libwebp-sys", &["rimward-images"]),
        ("bcrypt", &["rimward-filters"]),
        ("argon2", &["rimward-filters"]),
    ];
    let imports = imports();
    for (library, homes) in homes {
        for (name, dependencies) in &imports {
            assert!(
                !dependencies.contains(library) || homes.contains(&name.as_str()),
                "{name} must not import {library}"
            );
        }
    }
}

#[test]
fn anyhow_is_for_the_program_alone() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../proxy/src");
    let mut folders = vec![std::path::PathBuf::from(sources)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(sources).unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !relative.starts_with("cli")
                && relative.to_str() != Some("cli.rs")
                && relative.to_str() != Some("main.rs")
            {
                assert!(
                    !std::fs::read_to_string(&path).unwrap().contains("anyhow::"),
                    "{} uses anyhow",
                    relative.display()
                );
            }
        }
    }
}

/// What `cargo deny check licenses` asks, for machines without it.
#[test]
fn every_dependency_has_a_licence_that_we_allow() {
    let deny =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap();
    let deny: toml::Table = deny.parse().unwrap();
    let allowed: Vec<&str> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let metadata = metadata(&[]);
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("");
        assert!(
            permits(licence, &allowed),
            "{} has the licence `{licence}`",
            package["name"]
        );
    }
}

/// Whether one choice that an SPDX expression leaves is allowed in all its parts.
fn permits(expression: &str, allowed: &[&str]) -> bool {
    if let Some((open, close)) = expression.find('(').zip(expression.find(')')) {
        let inner = if permits(&expression[open + 1..close], allowed) {
            allowed[0]
        } else {
            "refused"
        };
        return permits(
            &format!("{}{inner}{}", &expression[..open], &expression[close + 1..]),
            allowed,
        );
    }
    let choices = expression
        .split(" OR ")
        .flat_map(|choice| choice.split('/'));
    choices.into_iter().any(|choice| {
        choice
            .split(" AND ")
            .all(|licence| allowed.contains(&licence.trim()))
    })
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = ["MIT", "ISC"];
    for (expression, permitted) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("MIT/GPL-3.0", true),
        ("MIT AND GPL-3.0", false),
        ("ISC AND (MIT OR GPL-3.0)", true),
        ("ISC AND (GPL-2.0 OR GPL-3.0)", false),
        ("", false),
    ] {
        assert_eq!(permits(expression, &allowed), permitted, "{expression}");
    }
}
