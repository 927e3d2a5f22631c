//! Conditional requests (RFC 9110, section 13).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{self, HeaderName};

/// What distinguishes one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Validators {
    pub(super) etag: String,
    pub(super) modified: SystemTime,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They hold: answer as if there were none.
    Go,
    /// The client has it already: 304.
    NotModified,
    /// The client wanted another state of the file: 412.
    Failed,
}

impl Validators {
    /// Of a file's size, number and time of its last change.
    ///
    /// The tag is weak while the file may change again without its time doing so.
    pub(super) fn new(size: u64, inode: u64, modified: SystemTime, now: SystemTime) -> Self {
        let since_epoch = modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let settled = now
            .duration_since(modified)
            .is_ok_and(|age| age >= Duration::from_secs(2));
        let weak = if settled { "" } else { "W/" };
        let etag = format!("{weak}\"{:x}-{size:x}-{inode:x}\"", since_epoch.as_nanos());
        Self { etag, modified }
    }

    /// Looks at the conditions in the order of RFC 9110, section 13.2.2.
    pub(super) fn judge(&self, headers: &HeaderMap) -> Verdict {
        if let Some(tags) = list(headers, header::IF_MATCH) {
            if !self.any(&tags, strong) {
                return Verdict::Failed;
            }
        } else if date(headers, header::IF_UNMODIFIED_SINCE)
            .is_some_and(|date| self.modified_after(date))
        {
            return Verdict::Failed;
        }
        if let Some(tags) = list(headers, header::IF_NONE_MATCH) {
            if self.any(&tags, weak) {
                return Verdict::NotModified;
            }
        } else if date(headers, header::IF_MODIFIED_SINCE)
            .is_some_and(|date| !self.modified_after(date))
        {
            return Verdict::NotModified;
        }
        Verdict::Go
    }

    /// Whether a range may be given out, as far as `If-Range` says.
    pub(super) fn range_allowed(&self, headers: &HeaderMap) -> bool {
        let Some(condition) = headers.get(header::IF_RANGE) else {
            return true;
        };
        let Ok(condition) = condition.to_str() else {
            return false;
        };
        if condition.ends_with('"') {
            return strong(condition.trim(), &self.etag);
        }
        // A date is only as exact as a second, so it must be the very one, and not of this moment.
        let settled = !self.etag.starts_with("W/");
        settled
            && httpdate::parse_http_date(condition)
                .is_ok_and(|date| date == whole_seconds(self.modified))
    }

    fn any(&self, tags: &str, same: fn(&str, &str) -> bool) -> bool {
        tags.trim() == "*" || tags.split(',').any(|tag| same(tag.trim(), &self.etag))
    }

    fn modified_after(&self, date: SystemTime) -> bool {
        whole_seconds(self.modified) > date
    }
}

/// As `Last-Modified` can say it.
pub(super) fn whole_seconds(time: SystemTime) -> SystemTime {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn strong(a: &str, b: &str) -> bool {
    a == b && !a.starts_with("W/")
}

fn weak(a: &str, b: &str) -> bool {
    a.strip_prefix("W/").unwrap_or(a) == b.strip_prefix("W/").unwrap_or(b)
}

/// All lines of a header as one; our own tags have no comma, so the list can be split at any.
fn list(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

    fn seconds(n: u64) -> SystemTime {
        EPOCH + Duration::from_secs(n)
    }

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    const BEFORE: &str = "Thu, 01 Jan 1970 00:00:09 GMT";
    const AT: &str = "Thu, 01 Jan 1970 00:00:10 GMT";

    #[test]
    fn tags_are_weak_while_the_file_is_young() {
        let at = seconds(10);
        assert_eq!(
            Validators::new(5, 7, at, seconds(11)).etag,
            "W/\"2540be400-5-7\""
        );
        assert_eq!(
            Validators::new(5, 7, at, seconds(12)).etag,
            "\"2540be400-5-7\""
        );
        assert!(Validators::new(5, 7, at, seconds(9)).etag.starts_with("W/"));
    }

    #[test]
    fn conditions_are_judged_in_order() {
        use header::*;
        let file = Validators {
            etag: "\"a\"".into(),
            modified: seconds(10) + Duration::from_millis(500),
        };
        for (fields, expected) in [
            (vec![], Verdict::Go),
            (vec![(IF_NONE_MATCH, "\"a\"")], Verdict::NotModified),
            (vec![(IF_NONE_MATCH, "W/\"a\"")], Verdict::NotModified),
            (vec![(IF_NONE_MATCH, "\"b\", \"a\"")], Verdict::NotModified),
            (vec![(IF_NONE_MATCH, "*")], Verdict::NotModified),
            (vec![(IF_NONE_MATCH, "\"b\"")], Verdict::Go),
            (
                vec![(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, AT)],
                Verdict::Go,
            ),
            (vec![(IF_MODIFIED_SINCE, AT)], Verdict::NotModified),
            (vec![(IF_MODIFIED_SINCE, BEFORE)], Verdict::Go),
            (vec![(IF_MODIFIED_SINCE, "yesterday")], Verdict::Go),
            (vec![(IF_MATCH, "\"a\"")], Verdict::Go),
            (vec![(IF_MATCH, "*")], Verdict::Go),
            (vec![(IF_MATCH, "W/\"a\"")], Verdict::Failed),
            (vec![(IF_MATCH, "\"b\"")], Verdict::Failed),
            (vec![(IF_UNMODIFIED_SINCE, AT)], Verdict::Go),
            (vec![(IF_UNMODIFIED_SINCE, BEFORE)], Verdict::Failed),
            (
                vec![(IF_MATCH, "\"a\""), (IF_UNMODIFIED_SINCE, BEFORE)],
                Verdict::Go,
            ),
        ] {
            assert_eq!(file.judge(&headers(&fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn if_range_wants_exactly_this_state() {
        let file = Validators {
            etag: "\"a\"".into(),
            modified: seconds(10),
        };
        let young = Validators {
            etag: "W/\"a\"".into(),
            ..file.clone()
        };
        for (condition, expected) in [
            ("\"a\"", true),
            ("\"b\"", false),
            ("W/\"a\"", false),
            (AT, true),
            (BEFORE, false),
            ("soon", false),
        ] {
            let headers = headers(&[(header::IF_RANGE, condition)]);
            assert_eq!(file.range_allowed(&headers), expected, "{condition}");
            assert!(!young.range_allowed(&headers), "{condition}");
        }
        assert!(young.range_allowed(&HeaderMap::new()));
    }
}
