//! `${self:custom.domain}`, `${opt:stage, 'dev'}` and their like, as far as they can be known here. Those that can't be stay
//! as they are, and whoever needs one says so.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::yaml::{self, Data, Entry, Node};

/// Variables that may stand within each other's values.
const MOST_LEVELS: usize = 40;
/// Steps of resolving a whole file.
const MOST_STEPS: usize = 500_000;

/// What is known beside the file.
pub(super) struct Given {
    pub(super) stage: Option<String>,
    pub(super) region: Option<String>,
    pub(super) options: BTreeMap<String, String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) folder: PathBuf,
    pub(super) environment: fn(&str) -> Option<String>,
}

/// A file whose variables are put in.
pub(super) struct Resolved {
    pub(super) tree: Node,
    pub(super) stage: String,
    pub(super) region: String,
    /// The name of the stack that Serverless makes.
    pub(super) stack: String,
}

/// Puts in what can be known.
pub(super) fn resolve(tree: &Node, given: &Given) -> Result<Resolved, String> {
    let mut resolver = Resolver {
        root: tree,
        given,
        stage: given
            .stage
            .clone()
            .or_else(|| given.options.get("stage").cloned()),
        region: given
            .region
            .clone()
            .or_else(|| given.options.get("region").cloned()),
        left: Cell::new(MOST_STEPS),
    };
    let own = |resolver: &Resolver<'_>, key: &str, usual: &str| {
        let node = resolver.of_self(&format!("provider.{key}"), 0);
        let text = node.as_ref().and_then(Node::text);
        text.filter(|text| !text.contains("${"))
            .unwrap_or(usual)
            .to_owned()
    };
    let stage = match &resolver.stage {
        Some(stage) => stage.clone(),
        None => own(&resolver, "stage", "dev"),
    };
    resolver.stage.get_or_insert_with(|| stage.clone());
    let region = match &resolver.region {
        Some(region) => region.clone(),
        None => own(&resolver, "region", "us-east-1"),
    };
    let tree = resolver.node(tree, 0);
    if resolver.left.get() == 0 {
        return Err("its variables lead to more than any service needs".to_owned());
    }
    let service = tree.get("service");
    let service = service.and_then(|service| service.text().or(service.get("name")?.text()));
    let stack = format!("{}-{stage}", service.unwrap_or("service"));
    Ok(Resolved {
        tree,
        stage,
        region,
        stack,
    })
}

struct Resolver<'a> {
    root: &'a Node,
    given: &'a Given,
    /// The stage, once it is known.
    stage: Option<String>,
    region: Option<String>,
    left: Cell<usize>,
}

impl Resolver<'_> {
    /// Whether one more step may be made.
    fn goes_on(&self, level: usize) -> bool {
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        left > 0 && level < MOST_LEVELS
    }

    fn node(&self, node: &Node, level: usize) -> Node {
        if !self.goes_on(level) {
            return node.clone();
        }
        let data = match &node.data {
            Data::Null => Data::Null,
            Data::Scalar(text) if text.contains("${") => {
                return self.scalar(node.line, text, level);
            }
            Data::Scalar(text) => Data::Scalar(text.clone()),
            Data::List(list) => {
                Data::List(list.iter().map(|node| self.node(node, level)).collect())
            }
            Data::Map(entries) => Data::Map(
                entries
                    .iter()
                    .map(|entry| Entry {
                        key: entry.key.clone(),
                        line: entry.line,
                        value: self.node(&entry.value, level),
                    })
                    .collect(),
            ),
        };
        Node {
            line: node.line,
            data,
        }
    }

    /// A text with variables: a single one may stand for anything, several for text.
    fn scalar(&self, line: usize, text: &str, level: usize) -> Node {
        if let Some(inner) = whole_variable(text)
            && let Some(mut node) = self.variable(inner, level + 1)
        {
            node.line = line;
            return node;
        }
        Node::scalar(line, self.text(text, level))
    }

    /// A text with its variables put in, those that can't be known left as they are.
    fn text(&self, text: &str, level: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, variable) = rest.split_at(at);
            out.push_str(before);
            let Some(end) = end_of_variable(variable) else {
                rest = variable;
                break;
            };
            let value = self.variable(&variable[2..end], level + 1);
            match value.as_ref().and_then(Node::text) {
                Some(value) => out.push_str(value),
                None => out.push_str(&variable[..=end]),
            }
            rest = &variable[end + 1..];
        }
        out + rest
    }

    /// The first of a variable's sources that has a value.
    fn variable(&self, inner: &str, level: usize) -> Option<Node> {
        if !self.goes_on(level) {
            return None;
        }
        alternatives(inner)
            .into_iter()
            .find_map(|source| self.source(source.trim(), level))
    }

    fn source(&self, source: &str, level: usize) -> Option<Node> {
        if let Some(literal) = quoted(source) {
            return Some(Node::scalar(0, self.text(literal, level)));
        }
        if let Some(inner) = whole_variable(source) {
            return self.variable(inner, level + 1);
        }
        if source.starts_with("AWS::") {
            return None;
        }
        let source = self.text(source, level);
        if let Some(file) = source.strip_prefix("file(") {
            let (path, key) = file.split_once(')')?;
            return self.of_file(path.trim(), key.trim_start_matches(':'), level);
        }
        let Some((kind, key)) = source.split_once(':') else {
            let is_literal =
                matches!(source.as_str(), "true" | "false") || source.parse::<f64>().is_ok();
            return is_literal.then(|| Node::scalar(0, source));
        };
        let text = |text: Option<String>| text.map(|text| Node::scalar(0, text));
        match kind {
            "self" => self.of_self(key, level),
            "opt" => match key {
                "stage" => text(self.given.stage.clone().or_else(|| self.option(key))),
                "region" => text(self.given.region.clone().or_else(|| self.option(key))),
                _ => text(self.option(key)),
            },
            "env" => text((self.given.environment)(key)),
            "sls" if key == "stage" => text(self.stage.clone()),
            "aws" if key == "region" => {
                text(self.region.clone()).or_else(|| self.of_self("provider.region", level))
            }
            "param" => self.parameter(key, level),
            _ => None,
        }
    }

    fn option(&self, name: &str) -> Option<String> {
        self.given.options.get(name).cloned()
    }

    fn parameter(&self, name: &str, level: usize) -> Option<Node> {
        if let Some(value) = self.given.parameters.get(name) {
            return Some(Node::scalar(0, value.clone()));
        }
        let stage = self.stage.as_deref().unwrap_or("dev");
        let at = |stage: &str| self.root.at(&["params", stage, name]);
        at(stage)
            .or_else(|| at("default"))
            .map(|node| self.node(node, level + 1))
    }

    fn of_self(&self, path: &str, level: usize) -> Option<Node> {
        self.find(self.root, path, level)
    }

    /// What stands behind `a.b.0.c`, through variables on the way.
    fn find(&self, root: &Node, path: &str, level: usize) -> Option<Node> {
        let mut found = root.clone();
        for part in path.split('.').filter(|part| !part.is_empty()) {
            if !self.goes_on(level) {
                return None;
            }
            if let Some(text) = found.text().filter(|text| text.contains("${")) {
                found = self.scalar(found.line, text, level + 1);
            }
            found = match part.parse::<usize>() {
                Ok(index) if !found.list().is_empty() => found.list().get(index)?.clone(),
                _ => found.get(part)?.clone(),
            };
        }
        let found = self.node(&found, level + 1);
        (!found.is_null()).then_some(found)
    }

    /// A file beside this one, in YAML or JSON.
    fn of_file(&self, path: &str, key: &str, level: usize) -> Option<Node> {
        let path = Path::new(path);
        let kind = path.extension()?.to_str()?;
        if !matches!(kind, "yml" | "yaml" | "json") || path.is_absolute() {
            return None;
        }
        let text = super::read(&self.given.folder.join(path)).ok()?;
        self.find(&yaml::parse(&text).ok()?, key, level)
    }
}

/// The inside of a text that is one variable and nothing else.
fn whole_variable(text: &str) -> Option<&str> {
    let text = text.trim();
    let end = text.starts_with("${").then(|| end_of_variable(text))??;
    (end + 1 == text.len()).then(|| &text[2..end])
}

/// Where the variable ends that a text begins with: at the brace that fits.
fn end_of_variable(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The parts between commas, but for those within quotes, braces and parentheses.
fn alternatives(inner: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut open, mut quote) = (0, 0_i32, None);
    for (at, letter) in inner.char_indices() {
        match (quote, letter) {
            (Some(own), letter) if own == letter => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '{' | '(') => open += 1,
            (None, '}' | ')') => open -= 1,
            (None, ',') if open == 0 => {
                parts.push(&inner[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[begin..]);
    parts
}

fn quoted(text: &str) -> Option<&str> {
    ['\'', '"'].into_iter().find_map(|quote| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(folder: &Path) -> Given {
        Given {
            stage: None,
            region: None,
            options: [("color".to_owned(), "red".to_owned())].into(),
            parameters: [("host".to_owned(), "given.example".to_owned())].into(),
            folder: folder.to_owned(),
            environment: |name| (name == "HOME_PAGE").then(|| "home.example".to_owned()),
        }
    }

    #[test]
    fn variables_are_put_in_as_far_as_they_are_known() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("more.yml"),
            "dev:\n  domain: more.example\n",
        )
        .unwrap();
        let text = "
service: shop
provider: { stage: \"${opt:stage, 'dev'}\", region: \"${opt:region, self:custom.region}\" }
params: { default: { table: t }, dev: { table: d } }
custom:
  region: eu-west-1
  domains: { dev: dev.example, prod: example.com }
  list: [a, b]
  loop: ${self:custom.loop}
  more: ${file(more.yml)}
";
        for (variable, expected) in [
            ("${self:service}", "shop"),
            ("x-${self:service}-${sls:stage}", "x-shop-dev"),
            (
                "${self:custom.domains.${self:provider.stage}}",
                "dev.example",
            ),
            ("${opt:color}", "red"),
            ("${opt:size, 'a, b'}", "a, b"),
            ("${opt:size, self:custom.region}", "eu-west-1"),
            ("${opt:size, ${self:custom.none, \"c\"}}", "c"),
            ("${opt:size, true}", "true"),
            ("${self:custom.list.1}", "b"),
            ("${env:HOME_PAGE}", "home.example"),
            ("${env:NONE, ''}", ""),
            ("${param:host}", "given.example"),
            ("${param:table}", "d"),
            ("${file(more.yml):dev.domain}", "more.example"),
            ("${file(./more.yml):${sls:stage}.domain}", "more.example"),
            ("${self:custom.more.dev.domain}", "more.example"),
            ("${aws:region}", "eu-west-1"),
            // What can't be known here stays.
            ("${ssm:/a}", "${ssm:/a}"),
            ("${AWS::Region}", "${AWS::Region}"),
            ("${Bucket}/x", "${Bucket}/x"),
            ("${self:custom.loop}", "${self:custom.loop}"),
            ("${file(../../etc/passwd)}", "${file(../../etc/passwd)}"),
            ("${file(none.yml):a}", "${file(none.yml):a}"),
            ("${broken", "${broken"),
        ] {
            let tree = yaml::parse(&format!("{text}\nasked: {variable:?}\n")).unwrap();
            let resolved = resolve(&tree, &given(folder.path())).unwrap();
            let got = resolved.tree.get("asked").and_then(Node::text);
            assert_eq!(got, Some(expected), "{variable}");
            assert_eq!((&*resolved.stage, &*resolved.region), ("dev", "eu-west-1"));
        }
    }

    #[test]
    fn what_is_given_wins() {
        let tree =
            yaml::parse("provider: { stage: prod }\na: ${sls:stage} ${opt:stage, 'x'}").unwrap();
        let mut given = given(Path::new("."));
        assert_eq!(
            resolve(&tree, &given)
                .unwrap()
                .tree
                .get("a")
                .unwrap()
                .text(),
            Some("prod x")
        );
        given.stage = Some("test".to_owned());
        assert_eq!(
            resolve(&tree, &given)
                .unwrap()
                .tree
                .get("a")
                .unwrap()
                .text(),
            Some("test test")
        );
    }

    #[test]
    fn variables_that_make_more_of_each_other_come_to_an_end() {
        let mut text = "a0: xxxxxxxxxx\n".to_owned();
        for level in 1..30 {
            let before = level - 1;
            text.push_str(&format!(
                "a{level}: '${{self:a{before}}}${{self:a{before}}}'\n"
            ));
        }
        let tree = yaml::parse(&text).unwrap();
        assert!(resolve(&tree, &given(Path::new("."))).is_err());
    }
}
