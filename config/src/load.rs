//! Reading a configuration and the files it includes.

mod syntax;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use crate::config::{Admin, Config};
use crate::decode::{MOST_PROBLEMS, decode_tree};
use crate::document::Document;
use crate::filter_spec::FilterSpec;
use crate::problem::{Problem, Problems};
use crate::resolve;
use crate::source::{File, Source, Text};
use crate::tree::Node;
use crate::value::OneOrMany;

use syntax::Broken;

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 256 << 20;

/// A file as it is written, and where.
pub(crate) struct Loaded {
    pub(crate) source: Source,
    pub(crate) document: Document,
}

/// Reads a configuration file and what it includes.
///
/// # Errors
/// With every mistake of every file.
pub fn load(path: impl AsRef<Path>) -> Result<Config, Problems> {
    load_with(path, |_| Vec::new())
}

/// The same, with somebody who knows filters: when the file is wrong, `filter` is asked about each of its filters too, so
/// that their mistakes are told with the others.
///
/// # Errors
/// With every mistake of every file.
pub fn load_with(
    path: impl AsRef<Path>,
    filter: impl Fn(&FilterSpec) -> Vec<Problem>,
) -> Result<Config, Problems> {
    let path = path.as_ref();
    let content = read(path).map_err(|why| unreadable(path, &why))?;
    understand(Reader::of(content, path), filter)
}

/// Reads only the `[admin]` section of a configuration: how to ask the edge that was started with it, whatever is wrong
/// with the rest by now.
///
/// # Errors
/// With every mistake of that section, or why the file can't be read at all.
pub fn load_admin(path: impl AsRef<Path>) -> Result<Option<Admin>, Problems> {
    let path = path.as_ref();
    let content = read(path).map_err(|why| unreadable(path, &why))?;
    let mut reader = Reader::of(content, path);
    if reader.loaded.is_empty() {
        return Err(in_order(reader.broken, &reader.files));
    }
    let mut problems = reader.problems;
    problems.retain(|problem| problem.key == "admin" || problem.key.starts_with("admin."));
    let admin = resolve::admin(&mut reader.loaded, &mut problems);
    if problems.is_empty() {
        Ok(admin)
    } else {
        Err(in_order(problems, &reader.files))
    }
}

/// Reads a configuration from a text as if it stood in the file `path`. What it includes is read from the folder of
/// `path`.
///
/// # Errors
/// With every mistake of every file.
pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Config, Problems> {
    understand(Reader::of(text.to_owned(), path.as_ref()), |_| Vec::new())
}

fn unreadable(path: &Path, why: &str) -> Problems {
    Problems(vec![Problem::new(
        "",
        format!("`{}` can't be read: {why}", path.display()),
    )])
}

fn understand(
    reader: Reader,
    filter: impl Fn(&FilterSpec) -> Vec<Problem>,
) -> Result<Config, Problems> {
    let Reader {
        files,
        loaded,
        folders,
        broken,
        mut problems,
        is_whole,
    } = reader;
    let config = resolve::resolve(loaded, is_whole, &mut problems);
    // What else is said of a line that is not TOML follows from that.
    problems.retain(|problem| !broken.iter().any(|broken| is_same_line(broken, problem)));
    problems.extend(broken);
    if problems.is_empty() {
        Ok(Config {
            files,
            include_folders: folders.into_iter().collect(),
            ..config
        })
    } else {
        problems.extend(config.filters.iter().flat_map(filter));
        Err(in_order(problems, &files))
    }
}

fn is_same_line(one: &Problem, two: &Problem) -> bool {
    match (&one.location, &two.location) {
        (Some(one), Some(two)) => one.line == two.line && one.file == two.file,
        _ => false,
    }
}

/// Problems in the order of files and lines, each once.
fn in_order(mut problems: Vec<Problem>, files: &[PathBuf]) -> Problems {
    let elsewhere: Vec<Problem> = problems
        .extract_if(.., |problem| problem.location.is_none())
        .collect();
    problems.sort_by_key(|problem| {
        problem.location.as_ref().map(|location| {
            let file = files.iter().position(|file| *file == location.file);
            (file, location.line, location.column)
        })
    });
    problems.dedup();
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    problems.extend(elsewhere);
    if more > 0 {
        problems.push(Problem::new(
            "",
            format!("{more} more problems are not shown"),
        ));
    }
    Problems(problems)
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if size > LARGEST_FILE {
        return Err(format!("it has {size} bytes: at most {LARGEST_FILE}"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        format!("line {line} is not UTF-8")
    })
}

/// Files as they come in.
#[derive(Default)]
struct Reader {
    /// Every file, as it is named.
    files: Vec<PathBuf>,
    /// Those that could be parsed.
    loaded: Vec<Loaded>,
    /// Folders that were searched for files.
    folders: BTreeSet<PathBuf>,
    /// Lines that are not TOML.
    broken: Vec<Problem>,
    problems: Vec<Problem>,
    /// Whether all could be read, so that what is missing is missing.
    is_whole: bool,
}

impl Reader {
    fn of(content: String, path: &Path) -> Self {
        let mut reader = Self {
            is_whole: true,
            ..Self::default()
        };
        reader.add(content, path, true);
        reader
    }

    fn add(&mut self, content: String, path: &Path, may_include: bool) {
        self.files.push(path.to_owned());
        let text = Text {
            path: path.to_owned(),
            content,
        };
        let (table, errors) = DeTable::parse_recoverable(&text.content);
        let Broken { problems, is_local } = syntax::broken(&text, &errors);
        self.broken.extend(problems);
        if !is_local {
            self.is_whole = false;
            return;
        }
        let mut root = Node::of_file(table.get_ref());
        drop(table);
        let document = decode_tree::<Document>(&mut root, |problem, span| {
            self.problems
                .push(problem.at(Some(text.location(span.unwrap_or(0..0)))));
        });
        let source = Source::of(Arc::new(File { text, root }));
        let Some(mut document) = document else {
            let message = format!(
                "`{}` has more problems than {MOST_PROBLEMS}",
                path.display()
            );
            self.problems.push(Problem::new("", message));
            self.is_whole = false;
            return;
        };
        let include = document.include.take();
        self.loaded.push(Loaded {
            source: source.clone(),
            document,
        });
        match include {
            None => {}
            Some(_) if !may_include => {
                self.problems
                    .push(source.key_problem("include", "an included file can't include others"));
            }
            Some(OneOrMany(patterns)) => {
                let list = source.key("include");
                for (index, pattern) in patterns.iter().enumerate() {
                    let element = list.index(index);
                    let place = if element.node().is_some() {
                        &element
                    } else {
                        &list
                    };
                    self.include(place, pattern);
                }
            }
        }
    }

    fn include(&mut self, source: &Source, pattern: &str) {
        let whole = source.folder().join(pattern);
        let (Some(folder), Some(name)) = (
            whole.parent(),
            whole.file_name().and_then(|name| name.to_str()),
        ) else {
            return self.refuse(
                source,
                format!("`{pattern}` names no file: write `conf.d/*.toml`"),
            );
        };
        if folder.to_string_lossy().contains('*') {
            return self.refuse(
                source,
                format!("`*` is only understood in the last part of `{pattern}`"),
            );
        }
        if !name.contains('*') {
            return self.include_file(source, &whole);
        }
        self.folders.insert(folder.to_owned());
        match matching_files(folder, name) {
            Ok(paths) => paths
                .iter()
                .for_each(|path| self.include_file(source, path)),
            Err(error) => self.refuse(
                source,
                format!("the folder of `{}` can't be read: {error}", whole.display()),
            ),
        }
    }

    /// A file that several patterns name is read once.
    fn include_file(&mut self, source: &Source, path: &Path) {
        if self.files.iter().any(|file| file == path) {
            return;
        }
        match read(path) {
            Ok(content) => self.add(content, path, false),
            Err(why) => self.refuse(source, format!("`{}` can't be read: {why}", path.display())),
        }
    }

    fn refuse(&mut self, source: &Source, message: String) {
        self.is_whole = false;
        self.problems.push(source.problem("", message));
    }
}

/// The files of a folder whose names match a pattern, in the order of their names. Hidden files are left out.
fn matching_files(folder: &Path, pattern: &str) -> std::io::Result<Vec<PathBuf>> {
    let readable = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(readable)? {
        let name = entry?.file_name();
        let is_match = name
            .to_str()
            .is_some_and(|name| !name.starts_with('.') && matches(pattern, name));
        if is_match && readable.join(&name).is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Whether a name matches a pattern, in which each `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest
        .rsplit_once('*')
        .map_or((None, rest), |(middle, tail)| (Some(middle), tail));
    for part in middle.into_iter().flat_map(|middle| middle.split('*')) {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests;
