//! Distributions of CloudFront, as resources have them.

use super::caching::{self, texts};
use super::cloudformation::Template;
use super::notes::Notes;
use super::places::Place;
use super::plan::{Cache, Event};
use super::yaml::{Entry, Node};

/// All methods that CloudFront knows.
const METHODS: usize = 7;

/// A distribution.
#[derive(Debug, Default)]
pub(super) struct Distribution {
    /// Its name in `resources`, or its number at AWS.
    pub(super) name: String,
    pub(super) hosts: Vec<String>,
    pub(super) places: Vec<Place>,
    pub(super) behaviors: Vec<Behavior>,
    /// The object that stands for the root.
    pub(super) root: Option<String>,
    /// Whether all that is known of it is that functions belong to it.
    pub(super) is_elsewhere: bool,
}

/// How requests are treated whose path fits a pattern.
#[derive(Debug, Default)]
pub(super) struct Behavior {
    /// `None` is for all others.
    pub(super) pattern: Option<String>,
    pub(super) line: usize,
    /// The origin's number in the distribution.
    pub(super) place: Option<String>,
    pub(super) cache: Cache,
    pub(super) is_compressed: bool,
    pub(super) is_host_forwarded: bool,
    /// Those that are taken; `None` for all.
    pub(super) methods: Option<Vec<String>>,
    /// Names of filters.
    pub(super) handlers: Vec<(Event, String)>,
    /// Functions by what the template calls them, until they are found.
    pub(super) wanted: Vec<Wanted>,
}

/// A function that a behavior names itself.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) line: usize,
    pub(super) event: Option<Event>,
    pub(super) include_body: bool,
    /// What names its version: `{ Ref: AuthLambdaVersion }`, or a text.
    pub(super) function: String,
}

impl Distribution {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The behavior of a pattern, made if it is not there.
    pub(super) fn behavior(&mut self, pattern: Option<&str>, line: usize) -> &mut Behavior {
        let pattern = pattern.filter(|pattern| !matches!(*pattern, "*" | "/*"));
        let same = |behavior: &Behavior| {
            let own = behavior
                .pattern
                .as_deref()
                .map(|own| own.trim_start_matches('/'));
            own == pattern.map(|pattern| pattern.trim_start_matches('/'))
        };
        let index = match self.behaviors.iter().position(same) {
            Some(index) => index,
            None => {
                self.behaviors.push(Behavior {
                    pattern: pattern.map(str::to_owned),
                    line,
                    ..Behavior::default()
                });
                self.behaviors.len() - 1
            }
        };
        &mut self.behaviors[index]
    }

    /// The number of an origin, which is added if it is not there.
    pub(super) fn add_place(&mut self, place: Place) -> String {
        if let Some(same) = self
            .places
            .iter()
            .find(|own| own.kind == place.kind && own.path == place.path)
        {
            return same.id.clone();
        }
        let id = place.id.clone();
        self.places.push(place);
        id
    }
}

/// The distributions that `resources` has.
pub(super) fn of_resources(template: &Template<'_>, notes: &mut Notes) -> Vec<Distribution> {
    template
        .resources("AWS::CloudFront::Distribution")
        .filter_map(|entry| of_resource(entry, template, notes))
        .collect()
}

fn of_resource(entry: &Entry, template: &Template<'_>, notes: &mut Notes) -> Option<Distribution> {
    let config = entry.value.at(&["Properties", "DistributionConfig"])?;
    let mut distribution = Distribution::named(&entry.key);
    for alias in config.get("Aliases").map_or(&[][..], Node::list) {
        match template.text(alias) {
            Ok(host) => distribution.hosts.push(host),
            Err(why) => notes.tell(alias.line, format!("an alias is left out: {why}")),
        }
    }
    for origin in config.get("Origins").map_or(&[][..], Node::list) {
        match Place::of_node(origin, template, notes) {
            Ok(place) => distribution.places.push(place),
            Err(why) => notes.tell(origin.line, format!("an origin is left out: {why}")),
        }
    }
    let root = config
        .get("DefaultRootObject")
        .map(|root| template.text(root));
    distribution.root = root.and_then(Result::ok).filter(|root| !root.is_empty());
    if let Some(behavior) = config.get("DefaultCacheBehavior") {
        distribution
            .behaviors
            .push(behavior_of(behavior, None, template, notes));
    }
    for behavior in config.get("CacheBehaviors").map_or(&[][..], Node::list) {
        match behavior.get("PathPattern").and_then(Node::text) {
            Some(pattern) => {
                let pattern = Some(pattern.to_owned());
                distribution
                    .behaviors
                    .push(behavior_of(behavior, pattern, template, notes));
            }
            None => notes.tell(
                behavior.line,
                "a behavior without `PathPattern` is left out",
            ),
        }
    }
    tell_of_the_rest(config, notes);
    Some(distribution)
}

/// A behavior as CloudFormation has it.
pub(super) fn behavior_of(
    node: &Node,
    pattern: Option<String>,
    template: &Template<'_>,
    notes: &mut Notes,
) -> Behavior {
    let mut behavior = Behavior {
        pattern,
        line: node.line,
        place: node
            .get("TargetOriginId")
            .and_then(Node::text)
            .map(str::to_owned),
        ..Behavior::default()
    };
    add_to(&mut behavior, node, template, notes);
    for function in node
        .get("LambdaFunctionAssociations")
        .map_or(&[][..], Node::list)
    {
        behavior.wanted.push(Wanted {
            line: function.line,
            event: function
                .get("EventType")
                .and_then(Node::text)
                .and_then(Event::find),
            include_body: function.get("IncludeBody").is_some_and(Node::is_true),
            function: function
                .get("LambdaFunctionARN")
                .map(named_in)
                .unwrap_or_default(),
        });
    }
    behavior
}

/// What a behavior's table says beside origin and functions.
pub(super) fn add_to(
    behavior: &mut Behavior,
    node: &Node,
    template: &Template<'_>,
    notes: &mut Notes,
) {
    behavior.cache = caching::of_behavior(node, template, notes);
    behavior.is_compressed = node.get("Compress").is_some_and(Node::is_true);
    behavior.is_host_forwarded = caching::forwards_host(node);
    let methods = node.get("AllowedMethods").map(texts);
    let methods = methods.unwrap_or_else(|| vec!["GET".to_owned(), "HEAD".to_owned()]);
    behavior.methods = (methods.len() < METHODS).then_some(methods);
    for (key, what) in [
        (
            "FunctionAssociations",
            "a CloudFront Function is left out: `docs/guests/moving.md` tells what it corresponds to",
        ),
        (
            "TrustedKeyGroups",
            "signed URLs are left out: the filter `signed_url` checks them, with the table `cloudfront`",
        ),
        (
            "TrustedSigners",
            "signed URLs are left out: the filter `signed_url` checks them, with the table `cloudfront`",
        ),
        (
            "FieldLevelEncryptionId",
            "field-level encryption is left out: there is none here",
        ),
        (
            "ResponseHeadersPolicyId",
            "the response headers policy is left out: the filters `headers`, `cors` and `security_headers` do what it did",
        ),
        (
            "RealtimeLogConfigArn",
            "real-time logs are left out: `[log] access` is where requests are logged",
        ),
    ] {
        if let Some(entry) = node.entry(key).filter(|entry| is_given(&entry.value)) {
            notes.tell(entry.line, what);
        }
    }
    let policy = node.entry("ViewerProtocolPolicy");
    if let Some(entry) = policy
        && matches!(entry.value.text(), Some("redirect-to-https" | "https-only"))
    {
        notes.tell_once(
            entry.line,
            "clients are sent to `https` by the listener here: set `redirect_to_https` of the one for port 80",
        );
    }
}

fn is_given(node: &Node) -> bool {
    !node.is_null()
        && node.text() != Some("")
        && (node.text().is_some() || !node.list().is_empty() || !node.entries().is_empty())
}

/// Every name within a reference to a function.
fn named_in(node: &Node) -> String {
    let mut names: Vec<String> = node.text().map(str::to_owned).into_iter().collect();
    names.extend(node.list().iter().map(named_in));
    names.extend(node.entries().iter().map(|entry| named_in(&entry.value)));
    names.join(" ")
}

fn tell_of_the_rest(config: &Node, notes: &mut Notes) {
    for (key, what) in [
        (
            "CustomErrorResponses",
            "error pages are left out: the filter `error_pages` shows them, with `origin` and `path`",
        ),
        (
            "OriginGroups",
            "origin groups are left out: `servers` of one origin and `retries`, or the filter `migrate`, do what they did",
        ),
        (
            "Logging",
            "`Logging` is left out: `[log] access` is where requests are logged",
        ),
        (
            "WebACLId",
            "the web ACL is left out: `ip_access`, `rate_limit` and `request_limits` do a part of what it did",
        ),
        (
            "Restrictions",
            "restrictions by country are left out: the filter `geo` refuses by country, with a section `[geoip]`",
        ),
    ] {
        let entry = config.entry(key).filter(|entry| is_given(&entry.value));
        if let Some(entry) = entry.filter(|entry| !is_no_restriction(&entry.value)) {
            notes.tell(entry.line, what);
        }
    }
    let certificate = config.entry("ViewerCertificate");
    if let Some(entry) = certificate
        && entry.value.get("CloudFrontDefaultCertificate").is_none()
    {
        notes.tell(
            entry.line,
            "the certificate is left out: the listener's `tls.certificates` names files",
        );
    }
}

fn is_no_restriction(node: &Node) -> bool {
    let kind = node.at(&["GeoRestriction", "RestrictionType"]);
    kind.and_then(Node::text) == Some("none")
}
