//! {{name}}: answers `/ping`, and greets in every other response.
//!
//! ```toml
//! [filter.{{name}}]
//! wasm = "{{name}}.wasm"
//! config = { greeting = "hello" }
//! ```

use rimward_filter::{Answer, Config, Filter, Request, Response, Result, Verdict, export};

struct Plugin {
    greeting: String,
}

#[export]
impl Filter for Plugin {
    fn new(config: &Config) -> Result<Self> {
        let greeting = config.get("greeting").ok_or("`greeting` is missing: a text")?;
        Ok(Self { greeting })
    }

    fn request(&mut self, request: &mut Request) -> Result<Verdict> {
        if request.path() == "/ping" {
            return Ok(Answer::new(200).text("pong\n").into());
        }
        Ok(Verdict::Next)
    }

    fn response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
        response.set_header("x-greeting", &self.greeting)?;
        Ok(Verdict::Next)
    }
}
