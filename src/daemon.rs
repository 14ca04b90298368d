//! The threads, the watchdog and the end. One thread captures into the slot, the caller's does the rest.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use log::{Level, debug, error, info, log, warn};
use sd_notify::NotifyState;

use crate::camera::FrameSource;
use crate::classifier::Emotion;
use crate::frame::{Frame, monotonic_now};
use crate::health::Health;
use crate::latest::{LatestFrame, Taken};
use crate::lens::{Lens, Sight};
use crate::outputs::View;
use crate::pause::Pause;
use crate::pipeline::Pipeline;
use crate::stop::{NAP, Stop};
use crate::tracker::Observation;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// No picture for this long means: no camera. A picture of before would be a lie.
    pub lost_after: Duration,
    /// How often a lost camera, a covered lens or a pause is shown again, so that displays which come back show it too.
    pub lost_repeat: Duration,
    /// Wait before a failed camera is opened again; doubles up to `reopen_at_most`.
    pub reopen_after: Duration,
    /// The longest such wait.
    pub reopen_at_most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            lost_after: Duration::from_secs(2),
            lost_repeat: Duration::from_secs(1),
            reopen_after: Duration::from_millis(500),
            reopen_at_most: Duration::from_secs(5),
        }
    }
}

/// Where the daemon gets its pictures.
pub struct Pictures<'a> {
    /// Opens the source; called again after every error.
    pub open: &'a mut (dyn FnMut() -> Result<Box<dyn FrameSource>> + Send),
    /// True for a recording: an error ends the program, and a pause stops it where it is. A camera is looked for again, for ever, and closed for a
    /// pause.
    pub errors_end: bool,
    /// For how long a source may give the same picture again and again before it counts as frozen and is opened again, once; none: for ever.
    pub frozen_after: Option<Duration>,
    /// How long to wait for what.
    pub patience: Patience,
}

/// Shows pictures' results until `stop` is set, a recording ends, or `limit` has passed; while `pause` is on the camera is closed. `show` must not
/// fail and return within milliseconds; at the end it is dropped at once, and with it the outputs that it owns: the lights go out before the camera
/// is closed.
///
/// # Errors
/// If a recording cannot be read. A camera that fails is looked for again.
///
/// # Panics
/// If one of the threads of `health` has panicked, with the same, within a [`NAP`].
pub fn run(
    pictures: Pictures<'_>,
    mut pipeline: Pipeline,
    mut show: impl FnMut(View<'_>),
    limit: Option<Duration>,
    pause: &Pause,
    health: &Health,
    stop: &Stop,
) -> Result<()> {
    let Pictures { open, errors_end, frozen_after, patience } = pictures;
    let capture = Capture {
        errors_end,
        patience,
        latest: LatestFrame::default(),
        source: Mutex::default(),
        trouble: Mutex::new("no picture yet".into()),
        talk: Mutex::default(),
        frozen: AtomicBool::new(false),
        moves: AtomicU64::new(0),
        pause,
        stop,
    };
    std::thread::scope(|scope| {
        // Whoever leaves the scope early must tell the other thread first.
        let _stop_at_exit = StopAtExit(stop);
        #[expect(clippy::disallowed_methods, reason = "whatever ends it ends this function, which goes on with its panic")]
        let thread = std::thread::Builder::new().name("capture".into()).spawn_scoped(scope, || capture.run(open))?;
        show(View::Starting);
        notify(&[NotifyState::Ready]);
        Watch { capture: &capture, pipeline: &mut pipeline, show: &mut show, health, rest: None }.run(frozen_after, limit);
        stop.ask();
        drop(show);
        health.workers().raise();
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Tells systemd that the program ends. Not at the end of every [`run`]: a service that goes on with another configuration, and has said that it stops,
/// is killed by systemd when its time for stopping is over.
pub fn tell_of_the_end() {
    notify(&[NotifyState::Stopping]);
}

/// Why nothing is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Paused,
    Covered,
    Frozen,
    Lost,
}

/// What a camera that repeats itself is called, for people.
const FROZEN: &str = "the camera gives the same picture again and again";

/// The main thread's work.
struct Watch<'a> {
    capture: &'a Capture<'a>,
    pipeline: &'a mut Pipeline,
    show: &'a mut dyn FnMut(View<'_>),
    health: &'a Health,
    /// Why nothing is looked at just now, and when that was last shown.
    rest: Option<(Rest, Instant)>,
}

impl Watch<'_> {
    fn run(&mut self, frozen_after: Option<Duration>, limit: Option<Duration>) {
        let capture = self.capture;
        let started = Instant::now();
        let mut frame = Frame::default();
        let mut last_frame = started;
        let mut lens = Lens::new(frozen_after);
        let mut opened_again = false;
        let mut classifier_failing = false;
        let mut narrator = Narrator::default();
        let mut heart = Heart::default();
        while !capture.stop.is_asked() && limit.is_none_or(|limit| started.elapsed() < limit) {
            self.health.workers().raise();
            let taken = capture.latest.take(&mut frame, NAP);
            if taken == Taken::Closed {
                break;
            }
            if capture.pause.is_on() {
                // A picture that was still on its way is not looked at.
                lens.interrupt();
                last_frame = Instant::now();
                self.rest(Rest::Paused);
            } else if taken == Taken::Fresh {
                last_frame = Instant::now();
                match lens.look(&frame) {
                    Sight::Clear => {
                        opened_again = false;
                        self.wake();
                        match self.pipeline.process(&frame) {
                            Ok(observation) => {
                                classifier_failing = false;
                                narrator.tell(observation);
                                (self.show)(View::Watching(observation));
                            }
                            Err(error) if !classifier_failing => {
                                classifier_failing = true;
                                warn!("a face could not be classified: {error:#}");
                            }
                            Err(_) => {}
                        }
                    }
                    Sight::Covered => self.rest(Rest::Covered),
                    Sight::Frozen => {
                        if !std::mem::replace(&mut opened_again, true) {
                            capture.frozen.store(true, Ordering::Relaxed);
                        }
                        self.rest(Rest::Frozen);
                    }
                }
            } else if last_frame.elapsed() >= capture.patience.lost_after {
                lens.interrupt();
                self.rest(Rest::Lost);
            }
            if heart.is_due(capture.moves.load(Ordering::Relaxed), self.health, monotonic_now()) {
                notify(&[NotifyState::Watchdog]);
            }
        }
    }

    /// Shows why nothing is looked at, at the change and then again and again.
    fn rest(&mut self, rest: Rest) {
        let changed = self.rest.is_none_or(|(before, _)| before != rest);
        if !changed && self.rest.is_some_and(|(_, shown)| shown.elapsed() < self.capture.patience.lost_repeat) {
            return;
        }
        let reason = match rest {
            Rest::Lost => self.capture.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Rest::Frozen => FROZEN.to_owned(),
            Rest::Covered | Rest::Paused => String::new(),
        };
        if changed {
            self.pipeline.forget_faces();
            let status = match rest {
                Rest::Paused => format!("paused: {}", self.capture.pause.reason().unwrap_or("over")),
                Rest::Covered => "the lens is covered".into(),
                Rest::Frozen | Rest::Lost => format!("camera lost: {reason}"),
            };
            match rest {
                Rest::Paused | Rest::Covered => info!("{status}"),
                Rest::Frozen | Rest::Lost => self.capture.say(Level::Warn, &status),
            }
            notify(&[NotifyState::Status(&status)]);
        }
        (self.show)(match rest {
            Rest::Paused => View::Paused,
            Rest::Covered => View::Covered,
            Rest::Frozen | Rest::Lost => View::CameraLost { reason: &reason },
        });
        self.rest = Some((rest, Instant::now()));
    }

    /// There is something to look at again.
    fn wake(&mut self) {
        match self.rest.take() {
            None => return,
            Some((Rest::Paused, _)) => info!("the pause is over"),
            Some((Rest::Covered, _)) => info!("the lens is free again"),
            Some((Rest::Frozen | Rest::Lost, _)) => self.capture.say(Level::Info, "the camera is back"),
        }
        let source = self.capture.source.lock().unwrap_or_else(PoisonError::into_inner);
        notify(&[NotifyState::Status(&format!("watching: {source}"))]);
    }
}

/// Says when systemd's watchdog may be told that all is well: when capture and recognition have moved, and no display has been at one picture for too
/// long. Else the service is killed and started again.
///
/// The thread that writes the statistics does not count. Nothing else waits for it, a card may stall for long, and where the kernel waits for a card
/// that does not answer, a killed service could not even end.
#[derive(Default)]
struct Heart {
    moves: u64,
    last_beat: Option<Duration>,
    hung: bool,
}

impl Heart {
    /// Often enough for any watchdog time that makes sense.
    const PERIOD: Duration = Duration::from_secs(1);

    /// So long a display may take for one picture. The slowest panel takes a second; a picture file on a card that stalls, 20 s.
    const DISPLAY_PATIENCE: Duration = Duration::from_secs(30);

    /// To be asked by the main thread in every round; `moves` counts those of the capture thread.
    fn is_due(&mut self, moves: u64, health: &Health, now: Duration) -> bool {
        if moves == self.moves || self.last_beat.is_some_and(|last| now.saturating_sub(last) < Self::PERIOD) {
            return false;
        }
        let hung = health.hung(now, Self::DISPLAY_PATIENCE);
        if let Some(name) = &hung
            && !self.hung
        {
            error!("{name}: hangs; systemd's watchdog, if there is one, starts the service again");
        }
        self.hung = hung.is_some();
        if self.hung {
            return false;
        }
        (self.moves, self.last_beat) = (moves, Some(now));
        true
    }
}

/// Tells systemd, if it listens.
fn notify(states: &[NotifyState<'_>]) {
    // Without a service manager there is nobody to tell, and one that does not answer restarts us by its watchdog.
    let _ = sd_notify::notify(states);
}

/// Says at the end of the capture thread, even by a panic, that no picture will follow.
struct CloseAtExit<'a>(&'a LatestFrame);

impl Drop for CloseAtExit<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct StopAtExit<'a>(&'a Stop);

impl Drop for StopAtExit<'_> {
    fn drop(&mut self) {
        self.0.ask();
    }
}

/// What the capture thread shares with the main thread.
struct Capture<'a> {
    errors_end: bool,
    patience: Patience,
    latest: LatestFrame,
    /// What the pictures come from, for people.
    source: Mutex<String>,
    /// Why there is no picture, for the display.
    trouble: Mutex<String>,
    talk: Mutex<Talk>,
    /// The camera repeats itself: it is to be opened again.
    frozen: AtomicBool,
    /// Grows with everything that the capture thread does; it may stand still for as long as a source waits for a picture.
    moves: AtomicU64,
    pause: &'a Pause,
    stop: &'a Stop,
}

/// Why a source is read no further.
enum End {
    /// The recording is over, or everything is to stop.
    Over,
    /// Somebody wants a pause: the camera is to be closed.
    Pause,
}

impl Capture<'_> {
    /// The capture thread: opens the source, reads it into the slot, and after any error closes, waits and opens it again.
    fn run(&self, open: &mut dyn FnMut() -> Result<Box<dyn FrameSource>>) -> Result<()> {
        let _close_at_exit = CloseAtExit(&self.latest);
        let patience = self.patience;
        let mut wait = patience.reopen_after;
        let mut said = String::new();
        while !self.stop.is_asked() {
            self.moves.fetch_add(1, Ordering::Relaxed);
            if self.pause.is_on() {
                wait = patience.reopen_after;
                self.stop.sleep(NAP);
                continue;
            }
            // The source is dropped, which closes the camera, before anything else happens.
            let error = match open().and_then(|mut source| {
                self.say(Level::Info, &format!("pictures come from {}", source.description()));
                notify(&[NotifyState::Status(&format!("watching: {}", source.description()))]);
                *self.source.lock().unwrap_or_else(PoisonError::into_inner) = source.description().to_owned();
                self.read(source.as_mut(), &mut wait)
            }) {
                Ok(End::Over) => return Ok(()),
                Ok(End::Pause) => continue,
                // What waits for a picture gives up by an error.
                Err(_) if self.stop.is_asked() => return Ok(()),
                Err(error) if self.errors_end => return Err(error),
                Err(error) => format!("{error:#}"),
            };
            // Said at the change only: a first failure, another reason, or a failure after pictures came (which resets the wait).
            if error != said || wait == patience.reopen_after {
                self.say(Level::Warn, &format!("{error}; it is looked for again until it is there"));
            }
            self.set_trouble(error.clone());
            said = error;
            self.stop.sleep(wait);
            wait = (wait * 2).min(patience.reopen_at_most);
        }
        Ok(())
    }

    fn set_trouble(&self, why: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Tells the log how it is with the camera, but not too often.
    fn say(&self, level: Level, words: &str) {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        match talk.say(words, Instant::now()) {
            Said::Fully => log!(level, "{words}"),
            Said::ForTheLastTime => log!(level, "{words} (so often that it is not said again in this minute)"),
            Said::TooOften => {}
        }
    }

    /// Reads until the recording ends, a flag is set or somebody wants a pause. A recording waits out the pause where it is.
    fn read(&self, source: &mut dyn FrameSource, wait: &mut Duration) -> Result<End> {
        let mut frame = Frame::default();
        let mut sends = false;
        while !self.stop.is_asked() {
            self.moves.fetch_add(1, Ordering::Relaxed);
            if self.pause.is_on() {
                if !self.errors_end {
                    return Ok(End::Pause);
                }
                self.stop.sleep(NAP);
                continue;
            }
            if self.frozen.swap(false, Ordering::Relaxed) {
                bail!(FROZEN);
            }
            if source.waits_for_reader() && !self.latest.wait_until_taken(NAP) {
                continue;
            }
            if !source.next_frame(&mut frame)? {
                break;
            }
            self.latest.publish(&mut frame);
            *wait = self.patience.reopen_after;
            if !std::mem::replace(&mut sends, true) {
                // What the trouble was before is over. The next may be a silence, whose reason is known only later.
                self.set_trouble("no more pictures come".into());
            }
        }
        Ok(End::Over)
    }
}

/// What was said of the camera in the last minute. One that comes and goes all the time (a loose plug, too weak a power supply) must not fill the log.
#[derive(Default)]
struct Talk(Vec<(Instant, String)>);

/// Whether something is said.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Fully,
    ForTheLastTime,
    TooOften,
}

impl Talk {
    const PERIOD: Duration = Duration::from_secs(60);
    /// So often the same words.
    const SAME: usize = 6;
    /// So much in all.
    const MOST: usize = 18;

    fn say(&mut self, words: &str, now: Instant) -> Said {
        self.0.retain(|(at, _)| now.saturating_duration_since(*at) < Self::PERIOD);
        let before = self.0.iter().filter(|(_, said)| said == words).count();
        if before >= Self::SAME || self.0.len() >= Self::MOST {
            return Said::TooOften;
        }
        self.0.push((now, words.to_owned()));
        if before + 1 == Self::SAME || self.0.len() == Self::MOST { Said::ForTheLastTime } else { Said::Fully }
    }
}

/// Tells the log, at level debug, what changes: who comes, what they show, who goes.
#[derive(Default)]
struct Narrator {
    shown: Vec<(u64, Emotion)>,
}

impl Narrator {
    fn tell(&mut self, observation: &Observation) {
        if !log::log_enabled!(log::Level::Debug) {
            return;
        }
        for face in &observation.faces {
            if !self.shown.contains(&(face.id, face.expression)) {
                let place = face.bounding_box;
                debug!(
                    "face {} at {},{} ({} px): {} {:.0} %",
                    face.id,
                    place.x,
                    place.y,
                    place.width,
                    face.expression,
                    100.0 * face.confidence()
                );
            }
        }
        for (id, _) in &self.shown {
            if observation.faces.iter().all(|face| face.id != *id) {
                debug!("face {id} has gone");
            }
        }
        self.shown.clear();
        self.shown.extend(observation.faces.iter().map(|face| (face.id, face.expression)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_of_a_camera_is_said_six_times_a_minute_and_no_more_than_eighteen_lines_in_all() {
        let (mut talk, begin) = (Talk::default(), Instant::now());
        let mut say = |words: &str, second| talk.say(words, begin + Duration::from_secs(second));
        for second in 0..5 {
            assert_eq!(say("lost", second), Said::Fully);
        }
        assert_eq!(say("lost", 5), Said::ForTheLastTime);
        assert_eq!((say("lost", 6), say("back", 6), say("lost", 59)), (Said::TooOften, Said::Fully, Said::TooOften));
        // The first is a minute ago.
        assert_eq!((say("lost", 60), say("lost", 60)), (Said::ForTheLastTime, Said::TooOften));
        // Other words each time.
        let said = (0..100).filter(|number| say(&number.to_string(), 300 + number / 2) != Said::TooOften).count();
        assert_eq!(said, 18);
    }

    #[test]
    fn a_beat_is_due_once_a_second_if_every_worker_has_moved() {
        let (mut heart, health) = (Heart::default(), Health::default());
        let begin = monotonic_now();
        let after = |seconds: u64| begin + Duration::from_secs(seconds);
        assert!(heart.is_due(1, &health, after(0)));
        assert!(!heart.is_due(2, &health, begin + Duration::from_millis(900)));
        assert!(heart.is_due(2, &health, after(1)));
        // The capture thread hangs, and moves again.
        assert!(!heart.is_due(2, &health, after(2)) && !heart.is_due(2, &health, after(40)));
        assert!(heart.is_due(3, &health, after(41)));
        // A display hangs, and moves again.
        health.pulse("panel").during(|| {
            assert!(!heart.is_due(4, &health, after(500)));
        });
        assert!(heart.is_due(6, &health, after(501)));
    }
}
