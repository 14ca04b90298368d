//! What Home Assistant is told, so that the device appears by itself: one message with all its entities.
//!
//! Names and values are those of the documentation of Home Assistant's MQTT integration, "device discovery", in its 2024.11 and later.

use serde_json::{Map, Value, json};

use super::payload::{Sender, Topics};
use crate::classifier::Emotion;

/// Where the message goes.
pub(super) fn topic(prefix: &str, id: &str) -> String {
    format!("{prefix}/device/{id}/config")
}

/// Where Home Assistant says that it has started, by the payload `online`.
pub(super) fn status_topic(prefix: &str) -> String {
    format!("{prefix}/status")
}

/// The message.
pub(super) fn payload(sender: &Sender, topics: &Topics, model: Option<&str>, has_temperature: bool) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let mut device = json!({"ids": [format!("visaged_{}", sender.id)], "name": sender.name, "mf": "visaged", "sw": version});
    if let Some(model) = model {
        device["mdl"] = model.into();
    }
    let message = json!({
        "dev": device,
        "o": {"name": "visaged", "sw": version},
        "avty_t": topics.availability,
        "stat_t": topics.state,
        "cmps": entities(&sender.id, has_temperature),
    });
    message.to_string().into_bytes()
}

/// Every entity by its key in the message, which is also the end of its unique id.
fn entities(id: &str, has_temperature: bool) -> Map<String, Value> {
    let mut options: Vec<&str> = Emotion::ALL.map(Emotion::name).into();
    options.push("nobody");
    let mut entities = vec![
        (
            "expression".to_owned(),
            json!({
                "p": "sensor", "name": "Expression", "device_class": "enum", "options": options, "icon": "mdi:emoticon-outline",
                "value_template": "{{ value_json.expression or 'nobody' }}",
            }),
        ),
        (
            "confidence".to_owned(),
            json!({
                "p": "sensor", "name": "Confidence", "unit_of_measurement": "%", "state_class": "measurement", "icon": "mdi:percent-outline",
                // What is null becomes None, which Home Assistant shows as unknown.
                "value_template": "{{ (100 * value_json.confidence) | round | int if value_json.confidence is not none else none }}",
            }),
        ),
        (
            "faces".to_owned(),
            json!({
                "p": "sensor", "name": "Faces", "state_class": "measurement", "icon": "mdi:account-group-outline",
                "value_template": "{{ value_json.faces }}",
            }),
        ),
        (
            "camera".to_owned(),
            json!({
                "p": "binary_sensor", "name": "Camera", "device_class": "problem",
                "value_template": "{{ 'ON' if value_json.camera in ['camera_lost', 'covered'] else 'OFF' }}",
            }),
        ),
        (
            "paused".to_owned(),
            json!({
                "p": "binary_sensor", "name": "Paused", "icon": "mdi:pause-circle-outline",
                "value_template": "{{ 'ON' if value_json.camera == 'paused' else 'OFF' }}",
            }),
        ),
        (
            "frame_rate".to_owned(),
            json!({
                "p": "sensor", "name": "Frame rate", "unit_of_measurement": "fps", "state_class": "measurement", "icon": "mdi:filmstrip",
                "entity_category": "diagnostic", "value_template": "{{ value_json.frames_per_second }}",
            }),
        ),
    ];
    if has_temperature {
        entities.push((
            "temperature".to_owned(),
            json!({
                "p": "sensor", "name": "Temperature", "device_class": "temperature", "unit_of_measurement": "°C", "state_class": "measurement",
                "entity_category": "diagnostic", "value_template": "{{ value_json.temperature_c }}",
            }),
        ));
    }
    for emotion in Emotion::ALL {
        entities.push((
            format!("{emotion}_time"),
            json!({
                // Home Assistant makes hours and days of what only grows, and copes with a start at nought.
                "p": "sensor", "name": format!("Time {emotion}"), "device_class": "duration", "unit_of_measurement": "s",
                "state_class": "total_increasing", "value_template": format!("{{{{ value_json.seconds.{emotion} }}}}"),
            }),
        ));
    }
    let with_id = |(key, mut entity): (String, Value)| {
        entity["unique_id"] = format!("visaged_{id}_{key}").into();
        (key, entity)
    };
    entities.into_iter().map(with_id).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn message() -> Value {
        let sender = Sender::new("hall 2".into(), "a1b2c3".into());
        serde_json::from_slice(&payload(&sender, &Topics::new("visaged", "a1b2c3"), Some("Raspberry Pi 5"), true)).unwrap()
    }

    fn keys(value: &Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// Home Assistant's schema (`components/mqtt/schemas.py` and `abbreviations.py`): a key that it does not know makes it refuse the message.
    #[test]
    fn the_message_has_what_home_assistant_asks_for_and_nothing_that_it_does_not_know() {
        let message = message();
        assert_eq!(keys(&message), ["avty_t", "cmps", "dev", "o", "stat_t"].into());
        assert_eq!(keys(&message["dev"]), ["ids", "mdl", "mf", "name", "sw"].into());
        assert_eq!(keys(&message["o"]), ["name", "sw"].into());
        assert_eq!(
            (&message["avty_t"], &message["stat_t"]),
            (&json!("visaged/a1b2c3/availability"), &json!("visaged/a1b2c3/state"))
        );
        let common: BTreeSet<_> = ["p", "name", "unique_id", "device_class", "icon", "entity_category", "value_template"].into();
        let of_sensors: BTreeSet<_> = ["options", "state_class", "unit_of_measurement"].into();
        let mut ids = BTreeSet::new();
        for (key, entity) in message["cmps"].as_object().unwrap() {
            let platform = entity["p"].as_str().unwrap();
            let known = if platform == "sensor" { &common | &of_sensors } else { common.clone() };
            assert!(["sensor", "binary_sensor"].contains(&platform), "{key}");
            assert!(keys(entity).is_subset(&known), "{key}: {entity}");
            assert!(entity["unique_id"].as_str().unwrap().ends_with(key.as_str()));
            assert!(ids.insert(entity["unique_id"].as_str().unwrap()), "{key}: its id is not the only one");
            // An enumeration has no unit and no state class, what is measured over time has both a class and a unit.
            match entity["device_class"].as_str() {
                Some("enum") => assert!(
                    entity["options"].is_array() && entity["unit_of_measurement"].is_null() && entity["state_class"].is_null()
                ),
                Some("duration") => assert_eq!(
                    (&entity["unit_of_measurement"], &entity["state_class"]),
                    (&json!("s"), &json!("total_increasing"))
                ),
                Some("temperature") => assert_eq!(entity["unit_of_measurement"], "°C"),
                Some("problem") => assert_eq!(platform, "binary_sensor"),
                other => assert_eq!(other, None, "{key}"),
            }
        }
        assert_eq!(ids.len(), 14);
    }

    #[test]
    fn every_template_reads_what_the_state_has() {
        let (message, state) = (message(), super::super::payload::tests::happy());
        for (key, entity) in message["cmps"].as_object().unwrap() {
            let template = entity["value_template"].as_str().unwrap();
            let path = template.split("value_json.").nth(1).unwrap();
            let path = path.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').next().unwrap();
            let pointer = format!("/{}", path.replace('.', "/"));
            assert!(state.pointer(&pointer).is_some(), "{key}: the state has no {path}");
        }
        let options = message["cmps"]["expression"]["options"].as_array().unwrap();
        assert!(options.contains(&state["expression"]) && options.contains(&json!("nobody")));
    }

    #[test]
    fn the_topics_are_those_that_home_assistant_listens_to() {
        assert_eq!(topic("homeassistant", "a1b2c3"), "homeassistant/device/a1b2c3/config");
        assert_eq!(status_topic("homeassistant"), "homeassistant/status");
    }
}
