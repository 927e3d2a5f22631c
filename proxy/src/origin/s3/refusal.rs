//! What it means that a bucket does not give what it was asked for: to the client, and to the operator.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use super::S3;

/// A difference of clocks that is worth telling; S3 takes requests that are off by a quarter of an hour.
const SKEW: Duration = Duration::from_secs(5 * 60);
/// The longest code that is believed to be one.
const LONGEST_CODE: usize = 64;

/// What becomes of an answer that is no object.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status that the client gets.
    pub status: u16,
    /// What the operator is told, unless it is nothing that needs one.
    pub fault: Option<String>,
    /// Whether the edge was refused rather than the client: the origin has failed then.
    pub failed: bool,
}

/// The code in the body of an error (`<Error><Code>NoSuchKey</Code>…`).
pub(in crate::origin) fn code(body: &[u8]) -> Option<&str> {
    let find = |text: &[u8], part: &[u8]| memchr::memmem::find(text, part);
    let rest = &body[find(body, b"<Code>")? + b"<Code>".len()..];
    let code = &rest[..find(rest, b"</Code>")?];
    let is_code =
        (1..=LONGEST_CODE).contains(&code.len()) && code.iter().all(u8::is_ascii_alphanumeric);
    std::str::from_utf8(code).ok().filter(|_| is_code)
}

impl S3 {
    /// What becomes of a bucket's answer; `None` when it goes on as it is. `code` is that of its body, where it is known.
    pub fn refusal(
        &self,
        reads: bool,
        status: StatusCode,
        headers: &HeaderMap,
        code: Option<&str>,
    ) -> Option<Refusal> {
        if status.is_informational() || status.is_success() || status == StatusCode::NOT_MODIFIED {
            return None;
        }
        let reason = Reason {
            status,
            headers,
            code,
            bucket: &self.settings.bucket,
        };
        let passed = |status| {
            Some(Refusal {
                status,
                fault: None,
                failed: false,
            })
        };
        let gives = !reads || !self.settings.query.is_empty();
        match (status.as_u16(), code) {
            (_, Some("NoSuchBucket")) => Some(reason.failed()),
            (404, _) => passed(404),
            (403, Some(code)) if is_of_the_edge(code) => Some(reason.failed()),
            // A bucket whose keys may not list it says so of every missing object.
            (403, _) if self.settings.denied == 404 => passed(404),
            (403, _) => Some(Refusal {
                status: 403,
                fault: Some(reason.told()),
                failed: false,
            }),
            (405 | 409 | 411 | 412 | 413 | 416, _) => passed(status.as_u16()),
            // What the client gave is wrong, where it gives more than a name.
            (400, Some(code)) if gives && !is_of_the_edge(code) => passed(400),
            (500..=599, _) => Some(Refusal {
                status: status.as_u16(),
                fault: Some(reason.told()),
                failed: false,
            }),
            _ => Some(reason.failed()),
        }
    }
}

/// Whether a code says that the edge's own keys, clock or settings are wrong.
fn is_of_the_edge(code: &str) -> bool {
    hint(code).is_some()
}

/// What would be right, for codes that only an operator can do something about.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidAccessKeyId" | "NotSignedUp" => {
            "the access key is not known there: give the bucket's own keys"
        }
        "SignatureDoesNotMatch" => {
            "the secret key does not belong to the access key, or the region is another"
        }
        "ExpiredToken" | "TokenRefreshRequired" => "the temporary keys have expired: renew them",
        "InvalidToken" | "InvalidSecurity" => {
            "the session token is not right: give it with the keys that it came with"
        }
        "RequestTimeTooSkewed" | "RequestExpired" => {
            "the clock is wrong here or there: keep it by NTP"
        }
        "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            "requests are signed for another region: correct `s3.region`"
        }
        "PermanentRedirect" | "TemporaryRedirect" | "Redirect" => {
            "the bucket is elsewhere: correct `s3.region` or `s3.endpoint`"
        }
        "NoSuchBucket" => {
            "there is no such bucket: correct `s3.bucket`, `s3.endpoint` or `s3.path_style`"
        }
        "AccountProblem" | "AllAccessDisabled" => "the account is closed or not paid for",
        _ => return None,
    })
}

/// An answer that is to be told of.
struct Reason<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    code: Option<&'a str>,
    bucket: &'a str,
}

impl Reason<'_> {
    fn failed(&self) -> Refusal {
        Refusal {
            status: 502,
            fault: Some(self.told()),
            failed: true,
        }
    }

    fn told(&self) -> String {
        let mut told = format!(
            "the bucket `{}` answered {}",
            self.bucket,
            self.status.as_u16()
        );
        if let Some(code) = self.code {
            told.push_str(&format!(" {code}"));
        }
        let generic = match self.status.as_u16() {
            403 => Some(
                "the keys may not read this, or it is missing and they may not list the bucket",
            ),
            503 => Some("it is asked more than it allows"),
            300..=399 => Some("the bucket is elsewhere: correct `s3.region` or `s3.endpoint`"),
            _ => None,
        };
        if let Some(hint) = self.code.and_then(hint).or(generic) {
            told.push_str(&format!(": {hint}"));
        }
        if let Some(region) = self.region() {
            told.push_str(&format!("; it is in the region `{region}`"));
        }
        if let Some(skew) = self.skew(SystemTime::now()) {
            told.push_str(&format!(
                "; its clock and ours are {} seconds apart",
                skew.as_secs()
            ));
        }
        told
    }

    /// Where the bucket is, which S3 tells when that may be what is wrong.
    fn region(&self) -> Option<&str> {
        let region = self.headers.get("x-amz-bucket-region")?.to_str().ok()?;
        let is_region = region.len() <= LONGEST_CODE
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_region.then_some(region)
    }

    /// How far the clocks are apart, if that is too far.
    fn skew(&self, now: SystemTime) -> Option<Duration> {
        let date = self.headers.get(header::DATE)?.to_str().ok()?;
        let date = httpdate::parse_http_date(date).ok()?;
        let apart = now
            .duration_since(date)
            .unwrap_or_else(|error| error.duration());
        (apart > SKEW).then_some(apart)
    }
}
