//! {{name}}: a filter of the Rimward edge. Each method below `new` is a phase; a phase that is not there costs nothing.

use rimward_filter::{
    Answer, Config, Filter, Request, Response, Result, Verdict, context, export, info,
};

struct Plugin {
    greeting: String,
}

#[export]
impl Filter for Plugin {
    fn new(config: &Config) -> Result<Self> {
        let greeting = config.get("greeting").unwrap_or_else(|| "hello".into());
        Ok(Self { greeting })
    }

    fn request(&mut self, request: &mut Request) -> Result<Verdict> {
        if request.path() == "/hello" {
            let name = request.query_param("name").unwrap_or_else(|| "world".into());
            let answer = Answer::new(200).header("content-type", "text/plain");
            return Ok(answer.body(format!("hello {name}\n")).into());
        }
        request.set_header("x-{{name}}", &self.greeting)?;
        Ok(Verdict::Next)
    }

    fn response(&mut self, request: &Request, response: &mut Response) -> Result<Verdict> {
        let (method, path, status) = (request.method(), request.path(), response.status());
        info!("{method} {path} was answered with {status}");
        response.set_header("x-served-by", &context::pop())?;
        Ok(Verdict::Next)
    }
}
