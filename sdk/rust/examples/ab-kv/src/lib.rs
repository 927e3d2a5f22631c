//! An A/B test whose split stands in a key-value store, so that it can be changed while the test runs.
//!
//! The store `experiments` has the percentage of visitors that get variant `b` under the name of the experiment. A cookie
//! keeps visitors at what they got, the origin is told by `x-variant`, and the cache keeps both variants apart.

use rimward_filter::{Config, Filter, Request, Response, Result, Verdict, clock, export, kv, log};

struct Experiment {
    name: String,
    /// The variant of a visitor who came without the cookie.
    drawn: Option<&'static str>,
}

#[export]
impl Filter for Experiment {
    fn new(config: &Config) -> Result<Self> {
        let name = config
            .get("experiment")
            .ok_or("`experiment` is missing: its name")?;
        Ok(Self { name, drawn: None })
    }

    fn request(&mut self, request: &mut Request) -> Result<Verdict> {
        let kept = match request.cookie(&self.name).as_deref() {
            Some("a") => Some("a"),
            Some("b") => Some("b"),
            _ => None,
        };
        self.drawn = match kept {
            Some(_) => None,
            None => Some(self.draw()?),
        };
        let variant = kept.or(self.drawn).unwrap_or("a");
        request.set_header("x-variant", variant)?;
        request.cache_key_part(&self.name, variant)?;
        log::field(&self.name, variant);
        Ok(Verdict::Next)
    }

    fn response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
        if let Some(variant) = self.drawn {
            let cookie = format!(
                "{}={variant}; Path=/; Max-Age=2592000; SameSite=Lax",
                self.name
            );
            response.append_header("set-cookie", &cookie)?;
        }
        Ok(Verdict::Next)
    }
}

impl Experiment {
    /// A variant for somebody new, by the share that the store has; 0 when it has none.
    fn draw(&self) -> Result<&'static str> {
        let share = kv::open("experiments")?.get_text(&self.name)?;
        let percent: u64 = share.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Ok(if clock::random() % 100 < percent {
            "b"
        } else {
            "a"
        })
    }
}
