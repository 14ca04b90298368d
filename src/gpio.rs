//! Lines of the kernel's GPIO character device: which chip is the header, which line is meant, and who has it already.
//!
//! On a Raspberry Pi the line numbers are BCM numbers, and the lines are named so too (`GPIO17`). The header is the chip labelled `pinctrl-bcm2835` (up
//! to the 3 family), `pinctrl-bcm2711` (4) or `pinctrl-rp1` (5, where kernels before 6.6.45 numbered it `/dev/gpiochip4`). `gpiodetect` and `gpioinfo`
//! (Debian package gpiod) list chips and lines.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use embedded_hal::digital::{self, ErrorType, OutputPin};
use gpiocdev::Request;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Offset, Value, Values};
use gpiocdev::request::Builder;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::outputs::permission::group_hint;

/// What `gpioinfo` shows as the user of a line.
const CONSUMER: &str = "visaged";

/// The labels of the chips that are the 40-pin header of a Raspberry Pi.
const HEADERS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];

/// In the configuration, the chip that is chosen by its label.
pub const AUTO: &str = "auto";

/// A line as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// By its number on the chip; on a Raspberry Pi the BCM number.
    Number(u32),
    /// By its name, as `gpioinfo` shows it. The empty name means that there is none.
    Name(String),
}

impl Line {
    /// No line.
    pub const NONE: Self = Self::Name(String::new());

    /// Whether a line is named at all.
    pub fn is_some(&self) -> bool {
        *self != Self::NONE
    }

    /// The BCM number, which a name such as `GPIO17` says too.
    pub fn bcm(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(name) => name.strip_prefix("GPIO").and_then(|number| number.parse().ok()),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(formatter),
            Self::Name(name) => write!(formatter, "\"{name}\""),
        }
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Name(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Line;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a line: its number (BCM) or its name (\"GPIO17\")")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Line, E> {
                u32::try_from(number).map(Line::Number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Line, E> {
                Ok(Line::Name(name.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A GPIO chip that is open.
pub struct Chip {
    chip: gpiocdev::Chip,
    lines: u32,
}

impl Chip {
    /// Opens the chip at `path`, or with [`AUTO`] the one that is the header of a Raspberry Pi; on another board its only one.
    ///
    /// # Errors
    /// If there is none, it may not be opened, or the choice is not clear. The message lists the chips there are and says what helps.
    pub fn open(path: &Path) -> Result<Self> {
        let path = if path == Path::new(AUTO) { find_header()? } else { path.to_owned() };
        // Opened by hand first, for the system's reason: the crate wraps it up.
        File::open(&path).map_err(|error| cannot_open(&path, &error))?;
        let open = || -> gpiocdev::Result<Self> {
            let chip = gpiocdev::Chip::from_path(&path)?;
            let lines = chip.info()?.num_lines;
            Ok(Self { chip, lines })
        };
        open().map_err(|error| anyhow!("{} is no GPIO chip: {error}", path.display()))
    }

    /// Where the chip is.
    pub fn path(&self) -> &Path {
        self.chip.path()
    }

    /// The offset of `line`.
    ///
    /// # Errors
    /// If the chip has none of that number or name.
    fn find(&self, line: &Line) -> Result<Offset> {
        match line {
            Line::Number(number) => {
                let (path, last) = (self.path().display(), self.lines.saturating_sub(1));
                ensure!(*number < self.lines, "{path} has the lines 0 to {last}, no {number}");
                Ok(*number)
            }
            Line::Name(name) => self
                .chip
                .find_line_info(name)
                .map(|info| info.offset)
                .with_context(|| format!("{} has no line named \"{name}\" (`gpioinfo` lists them)", self.path().display())),
        }
    }

    /// Requests lines together; `key` is where the configuration names them.
    fn request(&self, lines: &[&Line], key: &str, set_up: impl FnOnce(&mut Builder)) -> Result<(Request, Vec<Offset>)> {
        let offsets: Vec<Offset> =
            lines.iter().map(|line| self.find(line)).collect::<Result<_>>().with_context(|| key.to_owned())?;
        for &offset in &offsets {
            // A chip that does not answer says so at the request.
            if let Ok(info) = self.chip.line_info(offset)
                && info.used
            {
                let consumer = if info.consumer.is_empty() { "the kernel" } else { &info.consumer };
                let path = self.path().display();
                bail!("line {offset} of {path} is in use by \"{consumer}\": free it, or set another in {key}");
            }
        }
        let mut builder = Request::builder();
        builder.on_chip(self.path()).with_consumer(CONSUMER);
        set_up(&mut builder);
        let request = builder.with_lines(&offsets).request();
        let request = request.map_err(|error| {
            let list = offsets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            anyhow!("cannot use line {list} of {} ({key}): {error}", self.path().display())
        })?;
        Ok((request, offsets))
    }

    /// Makes an output of `line`, `high` from the first moment.
    ///
    /// # Errors
    /// If there is no such line, or it is in use: the message names the user.
    pub fn output(&self, line: &Line, high: bool, key: &str) -> Result<OutputLine> {
        let (request, _) = self.request(&[line], key, |builder| {
            builder.as_output(value(high));
        })?;
        Ok(OutputLine(request))
    }

    /// Makes outputs of lines that are switched together, dark from the first moment. With `active_low` a low level lights them.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn outputs<const N: usize>(&self, lines: &[Line; N], active_low: bool, key: &str) -> Result<OutputLines<N>> {
        let (request, offsets) = self.request(&lines.each_ref(), key, |builder| {
            builder.as_output(Value::Inactive);
            if active_low {
                builder.as_active_low();
            }
        })?;
        let offsets = offsets.as_slice().try_into().context("not every line was found")?;
        Ok(OutputLines { request, offsets, values: Values::from_offsets(&offsets) })
    }

    /// Makes an input of `line`, which a button or switch connects to ground (`active_low`, held high inside the chip while it is open) or to 3.3 V
    /// (held low).
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn input(&self, line: &Line, active_low: bool, key: &str) -> Result<InputLine> {
        let (request, _) = self.request(&[line], key, |builder| {
            builder.as_input().with_edge_detection(EdgeDetection::BothEdges).with_debounce_period(DEBOUNCE);
            if active_low {
                builder.as_active_low().with_bias(Bias::PullUp);
            } else {
                builder.with_bias(Bias::PullDown);
            }
        })?;
        Ok(InputLine(request))
    }
}

/// For how long a contact must be still before the kernel believes it.
const DEBOUNCE: Duration = Duration::from_millis(10);

fn value(high: bool) -> Value {
    if high { Value::Active } else { Value::Inactive }
}

/// What the kernel says about a line that is in our hands: it should not fail, but a chip can be unplugged.
#[derive(Clone, Debug, thiserror::Error)]
// The crate's error names its cause itself and also gives it as its source: as a chain it would be said twice.
#[error("{0}")]
pub struct LineError(gpiocdev::Error);

impl From<gpiocdev::Error> for LineError {
    fn from(error: gpiocdev::Error) -> Self {
        Self(error)
    }
}

impl digital::Error for LineError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

/// One line as an output. The kernel leaves its level as it is when this is dropped.
pub struct OutputLine(Request);

impl ErrorType for OutputLine {
    type Error = LineError;
}

impl OutputPin for OutputLine {
    fn set_low(&mut self) -> Result<(), LineError> {
        Ok(self.0.set_lone_value(Value::Inactive)?)
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        Ok(self.0.set_lone_value(Value::Active)?)
    }
}

/// Several lines as outputs that change at the same moment.
pub struct OutputLines<const N: usize> {
    request: Request,
    offsets: [Offset; N],
    values: Values,
}

impl<const N: usize> OutputLines<N> {
    /// Lights those that are true.
    ///
    /// # Errors
    /// If the chip is gone.
    pub fn set(&mut self, lit: [bool; N]) -> Result<(), LineError> {
        for (offset, lit) in self.offsets.into_iter().zip(lit) {
            self.values.set(offset, value(lit));
        }
        Ok(self.request.set_values(&self.values)?)
    }
}

/// One line as an input, debounced by the kernel.
pub struct InputLine(Request);

impl InputLine {
    /// Whether the contact is closed.
    ///
    /// # Errors
    /// If the chip is gone.
    pub fn is_closed(&self) -> Result<bool, LineError> {
        Ok(self.0.lone_value()? == Value::Active)
    }

    /// Waits for the next change, `timeout` at most: whether the contact is closed now, and when that was, on the clock of
    /// [`monotonic_now`](crate::frame::monotonic_now).
    ///
    /// # Errors
    /// If the chip is gone.
    pub fn next_edge(&self, timeout: Duration) -> Result<Option<(bool, Duration)>, LineError> {
        if !self.0.wait_edge_event(timeout)? {
            return Ok(None);
        }
        let event = self.0.read_edge_event()?;
        Ok(Some((event.kind == EdgeKind::Rising, Duration::from_nanos(event.timestamp_ns))))
    }
}

/// The chip of the header among those that there are.
fn find_header() -> Result<PathBuf> {
    let mut seen = Vec::new();
    let mut denied = None;
    for path in gpiocdev::chip::chips().unwrap_or_default() {
        match File::open(&path) {
            Err(error) => denied = Some(cannot_open(&path, &error)),
            Ok(_) => {
                let label = gpiocdev::Chip::from_path(&path).and_then(|chip| chip.info()).map(|info| info.label);
                seen.push((path, label.unwrap_or_default()));
            }
        }
    }
    match (choose(&seen), denied) {
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(denied)) => Err(denied),
        (None, None) if seen.is_empty() => bail!("there is no GPIO chip (no /dev/gpiochip*): is this a board with lines?"),
        (None, None) => {
            bail!("none of the GPIO chips is the header of a Raspberry Pi ({}): name one, with chip = \"/dev/…\"", list(&seen))
        }
    }
}

fn choose(chips: &[(PathBuf, String)]) -> Option<&Path> {
    let header = chips.iter().find(|(_, label)| HEADERS.contains(&label.as_str()));
    let only = if let [only] = chips { Some(only) } else { None };
    header.or(only).map(|(path, _)| path.as_path())
}

fn list(chips: &[(PathBuf, String)]) -> String {
    chips.iter().map(|(path, label)| format!("{} is {label}", path.display())).collect::<Vec<_>>().join(", ")
}

fn cannot_open(path: &Path, error: &io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => group_hint(path),
        io::ErrorKind::NotFound => {
            let chips = gpiocdev::chip::chips().unwrap_or_default();
            let names = chips.iter().map(|chip| chip.display().to_string()).collect::<Vec<_>>().join(", ");
            format!(" (there {})", if names.is_empty() { "is no GPIO chip here".into() } else { format!("are {names}") })
        }
        _ => String::new(),
    };
    anyhow!("cannot open the GPIO chip {}{hint}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chips(list: &[(&str, &str)]) -> Vec<(PathBuf, String)> {
        list.iter().map(|(path, label)| (PathBuf::from(path), (*label).to_owned())).collect()
    }

    #[test]
    fn the_header_is_found_by_its_label_whatever_its_number() {
        // As `gpiodetect` shows them on a Pi 4 and on a Pi 5 with an early kernel.
        let pi_4 = chips(&[("/dev/gpiochip0", "pinctrl-bcm2711"), ("/dev/gpiochip1", "raspberrypi-exp-gpio")]);
        let pi_5 = chips(&[("/dev/gpiochip0", "gpio-brcmstb@107d508500"), ("/dev/gpiochip4", "pinctrl-rp1")]);
        assert_eq!(choose(&pi_4), Some(Path::new("/dev/gpiochip0")));
        assert_eq!(choose(&pi_5), Some(Path::new("/dev/gpiochip4")));
    }

    #[test]
    fn on_another_board_the_only_chip_is_taken_and_none_of_several() {
        assert_eq!(choose(&chips(&[("/dev/gpiochip0", "9030000.pl061")])), Some(Path::new("/dev/gpiochip0")));
        let several = chips(&[("/dev/gpiochip0", "a"), ("/dev/gpiochip1", "b")]);
        assert_eq!(choose(&several), None);
        assert_eq!(list(&several), "/dev/gpiochip0 is a, /dev/gpiochip1 is b");
    }

    #[test]
    fn a_chip_that_is_not_there_is_named_with_those_that_are() {
        let error = format!("{:#}", Chip::open(Path::new("/nonexistent/gpiochip7")).err().unwrap());
        assert!(error.starts_with("cannot open the GPIO chip /nonexistent/gpiochip7 (there "), "{error}");
        assert!(error.ends_with("): No such file or directory (os error 2)"), "{error}");
    }

    #[test]
    fn denied_access_names_the_group_and_the_command() {
        // A file that is there on every system; which group it belongs to is looked up.
        let error = cannot_open(Path::new("/dev/null"), &io::Error::from_raw_os_error(13)).to_string();
        assert!(error.starts_with("cannot open the GPIO chip /dev/null (it belongs to "), "{error}");
    }

    #[test]
    fn a_file_that_is_no_chip_is_refused() {
        let error = format!("{:#}", Chip::open(Path::new("/dev/null")).err().unwrap());
        assert!(error.starts_with("/dev/null is no GPIO chip: "), "{error}");
    }

    #[test]
    fn a_line_is_a_number_or_a_name_and_gpio17_is_bcm_17() {
        #[derive(Deserialize)]
        struct File {
            line: Line,
        }
        let line = |text: &str| toml::from_str::<File>(&format!("line = {text}")).map(|file| file.line);
        assert_eq!(line("17").unwrap(), Line::Number(17));
        assert_eq!(line("\"GPIO17\"").unwrap().bcm(), Some(17));
        assert_eq!(line("\"BUTTON\"").unwrap().bcm(), None);
        assert!(!line("\"\"").unwrap().is_some());
        let error = line("-3").unwrap_err().to_string();
        assert!(error.contains("its number (BCM) or its name"), "{error}");
    }
}
