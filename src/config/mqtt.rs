//! `[mqtt]`: the broker that gets what is seen, and what is needed to reach it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{OutOfRange, in_range};

/// `[mqtt]`: numbers for a broker on the network. `docs/home-assistant.md` and `docs/fleet.md` show what for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttConfig {
    /// The broker, `host` or `host:port`; empty: none, and nothing leaves the device.
    pub broker: String,
    /// Whether the connection is encrypted, and the broker has to prove who it is.
    pub tls: bool,
    /// With `tls`: a PEM file with the authority that signed the broker's certificate; empty: those that the system trusts.
    pub ca: PathBuf,
    /// The broker's name for this device; empty: none is asked for.
    pub user: String,
    /// A file with the password in its first line, so that this one can be read by everybody.
    pub password_file: PathBuf,
    /// The first part of every topic.
    pub prefix: String,
    /// Seconds between two states at least.
    pub state_every_s: u32,
    /// Home Assistant's discovery prefix; empty: it is told nothing.
    pub discovery: String,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            broker: String::new(),
            tls: false,
            ca: PathBuf::new(),
            user: String::new(),
            password_file: PathBuf::new(),
            prefix: "visaged".into(),
            state_every_s: 1,
            discovery: "homeassistant".into(),
        }
    }
}

impl MqttConfig {
    /// Host and port; none without a broker.
    pub fn address(&self) -> Option<(&str, u16)> {
        let usual = if self.tls { 8883 } else { 1883 };
        // An IPv6 address has colons of its own, so it stands in brackets.
        let (host, port) = match self.broker.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, usual),
            Some((host, port)) => (host, port.strip_prefix(':')?.parse().ok()?),
            None => match self.broker.split_once(':') {
                Some((host, port)) => (host, port.parse().ok()?),
                None => (self.broker.as_str(), usual),
            },
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:%".contains(c);
        (!host.is_empty() && host.chars().all(is_host) && port != 0).then_some((host, port))
    }

    pub(super) fn check_ranges(&self) -> Result<(), OutOfRange> {
        let wrong = |key, rule: &str| Err(OutOfRange { table: "mqtt", key, rule: rule.into() });
        if !cfg!(feature = "mqtt") && !self.broker.is_empty() {
            return wrong("broker", "\"\": this program was built without MQTT");
        }
        if !self.broker.is_empty() && self.address().is_none() {
            return wrong("broker", "a host such as \"broker.lan\", \"192.168.1.5:1883\" or \"[fd00::5]:1883\", or \"\"");
        }
        if !self.ca.as_os_str().is_empty() && !self.tls {
            return wrong("ca", "\"\" without tls = true");
        }
        if !self.password_file.as_os_str().is_empty() && self.user.is_empty() {
            return wrong("password_file", "\"\" without a user");
        }
        if !is_topic(&self.prefix) {
            return wrong("prefix", TOPIC);
        }
        in_range("mqtt", "state_every_s", self.state_every_s, 1, 3600)?;
        if !self.discovery.is_empty() && !is_topic(&self.discovery) {
            return wrong("discovery", &format!("{TOPIC}, or \"\""));
        }
        Ok(())
    }
}

const TOPIC: &str =
    "the beginning of a topic, such as \"visaged\" or \"house/visaged\", without +, # and spaces, 64 letters at most";

fn is_topic(text: &str) -> bool {
    let is_level =
        |level: &str| !level.is_empty() && !level.chars().any(|c| "+#$".contains(c) || c.is_whitespace() || c.is_control());
    text.chars().count() <= 64 && text.split('/').all(is_level)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    fn message(text: &str) -> String {
        Config::parse(&format!("[mqtt]\n{text}\n"), Path::new("visaged.toml")).unwrap_err().to_string()
    }

    fn address(broker: &str, tls: bool) -> Option<(String, u16)> {
        let config = MqttConfig { broker: broker.into(), tls, ..MqttConfig::default() };
        config.address().map(|(host, port)| (host.to_owned(), port))
    }

    #[test]
    fn a_broker_is_a_host_with_a_port_or_the_usual_one() {
        // The ports that IANA lists as mqtt and secure-mqtt.
        assert_eq!(address("broker.lan", false), Some(("broker.lan".into(), 1883)));
        assert_eq!(address("broker.lan", true), Some(("broker.lan".into(), 8883)));
        assert_eq!(address("192.168.1.5:1884", true), Some(("192.168.1.5".into(), 1884)));
        assert_eq!(address("[fd00::5]", false), Some(("fd00::5".into(), 1883)));
        assert_eq!(address("[fd00::5]:1", false), Some(("fd00::5".into(), 1)));
        for bad in [
            "",
            ":1883",
            "broker:",
            "broker:mqtt",
            "broker:0",
            "broker:65536",
            "fd00::5",
            "[fd00::5",
            "mqtt://broker",
            "a b",
            "a/b",
        ] {
            assert_eq!(address(bad, false), None, "{bad}");
        }
    }

    #[test]
    fn what_no_broker_can_be_asked_for_is_refused() {
        assert_eq!(
            message("broker = \"mqtt://broker.lan\""),
            "visaged.toml:2: broker in [mqtt] must be a host such as \"broker.lan\", \"192.168.1.5:1883\" or \"[fd00::5]:1883\", or \"\""
        );
        assert_eq!(
            message("broker = \"b\"\nca = \"/etc/ca.pem\""),
            "visaged.toml:3: ca in [mqtt] must be \"\" without tls = true"
        );
        assert_eq!(
            message("broker = \"b\"\npassword_file = \"/etc/password\""),
            "visaged.toml:3: password_file in [mqtt] must be \"\" without a user"
        );
        for bad in ["", "/visaged", "visaged/", "a//b", "a/+", "#", "$SYS", "my visaged"] {
            let message = message(&format!("prefix = \"{bad}\""));
            assert!(message.starts_with("visaged.toml:2: prefix in [mqtt] must be the beginning of a topic"), "{bad}: {message}");
        }
        assert!(message("discovery = \"home assistant\"").ends_with(", or \"\""));
    }
}
