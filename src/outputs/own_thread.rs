//! A display in a thread of its own: drawing and sending must not delay the recognition.
//!
//! To send a whole picture takes 38 ms for an ILI9341 at 32 MHz and 24 ms for an SSD1306 on I²C at 400 kHz; a 60 Hz screen takes one every 17 ms, and a
//! terminal on the other side of a slow line whenever it can. The newest view wins: what a display was too slow for is never shown.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use super::{Output, Part, View};
use crate::frame::monotonic_now;
use crate::health::Health;
use crate::tracker::Observation;
use crate::worker::Worker;

/// The thread with its display.
pub(super) struct OwnThread {
    shared: Arc<Shared>,
    /// Only for its end.
    _worker: Worker,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Default)]
struct Slot {
    view: OwnedView,
    fresh: bool,
    closed: bool,
}

impl OwnThread {
    /// Starts the thread, which opens the display with `open` and, after each failure, again.
    pub(super) fn start(
        name: &str,
        health: &Health,
        open: impl Fn() -> Result<Box<dyn Output>> + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let (theirs, name, told) = (Arc::clone(&shared), name.to_owned(), health.clone());
        let pulse = health.pulse(&name);
        let worker = health.workers().start("display", move || {
            let mut part = pulse.during(|| Part::open(&name, &told, open));
            let mut view = OwnedView::default();
            while theirs.take(&mut view) {
                pulse.during(|| part.show(view.as_view(), monotonic_now()));
            }
        })?;
        Ok(Self { shared, _worker: worker })
    }

    /// Leaves `view` for the display; returns at once.
    pub(super) fn show(&mut self, view: View<'_>) {
        let mut slot = self.shared.lock();
        slot.view.set(view);
        slot.fresh = true;
        self.shared.changed.notify_one();
    }

    /// Tells the thread to make its display dark and end.
    pub(super) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Waits for a view that has not been shown, and swaps it into `view`; false at the end.
    fn take(&self, view: &mut OwnedView) -> bool {
        let mut slot =
            self.changed.wait_while(self.lock(), |slot| !slot.fresh && !slot.closed).unwrap_or_else(PoisonError::into_inner);
        if slot.closed {
            return false;
        }
        std::mem::swap(&mut slot.view, view);
        slot.fresh = false;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`View`] that owns what it shows; its memory is used again.
#[derive(Default)]
struct OwnedView {
    kind: Kind,
    observation: Observation,
    reason: String,
}

#[derive(Clone, Copy, Default)]
enum Kind {
    #[default]
    Starting,
    Watching,
    Covered,
    Paused,
    CameraLost,
}

impl OwnedView {
    fn set(&mut self, view: View<'_>) {
        self.kind = match view {
            View::Starting => Kind::Starting,
            View::Watching(observation) => {
                let Observation { captured_at, image_size, dropped, ref faces, counted, ref outline } = *observation;
                let ours = &mut self.observation;
                (ours.captured_at, ours.image_size, ours.dropped, ours.counted) = (captured_at, image_size, dropped, counted);
                ours.faces.clone_from(faces);
                ours.outline.clone_from(outline);
                Kind::Watching
            }
            View::Covered => Kind::Covered,
            View::Paused => Kind::Paused,
            View::CameraLost { reason } => {
                self.reason.clear();
                self.reason.push_str(reason);
                Kind::CameraLost
            }
        };
    }

    fn as_view(&self) -> View<'_> {
        match self.kind {
            Kind::Starting => View::Starting,
            Kind::Watching => View::Watching(&self.observation),
            Kind::Covered => View::Covered,
            Kind::Paused => View::Paused,
            Kind::CameraLost => View::CameraLost { reason: &self.reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::worker::tests::has_panicked;

    /// Says what it shows, and takes its time.
    struct Slow {
        said: Sender<String>,
        takes: Duration,
    }

    impl Output for Slow {
        fn name(&self) -> &str {
            "slow"
        }

        fn show(&mut self, view: View<'_>) -> Result<()> {
            let text = match view {
                View::Watching(observation) => format!("{} of {:?}", observation.faces.len(), observation.captured_at),
                other => format!("{other:?}"),
            };
            self.said.send(text)?;
            std::thread::sleep(self.takes);
            Ok(())
        }
    }

    impl Drop for Slow {
        fn drop(&mut self) {
            let _ = self.said.send("dark".into());
        }
    }

    fn slow(takes: Duration) -> (OwnThread, Receiver<String>) {
        let (said, heard) = channel();
        let open = move || Ok(Box::new(Slow { said: said.clone(), takes }) as Box<dyn Output>);
        (OwnThread::start("slow", &Health::default(), open).unwrap(), heard)
    }

    #[test]
    fn a_slow_display_delays_nobody_and_shows_the_newest_view() {
        let (mut display, heard) = slow(Duration::from_millis(100));
        display.show(View::Starting);
        assert_eq!(heard.recv().unwrap(), "Starting");
        let before = Instant::now();
        for second in 0..50 {
            display.show(View::Watching(&Observation { captured_at: Duration::from_secs(second), ..Observation::default() }));
        }
        assert!(before.elapsed() < Duration::from_millis(50), "{:?}", before.elapsed());
        assert_eq!(heard.recv().unwrap(), "0 of 49s");
        display.show(View::CameraLost { reason: "unplugged" });
        assert_eq!(heard.recv().unwrap(), "CameraLost { reason: \"unplugged\" }");
    }

    #[test]
    fn a_display_that_hangs_in_one_picture_is_noticed_and_one_that_waits_for_the_next_is_not() {
        struct Hanging(Receiver<()>);
        impl Output for Hanging {
            fn name(&self) -> &str {
                "hanging"
            }

            fn show(&mut self, _: View<'_>) -> Result<()> {
                Ok(self.0.recv()?)
            }
        }
        let (let_go, held) = channel();
        let held = Mutex::new(Some(held));
        let health = Health::default();
        let open = move || Ok(Box::new(Hanging(held.lock().unwrap().take().unwrap())) as Box<dyn Output>);
        let mut display = OwnThread::start("panel", &health, open).unwrap();
        // How it will be in a minute.
        let hung = || health.hung(monotonic_now() + Duration::from_secs(60), Duration::from_secs(30));
        let wait_for = |wanted: Option<&str>| {
            (0..500).any(|_| {
                hung().as_deref() == wanted || {
                    std::thread::sleep(Duration::from_millis(10));
                    false
                }
            })
        };
        assert!(wait_for(None));
        display.show(View::Paused);
        assert!(wait_for(Some("panel")));
        let_go.send(()).unwrap();
        assert!(wait_for(None));
    }

    #[test]
    fn at_the_end_the_display_is_dark() {
        let (mut display, heard) = slow(Duration::ZERO);
        display.show(View::Paused);
        assert_eq!(heard.recv().unwrap(), "Paused");
        drop(display);
        assert_eq!(heard.iter().last().unwrap(), "dark");
    }

    #[test]
    fn leaving_a_view_for_a_display_allocates_nothing() {
        let (mut display, heard) = slow(Duration::ZERO);
        let mut seen = OwnedView::default();
        let observation = Observation::default();
        for _ in 0..2 {
            display.show(View::Watching(&observation));
            heard.recv().unwrap();
        }
        let allocations = allocation_counter::measure(|| {
            seen.set(View::Watching(&observation));
            display.show(View::Watching(&observation));
        });
        assert_eq!(allocations.count_total, 0);
    }

    #[test]
    fn a_panic_in_a_display_is_not_swallowed() {
        let health = Health::default();
        let open = || -> Result<Box<dyn Output>> { panic!("a mistake of ours") };
        let _display = OwnThread::start("broken", &health, open).unwrap();
        assert!(has_panicked(health.workers()));
    }
}
