//! Puts pages in the place of errors.

mod kept;
mod page;
mod statuses;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED,
    VARY,
};
use http::{StatusCode, Uri};
use pingora_http::ResponseHeader;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bodies::media_type_of;
use crate::exchange::Exchange;
use crate::filter::{Body, BuildError, Builder, Configured, Filter, FilterError, Phase, Phases};
use crate::outside::Tally;
use crate::settings::AnswerStatus;
use kept::Kept;
use page::FilePage;
use statuses::Statuses;

/// Puts pages in the place of errors.
pub(crate) struct ErrorPages {
    pages: Vec<Page>,
    replaced: Arc<dyn Tally>,
    absent: Arc<dyn Tally>,
}

/// Settings of `error_pages`. It puts its pages in place of what origins and the filters behind it answer, and of the edge's own
/// errors, such as an origin that can't be reached: so it stands first in the list. Where it has no page, the edge's own errors and
/// refusals have that of the site's setting `error_pages`, which needs no filter, and an origin's answer stays as it is.
/// Nothing of it is stored, and what else the response says holds, but for fields that describe the body that is gone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The pages. The first one that is for a response takes its place.
    pages: Vec<PageSettings>,
}

/// A page and what it is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PageSettings {
    /// The statuses, from 400 to 599: `404`, `"5xx"` or `"500-504"`.
    status: Vec<Statuses>,
    /// A media type that the client has to name in `Accept` to get this page: `text/html` is named by browsers, not by programs.
    /// Unless set all clients get it.
    accept: Option<String>,
    /// A file that is the page, read when the configuration is.
    #[schemars(title = "file")]
    file: Option<PathBuf>,
    /// An origin that has the page, in place of `file`. It is asked for it beforehand and again when the page's `max-age` is over (ten
    /// seconds to an hour, a minute when it has none), so that the page is there when that origin is not. As long as it
    /// never was, responses stay as they are, counted as `absent`. A page is at most 1 MiB long.
    origin: Option<String>,
    /// The path of the page at the origin.
    path: Option<String>,
    /// The file's media type. Unless set it is guessed from its name.
    content_type: Option<String>,
    /// Whether variables in the file have a meaning: those of templates, `{status}` and `{reason}`. They are escaped as the content type
    /// asks for; other braces are left as they are.
    #[serde(default)]
    variables: bool,
    /// Another status to answer with: `200` for pages that find their way themselves.
    as_status: Option<AnswerStatus>,
}

struct Page {
    statuses: Vec<Statuses>,
    accept: Option<String>,
    source: Source,
    as_status: Option<StatusCode>,
}

enum Source {
    File(FilePage),
    Origin(Arc<Kept>),
}

impl Configured for ErrorPages {
    const NAME: &'static str = "error_pages";
    const SUMMARY: &'static str = "Puts pages in the place of errors.";
    const EXAMPLE: &'static str = r#"use = "error_pages"
pages = [
  { status = [404, 410], file = "404.html", variables = true },
  { status = ["5xx"], accept = "text/html", origin = "pages", path = "/sorry.html" },
]
"#;
    const SAFE_TO_SKIP: bool = true;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        if settings.pages.is_empty() {
            return Err(BuildError::at("pages", "there is none: give a page"));
        }
        let pages = settings.pages.into_iter().enumerate();
        let page = |(index, page)| Page::new(&format!("pages[{index}]"), page, builder);
        Ok(Self {
            pages: pages.map(page).collect::<Result<_, _>>()?,
            replaced: builder.tally("replaced"),
            absent: builder.tally("absent"),
        })
    }
}

impl Filter for ErrorPages {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let status = response.status;
        if status.as_u16() < 400 {
            return Ok(Body::Untouched);
        }
        self.vary(status, response)?;
        let page = self.pages.iter().find(|page| page.is_for(status, exchange));
        let Some(page) = page else {
            return Ok(Body::Untouched);
        };
        let Some((content_type, body)) = page.source.body(exchange, status) else {
            exchange.outcomes.push(self.absent.clone());
            return Ok(Body::Untouched);
        };
        exchange.outcomes.push(self.replaced.clone());
        page.describe(response, content_type)?;
        Ok(Body::Replaced(body))
    }
}

impl ErrorPages {
    /// Says that the page depends on what the client accepts, if it does.
    fn vary(&self, status: StatusCode, response: &mut ResponseHeader) -> Result<(), FilterError> {
        let depends = |page: &Page| page.accept.is_some() && page.covers(status);
        if self.pages.iter().any(depends) {
            response
                .append_header(VARY, HeaderValue::from_static("Accept"))
                .map_err(too_many)?;
        }
        Ok(())
    }
}

impl Page {
    fn new(key: &str, settings: PageSettings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        if settings.status.is_empty() {
            let key = format!("{key}.status");
            return Err(BuildError::at(key, "the page is for no status: give one"));
        }
        let accept = settings.accept.as_deref().map(|accept| {
            let is_one = accept.contains('/') && !accept.contains(['*', ';', ',', ' ']);
            is_one.then(|| accept.to_owned()).ok_or_else(|| {
                let told = format!("`{accept}` is not a media type such as `text/html`");
                BuildError::at(format!("{key}.accept"), told)
            })
        });
        Ok(Self {
            accept: accept.transpose()?,
            as_status: settings
                .as_status
                .and_then(|AnswerStatus { 0: status }| StatusCode::from_u16(status).ok()),
            source: Source::new(key, &settings, builder)?,
            statuses: settings.status,
        })
    }

    fn covers(&self, status: StatusCode) -> bool {
        self.statuses.iter().any(|one| one.contains(status))
    }

    fn is_for(&self, status: StatusCode, exchange: &Exchange) -> bool {
        self.covers(status)
            && self
                .accept
                .as_ref()
                .is_none_or(|accept| accepts(exchange, accept))
    }

    fn describe(
        &self,
        response: &mut ResponseHeader,
        content_type: HeaderValue,
    ) -> Result<(), FilterError> {
        for name in [CONTENT_ENCODING, CONTENT_LANGUAGE, ETAG, LAST_MODIFIED] {
            response.remove_header(&name);
        }
        response
            .insert_header(CONTENT_TYPE, content_type)
            .map_err(too_many)?;
        if let Some(status) = self.as_status {
            response
                .set_status(status)
                .and_then(|()| response.set_reason_phrase(None))
                .map_err(|_| FilterError::new("the status can't be changed"))?;
        }
        Ok(())
    }
}

fn accepts(exchange: &Exchange, media_type: &str) -> bool {
    let lines = exchange.request.headers.get_all(ACCEPT).iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|range| {
        let name = range.split(';').next().unwrap_or("");
        name.trim().eq_ignore_ascii_case(media_type)
    })
}

fn too_many<E>(_: E) -> FilterError {
    FilterError::new("the response can't take another header: there are too many")
}

impl Source {
    fn new(key: &str, settings: &PageSettings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        match (&settings.file, &settings.origin, &settings.path) {
            (Some(file), None, None) => {
                let key = format!("{key}.file");
                let kind = settings.content_type.clone();
                let kind = kind.unwrap_or_else(|| media_type_of(file));
                let kind = HeaderValue::from_str(&kind)
                    .map_err(|_| BuildError::at(&*key, format!("`{kind}` is not a media type")))?;
                let page = match settings.variables {
                    true => FilePage::with_variables(kind, &builder.read(&key, file)?),
                    false => FilePage::fixed(kind, builder.read_bytes(&key, file)?.into()),
                };
                Ok(Self::File(page))
            }
            (None, Some(origin), Some(path)) => {
                if settings.variables || settings.content_type.is_some() {
                    let told = "`variables` and `content_type` are for a `file`: what an origin has is taken as it is";
                    return Err(BuildError::at(key, told));
                }
                let origin = builder.origin(format!("{key}.origin"), origin)?;
                let target = path.parse::<Uri>().ok();
                let target = target.filter(|_| path.starts_with('/')).ok_or_else(|| {
                    let told = format!("`{path}` is not a path such as `/sorry.html`");
                    BuildError::at(format!("{key}.path"), told)
                })?;
                Ok(Self::Origin(Kept::start(origin, target, builder)))
            }
            _ => Err(BuildError::at(
                key,
                "a page comes from one place: `file`, or `origin` and `path`",
            )),
        }
    }

    fn body(&self, exchange: &Exchange, status: StatusCode) -> Option<(HeaderValue, Bytes)> {
        match self {
            Self::File(page) => Some(page.body(exchange, status)),
            Self::Origin(kept) => kept.page(),
        }
    }
}

#[cfg(test)]
mod tests;
