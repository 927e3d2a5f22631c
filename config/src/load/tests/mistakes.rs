//! What is said of each mistake: `mistakes.md` has the files, and exactly what the operator sees.

use super::{LEAST, told};

const MISTAKES: &str = include_str!("mistakes.md");

/// A title, a file and what is said of it.
fn cases() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    MISTAKES.split("\n## ").skip(1).map(|case| {
        let (title, rest) = case
            .split_once("\n\n```toml\n")
            .expect("a title and a file");
        let (file, rest) = rest.split_once("```\n\n```text\n").expect("what is said");
        (title, file, rest.split_once("\n```\n").expect("an end").0)
    })
}

#[test]
fn each_mistake_is_told_as_it_is_written() {
    for (title, file, expected) in cases() {
        let has_listener = file.contains("[[listen]]") || title == "No listener";
        let text = if has_listener {
            file.to_owned()
        } else {
            format!("{file}{LEAST}")
        };
        assert_eq!(told(&text), expected, "{title}");
    }
    assert!(cases().count() > 90);
}

#[test]
fn five_mistakes_are_told_at_once() {
    let (_, file, _) = cases()
        .find(|(title, ..)| *title == "Five mistakes in one file")
        .expect("the case");
    let problems = crate::parse(file, "pop.toml").map(|_| ()).unwrap_err();
    let lines: Vec<usize> = problems
        .0
        .iter()
        .filter_map(|problem| Some(problem.location.as_ref()?.line))
        .collect();
    assert_eq!(lines, [2, 5, 8, 11, 13]);
}

#[test]
fn problems_beyond_the_hundredth_are_counted() {
    let routes = "[[site.route]]\npath = \"a\"\n".repeat(300);
    let unknown: String = (0..300)
        .map(|number| format!("[[site]]\nhost = \"a{number}.com\"\norigin = \"x\"\n"))
        .collect();
    let told_paths = told(&format!("{LEAST}[[site]]\nhost = \"a\"\n{routes}"));
    assert_eq!(told_paths.matches("is not a path").count(), 100);
    assert!(
        told_paths.contains("`pop.toml` has more problems than 100"),
        "{told_paths}"
    );
    let told = told(&format!("{LEAST}{unknown}"));
    assert_eq!(told.matches("there is no origin `x`").count(), 100);
    assert!(told.ends_with("200 more problems are not shown"), "{told}");
}
