//! Names that are the same in every process: what an object is found by on disk.
//!
//! The hashes of the memory tier are keyed anew in each process. These are not, so they are made by a function whose
//! collisions nobody can choose; a name only leads to a record, which is then compared whole.

use blake2::Blake2b;
use blake2::digest::Digest;
use blake2::digest::consts::U16;

/// What the records of one key are found by.
pub(crate) type KeyName = u64;
/// What tells the variants of one key apart; 0 for an object that does not vary.
pub(crate) type VariantName = u32;

/// The name of a key with these framed parts.
pub(crate) fn of_key(parts: &[u8]) -> KeyName {
    digest(parts)
}

/// The name of the variant that these selecting values choose.
pub(crate) fn of_variant(selecting: Option<&[u8]>) -> VariantName {
    selecting.map_or(0, |values| {
        let [low, ..] = split(digest(values));
        low | 1
    })
}

fn split(name: u64) -> [u32; 2] {
    let bytes = name.to_le_bytes();
    let [a, b, c, d, e, f, g, h] = bytes;
    [
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    ]
}

fn digest(bytes: &[u8]) -> u64 {
    let digest = Blake2b::<U16>::digest(bytes);
    digest
        .iter()
        .take(8)
        .fold(0, |name, byte| name << 8 | u64::from(*byte))
}
