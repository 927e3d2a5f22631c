//! An A/B test whose split lies in the KV store `experiments`, so that it can be changed without a deploy:
//!
//! ```sh
//! rimward kv put experiments checkout '{"salt":"2026-05","variants":{"a":90,"b":10}}'
//! ```
//!
//! ```toml
//! [filter.checkout]
//! wasm = "plugins/ab-kv.wasm"
//! config = { experiment = "checkout" }
//! grants = { kv = ["experiments"] }
//! ```
//!
//! A client keeps its variant by a cookie, the cache keeps the variants apart, and the origin is told by a header.

use std::collections::BTreeMap;

use rimward_filter::{
    Config, Filter, Request, Response, Result, Verdict, clock, context, export, kv, log,
};
use serde::Deserialize;

struct Experiment {
    name: String,
    /// The variant of a client that came without one.
    drawn: Option<String>,
}

#[derive(Deserialize)]
struct Split {
    salt: String,
    variants: BTreeMap<String, u32>,
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
        self.drawn = None;
        let Some(split) = kv::open("experiments")?.get_text(&self.name)? else {
            return Ok(Verdict::Next);
        };
        let split: Split = serde_json::from_str(&split)?;
        let kept = request.cookie(&format!("ab-{}", self.name));
        let variant = match kept.filter(|kept| split.variants.contains_key(kept)) {
            Some(kept) => kept,
            None => self.drawn.insert(split.draw()?).clone(),
        };
        request.cache_key_part(&self.name, &variant)?;
        request.set_header(&format!("x-variant-{}", self.name), &variant)?;
        log::field(&self.name, &variant);
        Ok(Verdict::Next)
    }

    fn response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
        if let Some(variant) = &self.drawn {
            let attributes = "Path=/; Max-Age=604800; Secure; SameSite=Lax";
            let cookie = format!("ab-{}={variant}; {attributes}", self.name);
            response.append_header("set-cookie", &cookie)?;
        }
        Ok(Verdict::Next)
    }
}

impl Split {
    /// The same client gets the same variant on every edge, cookie or not.
    fn draw(&self) -> Result<String> {
        let total = self.variants.values().sum();
        if total == 0 {
            return Err("the experiment has no variant with a share".into());
        }
        let mut bucket = clock::bucket(&self.salt, &context::client_ip(), total);
        for (variant, share) in &self.variants {
            match bucket.checked_sub(*share) {
                Some(rest) => bucket = rest,
                None => return Ok(variant.clone()),
            }
        }
        unreachable!("a bucket is less than the sum of the shares")
    }
}
