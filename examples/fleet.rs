//! Many devices on one broker: does every record arrive, and what does it cost?
//!
//! ```text
//! mosquitto -p 1883 &
//! cargo run --example fleet -- 200 60 localhost:1883 $!     devices, minutes, broker, its process
//! ```
//!
//! Each device is the real MQTT output, with a made-up face in front of it and a clock that makes a minute of half a second. A subscriber keeps a list of
//! what came, by device and number.

#![allow(clippy::disallowed_methods, reason = "threads that are no part of the service")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use visaged::classifier::{Emotion, Probabilities};
use visaged::config::Config;
use visaged::frame::{BoundingBox, monotonic_now};
use visaged::health::Health;
use visaged::outputs::mqtt::Mqtt;
use visaged::outputs::{Output, View};
use visaged::tracker::{Observation, TrackedFace};

const PREFIX: &str = "fleet";

/// A minute takes so long.
const MINUTE: Duration = Duration::from_millis(500);

/// What the subscriber has seen.
#[derive(Default)]
struct Seen {
    /// How often each number came, by device.
    records: BTreeMap<String, BTreeMap<u64, u64>>,
    record_bytes: u64,
    messages: u64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let devices: usize = arguments.next().map_or(Ok(200), |text| text.parse()).context("how many devices?")?;
    let minutes: u64 = arguments.next().map_or(Ok(60), |text| text.parse()).context("how many minutes?")?;
    let broker = arguments.next().unwrap_or_else(|| "localhost:1883".into());
    let process = arguments.next();

    let seen = Arc::<Mutex<Seen>>::default();
    subscribe(&broker, &seen)?;
    let before = memory();
    let mut fleet = (0..devices).map(|number| open(&broker, number)).collect::<Result<Vec<_>>>()?;
    fleet.iter_mut().try_for_each(|device| device.show(View::Starting))?;
    std::thread::sleep(Duration::from_secs(5));
    println!("memory: {} KiB for each device, with its thread", (memory() - before) / devices as u64);

    let (begin, cpu, sent_before) =
        (Instant::now(), process.as_deref().map(cpu_seconds), seen.lock().expect("no panic").messages);
    let start = monotonic_now();
    for second in 0..=60 * minutes {
        let observation = observation(start + Duration::from_secs(second));
        fleet.iter_mut().try_for_each(|device| device.show(View::Watching(&observation)))?;
        std::thread::sleep((begin + MINUTE * second as u32 / 60).saturating_duration_since(Instant::now()));
    }
    let expected = devices as u64 * minutes;
    while begin.elapsed() < MINUTE * minutes as u32 + Duration::from_secs(30) && arrived(&seen) < expected {
        std::thread::sleep(Duration::from_millis(50));
    }
    let taken = begin.elapsed().as_secs_f64();
    let seen = seen.lock().expect("no panic");
    let came: u64 = seen.records.values().flat_map(BTreeMap::values).sum();
    let different: u64 = seen.records.values().map(|numbers| numbers.len() as u64).sum();
    println!(
        "{devices} devices, {minutes} minutes each, in {taken:.1} s: {:.0} messages/s",
        (seen.messages - sent_before) as f64 / taken
    );
    println!("minute records: {expected} expected, {} lost, {} twice", expected - different, came - different);
    println!("bytes of a record: {} (payload and topic)", seen.record_bytes / came.max(1));
    if let (Some(process), Some(cpu)) = (&process, cpu) {
        println!("broker: {:.1} % of a processor", 100.0 * (cpu_seconds(process) - cpu) / taken);
    }
    ensure!(different == expected, "something was lost");
    Ok(())
}

fn open(broker: &str, number: usize) -> Result<Mqtt> {
    let mut config = Config::default();
    config.mqtt.broker = broker.into();
    config.mqtt.prefix = PREFIX.into();
    config.mqtt.discovery = String::new();
    config.device.id = format!("device-{number:05}");
    config.device.name.clone_from(&config.device.id);
    Mqtt::open(&config, &Health::default())
}

fn observation(captured_at: Duration) -> Observation {
    // Another confidence each second, so that there is always something to say.
    let confidence = 0.5 + (captured_at.as_secs() % 40) as f32 / 100.0;
    let mut values = [(1.0 - confidence) / 6.0; 7];
    values[Emotion::Happy as usize] = confidence;
    let face = TrackedFace {
        id: 1,
        bounding_box: BoundingBox::default(),
        probabilities: Probabilities::new(values).expect("they sum up to 1"),
        expression: Emotion::Happy,
        expression_since: captured_at,
        first_seen: captured_at,
        last_seen: captured_at,
    };
    Observation { captured_at, faces: vec![face], ..Observation::default() }
}

/// Listens in a thread of its own, from now on.
fn subscribe(broker: &str, seen: &Arc<Mutex<Seen>>) -> Result<()> {
    let (host, port) = broker.split_once(':').context("a broker is HOST:PORT")?;
    let (client, mut connection) = Client::new(MqttOptions::new("fleet-gatherer", host, port.parse()?), 10);
    client.subscribe(format!("{PREFIX}/#"), QoS::AtLeastOnce)?;
    let seen = Arc::clone(seen);
    std::thread::spawn(move || {
        for event in connection.iter() {
            let Event::Incoming(Packet::Publish(message)) = event.expect("the broker stays") else { continue };
            let mut seen = seen.lock().expect("no panic");
            seen.messages += 1;
            if message.topic.ends_with("/minute") {
                let record: Value = serde_json::from_slice(&message.payload).expect("a record is JSON");
                let (device, number) =
                    (record["device_id"].as_str().expect("an id"), record["sequence"].as_u64().expect("a number"));
                *seen.records.entry(device.into()).or_default().entry(number).or_default() += 1;
                seen.record_bytes += (message.payload.len() + message.topic.len()) as u64;
            }
        }
        drop(client);
    });
    Ok(())
}

fn arrived(seen: &Mutex<Seen>) -> u64 {
    seen.lock().expect("no panic").records.values().map(|numbers| numbers.len() as u64).sum()
}

/// What the kernel counts as resident of this process, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// What a process has used of processors, in seconds of the kernel's hundredths.
fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may have spaces; the 14th and 15th fields are user and system time.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().unwrap_or_default()).sum::<f64>() / 100.0
}
