//! Strips and rings of WS2812 or APA102 LEDs at an SPI bus: all of them in one colour.
//!
//! One colour for the whole ring, because a light at the edge of the eye should be calm: what the seven probabilities are is for the screen.
//!
//! The bytes are made here, in a few lines, and not by the crates `ws2812-spi` and `apa102-spi`: theirs are four SPI bits for one data bit, which
//! meet the limits of the WS2812's data sheet only at their edge, where eight lie well within, and a frame is one write from one buffer that is kept.

use std::io;
use std::path::Path;

use anyhow::{Error, Result, anyhow};
use embedded_hal::spi::SpiBus;
use linux_embedded_hal::SpidevBus;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};

use super::colour::{ColourLight, DARK, Light};
use crate::config::{StripConfig, StripKind};
use crate::outputs::permission::group_hint;

/// SPI clock for WS2812, where every data bit becomes one byte: 156 ns for each of its bits. A Pi's divider makes 6.25 MHz of it, 160 ns.
const WS2812_HZ: u32 = 6_400_000;
/// A 0 is high for 2 bits (312 ns; data sheet: 250 to 550) and low for 6 (938; 700 to 1,000), a 1 high for 5 (781; 650 to 950) and low for 3 (469; 300 to
/// 600). Every byte ends low, so the pause of a clock that some controllers make between bytes only lengthens a low.
const WS2812_BITS: [u8; 2] = [0b1100_0000, 0b1111_1000];
/// Low for 280 µs (data sheet of WS2812B-V5; 50 µs of earlier ones) makes the LEDs take what they got: 1,792 bits.
const WS2812_RESET: usize = 224;

/// SPI clock for APA102, which takes up to 20 MHz; long wires like less.
const APA102_HZ: u32 = 4_000_000;

/// Opens the strip of `config`, dark.
///
/// # Errors
/// If the SPI device is not there or may not be used; the message says what helps.
pub fn open(config: &StripConfig) -> Result<Strip<SpidevBus>> {
    let path = &config.device;
    let mut spi = SpidevBus::open(path).map_err(|error| cannot_open(path, error.inner()))?;
    let speed = if config.kind == StripKind::Apa102 { APA102_HZ } else { WS2812_HZ };
    let options = SpidevOptions::new().bits_per_word(8).max_speed_hz(speed).mode(SpiModeFlags::SPI_MODE_0).build();
    spi.configure(&options).map_err(|error| anyhow!("cannot set up the SPI device {}: {error}", path.display()))?;
    Strip::new(config, spi)
}

/// Why an SPI device cannot be opened, with what helps.
pub fn cannot_open(path: &Path, error: &io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            " (is SPI switched on? `sudo raspi-config nonint do_spi 0`, then start the device again)".into()
        }
        io::ErrorKind::PermissionDenied => group_hint(path),
        _ => String::new(),
    };
    anyhow!("cannot open the SPI device {}{hint}: {error}", path.display())
}

/// A strip on an SPI bus that it has for itself.
pub struct Strip<S: SpiBus> {
    name: String,
    kind: StripKind,
    pixels: usize,
    spi: S,
    /// What was last sent; none if nothing was, or if sending failed.
    shown: Option<[u8; 3]>,
    bytes: Vec<u8>,
}

impl<S: SpiBus> Strip<S> {
    /// Makes the strip of `config` dark.
    ///
    /// # Errors
    /// If the bus does not take the bytes.
    pub fn new(config: &StripConfig, spi: S) -> Result<Self> {
        let (kind, pixels) = (config.kind, config.pixels as usize);
        let name = format!("strip at {}", config.device.display());
        let mut strip = Self { name, kind, pixels, spi, shown: None, bytes: Vec::new() };
        strip.set(DARK)?;
        Ok(strip)
    }
}

impl<S: SpiBus> ColourLight for Strip<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn set(&mut self, light: Light) -> Result<()> {
        let levels = light.map(|amount| (amount * 255.0).round() as u8);
        if self.shown == Some(levels) {
            return Ok(());
        }
        self.shown = None;
        match self.kind {
            StripKind::Apa102 => encode_apa102(levels, self.pixels, &mut self.bytes),
            StripKind::Ws2812 | StripKind::None => encode_ws2812(levels, self.pixels, &mut self.bytes),
        }
        let sent = self.spi.write(&self.bytes).and_then(|()| self.spi.flush());
        sent.map_err(|error| anyhow!("cannot send to the {}: {error:?}", self.name))?;
        self.shown = Some(levels);
        Ok(())
    }
}

impl<S: SpiBus> Drop for Strip<S> {
    fn drop(&mut self) {
        // What it shows may not be what was sent last (a plug that was pulled): darkness is sent in any case.
        self.shown = None;
        let _ = self.set(DARK);
    }
}

/// Green, red, blue of every pixel, the highest bit first; a reset before, for a line that rests high, and one behind.
fn encode_ws2812([red, green, blue]: [u8; 3], pixels: usize, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend([0; WS2812_RESET]);
    for _ in 0..pixels {
        for level in [green, red, blue] {
            bytes.extend((0..8).rev().map(|bit| WS2812_BITS[usize::from(level >> bit & 1)]));
        }
    }
    bytes.extend([0; WS2812_RESET]);
}

/// A start frame of 32 zeros, then of every pixel a byte of three ones and the 5-bit brightness, blue, green, red. The data sheet ends with 32 ones;
/// what counts is half a clock pulse for every pixel, and zeros give it as well, suit the SK9822 too, and light no pixel behind the last.
///
/// The brightness is always full: to dim with it would flicker, at 580 Hz against 20 kHz of the colours.
fn encode_apa102([red, green, blue]: [u8; 3], pixels: usize, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend([0; 4]);
    for _ in 0..pixels {
        bytes.extend([0b1111_1111, blue, green, red]);
    }
    bytes.extend([0; 4]);
    bytes.extend(std::iter::repeat_n(0, pixels.div_ceil(16)));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use embedded_hal::spi::{ErrorKind, ErrorType};

    use super::super::colour::Coloured;
    use super::super::colour::tests::{nobody, seeing, wait_until};
    use super::*;
    use crate::classifier::Emotion;
    use crate::config::LedsConfig;
    use crate::outputs::{Output, View};
    use crate::worker::Workers;

    /// Every transfer. Strict: reading from a strip is an error of ours.
    #[derive(Clone, Default)]
    struct RecordingBus {
        sent: Arc<Mutex<Vec<Vec<u8>>>>,
        unplugged: Arc<AtomicBool>,
    }

    impl RecordingBus {
        fn take(&self) -> Vec<Vec<u8>> {
            std::mem::take(&mut *self.sent.lock().unwrap())
        }

        fn last(&self) -> Vec<u8> {
            self.sent.lock().unwrap().last().cloned().unwrap_or_default()
        }
    }

    impl ErrorType for RecordingBus {
        type Error = ErrorKind;
    }

    impl SpiBus for RecordingBus {
        fn read(&mut self, _: &mut [u8]) -> Result<(), ErrorKind> {
            panic!("a strip says nothing")
        }

        fn write(&mut self, words: &[u8]) -> Result<(), ErrorKind> {
            if self.unplugged.load(Ordering::SeqCst) {
                return Err(ErrorKind::Other);
            }
            assert!(words.len() <= 4096, "more than the kernel takes at once");
            self.sent.lock().unwrap().push(words.to_vec());
            Ok(())
        }

        fn transfer(&mut self, _: &mut [u8], _: &[u8]) -> Result<(), ErrorKind> {
            panic!("a strip says nothing")
        }

        fn transfer_in_place(&mut self, _: &mut [u8]) -> Result<(), ErrorKind> {
            panic!("a strip says nothing")
        }

        fn flush(&mut self) -> Result<(), ErrorKind> {
            Ok(())
        }
    }

    fn strip(kind: StripKind, pixels: u32) -> (Strip<RecordingBus>, RecordingBus) {
        let bus = RecordingBus::default();
        let config = StripConfig { kind, pixels, ..StripConfig::default() };
        (Strip::new(&config, bus.clone()).unwrap(), bus)
    }

    const ZERO: u8 = 0b1100_0000;
    const ONE: u8 = 0b1111_1000;

    /// High and low time of a byte's pulse in nanoseconds, at a bit time.
    fn pulse(byte: u8, bit_ns: f64) -> (f64, f64) {
        let high = f64::from(byte.leading_ones());
        assert_eq!(byte.count_ones(), byte.leading_ones(), "one pulse, at the beginning");
        (high * bit_ns, (8.0 - high) * bit_ns)
    }

    #[test]
    fn the_pulses_of_a_ws2812_lie_within_its_data_sheet_at_the_clocks_of_every_pi() {
        // WS2812B: T0H 0.4 µs, T0L 0.85, T1H 0.8, T1L 0.45, each ± 0.15. 6.4 MHz where it can be had, 6.25 from 250, 400, 500 and 200 MHz.
        for bit_ns in [1e9 / f64::from(WS2812_HZ), 160.0] {
            let (high, low) = pulse(ZERO, bit_ns);
            assert!((250.0..=550.0).contains(&high) && (700.0..=1000.0).contains(&low), "0: {high} {low}");
            let (high, low) = pulse(ONE, bit_ns);
            assert!((650.0..=950.0).contains(&high) && (300.0..=600.0).contains(&low), "1: {high} {low}");
            assert!(bit_ns * 8.0 * WS2812_RESET as f64 >= 280_000.0);
        }
    }

    #[test]
    fn a_ws2812_gets_green_red_blue_from_the_highest_bit_on() {
        let (mut strip, bus) = strip(StripKind::Ws2812, 2);
        bus.take();
        // Red 0xFF, green 0x80, blue 0x01.
        strip.set([1.0, 0.502, 0.004]).unwrap();
        let sent = bus.take().pop().unwrap();
        let green = [ONE, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO];
        let blue = [ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ONE];
        let pixel = [green, [ONE; 8], blue].concat();
        assert_eq!(sent, [vec![0; 224], pixel.clone(), pixel, vec![0; 224]].concat());
    }

    #[test]
    fn an_apa102_gets_a_start_frame_brightness_blue_green_red_and_an_end() {
        let (mut strip, bus) = strip(StripKind::Apa102, 3);
        bus.take();
        strip.set([1.0, 0.502, 0.004]).unwrap();
        let pixel = [0xFF, 0x01, 0x80, 0xFF];
        // Data sheet: 32 zeros at the start; at least half a pulse a pixel, here 2, behind 32.
        assert_eq!(bus.take(), [[&[0; 4][..], &pixel, &pixel, &pixel, &[0; 4], &[0]].concat()]);
    }

    #[test]
    fn the_longest_strip_fits_into_one_transfer() {
        for kind in [StripKind::Ws2812, StripKind::Apa102] {
            strip(kind, 150);
        }
    }

    #[test]
    fn a_strip_is_dark_at_first_for_nobody_and_after_the_end() {
        for kind in [StripKind::Ws2812, StripKind::Apa102] {
            let (strip, bus) = strip(kind, 1);
            let dark = bus.last();
            let mut output =
                Coloured::new(strip, &LedsConfig { transition_s: 0.0, ..LedsConfig::default() }, &Workers::default()).unwrap();
            for view in [View::Watching(&nobody(100)), View::Paused] {
                output.show(View::Watching(&seeing(Emotion::Sad, 1.0, 0))).unwrap();
                wait_until(|| bus.last() != dark);
                output.show(view).unwrap();
                wait_until(|| bus.last() == dark);
            }
            output.show(View::Watching(&seeing(Emotion::Sad, 1.0, 300))).unwrap();
            wait_until(|| bus.last() != dark);
            drop(output);
            assert_eq!(bus.last(), dark);
        }
    }

    #[test]
    fn nothing_is_sent_while_nothing_changes_and_a_failure_is_told() {
        let (mut strip, bus) = strip(StripKind::Ws2812, 1);
        bus.take();
        for _ in 0..3 {
            strip.set([0.5; 3]).unwrap();
        }
        assert_eq!(bus.take().len(), 1);
        bus.unplugged.store(true, Ordering::SeqCst);
        let error = strip.set(DARK).unwrap_err().to_string();
        assert_eq!(error, "cannot send to the strip at /dev/spidev0.0: Other");
    }

    #[test]
    fn a_transition_allocates_nothing() {
        let (mut strip, _) = strip(StripKind::Ws2812, 12);
        let info = allocation_counter::measure(|| {
            for step in 0..10 {
                encode_ws2812([step; 3], strip.pixels, &mut strip.bytes);
                encode_apa102([step; 3], strip.pixels, &mut strip.bytes);
            }
        });
        assert_eq!(info.count_total, 0);
    }

    #[test]
    fn a_missing_spi_device_and_denied_access_say_what_helps() {
        let config = StripConfig { kind: StripKind::Ws2812, device: "/nonexistent/spidev9.9".into(), pixels: 1 };
        let error = format!("{:#}", open(&config).err().unwrap());
        assert!(error.contains("/nonexistent/spidev9.9") && error.contains("raspi-config nonint do_spi 0"), "{error}");
        let denied = cannot_open(Path::new("/dev/null"), &io::Error::from_raw_os_error(13)).to_string();
        assert!(denied.starts_with("cannot open the SPI device /dev/null (it belongs to "), "{denied}");
    }
}
