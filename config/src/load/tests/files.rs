//! Files that include others.

use std::path::Path;

use crate::config::{Config, OriginKind};

/// Writes files to a new folder and loads the first.
fn load(files: &[(&str, &str)]) -> (Result<Config, String>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let loaded = crate::load(folder.path().join(files[0].0));
    (
        loaded.map_err(|problems| {
            problems
                .to_string()
                .replace(&format!("{}/", folder.path().display()), "")
        }),
        folder,
    )
}

const LISTEN: &str = "include = \"conf.d/*.toml\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n";
const SHOP: &str = "[origin.shop]\ndirectory = \"site\"\n";

#[test]
fn sections_of_included_files_are_added_in_the_order_of_their_names() {
    let (config, folder) = load(&[
        ("pop.toml", LISTEN),
        (
            "conf.d/b.toml",
            "[[site]]\nhost = \"b.com\"\norigin = \"shop\"\n",
        ),
        (
            "conf.d/a.toml",
            &format!("[[site]]\nhost = \"a.com\"\norigin = \"shop\"\n{SHOP}"),
        ),
        ("conf.d/.hidden.toml", "nonsense"),
        ("conf.d/readme.md", "nonsense"),
    ]);
    let config = config.unwrap();
    let hosts: Vec<String> = config
        .sites
        .iter()
        .map(|site| site.hosts[0].to_string())
        .collect();
    assert_eq!(hosts, ["a.com", "b.com"]);
    let names = ["pop.toml", "conf.d/a.toml", "conf.d/b.toml"];
    assert_eq!(config.files, names.map(|name| folder.path().join(name)));
    assert_eq!(config.include_folders, [folder.path().join("conf.d")]);
}

#[test]
fn relative_paths_start_from_the_folder_of_their_file() {
    let (config, folder) = load(&[
        ("pop.toml", LISTEN),
        (
            "conf.d/a.toml",
            &format!("{SHOP}[filter.a]\nuse = \"respond\"\n"),
        ),
    ]);
    let config = config.unwrap();
    let OriginKind::Directory(directory) = &config.origins[0].kind else {
        panic!("not a directory")
    };
    assert_eq!(directory.root, folder.path().join("conf.d/site"));
    assert_eq!(config.filters[0].folder(), folder.path().join("conf.d"));
}

#[test]
fn a_list_of_patterns_is_read_in_order_and_each_file_once() {
    let (config, folder) = load(&[
        (
            "pop.toml",
            "include = [\"z.toml\", \"*.toml\"]\n[[listen]]\naddress = \"127.0.0.1:0\"\n",
        ),
        ("z.toml", SHOP),
        ("a.toml", "[pop]\nname = \"fra1\"\n"),
    ]);
    let files = config.unwrap().files;
    assert_eq!(
        files,
        ["pop.toml", "z.toml", "a.toml"].map(|name| folder.path().join(name))
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (files, expected) in [
        (
            vec![
                ("pop.toml", LISTEN),
                ("conf.d/a.toml", SHOP),
                ("conf.d/b.toml", SHOP),
            ],
            "conf.d/b.toml:1:9: origin.shop: the origin `shop` is given twice: first at conf.d/a.toml:1",
        ),
        (
            vec![
                ("pop.toml", LISTEN),
                ("conf.d/a.toml", "[pop]\n"),
                ("conf.d/b.toml", "\n[pop]\n"),
            ],
            "conf.d/b.toml:2:1: pop: `[pop]` is given twice: first at conf.d/a.toml:1",
        ),
        (
            vec![
                ("pop.toml", LISTEN),
                (
                    "conf.d/a.toml",
                    "[[site]]\nhost = \"a.com\"\norigin = \"shop\"\n",
                ),
            ],
            "conf.d/a.toml:3:10: site[0].origin: there is no origin `shop`",
        ),
        (
            vec![
                ("pop.toml", LISTEN),
                (
                    "conf.d/a.toml",
                    "[[listen]]\naddress = \"127.0.0.1:1\"\nhttp3 = true\n",
                ),
            ],
            "conf.d/a.toml:3:1: listen[0].http3: `http3` is not known to this version of Rimward",
        ),
        (
            vec![
                ("pop.toml", LISTEN),
                ("conf.d/a.toml", "include = \"x.toml\"\n"),
            ],
            "conf.d/a.toml:1:1: include: an included file can't include others",
        ),
        (
            vec![("pop.toml", "include = \"x.toml\"\n")],
            "pop.toml:1:11: include: `x.toml` can't be read: No such file",
        ),
        (
            vec![("pop.toml", LISTEN)],
            "pop.toml:1:11: include: the folder of `conf.d/*.toml` can't be read: No such file",
        ),
        (
            vec![
                ("pop.toml", "include = [\"a.toml\", \"*/x.toml\"]\n"),
                ("a.toml", ""),
            ],
            "pop.toml:1:22: include[1]: `*` is only understood in the last part of `*/x.toml`",
        ),
        (
            vec![("pop.toml", "include = 3\n")],
            "pop.toml:1:11: include: expected a string or an array of strings",
        ),
    ] {
        let (config, _folder) = load(&files);
        let told = config.map(|_| ()).unwrap_err();
        assert!(told.starts_with(expected), "{told}\nexpected {expected}");
    }
}

#[test]
fn names_are_not_missed_in_files_that_cannot_be_read() {
    let site = "[[site]]\nhost = \"a.com\"\norigin = \"shop\"\n";
    let (config, _folder) = load(&[
        ("pop.toml", &format!("{LISTEN}{site}")),
        ("conf.d/a.toml", "[origin.shop\n"),
    ]);
    let told = config.map(|_| ()).unwrap_err();
    assert!(
        told.starts_with("conf.d/a.toml:1:13: the header has no end: `]` is missing"),
        "{told}"
    );
    assert!(!told.contains("there is no origin"), "{told}");
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str| {
        crate::load(folder.path().join(name))
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    std::fs::write(folder.path().join("latin.toml"), b"\n# \xe4\n").unwrap();
    assert!(told("none.toml").contains("can't be read: No such file"));
    assert!(told("latin.toml").contains("can't be read: line 2 is not UTF-8"));
}

#[test]
fn the_admin_section_is_read_whatever_is_wrong_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pop.toml");
    let admin = |text: &str| {
        std::fs::write(&path, text).unwrap();
        crate::load_admin(&path).map_err(|problems| problems.to_string())
    };
    let found = admin("[pop]\nnam = 1\n[admin]\naddress = \"127.0.0.1:9901\"\n[[site]]\n")
        .unwrap()
        .unwrap();
    assert_eq!(
        found.address,
        crate::AdminAddress::Tcp("127.0.0.1:9901".parse().unwrap())
    );
    assert!(admin("[pop]\n").unwrap().is_none());
    assert!(
        admin("[admin]\naddress = \"0.0.0.0:9900\"\n")
            .unwrap_err()
            .contains("so a token is needed")
    );
    assert!(
        admin("[admin]\nadress = \"127.0.0.1:1\"\n")
            .unwrap_err()
            .contains("did you mean `address`?")
    );
    assert!(
        admin("[admin\n")
            .unwrap_err()
            .contains("the header has no end")
    );
    assert!(crate::load_admin(Path::new("/nowhere/pop.toml")).is_err());
}

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, name, is_match) in [
        ("*.toml", "a.toml", true),
        ("*.toml", ".toml", true),
        ("*.toml", "a.tom", false),
        ("a*.toml", "a.toml", true),
        ("a*.toml", "b.toml", false),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("*a*a*", "aba", true),
        ("*a*a*", "ab", false),
        ("*", "anything", true),
        ("a.toml", "a.toml", true),
    ] {
        assert_eq!(
            super::super::matches(pattern, name),
            is_match,
            "{pattern} {name}"
        );
    }
}
