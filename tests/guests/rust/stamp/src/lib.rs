//! A guest that stamps responses with its version, of which there are two: what is swapped under load.

use rimward_filter::{Config, Filter, Request, Response, Result, Verdict, export};

const VERSION: &str = if cfg!(feature = "two") { "two" } else { "one" };

struct Stamp;

#[export]
impl Filter for Stamp {
    fn new(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    fn response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
        response.set_header("x-stamp", VERSION)?;
        Ok(Verdict::Next)
    }
}
