//! Reading from a pipe that may fall silent: like a file, but no read waits longer than a timeout, or than somebody wants to wait.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::stop::{NAP, Stop};

/// The reading end of a pipe, a socket or a terminal.
pub(super) struct TimedPipe {
    pipe: File,
    timeout: Duration,
    stop: Stop,
}

impl TimedPipe {
    pub(super) fn new(pipe: OwnedFd, timeout: Duration, stop: Stop) -> Self {
        Self { pipe: pipe.into(), timeout, stop }
    }
}

impl Read for TimedPipe {
    /// As [`Read::read`]; a silence of `timeout` is [`io::ErrorKind::TimedOut`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait_readable([&self.pipe], Instant::now() + self.timeout, &self.stop)?;
        self.pipe.read(buffer)
    }
}

/// Waits until one of `files` has something to read or is closed at its other end, and tells which. Signals in between are waited over.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] at the deadline; what the kernel says; when a stop is asked for, any error, at once.
pub(super) fn wait_readable<const N: usize>(files: [&File; N], deadline: Instant, stop: &Stop) -> io::Result<[bool; N]> {
    let mut polled = files.map(|file| PollFd::new(file, PollFlags::IN));
    loop {
        if stop.is_asked() {
            return Err(io::Error::other("asked to stop"));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut polled, Some(&Timespec::try_from(left.min(NAP)).map_err(io::Error::other)?)) {
            Ok(0) if left.is_zero() => return Err(io::Error::new(io::ErrorKind::TimedOut, "silent for too long")),
            Ok(0) => {}
            Ok(_) => return Ok(polled.each_ref().map(|polled| !polled.revents().is_empty())),
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
        let mut pipe = TimedPipe::new(reader.into(), Duration::from_millis(20), Stop::default());
        writer.write_all(b"abc").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(pipe.read(&mut buffer).unwrap(), 3);
        assert_eq!(pipe.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(writer);
        assert_eq!(pipe.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn who_asks_to_stop_is_not_kept_waiting_by_a_silent_pipe() {
        let (reader, _writer) = io::pipe().unwrap();
        let stop = Stop::default();
        let mut pipe = TimedPipe::new(reader.into(), Duration::from_secs(60), stop.clone());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || pipe.read(&mut [0; 8]));
            stop.ask();
            let asked = Instant::now();
            assert!(waiting.join().unwrap().is_err());
            assert!(asked.elapsed() < 3 * NAP, "{:?}", asked.elapsed());
        });
    }
}
