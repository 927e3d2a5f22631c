//! Huffman codes: tables from the next bits to what they mean.

use super::bits::{Bits, signed};

/// Bits that tables are looked up by. Longer codes are rare.
const BITS: u32 = 11;
const COUNT: usize = 1 << BITS;
/// What ends a block is a step beyond it.
const END: u8 = 64;

fn table<T>(of: impl FnMut(usize) -> T) -> Box<[T; COUNT]> {
    let values: Box<[T]> = (0..COUNT).map(of).collect();
    match values.try_into() {
        Ok(table) => table,
        Err(_) => unreachable!("a range has as many values as it is long"),
    }
}

/// Codes and the bytes that they mean.
pub(super) struct Codes {
    short: Box<[Code; COUNT]>,
    /// For each length, the first sixteen bits that are beyond its codes.
    ends: [u32; 17],
    /// For each length, what a code has to be added to for its place in `bytes`.
    places: [i32; 17],
    bytes: [u8; 256],
}

/// A byte and the length of its code; 0 where that is longer than what the table is looked up by.
#[derive(Clone, Copy, Default)]
struct Code {
    length: u8,
    byte: u8,
}

impl Codes {
    /// Codes of which there are so many of each length, from one on. `None` if there can't be.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut codes = Self {
            short: table(|_| Code::default()),
            ends: [0; 17],
            places: [0; 17],
            bytes: [0; 256],
        };
        codes.bytes.get_mut(..values.len())?.copy_from_slice(values);
        let (mut code, mut place) = (0u32, 0);
        for (length, count) in (1..).zip(counts) {
            codes.places[length] = place as i32 - code as i32;
            for byte in values.get(place..place + usize::from(*count))? {
                codes.add(code, length as u32, *byte);
                code += 1;
            }
            place += usize::from(*count);
            // None is all ones.
            if code >= 1 << length {
                return None;
            }
            codes.ends[length] = code << (16 - length);
            code <<= 1;
        }
        Some(codes)
    }

    fn add(&mut self, code: u32, length: u32, byte: u8) {
        let Some(free) = BITS.checked_sub(length) else {
            return;
        };
        let from = (code as usize) << free;
        if let Some(short) = self.short.get_mut(from..from + (1 << free)) {
            short.fill(Code {
                length: length as u8,
                byte,
            });
        }
    }

    /// The next byte.
    #[inline(always)]
    pub(super) fn next(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let mut code = self.short[bits.peek(BITS)];
        if code.length == 0 {
            code = self.long(bits.peek(16))?;
        }
        bits.take(u32::from(code.length));
        Some(code.byte)
    }

    #[cold]
    #[inline(never)]
    fn long(&self, next: usize) -> Option<Code> {
        let length = (BITS as usize + 1..=16).find(|length| next < self.ends[*length] as usize)?;
        let place = (next >> (16 - length)) as i32 + self.places[length];
        Some(Code {
            length: length as u8,
            byte: *self.bytes.get(usize::try_from(place).ok()?)?,
        })
    }

    /// Whether all values are the size of a number.
    pub(super) fn are_sizes(&self) -> bool {
        self.bytes.iter().all(|byte| *byte < 16)
    }
}

/// Codes of the numbers behind a block's first: each tells how many zeros come before a number, and how many bits it has. The bits follow.
pub(super) struct Details {
    codes: Codes,
    values: Box<[Value; COUNT]>,
    skips: Box<[Skip; COUNT]>,
}

/// A code with the number behind it; 0 bits where both are too long together.
#[derive(Clone, Copy, Default)]
struct Value {
    value: i16,
    /// Zeros before it.
    zeros: u8,
    bits: u8,
}

/// As many codes as can be seen at once, with the bits behind each, to be passed over.
#[derive(Clone, Copy, Default)]
struct Skip {
    bits: u8,
    /// How many numbers they are, `END` added if the last ends the block.
    ahead: u8,
}

impl Details {
    pub(super) fn new(codes: Codes) -> Self {
        Self {
            values: table(|next| codes.value(next)),
            skips: table(|next| codes.skip(next)),
            codes,
        }
    }

    /// The next number and how many zeros come before it.
    #[inline(always)]
    pub(super) fn next(&self, bits: &mut Bits<'_>) -> Option<(i16, usize)> {
        let value = self.values[bits.peek(BITS)];
        if value.bits == 0 {
            return self.long(bits);
        }
        bits.take(u32::from(value.bits));
        Some((value.value, usize::from(value.zeros)))
    }

    #[inline(always)]
    fn long(&self, bits: &mut Bits<'_>) -> Option<(i16, usize)> {
        let (zeros, size) = parts(self.codes.next(bits)?);
        Some((bits.signed(size) as i16, usize::from(zeros)))
    }

    /// Passes over one number or more; at 64 or beyond, the block has ended.
    #[inline(always)]
    pub(super) fn skip(&self, bits: &mut Bits<'_>, at: usize) -> Option<usize> {
        let skip = self.skips[bits.peek(BITS)];
        // What would be beyond the block belongs to the next.
        let numbers = usize::from(skip.ahead % END);
        if skip.bits == 0 || at + numbers > 63 {
            let (_, zeros) = self.next(bits)?;
            return Some(at + zeros + 1);
        }
        bits.take(u32::from(skip.bits));
        Some(at + usize::from(skip.ahead))
    }
}

/// How many zeros come before a number, and how many bits it has.
fn parts(byte: u8) -> (u8, u32) {
    match (byte >> 4, byte & 15) {
        (15, 0) => (15, 0),
        (_, 0) => (END, 0),
        (zeros, size) => (zeros, size.into()),
    }
}

impl Codes {
    fn value(&self, next: usize) -> Value {
        let code = self.short[next];
        let (zeros, size) = parts(code.byte);
        let bits = u32::from(code.length) + size;
        if code.length == 0 || bits > BITS {
            return Value::default();
        }
        let number = (next >> (BITS - bits)) & ((1 << size) - 1);
        let value = if size == 0 { 0 } else { signed(number, size) };
        Value {
            value: value as i16,
            zeros,
            bits: bits as u8,
        }
    }

    fn skip(&self, next: usize) -> Skip {
        let mut skip = Skip::default();
        while u32::from(skip.bits) < BITS {
            let code = self.short[(next << skip.bits) % COUNT];
            let (zeros, size) = parts(code.byte);
            let is_whole = u32::from(skip.bits + code.length) <= BITS;
            if code.length == 0 || !is_whole || (zeros < END && skip.ahead + zeros >= END - 1) {
                break;
            }
            skip.bits += code.length + size as u8;
            skip.ahead += if zeros == END { END } else { zeros + 1 };
            if zeros == END {
                break;
            }
        }
        skip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes 0, 10, 110 and, of twelve bits, 111000000000: one number of one bit, the end, 2 zeros and 3 bits, 16 zeros.
    fn details() -> Details {
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[2], counts[11]) = (1, 1, 1, 1);
        Details::new(Codes::new(&counts, &[0x01, 0x00, 0x23, 0xf0]).unwrap())
    }

    #[test]
    fn numbers_come_with_the_zeros_before_them() {
        // 0 1, 0 0, 110 101, 110 010, 111000000000, 10
        let data = [0b0100_1101, 0b0111_0010, 0b1110_0000, 0b0000_1000];
        let mut bits = Bits::new(&data);
        let details = details();
        for expected in [(1, 0), (-1, 0), (5, 2), (-5, 2), (0, 15), (0, 64)] {
            bits.refill();
            assert_eq!(details.next(&mut bits), Some(expected));
        }
    }

    #[test]
    fn several_are_passed_over_at_once_but_none_of_the_next_block() {
        let data = [0b0100_1101, 0b0111_0010, 0b1110_0000, 0b0000_1000];
        let details = details();
        let skipped = |start: usize| {
            let (mut bits, mut at, mut looks) = (Bits::new(&data), start, 0);
            while at < 64 {
                bits.refill();
                at = details.skip(&mut bits, at).unwrap();
                looks += 1;
            }
            (at, looks, bits.peek(4))
        };
        // All of it, which takes one look at two codes and more, then the end.
        assert_eq!(skipped(1), (1 + 2 + 6 + 16 + 64, 4, 0));
        // The first two are the last of the block.
        assert_eq!(skipped(62), (64, 2, 0b1101));
        assert_eq!(skipped(63), (64, 1, 0b0011));
    }

    #[test]
    fn codes_that_can_not_be_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 2;
        assert!(Codes::new(&counts, &[1, 2]).is_none());
        counts[0] = 1;
        assert!(Codes::new(&counts, &[]).is_none());
        assert!(Codes::new(&counts, &[1]).unwrap().are_sizes());
        assert!(!Codes::new(&counts, &[16]).unwrap().are_sizes());
        let codes = Codes::new(&counts, &[1]).unwrap();
        let mut bits = Bits::new(&[0xfe; 9]);
        bits.refill();
        assert_eq!(codes.next(&mut bits), None);
    }
}
