//! Routes by path.

use std::sync::Arc;

use ahash::AHashMap;
use rimward_config::{Conditions, PathPattern, Segment};

use super::conditions::{Asked, When};

/// The routes of one site by path: literal segments before parameters before prefixes, longest first.
pub struct Paths<R> {
    root: Node<R>,
}

struct Node<R> {
    literal: AHashMap<Box<str>, Self>,
    parameter: Option<Box<Self>>,
    exact: Vec<Candidate<R>>,
    prefix: Vec<Candidate<R>>,
}

struct Candidate<R> {
    when: When,
    names: Arc<[Arc<str>]>,
    route: R,
}

/// A route and what its parameters matched.
pub struct Matched<'r, 'p, R> {
    /// The route.
    pub route: &'r R,
    /// The parameters' names, in order of the path.
    pub names: &'r [Arc<str>],
    /// The segments they matched, as they stand in the path.
    pub values: Vec<&'p str>,
}

impl<R> Default for Paths<R> {
    fn default() -> Self {
        Self {
            root: Node::default(),
        }
    }
}

impl<R> Default for Node<R> {
    fn default() -> Self {
        Self {
            literal: AHashMap::new(),
            parameter: None,
            exact: Vec::new(),
            prefix: Vec::new(),
        }
    }
}

impl<R> Paths<R> {
    /// Adds a route. Of two with the same path, the one with more conditions is tried first, then the earlier one.
    pub fn insert(&mut self, path: &PathPattern, when: &Conditions, route: R) {
        let mut node = &mut self.root;
        let mut names = Vec::new();
        for segment in path.segments() {
            node = match segment {
                Segment::Literal(text) => node.literal.entry(text.as_str().into()).or_default(),
                Segment::Param(name) => {
                    names.push(name.clone());
                    node.parameter.get_or_insert_default()
                }
            };
        }
        let list = if path.rest() {
            &mut node.prefix
        } else {
            &mut node.exact
        };
        let candidate = Candidate {
            when: When::new(when),
            names: names.into(),
            route,
        };
        let place = list.partition_point(|other| other.when.count() >= candidate.when.count());
        list.insert(place, candidate);
    }

    /// Every route that a normalised path may take, whatever else it needs.
    pub fn all(&self, path: &str) -> Vec<&R> {
        let mut found = Vec::new();
        self.root.all(path.strip_prefix('/'), &mut found);
        found
    }

    /// Every route there is.
    pub fn every(&self) -> Vec<&R> {
        let mut found = Vec::new();
        self.root.every(&mut found);
        found
    }

    /// The most specific route of a normalised path whose conditions hold.
    pub fn find<'p>(&self, path: &'p str, asked: &Asked<'_>) -> Option<Matched<'_, 'p, R>> {
        let mut values = Vec::new();
        let candidate = self.root.find(path.strip_prefix('/'), asked, &mut values)?;
        Some(Matched {
            route: &candidate.route,
            names: &candidate.names,
            values,
        })
    }
}

impl<R> Node<R> {
    /// `rest` is what follows the slash after this node's own segment; `None` when the path ends with the segment.
    fn find<'p>(
        &self,
        rest: Option<&'p str>,
        asked: &Asked<'_>,
        values: &mut Vec<&'p str>,
    ) -> Option<&Candidate<R>> {
        let Some(rest) = rest else {
            return first(&self.exact, asked);
        };
        let (segment, below) = match rest.split_once('/') {
            Some((segment, below)) => (segment, Some(below)),
            None => (rest, None),
        };
        if let Some(node) = self.literal.get(segment)
            && let Some(found) = node.find(below, asked, values)
        {
            return Some(found);
        }
        if !segment.is_empty()
            && let Some(node) = &self.parameter
        {
            values.push(segment);
            if let Some(found) = node.find(below, asked, values) {
                return Some(found);
            }
            values.pop();
        }
        first(&self.prefix, asked)
    }

    fn every<'r>(&'r self, found: &mut Vec<&'r R>) {
        let here = self.exact.iter().chain(&self.prefix);
        found.extend(here.map(|candidate| &candidate.route));
        for node in self.literal.values().chain(self.parameter.as_deref()) {
            node.every(found);
        }
    }

    fn all<'r>(&'r self, rest: Option<&str>, found: &mut Vec<&'r R>) {
        let Some(rest) = rest else {
            found.extend(self.exact.iter().map(|candidate| &candidate.route));
            return;
        };
        let (segment, below) = match rest.split_once('/') {
            Some((segment, below)) => (segment, Some(below)),
            None => (rest, None),
        };
        let parameter = self.parameter.as_deref().filter(|_| !segment.is_empty());
        for node in self.literal.get(segment).into_iter().chain(parameter) {
            node.all(below, found);
        }
        found.extend(self.prefix.iter().map(|candidate| &candidate.route));
    }
}

fn first<'r, R>(list: &'r [Candidate<R>], asked: &Asked<'_>) -> Option<&'r Candidate<R>> {
    list.iter().find(|candidate| candidate.when.holds(asked))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    fn paths(routes: &[(&'static str, Conditions)]) -> Paths<&'static str> {
        let mut paths = Paths::default();
        for (path, when) in routes {
            paths.insert(&path.parse().unwrap(), when, *path);
        }
        paths
    }

    fn plain(routes: &[&'static str]) -> Paths<&'static str> {
        paths(
            &routes
                .iter()
                .map(|path| (*path, Conditions::default()))
                .collect::<Vec<_>>(),
        )
    }

    fn find<R: Copy>(
        paths: &Paths<R>,
        method: Method,
        target: &str,
        country: Option<[u8; 2]>,
    ) -> Option<(R, Vec<String>)> {
        let headers =
            HeaderMap::from_iter([("accept".parse().unwrap(), "text/html".parse().unwrap())]);
        let (path, query) = target
            .split_once('?')
            .map_or((target, None), |(path, query)| (path, Some(query)));
        let asked = Asked {
            method: &method,
            headers: &|| &headers,
            query,
            country: &|| country,
        };
        let matched = paths.find(path, &asked)?;
        let values = matched
            .names
            .iter()
            .zip(&matched.values)
            .map(|(name, value)| format!("{name}={value}"));
        Some((*matched.route, values.collect()))
    }

    #[test]
    fn the_most_specific_path_wins() {
        let paths = plain(&[
            "/*",
            "/",
            "/img/*",
            "/img/logo",
            "/img/{name}",
            "/u/{id}/posts",
            "/u/me/*",
            "/u/{id}/{what}",
        ]);
        for (path, route, values) in [
            ("/", "/", ""),
            ("/x", "/*", ""),
            ("/img", "/*", ""),
            ("/img/", "/img/*", ""),
            ("/img/logo", "/img/logo", ""),
            ("/img/logo/", "/img/*", ""),
            ("/img/cat", "/img/{name}", "name=cat"),
            ("/img/a/b", "/img/*", ""),
            ("/u/7/posts", "/u/{id}/posts", "id=7"),
            ("/u/7/likes", "/u/{id}/{what}", "id=7,what=likes"),
            ("/u/me/posts", "/u/me/*", ""),
            ("/u/7/posts/1", "/*", ""),
            ("/u//posts", "/*", ""),
        ] {
            let found = find(&paths, Method::GET, path, None)
                .map(|(route, values)| (route, values.join(",")));
            assert_eq!(found, Some((route, values.to_owned())), "{path}");
        }
    }

    #[test]
    fn a_route_whose_conditions_fail_leaves_the_request_to_the_next() {
        let when = |change: fn(&mut Conditions)| {
            let mut when = Conditions::default();
            change(&mut when);
            when
        };
        let mut paths = Paths::default();
        for (when, name) in [
            (Conditions::default(), "any"),
            (when(|when| when.methods = vec!["POST".into()]), "post"),
            (
                when(|when| when.query = vec![("v".into(), Some("2".into()))]),
                "v2",
            ),
            (when(|when| when.countries = vec!["DE".into()]), "german"),
            (
                when(|when| when.headers = vec![("accept".into(), Some("image/avif".into()))]),
                "avif",
            ),
        ] {
            paths.insert(&"/a".parse().unwrap(), &when, name);
        }
        let post_only = when(|when| when.methods = vec!["POST".into()]);
        paths.insert(&"/b/c".parse().unwrap(), &post_only, "post below");
        paths.insert(&"/b/*".parse().unwrap(), &Conditions::default(), "below");
        for (method, target, country, route) in [
            (Method::GET, "/a", None, Some("any")),
            (Method::POST, "/a", None, Some("post")),
            (Method::GET, "/a?x=1&v=2", None, Some("v2")),
            (Method::GET, "/a?v=22", None, Some("any")),
            (Method::GET, "/a", Some(*b"DE"), Some("german")),
            (Method::GET, "/a", Some(*b"FR"), Some("any")),
            (Method::POST, "/b/c", None, Some("post below")),
            (Method::GET, "/b/c", None, Some("below")),
            (Method::GET, "/c", None, None),
        ] {
            let found = find(&paths, method.clone(), target, country).map(|(route, _)| route);
            assert_eq!(found, route, "{method} {target}");
        }
    }
}
