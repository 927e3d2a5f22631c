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
        let from = config.get("from").filter(|text| !text.is_empty());
        Ok(Self {
            from: from.ok_or("`from` is missing: the text to replace")?,
            to: config.get("to").unwrap_or_default(),
        })
    }

    fn response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
        response
            .edit()
            .set("x-frame-options", "DENY")
            .remove("x-powered-by")
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
        let piece = body.bytes();
        let (from, to) = (self.from.as_bytes(), self.to.as_bytes());
        if !body.is_last() && (1..from.len()).any(|end| piece.ends_with(&from[..end])) {
            return Ok(ChunkVerdict::Hold); // the rest may be in the next piece: both are shown then
        }
        Ok(replaced(&piece, from, to).map_or(ChunkVerdict::Pass, ChunkVerdict::Replace))
    }
}

/// `piece` with `to` in the place of each `from`; nothing when there is none.
fn replaced(mut piece: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let find = |bytes: &[u8]| bytes.windows(from.len()).position(|window| window == from);
    let mut at = find(piece)?;
    let mut made = Vec::with_capacity(piece.len());
    loop {
        made.extend_from_slice(&piece[..at]);
        made.extend_from_slice(to);
        piece = &piece[at + from.len()..];
        let Some(next) = find(piece) else {
            made.extend_from_slice(piece);
            return Some(made);
        };
        at = next;
    }
}
