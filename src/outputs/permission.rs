//! What helps a user who may not open a device: the group that owns it.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What to add to the message of a device that may not be opened: ` (it belongs to group "spi": …)`.
pub fn group_hint(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else { return String::new() };
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let user = rustix::process::geteuid().as_raw();
    hint(metadata.gid(), &name_of(user, &read("/etc/passwd")), &name_of(metadata.gid(), &read("/etc/group")))
}

fn hint(group_id: u32, user: &str, group: &str) -> String {
    if group_id == 0 {
        return " (it belongs to root alone)".into();
    }
    format!(" (it belongs to group \"{group}\": `sudo usermod -aG {group} {user}`, then log in again)")
}

/// The name in a file like `/etc/passwd` or `/etc/group` whose third field is `id`; the number if there is none.
fn name_of(id: u32, file: &str) -> String {
    let number = id.to_string();
    let line = file.lines().find(|line| line.split(':').nth(2) == Some(&number));
    line.and_then(|line| line.split(':').next()).map_or(number.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owning_group_is_named_with_the_command_that_helps() {
        let groups = "root:x:0:\nvideo:x:44:pi\nspi:x:989:pi\n";
        let users = "root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000:,,,:/home/pi:/bin/bash\n";
        assert_eq!(
            hint(989, &name_of(1000, users), &name_of(989, groups)),
            " (it belongs to group \"spi\": `sudo usermod -aG spi pi`, then log in again)"
        );
        assert_eq!(name_of(990, groups), "990");
        assert_eq!(hint(0, "pi", "root"), " (it belongs to root alone)");
    }
}
