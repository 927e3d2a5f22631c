//! Bits of a JPEG's data, in which a zero follows each byte `0xff` that is no marker.

const RESTART: u8 = 0xd0;
const END_OF_IMAGE: u8 = 0xd9;

/// At least 32 bits are there after each `refill`, if only zeros behind the end of the data.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte to take.
    at: usize,
    /// The next bits, from the highest on. Behind those that count, it may have some of the next byte already.
    buffer: u64,
    count: u32,
    /// How many of these there are not, but zeros behind a marker.
    made_up: u32,
    restarts: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            buffer: 0,
            count: 0,
            made_up: 0,
            restarts: 0,
        }
    }

    #[inline(always)]
    pub(super) fn refill(&mut self) {
        match self.data.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            Some(word) if !has_marker(u64::from_be_bytes(*word)) => {
                self.buffer |= u64::from_be_bytes(*word) >> self.count;
                let taken = (63 - self.count) / 8;
                self.at += taken as usize;
                self.count += taken * 8;
            }
            // By value, so that otherwise all of this can stay in registers.
            _ => *self = self.refilled_by_bytes(),
        }
    }

    #[cold]
    #[inline(never)]
    fn refilled_by_bytes(mut self) -> Self {
        while self.count <= 56 {
            let byte = match self.data.get(self.at..).unwrap_or_default() {
                [0xff, 0, ..] => {
                    self.at += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.made_up += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    *byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    /// The next bits, at least one and at most 32.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.buffer >> (64 - count)) as usize
    }

    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) {
        self.buffer <<= count;
        self.count = self.count.wrapping_sub(count);
    }

    /// A number of so many bits, at most 16, of which the first tells its sign.
    #[inline(always)]
    pub(super) fn signed(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let value = signed(self.peek(size), size);
        self.take(size);
        value
    }

    /// Whether more was taken than there is.
    pub(super) fn is_over(&self) -> bool {
        self.made_up > self.count
    }

    /// Goes on behind the next mark that reading can begin at.
    pub(super) fn restart(&mut self) -> Option<()> {
        if self.marker()? != RESTART + self.restarts {
            return None;
        }
        self.restarts = (self.restarts + 1) % 8;
        Some(())
    }

    pub(super) fn is_end_of_image(&mut self) -> bool {
        self.marker() == Some(END_OF_IMAGE)
    }

    /// The marker that has to come now. What is left of the last byte before it says nothing.
    fn marker(&mut self) -> Option<u8> {
        self.take(self.count % 8);
        if self.count != self.made_up {
            return None;
        }
        (self.buffer, self.count, self.made_up) = (0, 0, 0);
        let rest = self.data.get(self.at..)?.strip_prefix(&[0xff])?;
        let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
        self.at += 1 + fill + 1;
        rest.get(fill).copied()
    }
}

/// The number that bits stand for: those that begin with a zero are negative.
pub(super) fn signed(bits: usize, size: u32) -> i32 {
    let bits = bits as i32;
    if bits >> (size - 1) == 0 {
        bits - (1 << size) + 1
    } else {
        bits
    }
}

/// Whether one of eight bytes is `0xff`.
#[inline(always)]
fn has_marker(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    let inverse = !word;
    inverse.wrapping_sub(ONES) & word & (ONES << 7) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_bytes_without_what_is_stuffed() {
        let data = [
            0xa5, 0xff, 0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0xff, 0xd9,
        ];
        let plain = [
            0xa5_u8, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0,
        ];
        let mut bits = Bits::new(&data);
        for byte in plain {
            for half in [byte >> 4, byte & 15_u8] {
                bits.refill();
                assert_eq!(bits.peek(4), usize::from(half));
                bits.take(4);
            }
        }
        assert!(!bits.is_over());
        assert!(bits.clone().is_end_of_image());
        bits.refill();
        bits.take(1);
        assert!(bits.is_over());
    }

    #[test]
    fn marks_come_in_their_order_and_where_the_data_ends() {
        let mut bits = Bits::new(&[
            0x80, 0xff, 0xd0, 0x80, 0xff, 0xff, 0xd1, 0x80, 0x80, 0xff, 0xd2,
        ]);
        for expected in [Some(()), Some(()), None] {
            bits.refill();
            bits.take(1);
            assert_eq!(bits.restart(), expected);
        }
    }

    #[test]
    fn a_marker_is_seen_at_each_place() {
        for place in 0..8 {
            assert!(has_marker(0x8000_fe01_7f80_0001 | 0xff << (place * 8)));
        }
        assert!(!has_marker(0x8000_fe01_7f80_fe00));
    }

    #[test]
    fn signs_come_first() {
        for (bits, size, expected) in [(0, 1, -1), (1, 1, 1), (0, 3, -7), (3, 3, -4), (4, 3, 4)] {
            assert_eq!(signed(bits, size), expected);
        }
    }
}
