//! Projects of filters: which language one is in, and what it is called.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A filter's sources.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Project {
    /// Where they lie.
    pub(super) folder: PathBuf,
    /// The file that it is known by.
    pub(super) source: PathBuf,
    pub(super) language: Language,
    /// What its component is called.
    pub(super) name: String,
}

/// What a filter is built by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    JavaScript,
    Python,
    C,
    /// A handler of Lambda@Edge in Python.
    Handler,
}

/// The files that a folder is known by.
const KNOWN: [&str; 6] = [
    "Cargo.toml",
    "filter.js",
    "filter.ts",
    "filter.py",
    "filter.c",
    "lambda_function.py",
];

impl Project {
    /// The project in a folder, or of a file.
    pub(super) fn find(path: &Path) -> Result<Self> {
        let whole = path
            .canonicalize()
            .with_context(|| format!("`{}`", path.display()))?;
        let source = match whole.is_dir() {
            true => KNOWN
                .iter()
                .map(|name| whole.join(name))
                .find(|file| file.is_file()),
            false => Some(whole.clone()),
        };
        let Some(source) = source else {
            bail!(
                "`{}` has no filter: it would be known by one of {}; `rimward plugin new` makes a project",
                path.display(),
                KNOWN.join(", ")
            );
        };
        Self::of(source)
    }

    fn of(source: PathBuf) -> Result<Self> {
        let folder = source.parent().unwrap_or_else(|| Path::new("/")).to_owned();
        let kind = source.extension().unwrap_or_default().to_string_lossy();
        let language = match &*kind {
            "rs" => return Self::in_rust(&source),
            "toml" if source.ends_with("Cargo.toml") => return Self::in_rust(&source),
            "js" | "mjs" | "ts" => Language::JavaScript,
            "py" if is_handler(&source)? => Language::Handler,
            "py" => Language::Python,
            "c" => Language::C,
            _ => bail!(
                "`{}` is not the source of a filter: Cargo.toml, or a file in JavaScript, TypeScript, Python or C",
                source.display()
            ),
        };
        let stem = source.file_stem().unwrap_or_default();
        let name = match stem.to_str() {
            Some("filter" | "lambda_function") | None => folder.file_name().unwrap_or(stem),
            Some(_) => stem,
        };
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            folder,
            source,
            language,
        })
    }

    /// The package that a file belongs to.
    fn in_rust(file: &Path) -> Result<Self> {
        let mut manifests = file
            .ancestors()
            .skip(1)
            .map(|folder| folder.join("Cargo.toml"));
        let manifest = manifests
            .find(|manifest| manifest.is_file())
            .with_context(|| format!("`{}` belongs to no package", file.display()))?;
        let text = fs::read_to_string(&manifest)?;
        let table: toml::Table =
            toml::from_str(&text).with_context(|| format!("`{}`", manifest.display()))?;
        let package = table.get("package").and_then(|package| package.get("name"));
        let name = package.and_then(toml::Value::as_str).with_context(|| {
            format!(
                "`{}` is of a workspace: name the package",
                manifest.display()
            )
        })?;
        Ok(Self {
            folder: manifest
                .parent()
                .unwrap_or_else(|| Path::new("/"))
                .to_owned(),
            name: name.to_owned(),
            source: manifest,
            language: Language::Rust,
        })
    }

    /// Where its component is written unless something else is said.
    pub(super) fn component(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.name))
    }
}

/// Whether a file in Python has what Lambda calls.
fn is_handler(source: &Path) -> Result<bool> {
    let text = fs::read_to_string(source).with_context(|| format!("`{}`", source.display()))?;
    Ok(text
        .lines()
        .any(|line| line.starts_with("def lambda_handler(")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_known_by_its_files() {
        for (file, content, language, name) in [
            (
                "Cargo.toml",
                "[package]\nname = \"prices\"",
                Language::Rust,
                "prices",
            ),
            ("filter.js", "", Language::JavaScript, "shop"),
            ("filter.ts", "", Language::JavaScript, "shop"),
            (
                "filter.py",
                "def request(req): pass",
                Language::Python,
                "shop",
            ),
            ("filter.c", "", Language::C, "shop"),
            (
                "lambda_function.py",
                "import json\ndef lambda_handler(event, context): pass",
                Language::Handler,
                "shop",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().canonicalize().unwrap().join("shop");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(file), content).unwrap();
            let project = Project::find(&folder).unwrap();
            assert_eq!((project.language, &*project.name), (language, name));
            assert_eq!(project.component(), folder.join(format!("{name}.wasm")));
            assert_eq!(Project::find(&folder.join(file)).unwrap(), project);
        }
    }

    #[test]
    fn a_file_of_its_own_names_its_component() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("prices.py");
        fs::write(&source, "").unwrap();
        assert_eq!(Project::find(&source).unwrap().name, "prices");
        fs::write(folder.path().join("a.txt"), "").unwrap();
        for (path, expected) in [
            (folder.path().to_owned(), "has no filter"),
            (folder.path().join("a.txt"), "is not the source of a filter"),
            (folder.path().join("absent"), "absent"),
        ] {
            let told = format!("{:#}", Project::find(&path).unwrap_err());
            assert!(told.contains(expected), "{told}");
        }
    }
}
