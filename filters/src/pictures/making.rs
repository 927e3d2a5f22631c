//! From an original to a picture: fetched, checked, made on the pool, named.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Response, StatusCode};
use moka::sync::Cache;
use rimward_images::{
    Format, FormatChoice, ImageError, Info, Limits, Rendered, Transform, cost, probe, render,
    worker::{self, Workers},
};
use serde_json::json;

use super::answer::{self, Failure};
use super::deadline::Deadline;
use super::ingredients::Ingredients;
use super::original::{Asker, Had, Originals};
use super::pool::{self, Pool, Priority, Room};
use super::sites::Sites;
use super::wanted::{Source, Wanted};
use super::work::{Mode, Work};
use crate::exchange::{Exchange, Storing};
use crate::filter::{Answer, BuildError, Builder, FilterError};
use crate::lasting::Lasting;

/// Failures that are remembered.
const MOST_FAILURES: u64 = 10_000;

static POOLS: Lasting<pool::Bounds, Pool<Made>> = Lasting::new();

/// Makes pictures.
pub(super) struct Making {
    originals: Originals,
    pool: Arc<Pool<Made>>,
    /// Where the pool's threads have pictures made, if not on themselves.
    workers: Option<&'static Workers>,
    limits: Limits,
    time: Duration,
    /// What can't be made whoever asks, by what it would be made of.
    failures: Cache<u128, ImageError>,
}

/// A picture that was made.
pub(super) struct Made {
    bytes: Bytes,
    format: Format,
    /// What it is, and of what it was made, as JSON.
    description: Bytes,
    /// As `x-image` and the access log have it.
    pub(super) told: String,
}

impl Made {
    fn of(rendered: Rendered) -> Self {
        let description = rendered.describe().into();
        let Rendered {
            bytes,
            format,
            width,
            height,
            frames,
            quality,
            ..
        } = rendered;
        Self {
            bytes: bytes.into(),
            format,
            description,
            told: format!("ok f={format} w={width} h={height} n={frames} q={quality}"),
        }
    }

    /// What a client gets of it, and of which type that is.
    pub(super) fn body(&self, wanted: &Wanted) -> (Bytes, &'static str) {
        match wanted.transform.format {
            FormatChoice::Json => (self.description.clone(), "application/json"),
            _ => (self.bytes.clone(), self.format.media_type()),
        }
    }

    /// Bytes that it takes.
    pub(super) fn weight(&self) -> usize {
        self.bytes.len() + self.description.len() + self.told.len()
    }
}

/// The processes to make pictures in.
fn workers(mode: Option<Mode>) -> Result<Option<&'static Workers>, BuildError> {
    match (mode, worker::of_program()) {
        (Some(Mode::Thread), _) => Ok(None),
        (Some(Mode::Process), None) => Err(BuildError::at(
            "mode",
            "this program can't start processes for it: `thread` is what it can",
        )),
        (_, workers) => Ok(workers),
    }
}

impl Making {
    pub(super) fn new(
        work: &Work,
        sites: Arc<Sites>,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        work.check()?;
        let usual = pool::Bounds::usual(work.queue);
        let bounds = pool::Bounds {
            threads: work.threads.unwrap_or(usual.threads),
            memory: work.memory.unwrap_or(usual.memory),
            queue: work.queue,
        };
        let origin = work.origin.as_deref();
        let origin = origin.map(|name| builder.origin("origin", name));
        let limits = work.limits();
        Ok(Self {
            originals: Originals {
                outside: builder.outside(),
                sites,
                may_be_private: work.private_sources,
                origin: origin.transpose()?,
                redirects: work.redirects,
                most: limits.bytes,
            },
            pool: pool::of(&POOLS, bounds),
            workers: workers(work.mode)?,
            time: limits.time,
            limits,
            failures: Cache::builder()
                .max_capacity(MOST_FAILURES)
                .time_to_live(answer::REMEMBERED)
                .build(),
        })
    }

    /// Whether clients may not have originals as they are.
    pub(super) fn is_private(&self) -> bool {
        self.originals.origin.is_some()
    }

    /// When a picture that is asked for now has to be there.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.time)
    }

    /// How many bytes an original may have.
    pub(super) fn most(&self) -> usize {
        self.limits.bytes
    }

    /// How much waits and how much is being made.
    pub(super) fn status(&self) -> serde_json::Value {
        let (waiting, making) = self.pool.load();
        json!({ "waiting": waiting, "making": making, "failures_remembered": self.failures.entry_count() })
    }

    /// The original, if it is there, and the room that it takes.
    pub(super) async fn original(
        &self,
        asker: &Asker,
        wanted: &Wanted,
    ) -> Result<(Had, Room), Failure> {
        let room = self.pool.room(self.limits.bytes, asker.deadline).await;
        let mut room = room.map_err(Failure::Image)?;
        let had = self.originals.get(asker, &wanted.source).await?;
        room.shrink(had.response.body().len());
        Ok((had, room))
    }

    /// All that the picture is made of.
    pub(super) async fn ingredients(
        &self,
        asker: &Asker,
        wanted: &Wanted,
        original: &Response<Bytes>,
    ) -> Result<Ingredients, Failure> {
        if original.status() != StatusCode::OK {
            return Err(Failure::Status(original.status()));
        }
        let mut overlays = Vec::new();
        for source in &wanted.overlays {
            overlays.push(self.overlay(asker, source).await?);
        }
        Ok(Ingredients::new(original.body().clone(), overlays, wanted))
    }

    /// Makes the picture, if it is there in time.
    pub(super) async fn make(
        &self,
        priority: Priority,
        wanted: &Wanted,
        ingredients: &Ingredients,
        deadline: Deadline,
    ) -> Result<Arc<Made>, Failure> {
        let Ingredients {
            source,
            overlays,
            key,
            ..
        } = ingredients;
        if let Some(error) = self.failures.get(key) {
            return Err(Failure::Image(error));
        }
        let (transform, overlays) = (wanted.transform.clone(), overlays.clone());
        let task = self.task(transform, source.clone(), overlays);
        let made = match task {
            Ok((cost, work)) => self.pool.run(*key, cost, priority, deadline, work).await,
            Err(error) => Err(error),
        };
        made.map_err(|error| match error {
            // It tells what was left of the time.
            ImageError::Deadline(_) => Failure::Image(deadline.over()),
            error => {
                if error.is_lasting() {
                    self.failures.insert(*key, error.clone());
                }
                Failure::Image(error)
            }
        })
    }

    /// What is to be done on the pool, and the memory that it takes.
    fn task(
        &self,
        transform: Arc<Transform>,
        source: Bytes,
        overlays: Vec<Bytes>,
    ) -> Result<(u64, pool::Work<Made>), ImageError> {
        let mut limits = self.limits.clone();
        let info = probe(&source, &limits)?;
        let mut cost = cost(&info, &transform).saturating_add(source.len() as u64);
        for overlay in &overlays {
            let Info { width, height, .. } = probe(overlay, &limits)?;
            // It is drawn with its alpha, from a copy in the size that it is drawn in.
            let pixels = u64::from(width) * u64::from(height);
            cost = cost.saturating_add(pixels * 8 + overlay.len() as u64);
        }
        let workers = self.workers;
        let work = move |left| {
            limits.time = left;
            let overlays: Vec<&[u8]> = overlays.iter().map(|overlay| &**overlay).collect();
            let rendered = match workers {
                Some(workers) => workers.render(&source, &transform, &limits, &overlays)?,
                None => render(&source, &transform, &limits, &overlays)?,
            };
            Ok(Made::of(rendered))
        };
        Ok((cost, Box::new(work)))
    }

    async fn overlay(&self, asker: &Asker, source: &Source) -> Result<Bytes, Failure> {
        let Had { response, .. } = self.originals.get(asker, source).await?;
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            let why = format!("what is drawn over it can't be had: the origin says {status}");
            return Err(Failure::Image(ImageError::Failed(why)));
        }
        Ok(response.into_body())
    }

    /// What another site has.
    pub(super) async fn fetch(&self, url: &str) -> Result<Response<Bytes>, Failure> {
        let fetched = self.originals.fetch(url, self.time).await;
        fetched.map_err(Failure::Asked)
    }

    /// Has what is stored labelled by its original, where a purge by URL would not find it, and by what is drawn over it.
    pub(super) fn label(&self, exchange: &mut Exchange, wanted: &Wanted) {
        let mut keys: Vec<String> = wanted
            .transform
            .overlays
            .iter()
            .map(|overlay| overlay.source.clone())
            .collect();
        keys.push(wanted.source.label().to_owned());
        let storing = exchange.notes.get_or_insert_default::<Storing>();
        storing.surrogate_keys.append(&mut keys);
    }

    /// The answer that holds what was made.
    pub(super) fn answer(
        &self,
        wanted: &Wanted,
        original: &Response<Bytes>,
        made: &Made,
        etag: HeaderValue,
    ) -> Result<Answer, FilterError> {
        let (bytes, kind) = made.body(wanted);
        answer::picture(original.headers(), kind, bytes, etag, &made.told)
    }
}
