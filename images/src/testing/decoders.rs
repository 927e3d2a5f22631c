//! The two decoders of JPEG beside each other.

use crate::decode::{by_libjpeg, shrunk};
use crate::{Kind, Limits, probe};

/// Has both make a file smaller. What the quick one takes, libjpeg has to take as well, and to make as many pixels of: it knows better
/// what is wrong. Panics otherwise.
#[allow(clippy::panic, reason = "this is what tests and fuzz targets fail by")]
pub fn compare_decoders(bytes: &[u8], limits: &Limits) {
    let Ok(info) = probe(bytes, limits) else {
        return;
    };
    if info.kind != Kind::Jpeg || !info.plain {
        return;
    }
    for factor in [8.0, 4.0, 8.0 / 3.0, 2.0] {
        let deadline = limits.deadline();
        let Ok(Some(quick)) = shrunk::decode(bytes, factor, deadline) else {
            continue;
        };
        match by_libjpeg(bytes, &info, factor, limits, deadline) {
            Ok(other) if other.scale == quick.scale => {
                let size = (other.picture.width, other.picture.height);
                assert_eq!(
                    (quick.picture.width, quick.picture.height),
                    size,
                    "{factor}"
                );
            }
            // It has no three eighths.
            Ok(_) => {}
            Err(error) => panic!("at {factor} libjpeg says: {error}"),
        }
    }
}
