//! The day's mix: for how long each expression has been seen on this display since midnight.

use std::time::Duration;

use super::moment::Moment;
use crate::classifier::Emotion;
use crate::tracker::Observation;

/// Time per expression, of all faces together.
#[derive(Clone, Copy, Debug, Default)]
pub struct DayMix {
    times: [Duration; 7],
    day: i32,
    last: Option<Duration>,
}

/// Between two pictures that are further apart nobody knows what was to be seen.
const LONGEST_GAP: Duration = Duration::from_secs(2);

impl DayMix {
    /// Counts the time since the last observation for the expressions of this one. With a new day it begins anew.
    pub fn add(&mut self, observation: &Observation, now: Moment) {
        if now.day != self.day {
            *self = Self { day: now.day, last: self.last, ..Self::default() };
        }
        let gap = self.last.and_then(|last| observation.captured_at.checked_sub(last));
        self.last = Some(observation.captured_at);
        if let Some(gap) = gap.filter(|gap| *gap <= LONGEST_GAP) {
            for face in &observation.faces {
                self.times[face.expression as usize] += gap;
            }
        }
    }

    /// Each expression's part of the whole, in the order of [`Emotion::ALL`]; none if nothing has been seen yet.
    pub fn shares(&self) -> Option<[f32; 7]> {
        let whole = self.times.iter().sum::<Duration>();
        (!whole.is_zero()).then(|| self.times.map(|time| time.as_secs_f32() / whole.as_secs_f32()))
    }

    /// The part of one expression.
    pub fn of(&self, emotion: Emotion) -> Option<f32> {
        self.shares().map(|shares| shares[emotion as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::TrackedFace;

    fn seen(at_ms: u64, expressions: &[Emotion]) -> Observation {
        let faces = expressions.iter().map(|&expression| TrackedFace::showing(0, expression, 1.0)).collect();
        Observation { captured_at: Duration::from_millis(at_ms), faces, ..Observation::default() }
    }

    #[test]
    fn time_is_counted_for_each_face_and_gaps_are_not() {
        let mut mix = DayMix::default();
        assert_eq!(mix.shares(), None);
        for (at_ms, expressions) in [
            // The first has no length.
            (0, &[Emotion::Sad][..]),
            (500, &[Emotion::Happy]),
            (1000, &[Emotion::Happy, Emotion::Fear]),
            (1500, &[]),
            // After a pause nobody knows.
            (9000, &[Emotion::Angry]),
            (9500, &[Emotion::Happy]),
        ] {
            mix.add(&seen(at_ms, expressions), Moment::default());
        }
        // 3 × 0.5 s happy, 0.5 s afraid.
        assert_eq!(mix.of(Emotion::Happy), Some(0.75));
        assert_eq!(mix.of(Emotion::Fear), Some(0.25));
        assert_eq!(mix.of(Emotion::Sad), Some(0.0));
    }

    #[test]
    fn at_midnight_it_begins_anew() {
        let mut mix = DayMix::default();
        let (today, tomorrow) = (Moment { day: 1, ..Moment::default() }, Moment { day: 2, ..Moment::default() });
        mix.add(&seen(0, &[Emotion::Sad]), today);
        mix.add(&seen(500, &[Emotion::Sad]), today);
        mix.add(&seen(1000, &[Emotion::Happy]), tomorrow);
        assert_eq!(mix.of(Emotion::Happy), Some(1.0));
    }
}
