//! The configuration: one TOML file, one table per stage. This is the only place of defaults; `systemd/visaged.toml` repeats them for people, and a
//! test compares the two.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

use crate::classifier::Emotion;
use crate::gpio::{self, Line};
use crate::outputs::display::moment::NightHours;
use crate::outputs::display::words::Language;

mod buzzer;
mod deployment;
mod mqtt;
mod panel;
mod refusal;
mod web;

pub use buzzer::BuzzerConfig;
pub use deployment::{DeploymentConfig, Setting};
pub use mqtt::MqttConfig;
pub use panel::{PanelConfig, PanelController};
pub use web::WebConfig;

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    pub camera: CameraConfig,
    pub detector: DetectorConfig,
    pub classifier: ClassifierConfig,
    pub tracker: TrackerConfig,
    pub display: DisplayConfig,
    pub leds: LedsConfig,
    pub buzzer: BuzzerConfig,
    pub button: ButtonConfig,
    pub privacy_switch: PrivacySwitchConfig,
    pub statistics: StatisticsConfig,
    pub mqtt: MqttConfig,
    pub web: WebConfig,
    pub device: DeviceConfig,
    pub deployment: DeploymentConfig,
}

/// `[camera]`: where pictures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraConfig {
    /// Which kind of source.
    pub source: SourceKind,
    /// For `v4l2`: the device, best a name under `/dev/v4l/by-id` or `by-path`; empty: the first usable camera.
    pub device: PathBuf,
    /// Wanted width in pixels; the nearest that the camera offers is used.
    pub width: u32,
    /// Wanted height in pixels.
    pub height: u32,
    /// Wanted rate; for a replayed folder, its rate.
    pub frames_per_second: u32,
    /// For `v4l2`: which pixel format.
    pub pixel_format: PixelFormat,
    /// A camera that gives the same picture for so many seconds is frozen, and opened again; 0: never, for a video device that is fed with a still picture.
    pub frozen_after_s: f64,
    /// For `replay`: a folder of pictures, one picture, a text file (`.txt`) with one picture path a line, a `.y4m` file, or `-` for y4m from standard input.
    pub replay: PathBuf,
    /// For `replay`: begin again at the end.
    pub replay_loop: bool,
    /// For `replay`: every frame at its time (a slow reader then misses frames), or as fast as it is looked at.
    pub replay_speed: ReplaySpeed,
}

/// The kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum SourceKind {
    /// A USB camera if there is one, else a CSI camera through `rpicam-vid`.
    Auto,
    V4l2,
    Rpicam,
    Replay,
    Puppet,
}

impl SourceKind {
    /// Whether it looks at people: a recording and a drawn face do not.
    pub const fn is_camera(self) -> bool {
        matches!(self, Self::Auto | Self::V4l2 | Self::Rpicam)
    }
}

/// The pixel formats that [`crate::camera::luma`] reads, by their V4L2 FourCC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum PixelFormat {
    /// The cheapest that the camera offers at the wanted size: raw before compressed.
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "GREY")]
    Grey,
    #[serde(rename = "YUYV")]
    Yuyv,
    #[serde(rename = "UYVY")]
    Uyvy,
    #[serde(rename = "NV12")]
    Nv12,
    #[serde(rename = "YU12")]
    Yu12,
    #[serde(rename = "MJPG")]
    Mjpg,
}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ReplaySpeed {
    Recorded,
    Full,
}

impl CameraConfig {
    /// [`frozen_after_s`](Self::frozen_after_s) as a duration; none for never, and for what is no camera: a recording and a drawn face may hold still.
    pub fn frozen_after(&self) -> Option<Duration> {
        (self.source.is_camera() && self.frozen_after_s > 0.0).then(|| Duration::from_secs_f64(self.frozen_after_s))
    }
}

impl Default for CameraConfig {
    fn default() -> Self {
        Self {
            source: SourceKind::Auto,
            device: PathBuf::new(),
            width: 640,
            height: 480,
            frames_per_second: 15,
            pixel_format: PixelFormat::Auto,
            frozen_after_s: 10.0,
            replay: PathBuf::new(),
            replay_loop: false,
            replay_speed: ReplaySpeed::Recorded,
        }
    }
}

/// `[detector]`: where faces are looked for, with OpenCV's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectorConfig {
    /// What finds them.
    pub kind: DetectorKind,
    /// Smallest face in pixels; 0: the smallest that the detector knows. The strongest lever on the cost.
    pub min_size: u32,
    /// Largest face in pixels; 0: no limit.
    pub max_size: u32,
    /// For `builtin` and `onnx`: the probability from which on a face counts, below 1; 0: what suits the network. Smaller finds more, true and false.
    pub threshold: f64,
    /// For `onnx`: the YuNet file. For `builtin`: another network of the same contract; empty: the one in the program.
    pub model: PathBuf,
    /// For `haar`: the cascade file (OpenCV's XML, Haar features).
    pub cascade: PathBuf,
    /// For `haar`: ratio between two window sizes, above 1. Smaller finds more and costs more.
    pub scale_factor: f64,
    /// For `haar`: how many more windows than one must agree on a face. Smaller finds more, true and false.
    pub min_neighbors: u32,
}

/// The kinds of detector; see [`crate::detector`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DetectorKind {
    /// The network in the program.
    Builtin,
    /// OpenCV's cascade.
    Haar,
    /// A YuNet file.
    Onnx,
}

impl DetectorKind {
    /// What is used where nothing else is said.
    pub const DEFAULT: Self = Self::Builtin;
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            kind: DetectorKind::DEFAULT,
            min_size: 48,
            max_size: 0,
            threshold: 0.0,
            model: PathBuf::new(),
            cascade: "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml".into(),
            scale_factor: 1.1,
            min_neighbors: 3,
        }
    }
}

/// `[classifier]`: which network names the expression.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Which of the networks in the program.
    pub size: NetworkSize,
    /// Another network: an ONNX file that keeps the contract of `models/README.md`; empty: the one of this size in the program.
    pub model: PathBuf,
}

/// The networks in the program; `models/README.md` has their figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NetworkSize {
    /// The better one.
    #[default]
    Base,
    /// The faster one, for the smallest boards.
    Nano,
}

/// `[tracker]`: how the answer is steadied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrackerConfig {
    /// Time constant of the smoothing in seconds; 0: none. Larger is calmer and slower.
    pub smoothing_s: f64,
    /// How long a face must have been in sight before it is announced, in seconds; 0: at once. Keeps false faces of a moment away.
    pub announce_after_s: f64,
    /// By how much another expression's probability must lead before it is shown, 0 to 1.
    pub lead: f64,
    /// How long a face that is not found any more is remembered, in seconds.
    pub forget_after_s: f64,
    /// From which overlap (intersection over union) on two boxes in successive frames are the same face.
    pub min_overlap: f64,
}

impl TrackerConfig {
    /// [`announce_after_s`](Self::announce_after_s) as a duration.
    pub fn announce_after(&self) -> Duration {
        Duration::from_secs_f64(self.announce_after_s)
    }

    /// [`forget_after_s`](Self::forget_after_s) as a duration.
    pub fn forget_after(&self) -> Duration {
        Duration::from_secs_f64(self.forget_after_s)
    }
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self { smoothing_s: 0.5, announce_after_s: 0.1, lead: 0.1, forget_after_s: 1.0, min_overlap: 0.3 }
    }
}

/// `[display]`: where the scene is shown; several at once are possible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DisplayConfig {
    /// In the terminal that the program runs in, as half-block characters.
    pub terminal: bool,
    /// A PNG file that is replaced once a second; empty: none.
    pub png: PathBuf,
    /// A screen through the kernel's DRM: `auto` for the first with something plugged in, or a card such as `/dev/dri/card1`; empty: none.
    pub drm: PathBuf,
    /// A framebuffer device such as `/dev/fb0`; empty: none.
    pub framebuffer: PathBuf,
    /// The language of the words.
    pub language: Language,
    /// The scene is dimmed when nobody has been there for so many seconds; 0: never.
    pub dim_after_s: u32,
    /// The hours in which displays are black, by the local clock.
    pub night: NightHours,
    /// Whether attached colour screens from 320×240 on also show the picture's outlines, with boxes around the faces; never a file, a terminal or the network.
    pub outline: bool,
    /// A small panel.
    pub panel: PanelConfig,
}

impl Default for DisplayConfig {
    fn default() -> Self {
        Self {
            terminal: false,
            png: PathBuf::new(),
            drm: PathBuf::new(),
            framebuffer: PathBuf::new(),
            language: Language::En,
            dim_after_s: 60,
            night: NightHours::default(),
            outline: false,
            panel: PanelConfig::default(),
        }
    }
}

/// `[leds]`: lights; several kinds at once are possible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedsConfig {
    /// How the lines of one LED per expression are driven.
    pub driver: LedDriver,
    /// For `gpiochip`, the RGB LED and the privacy light: the kernel's GPIO character device; `auto`: the one that is the header.
    pub chip: PathBuf,
    /// True if an LED is lit by a low level (it sits between the line and 3.3 V).
    pub active_low: bool,
    /// Of colours: the most light that is given, 0 to 1, at a confidence of 1.
    pub brightness: f64,
    /// Of colours: the light while nobody is there, 0 to 1.
    pub idle_brightness: f64,
    /// Of colours: time constant of the transitions in seconds; 0: at once.
    pub transition_s: f64,
    /// A line that is high exactly while the camera is open; empty: none.
    pub privacy_line: Line,
    /// The line of each expression. An expression that is not named has no LED.
    pub lines: BTreeMap<Emotion, Line>,
    /// One LED with three colours.
    pub rgb: RgbConfig,
    /// A strip or ring.
    pub strip: StripConfig,
}

/// `[leds.rgb]`: one LED with three colours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RgbConfig {
    /// The lines of red, green and blue; empty: none.
    pub lines: Vec<Line>,
    /// True for a common anode: the colours are lit by low levels.
    pub active_low: bool,
}

impl RgbConfig {
    /// The three lines, if there are any.
    pub fn wired(&self) -> Option<&[Line; 3]> {
        self.lines.as_slice().try_into().ok().filter(|lines: &&[Line; 3]| lines.iter().all(Line::is_some))
    }
}

/// `[leds.strip]`: a strip or ring of LEDs that are addressed over SPI.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StripConfig {
    /// What it is made of.
    pub kind: StripKind,
    /// The SPI device; the strip has it for itself.
    pub device: PathBuf,
    /// How many LEDs it has.
    pub pixels: u32,
}

/// What strips are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StripKind {
    /// There is no strip.
    None,
    /// WS2812 and its kin (NeoPixel): one data line, SPI's MOSI.
    Ws2812,
    /// APA102 and SK9822 (DotStar): data and clock, SPI's MOSI and SCLK.
    Apa102,
}

impl Default for StripConfig {
    fn default() -> Self {
        Self { kind: StripKind::None, device: "/dev/spidev0.0".into(), pixels: 12 }
    }
}

/// `[button]`: a push button that pauses, and shuts the device down if it may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ButtonConfig {
    /// The kernel's GPIO character device; `auto`: the one that is the header.
    pub chip: PathBuf,
    /// Its line; empty: there is no button.
    pub line: Line,
    /// True if it connects the line to ground, false if to 3.3 V.
    pub active_low: bool,
    /// From how many seconds on a press is a long one.
    pub long_press_s: f64,
    /// Whether a long press shuts the device down.
    pub shutdown: bool,
}

impl ButtonConfig {
    /// [`long_press_s`](Self::long_press_s) as a duration.
    pub fn long_press(&self) -> Duration {
        Duration::from_secs_f64(self.long_press_s)
    }
}

impl Default for ButtonConfig {
    fn default() -> Self {
        Self { chip: gpio::AUTO.into(), line: Line::NONE, active_low: true, long_press_s: 3.0, shutdown: false }
    }
}

/// `[privacy_switch]`: the camera may look only while this switch is closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacySwitchConfig {
    /// The kernel's GPIO character device; `auto`: the one that is the header.
    pub chip: PathBuf,
    /// Its line; empty: there is no switch.
    pub line: Line,
    /// True if it connects the line to ground, false if to 3.3 V.
    pub active_low: bool,
}

impl Default for PrivacySwitchConfig {
    fn default() -> Self {
        Self { chip: gpio::AUTO.into(), line: Line::NONE, active_low: true }
    }
}

/// The ways to a GPIO line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LedDriver {
    None,
    /// The kernel's GPIO character device: any board.
    Gpiochip,
    /// Registers through `/dev/gpiomem`: Raspberry Pi up to the 5 family.
    Rppal,
}

impl Default for LedsConfig {
    fn default() -> Self {
        Self {
            driver: LedDriver::None,
            chip: gpio::AUTO.into(),
            active_low: false,
            brightness: 0.5,
            idle_brightness: 0.0,
            transition_s: 0.4,
            privacy_line: Line::NONE,
            // Seven lines without another function in the default set-up, in header order; see docs/lights.md.
            lines: Emotion::ALL.into_iter().zip([17, 27, 22, 5, 6, 13, 26].map(Line::Number)).collect(),
            rgb: RgbConfig::default(),
            strip: StripConfig::default(),
        }
    }
}

/// `[statistics]`: what is counted, and where it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsConfig {
    /// The SQLite database, a row a minute; `auto`: `statistics.sqlite` in the folder that systemd gives the service, and none without systemd; empty: none.
    pub database: PathBuf,
    /// Seconds that are gathered in memory before they are written: what a power cut may cost.
    pub flush_s: u32,
    /// Days after which a row is deleted.
    pub retention_days: u32,
    /// Largest size of the database in MiB, 4 at least: a day that waited in memory must fit. The oldest rows make room.
    pub max_mib: u32,
    /// Whether each expression gets a row too: when, how long, how sure.
    pub events: bool,
    /// A file that gets one JSON line per interval, `-` for standard output; empty: none.
    pub file: PathBuf,
    /// Seconds between two lines.
    pub interval_s: u32,
}

impl Default for StatisticsConfig {
    fn default() -> Self {
        Self {
            database: "auto".into(),
            flush_s: 600,
            retention_days: 400,
            max_mib: 64,
            events: false,
            file: PathBuf::new(),
            interval_s: 60,
        }
    }
}

/// `[device]`: which one this is among several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceConfig {
    /// Its name in reports, 64 letters at most; empty: the machine's name.
    pub name: String,
    /// What tells it from all others in topics, for good: letters, digits, `-` and `_`, 64 at most; empty: made from the machine's id.
    pub id: String,
}

/// What is wrong with a configuration file, in one line that names file, line, key and remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot read the configuration: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What, and what helps.
        message: String,
    },
}

/// A value that is out of its range.
struct OutOfRange {
    table: &'static str,
    key: &'static str,
    rule: String,
}

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} in [{}] must be {}", self.key, self.table, self.rule)
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// If it cannot be read, is no TOML, has an unknown key, a value of the wrong type or one out of range.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a file; `path` is for the messages.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let invalid =
            |offset: usize, message: String| ConfigError::Invalid { path: path.into(), line: line_of(text, offset), message };
        let refused = |error: &toml::de::Error, document| {
            let (offset, message) = refusal::explain(error, text, document);
            invalid(offset, message)
        };

        let document = DeTable::parse(text).map_err(|error| refused(&error, None))?;
        refuse_unknown_keys(document.get_ref(), &known_keys(), None).map_err(|(offset, message)| invalid(offset, message))?;
        let config: Self = toml::from_str(text).map_err(|error| refused(&error, Some(document.get_ref())))?;
        config
            .check_ranges()
            .map_err(|value| invalid(offset_of(document.get_ref(), value.table, value.key), value.to_string()))?;
        Ok(config)
    }

    /// Checks a configuration that was made otherwise than from a file.
    ///
    /// # Errors
    /// The first value that is out of its range, with the range.
    pub fn check(&self) -> Result<(), String> {
        self.check_ranges().map_err(|value| value.to_string())
    }

    /// The whole configuration as TOML.
    pub fn to_toml(&self) -> String {
        #[expect(clippy::expect_used, reason = "the values are ours or were checked")]
        toml::to_string(self).expect("every value of the configuration has a TOML form")
    }

    fn check_ranges(&self) -> Result<(), OutOfRange> {
        let Self { camera, detector, tracker, display, leds, button, statistics, mqtt, device, web, .. } = self;
        in_range("camera", "width", camera.width, 16, 4096)?;
        in_range("camera", "height", camera.height, 16, 4096)?;
        in_range("camera", "frames_per_second", camera.frames_per_second, 1, 120)?;
        in_range("camera", "frozen_after_s", camera.frozen_after_s, 0.0, 3600.0)?;
        if camera.source == SourceKind::Replay && camera.replay.as_os_str().is_empty() {
            return Err(OutOfRange {
                table: "camera",
                key: "replay",
                rule: "a file or folder, since source is \"replay\"".into(),
            });
        }
        if camera.replay == Path::new("-") && camera.replay_loop {
            return Err(OutOfRange {
                table: "camera",
                key: "replay_loop",
                rule: "false, since standard input cannot be played again".into(),
            });
        }
        in_range("detector", "scale_factor", detector.scale_factor, 1.01, 4.0)?;
        in_range("detector", "min_neighbors", detector.min_neighbors, 0, 100)?;
        in_range("detector", "min_size", detector.min_size, 0, 4096)?;
        in_range("detector", "max_size", detector.max_size, 0, 4096)?;
        if detector.max_size != 0 && detector.max_size < detector.min_size {
            return Err(OutOfRange {
                table: "detector",
                key: "max_size",
                rule: format!("0 or at least min_size ({})", detector.min_size),
            });
        }
        in_range("detector", "threshold", detector.threshold, 0.0, 0.99)?;
        if detector.kind == DetectorKind::Onnx && detector.model.as_os_str().is_empty() {
            return Err(OutOfRange { table: "detector", key: "model", rule: "a YuNet file, since kind is \"onnx\"".into() });
        }
        in_range("tracker", "smoothing_s", tracker.smoothing_s, 0.0, 60.0)?;
        in_range("tracker", "announce_after_s", tracker.announce_after_s, 0.0, 60.0)?;
        in_range("tracker", "lead", tracker.lead, 0.0, 1.0)?;
        in_range("tracker", "forget_after_s", tracker.forget_after_s, 0.0, 60.0)?;
        in_range("tracker", "min_overlap", tracker.min_overlap, 0.01, 1.0)?;
        in_range("display", "dim_after_s", display.dim_after_s, 0, 86_400)?;
        display.panel.check_ranges()?;
        in_range("leds", "brightness", leds.brightness, 0.0, 1.0)?;
        in_range("leds", "idle_brightness", leds.idle_brightness, 0.0, 1.0)?;
        in_range("leds", "transition_s", leds.transition_s, 0.0, 60.0)?;
        if !leds.rgb.lines.is_empty() && leds.rgb.wired().is_none() {
            return Err(OutOfRange {
                table: "leds.rgb",
                key: "lines",
                rule: "three lines, of red, green and blue, or none".into(),
            });
        }
        in_range("leds.strip", "pixels", leds.strip.pixels, 1, MAX_PIXELS)?;
        in_range("button", "long_press_s", button.long_press_s, 0.5, 60.0)?;
        self.check_lines()?;
        let bus = |device: &Path| device.to_string_lossy().split('.').next().map(ToOwned::to_owned);
        let panel = &display.panel;
        if leds.strip.kind != StripKind::None
            && panel.controller != PanelController::None
            && bus(&leds.strip.device) == bus(panel.bus())
        {
            let rule = format!(
                "on another SPI bus than {}, where the panel is: a strip takes what that gets for its own",
                panel.bus().display()
            );
            return Err(OutOfRange { table: "leds.strip", key: "device", rule });
        }
        in_range("statistics", "flush_s", statistics.flush_s, 60, 86_400)?;
        in_range("statistics", "retention_days", statistics.retention_days, 1, 36_500)?;
        in_range("statistics", "max_mib", statistics.max_mib, 4, 4096)?;
        in_range("statistics", "interval_s", statistics.interval_s, 1, 86_400)?;
        mqtt.check_ranges()?;
        if device.name.chars().count() > 64 || device.name.chars().any(char::is_control) {
            return Err(OutOfRange { table: "device", key: "name", rule: "64 letters at most, in one line".into() });
        }
        if device.id.len() > 64 || device.id.chars().any(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '_') {
            return Err(OutOfRange { table: "device", key: "id", rule: "64 letters from a-z, A-Z, 0-9, - and _ at most".into() });
        }
        web.check()?;
        self.deployment.check()
    }

    /// No line may have two uses. One LED per expression counts only where it is switched on, since its lines have defaults.
    fn check_lines(&self) -> Result<(), OutOfRange> {
        let Self { display: DisplayConfig { panel, .. }, leds, buzzer, button, privacy_switch, .. } = self;
        let chip = leds.chip.as_path();
        let mut uses = Vec::new();
        for (emotion, line) in &leds.lines {
            uses.push((chip, line, "leds.lines", emotion.name(), emotion.name().to_owned()));
        }
        check_uses(&uses)?;
        if leds.driver == LedDriver::None {
            uses.clear();
        }
        for (line, colour) in leds.rgb.lines.iter().zip(["red", "green", "blue"]) {
            uses.push((chip, line, "leds.rgb", "lines", format!("{colour} in [leds.rgb]")));
        }
        uses.push((chip, &leds.privacy_line, "leds", "privacy_line", "privacy_line in [leds]".into()));
        for (key, line) in panel.lines() {
            uses.push((&panel.chip, line, "display.panel", key, format!("{key} in [display.panel]")));
        }
        uses.push((&buzzer.chip, &buzzer.line, "buzzer", "line", "[buzzer]".into()));
        uses.push((&button.chip, &button.line, "button", "line", "[button]".into()));
        uses.push((&privacy_switch.chip, &privacy_switch.line, "privacy_switch", "line", "[privacy_switch]".into()));
        check_uses(&uses)
    }
}

/// More do not fit into one transfer of the kernel's SPI driver, 4,096 bytes.
const MAX_PIXELS: u32 = 150;

/// Chip and line; table and key; what uses it, for people.
type LineUse<'a> = (&'a Path, &'a Line, &'static str, &'static str, String);

fn check_uses(uses: &[LineUse<'_>]) -> Result<(), OutOfRange> {
    // A name and a number are the same line where the name says the number.
    let place = |chip: &Path, line: &Line| (chip.to_owned(), line.bcm().map_or_else(|| line.clone(), Line::Number));
    let mut users: BTreeMap<(PathBuf, Line), &str> = BTreeMap::new();
    for (chip, line, table, key, user) in uses.iter().filter(|(_, line, ..)| line.is_some()) {
        if let Line::Number(number) = line {
            in_range(table, key, *number, 0, 1023)?;
        }
        if let Some(other) = users.insert(place(chip, line), user) {
            return Err(OutOfRange { table, key, rule: format!("another line than {line}, which {other} uses") });
        }
    }
    Ok(())
}

fn in_range<T: Copy + PartialOrd + std::fmt::Display>(
    table: &'static str,
    key: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<(), OutOfRange> {
    // Written so that NaN is refused.
    if value >= least && value <= most {
        Ok(())
    } else {
        Err(OutOfRange { table, key, rule: format!("from {least} to {most}, not {value}") })
    }
}

/// The defaults as a table: they name every key there is.
#[expect(clippy::expect_used, reason = "the defaults are ours")]
fn known_keys() -> toml::Table {
    toml::Table::try_from(Config::default()).expect("every value of the configuration has a TOML form")
}

/// Finds the first key of `document` that `known` lacks; gives its place and what to say about it.
fn refuse_unknown_keys(document: &DeTable<'_>, known: &toml::Table, table: Option<&str>) -> Result<(), (usize, String)> {
    for (key, value) in document {
        let name = key.get_ref();
        let offset = key.span().start;
        let Some(known_value) = known.get(name.as_ref()) else {
            let kind = if matches!(value.get_ref(), DeValue::Table(_)) { "table" } else { "key" };
            let place = table.map(|table| format!(" in [{table}]")).unwrap_or_default();
            let nearest = known.keys().max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
            let hint = nearest.map(|nearest| format!(" (did you mean `{nearest}`?)")).unwrap_or_default();
            return Err((offset, format!("unknown {kind} `{name}`{place}{hint}")));
        };
        match (value.get_ref(), known_value) {
            (DeValue::Table(inner), toml::Value::Table(known_inner)) => {
                let path = table.map_or_else(|| name.to_string(), |table| format!("{table}.{name}"));
                refuse_unknown_keys(inner, known_inner, Some(&path))?;
            }
            // Serde would take a list for the values of the table's keys, one after the other.
            (_, toml::Value::Table(_)) => return Err((offset, format!("{} must be a table", refusal::named(name, table)))),
            _ => {}
        }
    }
    Ok(())
}

/// Where `key` of `table` (dotted) stands in the text; where the table stands if the key is not written; else the beginning.
fn offset_of(document: &DeTable<'_>, table: &str, key: &str) -> usize {
    let mut place = 0;
    let mut current = document;
    for name in table.split('.').chain([key]) {
        let Some((found, value)) = current.get_key_value(name) else { break };
        place = found.span().start;
        let DeValue::Table(inner) = value.get_ref() else { break };
        current = inner;
    }
    place
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../systemd/visaged.toml");

    fn message(text: &str) -> String {
        Config::parse(text, Path::new("visaged.toml")).unwrap_err().to_string()
    }

    #[test]
    fn the_sample_file_is_the_default_and_names_every_key() {
        assert_eq!(Config::parse(SAMPLE, Path::new("sample")).unwrap(), Config::default());
        let sample: toml::Table = SAMPLE.parse().unwrap();
        assert_eq!(sample, known_keys());
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Config::parse("", Path::new("empty")).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_key() {
        assert_eq!(
            message("[detector]\nscale_factor = 1.2\nmin_neigbors = 4\n"),
            "visaged.toml:3: unknown key `min_neigbors` in [detector] (did you mean `min_neighbors`?)"
        );
        assert_eq!(message("\n[led]\n"), "visaged.toml:2: unknown table `led` (did you mean `leds`?)");
        assert_eq!(
            message("[leds.lines]\nhapy = 4\n"),
            "visaged.toml:2: unknown key `hapy` in [leds.lines] (did you mean `happy`?)"
        );
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_range() {
        assert_eq!(
            message("[detector]\n\nscale_factor = 1.0"),
            "visaged.toml:3: scale_factor in [detector] must be from 1.01 to 4, not 1"
        );
        assert_eq!(message("[tracker]\nlead = nan"), "visaged.toml:2: lead in [tracker] must be from 0 to 1, not NaN");
        assert_eq!(message("[camera]\nwidth = 0"), "visaged.toml:2: width in [camera] must be from 16 to 4096, not 0");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_its_line() {
        assert_eq!(
            message("[camera]\nwidth = \"wide\"\n"),
            "visaged.toml:2: width in [camera] must be a whole number from 0 to 4294967295, not \"wide\""
        );
        assert_eq!(message("\ncamera = 3\n"), "visaged.toml:2: camera must be a table");
    }

    #[test]
    fn one_line_used_twice_is_refused() {
        assert_eq!(
            message("[leds.lines]\nhappy = 17\nsad = 17\n"),
            "visaged.toml:3: sad in [leds.lines] must be another line than 17, which happy uses"
        );
    }

    #[test]
    fn a_line_may_be_used_once_in_all_tables_whether_by_number_or_name() {
        assert_eq!(
            message("[leds.rgb]\nlines = [16, 20, \"GPIO21\"]\n[button]\nline = 21\n"),
            "visaged.toml:4: line in [button] must be another line than 21, which blue in [leds.rgb] uses"
        );
        assert_eq!(
            message("[leds]\ndriver = \"gpiochip\"\nprivacy_line = \"GPIO5\"\n"),
            "visaged.toml:3: privacy_line in [leds] must be another line than \"GPIO5\", which happy uses"
        );
        assert_eq!(
            message("[display.panel]\ncontroller = \"ili9341\"\n[button]\nline = 24\n"),
            "visaged.toml:4: line in [button] must be another line than 24, which reset in [display.panel] uses"
        );
        assert_eq!(
            message("[leds]\nprivacy_line = 19\n[buzzer]\nline = \"GPIO19\"\n"),
            "visaged.toml:4: line in [buzzer] must be another line than \"GPIO19\", which privacy_line in [leds] uses"
        );
        // The lines of one LED per expression are free while that is switched off, and another chip has lines of its own.
        assert!(Config::parse("[leds.rgb]\nlines = [17, 27, 22]\n", Path::new("")).is_ok());
        let two_chips = "[leds]\nprivacy_line = 4\n[button]\nchip = \"/dev/gpiochip1\"\nline = 4\n";
        assert!(Config::parse(two_chips, Path::new("")).is_ok());
    }

    #[test]
    fn a_strip_has_its_spi_bus_for_itself() {
        assert_eq!(
            message("[display.panel]\ncontroller = \"ili9341\"\n[leds.strip]\nkind = \"ws2812\"\ndevice = \"/dev/spidev0.1\"\n"),
            "visaged.toml:5: device in [leds.strip] must be on another SPI bus than /dev/spidev0.0, where the panel is: a strip takes what that gets for its own"
        );
        let on_i2c = "[display.panel]\ncontroller = \"ssd1306\"\n[leds.strip]\nkind = \"ws2812\"\n";
        assert!(Config::parse(on_i2c, Path::new("")).is_ok());
    }

    #[test]
    fn a_colour_has_three_lines() {
        assert_eq!(
            message("[leds.rgb]\nlines = [16, 20]\n"),
            "visaged.toml:2: lines in [leds.rgb] must be three lines, of red, green and blue, or none"
        );
    }

    #[test]
    fn naming_some_led_lines_means_only_those() {
        let config = Config::parse("[leds.lines]\nhappy = 4\n", Path::new("")).unwrap();
        assert_eq!(config.leds.lines, BTreeMap::from([(Emotion::Happy, Line::Number(4))]));
    }

    #[test]
    fn an_id_that_is_no_level_of_a_topic_is_refused() {
        let rule = "visaged.toml:2: id in [device] must be 64 letters from a-z, A-Z, 0-9, - and _ at most";
        assert_eq!(message("[device]\nid = \"hall/2\"\n"), rule);
        assert_eq!(message(&format!("[device]\nid = \"{}\"\n", "a".repeat(65))), rule);
    }

    #[test]
    fn replay_without_a_recording_is_refused() {
        assert_eq!(
            message("[camera]\nsource = \"replay\"\n"),
            "visaged.toml:1: replay in [camera] must be a file or folder, since source is \"replay\""
        );
    }

    #[test]
    fn a_yunet_detector_without_its_file_is_refused() {
        assert_eq!(
            message("[detector]\nkind = \"onnx\"\n"),
            "visaged.toml:1: model in [detector] must be a YuNet file, since kind is \"onnx\""
        );
        let unknown = message("[detector]\nkind = \"hog\"\n");
        assert!(unknown.ends_with("kind in [detector] must be one of \"builtin\", \"haar\", \"onnx\", not \"hog\""), "{unknown}");
        assert_eq!(
            message("[detector]\nthreshold = 1.0\n"),
            "visaged.toml:2: threshold in [detector] must be from 0 to 0.99, not 1"
        );
    }

    #[test]
    fn a_language_that_no_display_speaks_and_hours_that_are_none_are_refused() {
        let unknown = message("[display]\nlanguage = \"la\"\n");
        assert!(
            unknown.starts_with(
                "visaged.toml:2: language in [display] must be one of \"en\", \"de\", \"fr\", \"es\", \"zh\", not \"la\""
            ),
            "{unknown}"
        );
        assert_eq!(
            message("[display]\n\nnight = \"22-7\"\n"),
            "visaged.toml:3: night in [display] must be two times of the day such as \"22:00-07:00\", or \"\", not \"22-7\""
        );
    }

    #[test]
    fn broken_toml_is_one_line_too() {
        let message = message("[camera]\nwidth = = 3\n");
        assert!(message.starts_with("visaged.toml:2: ") && !message.contains('\n'), "{message}");
    }
}
