//! What an object takes in RAM beyond the bytes of its body, and what the store reckons with.

use bytes::Bytes;
use rimward_benches::objects::{Shelf, head, key, store};
use rimward_cache::store::Found;

/// As the program has it: what it rounds up counts too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of each body, unless the command line says another number.
const BODY: usize = 100;

/// Bytes of the process that are in RAM.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// Bytes of a head's names and values, without which no response can be told.
fn told(length: usize) -> u64 {
    let head = head(length);
    let fields = head.headers.iter();
    fields
        .map(|(name, value)| (name.as_str().len() + value.len()) as u64)
        .sum()
}

/// Prints bytes per object.
#[allow(clippy::print_stdout, reason = "a bench tells its numbers")]
fn main() {
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let length: usize = asked.unwrap_or(BODY);
    let objects: u64 = if length > 1000 { 100_000 } else { 1_000_000 };
    let store = store(16 << 30);
    let shelf = Shelf::new(&store, length);
    let body = || Bytes::from(vec![b'x'; length]);
    // What is allocated once is not an object's.
    (0..1000).for_each(|number| shelf.put_body(&key(objects + number), body()));
    let before = resident();
    (0..objects).for_each(|number| shelf.put_body(&key(number), body()));
    let stats = store.stats();
    let held = resident().saturating_sub(before) / objects;
    let (key_bytes, head_bytes) = (key(objects - 1).parts().len() as u64, told(length));
    let reckoned = match store.lookup(key(1).as_ref(), None) {
        Some(Found::Object(object, _)) => object.weight(),
        _ => 0,
    };
    println!(
        "{objects} objects with bodies of {length} bytes, {} keys in the store",
        stats.keys
    );
    println!("{held:>6} bytes of RAM an object");
    println!("{:>6} beyond its body", held.saturating_sub(length as u64));
    println!(
        "{:>6} beyond its body, its key ({key_bytes}) and the {head_bytes} bytes of its fields",
        held.saturating_sub(length as u64 + key_bytes + head_bytes)
    );
    println!("{reckoned:>6} is what the store reckons it at");
}
