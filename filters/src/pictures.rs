//! Pictures made of pictures, for whoever wants one: the filter `image`, and guests.
//!
//! What is [`Wanted`] is noted in the request phase. When the cache has none, the original is fetched through the edge itself, and the
//! picture is made on threads that are not workers and answers in the origin's place. A body that is there already
//! can be made a picture of, too.

mod answer;
mod body;
mod deadline;
mod freshness;
mod ingredients;
mod making;
mod original;
mod pool;
mod redirects;
mod sites;
mod wanted;
mod work;

use std::sync::Arc;
use std::time::Instant;

use http::header::{HeaderName, HeaderValue};
use moka::sync::Cache;
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_images::transform::OnError;

use self::answer::{Failure, X_IMAGE_UNMET};
use self::making::{Made, Making};
use self::original::{Asker, Had};
use self::pool::Priority;
use crate::exchange::{Exchange, Found, Storing};
use crate::filter::{BuildError, Builder, FilterError, Flow};
use crate::outside::Tally;
use crate::vary;

pub(crate) use answer::X_IMAGE;
pub(crate) use original::is_for_original;
pub(crate) use sites::{Sites, Url};
pub(crate) use wanted::{Original, Source, Wanted, negotiated};
pub(crate) use work::{Failing, Mode, Work};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Makes pictures for one filter.
pub(crate) struct Pictures {
    making: Making,
    failing: Failing,
    made: Arc<dyn Tally>,
    unchanged: Arc<dyn Tally>,
    failed: Arc<dyn Tally>,
    /// What was made of bodies that pass, by what it was made of.
    remembered: Cache<u128, Arc<Made>>,
}

impl Pictures {
    pub(crate) fn new(
        work: &Work,
        failing: Failing,
        sites: Arc<Sites>,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            making: Making::new(work, sites, builder)?,
            failing,
            made: builder.tally("made"),
            unchanged: builder.tally("unchanged"),
            failed: builder.tally("failed"),
            remembered: body::memory(),
        })
    }

    /// How much waits and how much is being made.
    pub(crate) fn status(&self) -> serde_json::Value {
        self.making.status()
    }

    /// Answers a request to the origin with the picture that is wanted; or has the request go on, where nothing can be made of what the
    /// origin has and clients could not be sent to that.
    ///
    /// # Errors
    /// When the answer can't be written. That there is no picture is an answer.
    pub(crate) async fn answer(
        &self,
        exchange: &mut Exchange,
        request: &RequestHeader,
        wanted: &Wanted,
    ) -> Result<Flow, FilterError> {
        let start = Instant::now();
        let asker = Asker::of(exchange, self.making.deadline());
        let (original, _room) = match self.making.original(&asker, wanted).await {
            Ok((Had { response, trail }, room)) => {
                trail.note(exchange);
                (response, room)
            }
            Err(failure) => return self.fail(exchange, wanted, &failure, None),
        };
        if answer::is_svg(original.headers()) && !self.making.is_private() {
            return self.pass(exchange, original);
        }
        let ingredients = match self.making.ingredients(&asker, wanted, &original).await {
            Ok(ingredients) => ingredients,
            Err(failure) => return self.fail(exchange, wanted, &failure, Some(original)),
        };
        let etag = ingredients.etag.clone();
        if ingredients.are_those_of(request) {
            exchange.outcomes.push(self.unchanged.clone());
            self.making.label(exchange, wanted);
            return Ok(answer::unchanged(original.headers(), etag)?.flow());
        }
        let priority = match exchange.found {
            Found::Stale | Found::Revalidated => Priority::Background,
            _ => Priority::Client,
        };
        let made = self
            .making
            .make(priority, wanted, &ingredients, asker.deadline);
        match made.await {
            Ok(made) => {
                let took = start.elapsed().as_secs_f64() * 1000.0;
                wanted.outcome.took(took);
                exchange.log.push(("image".into(), made.told.clone()));
                exchange.log.push(("image_ms".into(), format!("{took:.1}")));
                exchange.outcomes.push(self.made.clone());
                self.making.label(exchange, wanted);
                Ok(self.making.answer(wanted, &original, &made, etag)?.flow())
            }
            Err(failure) => self.fail(exchange, wanted, &failure, Some(original)),
        }
    }

    /// Says in a response what decided on its picture and what became of it.
    ///
    /// # Errors
    /// When there are too many headers.
    pub(crate) fn tell(
        exchange: &Exchange,
        response: &mut ResponseHeader,
    ) -> Result<(), FilterError> {
        let Some(wanted) = exchange.notes.get::<Wanted>() else {
            return Ok(());
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
        if let Some(why) = wanted.outcome.why_passed() {
            response.insert_header(X_IMAGE, why).map_err(too_many)?;
        }
        if let Some(milliseconds) = wanted.outcome.milliseconds() {
            response
                .append_header(SERVER_TIMING, format!("image;dur={milliseconds:.1}"))
                .map_err(too_many)?;
        }
        Ok(())
    }

    /// Has the edge store what another site has.
    pub(crate) async fn fetch(
        &self,
        exchange: &mut Exchange,
        url: &str,
    ) -> Result<Flow, FilterError> {
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
        exchange.outcomes.push(self.failed.clone());
        // What the origin says itself is stored as it says.
        if !matches!(failure, Failure::Status(_)) {
            answer::store_briefly(exchange.notes.get_or_insert_default::<Storing>());
        }
        self.making.label(exchange, wanted);
        let redirects = wanted.is_apart && wanted.transform.on_error == OnError::Redirect;
        let answer = match (failure, original) {
            (Failure::Status(_), Some(original)) => answer::original(original, &told, true)?,
            _ if redirects => answer::redirect(wanted, &told)?,
            _ if self.failing == Failing::Error => answer::error(failure, &told)?,
            (_, Some(original)) => answer::original(original, &told, false)?,
            (failure, None) if failure.may_be_well_where_it_is() => {
                if !wanted.is_apart {
                    wanted.outcome.passed(told);
                    return Ok(Flow::Continue);
                }
                answer::redirect(wanted, &told)?
            }
            (_, None) => answer::error(failure, &told)?,
        };
        Ok(answer.flow())
    }
}
