//! Overlays as settings write them: `{ url = "/logo.png", bottom = 5, right = 5, opacity = 0.8 }`.

use super::{OptionError, number};
use crate::transform::{Overlay, Repeat, Sides, Wrong};

/// Reads an overlay. A box is what `width` and `height` say; `repeat` is `true`, `x` or `y`.
///
/// # Errors
/// When a name or a value is not one of an overlay, or there is no `url`.
pub fn draw<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Overlay, OptionError> {
    let mut overlay = Overlay::new("");
    for (name, value) in pairs {
        let set = put(&mut overlay, name, value);
        set.map_err(|wrong| OptionError::Value {
            name: format!("draw.{name}"),
            wrong,
        })?;
    }
    if overlay.source.is_empty() {
        let wrong = Wrong::not("", "the path or URL of a picture");
        return Err(OptionError::Value {
            name: "draw.url".to_owned(),
            wrong,
        });
    }
    Ok(overlay)
}

fn put(overlay: &mut Overlay, name: &str, value: &str) -> Result<(), Wrong> {
    let side = || number(value, Sides::MOST);
    match name {
        "url" => value.clone_into(&mut overlay.source),
        "width" => overlay.width = Some(value.parse()?),
        "height" => overlay.height = Some(value.parse()?),
        "fit" => overlay.fit = value.parse()?,
        "gravity" => overlay.gravity = value.parse()?,
        "opacity" => overlay.opacity = value.parse()?,
        "background" => overlay.background = Some(value.parse()?),
        "rotate" => overlay.rotate = value.parse()?,
        "repeat" => {
            overlay.repeat = match value {
                "true" => Repeat::Both,
                "false" => Repeat::None,
                _ => value.parse()?,
            }
        }
        "top" => overlay.place.top = Some(side()?),
        "right" => overlay.place.right = Some(side()?),
        "bottom" => overlay.place.bottom = Some(side()?),
        "left" => overlay.place.left = Some(side()?),
        _ => {
            let expected = "url, width, height, fit, gravity, opacity, repeat, top, right, bottom, left, background or rotate";
            return Err(Wrong::not(name, expected));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_is_told_by_its_parts() {
        let logo = draw([
            ("url", "/logo.png"),
            ("bottom", "5"),
            ("opacity", "0.80"),
            ("repeat", "true"),
        ])
        .unwrap();
        assert_eq!(
            logo.to_string(),
            "9:/logo.png;;;scale-down;0.5x0.5;0.8;both;;;5;;;0"
        );
        for (name, value, expected) in [
            (
                "width",
                "0",
                "draw.width: `0` is not a number of pixels from 1 to 65535",
            ),
            ("z", "1", "draw.z: `z` is not url, width, height"),
            (
                "top",
                "1",
                "draw.url: `` is not the path or URL of a picture",
            ),
        ] {
            let error = draw([(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
