//! A guest that does what most do: reads three headers and sets one. What a call costs is measured with it.

use rimward_filter::{Config, Filter, Request, Result, Verdict, export};

struct Plain;

#[export]
impl Filter for Plain {
    fn new(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    fn request(&mut self, request: &mut Request) -> Result<Verdict> {
        let known = ["accept", "user-agent", "cookie"]
            .iter()
            .filter(|name| request.header(name).is_some())
            .count();
        request.set_header("x-known", if known == 3 { "all" } else { "some" })?;
        Ok(Verdict::Next)
    }
}
