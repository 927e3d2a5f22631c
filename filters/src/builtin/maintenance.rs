//! Closes a site while it is being worked on.

mod bypass;
mod flag;
mod switch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use rimward_config::{Cidr, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::bypass::{Bypass, BypassSettings};
use self::flag::Flag;
use self::switch::Switch;
use super::respond::{self, Respond};
use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::moment::Moment;
use crate::outside::Tally;
use crate::ranges::Ranges;
use crate::settings::{AnswerStatus, RefusalStatus};
use crate::template::Template;

/// Closes a site while it is being worked on.
pub(crate) struct Maintenance {
    switch: Arc<Switch>,
    on: bool,
    flag: Option<Flag>,
    from: Option<Moment>,
    until: Option<Moment>,
    status: u16,
    retry_after: Option<Duration>,
    page: Option<Respond>,
    allow: Ranges,
    bypass: Option<Bypass>,
    clock: fn() -> SystemTime,
    turned_away: Arc<dyn Tally>,
    let_in: Arc<dyn Tally>,
}

/// Settings of `maintenance`. The site is closed while `on` is set, the flag file is there, or it is between `from` and `until`.
/// `rimward filter NAME set '{"on": true}'` closes it whatever these say, `{"on": false}` opens it, and `{"on": null}` leaves
/// it to them again; that outlives reloads, not the process.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Whether the site is closed from the start.
    #[serde(default)]
    on: bool,
    /// A file whose being there closes the site. It is looked for once a second at most.
    #[schemars(title = "file")]
    flag_file: Option<PathBuf>,
    /// When the site closes by itself: `2026-12-01T02:00:00Z`.
    from: Option<Moment>,
    /// When it opens again.
    until: Option<Moment>,
    /// The status of responses, from 400 to 599.
    #[serde(default = "unavailable")]
    status: RefusalStatus,
    /// When it is worth asking again, sent as `Retry-After`. Unless set it is the time left until `until`, or else five minutes.
    #[schemars(title = "duration")]
    retry_after: Option<Span>,
    /// A file with the page that is shown, read with the configuration; the site's error page unless there is one.
    #[schemars(title = "file")]
    file: Option<PathBuf>,
    /// The page as text.
    body: Option<String>,
    /// The page as text with variables, which are escaped as the content type asks for.
    template: Option<Template>,
    /// The page's media type. Unless set it is guessed from the name of `file`, and `text/html; charset=utf-8` without one.
    content_type: Option<String>,
    /// Addresses and networks that are let in.
    #[serde(default)]
    #[schemars(title = "list of networks")]
    allow: Vec<Cidr>,
    /// How others who may come in show it.
    bypass: Option<BypassSettings>,
}

fn unavailable() -> RefusalStatus {
    RefusalStatus::SERVICE_UNAVAILABLE
}

impl Configured for Maintenance {
    const NAME: &'static str = "maintenance";
    const SUMMARY: &'static str =
        "Closes a site while it is being worked on, by a flag file, a schedule or a command.";
    const EXAMPLE: &'static str = r#"use = "maintenance"
flag_file = "maintenance.flag"
file = "down.html"
retry_after = "10m"
allow = ["192.0.2.0/24"]
bypass = { cookie = "preview", secret = "2b6c8f1e93" }
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        if let (Some(from), Some(until)) = (settings.from, settings.until)
            && from >= until
        {
            return Err(BuildError::at("until", "this is not after `from`"));
        }
        let flag = settings
            .flag_file
            .as_ref()
            .map(|file| Flag::new(builder.folder.join(file)));
        Ok(Self {
            switch: Switch::of(builder.name),
            on: settings.on,
            flag,
            from: settings.from,
            until: settings.until,
            status: settings.status.0,
            retry_after: settings.retry_after.map(|Span(wait)| wait),
            allow: settings.allow.iter().map(|Cidr(net)| *net).collect(),
            page: page(&settings, builder)?,
            bypass: settings.bypass.map(Bypass::new).transpose()?,
            clock: SystemTime::now,
            turned_away: builder.tally("turned_away"),
            let_in: builder.tally("let_in"),
        })
    }
}

/// The page that is shown, if there is one beside the site's error page.
fn page(settings: &Settings, builder: &Builder<'_>) -> Result<Option<Respond>, BuildError> {
    if settings.file.is_none() && settings.body.is_none() && settings.template.is_none() {
        return match &settings.content_type {
            None => Ok(None),
            Some(_) => Err(BuildError::at(
                "content_type",
                "there is no page: give `file`, `body` or `template`",
            )),
        };
    }
    let html = || {
        settings
            .file
            .is_none()
            .then(|| "text/html; charset=utf-8".to_owned())
    };
    let settings = respond::Settings {
        status: AnswerStatus::try_from(settings.status.0)
            .map_err(|message| BuildError::at("status", message))?,
        body: settings.body.clone(),
        template: settings.template.clone(),
        file: settings.file.clone(),
        content_type: settings.content_type.clone().or_else(html),
        headers: BTreeMap::new(),
        retry_after: None,
        except: Vec::new(),
    };
    Respond::new(settings, builder).map(Some)
}

#[async_trait]
impl Filter for Maintenance {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn status(&self) -> Option<Value> {
        Some(json!({
            "on": self.is_closed(),
            "switch": self.switch.get(),
            "flag_file": self.flag.as_ref().map(Flag::is_there),
            "scheduled": self.is_scheduled(),
        }))
    }

    fn change(&self, wanted: &Value) -> Result<(), String> {
        let wrong = || {
            "`{\"on\": true}`, `{\"on\": false}`, or `{\"on\": null}` to go by the configuration"
                .to_owned()
        };
        let table = wanted
            .as_object()
            .filter(|table| table.len() == 1)
            .ok_or_else(wrong)?;
        match table.get("on").ok_or_else(wrong)? {
            Value::Bool(is_on) => self.switch.set(Some(*is_on)),
            Value::Null => self.switch.set(None),
            _ => return Err(wrong()),
        }
        Ok(())
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        match &self.flag {
            Some(flag) if flag.is_due() => Ok(Flow::Later),
            _ => self.decide(exchange),
        }
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if let Some(flag) = &self.flag {
            flag.look().await;
        }
        self.decide(exchange)
    }
}

impl Maintenance {
    fn decide(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let knows_the_secret = self
            .bypass
            .as_ref()
            .is_some_and(|bypass| bypass.take(exchange));
        if !self.is_closed() {
            return Ok(Flow::Continue);
        }
        if knows_the_secret || self.allow.contains(exchange.client.ip) {
            exchange.outcomes.push(self.let_in.clone());
            return Ok(Flow::Continue);
        }
        exchange.outcomes.push(self.turned_away.clone());
        self.turn_away(exchange)
    }

    fn is_closed(&self) -> bool {
        let by_configuration =
            || self.on || self.flag.as_ref().is_some_and(Flag::is_there) || self.is_scheduled();
        self.switch.get().unwrap_or_else(by_configuration)
    }

    /// Whether it is between `from` and `until`.
    fn is_scheduled(&self) -> bool {
        if self.from.is_none() && self.until.is_none() {
            return false;
        }
        let now = Moment((self.clock)());
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    fn turn_away(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let answer = match &self.page {
            None => Answer::refuse(self.status)?,
            Some(page) => match page.request(exchange)? {
                Flow::Answer(answer) => *answer,
                _ => Answer::refuse(self.status)?,
            },
        };
        let answer = answer.header(CACHE_CONTROL, HeaderValue::from_static("no-store"))?;
        Ok(answer
            .header(RETRY_AFTER, HeaderValue::from(self.wait()))?
            .flow())
    }

    /// Whole seconds until it is worth asking again.
    fn wait(&self) -> u64 {
        const UNKNOWN: Duration = Duration::from_secs(300);
        let left = || {
            let Moment(until) = self.until.filter(|_| self.is_scheduled())?;
            until.duration_since((self.clock)()).ok()
        };
        let wait = self.retry_after.or_else(left).unwrap_or(UNKNOWN);
        wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
    }
}

#[cfg(test)]
mod tests;
