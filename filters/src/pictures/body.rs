//! A picture of a body that is there already, as it passes to a client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use moka::sync::Cache;
use pingora_http::ResponseHeader;
use rimward_images::{ImageError, Measure};

use super::answer::{self, Failure, X_IMAGE};
use super::ingredients::Ingredients;
use super::making::Made;
use super::pool::Priority;
use super::wanted::Wanted;
use super::{Pictures, SERVER_TIMING};
use crate::exchange::Exchange;
use crate::filter::FilterError;
use crate::vary;

/// Bytes of pictures that are remembered for one filter, since bodies that are stored pass again and again.
const MOST_REMEMBERED: u64 = 32 << 20;
const REMEMBERED_UNUSED: Duration = Duration::from_secs(600);

/// Where pictures of bodies are remembered.
pub(super) fn memory() -> Cache<u128, Arc<Made>> {
    Cache::builder()
        .max_capacity(MOST_REMEMBERED)
        .weigher(|_, made: &Arc<Made>| u32::try_from(made.weight()).unwrap_or(u32::MAX))
        .time_to_idle(REMEMBERED_UNUSED)
        .build()
}

impl Pictures {
    /// How many bytes a body may have that a picture is made of.
    pub(crate) fn most(&self) -> usize {
        self.making.most()
    }

    /// The picture that is wanted of a body, whose head then speaks of it. None where none can be made: the head tells why. Of a
    /// body that is not whole, `body` is the beginning.
    ///
    /// # Errors
    /// When there are too many headers.
    pub(crate) async fn of_body(
        &self,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
        body: &Bytes,
        is_whole: bool,
        wanted: &Wanted,
    ) -> Result<Option<Bytes>, FilterError> {
        if head.status != StatusCode::OK {
            return Ok(None);
        }
        for name in wanted.vary.iter() {
            vary::by(head, name)?;
        }
        if answer::is_svg(&head.headers) {
            return Ok(None);
        }
        let start = Instant::now();
        let made = match unreadable(head, body, is_whole, self.most()) {
            Some(failure) => Err(failure),
            None => self.remember(body, wanted).await,
        };
        match made {
            Ok(made) => {
                let took = start.elapsed().as_secs_f64() * 1000.0;
                exchange.log.push(("image".into(), made.told.clone()));
                exchange.log.push(("image_ms".into(), format!("{took:.1}")));
                exchange.outcomes.push(self.made.clone());
                let (bytes, kind) = made.body(wanted);
                describe(head, kind, &made.told, took)?;
                Ok(Some(bytes))
            }
            Err(failure) => {
                let told = failure.told();
                tracing::info!(path = exchange.path(), told, "a picture can't be made");
                exchange.outcomes.push(self.failed.clone());
                head.insert_header(X_IMAGE, &told).map_err(too_many)?;
                exchange.log.push(("image".into(), told));
                Ok(None)
            }
        }
    }

    async fn remember(&self, body: &Bytes, wanted: &Wanted) -> Result<Arc<Made>, Failure> {
        let ingredients = Ingredients::new(body.clone(), Vec::new(), wanted);
        if let Some(made) = self.remembered.get(&ingredients.key) {
            return Ok(made);
        }
        let deadline = self.making.deadline();
        let making = &self.making;
        let made = making.make(Priority::Client, wanted, &ingredients, deadline);
        let made = made.await?;
        self.remembered.insert(ingredients.key, made.clone());
        Ok(made)
    }
}

/// Why nothing can be made of a body, as far as its head and its length tell.
fn unreadable(head: &ResponseHeader, body: &Bytes, is_whole: bool, most: usize) -> Option<Failure> {
    if let Some(coding) = head.headers.get(CONTENT_ENCODING) {
        let coding = String::from_utf8_lossy(coding.as_bytes());
        let error = ImageError::Unsupported(format!("its content coding is `{coding}`"));
        return Some(Failure::Image(error));
    }
    (!is_whole).then_some(Failure::Image(ImageError::TooLarge {
        what: Measure::Bytes,
        found: body.len() as u64,
        limit: most as u64,
    }))
}

fn too_many<E>(_: E) -> FilterError {
    FilterError::new("there are too many headers")
}

fn describe(
    head: &mut ResponseHeader,
    kind: &'static str,
    told: &str,
    took: f64,
) -> Result<(), FilterError> {
    head.insert_header(CONTENT_TYPE, HeaderValue::from_static(kind))
        .map_err(too_many)?;
    head.insert_header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .map_err(too_many)?;
    head.insert_header(X_IMAGE, told).map_err(too_many)?;
    head.append_header(SERVER_TIMING, format!("image;dur={took:.1}"))
        .map_err(too_many)?;
    Ok(())
}
