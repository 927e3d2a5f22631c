//! Lets in who sends the token that the secret `api-token` holds, as `Authorization: Bearer …`.
//!
//! ```toml
//! [filter.auth]
//! wasm = "plugins/auth.wasm"
//! config = { realm = "shop" }
//! grants = { secrets = ["api-token"] }
//! ```

use rimward_filter::{
    Answer, Config, Filter, Request, Result, Verdict, context, export, log, secrets, warn,
};

struct Auth {
    realm: String,
}

#[export]
impl Filter for Auth {
    fn new(config: &Config) -> Result<Self> {
        let realm = config.get("realm").unwrap_or_else(|| "edge".into());
        Ok(Self { realm })
    }

    fn request(&mut self, request: &mut Request) -> Result<Verdict> {
        let given = request.header("authorization").unwrap_or_default();
        let Some(token) = bearer(&given) else {
            return Ok(self.refused("missing"));
        };
        if !secrets::get("api-token")?.matches(token) {
            return Ok(self.refused("wrong"));
        }
        // The origin is told that the edge has checked it, and never sees the token.
        request
            .edit()
            .remove("authorization")
            .set("x-authenticated", "token")
            .apply()?;
        Ok(Verdict::Next)
    }
}

impl Auth {
    fn refused(&self, why: &str) -> Verdict {
        log::field("auth", why);
        warn!("{} was refused: the token is {why}", context::client_ip());
        Answer::new(401)
            .header(
                "www-authenticate",
                &format!("Bearer realm=\"{}\"", self.realm),
            )
            .header("cache-control", "no-store")
            .text("a token is needed\n")
            .into()
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
