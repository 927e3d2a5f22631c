//! An auth check: lets in who shows a token that was signed with the secret `tokens`.
//!
//! A token is a name and its HMAC-SHA-256 in hexadecimal: `authorization: Bearer alice.5d3f…`. The key stays in the edge,
//! which also compares, in constant time.

use rimward_filter::crypto::{self, Algorithm};
use rimward_filter::{Answer, Config, Filter, Request, Result, Verdict, export, secrets};

struct Auth {
    realm: String,
}

#[export]
impl Filter for Auth {
    fn new(config: &Config) -> Result<Self> {
        let realm = config.get("realm").unwrap_or_else(|| "members".into());
        Ok(Self { realm })
    }

    fn request(&mut self, request: &mut Request) -> Result<Verdict> {
        let token = request.header("authorization").unwrap_or_default();
        let Some(user) = user(&token)? else {
            let challenge = format!("Bearer realm=\"{}\"", self.realm);
            let answer = Answer::new(401).header("www-authenticate", &challenge);
            return Ok(answer.text("a token is needed\n").into());
        };
        request
            .edit()
            .set("x-user", user)
            .remove("authorization")
            .apply()?;
        Ok(Verdict::Next)
    }
}

/// Whose token it is, if it is one of ours.
fn user(header: &str) -> Result<Option<&str>> {
    let token = header.strip_prefix("Bearer ").unwrap_or_default();
    let Some((user, digits)) = token.rsplit_once('.') else {
        return Ok(None);
    };
    let Some(mac) = crypto::from_hex(digits) else {
        return Ok(None);
    };
    let key = secrets::get("tokens")?;
    let is_ours = crypto::verify(Algorithm::Hs256, &key, user.as_bytes(), &mac)?;
    Ok(is_ours.then_some(user))
}
