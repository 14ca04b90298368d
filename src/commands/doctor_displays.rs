//! What `visaged doctor` finds of displays: connectors, framebuffers, and the buses that panels hang on.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::doctor::{Report, State};
use crate::config::{Config, PanelController};
use crate::outputs::display::drm;
use crate::outputs::permission::group_hint;

/// Looks at everything that a display may hang on; what the configuration names and what is not there is a warning.
pub(super) fn look(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let display = &config.display;
    let cards = drm::cards();
    for (connector, status) in connectors(Path::new("/sys/class/drm")) {
        let state = if status == "connected" { State::Good } else { State::Note };
        report.add("screen", state, format!("{connector}: {status}"))?;
    }
    look_at("screen", &cards, &wanted(&display.drm), "no /dev/dri/card*: no screen through DRM", report)?;
    let framebuffers = devices(Path::new("/dev"), "fb");
    look_at("framebuffer", &framebuffers, &wanted(&display.framebuffer), "no /dev/fb*: no framebuffer", report)?;

    let panel = &display.panel;
    let (mut spi, mut i2c) = (None, None);
    if panel.controller != PanelController::None {
        *(if panel.is_on_i2c() { &mut i2c } else { &mut spi }) = Some(panel.bus().to_owned());
    }
    let none = "no SPI device (panels on SPI: `sudo raspi-config nonint do_spi 0`)";
    look_at("spi", &devices(Path::new("/dev"), "spidev"), &spi, none, report)?;
    let none = "no I²C bus (panels on I²C: `sudo raspi-config nonint do_i2c 0`)";
    look_at("i2c", &devices(Path::new("/dev"), "i2c-"), &i2c, none, report)
}

/// A configured device, unless it is none or to be found.
fn wanted(path: &Path) -> Option<PathBuf> {
    (!path.as_os_str().is_empty() && path != Path::new("auto")).then(|| path.to_owned())
}

/// Tries to open each device, and the wanted one even if it is not in the list.
fn look_at(
    part: &'static str,
    devices: &[PathBuf],
    wanted: &Option<PathBuf>,
    none: &str,
    report: &mut Report<'_>,
) -> io::Result<()> {
    if devices.is_empty() && wanted.is_none() {
        return report.add(part, State::Note, none.into());
    }
    let missing = wanted.iter().filter(|wanted| !devices.contains(wanted));
    for device in devices.iter().chain(missing) {
        match OpenOptions::new().read(true).write(true).open(device) {
            Ok(_) => report.add(part, State::Good, device.display().to_string())?,
            Err(error) => {
                let state = if wanted.as_ref() == Some(device) { State::Warning } else { State::Note };
                let hint = match error.kind() {
                    io::ErrorKind::PermissionDenied => group_hint(device),
                    _ => String::new(),
                };
                report.add(part, state, format!("{}: {error}{hint}", device.display()))?;
            }
        }
    }
    Ok(())
}

/// Everything in `folder` whose name begins so and ends in a number, in order.
fn devices(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut devices: Vec<_> = entries.map(|entry| entry.path()).filter(is_one).collect();
    devices.sort();
    devices
}

/// The connectors of all cards with what the kernel says of them: `card1-HDMI-A-1`, `connected`.
fn connectors(sys: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(sys).into_iter().flatten().flatten();
    let mut connectors: Vec<_> = entries
        .filter_map(|entry| {
            let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), status.trim().to_owned()))
        })
        .collect();
    connectors.sort();
    connectors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectors_and_devices_are_listed_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, status: &str| {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("status"), status).unwrap();
        };
        make("card1-HDMI-A-2", "disconnected\n");
        make("card1-HDMI-A-1", "connected\n");
        std::fs::create_dir(folder.path().join("card1")).unwrap();
        let expected = [("card1-HDMI-A-1", "connected"), ("card1-HDMI-A-2", "disconnected")];
        assert_eq!(connectors(folder.path()), expected.map(|(name, status)| (name.to_owned(), status.to_owned())));

        for name in ["spidev0.1", "spidev0.0", "spidevices", "i2c-1"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(devices(folder.path(), "spidev"), ["spidev0.0", "spidev0.1"].map(|name| folder.path().join(name)));
        assert!(connectors(Path::new("/nonexistent")).is_empty());
    }
}
