//! Between the picture's way and the client: the newest state, and the minutes and events that wait. Leaving something neither waits nor allocates.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

use crate::classifier::{Emotion, Probabilities};
use crate::outputs::View;
use crate::outputs::statistics::database::{DatedEvent, Minute};

/// So many minutes wait, a day; of more, the oldest are dropped.
const MINUTES_AT_MOST: usize = 1440;

/// As many events: what passed meanwhile is of less use than what is counted.
const EVENTS_AT_MOST: usize = 1440;

/// What the camera does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Camera {
    #[default]
    Starting,
    Watching,
    Covered,
    Paused,
    #[serde(rename = "camera_lost")]
    Lost,
}

/// What is seen now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) camera: Camera,
    pub(super) faces: usize,
    /// What the largest face shows.
    pub(super) main: Option<(Emotion, Probabilities)>,
}

impl State {
    pub(super) fn of(view: View<'_>) -> Self {
        let resting = |camera| Self { camera, ..Self::default() };
        match view {
            View::Starting => resting(Camera::Starting),
            View::Covered => resting(Camera::Covered),
            View::Paused => resting(Camera::Paused),
            View::CameraLost { .. } => resting(Camera::Lost),
            View::Watching(observation) => Self {
                camera: Camera::Watching,
                faces: observation.face_count(),
                main: observation.main_face().map(|face| (face.expression, face.probabilities)),
            },
        }
    }

    /// The same but for how sure it is, which is another in every picture.
    fn is_much_like(&self, other: &Self) -> bool {
        let expression = |state: &Self| state.main.map(|(expression, _)| expression);
        self.camera == other.camera && self.faces == other.faces && expression(self) == expression(other)
    }
}

/// What there is to publish at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shelf {
    pub(super) state: State,
    /// Seconds of each expression since the start, by whole minutes.
    pub(super) seconds: [Duration; 7],
    /// The oldest that waits, with its number.
    pub(super) minute: Option<(u64, Minute)>,
    pub(super) event: Option<(u64, DatedEvent)>,
    pub(super) minutes_waiting: usize,
    /// How many minutes found no room since the start.
    pub(super) minutes_lost: u64,
    /// Nothing follows.
    pub(super) closed: bool,
}

/// The place that both sides know.
pub(super) struct Inbox {
    inner: Mutex<Inner>,
    /// Told when something came that does not wait for the next second: another expression, a minute, the end.
    news: Notify,
}

struct Inner {
    /// None before the first view.
    state: Option<State>,
    seconds: [Duration; 7],
    minutes: Backlog<Minute>,
    events: Backlog<DatedEvent>,
    closed: bool,
}

impl Default for Inbox {
    fn default() -> Self {
        let inner = Inner {
            state: None,
            seconds: [Duration::ZERO; 7],
            minutes: Backlog::new(MINUTES_AT_MOST),
            events: Backlog::new(EVENTS_AT_MOST),
            closed: false,
        };
        Self { inner: Mutex::new(inner), news: Notify::new() }
    }
}

impl Inbox {
    pub(super) fn set_state(&self, state: State) {
        let before = self.lock().state.replace(state);
        if before.is_none_or(|before| !state.is_much_like(&before)) {
            self.news.notify_one();
        }
    }

    pub(super) fn add_minute(&self, minute: Minute) {
        let mut inner = self.lock();
        for (sum, time) in inner.seconds.iter_mut().zip(minute.counts.expressions) {
            *sum += time;
        }
        inner.minutes.push(minute);
        drop(inner);
        self.news.notify_one();
    }

    pub(super) fn add_event(&self, event: DatedEvent) {
        self.lock().events.push(event);
        self.news.notify_one();
    }

    /// Says that nothing follows.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_one();
    }

    pub(super) fn look(&self) -> Shelf {
        let inner = self.lock();
        Shelf {
            state: inner.state.unwrap_or_default(),
            seconds: inner.seconds,
            minute: inner.minutes.oldest(),
            event: inner.events.oldest(),
            minutes_waiting: inner.minutes.waiting.len(),
            minutes_lost: inner.minutes.lost,
            closed: inner.closed,
        }
    }

    /// The broker has this minute.
    pub(super) fn minute_delivered(&self, number: u64) {
        self.lock().minutes.delivered(number);
    }

    /// The broker has this event.
    pub(super) fn event_delivered(&self, number: u64) {
        self.lock().events.delivered(number);
    }

    /// Waits for something that came since the last time.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// Waits for the end.
    pub(super) async fn closed(&self) {
        while !self.lock().closed {
            self.news.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no thread panics while it holds the inbox")
    }
}

/// What waits to be delivered, in order. Each entry has a number, from 1: whoever gathers them sees by it what is missing and what came twice.
struct Backlog<T> {
    waiting: VecDeque<T>,
    /// The number of the first.
    first: u64,
    at_most: usize,
    lost: u64,
}

impl<T: Copy> Backlog<T> {
    fn new(at_most: usize) -> Self {
        Self { waiting: VecDeque::with_capacity(at_most), first: 1, at_most, lost: 0 }
    }

    fn push(&mut self, entry: T) {
        if self.waiting.len() == self.at_most {
            self.waiting.pop_front();
            self.first += 1;
            self.lost += 1;
        }
        self.waiting.push_back(entry);
    }

    fn oldest(&self) -> Option<(u64, T)> {
        self.waiting.front().map(|entry| (self.first, *entry))
    }

    /// Nothing happens if it was dropped in the meantime.
    fn delivered(&mut self, number: u64) {
        if number == self.first && self.waiting.pop_front().is_some() {
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::Observation;

    #[test]
    fn of_what_waits_too_long_the_oldest_goes_and_the_numbers_show_it() {
        let mut backlog = Backlog::new(3);
        (1..=5).for_each(|entry| backlog.push(entry));
        assert_eq!((backlog.oldest(), backlog.lost), (Some((3, 3)), 2));
        backlog.delivered(3);
        backlog.push(6);
        assert_eq!((backlog.oldest(), backlog.lost), (Some((4, 4)), 2));
    }

    #[test]
    fn what_was_dropped_while_it_was_on_its_way_does_not_take_the_next_one_with_it() {
        let mut backlog = Backlog::new(2);
        backlog.push('a');
        backlog.push('b');
        let (on_its_way, _) = backlog.oldest().unwrap();
        backlog.push('c');
        backlog.delivered(on_its_way);
        assert_eq!(backlog.oldest(), Some((2, 'b')));
        backlog.delivered(2);
        backlog.delivered(3);
        backlog.delivered(4);
        assert_eq!(backlog.oldest(), None);
    }

    #[test]
    fn a_day_of_minutes_waits_and_what_is_summed_up_forgets_none() {
        let inbox = Inbox::default();
        let mut counts = crate::outputs::statistics::counter::Counts::default();
        counts.expressions[Emotion::Happy as usize] = Duration::from_secs(2);
        for uptime in 0..1500 {
            inbox.add_minute(Minute { uptime: 60 * uptime, start: None, length: Duration::from_secs(60), counts });
        }
        let shelf = inbox.look();
        assert_eq!((shelf.minutes_waiting, shelf.minutes_lost), (1440, 60));
        let (number, minute) = shelf.minute.unwrap();
        assert_eq!((number, minute.uptime), (61, 3600));
        assert_eq!(shelf.seconds[Emotion::Happy as usize], Duration::from_secs(3000));
    }

    #[test]
    fn only_what_people_would_call_a_change_is_told_at_once() {
        let face = |probability: f32| {
            let mut values = [(1.0 - probability) / 6.0; 7];
            values[Emotion::Happy as usize] = probability;
            let main = Some((Emotion::Happy, Probabilities::new(values).unwrap()));
            State { camera: Camera::Watching, faces: 1, main }
        };
        assert!(face(0.6).is_much_like(&face(0.9)));
        assert!(!face(0.6).is_much_like(&State::of(View::Watching(&Observation::default()))));
        assert!(!State::of(View::Paused).is_much_like(&State::of(View::Covered)));
    }
}
