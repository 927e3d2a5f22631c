//! CloudFront's path patterns as paths of routes.

use rimward_config::PathPattern;

/// Paths for a pattern, and whether they are for others than the pattern as well or for fewer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) paths: Vec<String>,
    pub(super) differs: Option<String>,
}

/// The paths of routes that a pattern stands for.
///
/// # Errors
/// With why there are none.
pub(super) fn of_pattern(pattern: &str) -> Result<Paths, String> {
    let path = format!("/{}", pattern.trim_start_matches('/'));
    if path.contains('?') {
        return Err("a route's path has no `?` for any letter".to_owned());
    }
    let (mut folder, last) = path.rsplit_once('/').unwrap_or(("", ""));
    let mut differs = None;
    let named;
    if folder.split('/').any(|segment| segment == "*") {
        differs = Some("a `*` that is a segment stands for one segment, where CloudFront's stands for any number".to_owned());
        named = parameters(folder);
        folder = &named;
    }
    if folder.contains('*') {
        return Err("a `*` can't be a part of a segment in the middle of a path".to_owned());
    }
    let paths = match last.split_once('*') {
        None | Some(("", "")) => vec![format!("{folder}/{last}")],
        Some((begin, "")) => {
            differs = Some(format!(
                "it became `{begin}` and all below it, where CloudFront takes what begins with `{begin}` too"
            ));
            vec![format!("{folder}/{begin}"), format!("{folder}/{begin}/*")]
        }
        Some(_) => {
            return Err("routes go by the beginning of a path, not by its end".to_owned());
        }
    };
    for path in &paths {
        path.parse::<PathPattern>()
            .map_err(|error| error.to_string())?;
    }
    Ok(Paths { paths, differs })
}

fn parameters(folder: &str) -> String {
    let mut number = 0;
    let segment = |segment: &str| match segment {
        "*" => {
            number += 1;
            format!("{{part{number}}}")
        }
        other => other.to_owned(),
    };
    folder.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_paths_where_they_can() {
        for (pattern, expected, is_exact) in [
            ("*", Some(&["/*"][..]), true),
            ("/*", Some(&["/*"]), true),
            ("/a/b", Some(&["/a/b"]), true),
            ("a/b.html", Some(&["/a/b.html"]), true),
            ("/images/*", Some(&["/images/*"]), true),
            ("/docs*", Some(&["/docs", "/docs/*"]), false),
            ("/api/v1*", Some(&["/api/v1", "/api/v1/*"]), false),
            ("/user/*/posts", Some(&["/user/{part1}/posts"]), false),
            ("/*/a/*/b/*", Some(&["/{part1}/a/{part2}/b/*"]), false),
            ("*.jpg", None, false),
            ("/images/*.jpg", None, false),
            ("/a?c", None, false),
            ("/a*b/c", None, false),
            ("/a b", None, false),
            ("/a//b", None, false),
        ] {
            let got = of_pattern(pattern);
            match expected {
                Some(paths) => {
                    let got = got.unwrap();
                    assert_eq!(got.paths, paths, "{pattern}");
                    assert_eq!(got.differs.is_none(), is_exact, "{pattern}");
                }
                None => assert!(got.is_err(), "{pattern}: {got:?}"),
            }
        }
    }
}
