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
    /// As [`Read::read`]; a silence of `timeout` is [`io::ErrorKind::TimedOut`]. Signals in between are waited over.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait_readable(&self.pipe, self.timeout)?;
        self.pipe.read(buffer)
    }
}

/// Waits until there is something to read, or the other end is closed.
pub(super) fn wait_readable(pipe: &File, timeout: Duration) -> io::Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&left)) {
            Ok(0) => {
                let message = format!("silent for {} s", timeout.as_secs_f32());
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            Ok(_) => return Ok(()),
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
