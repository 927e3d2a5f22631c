//! What a client says it is: what kind of device, and whether a program without a person in front of it.
//!
//! One pass over `User-Agent` looks for all words at once. Programs tell many lies there; who wants to be sure who a bot is
//! has to ask its operator's addresses.

mod words;

use http::HeaderMap;

use self::words::{Sign, Words};

pub(crate) use self::words::prepare;

/// What a client says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agent {
    /// What it is shown on.
    pub(crate) device: Device,
    /// Whether it is a program that nobody sits in front of: crawlers, monitors, scripts.
    pub(crate) is_bot: bool,
    /// Whose system it has.
    pub(crate) system: System,
}

/// What a response is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    Desktop,
    Mobile,
    Tablet,
    Tv,
}

/// The systems that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Android,
    Ios,
    Other,
}

impl Agent {
    /// What the sender of these fields is. Client hints are believed where there are any.
    pub(crate) fn of(fields: &HeaderMap) -> Self {
        let words = Words::of(fields);
        Self {
            device: device(words, &Hints::of(fields)),
            is_bot: words.is_bot(),
            system: words.system(),
        }
    }
}

/// Whether the sender of these fields is a program that nobody sits in front of.
pub(crate) fn is_bot(fields: &HeaderMap) -> bool {
    Words::of(fields).is_bot()
}

fn device(words: Words, hints: &Hints) -> Device {
    let is_tablet = hints.is_tablet || words.has(Sign::Tablet);
    match hints.is_mobile {
        _ if words.has(Sign::Tv) => Device::Tv,
        _ if is_tablet => Device::Tablet,
        Some(true) => Device::Mobile,
        None if words.has(Sign::Mobile) => Device::Mobile,
        // Phones with Android say `Mobile`; what doesn't is larger.
        _ if hints.is_android || words.has(Sign::Android) => Device::Tablet,
        _ => Device::Desktop,
    }
}

/// What client hints tell (User-Agent Client Hints, section 3).
#[derive(Debug, Default)]
struct Hints {
    is_mobile: Option<bool>,
    is_tablet: bool,
    is_android: bool,
}

impl Hints {
    fn of(fields: &HeaderMap) -> Self {
        let value = |name| {
            fields
                .get(name)
                .map(|value: &http::HeaderValue| value.as_bytes().trim_ascii())
        };
        let form_factors = value("sec-ch-ua-form-factors");
        let is_form = |form: &[u8]| {
            let mut forms = form_factors
                .into_iter()
                .flat_map(|list| list.split(|byte| *byte == b','));
            forms.any(|one| one.trim_ascii() == form)
        };
        let is_mobile = match value("sec-ch-ua-mobile") {
            _ if is_form(b"\"Mobile\"") => Some(true),
            Some(b"?1") => Some(true),
            Some(b"?0") => Some(false),
            _ => None,
        };
        Self {
            is_mobile,
            is_tablet: is_form(b"\"Tablet\""),
            is_android: value("sec-ch-ua-platform") == Some(b"\"Android\""),
        }
    }
}

#[cfg(test)]
mod tests;
