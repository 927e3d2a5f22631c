//! The languages that there are.

use std::sync::Arc;

use http::header::HeaderValue;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::redirect::{Redirect, RedirectStatus};
use super::super::rewrite::path::PathChange;
use super::Tag;
use crate::filter::BuildError;
use crate::template::Template;

/// A language that there is.
pub(super) struct Offer {
    pub(super) tag: Tag,
    pub(super) part: Arc<str>,
    pub(super) value: HeaderValue,
    pub(super) redirect: Option<Redirect>,
    pub(super) prefix: Option<PathChange>,
}

/// Where clients are sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RedirectSettings {
    /// A path or URL with `{language}` and the variables of templates: `/{language}{path}`, `https://{language}.example.com{path}`.
    #[serde(default = "before_the_path")]
    #[schemars(title = "template")]
    to: String,
    /// 302 and 307 are for now; 301 and 308 are remembered by browsers, also when the language that the user wants changes.
    #[serde(default)]
    status: RedirectStatus,
}

fn before_the_path() -> String {
    "/{language}{path}".to_owned()
}

/// All languages that there are, each with where its pages are.
pub(super) fn offers(
    languages: &[Tag],
    redirect: Option<&RedirectSettings>,
    prefix: bool,
) -> Result<Vec<Offer>, BuildError> {
    if languages.is_empty() {
        return Err(BuildError::at(
            "languages",
            "there has to be a language, such as `en`",
        ));
    }
    let mut offers: Vec<Offer> = Vec::with_capacity(languages.len());
    for (index, tag) in languages.iter().enumerate() {
        let at = |key: &str, message: String| BuildError::at(key, message);
        if offers.iter().any(|offer| offer.tag == *tag) {
            return Err(at(
                &format!("languages[{index}]"),
                format!("`{}` is there twice", tag.as_str()),
            ));
        }
        let wrong = |message| at("redirect.to", message);
        let to = |redirect: &RedirectSettings| {
            if !redirect.to.contains("{language}") {
                return Err("`{language}` has to be in it, as in `/{language}{path}`".to_owned());
            }
            let to = redirect.to.replace("{language}", tag.as_str());
            let to = to.parse::<Template>().map_err(|error| error.to_string())?;
            Redirect::to(to, redirect.status, true)
        };
        let prefix = prefix
            .then(|| PathChange::behind(format!("/{}", tag.as_str())))
            .transpose()?;
        offers.push(Offer {
            part: tag.as_str().into(),
            value: HeaderValue::from_str(tag.as_str()).map_err(|error| wrong(error.to_string()))?,
            redirect: redirect.map(to).transpose().map_err(wrong)?,
            prefix,
            tag: tag.clone(),
        });
    }
    Ok(offers)
}
