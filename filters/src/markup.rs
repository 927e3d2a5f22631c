//! Pages on their way through: the streaming rewriter behind filters that change HTML.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use encoding_rs::Encoding;
use http::header::CONTENT_TYPE;
use lol_html::send::{ElementContentHandlers, HtmlRewriter, Settings};
use lol_html::{AsciiCompatibleEncoding, MemorySettings, OutputSink};
use pingora_http::ResponseHeader;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::filter::{BodyRewriter, FilterError};

/// Which elements of a page are meant.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Selector(pub(crate) lol_html::Selector);

impl TryFrom<String> for Selector {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| {
            let told = error.to_string().to_lowercase();
            let told = told.trim_end_matches('.');
            format!("`{text}` is not a selector such as `a[href^=\"http:\"]`: {told}")
        })
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "selector" })
    }
}

/// How the text of a page is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// As the response says.
    Told(AsciiCompatibleEncoding),
    /// As the page may say; in UTF-8 unless it does.
    Untold,
}

impl Charset {
    /// `None` for an encoding that is unknown or in which markup is not ASCII.
    pub(crate) fn of(response: &ResponseHeader) -> Option<Self> {
        let kind = response.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let charset = kind.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let is_charset = name.trim().eq_ignore_ascii_case("charset");
            is_charset.then(|| value.trim().trim_matches('"'))
        });
        let Some(charset) = charset else {
            return Some(Self::Untold);
        };
        let encoding = Encoding::for_label_no_replacement(charset.as_bytes())?;
        AsciiCompatibleEncoding::new(encoding).map(Self::Told)
    }
}

/// What is done with the elements that a selector means.
pub(crate) type Handler<'s> = (&'s Selector, ElementContentHandlers<'static>);

/// Rewrites one page.
pub(crate) struct PageRewriter {
    // Behind a lock that is never taken, since lol_html's rewriter can be sent but not shared. `None` once it failed or ended: it
    // must not be used again.
    inner: Mutex<Option<HtmlRewriter<'static, Output>>>,
    output: Output,
    max_memory: usize,
}

impl PageRewriter {
    /// With what is done, in the order of the handlers where several mean the same element.
    pub(crate) fn new<'s>(
        charset: Charset,
        max_memory: usize,
        handlers: impl IntoIterator<Item = Handler<'s>>,
    ) -> Self {
        let memory = MemorySettings::new().with_max_allowed_memory_usage(max_memory);
        let mut settings = Settings::new_send().with_memory_settings(memory);
        settings = match charset {
            Charset::Told(encoding) => settings.with_encoding(encoding),
            Charset::Untold => settings.with_adjust_charset_on_meta_tag(true),
        };
        for (Selector(selector), handler) in handlers {
            settings = settings.append_element_content_handler((Cow::Borrowed(selector), handler));
        }
        let output = Output::default();
        Self {
            inner: Mutex::new(Some(HtmlRewriter::new(settings, output.clone()))),
            output,
            max_memory,
        }
    }

    fn inner(&mut self) -> &mut Option<HtmlRewriter<'static, Output>> {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn fails(&self, error: &lol_html::errors::RewritingError) -> FilterError {
        use lol_html::errors::RewritingError;
        FilterError::new(match error {
            RewritingError::MemoryLimitExceeded(_) => format!(
                "the page can't be rewritten within {} bytes of memory: a tag is too long or elements are nested too deep",
                self.max_memory
            ),
            error => format!("the page can't be rewritten: {error}"),
        })
    }
}

impl BodyRewriter for PageRewriter {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        let Some(inner) = self.inner() else {
            return Err(FilterError::new("the page could not be rewritten"));
        };
        if let Err(error) = inner.write(&bytes) {
            *self.inner() = None;
            return Err(self.fails(&error));
        }
        Ok(self.output.take())
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        let Some(inner) = self.inner().take() else {
            return Err(FilterError::new("the page could not be rewritten"));
        };
        inner.end().map_err(|error| self.fails(&error))?;
        Ok(self.output.take())
    }
}

/// Where the rewriter puts what it made.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl OutputSink for Output {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        output.extend_from_slice(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(content_type: &str) -> Option<Charset> {
        let mut head = ResponseHeader::build(200, None).unwrap();
        head.insert_header(CONTENT_TYPE, content_type).unwrap();
        Charset::of(&head)
    }

    #[test]
    fn a_charset_is_one_in_which_markup_is_ascii() {
        let told = |encoding| AsciiCompatibleEncoding::new(encoding).map(Charset::Told);
        for (content_type, expected) in [
            ("text/html", Some(Charset::Untold)),
            ("text/html; charset=utf-8", told(encoding_rs::UTF_8)),
            (
                "text/html;a=b; Charset=\"Latin1\"",
                told(encoding_rs::WINDOWS_1252),
            ),
            ("text/html; charset=shift_jis", told(encoding_rs::SHIFT_JIS)),
            ("text/html; charset=utf-16", None),
            ("text/html; charset=klingon", None),
        ] {
            assert_eq!(charset(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn a_rewriter_that_failed_goes_on_failing() {
        let selector = Selector::try_from("a".to_owned()).unwrap();
        let handler = ElementContentHandlers::default().element(
            |_: &mut lol_html::send::Element<'_, '_>| -> lol_html::HandlerResult { Ok(()) },
        );
        let mut rewriter = PageRewriter::new(Charset::Untold, 4096, [(&selector, handler)]);
        assert_eq!(rewriter.chunk("<p>1</p>".into()).unwrap(), "<p>1</p>");
        let tag = format!("<a href={}", "x".repeat(10_000));
        let error = rewriter.chunk(tag.into()).unwrap_err().to_string();
        assert!(error.contains("within 4096 bytes of memory"), "{error}");
        assert!(rewriter.chunk(">".into()).is_err() && rewriter.end().is_err());
    }
}
