//! From a block's cosines to fewer samples than the eight by eight that they stand for: those cosines that so few samples can show, at as many
//! points.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Where the numbers of a block belong, in the order in which they come: eight to a row.
#[rustfmt::skip]
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// One block, and how it becomes samples.
pub(super) struct Cosines {
    block: [f32; 64],
    /// Whether all but the mean are zero.
    is_flat: bool,
    width: usize,
    height: usize,
    across: Waves,
    down: Waves,
    /// The last number, in the order of the file, that has a use.
    last: usize,
    transform: Transform,
}

type Transform = fn(&Cosines, &mut [f32], usize);

/// Each wave at each of the points.
type Waves = [[f32; 8]; 8];

/// A sample is neither the wave at its point, which makes pictures that are sharper and take more bytes than those of others, nor the mean
/// of the wave around it, which makes softer ones; it is half way between.
fn waves(points: usize) -> Waves {
    let mut waves = [[0.0; 8]; 8];
    waves[0] = [FRAC_1_SQRT_2 / 2.0; 8];
    for (number, wave) in waves.iter_mut().enumerate().take(points).skip(1) {
        let step = number as f32 * PI / (2 * points) as f32;
        let mean = step.sin() / (number as f32 * PI / 16.0).sin() * points as f32 / 8.0;
        for (at, value) in wave.iter_mut().enumerate().take(points) {
            *value = ((2 * at + 1) as f32 * step).cos() * mean.sqrt() / 2.0;
        }
    }
    waves
}

impl Cosines {
    /// For blocks of so many samples, each side 1, 2, 3, 4, 6 or 8.
    pub(super) fn new(width: usize, height: usize) -> Self {
        let is_used = |place: &u8| {
            let place = usize::from(*place);
            place % 8 < width && place / 8 < height
        };
        Self {
            block: [0.0; 64],
            is_flat: true,
            width,
            height,
            across: waves(width),
            down: waves(height),
            last: ZIGZAG.iter().rposition(is_used).unwrap_or(0),
            transform: match width {
                1 => Self::transform::<1>,
                2 => Self::transform::<2>,
                3 => Self::transform::<3>,
                4 => Self::transform::<4>,
                6 => Self::transform::<6>,
                _ => Self::transform::<8>,
            },
        }
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    #[inline(always)]
    pub(super) fn last(&self) -> usize {
        self.last
    }

    /// Begins a block.
    #[inline(always)]
    pub(super) fn start(&mut self, mean: f32) {
        if !self.is_flat {
            self.block[..8 * self.height].fill(0.0);
            self.is_flat = true;
        }
        self.block[0] = mean;
    }

    /// The number that comes at this place.
    #[inline(always)]
    pub(super) fn set(&mut self, at: usize, value: f32) {
        self.is_flat = false;
        self.block[usize::from(ZIGZAG[at % 64]) % 64] = value;
    }

    /// Writes the samples to rows that are a stride apart.
    #[inline(always)]
    pub(super) fn write(&self, to: &mut [f32], stride: usize) {
        if self.is_flat {
            let mean = self.block[0] / 8.0;
            for row in to.chunks_mut(stride).take(self.height) {
                row[..self.width].fill(mean);
            }
        } else {
            (self.transform)(self, to, stride);
        }
    }

    fn transform<const WIDTH: usize>(&self, to: &mut [f32], stride: usize) {
        let mut half = [[0.0f32; WIDTH]; 8];
        let rows = self.block.as_chunks::<8>().0.iter().take(self.height);
        for (half, row) in half.iter_mut().zip(rows) {
            for (number, wave) in row.iter().zip(&self.across).take(WIDTH) {
                for (value, at) in half.iter_mut().zip(wave) {
                    *value += number * at;
                }
            }
        }
        for (y, row) in to.chunks_mut(stride).take(self.height).enumerate() {
            let mut sums = [0.0f32; WIDTH];
            for (values, wave) in half.iter().zip(&self.down).take(self.height) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += value * wave[y];
                }
            }
            row[..WIDTH].copy_from_slice(&sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_seen_at_fewer_points() {
        for (width, height) in [(1, 1), (2, 2), (3, 3), (4, 4), (8, 4), (3, 6), (8, 8)] {
            let mut cosines = Cosines::new(width, height);
            let mut to = vec![0.0; 8 * height];
            cosines.start(80.0);
            cosines.write(&mut to, 8);
            assert_eq!(to[..width], vec![10.0; width]);
            if width == 1 {
                assert_eq!(cosines.last(), 0);
                continue;
            }
            // The first number behind the mean is half a wave across.
            cosines.set(1, 8.0 * FRAC_1_SQRT_2);
            cosines.write(&mut to, 8);
            for row in to.chunks(8) {
                for (x, found) in row.iter().take(width).enumerate() {
                    let expected = 10.0 + ((2 * x + 1) as f32 * PI / (2 * width) as f32).cos();
                    assert!((found - expected).abs() < 0.04, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn only_what_is_seen_is_read() {
        for (width, height, last) in [(1, 1, 0), (2, 2, 4), (4, 4, 24), (8, 8, 63), (8, 4, 53)] {
            assert_eq!(Cosines::new(width, height).last(), last);
        }
    }
}
