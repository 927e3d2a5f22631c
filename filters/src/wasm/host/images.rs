//! Pictures that the host makes for a guest.

use rimward_images::syntax::query;
use rimward_images::{Bounds, Transform};

use crate::wasm::abi::rimward::filter::images::{self, Host};
use crate::wasm::abi::{Error, Hook};
use crate::wasm::state::{Picture, State};

impl Host for State {
    fn apply(&mut self, t: images::Transform) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.apply(t))
    }
}

impl State {
    fn apply(&mut self, wanted: images::Transform) -> Result<(), Error> {
        if !matches!(
            self.hook,
            Hook::Request | Hook::OriginResponse | Hook::Response
        ) {
            return Err(Error::NotAllowedInPhase);
        }
        if self.version.grants.pictures.is_none() {
            let denied = "`grants.images` is not true";
            return Err(Error::Denied(denied.to_owned()));
        }
        self.picture = Some(Picture::try_from(wanted).map_err(Error::Invalid)?);
        Ok(())
    }
}

impl TryFrom<images::Transform> for Picture {
    type Error = String;

    fn try_from(wanted: images::Transform) -> Result<Self, String> {
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        let options = [
            ("width", number(wanted.width)),
            ("height", number(wanted.height)),
            ("fit", wanted.fit),
            ("format", wanted.format),
            ("quality", number(wanted.quality.map(u32::from))),
            ("dpr", wanted.dpr.map(|dpr| dpr.to_string())),
        ];
        let told = options.iter();
        let told = told.filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let transform = transform(told.clone())?;
        let text: Vec<String> = told
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Ok(Self {
            transform,
            text: text.join("&"),
        })
    }
}

impl Picture {
    /// The picture that was written as [`Picture::text`]; none for what is no such text.
    pub(in crate::wasm) fn read(text: &str) -> Option<Self> {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Some(Self {
            transform: transform(pairs).ok()?,
            text: text.to_owned(),
        })
    }
}

fn transform<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Transform, String> {
    let options = query::parse(pairs).map_err(|error| error.to_string())?;
    options
        .resolve(&Bounds::default())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> images::Transform {
        images::Transform {
            width: None,
            height: None,
            fit: None,
            format: None,
            quality: None,
            dpr: None,
        }
    }

    #[test]
    fn what_a_guest_wants_is_read_or_refused() {
        let wide = images::Transform {
            width: Some(100),
            ..nothing()
        };
        for (wanted, expected) in [
            (wide.clone(), "width=100"),
            (
                images::Transform {
                    fit: Some("cover".to_owned()),
                    format: Some("webp".to_owned()),
                    quality: Some(40),
                    dpr: Some(1.5),
                    height: Some(20),
                    ..wide.clone()
                },
                "width=100&height=20&fit=cover&format=webp&quality=40&dpr=1.5",
            ),
        ] {
            let picture = Picture::try_from(wanted).unwrap();
            assert_eq!(picture.text, expected);
            let again = Picture::read(&picture.text).unwrap();
            assert_eq!(again.transform.canonical(), picture.transform.canonical());
        }
        for (wanted, expected) in [
            (nothing(), "option"),
            (
                images::Transform {
                    width: Some(0),
                    ..nothing()
                },
                "width",
            ),
            (
                images::Transform {
                    fit: Some("cover&width=4".to_owned()),
                    ..wide.clone()
                },
                "fit",
            ),
            (
                images::Transform {
                    dpr: Some(f32::NAN),
                    ..wide
                },
                "dpr",
            ),
        ] {
            let refused = Picture::try_from(wanted).err().unwrap();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
