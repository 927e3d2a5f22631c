//! Makes pictures of pictures: other sizes, other formats, other parts.
//!
//! The request phase reads what is wanted and turns the request into one for the original, told apart in the cache by what is
//! done to it: so whoever purges the original's URL purges all that was made of it. [`Pictures`] does the rest.

mod asked;
mod settings;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use pingora_http::{RequestHeader, ResponseHeader};

use self::asked::{Reading, Refused};
use self::settings::Settings;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::pictures::{Original, Pictures, Wanted, X_IMAGE, is_for_original};
use crate::target;

/// Makes pictures of pictures.
pub(crate) struct Image {
    name: Arc<str>,
    reading: Reading,
    pictures: Pictures,
    refused: Arc<dyn Tally>,
}

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
        let (failing, sites) = (settings.failing()?, settings.sites()?);
        Ok(Self {
            name: builder.name.into(),
            pictures: Pictures::new(&settings.work(), failing, sites.clone(), builder)?,
            refused: builder.tally("refused"),
            reading: settings.into_reading(sites)?,
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
        Some(self.pictures.status())
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if let Some(original) = self.reading.sites.original(exchange) {
            exchange.notes.insert(original);
            return Ok(Flow::Continue);
        }
        let wanted = match self.reading.read(exchange) {
            Ok(None) => return Ok(Flow::Continue),
            Ok(Some(_)) if is_for_original(exchange) => Err(Refused::of_itself()),
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
            return self.pictures.fetch(exchange, &url).await;
        }
        match exchange.notes.get::<Wanted>().cloned() {
            Some(wanted) => self.pictures.answer(exchange, request, &wanted).await,
            None => Ok(Flow::Continue),
        }
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        Pictures::tell(exchange, response)?;
        Ok(Body::Untouched)
    }
}

impl Image {
    fn refuse(&self, exchange: &mut Exchange, refused: &Refused) -> Result<Flow, FilterError> {
        let told = format!("err={}", refused.code);
        exchange.log.push(("image".into(), told.clone()));
        exchange.outcomes.push(self.refused.clone());
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        let answer = Answer::new(400)?.header(CONTENT_TYPE, text)?;
        let answer = answer.header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))?;
        Ok(answer
            .header(X_IMAGE, told)?
            .with_body(format!("{}\n", refused.why))
            .flow())
    }
}
