//! Pictures that a guest has made: of what a request asks for, or of the body of a response.
//!
//! The wish of a phase that only the origin's response passes is stored with the response, for the phase that all responses pass.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, Method};
use pingora_http::{RequestHeader, ResponseHeader};

use super::super::abi::Hook;
use super::super::state::Picture;
use super::Guest;
use crate::exchange::Exchange;
use crate::filter::{Body, BodyHolder, FilterError, Flow};
use crate::outside::Depth;
use crate::pictures::{Pictures, Wanted, is_for_original};

/// A note: the guest that wants a picture in the origin's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WantedBy(usize);

/// A note: all that is left of a phase is the making of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left(usize);

/// A note: the picture that a guest wanted of a response when that was stored.
#[derive(Debug, Clone)]
struct Stored(usize, Picture);

/// What the wishes of one guest go by.
pub(super) struct Names {
    /// Among the parts of a cache key, beside what the guest distinguishes itself.
    key: Arc<str>,
    /// The field that says of a stored response which picture is wanted of it.
    field: HeaderName,
}

impl Names {
    pub(super) fn of(guest: &str) -> Option<Self> {
        let word = guest.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        Some(Self {
            key: format!("{guest}:picture").into(),
            field: HeaderName::try_from(format!("x-rimward-picture-{word}")).ok()?,
        })
    }
}

/// Why a wish for a body can't be met.
pub(super) fn one_of_two() -> FilterError {
    FilterError::new("it wants a body and a picture of it: it can have one of the two")
}

impl Guest {
    fn granted(&self, exchange: &Exchange) -> Option<Arc<Pictures>> {
        self.pick(exchange).version.grants.pictures.clone()
    }

    /// Whether any version may want pictures in one of these phases.
    pub(super) fn wants_pictures(&self, hooks: &[Hook]) -> bool {
        self.all().any(|loaded| {
            let version = &loaded.version;
            version.wants_pictures && hooks.iter().any(|hook| version.hooks.has(*hook))
        })
    }

    /// Notes that the response to a request is to be a picture. An original that is asked for to make one of stays as it is.
    pub(super) fn want_picture(&self, exchange: &mut Exchange, picture: Picture) {
        let is_read = matches!(exchange.request.method, Method::GET | Method::HEAD);
        let Some(names) = self.pictures.as_ref().filter(|_| is_read) else {
            return;
        };
        if is_own(exchange) {
            return;
        }
        let wanted = Wanted::of_request(exchange, picture.transform);
        let chosen = &mut exchange.chosen;
        chosen.distinguish(&names.key, wanted.canonical.clone());
        exchange.notes.insert(wanted);
        exchange.notes.insert(WantedBy(self.id));
    }

    /// How a request to the origin goes on: it waits for the picture, if there is to be one.
    pub(super) fn or_picture(&self, exchange: &mut Exchange, flow: Flow) -> Flow {
        let is_wanted = exchange.notes.get() == Some(&WantedBy(self.id));
        match flow {
            Flow::Continue if is_wanted => {
                exchange.notes.insert(Left(self.id));
                Flow::Later
            }
            flow => flow,
        }
    }

    /// The picture in the origin's place, when nothing else of the phase is left.
    pub(super) async fn picture(
        &self,
        exchange: &mut Exchange,
        request: &RequestHeader,
    ) -> Result<Option<Flow>, FilterError> {
        if exchange.notes.get() != Some(&Left(self.id)) {
            return Ok(None);
        }
        exchange.notes.remove::<Left>();
        let wanted = exchange.notes.get::<Wanted>().cloned();
        match (self.granted(exchange), wanted) {
            (Some(pictures), Some(wanted)) => {
                Ok(Some(pictures.answer(exchange, request, &wanted).await?))
            }
            _ => Ok(Some(Flow::Continue)),
        }
    }

    /// Keeps what an origin says from passing for the wish of this guest.
    pub(super) fn forget_picture(&self, response: &mut ResponseHeader) {
        if let Some(names) = &self.pictures {
            response.remove_header(&names.field);
        }
    }

    /// Has a wish stored with a response.
    pub(super) fn store_picture(
        &self,
        response: &mut ResponseHeader,
        picture: &Picture,
    ) -> Result<Body, FilterError> {
        let wrong = || FilterError::new("the picture that it wants can't be noted");
        let names = self.pictures.as_ref().ok_or_else(wrong)?;
        response
            .insert_header(names.field.clone(), &picture.text)
            .map_err(|_| wrong())?;
        Ok(Body::Untouched)
    }

    /// Reads what was stored with a response, and says in it what became of a picture in the origin's place.
    pub(super) fn look_for_pictures(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<(), FilterError> {
        let Some(names) = &self.pictures else {
            return Ok(());
        };
        let stored = response.remove_header(&names.field);
        let stored = stored.and_then(|text| Picture::read(text.to_str().ok()?));
        if let Some(picture) = stored {
            exchange.notes.insert(Stored(self.id, picture));
        }
        match exchange.notes.get() == Some(&WantedBy(self.id)) {
            true => Pictures::tell(exchange, response),
            false => Ok(()),
        }
    }

    /// The wish that was stored with the response.
    pub(super) fn stored_picture(&self, exchange: &mut Exchange) -> Option<Picture> {
        self.pictures.as_ref()?;
        let Stored(guest, picture) = exchange.notes.remove()?;
        (guest == self.id).then_some(picture)
    }

    /// What is done with a response whose body a picture is wanted of.
    pub(super) fn picture_of(&self, exchange: &Exchange, picture: Picture) -> Body {
        match self.granted(exchange) {
            Some(pictures) if !is_own(exchange) => Body::Held(Box::new(Picturing {
                pictures,
                wanted: Wanted::of_request(exchange, picture.transform),
            })),
            _ => Body::Untouched,
        }
    }
}

/// Whether the edge itself asks for an original to make a picture of.
fn is_own(exchange: &Exchange) -> bool {
    let depth = exchange.notes.get().copied().unwrap_or(Depth(0));
    depth.0 > 0 && is_for_original(exchange)
}

/// A body that becomes a picture of itself.
struct Picturing {
    pictures: Arc<Pictures>,
    wanted: Wanted,
}

#[async_trait]
impl BodyHolder for Picturing {
    fn most(&self) -> usize {
        self.pictures.most()
    }

    async fn whole(
        self: Box<Self>,
        exchange: &mut Exchange,
        head: &mut ResponseHeader,
        body: &Bytes,
        is_whole: bool,
    ) -> Result<Option<Bytes>, FilterError> {
        let Self { pictures, wanted } = *self;
        pictures
            .of_body(exchange, head, body, is_whole, &wanted)
            .await
    }
}
