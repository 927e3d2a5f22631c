//! Services as people write them, and what becomes of them. `RIMWARD_RENEW=1` writes what is expected anew.

use std::path::{Path, PathBuf};

use rimward_filters::Builder;
use rimward_filters::wasm::lambda_edge::{Handler, Settings};

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/import/tests")
}

fn given(stage: Option<&str>) -> Given {
    Given {
        stage: stage.map(str::to_owned),
        region: None,
        options: Default::default(),
        parameters: Default::default(),
        folder: folder(),
        environment: |name| (name == "ORIGIN_HOST").then(|| "origin.example.com".to_owned()),
    }
}

fn source(name: &str) -> Source {
    Source {
        name: name.to_owned(),
        folder: folder(),
        seen_from_output: PathBuf::new(),
    }
}

fn imported(name: &str, stage: Option<&str>) -> (String, String) {
    let file = format!("{name}.yml");
    let text = std::fs::read_to_string(folder().join(&file)).unwrap();
    let (written, notes) = converted(&text, &given(stage), &source(&file)).unwrap();
    (written, notes.told(&file))
}

#[track_caller]
fn is_expected(file: &str, got: &str) {
    let path = folder().join(file);
    if std::env::var_os("RIMWARD_RENEW").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, expected, "{file}; RIMWARD_RENEW=1 writes it anew");
}

/// Asserts that a text is a configuration: handlers by their settings, since their files are not there, and the rest as a whole.
#[track_caller]
fn is_a_configuration(text: &str) {
    let mut document: ::toml::Table = text.parse().expect("TOML");
    let filters = document
        .get_mut("filter")
        .and_then(::toml::Value::as_table_mut);
    for (name, filter) in filters.into_iter().flatten() {
        let table = filter.as_table().unwrap().clone();
        if table.contains_key("lambda_edge") {
            let settings: Settings =
                rimward_config::decode(&table).unwrap_or_else(|told| panic!("{name}: {told:?}"));
            let builder = Builder::new(Path::new("."), name);
            Handler::new(&settings, &builder).unwrap_or_else(|error| panic!("{name}: {error}"));
            *filter = "use = 'respond'".parse::<::toml::Table>().unwrap().into();
        }
    }
    let text = ::toml::to_string(&document).unwrap();
    let config =
        rimward_config::parse(&text, "pop.toml").unwrap_or_else(|told| panic!("{told}\n{text}"));
    rimward::check(config).unwrap_or_else(|told| panic!("{told}\n{text}"));
}

#[track_caller]
fn check(name: &str) {
    let (written, notes) = imported(name, None);
    is_expected(&format!("{name}.toml"), &written);
    is_expected(&format!("{name}.notes"), &notes);
    is_a_configuration(&written);
}

#[test]
fn events_of_the_framework_are_imported() {
    check("events");
}

#[test]
fn a_static_site_with_a_plugin_is_imported() {
    check("static-site");
}

#[test]
fn functions_of_a_distribution_that_is_elsewhere_are_imported() {
    check("pre-existing");
}

#[test]
fn a_distribution_that_names_its_functions_is_imported() {
    check("resources");
}

#[test]
fn another_stage_has_other_hosts() {
    let (written, _) = imported("resources", Some("prod"));
    assert!(
        written.contains("hosts = [\"www.example.com\", \"example.com\"]"),
        "{written}"
    );
}

#[test]
fn what_is_no_service_of_cloudfront_is_told() {
    let told = |text: &str| {
        let got = converted(text, &given(None), &source("a.yml"));
        got.expect_err("it is refused").to_string()
    };
    assert!(told("a: [").starts_with("a.yml:"), "{}", told("a: ["));
    for text in [
        "",
        "service: shop\nfunctions: { a: { handler: a.b, events: [{ http: GET / }] } }",
    ] {
        assert!(
            told(text).contains("neither a CloudFront event"),
            "{}",
            told(text)
        );
    }
}

#[test]
fn files_are_named_from_where_the_configuration_is() {
    for (folder, output, expected) in [
        ("", None, ""),
        ("svc", None, "svc"),
        ("svc", Some("svc/pop.toml"), ""),
        ("svc", Some("pop.toml"), "svc"),
        ("a/svc", Some("a/pop.toml"), "svc"),
    ] {
        let got = seen_from(Path::new(folder), output.map(Path::new)).unwrap();
        assert_eq!(got, Path::new(expected), "{folder} {output:?}");
    }
    let beside = seen_from(Path::new("svc"), Some(Path::new("other/pop.toml"))).unwrap();
    assert!(
        beside.is_absolute() && beside.ends_with("svc"),
        "{}",
        beside.display()
    );
}

#[test]
fn programs_are_to_be_printed_first() {
    let order = Order {
        file: "serverless.ts".into(),
        output: None,
        stage: None,
        region: None,
        options: Vec::new(),
        parameters: Vec::new(),
    };
    assert!(
        import(order)
            .unwrap_err()
            .to_string()
            .contains("serverless print")
    );
    assert!(pair("a").is_err() && pair("a=b=c") == Ok(("a".to_owned(), "b=c".to_owned())));
}
