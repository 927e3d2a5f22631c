//! Pages that the host rewrites as a guest wants it.

use crate::markup::Selector;
use crate::wasm::abi::rimward::filter::html::{self, Host};
use crate::wasm::abi::{Error, Hook};
use crate::wasm::state::{Edit, State};

/// How many rules one page may have.
const MAX_RULES: usize = 256;

impl Host for State {
    fn rule(&mut self, selector: String, e: html::Edit) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.rule(selector, e))
    }
}

impl State {
    fn rule(&mut self, selector: String, edit: html::Edit) -> Result<(), Error> {
        if !matches!(self.hook, Hook::OriginResponse | Hook::Response) {
            return Err(Error::NotAllowedInPhase);
        }
        if self.edits.len() >= MAX_RULES {
            return Err(Error::Limit(format!(
                "a page has at most {MAX_RULES} rules"
            )));
        }
        let selector = Selector::try_from(selector).map_err(Error::Invalid)?;
        let edit = match edit {
            html::Edit::SetAttribute((name, _)) if !is_attribute(&name) => {
                let wrong = format!("`{}` is not an attribute's name", name.escape_debug());
                return Err(Error::Invalid(wrong));
            }
            html::Edit::SetAttribute((name, value)) => Edit::SetAttribute(name, value),
            html::Edit::Remove => Edit::Remove,
            html::Edit::AppendHtml(text) => Edit::Append(text),
            html::Edit::PrependHtml(text) => Edit::Prepend(text),
            html::Edit::SetInner(text) => Edit::SetInner(text),
        };
        self.edits.push((selector, edit));
        Ok(())
    }
}

fn is_attribute(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>/=".contains(&byte);
    !name.is_empty() && name.bytes().all(is_part)
}
