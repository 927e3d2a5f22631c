//! Reading files without holding up a worker.
//!
//! What the system has in its page cache is read at once, by a call that never waits for the disk. All else is read by a
//! thread that may wait.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::sync::Arc;

use rustix::io::{ReadWriteFlags, preadv2};

/// Reads up to this size are tried at once; larger ones would hold up a worker even when nothing waits.
const AT_ONCE: usize = 512 << 10;

/// Reads two buffers full from a position.
///
/// # Errors
/// When the file ends before, or can't be read.
pub(crate) async fn read(
    file: &Arc<File>,
    sizes: [usize; 2],
    position: u64,
) -> io::Result<[Vec<u8>; 2]> {
    if sizes[0] + sizes[1] <= AT_ONCE {
        let mut buffers = sizes.map(|size| vec![0; size]);
        if fill(file, &mut buffers, position, ReadWriteFlags::NOWAIT).is_ok() {
            return Ok(buffers);
        }
    }
    let file = file.clone();
    let read = tokio::task::spawn_blocking(move || read_waiting(&file, sizes, position));
    read.await.map_err(io::Error::other)?
}

/// The same, on a thread that may wait.
///
/// # Errors
/// As for [`read`].
pub(crate) fn read_waiting(
    file: &File,
    sizes: [usize; 2],
    position: u64,
) -> io::Result<[Vec<u8>; 2]> {
    let mut buffers = sizes.map(|size| vec![0; size]);
    fill(file, &mut buffers, position, ReadWriteFlags::empty())?;
    Ok(buffers)
}

/// Fills both buffers; reads that never wait are not repeated.
fn fill(
    file: &File,
    buffers: &mut [Vec<u8>; 2],
    position: u64,
    flags: ReadWriteFlags,
) -> io::Result<()> {
    let wanted = buffers[0].len() + buffers[1].len();
    let mut done = 0;
    while done < wanted {
        let [first, second] = &mut *buffers;
        let (skip_first, skip_second) = (done.min(first.len()), done.saturating_sub(first.len()));
        let mut slices = [
            IoSliceMut::new(&mut first[skip_first..]),
            IoSliceMut::new(&mut second[skip_second..]),
        ];
        let at = position + u64::try_from(done).unwrap_or(u64::MAX);
        match preadv2(file, &mut slices, at, flags) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn both_ways_read_the_same() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
        file.write_all(&bytes).unwrap();
        let file = Arc::new(file);
        for (sizes, position) in [
            ([0, 0], 0),
            ([10, 0], 5),
            ([48, 100_000], 7),
            ([1, 900_000], 0),
        ] {
            let at = usize::try_from(position).unwrap();
            let expected = &bytes[at..at + sizes[0] + sizes[1]];
            assert_eq!(
                read(&file, sizes, position).await.unwrap().concat(),
                expected
            );
            assert_eq!(
                read_waiting(&file, sizes, position).unwrap().concat(),
                expected
            );
        }
        assert!(read(&file, [1, 1], 999_999).await.is_err());
        assert!(read_waiting(&file, [2, 0], 999_999).is_err());
    }
}
