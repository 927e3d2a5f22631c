//! Brightness, blue and red to red, green and blue: BT.601 at full range.

/// Pixels that are made at once. Rows of samples are as long as a multiple of it.
pub(super) const LANES: usize = 8;

pub(super) fn of<'a>(luma: &'a [f32], blue: &'a [f32], red: &'a [f32], to: &mut [u8]) {
    let chunks = |plane: &'a [f32]| plane.as_chunks::<LANES>().0;
    let samples = chunks(luma).iter().zip(chunks(blue)).zip(chunks(red));
    for (((luma, blue), red), to) in samples.zip(to.chunks_mut(3 * LANES)) {
        write(
            lanes(|at| luma[at] + 1.402 * red[at]),
            lanes(|at| luma[at] - 0.344_136 * blue[at] - 0.714_136 * red[at]),
            lanes(|at| luma[at] + 1.772 * blue[at]),
            to,
        );
    }
}

pub(super) fn gray(luma: &[f32], to: &mut [u8]) {
    for (luma, to) in luma
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(to.chunks_mut(3 * LANES))
    {
        let same = lanes(|at| luma[at]);
        write(same, same, same, to);
    }
}

#[inline(always)]
fn lanes(of: impl Fn(usize) -> f32) -> [u8; LANES] {
    std::array::from_fn(|at| byte(of(at)))
}

/// The nearest byte: behind so large a number, fractions have no place.
#[inline(always)]
fn byte(value: f32) -> u8 {
    const NO_FRACTIONS: f32 = 8_388_608.0;
    (value.clamp(0.0, 255.0) + NO_FRACTIONS).to_bits() as u8
}

#[inline(always)]
fn write(red: [u8; LANES], green: [u8; LANES], blue: [u8; LANES], to: &mut [u8]) {
    let pixels = red.into_iter().zip(green).zip(blue);
    for (((red, green), blue), to) in pixels.zip(to.as_chunks_mut().0) {
        *to = [red, green, blue];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_rounded_and_kept_in_range() {
        for (luma, blue, red, expected) in [
            (76.0, -43.0, 127.5, [255, 0, 0]),
            (90.4, 0.0, 0.0, [90, 90, 90]),
            (90.6, 0.0, 0.0, [91, 91, 91]),
            (-9.0, 0.0, 0.0, [0, 0, 0]),
            (300.0, 0.0, 0.0, [255, 255, 255]),
        ] {
            let mut to = [7; 9];
            of(&[luma; 8], &[blue; 8], &[red; 8], &mut to);
            assert_eq!(to[6..], expected);
        }
        let mut to = [0; 27];
        gray(&[33.0; 16], &mut to);
        assert_eq!(to, [33; 27]);
    }
}
