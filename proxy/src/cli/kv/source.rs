//! Where entries are read from, one by one.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use rimward::admin::{KvLine, Ttl};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Format;

/// Who is given each entry.
type Take<'t> = &'t mut dyn FnMut(KvLine) -> Result<()>;

/// The longest line, which a value in base64 may be.
const MAX_LINE: u64 = 128 << 20;

/// Gives each file of a folder, by its path in it.
pub(super) fn each_file(folder: &Path, take: Take<'_>) -> Result<()> {
    walk(folder, "", take)
}

fn walk(folder: &Path, before: &str, take: Take<'_>) -> Result<()> {
    let failed = || format!("`{}`", folder.display());
    let entries = std::fs::read_dir(folder).with_context(failed)?;
    let mut entries = entries
        .collect::<Result<Vec<_>, _>>()
        .with_context(failed)?;
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| anyhow!("`{}` is no key, which is UTF-8", path.display()))?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&path, &format!("{before}{name}/"), take)?;
        } else if kind.is_file() {
            let value = std::fs::read(&path).with_context(|| format!("`{}`", path.display()))?;
            take(KvLine::of(format!("{before}{name}"), &value))?;
        }
    }
    Ok(())
}

/// Gives each entry of a file.
pub(super) fn each_in(file: &Path, format: Format, take: Take<'_>) -> Result<()> {
    let reader: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(file).with_context(|| format!("`{}`", file.display()))?)
    };
    let reader = BufReader::new(reader);
    let given = match format {
        Format::Json => each_of_json(reader, take),
        Format::Ndjson => each_line(reader, take),
        Format::Csv => each_row(reader, take),
    };
    given.with_context(|| format!("`{}`", file.display()))
}

fn each_line(mut reader: impl BufRead, take: Take<'_>) -> Result<()> {
    let mut text = String::new();
    for number in 1.. {
        text.clear();
        if reader.by_ref().take(MAX_LINE).read_line(&mut text)? == 0 {
            break;
        }
        if !text.trim().is_empty() {
            let line = serde_json::from_str(&text).with_context(|| format!("line {number}"))?;
            take(line).with_context(|| format!("line {number}"))?;
        }
    }
    Ok(())
}

/// Rows of `key,value,ttl,metadata`; a first row of names may put them in another order.
fn each_row(reader: impl Read, take: Take<'_>) -> Result<()> {
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(reader);
    let mut columns = vec![
        "key".to_owned(),
        "value".to_owned(),
        "ttl".to_owned(),
        "metadata".to_owned(),
    ];
    for (index, row) in rows.records().enumerate() {
        let row = row?;
        let place = || format!("row {}", index + 1);
        let is_head = index == 0
            && ["key", "value"]
                .iter()
                .all(|name| row.iter().any(|field| field == *name));
        if is_head {
            columns = row.iter().map(str::to_owned).collect();
        } else {
            take(entry_of(&row, &columns).with_context(place)?).with_context(place)?;
        }
    }
    Ok(())
}

fn entry_of(row: &csv::StringRecord, columns: &[String]) -> Result<KvLine> {
    if row.len() < 2 || row.len() > columns.len() {
        bail!(
            "there are {} fields in place of `key,value`, or `key,value,ttl,metadata`",
            row.len()
        );
    }
    let field = |name: &str| row.get(columns.iter().position(|column| column == name)?);
    let ttl = match field("ttl").filter(|ttl| !ttl.is_empty()) {
        None => None,
        Some(text) => Some(match text.parse() {
            Ok(seconds) => Ttl::Seconds(seconds),
            Err(_) => Ttl::Span(text.parse()?),
        }),
    };
    Ok(KvLine {
        ttl,
        metadata: field("metadata")
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        ..KvLine::of(
            field("key").unwrap_or_default().to_owned(),
            field("value").unwrap_or_default().as_bytes(),
        )
    })
}

/// `{"KEY": "VALUE"}`, `[{"key": …}]` or `{"data": [{"key": …}]}`, as it is read.
fn each_of_json(reader: impl Read, take: Take<'_>) -> Result<()> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut failure = None;
    let read = Whole(take, &mut failure)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    match failure {
        Some(failure) => Err(failure),
        None => Ok(read?),
    }
}

/// The whole of a file. What goes wrong with an entry is kept aside: the deserializer knows only texts.
struct Whole<'t, 'f>(Take<'t>, &'f mut Option<anyhow::Error>);

impl Whole<'_, '_> {
    fn give<E: Error>(&mut self, line: KvLine) -> Result<(), E> {
        (self.0)(line).map_err(|error| {
            *self.1 = Some(error);
            E::custom("an entry was not taken")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys and values, or a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(line) = list.next_element()? {
            self.give(line)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(Member {
                key,
                whole: &mut self,
            })?;
        }
        Ok(())
    }
}

/// A value of the outermost table: a text, or the list of `data`.
struct Member<'w, 't, 'f> {
    key: String,
    whole: &'w mut Whole<'t, 'f>,
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, which is a text")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.whole.give(KvLine::of(self.key, value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.key != "data" {
            return Err(A::Error::custom(format!(
                "key `{}`: a value is a text",
                self.key
            )));
        }
        while let Some(line) = list.next_element()? {
            self.whole.give(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read, as `key=value ttl metadata`.
    fn read(format: Format, text: &str) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut take = |line: KvLine| {
            let ttl = line.ttl.map(|ttl| serde_json::to_string(&ttl).unwrap());
            let value = line.value.or(line.base64).unwrap_or_default();
            let more = [ttl, line.metadata].into_iter().flatten();
            let all = std::iter::once(format!("{}={value}", line.key)).chain(more);
            lines.push(all.collect::<Vec<_>>().join(" "));
            if value == "refused" {
                Err(anyhow!("it was refused"))
            } else {
                Ok(())
            }
        };
        let given = match format {
            Format::Json => each_of_json(text.as_bytes(), &mut take),
            Format::Ndjson => each_line(text.as_bytes(), &mut take),
            Format::Csv => each_row(text.as_bytes(), &mut take),
        };
        given.map(|()| lines).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn each_form_is_read() {
        for (format, text, expected) in [
            (
                Format::Json,
                r#"{"a": "1", "data": "2"}"#,
                &["a=1", "data=2"][..],
            ),
            (
                Format::Json,
                r#"[{"key": "a", "value": "1", "ttl": 60}]"#,
                &["a=1 60"],
            ),
            (
                Format::Json,
                r#"{"data": [{"key": "a", "value": "1"}]}"#,
                &["a=1"],
            ),
            (Format::Json, "{}", &[]),
            (
                Format::Ndjson,
                "{\"key\":\"a\",\"value\":\"1\",\"metadata\":\"m\"}\n\n{\"key\":\"b\",\"base64\":\"/w==\"}",
                &["a=1 m", "b=/w=="],
            ),
            (
                Format::Csv,
                "a,1\nb,\"x \"\"y\"\", z\"\nc,3,60,m\nd,4,1h\ne,5,,n\n",
                &["a=1", "b=x \"y\", z", "c=3 60 m", "d=4 \"1h\"", "e=5 n"],
            ),
            (Format::Csv, "metadata,value,key\nm,1,a\n", &["a=1 m"]),
        ] {
            assert_eq!(read(format, text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (format, text, expected) in [
            (
                Format::Json,
                "{\"a\": 1}",
                "expected a value, which is a text at line 1",
            ),
            (Format::Json, "{\"a\": []}", "key `a`: a value is a text"),
            (Format::Json, "{\"a\": \"refused\"}", "it was refused"),
            (Format::Json, "{} x", "trailing characters"),
            (
                Format::Ndjson,
                "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"b\",\"vlaue\":\"1\"}",
                "line 2: unknown field `vlaue`",
            ),
            (Format::Csv, "a,1\nb\n", "row 2: there are 1 fields"),
            (Format::Csv, "a,1,soon\n", "row 1: `soon` is not a duration"),
            (Format::Csv, "a,refused\n", "row 1: it was refused"),
        ] {
            let told = read(format, text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn a_folder_is_read_by_the_paths_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("b/c")).unwrap();
        for (path, text) in [("b/c/x.html", "x"), ("b/y", "y"), ("a", "a")] {
            std::fs::write(folder.path().join(path), text).unwrap();
        }
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        let mut keys = Vec::new();
        each_file(folder.path(), &mut |line| {
            keys.push(line.key);
            Ok(())
        })
        .unwrap();
        assert_eq!(keys, ["a", "b/c/x.html", "b/y"]);
    }
}
