//! The slices of one response in order, each fetched while the one before is sent.

use pingora::proxy::Session;
use pingora::{Error, ErrorSource, ErrorType, Result};
use rimward_cache::Slice;
use rimward_cache::slice::Version;

use super::cut::Cutter;
use super::fetch::Fetch;
use super::{Asked, begun};
use crate::edge::Process;
use crate::request::context::Context;
use crate::request::respond;

/// How many slices are looked up to tell whether a response is a hit. One of still more of them is told as none.
const MOST_LOOKED_UP: usize = 1024;

/// The slices of one version of an object.
pub(super) struct Sequence<'a> {
    pub(super) process: &'a Process,
    pub(super) asked: &'a Asked,
    pub(super) version: &'a Version,
}

impl Sequence<'_> {
    /// The first slice that the client wants, which is not the one asked for first when the length had to be learnt;
    /// `None` when it is of another version.
    pub(super) async fn first(
        &self,
        session: &mut Session,
        ctx: &mut Context,
        fetch: Fetch,
        cutter: &Cutter,
    ) -> Result<Option<Fetch>> {
        let wanted = cutter.slices(0, self.asked.size).next();
        match wanted.filter(|wanted| *wanted != fetch.slice) {
            None => Ok(Some(fetch)),
            Some(wanted) => {
                let mut fetch = self.start(session, wanted)?;
                let same = self.goes_on(&mut fetch, session, ctx).await?;
                Ok(same.then_some(fetch))
            }
        }
    }

    /// Sends what the client wants of one slice after the other, each fetched while the one before is sent.
    pub(super) async fn send(
        &self,
        session: &mut Session,
        ctx: &mut Context,
        mut fetch: Fetch,
        cutter: &mut Cutter,
    ) -> Result<()> {
        loop {
            let next = cutter.slices(fetch.slice.end(), self.asked.size).next();
            let ahead = next.map(|next| self.start(session, next)).transpose()?;
            cutter.seek(fetch.slice.start());
            let end = fetch.slice.end();
            send(session, ctx, &mut fetch, cutter, end).await?;
            if cutter.wants().is_some_and(|wanted| wanted < end) {
                let why = "a slice is shorter than its content-range says";
                return Err(failed(ErrorType::ReadError, why));
            }
            let Some(mut ahead) = ahead else {
                return Ok(());
            };
            // What the client does not want of a slice is waited for, so that never more than two are under way for it.
            while let Ok(Some(_)) = fetch.read(session).await {}
            if !self.goes_on(&mut ahead, session, ctx).await? {
                let why = "the object was replaced at the origin while it was sent";
                return Err(failed(ErrorType::ReadError, why));
            }
            fetch = ahead;
        }
    }

    /// Whether all slices that the client wants from `position` on are stored.
    pub(super) fn is_stored(&self, session: &Session, position: u64, cutter: &Cutter) -> bool {
        let (cache, request) = (&self.process.cache, session.req_header());
        let mut slices = cutter.slices(position, self.asked.size);
        let mut first = slices.by_ref().take(MOST_LOOKED_UP);
        let all = first.all(|slice| cache.has_slice(&self.asked.key, request, slice));
        all && slices.next().is_none()
    }

    fn start(&self, session: &Session, slice: Slice) -> Result<Fetch> {
        Fetch::start(
            session,
            &self.asked.copied,
            slice,
            Some(self.version.clone()),
        )
    }

    /// Waits for a slice to begin; whether it is of the same version. If not, those that are go.
    async fn goes_on(
        &self,
        fetch: &mut Fetch,
        session: &mut Session,
        ctx: &mut Context,
    ) -> Result<bool> {
        let head = begun(fetch, session, ctx).await?;
        let now = self.process.cache.objects().now();
        if fetch.slice.version(&head, now).as_ref() == Some(self.version) {
            return Ok(true);
        }
        match head.status.as_u16() {
            200 | 206 | 404 | 410 | 416 => {
                let cache = &self.process.cache;
                cache.drop_slices(&self.asked.key, self.version);
                Ok(false)
            }
            status => {
                let status = if status < 400 { 502 } else { status };
                let why = "a slice can't be had";
                Err(failed(ErrorType::HTTPStatus(status), why))
            }
        }
    }
}

/// Sends what the client wants of one body up to `end`, and reads no further than that.
pub(super) async fn send(
    session: &mut Session,
    ctx: &mut Context,
    fetch: &mut Fetch,
    cutter: &mut Cutter,
    end: u64,
) -> Result<()> {
    while cutter.wants().is_some_and(|wanted| wanted < end) {
        let Some(piece) = fetch.read(session).await? else {
            break;
        };
        for piece in cutter.cut(&piece) {
            respond::go_on(session, ctx, Some(piece), false).await?;
        }
    }
    Ok(())
}

/// An origin's failure.
fn failed(kind: ErrorType, why: &'static str) -> Box<Error> {
    let mut error = Error::explain(kind, why);
    error.esource = ErrorSource::Upstream;
    error
}
