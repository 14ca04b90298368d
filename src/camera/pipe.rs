//! Reading from a pipe that may fall silent: like a file, but no read waits longer than a timeout.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The reading end of a pipe, a socket or a terminal.
pub(super) struct TimedPipe {
    pipe: File,
    timeout: Duration,
}

impl TimedPipe {
    pub(super) fn new(pipe: OwnedFd, timeout: Duration) -> Self {
        Self { pipe: pipe.into(), timeout }
    }
}

impl Read for TimedPipe {
    /// As [`Read::read`]; a silence of `timeout` is [`io::ErrorKind::TimedOut`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait_readable([&self.pipe], Instant::now() + self.timeout)?;
        self.pipe.read(buffer)
    }
}

/// Waits until one of `pipes` has something to read or is closed at its other end, and tells which. Signals in between are waited over.
pub(super) fn wait_readable<const N: usize>(pipes: [&File; N], deadline: Instant) -> io::Result<[bool; N]> {
    let mut polled = pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN));
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut polled, Some(&left)) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::TimedOut, "silent for too long")),
            Ok(_) => return Ok(std::array::from_fn(|place| !polled[place].revents().is_empty())),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_pipe_gives_what_is_written_then_times_out_then_ends() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut pipe = TimedPipe::new(reader.into(), Duration::from_millis(20));
        writer.write_all(b"abc").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(pipe.read(&mut buffer).unwrap(), 3);
        assert_eq!(pipe.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(writer);
        assert_eq!(pipe.read(&mut buffer).unwrap(), 0);
    }
}
