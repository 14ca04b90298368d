//! Which device this is among several: a name for people, an id for programs.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::config::DeviceConfig;

/// Mixed into the machine's id: what other programs make of that id by hashing it is something else.
const SALT: &[u8] = b"visaged";

/// Its id: the configured one, else 12 hexadecimal digits that the machine's id gives, which itself stays here, as systemd asks for (`man machine-id`).
/// Two of 10,000 devices would be the same once in five million fleets. A copied card has the same id, unless it is given a new one.
pub fn id(config: &DeviceConfig) -> String {
    if !config.id.is_empty() {
        return config.id.clone();
    }
    let read = |path| std::fs::read_to_string(Path::new(path)).ok().filter(|id| !id.trim().is_empty());
    let machine = read("/etc/machine-id").or_else(|| read("/var/lib/dbus/machine-id"));
    machine.map_or_else(|| "visaged".into(), |machine| hashed(machine.trim()))
}

fn hashed(machine: &str) -> String {
    let hash = Sha256::new().chain_update(SALT).chain_update(machine).finalize();
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_a_hash_of_the_machines_and_stays_the_same() {
        // `printf visaged0123456789abcdef0123456789abcdef | sha256sum | head -c 12`
        assert_eq!(hashed("0123456789abcdef0123456789abcdef"), "9b4cf08771f3");
    }

    #[test]
    fn a_configured_id_is_taken_as_it_is() {
        assert_eq!(id(&DeviceConfig { id: "hall-2".into(), ..DeviceConfig::default() }), "hall-2");
    }
}
