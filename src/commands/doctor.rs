//! `visaged doctor`: looks at everything the service needs, and says what to mend.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::{board, doctor_displays, stages};
use crate::camera::devices;
use crate::camera::rpicam;
use crate::config::{Config, DetectorConfig, DetectorKind, LedDriver, SourceKind, StripKind};
use crate::gpio::Chip;
use crate::outputs::leds::strip;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object a finding.
    #[arg(long)]
    json: bool,
    /// Print a report to pass on: first the machine, without anything that identifies it, then the findings.
    #[arg(long, conflicts_with = "json")]
    report: bool,
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Good,
    /// Not used, or not here: nothing that must be mended.
    Note,
    /// The service runs without it, but probably not as wanted.
    Warning,
    /// The service does not start.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    part: &'static str,
    state: State,
    /// What was found and, if something is wrong, what helps.
    message: String,
}

/// Looks at every part; the error is that of the first part without which the service does not start.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    if args.report {
        board::describe("what is here", out)?;
    }
    let mut report = Report { json: args.json, indent: if args.report { "    " } else { "" }, out };
    if let Ok(board) = std::fs::read_to_string("/proc/device-tree/model") {
        report.add("board", State::Note, board.trim_end_matches('\0').to_owned())?;
    }
    let config = match stages::load_config(args.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            report.add("configuration", State::Error, format!("{error:#}"))?;
            return Err(error);
        }
    };
    let file = args.config.as_deref().or(Path::new(stages::DEFAULT_CONFIG).exists().then_some(Path::new(stages::DEFAULT_CONFIG)));
    let message = file.map_or("no file: the built-in defaults".into(), |file| {
        format!("{}: every key known, every value in its range", file.display())
    });
    report.add("configuration", State::Good, message)?;

    let detector = stages::open_detector(&config.detector).map(|_| match (config.detector.kind, &config.detector) {
        (DetectorKind::Haar, DetectorConfig { cascade, .. }) => format!("haar: {}", cascade.display()),
        (_, DetectorConfig { model, .. }) if model.as_os_str().is_empty() => "built in".into(),
        (_, DetectorConfig { model, .. }) => model.display().to_string(),
    });
    let network = stages::open_classifier(&config.classifier).map(|_| {
        if config.classifier.model.as_os_str().is_empty() {
            format!("built in, {:?}", config.classifier.size).to_lowercase()
        } else {
            config.classifier.model.display().to_string()
        }
    });
    let mut fatal = None;
    for (part, result) in [("detector", detector), ("network", network)] {
        match result {
            Ok(message) => report.add(part, State::Good, message)?,
            Err(error) => {
                report.add(part, State::Error, format!("{error:#}"))?;
                fatal.get_or_insert(error);
            }
        }
    }
    look_at_cameras(&config, &mut report)?;
    doctor_displays::look(&config, &mut report)?;
    look_at_lines(&config, &mut report)?;
    fatal.map_or(Ok(()), Err)
}

fn look_at_cameras(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let candidates = devices::candidates();
    let usable = candidates.iter().any(|candidate| candidate.verdict.is_usable());
    for candidate in &candidates {
        let state = if candidate.verdict.is_usable() { State::Good } else { State::Note };
        report.add("camera", state, candidate.to_string())?;
    }
    if candidates.is_empty() {
        report.add("camera", State::Note, "no /dev/video*: no USB camera is plugged in".into())?;
    }
    let program = rpicam::program();
    match &program {
        Some(program) => report.add("camera", State::Good, format!("CSI cameras: {} is installed", program.display()))?,
        None => report.add(
            "camera",
            State::Note,
            "CSI cameras: no rpicam-vid here (Raspberry Pi OS: sudo apt install rpicam-apps)".into(),
        )?,
    }
    let wanted_and_missing = match config.camera.source {
        SourceKind::Auto => !usable && program.is_none(),
        SourceKind::V4l2 if config.camera.device.as_os_str().is_empty() => !usable,
        SourceKind::V4l2 => !config.camera.device.exists(),
        SourceKind::Rpicam => program.is_none(),
        SourceKind::Replay | SourceKind::Puppet => false,
    };
    if wanted_and_missing {
        let message =
            "no camera that the configuration asks for can be used: plug one in, or try `visaged demo puppet`, which needs none";
        report.add("camera", State::Warning, message.into())?;
    }
    Ok(())
}

fn look_at_lines(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    let Config { leds, buzzer, button, privacy_switch, .. } = config;
    let rppal = leds.driver == LedDriver::Rppal;
    if rppal {
        match File::open("/dev/gpiomem") {
            Ok(_) => report.add("leds", State::Good, "/dev/gpiomem".into())?,
            Err(error) => {
                report.add("leds", State::Warning, format!("/dev/gpiomem: {error}{}", permission_hint(&error, "gpio")))?;
            }
        }
    }
    let lights = leds.driver == LedDriver::Gpiochip || leds.rgb.wired().is_some() || leds.privacy_line.is_some();
    let mut nothing = !rppal;
    for (part, chip, used) in [
        ("leds", &leds.chip, lights),
        ("buzzer", &buzzer.chip, buzzer.line.is_some()),
        ("button", &button.chip, button.line.is_some()),
        ("privacy switch", &privacy_switch.chip, privacy_switch.line.is_some()),
    ] {
        if used {
            nothing = false;
            match Chip::open(chip) {
                Ok(chip) => report.add(part, State::Good, chip.path().display().to_string())?,
                Err(error) => report.add(part, State::Warning, format!("{error:#}"))?,
            }
        }
    }
    if leds.strip.kind != StripKind::None {
        nothing = false;
        match OpenOptions::new().read(true).write(true).open(&leds.strip.device) {
            Ok(_) => report.add("strip", State::Good, leds.strip.device.display().to_string())?,
            Err(error) => report.add("strip", State::Warning, strip::cannot_open(&leds.strip.device, &error).to_string())?,
        }
    }
    if nothing {
        report.add("leds", State::Note, "none in the configuration (`visaged lights-test` says how)".into())?;
    }
    Ok(())
}

fn permission_hint(error: &io::Error, group: &str) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        format!(" (sudo usermod -aG {group} $USER, then log in again)")
    } else {
        String::new()
    }
}

/// Where findings go.
pub(super) struct Report<'a> {
    json: bool,
    /// Before each line of text; in Markdown it makes the lines stay as they are.
    indent: &'static str,
    out: &'a mut dyn Write,
}

impl Report<'_> {
    pub(super) fn add(&mut self, part: &'static str, state: State, message: String) -> io::Result<()> {
        let finding = Finding { part, state, message };
        if self.json {
            writeln!(self.out, "{}", serde_json::to_string(&finding)?)
        } else {
            let mark = match state {
                State::Good => "good   ",
                State::Note => "       ",
                State::Warning => "WARNING",
                State::Error => "ERROR  ",
            };
            writeln!(self.out, "{}{mark} {part:14} {}", self.indent, finding.message)
        }
    }
}
