//! Responses that filters make themselves.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use pingora_http::ResponseHeader;

use super::{FilterError, Flow};

/// A response that a filter made itself.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The head; `Content-Length` is set by the edge.
    pub head: ResponseHeader,
    /// The whole body, also of an answer to HEAD, where the edge leaves it out.
    pub body: Bytes,
    /// Whether this refuses the request: then the body is for the edge to make, as it is for its own errors.
    pub refusal: bool,
}

impl Answer {
    /// A response with a status of 200–599, no headers and no body.
    ///
    /// # Errors
    /// When `status` is not a status.
    pub fn new(status: u16) -> Result<Self, FilterError> {
        let wrong = || {
            FilterError::new(format!(
                "`{status}` is not a status of a response: 200 to 599"
            ))
        };
        if !(200..=599).contains(&status) {
            return Err(wrong());
        }
        let head = ResponseHeader::build(status, Some(4)).map_err(|_| wrong())?;
        Ok(Self {
            head,
            body: Bytes::new(),
            refusal: false,
        })
    }

    /// A response that tells the client no; its body is the error page of the site or the edge.
    ///
    /// # Errors
    /// As for [`Answer::new`].
    pub fn refuse(status: u16) -> Result<Self, FilterError> {
        Ok(Self {
            refusal: true,
            ..Self::new(status)?
        })
    }

    /// Adds a header, replacing those of the same name.
    ///
    /// # Errors
    /// When the value holds bytes that a header can't.
    pub fn header(
        mut self,
        name: HeaderName,
        value: impl TryInto<HeaderValue>,
    ) -> Result<Self, FilterError> {
        let refused =
            |name: &HeaderName| FilterError::new(format!("this can't be the value of `{name}`"));
        let Ok(value) = value.try_into() else {
            return Err(refused(&name));
        };
        self.head
            .insert_header(&name, value)
            .map_err(|_| refused(&name))?;
        Ok(self)
    }

    /// Gives the response a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The flow that ends with this response.
    pub fn flow(self) -> Flow {
        Flow::Answer(Box::new(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_of_a_response() {
        for (status, is_one) in [
            (100, false),
            (199, false),
            (200, true),
            (599, true),
            (600, false),
        ] {
            assert_eq!(Answer::new(status).is_ok(), is_one, "{status}");
        }
        assert!(Answer::refuse(403).unwrap().refusal);
        assert!(
            Answer::new(200)
                .unwrap()
                .header(http::header::LOCATION, "a\r\nb")
                .is_err()
        );
    }
}
