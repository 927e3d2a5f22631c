//! Rewrites responses: headers for every one, and the links of pages that still point to the old host.
//!
//! ```toml
//! [filter.links]
//! wasm = "plugins/rewriter.wasm"
//! config = { from = "http://old.example.com", to = "https://www.example.com" }
//! ```
//!
//! It works before the store (`origin_response`), so that a hit costs nothing.

use rimward_filter::{
    Body, BodyWant, ChunkVerdict, Config, Filter, Request, Response, Result, Verdict, export,
};

/// The largest page that is rewritten.
const MOST: u32 = 512 << 10;

struct Links {
    from: String,
    to: String,
}

#[export]
impl Filter for Links {
    fn new(config: &Config) -> Result<Self> {
        let from = config.get("from").filter(|from| !from.is_empty());
        Ok(Self {
            from: from.ok_or("`from` is missing: what the links start with")?,
            to: config
                .get("to")
                .ok_or("`to` is missing: what they are to start with")?,
        })
    }

    fn origin_response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
        let head = response.edit().remove("server").remove("x-powered-by");
        head.set("x-content-type-options", "nosniff")
            .set("referrer-policy", "strict-origin-when-cross-origin")
            .apply()?;
        let kind = response.header("content-type").unwrap_or_default();
        if kind.starts_with("text/html") {
            response.want_body(BodyWant::Buffered(MOST))?;
        }
        Ok(Verdict::Next)
    }

    fn origin_response_body(
        &mut self,
        _: &Request,
        _: &mut Response,
        body: &Body,
    ) -> Result<ChunkVerdict> {
        Ok(match String::from_utf8(body.bytes()) {
            Ok(page) if page.contains(&self.from) => {
                ChunkVerdict::Replace(page.replace(&self.from, &self.to).into_bytes())
            }
            _ => ChunkVerdict::Pass, // as it is, without a copy
        })
    }
}
