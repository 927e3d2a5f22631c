//! The examples that come with the program, and the filters' schemas in the whole one.

use std::path::Path;

use schemars::JsonSchema;

use crate::config::*;

fn examples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

#[test]
fn every_example_is_right() {
    let mut count = 0;
    for entry in std::fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            crate::load(&path).unwrap_or_else(|problems| panic!("{problems}"));
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn the_example_of_a_pop_means_what_it_says() {
    let config =
        crate::load(examples().join("pop.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(
        (
            config.pop.name.as_str(),
            config.listeners.len(),
            config.sites.len()
        ),
        ("fra1", 2, 3)
    );
    let shop = &config.sites[0];
    let origin_of = |route: &Route| route.origin.map(|id| config.origins[id.0].name.as_str());
    let filters_of = |route: &Route| -> Vec<&str> {
        route
            .filters
            .iter()
            .map(|id| config.filters[id.0].name.as_str())
            .collect()
    };
    let told: Vec<_> = shop
        .routes
        .iter()
        .map(|route| (route.name.as_str(), origin_of(route), filters_of(route)))
        .collect();
    assert_eq!(
        told,
        [
            ("/img/*", Some("assets"), vec!["identify", "short-paths"]),
            (
                "/api/*",
                Some("shop"),
                vec!["identify", "short-paths", "polite", "api-limits", "app"]
            ),
            (
                "/api/*",
                Some("shop-v2"),
                vec!["identify", "short-paths", "polite"]
            ),
            (
                "/checkout/*",
                Some("shop"),
                vec![
                    "identify",
                    "short-paths",
                    "move-to-v2",
                    "checkout-experiment"
                ]
            ),
            (
                "/members/*",
                Some("shop"),
                vec!["identify", "short-paths", "members"]
            ),
            (
                "/user/{id}/orders",
                Some("sessions"),
                vec!["identify", "short-paths"]
            ),
            (
                "/account/*",
                Some("shop"),
                vec![
                    "identify",
                    "short-paths",
                    "staff",
                    "shop.example.com/account/*:headers"
                ]
            ),
            ("/prices", Some("shop"), vec!["identify", "short-paths"]),
            (
                "/press/*",
                Some("shop"),
                vec!["identify", "short-paths", "eu-only"]
            ),
            ("/*", Some("shop"), vec!["identify", "short-paths"]),
        ]
    );
    assert_eq!(
        shop.error_pages.keys().copied().collect::<Vec<_>>(),
        [502, 503, 504]
    );
    assert_eq!(config.sites[1].routes[0].origin, None);
}

/// Every key of the schema is in the example, so that nothing can be added without being shown.
#[test]
fn the_example_of_a_pop_shows_every_key() {
    let text = std::fs::read_to_string(examples().join("pop.toml")).unwrap();
    let schema = crate::schema(&[]);
    let tables = schema["$defs"]
        .as_object()
        .unwrap()
        .values()
        .chain([&schema]);
    for key in tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|properties| properties.keys())
    {
        let is_shown = |before: &str, after: &str| text.contains(&format!("{before}{key}{after}"));
        assert!(
            is_shown("", " = ") || is_shown("[", "]") || is_shown("[", ".") || is_shown(".", "]"),
            "{key}"
        );
    }
}

#[test]
fn the_manual_names_every_key() {
    let page = std::fs::read_to_string(examples().join("../docs/configuration.md")).unwrap();
    let schema = crate::schema(&[]);
    let tables = schema["$defs"]
        .as_object()
        .unwrap()
        .values()
        .chain([&schema]);
    for key in tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|properties| properties.keys())
    {
        let names = [
            format!("`{key}`"),
            format!("`[{key}]`"),
            format!("`[{key}."),
            format!("`[[{key}]]`"),
            format!(".{key}]]`"),
        ];
        assert!(names.iter().any(|name| page.contains(name)), "{key}");
    }
}

#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Settings {
    /// The greeting.
    greeting: String,
    inner: Inner,
}

#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Inner {
    times: u8,
}

#[test]
fn the_schema_has_the_settings_of_each_filter() {
    let schema = crate::schema(&[("hello", schemars::schema_for!(Settings))]);
    let definitions = &schema["$defs"];
    assert_eq!(
        definitions["Filter"]["anyOf"][0]["$ref"],
        "#/$defs/filter_hello"
    );
    let hello = &definitions["filter_hello"];
    assert_eq!(hello["properties"]["use"]["const"], "hello");
    assert_eq!(
        hello["properties"]["greeting"]["description"],
        "The greeting."
    );
    assert_eq!(
        hello["properties"]["inner"]["$ref"],
        "#/$defs/filter_hello_Inner"
    );
    assert_eq!(
        hello["required"],
        serde_json::json!(["greeting", "inner", "use"])
    );
    assert!(definitions["filter_hello_Inner"]["properties"]["times"].is_object());
    assert!(hello["properties"]["on_error"].is_object());
}

#[test]
fn every_reference_of_the_schema_leads_somewhere() {
    let schema = crate::schema(&[("hello", schemars::schema_for!(Settings))]);
    let text = schema.to_string();
    for reference in text.split("\"$ref\":\"#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"].get(name).is_some(), "{name}");
    }
    assert_eq!(
        schema["properties"]["listen"]["items"]["$ref"],
        "#/$defs/Listen"
    );
    assert_eq!(
        schema["$defs"]["Listen"]["required"],
        serde_json::json!(["address"])
    );
    assert_eq!(schema["$defs"]["Listen"]["additionalProperties"], false);
}
