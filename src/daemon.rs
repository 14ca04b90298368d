//! The threads, the watchdog and the end. One thread captures into the slot, the caller's does the rest.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use log::{debug, info, warn};
use sd_notify::NotifyState;

use crate::camera::{self, FrameSource};
use crate::classifier::Emotion;
use crate::config::{CameraConfig, SourceKind};
use crate::frame::Frame;
use crate::latest::{LatestFrame, Taken};
use crate::outputs::{Outputs, View};
use crate::pipeline::Pipeline;
use crate::tracker::Observation;

/// No picture for this long means: no camera. A picture of before would be a lie.
const CAMERA_LOST_AFTER: Duration = Duration::from_secs(2);

/// How often a lost camera is shown again, so that displays which came back show it too.
const CAMERA_LOST_REPEAT: Duration = Duration::from_secs(1);

/// The longest nap of any loop: so soon everybody sees the stop flag.
const NAP: Duration = Duration::from_millis(100);

/// Wait before a lost camera is looked for again: doubles from the first to the last.
const REOPEN_AFTER: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];

/// Runs until `stop` is set, a recording ends, or `limit` has passed.
///
/// # Errors
/// If a recording cannot be read. A camera that fails is looked for again, for ever; outputs that fail are left out.
pub fn run(camera: &CameraConfig, mut pipeline: Pipeline, mut outputs: Outputs, limit: Option<Duration>, stop: &AtomicBool) -> Result<()> {
    let capture = Capture { config: camera, latest: LatestFrame::default(), trouble: Mutex::new("no picture yet".into()), stop };
    std::thread::scope(|scope| {
        // Whoever leaves the scope early must tell the other thread first.
        let _stop_at_exit = StopAtExit(stop);
        let thread = std::thread::Builder::new().name("capture".into()).spawn_scoped(scope, || capture.run())?;
        outputs.show(View::Starting);
        notify(&[NotifyState::Ready]);
        watch(&capture, &mut pipeline, &mut outputs, limit);
        notify(&[NotifyState::Stopping]);
        stop.store(true, Ordering::Relaxed);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The main thread's loop.
fn watch(capture: &Capture<'_>, pipeline: &mut Pipeline, outputs: &mut Outputs, limit: Option<Duration>) {
    let started = Instant::now();
    let mut frame = Frame::default();
    let mut last_frame = started;
    let mut lost_shown: Option<Instant> = None;
    let mut classifier_failing = false;
    let mut narrator = Narrator::default();
    while !capture.stop.load(Ordering::Relaxed) && limit.is_none_or(|limit| started.elapsed() < limit) {
        match capture.latest.take(&mut frame, NAP) {
            Taken::Fresh => {
                last_frame = Instant::now();
                if lost_shown.take().is_some() {
                    info!("the camera is back");
                }
                match pipeline.process(&frame) {
                    Ok(observation) => {
                        classifier_failing = false;
                        narrator.tell(observation);
                        outputs.show(View::Watching(observation));
                    }
                    Err(error) if !classifier_failing => {
                        classifier_failing = true;
                        warn!("a face could not be classified: {error:#}");
                    }
                    Err(_) => {}
                }
            }
            Taken::Nothing if last_frame.elapsed() >= CAMERA_LOST_AFTER => {
                if lost_shown.is_none_or(|shown| shown.elapsed() >= CAMERA_LOST_REPEAT) {
                    let reason = capture.trouble.lock().expect("no thread panics while it holds the reason").clone();
                    if lost_shown.is_none() {
                        warn!("camera lost: {reason}");
                        notify(&[NotifyState::Status(&format!("camera lost: {reason}"))]);
                    }
                    outputs.show(View::CameraLost { reason: &reason });
                    lost_shown = Some(Instant::now());
                }
            }
            Taken::Nothing => {}
            Taken::Closed => break,
        }
        notify(&[NotifyState::Watchdog]);
    }
}

/// Tells systemd, if it listens.
fn notify(states: &[NotifyState<'_>]) {
    // Without a service manager there is nobody to tell, and one that does not answer restarts us by its watchdog.
    let _ = sd_notify::notify(states);
}

struct StopAtExit<'a>(&'a AtomicBool);

impl Drop for StopAtExit<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the capture thread shares with the main thread.
struct Capture<'a> {
    config: &'a CameraConfig,
    latest: LatestFrame,
    /// Why there is no picture, for the display.
    trouble: Mutex<String>,
    stop: &'a AtomicBool,
}

impl Capture<'_> {
    /// The capture thread: opens the source, reads it into the slot, and after any error closes, waits and opens it again.
    fn run(&self) -> Result<()> {
        let result = self.run_until_the_end();
        self.latest.close();
        result
    }

    fn run_until_the_end(&self) -> Result<()> {
        let mut wait = REOPEN_AFTER[0];
        let mut said = String::new();
        while !self.stopped() {
            let error = match camera::open(self.config).and_then(|mut source| {
                info!("pictures come from {}", source.description());
                notify(&[NotifyState::Status(&format!("watching: {}", source.description()))]);
                self.read(source.as_mut(), &mut wait)
            }) {
                Ok(()) => return Ok(()),
                Err(error) if self.config.source == SourceKind::Replay => return Err(error).context("replay"),
                Err(error) => format!("{error:#}"),
            };
            // Said at the change only: a first failure, another reason, or a failure after pictures came (which resets the wait).
            if error != said || wait == REOPEN_AFTER[0] {
                warn!("{error}; trying again every {} s", REOPEN_AFTER[1].as_secs());
            }
            *self.trouble.lock().expect("no thread panics while it holds the reason") = error.clone();
            said = error;
            self.nap(wait);
            wait = (wait * 2).min(REOPEN_AFTER[1]);
        }
        Ok(())
    }

    /// Reads until the recording ends or the flag is set.
    fn read(&self, source: &mut dyn FrameSource, wait: &mut Duration) -> Result<()> {
        let mut frame = Frame::default();
        while !self.stopped() {
            if source.waits_for_reader() && !self.latest.wait_until_taken(NAP) {
                continue;
            }
            if !source.next_frame(&mut frame)? {
                break;
            }
            self.latest.publish(&mut frame);
            *wait = REOPEN_AFTER[0];
        }
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn nap(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while !self.stopped() && Instant::now() < until {
            std::thread::sleep(NAP.min(until.saturating_duration_since(Instant::now())));
        }
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
