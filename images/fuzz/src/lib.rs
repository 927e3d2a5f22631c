//! What the targets have in common.

use std::sync::OnceLock;
use std::time::Duration;

use rimward_images::syntax::cloudflare;
use rimward_images::{Bounds, Kind, Limits, Transform, render};

/// The usual limits, with pictures that are quick to make.
pub fn limits() -> Limits {
    Limits {
        pixels: 4_000_000,
        frames: 64,
        time: Duration::from_secs(5),
        ..Limits::default()
    }
}

/// Makes results of what begins like an image of this kind.
pub fn made(kind: Kind, data: &[u8]) {
    static TRANSFORMS: OnceLock<Vec<Transform>> = OnceLock::new();
    if Kind::sniff(data) != Some(kind) {
        return;
    }
    let transforms = TRANSFORMS.get_or_init(|| {
        let options = [
            "width=24,format=webp",
            "width=32,height=32,fit=cover,gravity=auto,format=baseline-jpeg",
            "trim=border,rotate=90,format=png,anim=false",
        ];
        let transform = |options| {
            cloudflare::parse(options)
                .ok()?
                .resolve(&Bounds::default())
                .ok()
        };
        options.into_iter().filter_map(transform).collect()
    });
    for transform in transforms {
        drop(render(data, transform, &limits(), &[]));
    }
}
