//! Options as Cloudflare writes them in paths: `width=80,fit=cover`.
//!
//! Beyond Cloudflare's own, `padding`, `border` and `progressive` can be asked for as well, gravities have words for
//! corners, and `format` has `png` and `gif`.

use percent_encoding::percent_decode_str;

use super::{OptionError, set};
use crate::transform::Options;

/// Reads options that are separated by commas. Values may be escaped as in addresses; a comma within one has to be.
/// Of an option that is given twice the later one counts.
pub fn parse(text: &str) -> Result<Options, OptionError> {
    let mut options = Options::default();
    let mut empty = true;
    for option in text.split(',').filter(|option| !option.is_empty()) {
        let Some((name, value)) = option.split_once('=') else {
            return Err(OptionError::Bare {
                name: option
                    .chars()
                    .take(40)
                    .collect::<String>()
                    .escape_debug()
                    .to_string(),
            });
        };
        set(
            &mut options,
            name,
            &percent_decode_str(value).decode_utf8_lossy(),
        )?;
        empty = false;
    }
    if empty {
        Err(OptionError::Empty)
    } else {
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transform::{Bounds, Transform};

    fn resolved(text: &str) -> Transform {
        parse(text).unwrap().resolve(&Bounds::default()).unwrap()
    }

    #[test]
    fn transforms_have_one_form() {
        for (text, expected) in [
            ("width=80", "width=80"),
            ("h=20,w=80", "width=80,height=20"),
            ("w=80,dpr=2", "width=160"),
            ("w=auto,f=auto", "format=auto"),
            (
                "w=80,fit=scale-down,q=85,anim=true,metadata=copyright,sharpen=0,gamma=0",
                "width=80,quality=85",
            ),
            ("w=80,f=webp,q=85", "width=80,format=webp"),
            ("w=80,fit=cover", "width=80,fit=contain"),
            ("w=80,fit=crop,g=left", "width=80"),
            ("w=8,h=8,fit=cover,g=center", "width=8,height=8,fit=cover"),
            (
                "w=8,h=8,fit=cover,g=top",
                "width=8,height=8,fit=cover,gravity=0.5x0",
            ),
            (
                "w=8,h=8,fit=cover,g=face,zoom=0.50",
                "width=8,height=8,fit=cover,gravity=face,zoom=0.5",
            ),
            (
                "w=8,h=8,fit=pad,background=%23f00",
                "width=8,height=8,fit=pad,background=ff0000",
            ),
            ("background=rgb(240%2C40%2C145)", "background=f02891"),
            ("background=rgb(240 40 145 / 50%25)", "background=f0289180"),
            (
                "trim=20;30;0.25;0,dpr=2",
                "trim.top=40,trim.right=60,trim.bottom=0.25",
            ),
            ("trim=border", "trim=border"),
            (
                "trim.border.color=black,trim.border.tolerance=5",
                "trim=border,trim.border.color=000000,trim.border.tolerance=5",
            ),
            ("flip=hv,rotate=180,w=1", "width=1"),
            ("flip=v", "rotate=180,flip=h"),
            ("flip=hv", "rotate=180"),
            (
                "border=2;4;2;4,border.color=red,dpr=2",
                "border=4;8;4;8,border.color=ff0000",
            ),
            ("border.left=3", "border=0;0;0;3"),
            ("f=jpeg", "format=jpeg"),
            ("f=jpg,progressive=false", "format=baseline-jpeg"),
            ("f=baseline-jpeg", "format=baseline-jpeg"),
            ("f=png,progressive=true,metadata=none", "format=png"),
            ("progressive=true", "progressive=true"),
            (
                "q=high,scq=low,compression=fast",
                "quality=high,compression=fast",
            ),
            (
                "q=auto,anim=false,onerror=redirect,metadata=keep",
                "quality=auto,anim=false,metadata=keep",
            ),
            (
                "blur=250,sharpen=1.50,brightness=0.5,contrast=2,saturation=0",
                "blur=250,sharpen=1.5,brightness=0.5,contrast=2,saturation=0",
            ),
        ] {
            assert_eq!(resolved(text).canonical(), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        for (text, expected) in [
            (
                "",
                "there is no option: one at least has to be given, as `width=80`",
            ),
            (
                "width",
                "`width` has no value: options are written as `width=80`",
            ),
            (
                "widht=80",
                "`widht` is not an option; did you mean `width`?",
            ),
            (
                "trim.hight=1",
                "`trim.hight` is not an option; did you mean `trim.height`?",
            ),
            (
                "w=0",
                "w: `0` is not `auto` or a number of pixels from 1 to 65535",
            ),
            (
                "h=auto",
                "h: `auto` is not a number of pixels from 1 to 65535",
            ),
            (
                "q=0",
                "q: `0` is not a quality: 1 to 100, high, medium-high, medium-low, low or auto",
            ),
            ("blur=251", "blur: `251` is not a radius from 1 to 250"),
            (
                "rotate=45",
                "rotate: `45` is not a turn clockwise: 90, 180, 270 or 0",
            ),
            ("anim=yes", "anim: `yes` is not `true` or `false`"),
            (
                "trim=1;2;3",
                "trim: `1;2;3` is not `border` or what is cut off as `top;right;bottom;left`",
            ),
            (
                "trim.border.tolerance=256",
                "trim.border.tolerance: `256` is not a number from 0 to 255",
            ),
            (
                "g=2x0",
                "g: `2x0` is not a gravity: auto, face, left, right, top, bottom, center, a corner as `top-left`, or shares as `0.5x0.33`",
            ),
            (
                "f=heic",
                "f: `heic` is not a format: auto, avif, webp, jpeg, baseline-jpeg, png, gif or json",
            ),
            (
                "w=80 ",
                "w: `80 ` is not `auto` or a number of pixels from 1 to 65535",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert_eq!(error, expected, "{text}");
        }
    }

    #[test]
    fn bounds_are_held_with_dpr() {
        for (text, expected) in [
            (
                "w=12001",
                "width 12001 times 1 is more than 12000, the most that may be asked for",
            ),
            (
                "h=6001,dpr=2",
                "height 6001 times 2 is more than 12000, the most that may be asked for",
            ),
        ] {
            assert_eq!(
                parse(text)
                    .unwrap()
                    .resolve(&Bounds::default())
                    .unwrap_err()
                    .to_string(),
                expected
            );
        }
    }

    fn option() -> impl Strategy<Value = String> {
        prop_oneof![
            (
                prop::sample::select(super::super::NAMES.to_vec()),
                "[0-9.;x#a-z-]{0,8}"
            )
                .prop_map(|(n, v)| format!("{n}={v}")),
            (
                prop::sample::select(vec![
                    "w",
                    "h",
                    "q",
                    "blur",
                    "padding",
                    "border",
                    "trim.left",
                    "rotate",
                    "sharpen",
                    "dpr",
                    "gamma",
                    "saturation",
                    "trim.border.keep",
                    "trim.width"
                ]),
                0u32..300
            )
                .prop_map(|(n, v)| format!("{n}={v}")),
            prop::sample::select(vec![
                "fit=cover",
                "fit=pad",
                "fit=crop",
                "g=auto",
                "g=face",
                "g=left",
                "f=jpeg",
                "f=webp",
                "f=auto",
                "trim=border",
                "flip=v",
                "flip=hv",
                "background=red",
                "anim=false",
                "progressive=true",
                "g=0.123x0.9",
                "trim=0.1;2;0.3;4"
            ])
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn nothing_panics(text in ".{0,80}") {
            drop(parse(&text));
        }

        #[test]
        fn canonical_forms_parse_to_themselves(options in prop::collection::vec(option(), 1..8)) {
            let Ok(options) = parse(&options.join(",")) else { return Ok(()) };
            let Ok(transform) = options.resolve(&Bounds::default()) else { return Ok(()) };
            let canonical = transform.canonical();
            if canonical.is_empty() {
                return Ok(());
            }
            // What was multiplied by `dpr` may be more than an address may say.
            let Ok(again) = parse(&canonical) else { return Ok(()) };
            let mut again = again.resolve(&Bounds::default()).unwrap();
            again.on_error = transform.on_error;
            prop_assert_eq!(again.canonical(), canonical);
            prop_assert_eq!(again, transform);
        }
    }
}
