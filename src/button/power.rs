//! Asks the system to shut the device down.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `systemctl poweroff`, which asks the login manager over the system bus. The service's own user may do that only if a polkit rule says so
/// (docs/lights.md has one); no capability and no right to become somebody else is needed, so it works inside the unit's sandbox.
///
/// # Errors
/// If it is refused or there is no systemd; the message says what helps.
pub(super) fn off() -> Result<()> {
    let command = ["systemctl", "--no-ask-password", "poweroff"];
    let output = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).output();
    let output = output.context("cannot run systemctl")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}: {} (a polkit rule must allow it, see docs/lights.md)",
            command.join(" "),
            words.lines().next().unwrap_or("refused without a reason")
        );
    }
    Ok(())
}
