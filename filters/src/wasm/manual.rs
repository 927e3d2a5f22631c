//! The reference of the interface between edge and guest, made from `sdk/wit/filter.wit`.

use std::fs;
use std::path::Path;

const HEAD: &str = "# What guests can call, and what they can be called for

Made from `sdk/wit/filter.wit`, the one source of the interface between the edge and its guests (package `rimward:filter@0.1.0`). The SDKs wrap
it; this page is for those who want to know what lies below, or who write guests in a language that has no SDK here.
";

/// The page: each interface with what is said of it, and below it its functions and types as they stand.
fn page(wit: &str) -> String {
    let mut page = HEAD.to_owned();
    let mut about: Vec<&str> = Vec::new();
    let mut lines = wit.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("///") {
            about.push(text.trim());
            continue;
        }
        let Some((kind, name)) = line.trim_end_matches(['{', ' ']).split_once(' ') else {
            about.clear();
            continue;
        };
        if (kind == "interface" || kind == "world") && line.contains('{') {
            let name = name.split_whitespace().next().unwrap_or_default();
            page.push_str(&format!("\n## {kind} `{name}`\n\n"));
            if !about.is_empty() {
                page.push_str(&format!("{}\n\n", about.join(" ")));
            }
            page.push_str(&format!("```wit\n{line}\n"));
            if !line.trim_end().ends_with('}') {
                for line in lines.by_ref() {
                    page.push_str(&format!("{line}\n"));
                    if line == "}" {
                        break;
                    }
                }
            }
            page.push_str("```\n");
        }
        about.clear();
    }
    page
}

#[test]
fn the_reference_says_what_the_interface_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("docs/guests/interface.md");
    let page = page(&fs::read_to_string(root.join("sdk/wit/filter.wit")).unwrap());
    assert!(page.contains("## interface `on-request`") && page.contains("## world `filter`"));
    if std::env::var_os("RIMWARD_RENEW").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "{} is out of date: renew it with `RIMWARD_RENEW=1 cargo test -p rimward-filters --lib manual`",
        path.display(),
    );
}
