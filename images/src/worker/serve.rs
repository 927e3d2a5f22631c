//! The worker's own side: one image after the other, until nobody asks any more.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::jail;
use super::message::{self, Answer, Made, Request};
use crate::ImageError;

/// Makes images for whoever started this process with [`super::Workers`], over its standard input. It ends with that.
///
/// From here on the process can open nothing and start nothing, so it is to be called before anything else is done.
///
/// # Errors
/// When it can't be locked in, or standard input is no way to anybody.
pub fn serve() -> io::Result<()> {
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    jail::lock_in(&stream)?;
    while let Some(request) = message::read_head::<Request>(&mut stream)? {
        let (source, overlays) = request.read_files(&mut stream)?;
        let made = catch_unwind(AssertUnwindSafe(|| make(&request, &source, &overlays)));
        match made {
            Ok(answer) => send(&mut stream, answer)?,
            Err(_) => {
                let error = ImageError::failed("the work on the image broke down");
                send(&mut stream, Err(error))?;
                return Err(io::Error::other("a panic"));
            }
        }
    }
    Ok(())
}

fn make(
    request: &Request,
    source: &[u8],
    overlays: &[Vec<u8>],
) -> Result<crate::Rendered, ImageError> {
    let overlays: Vec<&[u8]> = overlays.iter().map(|overlay| &overlay[..]).collect();
    crate::render(source, &request.transform, &request.limits, &overlays)
}

fn send(stream: &mut UnixStream, answer: Result<crate::Rendered, ImageError>) -> io::Result<()> {
    let mut bytes = Vec::new();
    let answer: Answer = answer.map(|mut rendered| {
        bytes = std::mem::take(&mut rendered.bytes);
        Made {
            rendered,
            bytes: bytes.len() as u64,
        }
    });
    message::write_head(stream, &answer)?;
    stream.write_all(&bytes)
}
