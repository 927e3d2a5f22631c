//! Makes pictures of pictures: other sizes, other formats, other parts.
//!
//! The request phase reads what is wanted and turns the request into one for the original, told apart in the cache by what is
//! done to it: so whoever purges the original's URL purges all that was made of it. When the cache has none, the origin request
//! phase fetches the original through the edge itself, has the picture made on threads that are not workers, and
//! answers in the origin's place.

mod answer;
mod asked;
mod ingredients;
mod making;
mod original;
mod pool;
mod settings;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use pingora_http::{RequestHeader, ResponseHeader};

use self::answer::{Failure, X_IMAGE, X_IMAGE_UNMET};
use self::asked::{Original, Reading, Refused, Wanted};
use self::making::Making;
use self::original::Asker;
use self::pool::Priority;
use self::settings::{Failing, Settings};
use crate::exchange::{Exchange, Found, Storing};
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::{AskError, Tally};
use crate::{target, vary};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Makes pictures of pictures.
pub(crate) struct Image {
    name: Arc<str>,
    reading: Reading,
    making: Making,
    failing: Failing,
    tallies: Tallies,
}

/// What is counted.
struct Tallies {
    made: Arc<dyn Tally>,
    unchanged: Arc<dyn Tally>,
    failed: Arc<dyn Tally>,
    refused: Arc<dyn Tally>,
}

/// A note: how long the picture of this exchange took.
#[derive(Debug, Clone, Copy)]
struct Took(f64);

impl Configured for Image {
    const NAME: &'static str = "image";
    const SUMMARY: &'static str = "Makes pictures of pictures: other sizes, formats and parts, by options in the path or the query.";
    const EXAMPLE: &'static str = r##"use = "image"
defaults = { format = "auto", quality = 80 }
widths = [320, 640, 960, 1280, 1920]
allow = ["width", "format"]

[presets]
thumb = { width = 160, height = 160, fit = "cover", gravity = "auto" }
card = { width = 640, background = "#f4f4f4", draw = [{ url = "/logo.png", right = 8, bottom = 8, opacity = 0.8 }] }
"##;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let failing = settings.failing()?;
        let tallies = Tallies {
            made: builder.tally("made"),
            unchanged: builder.tally("unchanged"),
            failed: builder.tally("failed"),
            refused: builder.tally("refused"),
        };
        let making = Making::new(&settings, builder)?;
        Ok(Self {
            name: builder.name.into(),
            reading: settings.into_reading()?,
            making,
            failing,
            tallies,
        })
    }
}

#[async_trait]
impl Filter for Image {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
            .and(Phase::OriginRequest)
            .and(Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn status(&self) -> Option<serde_json::Value> {
        Some(self.making.status())
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if let Some(original) = self.reading.original(exchange) {
            exchange.notes.insert(original);
            return Ok(Flow::Continue);
        }
        let wanted = match self.reading.read(exchange) {
            Ok(None) => return Ok(Flow::Continue),
            Ok(Some(_)) if original::is_for_original(exchange) => Err(Refused::of_itself()),
            read => read,
        };
        match wanted {
            Ok(Some(wanted)) => {
                let target = wanted.source.target.clone();
                let (path, query) = target.split_once('?').unwrap_or((&target, ""));
                target::set(exchange, path, query)?;
                let canonical = wanted.canonical.clone();
                exchange.chosen.distinguish(&self.name, canonical);
                exchange.notes.insert(wanted);
                Ok(Flow::Continue)
            }
            Ok(None) => Ok(Flow::Continue),
            Err(refused) => self.refuse(exchange, &refused),
        }
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        _: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        let notes = &exchange.notes;
        if notes.get::<Wanted>().is_some() || notes.get::<Original>().is_some() {
            return Ok(Flow::Later);
        }
        Ok(Flow::Continue)
    }

    async fn origin_request_later(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        if let Some(Original(url)) = exchange.notes.get().cloned() {
            return self.fetch(exchange, &url).await;
        }
        let Some(wanted) = exchange.notes.get::<Wanted>().cloned() else {
            return Ok(Flow::Continue);
        };
        let start = Instant::now();
        let asker = Asker::of(exchange);
        let (original, _room) = match self.making.original(&asker, &wanted).await {
            Ok(original) => original,
            Err(failure) => return self.fail(exchange, &wanted, &failure, None),
        };
        if answer::is_svg(original.headers()) && !self.making.is_private() {
            return self.pass(exchange, original);
        }
        let ingredients = match self.making.ingredients(&asker, &wanted, &original).await {
            Ok(ingredients) => ingredients,
            Err(failure) => return self.fail(exchange, &wanted, &failure, Some(original)),
        };
        let etag = ingredients.etag.clone();
        if ingredients.are_those_of(request) {
            exchange.outcomes.push(self.tallies.unchanged.clone());
            self.making.label(exchange, &wanted);
            return Ok(answer::unchanged(original.headers(), etag)?.flow());
        }
        let priority = match exchange.found {
            Found::Stale | Found::Revalidated => Priority::Background,
            _ => Priority::Client,
        };
        match self.making.make(priority, &wanted, &ingredients).await {
            Ok(made) => {
                let took = start.elapsed().as_secs_f64() * 1000.0;
                exchange.notes.insert(Took(took));
                exchange.log.push(("image".into(), made.told.clone()));
                exchange.log.push(("image_ms".into(), format!("{took:.1}")));
                exchange.outcomes.push(self.tallies.made.clone());
                self.making.label(exchange, &wanted);
                Ok(self.making.answer(&wanted, &original, &made, etag)?.flow())
            }
            Err(failure) => self.fail(exchange, &wanted, &failure, Some(original)),
        }
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let Some(wanted) = exchange.notes.get::<Wanted>() else {
            return Ok(Body::Untouched);
        };
        for name in wanted.vary.iter() {
            vary::by(response, name)?;
        }
        let too_many = |_| FilterError::new("there are too many headers");
        if let Some(unmet) = &wanted.unmet {
            let unmet = HeaderValue::from_str(unmet)
                .map_err(|_| FilterError::new("this can't be a header's value"))?;
            response
                .insert_header(X_IMAGE_UNMET, unmet)
                .map_err(too_many)?;
        }
        if let Some(Took(milliseconds)) = exchange.notes.get() {
            response
                .append_header(SERVER_TIMING, format!("image;dur={milliseconds:.1}"))
                .map_err(too_many)?;
        }
        Ok(Body::Untouched)
    }
}

impl Image {
    fn refuse(&self, exchange: &mut Exchange, refused: &Refused) -> Result<Flow, FilterError> {
        let told = format!("err={}", refused.code);
        exchange.log.push(("image".into(), told.clone()));
        exchange.outcomes.push(self.tallies.refused.clone());
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        let answer = Answer::new(400)?.header(CONTENT_TYPE, text)?;
        let answer = answer.header(
            http::header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        )?;
        Ok(answer
            .header(X_IMAGE, told)?
            .with_body(format!("{}\n", refused.why))
            .flow())
    }

    /// Has the edge store what another site has.
    async fn fetch(&self, exchange: &mut Exchange, url: &str) -> Result<Flow, FilterError> {
        match self.making.fetch(url).await {
            Ok(original) => {
                let storing = Storing {
                    surrogate_keys: vec![url.to_owned()],
                    ..Storing::default()
                };
                exchange.notes.insert(storing);
                Ok(answer::original(original, "fetched", true)?.flow())
            }
            Err(failure) => Ok(answer::error(&failure, &failure.told())?.flow()),
        }
    }

    /// Passes a drawing on, which is of any size already.
    fn pass(
        &self,
        exchange: &mut Exchange,
        original: http::Response<bytes::Bytes>,
    ) -> Result<Flow, FilterError> {
        exchange.log.push(("image".into(), "pass=svg".to_owned()));
        Ok(answer::original(original, "pass=svg", true)?.flow())
    }

    /// What the client gets when there is no picture.
    fn fail(
        &self,
        exchange: &mut Exchange,
        wanted: &Wanted,
        failure: &Failure,
        original: Option<http::Response<bytes::Bytes>>,
    ) -> Result<Flow, FilterError> {
        let told = failure.told();
        tracing::info!(path = exchange.path(), told, "a picture can't be made");
        exchange.log.push(("image".into(), told.clone()));
        exchange.outcomes.push(self.tallies.failed.clone());
        // What the origin says itself is stored as it says.
        if !matches!(failure, Failure::Status(_)) {
            exchange.notes.insert(answer::storing());
        }
        self.making.label(exchange, wanted);
        let redirects = wanted.transform.on_error == rimward_images::transform::OnError::Redirect;
        let answer = match (failure, original) {
            (Failure::Status(_), Some(original)) => answer::original(original, &told, true)?,
            _ if redirects => answer::redirect(wanted, &told)?,
            _ if self.failing == Failing::Error => answer::error(failure, &told)?,
            (_, Some(original)) => answer::original(original, &told, false)?,
            // It is larger than may be read here, or there is no room for it; perhaps it is well where it is.
            (Failure::Asked(AskError::TooLong(_)) | Failure::Image(_), None) => {
                answer::redirect(wanted, &told)?
            }
            (_, None) => answer::error(failure, &told)?,
        };
        Ok(answer.flow())
    }
}
