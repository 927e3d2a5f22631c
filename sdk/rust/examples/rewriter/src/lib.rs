//! A rewriter of responses: sets headers, and replaces a text in pages as they pass.

use rimward_filter::{
    Body, BodyWant, ChunkVerdict, Config, Filter, Request, Response, Result, Verdict, export,
};

/// Puts `to` in the place of `from`.
struct Rewriter {
    from: String,
    to: String,
}

#[export]
impl Filter for Rewriter {
    fn new(config: &Config) -> Result<Self> {
        Ok(Self {
            from: config
                .get("from")
                .ok_or("`from` is missing: the text to replace")?,
            to: config.get("to").unwrap_or_default(),
        })
    }

    fn response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
        response
            .edit()
            .set("x-frame-options", "DENY")
            .remove("server")
            .apply()?;
        let kind = response.header("content-type").unwrap_or_default();
        if kind.starts_with("text/html") {
            response.want_body(BodyWant::Chunks)?;
        }
        Ok(Verdict::Next)
    }

    fn response_body(
        &mut self,
        _: &Request,
        _: &mut Response,
        body: &Body,
    ) -> Result<ChunkVerdict> {
        let bytes = body.bytes();
        let text = String::from_utf8_lossy(&bytes);
        if !body.is_last() && ends_within(&text, &self.from) {
            return Ok(ChunkVerdict::Hold); // shown again, with what comes next
        }
        if !text.contains(&self.from) {
            return Ok(ChunkVerdict::Pass);
        }
        Ok(ChunkVerdict::Replace(
            text.replace(&self.from, &self.to).into_bytes(),
        ))
    }
}

/// Whether `text` ends with the beginning of `word`, so that the rest may be in the next piece.
fn ends_within(text: &str, word: &str) -> bool {
    (1..word.len()).any(|end| word.is_char_boundary(end) && text.ends_with(&word[..end]))
}
