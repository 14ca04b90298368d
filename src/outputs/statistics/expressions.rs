//! Expressions as events: when one began on a face, how long it lasted, how sure it was at its peak.

use std::time::Duration;

use crate::classifier::Emotion;
use crate::tracker::Observation;

/// From this length on an expression is a macro-expression, a shorter one a micro-expression.
pub const MACRO: Duration = Duration::from_millis(500);

/// One expression of one face, neutral excepted, from its onset to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::outputs) struct Event {
    pub(in crate::outputs) expression: Emotion,
    /// On the frames' clock.
    pub(in crate::outputs) onset: Duration,
    pub(in crate::outputs) duration: Duration,
    /// The highest smoothed probability, 0 to 1.
    pub(in crate::outputs) peak: f32,
}

/// Follows what each face shows.
#[derive(Default)]
pub(in crate::outputs) struct Expressions {
    running: Vec<Running>,
}

struct Running {
    face: u64,
    last_seen: Duration,
    event: Event,
}

impl Expressions {
    /// Takes in an observation; tells `over` each expression that is over with it.
    pub(in crate::outputs) fn see(&mut self, observation: &Observation, mut over: impl FnMut(Event)) {
        self.running.retain_mut(|running| {
            let face = observation.faces.iter().find(|face| face.id == running.face);
            match face.filter(|face| face.expression == running.event.expression) {
                Some(face) => {
                    running.event.peak = running.event.peak.max(face.confidence());
                    running.last_seen = face.last_seen;
                    true
                }
                None => {
                    // A face that went away showed it as long as it was seen; one that changed, until the change.
                    let end = face.map_or(running.last_seen, |face| face.expression_since);
                    over(running.until(end));
                    false
                }
            }
        });
        for face in observation.faces.iter().filter(|face| face.expression != Emotion::Neutral) {
            if self.running.iter().all(|running| running.face != face.id) {
                let event = Event {
                    expression: face.expression,
                    onset: face.expression_since,
                    duration: Duration::ZERO,
                    peak: face.confidence(),
                };
                self.running.push(Running { face: face.id, last_seen: face.last_seen, event });
            }
        }
    }

    /// Ends all: there are no pictures any more.
    pub(in crate::outputs) fn end(&mut self, mut over: impl FnMut(Event)) {
        self.running.drain(..).for_each(|running| over(running.until(running.last_seen)));
    }
}

impl Running {
    fn until(&self, end: Duration) -> Event {
        Event { duration: end.saturating_sub(self.event.onset), ..self.event }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::TrackedFace;

    fn at(milliseconds: u64, faces: &[(u64, Emotion, u64, f32)]) -> Observation {
        let now = Duration::from_millis(milliseconds);
        let face = |&(id, expression, since, confidence): &(u64, Emotion, u64, f32)| TrackedFace {
            expression_since: Duration::from_millis(since),
            last_seen: now,
            ..TrackedFace::showing(id, expression, confidence)
        };
        Observation { captured_at: now, faces: faces.iter().map(face).collect(), ..Observation::default() }
    }

    #[test]
    fn an_expression_has_an_onset_a_length_and_a_peak_and_neutral_is_none() {
        use Emotion::{Happy, Neutral, Sad};
        let mut expressions = Expressions::default();
        let mut events = Vec::new();
        for observation in [
            at(1000, &[(1, Neutral, 0, 0.9), (2, Sad, 900, 0.5)]),
            at(1100, &[(1, Happy, 1100, 0.6), (2, Sad, 900, 0.7)]),
            at(1500, &[(1, Happy, 1100, 0.8), (2, Sad, 900, 0.6)]),
            // Face 2 has gone: it was last seen at 1.5 s.
            at(1800, &[(1, Happy, 1100, 0.7)]),
            at(2100, &[(1, Neutral, 2000, 0.7)]),
        ] {
            expressions.see(&observation, |event| events.push((event.expression, event.onset, event.duration, event.peak)));
        }
        expressions.end(|_| panic!("nothing is left"));
        let ms = Duration::from_millis;
        assert_eq!(events.len(), 2);
        assert_eq!((events[0].0, events[0].1, events[0].2), (Sad, ms(900), ms(600)));
        assert_eq!((events[1].0, events[1].1, events[1].2), (Happy, ms(1100), ms(900)));
        assert!((events[0].3 - 0.7).abs() < 1e-6 && (events[1].3 - 0.8).abs() < 1e-6);
    }

    #[test]
    fn what_is_shown_when_the_pictures_end_is_an_event_too() {
        let mut expressions = Expressions::default();
        expressions.see(&at(0, &[(1, Emotion::Fear, 0, 0.5)]), |_| panic!("it has just begun"));
        expressions.see(&at(300, &[(1, Emotion::Fear, 0, 0.5)]), |_| panic!("it goes on"));
        let mut events = Vec::new();
        expressions.end(|event| events.push((event.expression, event.duration)));
        assert_eq!(events, [(Emotion::Fear, Duration::from_millis(300))]);
    }
}
