//! Numbers for an MQTT broker: what is seen now for a home, a record a minute for whoever gathers many devices.
//!
//! ```text
//!  views ──▶ state ──────────────▶ inbox: the newest state, ──▶ client thread ──▶ connection ──▶ broker
//!       ├──▶ counter ──▶ minute ──▶ minutes and events                  └─ back-off
//!       └──▶ expressions ─▶ event ─▶ that wait
//! ```
//!
//! No picture, no identity; and nothing is listened to that could switch anything here: a broker in other hands learns numbers, and that is all. The only
//! thing that is asked of it is when Home Assistant starts.

mod backoff;
mod client;
mod connection;
mod discovery;
mod inbox;
mod payload;
mod tls;
mod trouble;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};

use self::client::Client;
use self::inbox::{Inbox, State};
use super::statistics::counter::Counter;
use super::statistics::expressions::Expressions;
use super::statistics::{dated, minute};
use super::{Output, View};
use crate::config::Config;
use crate::frame::monotonic_now;
use crate::health::Health;
use crate::worker::Worker;

/// What the log and the health call it.
pub const NAME: &str = "mqtt";

/// A record covers so much time.
const MINUTE: Duration = Duration::from_secs(60);

/// At the end the client has so long to say that the device is gone. The program is to end within a second.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// Condenses what is shown and leaves it for the client.
pub struct Mqtt {
    inbox: Arc<Inbox>,
    minutes: Counter,
    /// If they are wanted.
    expressions: Option<Expressions>,
    health: Health,
    client: Worker,
    /// Disconnected when the client is through.
    done: Receiver<()>,
}

impl Mqtt {
    /// Starts the client, which connects with the first view and again after each failure.
    ///
    /// # Errors
    /// If there is no broker in the configuration, or the system has no thread or no event queue for the client.
    pub fn open(config: &Config, health: &Health) -> Result<Self> {
        let inbox = Arc::<Inbox>::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .context("no event queue for the client")?;
        let mut client = Client::new(config, Arc::clone(&inbox), health.clone())?;
        let (through, done) = channel();
        let worker = health.workers().start(NAME, move || {
            runtime.block_on(client.live());
            // A name server that does not answer keeps a thread of the runtime busy; nobody waits for it.
            runtime.shutdown_background();
            drop(through);
        });
        Ok(Self {
            inbox,
            minutes: Counter::new(MINUTE),
            expressions: config.statistics.events.then(Expressions::default),
            health: health.clone(),
            client: worker.context("no thread for the client")?,
            done,
        })
    }
}

impl Output for Mqtt {
    fn name(&self) -> &str {
        NAME
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        let now = match view {
            View::Watching(observation) => observation.captured_at,
            View::Starting | View::CameraLost { .. } | View::Covered | View::Paused => monotonic_now(),
        };
        if let Some(interval) = self.minutes.see(view, now, self.health.is_throttled()) {
            self.inbox.add_minute(minute(&interval));
        }
        if let Some(expressions) = &mut self.expressions {
            let over = |event| self.inbox.add_event(dated(event));
            match view {
                View::Watching(observation) => expressions.see(observation, over),
                _ => expressions.end(over),
            }
        }
        self.inbox.set_state(State::of(view));
        Ok(())
    }
}

impl Drop for Mqtt {
    fn drop(&mut self) {
        if let Some(expressions) = &mut self.expressions {
            expressions.end(|event| self.inbox.add_event(dated(event)));
        }
        if let Some(interval) = self.minutes.cut() {
            self.inbox.add_minute(minute(&interval));
        }
        self.inbox.close();
        if self.done.recv_timeout(LAST_WORDS) == Err(RecvTimeoutError::Timeout) {
            // The broker says that the device is gone when it notices: the last will.
            log::warn!("{NAME}: the broker does not answer; it is left without a word");
            self.client.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Emotion;
    use crate::config::MqttConfig;
    use crate::tracker::{Observation, TrackedFace};

    /// Nobody listens on this port of this machine: the port of "discard", which systemd does not serve.
    fn config() -> Config {
        let mqtt = MqttConfig { broker: "127.0.0.1:9".into(), ..MqttConfig::default() };
        let mut config = Config { mqtt, ..Config::default() };
        config.statistics.events = true;
        config
    }

    fn observation(milliseconds: u64, expression: Emotion) -> Observation {
        let captured_at = Duration::from_millis(milliseconds);
        let face =
            TrackedFace { expression_since: captured_at, last_seen: captured_at, ..TrackedFace::showing(1, expression, 0.7) };
        Observation { captured_at, faces: vec![face], ..Observation::default() }
    }

    #[test]
    fn handing_over_a_picture_neither_waits_nor_allocates_also_without_a_broker() {
        let mut mqtt = Mqtt::open(&config(), &Health::default()).unwrap();
        let mut observations: Vec<_> = (0..590).map(|n| observation(100 * n, Emotion::Happy)).collect();
        // Somebody else comes and goes: the client is told at once.
        for observation in observations.iter_mut().step_by(7) {
            let face = TrackedFace { id: 2, expression: Emotion::Neutral, ..observation.faces[0] };
            observation.faces.push(face);
        }
        let mut show = |part: &[Observation]| part.iter().for_each(|observation| mqtt.show(View::Watching(observation)).unwrap());
        show(&observations[..10]);
        let begin = monotonic_now();
        let allocations = allocation_counter::measure(|| show(&observations[10..]));
        let taken = monotonic_now() - begin;
        assert_eq!(allocations.count_total, 0);
        assert!(taken < Duration::from_secs(1), "{taken:?}");
    }

    #[test]
    fn minutes_and_events_wait_in_order_for_a_broker() {
        let mut mqtt = Mqtt::open(&config(), &Health::default()).unwrap();
        let expressions = [Emotion::Happy, Emotion::Happy, Emotion::Sad, Emotion::Neutral];
        for n in 0..4000 {
            mqtt.show(View::Watching(&observation(100 * n, expressions[n as usize % 4]))).unwrap();
        }
        // 399.9 s are six whole minutes. Each four pictures have two expressions that end; 1,440 of the 2,000 wait.
        let shelf = mqtt.inbox.look();
        assert_eq!((shelf.minutes_waiting, shelf.minute.unwrap().0, shelf.event.unwrap().0), (6, 1, 561));
    }

    #[test]
    fn an_end_without_a_broker_is_not_waited_for() {
        let mut mqtt = Mqtt::open(&config(), &Health::default()).unwrap();
        mqtt.show(View::Starting).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let begin = monotonic_now();
        drop(mqtt);
        let taken = monotonic_now() - begin;
        assert!(taken < Duration::from_millis(500), "{taken:?}");
    }

    #[test]
    fn a_broker_that_is_not_there_is_told_in_the_health_with_its_address() {
        let health = Health::default();
        let mut mqtt = Mqtt::open(&config(), &health).unwrap();
        mqtt.show(View::Starting).unwrap();
        let reason = (0..200).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            let parts = health.snapshot().parts;
            // It begins with "not connected yet".
            parts.into_iter().find(|part| part.reason.contains("error")).map(|part| part.reason)
        });
        assert_eq!(reason.as_deref(), Some("127.0.0.1:9: Connection refused (os error 111)"));
    }
}
