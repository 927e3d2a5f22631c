//! Whether a route can ever be taken.

use std::collections::HashMap;

use crate::config::{Conditions, Route};
use crate::path::Segment;
use crate::problem::Problem;
use crate::source::Source;

/// Tells of routes that another one always hides.
///
/// Of routes for the same paths the one with more conditions is asked first, then the one written first.
pub(crate) fn check(routes: &[(Route, Source)], problems: &mut Vec<Problem>) {
    let mut by_paths: HashMap<Paths<'_>, Vec<(usize, &Route)>> = HashMap::new();
    for (at, (route, _)) in routes.iter().enumerate() {
        by_paths.entry(paths(route)).or_default().push((at, route));
    }
    for same in by_paths.values().filter(|same| same.len() > 1) {
        for &(at, route) in same {
            let hiding = same.iter().find(|(other_at, other)| {
                let (count, other_count) = (number(&route.when), number(&other.when));
                let is_asked_first =
                    other_count > count || (other_count == count && *other_at < at);
                is_asked_first && covers(&other.when, &route.when)
            });
            if let Some(&(other_at, other)) = hiding {
                problems.push(hidden(&routes[at].1, route, other, &routes[other_at].1));
            }
        }
    }
}

fn hidden(source: &Source, route: &Route, other: &Route, other_source: &Source) -> Problem {
    let what = match other.when == route.when {
        true => "is the same as",
        false => "is never taken: it is hidden by",
    };
    let message = format!(
        "this route {what} the one for `{}` at {}",
        other.path,
        other_source.place()
    );
    source
        .problem("path", message)
        .with_help("leave one out, or give them other conditions")
}

/// The segments of a path, where parameters have no name, and whether more may follow.
type Paths<'a> = (Vec<Option<&'a str>>, bool);

fn paths(route: &Route) -> Paths<'_> {
    let segments = route.path.segments().iter().map(|segment| match segment {
        Segment::Literal(text) => Some(text.as_str()),
        Segment::Param(_) => None,
    });
    (segments.collect(), route.path.rest())
}

/// How many conditions a route has.
fn number(when: &Conditions) -> usize {
    usize::from(!when.methods.is_empty())
        + when.headers.len()
        + when.query.len()
        + usize::from(!when.countries.is_empty())
}

/// Whether every request that meets `narrow` meets `wide` as well.
fn covers(wide: &Conditions, narrow: &Conditions) -> bool {
    covers_words(&wide.methods, &narrow.methods)
        && covers_words(&wide.countries, &narrow.countries)
        && covers_pairs(&wide.headers, &narrow.headers)
        && covers_pairs(&wide.query, &narrow.query)
}

fn covers_words(wide: &[String], narrow: &[String]) -> bool {
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|word| wide.contains(word)))
}

fn covers_pairs(wide: &[(String, Option<String>)], narrow: &[(String, Option<String>)]) -> bool {
    wide.iter().all(|(name, value)| {
        narrow
            .iter()
            .any(|(other, other_value)| name == other && (value.is_none() || value == other_value))
    })
}
