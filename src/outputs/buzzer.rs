//! A buzzer that sounds for a moment when somebody's expression begins: one that makes its tone itself ("active") and needs only to be switched on.
//!
//! Its line is switched by a thread of its own, since a tone must end even if no further picture comes.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};
use embedded_hal::digital::OutputPin;

use crate::classifier::Emotion;
use crate::config::BuzzerConfig;
use crate::gpio::{Chip, OutputLine};
use crate::outputs::{Output, View};
use crate::tracker::Observation;
use crate::worker::{Worker, Workers};

/// The name among the parts.
pub const NAME: &str = "buzzer";

/// How long it sounds: a short chirp.
const TONE: Duration = Duration::from_millis(60);

/// From the beginning of one tone to the next, so that a crowd does not make it rattle.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// The configured buzzer, which is silent.
///
/// # Errors
/// If the line cannot be had; the message names chip, line and user.
pub fn open(config: &BuzzerConfig) -> Result<Beeper<OutputLine>> {
    let line = Chip::open(&config.chip)?.output(&config.line, config.active_low, "[buzzer] line")?;
    Ok(Beeper::new(line, config.active_low))
}

/// Makes the configured buzzer silent, if there is one, whatever its program did. Its line stays so.
///
/// # Errors
/// As [`open`].
pub fn put_out(config: &BuzzerConfig) -> Result<()> {
    if config.line.is_some() { open(config).map(drop) } else { Ok(()) }
}

/// The line of a buzzer. Dropping it leaves it silent.
pub struct Beeper<P: OutputPin> {
    line: P,
    active_low: bool,
}

impl<P: OutputPin> Beeper<P> {
    /// Takes an output line at which it is silent.
    pub fn new(line: P, active_low: bool) -> Self {
        Self { line, active_low }
    }

    /// Sounds once; returns when it is silent again.
    ///
    /// # Errors
    /// If the line cannot be switched.
    pub fn beep(&mut self) -> Result<()> {
        self.switch(true)?;
        thread::sleep(TONE);
        self.switch(false)
    }

    fn switch(&mut self, on: bool) -> Result<()> {
        self.line.set_state((on != self.active_low).into()).map_err(|error| anyhow!("cannot switch the buzzer: {error:?}"))
    }
}

impl<P: OutputPin> Drop for Beeper<P> {
    fn drop(&mut self) {
        let _ = self.switch(false);
    }
}

/// A buzzer as an output.
pub struct Buzzer {
    beginnings: Beginnings,
    shared: Arc<Shared>,
    /// The line is dropped in there, which leaves it silent.
    worker: Worker,
}

#[derive(Default)]
struct Shared {
    /// A tone is asked for.
    asked: AtomicBool,
    end: AtomicBool,
    failure: Mutex<Option<Error>>,
}

impl Buzzer {
    /// Takes a buzzer, which is silent, for a thread of `workers`.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn new(mut beeper: Beeper<impl OutputPin + Send + 'static>, workers: &Workers) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let worker = workers.start(NAME, move || {
            *lock(&theirs.failure) = listen(&mut beeper, &theirs).err();
        })?;
        Ok(Self { beginnings: Beginnings::default(), shared, worker })
    }
}

/// The thread's work.
fn listen(beeper: &mut Beeper<impl OutputPin>, shared: &Shared) -> Result<()> {
    while !shared.end.load(Ordering::Relaxed) {
        if shared.asked.swap(false, Ordering::Relaxed) {
            beeper.beep()?;
        } else {
            thread::park();
        }
    }
    Ok(())
}

impl Output for Buzzer {
    fn name(&self) -> &str {
        NAME
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        if let Some(error) = lock(&self.shared.failure).take() {
            return Err(error);
        }
        if let View::Watching(observation) = view
            && self.beginnings.sound(observation)
        {
            self.shared.asked.store(true, Ordering::Relaxed);
            self.worker.wake();
        }
        Ok(())
    }
}

impl Drop for Buzzer {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which faces showed what, and when it last sounded. Pure: time comes with the observation.
#[derive(Default)]
struct Beginnings {
    known: Vec<(u64, Emotion)>,
    sounded_at: Option<Duration>,
}

impl Beginnings {
    /// Whether somebody's expression begins with this observation and it may sound. Who becomes neutral ends an expression and begins none.
    fn sound(&mut self, observation: &Observation) -> bool {
        let Self { known, sounded_at } = self;
        let begins = observation
            .faces
            .iter()
            .any(|face| face.expression != Emotion::Neutral && !known.contains(&(face.id, face.expression)));
        known.clear();
        known.extend(observation.faces.iter().map(|face| (face.id, face.expression)));
        let now = observation.captured_at;
        // A recording that begins again goes back in time.
        let may = sounded_at.and_then(|at| now.checked_sub(at)).is_none_or(|passed| passed >= LEAST_PAUSE);
        if begins && may {
            *sounded_at = Some(now);
        }
        begins && may
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal::digital::{ErrorKind, ErrorType};

    use super::*;
    use crate::tracker::TrackedFace;
    use crate::worker::tests::has_panicked;

    /// Faces by number, at a time.
    fn seeing(milliseconds: u64, faces: &[(u64, Emotion)]) -> Observation {
        Observation {
            captured_at: Duration::from_millis(milliseconds),
            faces: faces.iter().map(|&(id, expression)| TrackedFace::showing(id, expression, 1.0)).collect(),
            ..Observation::default()
        }
    }

    use Emotion::{Happy, Neutral, Sad};

    #[test]
    fn it_sounds_when_an_expression_begins_and_not_while_it_lasts_or_ends() {
        let mut beginnings = Beginnings::default();
        for (milliseconds, faces, sounds) in [
            (0, &[][..], false),
            (1000, &[(1, Neutral)], false),
            (2000, &[(1, Happy)], true),
            (4000, &[(1, Happy)], false),
            (6000, &[(1, Neutral)], false),
            (8000, &[(1, Sad)], true),
            // Another joins in; who is the nearer does not matter.
            (10_000, &[(2, Happy), (1, Sad)], true),
            (12_000, &[(1, Sad), (2, Happy)], false),
            (14_000, &[], false),
        ] {
            assert_eq!(beginnings.sound(&seeing(milliseconds, faces)), sounds, "at {milliseconds} ms");
        }
    }

    #[test]
    fn it_sounds_once_a_second_at_most() {
        let mut beginnings = Beginnings::default();
        let sounds: Vec<_> = (0..30).filter(|n| beginnings.sound(&seeing(100 * n, &[(*n, Happy)]))).collect();
        assert_eq!(sounds, [0, 10, 20]);
        // The same recording once more.
        assert!(beginnings.sound(&seeing(0, &[(7, Sad)])));
    }

    type Tape = Arc<Mutex<Vec<&'static str>>>;

    /// Writes down its levels; it may be torn off.
    struct RecordingPin(Tape, Arc<AtomicBool>);

    impl ErrorType for RecordingPin {
        type Error = ErrorKind;
    }

    impl RecordingPin {
        fn write(&mut self, level: &'static str) -> Result<(), ErrorKind> {
            if self.1.load(Ordering::SeqCst) {
                return Err(ErrorKind::Other);
            }
            lock(&self.0).push(level);
            Ok(())
        }
    }

    impl OutputPin for RecordingPin {
        fn set_low(&mut self) -> Result<(), ErrorKind> {
            self.write("low")
        }

        fn set_high(&mut self) -> Result<(), ErrorKind> {
            self.write("high")
        }
    }

    fn buzzer(active_low: bool) -> (Buzzer, Tape, Arc<AtomicBool>) {
        let (tape, torn_off) = (Tape::default(), Arc::new(AtomicBool::new(false)));
        let line = RecordingPin(Arc::clone(&tape), Arc::clone(&torn_off));
        (Buzzer::new(Beeper::new(line, active_low), &Workers::default()).unwrap(), tape, torn_off)
    }

    /// Waits until something holds, five seconds at most.
    fn wait_until(mut holds: impl FnMut() -> bool) {
        assert!((0..500).any(|_| holds() || {
            thread::sleep(Duration::from_millis(10));
            false
        }));
    }

    #[test]
    fn a_tone_ends_by_itself_and_nothing_else_switches_the_line() {
        for (active_low, on, off) in [(false, "high", "low"), (true, "low", "high")] {
            let (mut buzzer, tape, _) = buzzer(active_low);
            for view in [View::Starting, View::Paused, View::Covered, View::CameraLost { reason: "unplugged" }] {
                buzzer.show(view).unwrap();
            }
            assert_eq!(*lock(&tape), [""; 0]);
            buzzer.show(View::Watching(&seeing(0, &[(1, Happy)]))).unwrap();
            wait_until(|| *lock(&tape) == [on, off]);
            // At the end once more, to be sure.
            drop(buzzer);
            assert_eq!(*lock(&tape), [on, off, off]);
        }
    }

    #[test]
    fn a_line_that_fails_is_told_at_a_later_picture() {
        let (mut buzzer, _, torn_off) = buzzer(false);
        torn_off.store(true, Ordering::SeqCst);
        buzzer.show(View::Watching(&seeing(0, &[(1, Happy)]))).unwrap();
        let mut said = String::new();
        wait_until(|| {
            said = buzzer.show(View::Paused).map_or_else(|error| error.to_string(), |()| String::new());
            !said.is_empty()
        });
        assert_eq!(said, "cannot switch the buzzer: Other");
    }

    #[test]
    fn a_panic_while_it_sounds_ends_the_service() {
        struct Mistaken;
        impl ErrorType for Mistaken {
            type Error = ErrorKind;
        }
        impl OutputPin for Mistaken {
            fn set_low(&mut self) -> Result<(), ErrorKind> {
                Ok(())
            }

            fn set_high(&mut self) -> Result<(), ErrorKind> {
                panic!("a mistake of ours")
            }
        }
        let workers = Workers::default();
        let mut buzzer = Buzzer::new(Beeper::new(Mistaken, false), &workers).unwrap();
        buzzer.show(View::Watching(&seeing(0, &[(1, Happy)]))).unwrap();
        assert!(has_panicked(&workers));
    }

    #[test]
    fn hearing_a_beginning_allocates_nothing() {
        let mut beginnings = Beginnings::default();
        let (one, other) = (seeing(0, &[(1, Happy), (2, Sad)]), seeing(2000, &[(1, Sad), (2, Happy)]));
        beginnings.sound(&one);
        assert_eq!(allocation_counter::measure(|| assert!(beginnings.sound(&other))).count_total, 0);
    }
}
