//! The output for MQTT as a broker meets it: a real one (mosquitto, with its own clients) where it matters, and a few lines of a broker where one is
//! needed that misbehaves. All on this machine's loopback.

mod broker;
mod fake;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use visaged::classifier::{Emotion, Probabilities};
use visaged::config::{Config, MqttConfig};
use visaged::frame::{BoundingBox, monotonic_now};
use visaged::health::{Health, State};
use visaged::outputs::mqtt::Mqtt;
use visaged::outputs::{Output, View};
use visaged::tracker::{Observation, TrackedFace};

use self::broker::{Authority, Broker, Gatherer, Proxy};
use self::fake::FakeBroker;

pub(super) use self::fake::take_everything;

/// Long enough for two waits of the back-off on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// The output with a made-up face in front of it, whose minutes pass as fast as one likes.
struct Device {
    mqtt: Mqtt,
    health: Health,
    at: Duration,
}

impl Device {
    fn open(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.device.id = "hall-2".into();
        config.device.name = "Hall 2".into();
        change(&mut config);
        config.check().unwrap();
        let health = Health::default();
        let mut mqtt = Mqtt::open(&config, &health).unwrap();
        mqtt.show(View::Starting).unwrap();
        Self { mqtt, health, at: monotonic_now() }
    }

    fn at(port: u16) -> Self {
        Self::open(|config| config.mqtt.broker = format!("localhost:{port}"))
    }

    fn show(&mut self, expression: Emotion, seconds: u64) {
        for _ in 0..seconds {
            self.at += Duration::from_secs(1);
            let mut values = [0.05; 7];
            values[expression as usize] = 0.7;
            let face = TrackedFace {
                id: 1,
                bounding_box: BoundingBox::default(),
                probabilities: Probabilities::new(values).unwrap(),
                expression,
                expression_since: self.at,
                first_seen: self.at,
                last_seen: self.at,
            };
            let observation = Observation { captured_at: self.at, faces: vec![face], ..Observation::default() };
            self.mqtt.show(View::Watching(&observation)).unwrap();
        }
    }

    fn minutes(&mut self, minutes: u64) {
        self.show(Emotion::Happy, 60 * minutes);
    }

    /// Waits until the part `mqtt` is in this state; gives the reason.
    fn wait_until(&self, state: State) -> String {
        self.wait_for(|part_state, reason| (part_state == state).then(|| reason.to_owned()))
    }

    /// Waits until the reason has this in it.
    fn wait_for_reason(&self, text: &str) -> String {
        self.wait_for(|_, reason| reason.contains(text).then(|| reason.to_owned()))
    }

    fn wait_for(&self, mut wanted: impl FnMut(State, &str) -> Option<String>) -> String {
        let begin = Instant::now();
        loop {
            let parts = self.health.snapshot().parts;
            let part = parts.iter().find(|part| part.name == "mqtt");
            if let Some(found) = part.and_then(|part| wanted(part.state, &part.reason)) {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "still {part:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn sequences(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["sequence"].as_u64().unwrap()).collect()
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn a_broker_gets_state_minutes_events_and_what_home_assistant_needs() {
    let broker = Broker::start("");
    let gatherer = Gatherer::start(&broker, &["#"]);
    let mut device = Device::open(|config| {
        config.mqtt.broker = format!("127.0.0.1:{}", broker.port);
        config.statistics.events = true;
    });
    assert_eq!(device.wait_until(State::Ok), "");
    device.minutes(2);
    device.show(Emotion::Neutral, 1);
    let minutes = gatherer.wait("visaged/hall-2/minute", 2);
    assert_eq!(sequences(&minutes), [1, 2]);
    assert_eq!(
        (&minutes[1]["happy_s"], &minutes[1]["frames"], &minutes[1]["device"]),
        (&json!(60.0), &json!(60), &json!("Hall 2"))
    );
    let event = gatherer.wait("visaged/hall-2/event", 1).remove(0);
    assert_eq!((&event["expression"], &event["peak"]), (&json!("happy"), &json!(0.7)));
    drop(device);
    // What stays with the broker for whoever comes later: the last state, and that the device is gone.
    let later = Gatherer::start(&broker, &["#"]);
    assert_eq!(later.wait("visaged/hall-2/availability", 1), ["offline"]);
    let state = later.wait("visaged/hall-2/state", 1).remove(0);
    assert_eq!((&state["camera"], &state["faces"]), (&json!("watching"), &json!(1)));
    let discovery = later.wait("homeassistant/device/hall-2/config", 1).remove(0);
    assert_eq!(discovery["dev"]["ids"], json!(["visaged_hall-2"]));
    let kinds = ["availability", "event", "minute", "state"].map(|kind| format!("visaged/hall-2/{kind}"));
    let topics: BTreeSet<_> = kinds.into_iter().chain(["homeassistant/device/hall-2/config".to_owned()]).collect();
    assert_eq!(gatherer.topics(), topics);
    assert_eq!(gatherer.wait("visaged/hall-2/availability", 2), ["online", "offline"]);
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn the_last_minute_reaches_the_broker_although_it_is_not_over() {
    let broker = Broker::start("");
    let gatherer = Gatherer::start(&broker, &["visaged/#"]);
    let mut device = Device::at(broker.port);
    device.wait_until(State::Ok);
    device.show(Emotion::Sad, 31);
    let begin = Instant::now();
    drop(device);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let minute = gatherer.wait("visaged/hall-2/minute", 1).remove(0);
    assert!(minute["sad_s"].as_f64().unwrap() >= 30.0, "{minute}");
    assert_eq!(gatherer.wait("visaged/hall-2/availability", 2), ["online", "offline"]);
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn a_wrong_password_is_told_and_a_mended_one_is_taken_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (passwords, password) = (folder.path().join("passwords"), folder.path().join("password"));
    broker::run("mosquitto_passwd", &["-b", "-c", passwords.to_str().unwrap(), "kiosk", "correct horse"]);
    let broker = Broker::start(&format!("allow_anonymous false\npassword_file {}\n", passwords.display()));
    std::fs::write(&password, "battery staple\n").unwrap();
    let device = Device::open(|config| {
        config.mqtt.broker = format!("localhost:{}", broker.port);
        config.mqtt.user = "kiosk".into();
        config.mqtt.password_file.clone_from(&password);
    });
    let reason = device.wait_for_reason("password_file");
    assert!(reason.ends_with("the broker refuses us (are user and password_file in [mqtt] right?)"), "{reason}");
    std::fs::write(&password, "correct horse\n").unwrap();
    device.wait_until(State::Ok);
    drop(device);
    let missing = Device::open(|config| {
        config.mqtt.broker = format!("localhost:{}", broker.port);
        config.mqtt.user = "kiosk".into();
        config.mqtt.password_file = folder.path().join("none");
    });
    assert!(missing.wait_for_reason("none").contains("cannot read the password in"));
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn an_encrypted_broker_must_prove_that_it_is_the_one() {
    let ours = Authority::new("localhost");
    let broker = Broker::start_encrypted(&ours);
    let device = |name: &str, ca: &Path| {
        Device::open(|config| {
            config.mqtt =
                MqttConfig { broker: format!("{name}:{}", broker.port), tls: true, ca: ca.into(), ..MqttConfig::default() };
        })
    };
    let trusting = device("localhost", &ours.certificate());
    assert_eq!(trusting.wait_until(State::Ok), "");
    // Another authority; another name than in the certificate; the authorities of the system.
    let others = Authority::new("localhost");
    for (name, ca) in [("localhost", others.certificate()), ("127.0.0.1", ours.certificate()), ("localhost", "".into())] {
        let reason = device(name, &ca).wait_for_reason("certificate");
        assert!(reason.contains("is ca in [mqtt] the authority"), "{reason}");
    }
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn a_broker_that_speaks_no_tls_is_told_as_such() {
    let ours = Authority::new("localhost");
    let broker = Broker::start("");
    let device = Device::open(|config| {
        config.mqtt.broker = format!("localhost:{}", broker.port);
        (config.mqtt.tls, config.mqtt.ca) = (true, ours.certificate());
    });
    // mosquitto takes the first bytes for bad MQTT and hangs up.
    device.wait_for_reason("does the broker speak TLS on this port?");
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn no_minute_is_lost_when_the_broker_is_killed_and_comes_back() {
    let mut broker = Broker::start("");
    let mut device = Device::at(broker.port);
    device.wait_until(State::Ok);
    let before = Gatherer::start(&broker, &["visaged/#"]);
    device.minutes(2);
    assert_eq!(sequences(&before.wait("visaged/hall-2/minute", 2)), [1, 2]);
    broker.kill();
    device.wait_until(State::Degraded);
    device.minutes(20);
    device.wait_for_reason("minutes that wait: 20");
    let after = broker.start_again();
    let records = after.wait("visaged/hall-2/minute", 20);
    assert_eq!(sequences(&records), (3..=22).collect::<Vec<_>>());
    assert_eq!(device.wait_until(State::Ok), "");
    // 20 messages at 10 a second, and one state a second.
    let (first, last) = after.span("visaged/hall-2/minute");
    assert!(last - first >= Duration::from_millis(1800), "{:?}", last - first);
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn a_device_that_goes_without_a_word_is_told_by_its_last_will() {
    let broker = Broker::start("");
    let gatherer = Gatherer::start(&broker, &["visaged/#"]);
    let proxy = Proxy::start(broker.port);
    let device = Device::at(proxy.port);
    device.wait_until(State::Ok);
    assert_eq!(gatherer.wait("visaged/hall-2/availability", 1), ["online"]);
    proxy.cut();
    assert_eq!(gatherer.wait("visaged/hall-2/availability", 3), ["online", "offline", "online"]);
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn home_assistant_is_told_again_when_it_starts() {
    let broker = Broker::start("");
    let gatherer = Gatherer::start(&broker, &["homeassistant/device/#", "visaged/#"]);
    let device = Device::at(broker.port);
    device.wait_until(State::Ok);
    let first = gatherer.wait("homeassistant/device/hall-2/config", 1).remove(0);
    broker.publish("homeassistant/status", "online");
    let both = gatherer.wait("homeassistant/device/hall-2/config", 2);
    assert_eq!(both, [first.clone(), first]);
}

#[test]
#[ignore = "needs mosquitto: make test-network"]
fn a_broker_can_switch_nothing() {
    let broker = Broker::start("");
    let gatherer = Gatherer::start(&broker, &["visaged/#"]);
    let device = Device::at(broker.port);
    device.wait_until(State::Ok);
    gatherer.wait("visaged/hall-2/state", 1);
    for topic in ["state", "availability", "minute", "set", "command", "pause", "camera/set"] {
        broker.publish(&format!("visaged/hall-2/{topic}"), "{\"camera\": \"watching\", \"pause\": false}");
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(device.wait_until(State::Ok), "");
    assert_eq!(broker.subscriptions(), ["homeassistant/status", "visaged/#"]);
}

#[test]
fn a_minute_that_was_not_confirmed_is_sent_again_with_its_number() {
    let broker = FakeBroker::start();
    let mut device = Device::at(broker.port);
    let mut first = broker.accept();
    device.minutes(1);
    device.show(Emotion::Happy, 1);
    let lost = first.confirm_until("minute");
    // It hangs up instead of confirming.
    drop(first);
    let mut second = broker.accept();
    let again = second.confirm_until("minute");
    assert_eq!(again, lost);
    assert_eq!(again["sequence"], 1);
}

#[test]
fn a_broker_that_hangs_holds_up_neither_the_pictures_nor_the_end() {
    let broker = FakeBroker::start();
    let mut device = Device::at(broker.port);
    // It takes the connection, says hello, and never again a word.
    let _connection = broker.accept();
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    device.minutes(100);
    let shown = begin.elapsed();
    // 6,000 pictures at 15 a second are 400 s.
    assert!(shown < Duration::from_secs(2), "{shown:?}");
    let begin = Instant::now();
    drop(device);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn nonsense_from_a_broker_ends_the_connection_and_nothing_else() {
    // A confirmation of nothing, an endless length, a packet that only clients send, a reserved kind, and text.
    for nonsense in [&[0x40, 2, 0, 9][..], &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1], &[0x10, 0], &[0xF0, 0], &[b'H'; 200]] {
        let broker = FakeBroker::start();
        let mut device = Device::at(broker.port);
        let mut connection = broker.accept();
        device.wait_until(State::Ok);
        connection.write(nonsense);
        connection.read_to_end();
        device.wait_until(State::Degraded);
        device.minutes(1);
    }
}

/// The crate for MQTT reads what a broker in other hands sends. A panic there would end the program.
#[test]
fn a_hundred_thousand_mutants_of_a_brokers_words_are_read_or_refused() {
    let words: [&[u8]; 9] = [
        &[0x20, 2, 0, 0],
        &[0x90, 3, 0, 1, 0],
        &[0xB0, 2, 0, 1],
        &[0x40, 2, 0, 1],
        &[0x50, 2, 0, 1],
        &[0x62, 2, 0, 1],
        &[0x70, 2, 0, 1],
        &[0xD0, 0],
        b"\x32\x0c\x00\x04a/bc\x00\x07word",
    ];
    // Marsaglia's xorshift: the same numbers each time.
    let mut seed = 88_172_645_463_325_252_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut read = 0;
    let mut state = rumqttc::MqttState::new(100, false);
    for _ in 0..100_000 {
        let mut bytes: Vec<u8> = (0..=random(3)).flat_map(|_| words[random(words.len())]).copied().collect();
        for _ in 0..random(4) {
            let place = random(bytes.len());
            match random(3) {
                0 => bytes[place] ^= 1 << random(8),
                1 => bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][random(5)],
                _ => bytes.truncate(place.max(1)),
            }
        }
        let mut stream = bytes::BytesMut::from(&bytes[..]);
        while let Ok(packet) = rumqttc::Packet::read(&mut stream, 16 * 1024) {
            read += 1;
            // As the crate's own loop does; one of ours is on its way now and then.
            if random(4) == 0 {
                let publish = rumqttc::Publish::new("a", rumqttc::QoS::AtLeastOnce, "");
                let _ = state.handle_outgoing_packet(rumqttc::Request::Publish(publish));
            }
            if state.handle_incoming_packet(packet).is_err() {
                state = rumqttc::MqttState::new(100, false);
                break;
            }
            state.events.clear();
        }
    }
    assert!(read > 50_000, "{read}");
}

#[test]
fn a_minute_has_the_columns_of_the_export() {
    let broker = FakeBroker::start();
    let mut device = Device::at(broker.port);
    let mut connection = broker.accept();
    device.minutes(1);
    device.show(Emotion::Happy, 1);
    let minute = connection.confirm_until("minute");
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("statistics.sqlite");
    let mut config = Config::default();
    config.statistics.database.clone_from(&database);
    let mut statistics = visaged::outputs::statistics::Statistics::open(&config, &Health::default()).unwrap();
    for second in 0..3 {
        let observation = Observation { captured_at: Duration::from_secs(second), ..Observation::default() };
        statistics.show(View::Watching(&observation)).unwrap();
    }
    drop(statistics);
    let exported = super::commands::visaged(&["export", "--format", "jsonl", "--from", database.to_str().unwrap()]).unwrap();
    let exported: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&minute), &keys(&exported) | &["run".to_owned()].into());
}
