//! The slot between the capture thread and everybody else: it holds the newest frame, and older ones are replaced.
//!
//! Simulated for a 30 frames/s camera and 150 ms of processing, a picture is 167 ms old (median) when its result appears; with four driver
//! buffers and one thread it would be 571 ms.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::frame::Frame;

/// A slot for one frame. Frames are swapped in and out, so the three buffers in play (writer's, slot's, reader's) are reused for ever.
#[derive(Default)]
pub struct LatestFrame {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Default)]
struct Slot {
    frame: Frame,
    fresh: bool,
    closed: bool,
}

/// What [`LatestFrame::take`] brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A frame that nobody has seen yet.
    Fresh,
    /// Nothing within the time given.
    Nothing,
    /// Nothing, and nothing will come any more.
    Closed,
}

impl LatestFrame {
    /// Puts `frame` into the slot and gives the slot's old buffer back in its place. An unseen frame is replaced and counted in the
    /// new one's [`dropped`](Frame::dropped).
    pub fn publish(&self, frame: &mut Frame) {
        let mut slot = self.lock();
        frame.dropped = if slot.fresh { slot.frame.dropped + 1 } else { 0 };
        std::mem::swap(&mut slot.frame, frame);
        slot.fresh = true;
        self.changed.notify_all();
    }

    /// Waits until the frame in the slot has been taken, `timeout` at most; true if the slot is free. For recordings that are played at full speed, where
    /// no frame may be dropped.
    pub fn wait_until_taken(&self, timeout: Duration) -> bool {
        let (slot, _) = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |slot| slot.fresh && !slot.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !slot.fresh
    }

    /// Waits for an unseen frame, `timeout` at most, and swaps it into `frame`.
    pub fn take(&self, frame: &mut Frame, timeout: Duration) -> Taken {
        let deadline = Instant::now() + timeout;
        let mut slot = self.lock();
        loop {
            if slot.fresh {
                std::mem::swap(&mut slot.frame, frame);
                slot.fresh = false;
                self.changed.notify_all();
                return Taken::Fresh;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if slot.closed {
                return Taken::Closed;
            }
            if left.is_zero() {
                return Taken::Nothing;
            }
            slot = self.changed.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says that no frame will follow. A frame that is still in the slot can be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u64) -> Frame {
        Frame { sequence, ..Frame::default() }
    }

    #[test]
    fn the_newest_frame_wins_under_a_slow_consumer_and_the_dropped_ones_are_counted() {
        let latest = LatestFrame::default();
        for sequence in 0..5 {
            latest.publish(&mut frame(sequence));
        }
        let mut taken = Frame::default();
        assert_eq!(latest.take(&mut taken, Duration::ZERO), Taken::Fresh);
        assert_eq!((taken.sequence, taken.dropped), (4, 4));
        latest.publish(&mut frame(5));
        latest.take(&mut taken, Duration::ZERO);
        assert_eq!((taken.sequence, taken.dropped), (5, 0));
    }

    #[test]
    fn a_frame_is_taken_once() {
        let latest = LatestFrame::default();
        latest.publish(&mut frame(1));
        let mut taken = Frame::default();
        assert_eq!(latest.take(&mut taken, Duration::ZERO), Taken::Fresh);
        assert_eq!(latest.take(&mut taken, Duration::from_millis(5)), Taken::Nothing);
    }

    #[test]
    fn the_last_frame_can_be_taken_after_the_end() {
        let latest = LatestFrame::default();
        latest.publish(&mut frame(7));
        latest.close();
        let mut taken = Frame::default();
        assert_eq!(latest.take(&mut taken, Duration::ZERO), Taken::Fresh);
        assert_eq!(latest.take(&mut taken, Duration::from_secs(60)), Taken::Closed);
    }

    #[test]
    fn a_reader_wakes_when_a_frame_comes_and_a_writer_when_it_is_taken() {
        let latest = LatestFrame::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut taken = Frame::default();
                assert_eq!(latest.take(&mut taken, Duration::from_secs(60)), Taken::Fresh);
                assert_eq!(taken.sequence, 3);
            });
            latest.publish(&mut frame(3));
            assert!(latest.wait_until_taken(Duration::from_secs(60)));
        });
    }
}
