//! Changes of HTML, which the edge makes as the page passes.
//!
//! ```no_run
//! # use rimward_filter::{html, Result};
//! # fn example() -> Result<()> {
//! html::select("a.price").set_attribute("rel", "nofollow")?;
//! html::select("head").append("<script src=/metrics.js></script>")?;
//! # Ok(())
//! # }
//! ```

use crate::Result;
use crate::host::html::{self, Edit};

/// The elements that a CSS selector finds, in the body of this response.
pub fn select(selector: &str) -> Selected<'_> {
    Selected(selector)
}

/// Elements that are to be changed.
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing is changed by selecting alone"]
pub struct Selected<'a>(&'a str);

/// All of these fail when the selector is not one, and in phases that may not change the body.
#[allow(clippy::missing_errors_doc, reason = "told above")]
impl Selected<'_> {
    /// Sets an attribute.
    pub fn set_attribute(self, name: &str, value: &str) -> Result<()> {
        self.rule(Edit::SetAttribute((name, value)))
    }

    /// Removes the elements with what is in them.
    pub fn remove(self) -> Result<()> {
        self.rule(Edit::Remove)
    }

    /// Puts HTML at the end of the elements.
    pub fn append(self, html: &str) -> Result<()> {
        self.rule(Edit::AppendHtml(html))
    }

    /// Puts HTML at the start of the elements.
    pub fn prepend(self, html: &str) -> Result<()> {
        self.rule(Edit::PrependHtml(html))
    }

    /// Puts HTML in the place of what is in the elements.
    pub fn set_inner(self, html: &str) -> Result<()> {
        self.rule(Edit::SetInner(html))
    }

    fn rule(self, edit: Edit<'_>) -> Result<()> {
        Ok(html::rule(self.0, edit)?)
    }
}
