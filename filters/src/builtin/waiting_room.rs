//! Lets so many in at a time, and the others wait for their turn.
//!
//! A browser holds its place in a signed cookie, which tells where it stands: in the queue by the time it came, or in the room.
//! Who is in the room and was seen lately passes by the cookie alone; all others are looked up in the state of the room.

mod inside;
mod members;
mod page;
mod room;
mod settings;
mod ticket;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE};
use pingora_http::ResponseHeader;
use rimward_config::{Cidr, PathPattern};
use serde_json::Value;

use self::inside::{Limits, Place, Queued};
use self::page::Page;
use self::room::Room;
use self::settings::Settings;
use self::ticket::{Signer, Stage, Ticket};
use crate::cookies;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::paths;
use crate::ranges::Ranges;
use crate::secrets::Secrets;

const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// Lets so many in at a time, and the others wait for their turn.
pub(crate) struct WaitingRoom {
    name: Arc<str>,
    room: Arc<Room>,
    limits: Limits,
    signer: Signer,
    cookie: String,
    page: Page,
    status: u16,
    except: Ranges,
    except_paths: Vec<PathPattern>,
    clock: fn() -> u64,
    tallies: Tallied,
}

struct Tallied {
    admitted: Arc<dyn Tally>,
    waited: Arc<dyn Tally>,
}

impl Configured for WaitingRoom {
    const NAME: &'static str = "waiting_room";
    const SUMMARY: &'static str =
        "Lets so many users in at a time; the others wait for their turn.";
    const EXAMPLE: &'static str = r#"use = "waiting_room"
sessions = 2000
session_ttl = "10m"
rate = "300/min"
except_paths = ["/assets/*", "/healthz"]
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let limits = settings.limits()?;
        let status = settings.status()?;
        let room = Room::of(builder.name);
        let purpose = format!("waiting room {}", builder.name);
        let keys = match &settings.cookie_secret_file {
            Some(file) => Secrets::read(builder, "cookie_secret_file", file)?.keys(&purpose)?,
            None => room.secrets.keys(&purpose)?,
        };
        let page = match &settings.page {
            Some(file) => Page::parse(&builder.read("page", file)?),
            None => Page::default(),
        };
        Ok(Self {
            name: builder.name.into(),
            room,
            limits,
            signer: Signer::new(&keys),
            cookie: settings.cookie.0,
            page,
            status,
            except: settings.except.into_iter().map(|Cidr(net)| net).collect(),
            except_paths: settings.except_paths,
            clock: unix_now,
            tallies: Tallied {
                admitted: builder.tally("admitted"),
                waited: builder.tally("told to wait"),
            },
        })
    }
}

impl Filter for WaitingRoom {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and(Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn status(&self) -> Option<Value> {
        Some(self.room.status(&self.limits, (self.clock)()))
    }

    fn change(&self, wanted: &Value) -> Result<(), String> {
        self.room.change(&self.limits, wanted)?;
        tracing::info!(room = %self.name, %wanted, "a waiting room was changed");
        Ok(())
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let noted = exchange.notes.get::<Places>();
        let noted = noted.and_then(|places| places.of(&self.name));
        let held = exchange.cookie(&self.cookie);
        let held = held.and_then(|text| self.signer.read(text));
        cookies::take_out(exchange, |name| name == self.cookie.as_bytes());
        if self.except.contains(exchange.client.ip)
            || paths::any_is_for(&self.except_paths, exchange.path())
        {
            return Ok(Flow::Continue);
        }
        let now = (self.clock)();
        if held.is_some_and(|ticket| self.limits.was_seen_lately(&ticket, now)) {
            return Ok(Flow::Continue);
        }
        if let Some(ticket) = noted.filter(|ticket| ticket.stage != Stage::Waiting) {
            return self.let_in(exchange, ticket);
        }
        let place = self
            .room
            .enter(&self.limits, noted.or(held), noted.is_none(), now);
        match place {
            Place::Open => Ok(Flow::Continue),
            Place::In(ticket) => self.let_in(exchange, ticket),
            Place::Queued(queued) => {
                exchange.outcomes.push(self.tallies.waited.clone());
                if let Some(ticket) = queued.ticket {
                    self.note(exchange, ticket);
                }
                self.tell_to_wait(exchange, &queued)
            }
        }
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let places = exchange.notes.get::<Places>();
        if let Some(ticket) = places.and_then(|places| places.of(&self.name)) {
            let set = response.append_header(SET_COOKIE, self.cookie(exchange, &ticket)?);
            set.map_err(|error| FilterError::new(format!("a cookie can't be set: {error}")))?;
        }
        Ok(Body::Untouched)
    }
}

impl WaitingRoom {
    fn let_in(&self, exchange: &mut Exchange, ticket: Ticket) -> Result<Flow, FilterError> {
        if ticket.stage == Stage::New {
            exchange.outcomes.push(self.tallies.admitted.clone());
        }
        self.note(exchange, ticket);
        Ok(Flow::Continue)
    }

    fn note(&self, exchange: &mut Exchange, ticket: Ticket) {
        let places = exchange.notes.get_or_insert_default::<Places>();
        places.note(&self.name, ticket);
    }

    fn cookie(&self, exchange: &Exchange, ticket: &Ticket) -> Result<HeaderValue, FilterError> {
        let time = Duration::from_micros(match ticket.stage {
            Stage::Waiting => self.limits.patience,
            Stage::New | Stage::Admitted => self.limits.session_ttl,
        });
        let text = self.signer.sign(ticket);
        cookies::set(exchange.client.scheme, &self.cookie, &text, time)
    }

    /// The page of those who wait, which asks again by itself.
    fn tell_to_wait(&self, exchange: &mut Exchange, queued: &Queued) -> Result<Flow, FilterError> {
        let poll = Duration::from_micros(self.limits.poll).as_secs();
        let mut answer = Answer::new(self.status)?
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            )?
            .header(CACHE_CONTROL, HeaderValue::from_static("no-store"))?
            .header(RETRY_AFTER, HeaderValue::from(poll))?
            .header(REFRESH, HeaderValue::from(poll))?
            .with_body(self.page.render(queued, poll));
        if let Some(ticket) = &queued.ticket {
            answer = answer.header(SET_COOKIE, self.cookie(exchange, ticket)?)?;
        }
        exchange
            .log
            .push(("queue_position".into(), queued.position.to_string()));
        Ok(answer.flow())
    }
}

/// Notes the tickets that were given, each by the filter's name.
#[derive(Debug, Clone, Default)]
struct Places(Vec<(Arc<str>, Ticket)>);

impl Places {
    fn of(&self, filter: &Arc<str>) -> Option<Ticket> {
        let mut found = self.0.iter().filter(|(name, _)| name == filter);
        found.next().map(|(_, ticket)| *ticket)
    }

    fn note(&mut self, filter: &Arc<str>, ticket: Ticket) {
        self.0.retain(|(name, _)| name != filter);
        self.0.push((filter.clone(), ticket));
    }
}

/// Microseconds since 1970.
fn unix_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
