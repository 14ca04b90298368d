//! What the picture's way leaves for the page: the newest view and the sums since the start.
//!
//! The main thread counts for itself and copies the result into a slot, unless somebody just reads there: it never waits, and the next picture comes soon.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::classifier::{Emotion, Probabilities};
use crate::frame::monotonic_now;
use crate::outline::Outline;
use crate::outputs::View;
use crate::outputs::statistics::counter::{Counter, Counts};
use crate::stopwatch::Histogram;
use crate::tracker::Observation;

/// What a view is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sight {
    #[default]
    Starting,
    Watching,
    Covered,
    Paused,
    CameraLost,
}

impl Sight {
    pub(super) const ALL: [Self; 5] = [Self::Starting, Self::Watching, Self::Covered, Self::Paused, Self::CameraLost];

    /// As in the page and in the figures.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Watching => "watching",
            Self::Covered => "covered",
            Self::Paused => "paused",
            Self::CameraLost => "camera_lost",
        }
    }
}

/// The newest view.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Now {
    pub(super) sight: Sight,
    /// When it was shown, on the frames' clock.
    pub(super) shown_at: Duration,
    /// How many views there have been.
    pub(super) views: u64,
    pub(super) faces: usize,
    /// Whether faces are counted, and expressions not named.
    pub(super) counting: bool,
    /// What the largest face shows.
    pub(super) face: Option<(Emotion, Probabilities)>,
    /// Since the start.
    pub(super) counts: Counts,
}

/// What is in the slot.
#[derive(Debug, Default)]
struct Newest {
    now: Now,
    reason: String,
    /// Empty unless it is wanted.
    outline: Outline,
}

/// The newest view with its reason; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    newest: Mutex<Newest>,
    /// How old pictures were when they were shown.
    ages: Histogram,
}

impl Slot {
    /// The newest view, and why there is nothing to see if there is not.
    pub(super) fn read(&self) -> (Now, String) {
        let newest = self.lock();
        (newest.now, newest.reason.clone())
    }

    /// The outline of the newest picture; an empty one if there is none.
    pub(super) fn outline(&self) -> Outline {
        self.lock().outline.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How old pictures were when they were shown.
    pub(super) fn ages(&self) -> &Histogram {
        &self.0.ages
    }
}

/// The main thread's side of the slot.
pub(super) struct Teller {
    slot: Slot,
    counter: Counter,
    now: Now,
    outlines: bool,
}

impl Teller {
    /// `outlines`: whether outlines are handed on.
    pub(super) fn new(slot: Slot, outlines: bool) -> Self {
        // The one interval never ends.
        Self { slot, counter: Counter::new(Duration::MAX), now: Now::default(), outlines }
    }

    /// Takes in a view that is shown at `shown_at` on the frames' clock; returns at once and allocates nothing, unless the reason is longer than all before.
    pub(super) fn tell(&mut self, view: View<'_>, shown_at: Duration, throttled: bool) {
        let (sight, time, reason) = match view {
            View::Starting => (Sight::Starting, shown_at, ""),
            View::Watching(observation) => (Sight::Watching, observation.captured_at, ""),
            View::Covered => (Sight::Covered, shown_at, ""),
            View::Paused => (Sight::Paused, shown_at, ""),
            View::CameraLost { reason } => (Sight::CameraLost, shown_at, reason),
        };
        self.counter.see(view, time, throttled);
        let observation = if let View::Watching(observation) = view { Some(observation) } else { None };
        if observation.is_some() {
            self.slot.0.ages.add(shown_at.saturating_sub(time));
        }
        self.now = Now {
            sight,
            shown_at,
            views: self.now.views + 1,
            faces: observation.map_or(0, Observation::face_count),
            counting: observation.is_some_and(|observation| observation.counted.is_some()),
            face: observation.and_then(|seen| seen.main_face()).map(|face| (face.expression, face.probabilities)),
            counts: *self.counter.counts(),
        };
        if let Ok(mut newest) = self.slot.0.newest.try_lock() {
            newest.now = self.now;
            newest.reason.clear();
            newest.reason.push_str(reason);
            if self.outlines {
                newest.outline.clone_from(observation.map_or(&Outline::default(), |observation| &observation.outline));
            }
        }
    }
}

/// How a view counts when somebody asks whether the service works.
pub(super) fn trouble(now: &Now, reason: &str) -> Option<String> {
    /// The longest time between two views of a service that works, with a good deal of patience: a lost camera is shown again each second.
    const SILENCE: Duration = Duration::from_secs(5);
    match now.sight {
        _ if monotonic_now().saturating_sub(now.shown_at) > SILENCE => {
            Some("nothing has been recognised for some seconds".into())
        }
        Sight::Watching | Sight::Paused => None,
        Sight::Starting => Some("no picture yet".into()),
        Sight::Covered => Some("the camera is covered, or in the dark".into()),
        Sight::CameraLost => Some(format!("no camera: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::TrackedFace;

    fn happy(at: Duration) -> Observation {
        let face =
            TrackedFace { expression_since: at, first_seen: at, last_seen: at, ..TrackedFace::showing(1, Emotion::Happy, 0.75) };
        Observation { captured_at: at, dropped: 2, faces: vec![face], ..Observation::default() }
    }

    #[test]
    fn views_are_counted_and_the_newest_can_be_read() {
        let slot = Slot::default();
        let mut teller = Teller::new(slot.clone(), false);
        let second = Duration::from_secs;
        for at in [10, 11] {
            teller.tell(View::Watching(&happy(second(at))), second(at) + Duration::from_millis(30), false);
        }
        teller.tell(View::CameraLost { reason: "unplugged" }, second(12), false);
        let (now, reason) = slot.read();
        assert_eq!((now.sight, reason.as_str(), now.faces, now.views), (Sight::CameraLost, "unplugged", 0, 3));
        assert_eq!((now.counts.frames, now.counts.dropped, now.counts.faces), (2, 4, 1));
        assert_eq!(now.counts.expressions[Emotion::Happy as usize], second(2));
        // Two pictures of 30 ms: above 0.02 s, below 0.05 s.
        assert_eq!(slot.ages().read().0[5], 2);
    }

    #[test]
    fn a_reader_never_holds_up_the_pictures_and_nothing_is_lost_by_that() {
        let slot = Slot::default();
        let mut teller = Teller::new(slot.clone(), false);
        let reading = slot.0.newest.lock().unwrap();
        teller.tell(View::Watching(&happy(Duration::from_secs(1))), Duration::from_secs(1), false);
        drop(reading);
        assert_eq!(slot.read().0.views, 0);
        teller.tell(View::Watching(&happy(Duration::from_secs(2))), Duration::from_secs(2), false);
        assert_eq!((slot.read().0.views, slot.read().0.counts.frames), (2, 2));
    }

    #[test]
    fn telling_a_view_allocates_nothing() {
        let slot = Slot::default();
        let mut teller = Teller::new(slot, true);
        let observation = happy(Duration::from_secs(1));
        let reason = View::CameraLost { reason: "unplugged" };
        teller.tell(reason, Duration::from_secs(1), false);
        let allocations = allocation_counter::measure(|| {
            teller.tell(View::Watching(&observation), Duration::from_secs(1), false);
            teller.tell(reason, Duration::from_secs(2), true);
        });
        assert_eq!(allocations.count_total, 0);
    }

    #[test]
    fn a_pause_is_no_trouble_and_silence_is() {
        let now =
            |sight, ago| Now { sight, shown_at: monotonic_now().saturating_sub(Duration::from_secs(ago)), ..Now::default() };
        assert_eq!(trouble(&now(Sight::Watching, 0), ""), None);
        assert_eq!(trouble(&now(Sight::Paused, 1), ""), None);
        assert_eq!(trouble(&now(Sight::CameraLost, 1), "unplugged").unwrap(), "no camera: unplugged");
        assert_eq!(trouble(&now(Sight::Watching, 6), "").unwrap(), "nothing has been recognised for some seconds");
        for sight in [Sight::Starting, Sight::Covered] {
            assert!(trouble(&now(sight, 0), "").is_some());
        }
    }
}
