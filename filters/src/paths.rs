//! Which paths a pattern is for.

use rimward_config::{PathPattern, Segment};

/// Whether one of the patterns is for a path in normal form.
pub(crate) fn any_is_for(patterns: &[PathPattern], path: &str) -> bool {
    patterns.iter().any(|pattern| is_for(pattern, path))
}

fn is_for(pattern: &PathPattern, path: &str) -> bool {
    let mut found = path.strip_prefix('/').unwrap_or(path).split('/');
    let begins_so = pattern.segments().iter().all(|wanted| {
        found.next().is_some_and(|found| match wanted {
            Segment::Literal(text) => text == found,
            Segment::Param(_) => !found.is_empty(),
        })
    });
    begins_so && found.next().is_some() == pattern.rest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_what_a_route_would_be_for() {
        for (pattern, path, expected) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/*", "/", true),
            ("/*", "/a/b", true),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a", "/ab", false),
            ("/a/*", "/a", false),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/ab/c", false),
            ("/user/{id}", "/user/7", true),
            ("/user/{id}", "/user/", false),
            ("/user/{id}", "/user/7/posts", false),
            ("/user/{id}/*", "/user/7/posts", true),
        ] {
            let pattern: PathPattern = pattern.parse().unwrap();
            assert_eq!(is_for(&pattern, path), expected, "{pattern} {path}");
        }
    }
}
