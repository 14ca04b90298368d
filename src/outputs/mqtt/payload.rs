//! What is published: topics, and numbers as JSON. Nothing in it can be led back to a person.

use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::inbox::{Camera, Shelf};
use crate::classifier::Emotion;
use crate::health::Snapshot;
use crate::outputs::statistics::database::{DatedEvent, Minute};
use crate::outputs::statistics::{clock, expressions};

/// Payloads of the topic `availability`, Home Assistant's usual ones.
pub(super) const ONLINE: &str = "online";
pub(super) const OFFLINE: &str = "offline";

/// Where everything goes.
#[derive(Debug)]
pub(super) struct Topics {
    pub(super) state: String,
    pub(super) availability: String,
    pub(super) minute: String,
    pub(super) event: String,
}

impl Topics {
    pub(super) fn new(prefix: &str, id: &str) -> Self {
        let topic = |last| format!("{prefix}/{id}/{last}");
        Self { state: topic("state"), availability: topic("availability"), minute: topic("minute"), event: topic("event") }
    }
}

/// Who the records come from.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) name: String,
    pub(super) id: String,
    /// Another one after every start: records are numbered from 1 in each.
    run: String,
    boot: String,
}

impl Sender {
    pub(super) fn new(name: String, id: String) -> Self {
        // The kernel makes a new one for every reader.
        let uuid = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
        Self { name, id, run: uuid.chars().take(8).collect(), boot: clock::boot_id() }
    }
}

/// What is seen now.
pub(super) fn state(shelf: &Shelf, health: &Snapshot) -> Vec<u8> {
    #[derive(Serialize)]
    struct State<'a> {
        /// None if nobody is there.
        expression: Option<Emotion>,
        /// 0 to 1.
        confidence: Option<f64>,
        probabilities: Option<PerExpression>,
        faces: usize,
        camera: Camera,
        /// Why there is no picture.
        reason: Option<&'a str>,
        /// Since the start, by whole minutes.
        seconds: PerExpression,
        frames_per_second: f64,
        temperature_c: Option<f64>,
        throttled: Option<bool>,
    }
    let main = shelf.state.main;
    let reason = health.parts.iter().find(|part| part.name == "camera").map(|part| part.reason.as_str());
    json(&State {
        expression: main.map(|(expression, _)| expression),
        confidence: main.map(|(expression, probabilities)| rounded(probabilities.of(expression).into())),
        probabilities: main.map(|(_, probabilities)| PerExpression(probabilities.as_array().map(|value| rounded(value.into())))),
        faces: shelf.state.faces,
        camera: shelf.state.camera,
        reason: reason.filter(|reason| shelf.state.camera == Camera::Lost && !reason.is_empty()),
        seconds: PerExpression(shelf.seconds.map(seconds)),
        frames_per_second: health.frames_per_second,
        temperature_c: health.temperature_c,
        throttled: health.throttled,
    })
}

/// A minute, with the columns of `visaged export`.
pub(super) fn minute(sender: &Sender, sequence: u64, minute: &Minute) -> Vec<u8> {
    #[derive(Serialize)]
    struct Record<'a> {
        device: &'a str,
        device_id: &'a str,
        run: &'a str,
        sequence: u64,
        boot: &'a str,
        uptime_s: i64,
        utc: Option<String>,
        seconds: f64,
        covered_s: f64,
        paused_s: f64,
        camera_lost_s: f64,
        throttled_s: f64,
        frames: u64,
        dropped: u64,
        faces: u64,
        angry_s: f64,
        disgust_s: f64,
        fear_s: f64,
        happy_s: f64,
        sad_s: f64,
        surprise_s: f64,
        neutral_s: f64,
    }
    let Minute { uptime, start, length, counts } = minute;
    let [angry_s, disgust_s, fear_s, happy_s, sad_s, surprise_s, neutral_s] = counts.expressions.map(seconds);
    json(&Record {
        device: &sender.name,
        device_id: &sender.id,
        run: &sender.run,
        sequence,
        boot: &sender.boot,
        uptime_s: *uptime,
        utc: date(*start),
        seconds: seconds(*length),
        covered_s: seconds(counts.covered),
        paused_s: seconds(counts.paused),
        camera_lost_s: seconds(counts.camera_lost),
        throttled_s: seconds(counts.throttled),
        frames: counts.frames,
        dropped: counts.dropped,
        faces: counts.faces,
        angry_s,
        disgust_s,
        fear_s,
        happy_s,
        sad_s,
        surprise_s,
        neutral_s,
    })
}

/// An expression that is over, likewise.
pub(super) fn event(sender: &Sender, sequence: u64, event: &DatedEvent) -> Vec<u8> {
    #[derive(Serialize)]
    struct Record<'a> {
        device: &'a str,
        device_id: &'a str,
        run: &'a str,
        sequence: u64,
        boot: &'a str,
        onset_uptime_s: f64,
        utc: Option<String>,
        expression: Emotion,
        duration_s: f64,
        peak: f64,
    }
    let DatedEvent { start, event: expressions::Event { expression, onset, duration, peak } } = event;
    json(&Record {
        device: &sender.name,
        device_id: &sender.id,
        run: &sender.run,
        sequence,
        boot: &sender.boot,
        onset_uptime_s: seconds(*onset),
        utc: date(*start),
        expression: *expression,
        duration_s: seconds(*duration),
        peak: rounded((*peak).into()),
    })
}

/// As a map from name to number, in the order of [`Emotion::ALL`].
struct PerExpression([f64; 7]);

impl Serialize for PerExpression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (emotion, value) in Emotion::ALL.into_iter().zip(self.0) {
            map.serialize_entry(emotion.name(), &value)?;
        }
        map.end()
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("numbers and names have a JSON form")
}

/// To thousandths.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn seconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64())
}

/// RFC 3339, UTC; none while the clock is not set.
fn date(seconds_since_1970: Option<i64>) -> Option<String> {
    jiff::Timestamp::from_second(seconds_since_1970?).ok().map(|time| time.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::inbox::{Inbox, State};
    use super::*;
    use crate::classifier::Probabilities;
    use crate::health::Health;
    use crate::outputs::View;
    use crate::outputs::statistics::counter::Counts;
    use serde_json::{Value, json};

    fn value(payload: &[u8]) -> Value {
        serde_json::from_slice(payload).unwrap()
    }

    fn sender() -> Sender {
        Sender { name: "hall 2".into(), id: "a1b2c3".into(), run: "0f0e0d0c".into(), boot: "b".into() }
    }

    /// What the state looks like while one face is happy.
    pub(in crate::outputs::mqtt) fn happy() -> Value {
        let inbox = Inbox::default();
        let probabilities = Probabilities::new([0.01, 0.0, 0.02, 0.87, 0.03, 0.05, 0.02]).unwrap();
        inbox.set_state(State { camera: Camera::Watching, faces: 2, main: Some((Emotion::Happy, probabilities)) });
        value(&state(&inbox.look(), &Health::default().snapshot()))
    }

    #[test]
    fn the_state_says_what_the_largest_face_shows_and_how_the_camera_is() {
        let mut state = happy();
        // What the machine says about itself is another on each.
        state["temperature_c"].take();
        state["throttled"].take();
        assert_eq!(
            state,
            json!({
                "expression": "happy", "confidence": 0.87, "faces": 2, "camera": "watching", "reason": null,
                "probabilities":
                    {"angry": 0.01, "disgust": 0.0, "fear": 0.02, "happy": 0.87, "sad": 0.03, "surprise": 0.05, "neutral": 0.02},
                "seconds": {"angry": 0.0, "disgust": 0.0, "fear": 0.0, "happy": 0.0, "sad": 0.0, "surprise": 0.0, "neutral": 0.0},
                "frames_per_second": 0.0, "temperature_c": null, "throttled": null
            })
        );
    }

    #[test]
    fn without_a_camera_the_state_says_why_and_shows_no_expression_of_before() {
        let (inbox, health) = (Inbox::default(), Health::default());
        health.tell("camera", crate::health::State::Degraded, "no camera is plugged in");
        inbox.set_state(State::of(View::CameraLost { reason: "no camera is plugged in" }));
        let state = value(&state(&inbox.look(), &health.snapshot()));
        assert_eq!((&state["camera"], &state["reason"]), (&json!("camera_lost"), &json!("no camera is plugged in")));
        assert_eq!((&state["expression"], &state["faces"]), (&Value::Null, &json!(0)));
    }

    #[test]
    fn a_minute_has_its_number_its_date_and_what_was_counted() {
        let mut counts = Counts { frames: 900, dropped: 3, faces: 2, paused: Duration::from_secs(6), ..Counts::default() };
        counts.expressions[Emotion::Happy as usize] = Duration::from_millis(31_240);
        // `date -u -d @1772357400`: 2026-03-01 09:30:00.
        let row = Minute { uptime: 120, start: Some(1_772_357_400), length: Duration::from_secs(60), counts };
        assert_eq!(
            value(&minute(&sender(), 7, &row)),
            json!({
                "device": "hall 2", "device_id": "a1b2c3", "run": "0f0e0d0c", "sequence": 7, "boot": "b", "uptime_s": 120,
                "utc": "2026-03-01T09:30:00Z", "seconds": 60.0, "covered_s": 0.0, "paused_s": 6.0, "camera_lost_s": 0.0, "throttled_s": 0.0,
                "frames": 900, "dropped": 3, "faces": 2, "angry_s": 0.0, "disgust_s": 0.0, "fear_s": 0.0, "happy_s": 31.24, "sad_s": 0.0,
                "surprise_s": 0.0, "neutral_s": 0.0
            })
        );
        assert_eq!(value(&minute(&sender(), 1, &Minute { start: None, ..row }))["utc"], Value::Null);
    }

    #[test]
    fn an_event_has_its_number_its_onset_and_its_peak() {
        let over = expressions::Event {
            expression: Emotion::Surprise,
            onset: Duration::from_millis(61_500),
            duration: Duration::from_millis(700),
            peak: 0.9,
        };
        assert_eq!(
            value(&event(&sender(), 3, &DatedEvent { start: None, event: over })),
            json!({
                "device": "hall 2", "device_id": "a1b2c3", "run": "0f0e0d0c", "sequence": 3, "boot": "b", "onset_uptime_s": 61.5, "utc": null,
                "expression": "surprise", "duration_s": 0.7, "peak": 0.9
            })
        );
    }

    #[test]
    fn two_starts_are_told_apart() {
        let run = || Sender::new(String::new(), String::new()).run;
        let (one, other) = (run(), run());
        assert_eq!(one.len(), 8);
        assert_ne!(one, other);
    }
}
