//! Counting: how long which expression was shown, how many faces and frames, and how long there was nothing to see. Nothing here allocates or waits.

use std::time::Duration;

use crate::outputs::View;

/// What was shown last is credited with the time until the next view, but never with more than this: after a longer gap nobody knows.
const LONGEST_STEP: Duration = Duration::from_secs(2);

/// What was counted in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::outputs) struct Counts {
    /// Looked at.
    pub(in crate::outputs) frames: u64,
    /// Passed over because a newer one was there.
    pub(in crate::outputs) dropped: u64,
    /// How many faces came into view.
    pub(in crate::outputs) faces: u64,
    pub(in crate::outputs) covered: Duration,
    pub(in crate::outputs) paused: Duration,
    pub(in crate::outputs) camera_lost: Duration,
    /// How long the board ran slower than it could, for heat or for want of current.
    pub(in crate::outputs) throttled: Duration,
    /// Summed over faces: two happy faces make two seconds a second.
    pub(in crate::outputs) expressions: [Duration; 7],
}

/// An interval that is over.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct Interval {
    pub(in crate::outputs) length: Duration,
    pub(in crate::outputs) counts: Counts,
}

/// Cuts the views into intervals, measured by the views' own times.
pub(in crate::outputs) struct Counter {
    interval: Duration,
    /// Begin of the interval, and the time of the last view.
    span: Option<(Duration, Duration)>,
    counts: Counts,
    shown: Shown,
    /// Highest face number so far; numbers grow and are never used again.
    last_face: u64,
}

/// What the last view showed.
#[derive(Clone, Copy, Default)]
struct Shown {
    /// Faces per expression.
    faces: [u32; 7],
    covered: bool,
    paused: bool,
    camera_lost: bool,
    throttled: bool,
}

impl Counter {
    pub(in crate::outputs) fn new(interval: Duration) -> Self {
        Self { interval, span: None, counts: Counts::default(), shown: Shown::default(), last_face: 0 }
    }

    /// Takes in a view; gives the interval that ends with it, if one does. The view itself belongs to the interval that begins.
    pub(in crate::outputs) fn see(&mut self, view: View<'_>, now: Duration, throttled: bool) -> Option<Interval> {
        self.advance(now);
        let is_over = self.span.is_some_and(|(begin, end)| end - begin >= self.interval);
        let interval = is_over.then(|| self.cut()).flatten();
        self.shown = Shown {
            faces: [0; 7],
            covered: matches!(view, View::Covered),
            paused: matches!(view, View::Paused),
            camera_lost: matches!(view, View::CameraLost { .. }),
            throttled,
        };
        if let View::Watching(observation) = view {
            self.counts.frames += 1;
            self.counts.dropped += observation.dropped;
            self.counts.faces += observation.counted.map_or(0, |counted| counted.new.into());
            for face in &observation.faces {
                self.shown.faces[face.expression as usize] += 1;
                if face.id > self.last_face {
                    self.last_face = face.id;
                    self.counts.faces += 1;
                }
            }
        }
        interval
    }

    /// What has been counted in the interval that runs.
    #[cfg(feature = "web")]
    pub(in crate::outputs) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Ends the interval now; gives it, unless it has just begun.
    pub(in crate::outputs) fn cut(&mut self) -> Option<Interval> {
        let (begin, end) = self.span.filter(|(begin, end)| end > begin)?;
        self.span = Some((end, end));
        Some(Interval { length: end - begin, counts: std::mem::take(&mut self.counts) })
    }

    /// Credits what was shown since the last view, up to `now`.
    fn advance(&mut self, now: Duration) {
        let (begin, last) = self.span.unwrap_or((now, now));
        let step = now.saturating_sub(last).min(LONGEST_STEP);
        let Shown { faces, covered, paused, camera_lost, throttled } = self.shown;
        for (time, faces) in self.counts.expressions.iter_mut().zip(faces) {
            *time += step * faces;
        }
        let counts = &mut self.counts;
        for (time, was) in [
            (&mut counts.covered, covered),
            (&mut counts.paused, paused),
            (&mut counts.camera_lost, camera_lost),
            (&mut counts.throttled, throttled),
        ] {
            if was {
                *time += step;
            }
        }
        self.span = Some((begin, now.max(last)));
    }
}
