//! Three lines dimmed by a thread that switches them 200 times a second.
//!
//! Hardware would do it without jitter, but a Raspberry Pi before the 5 has two PWM channels and a colour needs three, they must be switched on by an
//! overlay, and the kernel's interface to them (`/sys/class/pwm`) is read-only for a service that may not change kernel settings. This works on every
//! line of every board. A thread that wakes some 60 µs late, as on a Pi, makes 1 % of difference in brightness.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use embedded_hal::pwm::{self, ErrorType, SetDutyCycle};

use crate::gpio::{LineError, OutputLines};
use crate::worker::{Worker, Workers};

/// The time between two switchings on; shorter flickers less and costs more.
const PERIOD: Duration = Duration::from_millis(5);

/// The duty is counted in steps of 5 µs.
const STEPS: u16 = 1000;

/// Lines that are switched together.
pub(super) trait Lines: Send + 'static {
    /// Lights those that are true.
    ///
    /// # Errors
    /// If the chip is gone.
    fn set(&mut self, lit: [bool; 3]) -> Result<(), LineError>;
}

impl Lines for OutputLines<3> {
    fn set(&mut self, lit: [bool; 3]) -> Result<(), LineError> {
        Self::set(self, lit)
    }
}

/// Lines that are dark however their thread ends, also by a panic: the kernel leaves a line as it is.
struct DarkAtTheEnd<L: Lines>(L);

impl<L: Lines> Drop for DarkAtTheEnd<L> {
    fn drop(&mut self) {
        let _ = self.0.set([false; 3]);
    }
}

/// One of the three lines. When the last is dropped they are dark.
pub struct Channel {
    index: usize,
    dimmer: Arc<Dimmer>,
}

/// Begins to dim `lines`, which are dark, in a thread of `workers`.
///
/// # Errors
/// If there can be no thread.
pub(super) fn start(lines: impl Lines, workers: &Workers) -> std::io::Result<[Channel; 3]> {
    let shared = Arc::new(Shared::default());
    let theirs = Arc::clone(&shared);
    let worker = workers.start("dimmer", move || {
        let mut lines = DarkAtTheEnd(lines);
        let end = dim(&mut lines.0, &theirs);
        *theirs.failure.lock().unwrap_or_else(PoisonError::into_inner) = end.err();
    })?;
    let dimmer = Arc::new(Dimmer { shared, worker });
    Ok(std::array::from_fn(|index| Channel { index, dimmer: Arc::clone(&dimmer) }))
}

#[derive(Default)]
struct Shared {
    /// The three duties, 16 bits each.
    duties: AtomicU64,
    end: AtomicBool,
    failure: Mutex<Option<LineError>>,
}

impl Shared {
    fn duties(&self) -> [u16; 3] {
        let packed = self.duties.load(Ordering::Relaxed);
        std::array::from_fn(|index| (packed >> (16 * index)) as u16)
    }
}

struct Dimmer {
    shared: Arc<Shared>,
    worker: Worker,
}

impl Drop for Dimmer {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
    }
}

/// The line cannot be switched any more.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failed(LineError);

impl pwm::Error for Failed {
    fn kind(&self) -> pwm::ErrorKind {
        pwm::ErrorKind::Other
    }
}

impl ErrorType for Channel {
    type Error = Failed;
}

impl SetDutyCycle for Channel {
    fn max_duty_cycle(&self) -> u16 {
        STEPS
    }

    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Failed> {
        if let Some(error) = &*self.dimmer.shared.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(Failed(error.clone()));
        }
        let shift = 16 * self.index;
        let set = |packed| Some(packed & !(0xFFFF << shift) | u64::from(duty.min(STEPS)) << shift);
        let duties = &self.dimmer.shared.duties;
        // The update cannot fail: it always gives a value.
        let _ = duties.fetch_update(Ordering::Relaxed, Ordering::Relaxed, set);
        self.dimmer.worker.wake();
        Ok(())
    }
}

/// The thread's work.
fn dim(lines: &mut impl Lines, shared: &Shared) -> Result<(), LineError> {
    let mut shown = [false; 3];
    let mut next = Instant::now();
    while !shared.end.load(Ordering::Relaxed) {
        let duties = shared.duties();
        for (lit, from) in plan(duties).into_iter().flatten() {
            thread::sleep((next + PERIOD * u32::from(from) / u32::from(STEPS)).saturating_duration_since(Instant::now()));
            if lit != shown {
                lines.set(lit)?;
                shown = lit;
            }
        }
        if duties.iter().all(|duty| [0, STEPS].contains(duty)) && !shared.end.load(Ordering::Relaxed) {
            // Nothing to switch until somebody changes something, which also ends a park that begins afterwards.
            thread::park();
        }
        // A thread that was held up does not make up for it.
        next = (next + PERIOD).max(Instant::now());
    }
    Ok(())
}

/// What is lit in a period, and from which step on: first all that are lit at all, then fewer and fewer.
fn plan(duties: [u16; 3]) -> [Option<([bool; 3], u16)>; 4] {
    let mut ends = duties;
    ends.sort_unstable();
    let mut plan = [Some((duties.map(|duty| duty > 0), 0)), None, None, None];
    for (step, end) in plan[1..].iter_mut().zip(ends) {
        if end > 0 && end < STEPS {
            *step = Some((duties.map(|duty| duty > end), end));
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::tests::has_panicked;

    #[test]
    fn the_darkest_line_goes_out_first_and_a_full_one_never() {
        let lit = |red, green, blue| [red, green, blue];
        let steps = |duties| plan(duties).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(
            steps([500, 1000, 250]),
            [(lit(true, true, true), 0), (lit(true, true, false), 250), (lit(false, true, false), 500)]
        );
        assert_eq!(steps([0, 0, 0]), [(lit(false, false, false), 0)]);
        assert_eq!(steps([0, 10, 0]), [(lit(false, true, false), 0), (lit(false, false, false), 10)]);
    }

    /// What the lines were switched to, one after the other.
    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<[bool; 3]>>>);

    impl Lines for Recorder {
        fn set(&mut self, lit: [bool; 3]) -> Result<(), LineError> {
            self.0.lock().unwrap().push(lit);
            Ok(())
        }
    }

    #[test]
    fn a_dimmed_line_is_switched_on_and_off_and_dark_after_the_end() {
        let tape = Recorder::default();
        let mut channels = start(tape.clone(), &Workers::default()).unwrap();
        channels[1].set_duty_cycle(300).unwrap();
        thread::sleep(Duration::from_millis(60));
        drop(channels);
        let tape = tape.0.lock().unwrap();
        let on = tape.iter().filter(|lit| **lit == [false, true, false]).count();
        assert!(on >= 3, "{on} times in 60 ms");
        assert_eq!(*tape.last().unwrap(), [false; 3]);
    }

    #[test]
    fn full_and_dark_lines_are_not_switched_again_and_again() {
        let tape = Recorder::default();
        let mut channels = start(tape.clone(), &Workers::default()).unwrap();
        channels[0].set_duty_cycle_fully_on().unwrap();
        thread::sleep(Duration::from_millis(60));
        assert_eq!(*tape.0.lock().unwrap(), [[true, false, false]]);
        drop(channels);
        assert_eq!(*tape.0.lock().unwrap().last().unwrap(), [false; 3]);
    }

    #[test]
    fn a_panic_while_dimming_ends_the_service_in_the_dark() {
        /// Cannot go on once it is lit.
        struct Mistaken(Recorder);
        impl Lines for Mistaken {
            fn set(&mut self, lit: [bool; 3]) -> Result<(), LineError> {
                self.0.set(lit)?;
                if lit == [false; 3] { Ok(()) } else { panic!("a mistake of ours") }
            }
        }
        let (workers, tape) = (Workers::default(), Recorder::default());
        let mut channels = start(Mistaken(tape.clone()), &workers).unwrap();
        channels[2].set_duty_cycle(300).unwrap();
        assert!(has_panicked(&workers));
        assert_eq!(*tape.0.lock().unwrap(), [[false, false, true], [false; 3]]);
    }
}
