//! A host that no origin of the configuration stands for, asked as if it were one.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use pingora_http::RequestHeader;

use crate::filter::{Answer, FilterError};
use crate::outside::{AskError, Bounds, Outside, ServerName};

/// A host that no origin of the configuration stands for. It is asked over a connection of its own, and what it says is stored and
/// sent as what an origin says.
#[derive(Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its name, or its address: one of version 6 in brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is asked over TLS.
    pub tls: bool,
    /// The name that its certificate is for, if not the host's.
    pub sni: Option<String>,
    /// What comes before targets: nothing, or a path without a slash at its end.
    pub prefix: String,
    /// Fields that it alone gets.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// From connecting to the last byte.
    pub time: Duration,
    /// Bytes that the response's body may have, and the request's.
    pub most: usize,
}

impl Elsewhere {
    /// The URL that targets come behind, which is also what its objects are told from others by in the cache.
    pub fn base(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.prefix)
    }

    /// The host, with its port if that is not the protocol's own.
    pub fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        match self.port == usual {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Asks it what a server of an origin would be asked.
    ///
    /// # Errors
    /// With 502 when there is no whole response, with 504 when it takes too long.
    pub async fn ask(
        &self,
        outside: &dyn Outside,
        head: &RequestHeader,
        body: Bytes,
    ) -> Result<Answer, FilterError> {
        let bounds = Bounds {
            time: self.time,
            body: self.most,
        };
        let asked = outside.fetch(self.request(head, body)?, bounds).await;
        let response = asked.map_err(|error| {
            let status = match error {
                AskError::Timeout(_) => 504,
                _ => 502,
            };
            FilterError::with_status(status, format!("`{}`: {error}", self.host))
        })?;
        self.answer(response)
    }

    fn request(&self, head: &RequestHeader, body: Bytes) -> Result<Request<Bytes>, FilterError> {
        let target = head.uri.path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let mut request = Request::builder()
            .method(head.method.clone())
            .uri(format!("{}{target}", self.base()))
            .body(body)
            .map_err(|error| self.wrong(error))?;
        let own = self.fields.iter().map(|(name, value)| (name, value));
        let passed = head.headers.iter().filter(|(name, _)| {
            *name != header::HOST
                && !is_of_one_hop(&head.headers, name)
                && !self.fields.iter().any(|(own, _)| own == *name)
        });
        for (name, value) in passed.chain(own) {
            let added = request.headers_mut().try_append(name, value.clone());
            added.map_err(|error| self.wrong(error))?;
        }
        if let Some(name) = &self.sni {
            request.extensions_mut().insert(ServerName(name.clone()));
        }
        Ok(request)
    }

    fn answer(&self, response: Response<Bytes>) -> Result<Answer, FilterError> {
        let (head, body) = response.into_parts();
        let mut answer = Answer::new(head.status.as_u16()).map_err(|error| self.wrong(error))?;
        for (name, value) in &head.headers {
            if !is_of_one_hop(&head.headers, name) {
                let added = answer.head.append_header(name, value);
                added.map_err(|error| self.wrong(error))?;
            }
        }
        Ok(answer.with_body(body))
    }

    fn wrong(&self, error: impl fmt::Display) -> FilterError {
        FilterError::with_status(502, format!("`{}`: {error}", self.host))
    }
}

/// Without values of fields, which may be secret.
impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Elsewhere").field(&self.base()).finish()
    }
}

/// RFC 9110, section 7.6.1, and what delimits a body.
fn is_of_one_hop(head: &HeaderMap, name: &HeaderName) -> bool {
    let is_named = || {
        let members = head.get_all(header::CONNECTION).iter();
        members
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|member| member.trim().eq_ignore_ascii_case(name.as_str()))
    };
    matches!(
        name.as_str(),
        "connection"
            | "content-length"
            | "http2-settings"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) || is_named()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::testing::exchange;

    /// Answers whatever is asked, and keeps it.
    #[derive(Default)]
    struct Web(Mutex<Vec<Request<Bytes>>>);

    #[async_trait]
    impl Outside for Web {
        async fn fetch(
            &self,
            request: Request<Bytes>,
            bounds: Bounds,
        ) -> Result<Response<Bytes>, AskError> {
            let is_slow = request.uri().path().ends_with("/slow");
            self.0.lock().unwrap().push(request);
            if is_slow {
                return Err(AskError::Timeout(bounds.time));
            }
            let response = Response::builder()
                .status(203)
                .header("cache-control", "max-age=9")
                .header("connection", "x-hop")
                .header("x-hop", "1")
                .header("content-length", "5");
            Ok(response.body(Bytes::from_static(b"there")).unwrap())
        }
    }

    fn host() -> Elsewhere {
        Elsewhere {
            host: "api.example.org".to_owned(),
            port: 8443,
            tls: true,
            sni: Some("inner.example.org".to_owned()),
            prefix: "/v1".to_owned(),
            fields: vec![(
                HeaderName::from_static("authorization"),
                HeaderValue::from_static("secret"),
            )],
            time: Duration::from_secs(1),
            most: 100,
        }
    }

    #[tokio::test]
    async fn it_answers_as_an_origin() {
        let fields = [
            ("user-agent", "curl/8.0"),
            ("connection", "x-mine"),
            ("x-mine", "1"),
            ("authorization", "the client's"),
        ];
        let head = exchange("POST", "/a?b=1", &fields).request;
        let (web, body) = (Web::default(), Bytes::from_static(b"sent"));
        let answer = host().ask(&web, &head, body).await.unwrap();
        assert_eq!(
            (answer.head.status.as_u16(), &answer.body[..]),
            (203, &b"there"[..])
        );
        assert_eq!(answer.head.headers["cache-control"], "max-age=9");
        for name in ["connection", "x-hop", "content-length"] {
            assert!(!answer.head.headers.contains_key(name), "{name}");
        }
        let asked = web.0.lock().unwrap().pop().unwrap();
        assert_eq!(asked.uri(), "https://api.example.org:8443/v1/a?b=1");
        assert_eq!(
            (asked.method().as_str(), &asked.body()[..]),
            ("POST", &b"sent"[..])
        );
        let name: Option<&ServerName> = asked.extensions().get();
        assert_eq!(name.unwrap().0, "inner.example.org");
        assert_eq!(asked.headers()["user-agent"], "curl/8.0");
        let told: Vec<_> = asked.headers().get_all("authorization").iter().collect();
        assert_eq!(told, ["secret"]);
        for name in ["host", "connection", "x-mine"] {
            assert!(!asked.headers().contains_key(name), "{name}");
        }
    }

    #[tokio::test]
    async fn too_slow_is_a_gateways_timeout() {
        let head = exchange("GET", "/slow", &[]).request;
        let asked = host().ask(&Web::default(), &head, Bytes::new()).await;
        assert_eq!(asked.unwrap_err().status(), 504);
    }

    #[test]
    fn what_it_is_told_stays_secret() {
        assert_eq!(
            format!("{:?}", host()),
            "Elsewhere(\"https://api.example.org:8443/v1\")"
        );
    }
}
