//! What came of a test beside what had to.

use std::collections::BTreeMap;

use http::HeaderMap;
use rimward_filters::Exchange;
use rimward_filters::wasm::logs::Message;

use super::case::{Expect, ExpectedRequest, ExpectedResponse, Fields, Kept};
use super::stage::Stage;
use super::walk::{Outcome, Sent, Told};

/// Something that is not as it has to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What, such as `answer.status`.
    place: String,
    expected: String,
    got: String,
}

impl Difference {
    /// In lines, as a terminal shows it.
    pub(super) fn lines(&self) -> String {
        let Self {
            place,
            expected,
            got,
        } = self;
        format!("    {place}\n        expected {expected}\n             got {got}\n")
    }
}

/// All that came of a test.
pub(super) struct Came<'a> {
    pub(super) filter: &'a str,
    pub(super) outcome: &'a Outcome,
    pub(super) exchange: &'a Exchange,
    pub(super) stage: &'a Stage,
    pub(super) log: &'a [Message],
}

/// What is not as it has to be.
pub(super) fn differences(expect: &Expect, came: &Came<'_>) -> Vec<Difference> {
    let mut found = Findings::default();
    found.error(expect.error.as_deref(), came.outcome.error.as_deref());
    found.answer(expect, came.outcome);
    if let Some(request) = &expect.request {
        found.request(request, came.outcome.request.as_ref());
    }
    if let Some(response) = &expect.response {
        found.response("response", response, came.outcome.response.as_ref());
    }
    if let Some(origin) = &expect.origin {
        let chosen = &came.exchange.chosen;
        let elsewhere = chosen.elsewhere.as_ref().map(|host| host.authority());
        let named = chosen.origin.as_ref();
        let named = named.map(|choice| came.stage.origin(choice.origin));
        let chosen = elsewhere.as_deref().or(named);
        found.text("origin", origin, chosen, "none was chosen");
    }
    found.key(&expect.cache_key, came);
    found.fields(&expect.fields, came.exchange);
    found.stores(&expect.kv, came.stage);
    found.log(&expect.log, came.log);
    found.0
}

#[derive(Default)]
struct Findings(Vec<Difference>);

impl Findings {
    fn add(&mut self, place: &str, expected: impl Into<String>, got: impl Into<String>) {
        self.0.push(Difference {
            place: place.to_owned(),
            expected: expected.into(),
            got: got.into(),
        });
    }

    fn text(&mut self, place: &str, expected: &str, got: Option<&str>, nothing: &str) {
        if got != Some(expected) {
            let (expected, got) = match got {
                Some(got) => shown(expected, got),
                None => (format!("{expected:?}"), nothing.to_owned()),
            };
            self.add(place, expected, got);
        }
    }

    fn error(&mut self, expected: Option<&str>, got: Option<&str>) {
        match (expected, got) {
            (None, None) => {}
            (None, Some(got)) => self.add("error", "none", got),
            (Some(expected), None) => self.add("error", format!("{expected:?} in it"), "none"),
            (Some(expected), Some(got)) if got.contains(expected) => {}
            (Some(expected), Some(got)) => self.add("error", format!("{expected:?} in it"), got),
        }
    }

    fn answer(&mut self, expect: &Expect, outcome: &Outcome) {
        match (&expect.answer, &outcome.answer) {
            (None, Some(told)) => self.add("answer", "none", summary(told)),
            (Some(expected), Some(told)) => self.response("answer", expected, Some(told)),
            // Then there can be none.
            (Some(_), None) if outcome.error.is_some() => {}
            (Some(_), None) => self.add("answer", "one", "the request went to the origin"),
            (None, None) => {}
        }
    }

    fn request(&mut self, expected: &ExpectedRequest, sent: Option<&Sent>) {
        let Some(Sent { head, body }) = sent else {
            return self.add("request", "one to the origin", "nothing went there");
        };
        if let Some(method) = &expected.method {
            self.text("request.method", method, Some(head.method.as_str()), "");
        }
        if let Some(uri) = &expected.uri {
            self.text("request.uri", uri, Some(&head.uri.to_string()), "");
        }
        self.headers("request", &expected.headers, &head.headers);
        if let Some(wanted) = &expected.body {
            self.text(
                "request.body",
                wanted,
                Some(&String::from_utf8_lossy(body)),
                "",
            );
        }
    }

    fn response(&mut self, place: &str, expected: &ExpectedResponse, told: Option<&Told>) {
        let Some(told) = told else {
            return self.add(place, "one to the client", "none was sent");
        };
        if let Some(status) = expected.status.filter(|status| *status != told.status) {
            let place = format!("{place}.status");
            self.add(&place, status.to_string(), told.status.to_string());
        }
        self.headers(place, &expected.headers, &told.headers);
        if let Some(body) = &expected.body {
            let got = String::from_utf8_lossy(&told.body);
            self.text(&format!("{place}.body"), body, Some(&got), "");
        }
    }

    fn headers(&mut self, place: &str, expected: &Fields, got: &HeaderMap) {
        for (name, values) in &expected.0 {
            let wanted = values.list();
            let had = got.get_all(name.to_ascii_lowercase()).iter();
            let had: Vec<_> = had
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            if had != wanted {
                let place = format!("{place}.headers.{name}");
                self.add(&place, list(&wanted), list(&had));
            }
        }
    }

    fn key(&mut self, expected: &BTreeMap<String, String>, came: &Came<'_>) {
        for (label, value) in expected {
            let name = format!("{}:{label}", came.filter);
            let mut parts = came.exchange.chosen.key_parts.iter();
            let part = parts.find(|part| *part.filter == *name);
            let got = part.map(|part| &*part.value);
            self.text(&format!("cache_key.{label}"), value, got, "no such part");
        }
    }

    fn fields(&mut self, expected: &BTreeMap<String, String>, exchange: &Exchange) {
        for (name, value) in expected {
            let mut fields = exchange.log.iter().rev();
            let got = fields.find(|(field, _)| field == name);
            let got = got.map(|(_, value)| value.as_str());
            self.text(&format!("fields.{name}"), value, got, "no such field");
        }
    }

    fn stores(&mut self, expected: &BTreeMap<String, BTreeMap<String, Kept>>, stage: &Stage) {
        for (name, entries) in expected {
            let Some(store) = stage.stores.get(name.as_str()) else {
                self.add(&format!("kv.{name}"), "a store", "the test's `kv` has none");
                continue;
            };
            for (key, kept) in entries {
                let place = format!("kv.{name}.{key}");
                let got = match store.get(key) {
                    Ok(entry) => {
                        entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned())
                    }
                    Err(error) => {
                        self.add(&place, "an entry", error.to_string());
                        continue;
                    }
                };
                match kept {
                    Kept::Value(value) => self.text(&place, value, got.as_deref(), "nothing"),
                    Kept::Nothing => {
                        if let Some(got) = got {
                            self.add(&place, "nothing", format!("{got:?}"));
                        }
                    }
                }
            }
        }
    }

    /// Each text has to be in a line behind that of the one before.
    fn log(&mut self, expected: &[String], log: &[Message]) {
        let mut lines = log.iter();
        for text in expected {
            if !lines.any(|line| line.text.contains(text.as_str())) {
                let texts: Vec<_> = log.iter().map(|line| &line.text).collect();
                self.add("log", format!("a line with {text:?}"), list(&texts));
                return;
            }
        }
    }
}

fn summary(told: &Told) -> String {
    format!("{} {:?}", told.status, String::from_utf8_lossy(&told.body))
}

fn list<T: std::fmt::Debug>(items: &[T]) -> String {
    match items {
        [] => "none".to_owned(),
        [item] => format!("{item:?}"),
        items => format!("{items:?}"),
    }
}

/// Two texts; of long ones, the first line that differs.
fn shown(expected: &str, got: &str) -> (String, String) {
    if expected.lines().count() <= 1 && got.lines().count() <= 1 {
        return (format!("{expected:?}"), format!("{got:?}"));
    }
    let (mut ours, mut theirs) = (expected.split('\n'), got.split('\n'));
    for number in 1.. {
        let (one, other) = (ours.next(), theirs.next());
        if one != other || one.is_none() {
            let told = |line: Option<&str>| match line {
                Some(line) => format!("line {number}: {line:?}"),
                None => format!("no line {number}"),
            };
            return (told(one), told(other));
        }
    }
    (format!("{expected:?}"), format!("{got:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_texts_the_line_that_differs_is_shown() {
        for (expected, got, told) in [
            ("a", "b", ("\"a\"", "\"b\"")),
            ("a\nb\nc", "a\nx\nc", ("line 2: \"b\"", "line 2: \"x\"")),
            ("a\nb", "a", ("line 2: \"b\"", "no line 2")),
        ] {
            let (one, other) = shown(expected, got);
            assert_eq!((&*one, &*other), told);
        }
    }

    #[test]
    fn errors_and_headers_are_compared() {
        let mut found = Findings::default();
        found.error(None, None);
        found.error(Some("`from`"), Some("it says: `from` is missing"));
        let mut headers = HeaderMap::new();
        headers.insert("a", http::HeaderValue::from_static("1"));
        let expected: Fields = toml::from_str("a = \"1\"\nb = []").unwrap();
        found.headers("response", &expected, &headers);
        assert!(found.0.is_empty(), "{:?}", found.0);

        found.error(None, Some("it failed"));
        found.error(Some("x"), None);
        let expected: Fields = toml::from_str("A = [\"1\", \"2\"]\nb = \"2\"").unwrap();
        found.headers("response", &expected, &headers);
        let told: String = found.0.iter().map(Difference::lines).collect();
        for line in [
            "expected none\n             got it failed",
            "expected \"x\" in it\n             got none",
            "response.headers.A\n        expected [\"1\", \"2\"]\n             got \"1\"",
            "response.headers.b\n        expected \"2\"\n             got none",
        ] {
            assert!(told.contains(line), "{told}");
        }
    }
}
