//! Options as parameters of a query: `?width=80&fit=cover`.
//!
//! They have the names that paths give them, and the short ones of imgix and Fastly beside: `fm`, `bg`, `rot`, `pad`,
//! `bg-color`, `crop=faces|entropy|edges|smart|top,left`, `auto=format,compress`, and the fits `clip`, `max`, `bounds`,
//! `fill`, `scale` and `min`. Where these and Cloudflare's mean different things, as with `fit=crop`, it is
//! Cloudflare's meaning that counts.

use super::{NAMES, OptionError, set};
use crate::transform::{FormatChoice, Options, Quality, Wrong};

/// The names that only queries have.
const ALIASES: [(&str, &str); 6] = [
    ("fm", "format"),
    ("bg", "background"),
    ("bg-color", "background"),
    ("rot", "rotate"),
    ("pad", "padding"),
    ("crop", "gravity"),
];

/// Whether a parameter of this name is an option.
pub fn knows(name: &str) -> bool {
    name == "auto" || ALIASES.iter().any(|(alias, _)| *alias == name) || NAMES.contains(&name)
}

/// Reads decoded parameters, all of which have to be options. Of one that is there twice the later one counts.
pub fn parse<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Options, OptionError> {
    let mut options = Options::default();
    let mut empty = true;
    for (name, value) in pairs {
        put(&mut options, name, value)?;
        empty = false;
    }
    if empty {
        Err(OptionError::Empty)
    } else {
        Ok(options)
    }
}

fn put(options: &mut Options, name: &str, value: &str) -> Result<(), OptionError> {
    let wrong = |wrong| OptionError::Value {
        name: name.to_owned(),
        wrong,
    };
    match name {
        "auto" => auto(options, value).map_err(wrong),
        "crop" => set(
            options,
            "gravity",
            crop(value).ok_or_else(|| {
                wrong(Wrong::not(
                    value,
                    "what a crop keeps: faces, entropy, edges, smart, or sides as `top,left`",
                ))
            })?,
        ),
        "fit" => set(options, name, fit(value)),
        "fm" | "format" | "f" if value == "pjpg" || value == "bjpg" => {
            options.progressive = Some(value == "pjpg");
            set(options, "format", "jpeg")
        }
        _ => {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
            set(options, alias.map_or(name, |(_, name)| name), value)
        }
    }
}

fn auto(options: &mut Options, value: &str) -> Result<(), Wrong> {
    for wish in value.split(',') {
        match wish {
            "format" | "webp" | "avif" | "true" => {
                options.format = options.format.or(Some(FormatChoice::Auto))
            }
            "compress" => options.quality = options.quality.or(Some(Quality::Auto)),
            _ => {
                return Err(Wrong::not(
                    wish,
                    "what is chosen by itself: format or compress",
                ));
            }
        }
    }
    Ok(())
}

/// The fit of Cloudflare that does the same.
fn fit(value: &str) -> &str {
    match value {
        "clip" | "bounds" => "contain",
        "max" => "scale-down",
        "fill" => "pad",
        "scale" => "squeeze",
        "min" => "aspect-crop",
        other => other,
    }
}

fn crop(value: &str) -> Option<&'static str> {
    Some(match value {
        "faces" | "face" => "face",
        "entropy" | "edges" | "smart" => "auto",
        "center" => "center",
        "top" => "top",
        "bottom" => "bottom",
        "left" => "left",
        "right" => "right",
        "top,left" | "left,top" => "top-left",
        "top,right" | "right,top" => "top-right",
        "bottom,left" | "left,bottom" => "bottom-left",
        "bottom,right" | "right,bottom" => "bottom-right",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::Bounds;

    fn canonical(query: &str) -> Result<String, String> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let options = parse(pairs).map_err(|error| error.to_string())?;
        Ok(options.resolve(&Bounds::default()).unwrap().canonical())
    }

    #[test]
    fn short_names_mean_the_same() {
        for (query, expected) in [
            (
                "w=80&h=60&fit=cover&q=50",
                "width=80,height=60,fit=cover,quality=50",
            ),
            ("width=80&dpr=1.5&fm=webp", "width=120,format=webp"),
            ("w=9&auto=format", "width=9,format=auto"),
            (
                "w=9&auto=format,compress",
                "width=9,format=auto,quality=auto",
            ),
            ("fm=png&auto=format", "format=png"),
            (
                "w=8&h=9&fit=fill&bg=f00",
                "width=8,height=9,fit=pad,background=ff0000",
            ),
            (
                "w=8&h=9&fit=cover&crop=top,left",
                "width=8,height=9,fit=cover,gravity=0x0",
            ),
            (
                "w=8&h=9&fit=crop&crop=entropy",
                "width=8,height=9,fit=crop,gravity=auto",
            ),
            ("w=8&h=9&fit=max", "width=8,height=9"),
            ("fm=pjpg", "format=jpeg"),
            (
                "fm=bjpg&rot=90&pad=3",
                "rotate=90,padding=3,format=baseline-jpeg",
            ),
        ] {
            assert_eq!(canonical(query).as_deref(), Ok(expected), "{query}");
        }
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        for (query, expected) in [
            (
                "",
                "there is no option: one at least has to be given, as `width=80`",
            ),
            (
                "crop=100,100",
                "crop: `100,100` is not what a crop keeps: faces, entropy, edges, smart, or sides as `top,left`",
            ),
            (
                "auto=magic",
                "auto: `magic` is not what is chosen by itself: format or compress",
            ),
            (
                "fit=clamp",
                "fit: `clamp` is not a way to fit: scale-down, contain, cover, crop, aspect-crop, pad or squeeze",
            ),
        ] {
            assert_eq!(canonical(query), Err(expected.to_owned()), "{query}");
        }
    }

    #[test]
    fn all_that_is_parsed_is_known() {
        for name in NAMES.into_iter().chain(["auto", "crop", "fm", "bg"]) {
            assert!(knows(name));
            let told = parse([(name, "?")])
                .map_err(|error| error.to_string())
                .unwrap_err();
            assert!(
                told.starts_with("trim") || told.contains("is not") && !told.contains("an option"),
                "{name}: {told}"
            );
        }
        assert!(!knows("v"));
    }
}
