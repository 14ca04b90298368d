//! The panels against simulated controllers: what arrives there must be the picture.

use std::time::Duration;

use embedded_graphics::pixelcolor::{Rgb565, Rgb666, Rgb888};
use embedded_graphics::prelude::RgbColor;

use super::simulator::{Bus, NOISE, NoDelay, OledController, Pin, TftController, as_16_bits, as_18_bits};
use super::*;
use crate::classifier::Emotion;
use crate::frame::BoundingBox;
use crate::outputs::display::words::Language;
use crate::tracker::{Observation, TrackedFace};

/// A face that is so sure, two seconds and some after the start.
fn seeing(expression: Emotion, confidence: f32, millis: u64) -> Observation {
    let face = TrackedFace {
        bounding_box: BoundingBox { x: 100, y: 80, width: 120, height: 120 },
        ..TrackedFace::showing(1, expression, confidence)
    };
    Observation {
        captured_at: Duration::from_millis(2000 + millis),
        image_size: (640, 480),
        faces: vec![face],
        ..Observation::default()
    }
}

fn config(controller: PanelController) -> PanelConfig {
    PanelConfig { controller, ..PanelConfig::default() }
}

/// A panel with its scene.
fn display(config: &PanelConfig, panel: Box<dyn Panel>) -> PanelDisplay {
    PanelDisplay::with_panel(config, panel, None, SceneStyle::default())
}

fn oled_on_i2c(config: &PanelConfig) -> (PanelDisplay, Bus<OledController>) {
    oled_on_i2c_in(config, Language::En)
}

fn oled_on_i2c_in(config: &PanelConfig, language: Language) -> (PanelDisplay, Bus<OledController>) {
    let bus = Bus::new(OledController::new(config.controller == PanelController::Sh1106));
    let wire = I2cWire::new(bus.clone(), config.address as u8);
    let style = SceneStyle { language, ..SceneStyle::default() };
    (PanelDisplay::with_panel(config, start_oled(wire, config).unwrap(), None, style), bus)
}

fn tft(config: &PanelConfig) -> (PanelDisplay, Bus<TftController>) {
    let (memory, bytes) = match config.controller {
        PanelController::Ili9488 => ((320, 480), 3),
        PanelController::Gc9a01 => ((240, 240), 2),
        _ => ((240, 320), 2),
    };
    let bus = Bus::new(TftController::new(memory, bytes));
    let panel = start_on_spi(bus.clone(), bus.line(Pin::DataCommand), Some(bus.line(Pin::Reset)), config, &mut NoDelay).unwrap();
    (display(config, panel), bus)
}

/// Bytes on the bus for one view.
fn bytes_for<C>(display: &mut PanelDisplay, bus: &Bus<C>, observation: &Observation) -> usize {
    let (before, counted) = (bus.0.borrow().bytes, display.panel.sent());
    let now = Moment { elapsed: observation.captured_at, ..Moment::default() };
    display.show_at(View::Watching(observation), now).unwrap();
    let bytes = bus.0.borrow().bytes - before;
    assert_eq!(display.panel.sent() - counted, bytes, "what the panel reports is what the bus saw");
    bytes
}

/// Views as they follow each other: the same, a little more of it, another expression with the face in motion.
fn story() -> Vec<Observation> {
    let mut story = vec![seeing(Emotion::Happy, 0.80, 0), seeing(Emotion::Happy, 0.80, 66), seeing(Emotion::Happy, 0.84, 133)];
    story.extend((0..12).map(|frame| seeing(Emotion::Surprise, 0.7, 200 + 66 * frame)));
    story
}

fn assert_oled_shows_the_canvas(display: &PanelDisplay, bus: &Bus<OledController>, rotation: u32) {
    let connection = bus.0.borrow();
    for (y, row) in display.canvas.rows().enumerate() {
        for (x, pixel) in row.iter().enumerate() {
            // Where a corner of the picture goes when it is turned clockwise on a glass of 128 × 64.
            let (column, row) = match rotation {
                90 => (127 - y, x),
                180 => (127 - x, 63 - y),
                270 => (y, 63 - x),
                _ => (x, y),
            };
            assert!([Rgb888::BLACK, Rgb888::WHITE].contains(pixel), "one colour has two");
            let light = *pixel == Rgb888::WHITE;
            assert_eq!(connection.controller.is_lit(column, row), light, "{x}, {y} turned by {rotation}");
        }
    }
}

#[test]
fn an_ssd1306_is_started_as_its_data_sheet_says_and_lit_with_the_first_picture() {
    let (mut display, bus) = oled_on_i2c(&config(PanelController::Ssd1306));
    // Application note of the data sheet, figure 2 "Software initialization flow chart", with the charge pump of section 2.1; the order there is A8, D3,
    // 40, A1, C8, DA, 81, A4, A6, D5, 8D, AF.
    let expected = [
        0xAE, 0xD5, 0x80, 0xA8, 0x3F, 0xD3, 0x00, 0x40, 0xA1, 0xC8, 0xDA, 0x12, 0x8D, 0x14, 0x20, 0x02, 0xD9, 0xF1, 0xDB, 0x40,
        0xA4, 0xA6,
    ];
    assert_eq!(bus.0.borrow().controller.commands, expected);
    assert!(!bus.0.borrow().controller.on, "noise is not shown");
    display.show(View::Starting).unwrap();
    assert!(bus.0.borrow().controller.on);
    drop(display);
    assert!(!bus.0.borrow().controller.on);
}

#[test]
fn a_flat_panel_has_other_rows_and_other_pins() {
    let (_display, bus) = oled_on_i2c(&PanelConfig { height: 32, ..config(PanelController::Ssd1306) });
    let commands = bus.0.borrow().controller.commands.clone();
    let argument = |command| commands[commands.iter().position(|byte| *byte == command).unwrap() + 1];
    assert_eq!((argument(0xA8), argument(0xDA)), (31, 0x02));
}

#[test]
fn what_an_oled_shows_is_the_scene_pixel_for_pixel_however_it_is_turned() {
    for controller in [PanelController::Ssd1306, PanelController::Sh1106] {
        for rotation in [0, 90, 180, 270] {
            let (mut display, bus) = oled_on_i2c(&PanelConfig { rotation, ..config(controller) });
            for observation in story() {
                while bytes_for(&mut display, &bus, &observation) > 0 {}
                assert_oled_shows_the_canvas(&display, &bus, rotation);
            }
            display.show(View::CameraLost { reason: "unplugged" }).unwrap();
            assert_oled_shows_the_canvas(&display, &bus, rotation);
        }
    }
}

#[test]
fn on_spi_the_same_picture_arrives() {
    let config = PanelConfig { bus: "/dev/spidev0.0".into(), invert: true, ..config(PanelController::Ssd1306) };
    let bus = Bus::new(OledController::new(false));
    let panel = start_on_spi(bus.clone(), bus.line(Pin::DataCommand), Some(bus.line(Pin::Reset)), &config, &mut NoDelay).unwrap();
    let mut display = display(&config, panel);
    for observation in story() {
        while bytes_for(&mut display, &bus, &observation) > 0 {}
        assert_oled_shows_the_canvas(&display, &bus, 0);
    }
    assert!(bus.0.borrow().controller.inverted);
    assert_eq!(bus.0.borrow().resets, [false, true]);
}

/// Pictures of one view, so many a second, from a time on: the bytes of each.
fn bytes_of_each(
    display: &mut PanelDisplay,
    bus: &Bus<OledController>,
    view: &Observation,
    per_second: u64,
    from: u64,
) -> Vec<usize> {
    let at = |picture| Duration::from_millis(from + 1000 * picture / per_second);
    (0..per_second)
        .map(|picture| {
            let bytes = bytes_for(display, bus, &Observation { captured_at: at(picture), ..view.clone() });
            if at(picture) >= Duration::from_millis(from + 500) {
                assert_oled_shows_the_canvas(display, bus, 0);
            }
            bytes
        })
        .collect()
}

/// What changes from one second to the next while somebody stands there, comes or goes.
fn typical_changes() -> Vec<(String, Observation, Observation)> {
    let mut changes = Vec::new();
    for from in Emotion::ALL {
        for to in Emotion::ALL.into_iter().filter(|to| *to != from) {
            changes.push((format!("{from} to {to}"), seeing(from, 0.8, 0), seeing(to, 0.7, 0)));
        }
        let (sure, nobody) = (seeing(from, 0.8, 0), Observation::default());
        let mut two = sure.clone();
        two.faces.push(TrackedFace { id: 2, expression: Emotion::Neutral, ..sure.faces[0] });
        for (what, other) in [("less sure", seeing(from, 0.6, 0)), ("and a second face", two), ("and nobody", nobody)] {
            changes.push((format!("{from} {what}"), sure.clone(), other.clone()));
            changes.push((format!("{from} {what}, back again"), other, sure.clone()));
        }
    }
    changes
}

/// What the first picture of a change would take if all of it were sent at once.
fn bytes_at_once(config: &PanelConfig, language: Language, before: &Observation, after: &Observation) -> usize {
    let (mut display, bus) = oled_on_i2c_in(config, language);
    bytes_of_each(&mut display, &bus, before, 2, 1000);
    display.pace = pace::Pace::default();
    bytes_for(&mut display, &bus, &Observation { captured_at: Duration::from_secs(2), ..after.clone() })
}

/// Median and most.
fn middle_and_most(mut values: Vec<usize>) -> (usize, usize) {
    values.sort_unstable();
    (values[values.len() / 2], values[values.len() - 1])
}

#[test]
fn no_picture_of_a_change_takes_more_than_a_fifth_of_an_ssd1306s_frame_and_half_a_second_later_the_change_is_there() {
    // With ten pictures a second there are the fewest to spread a change over.
    for (height, per_second, languages) in
        [(64, 10, &Language::ALL[..]), (32, 10, &Language::ALL[..]), (64, 15, &Language::ALL[..1]), (64, 30, &Language::ALL[..1])]
    {
        let config = PanelConfig { height, ..config(PanelController::Ssd1306) };
        let (mut at_once, mut first, mut later, mut whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (name, before, after) in typical_changes() {
            for &language in languages {
                let (mut display, bus) = oled_on_i2c_in(&config, language);
                // Before the first blink, which comes at 4.3 s.
                bytes_of_each(&mut display, &bus, &before, per_second, 1000);
                let bytes = bytes_of_each(&mut display, &bus, &after, per_second, 2000);
                for bytes in &bytes {
                    assert!(*bytes <= 1024 / 5, "{name} in {language:?}, {per_second} pictures a second: {bytes} bytes");
                }
                at_once.push(bytes_at_once(&config, language, &before, &after));
                first.push(bytes[0]);
                later.extend(bytes[1..].iter().filter(|bytes| **bytes > 0));
                whole.push(bytes.iter().sum());
            }
        }
        let [at_once, first, later, whole] = [at_once, first, later, whole].map(middle_and_most);
        println!(
            "128×{height}, {per_second} pictures a second, bytes (median, most): first picture {first:?}, at once it would be {at_once:?}; \
             later pictures with any {later:?}; the whole change {whole:?}"
        );
    }
}

#[test]
fn while_nothing_changes_nothing_is_sent() {
    let (mut display, bus) = oled_on_i2c(&config(PanelController::Ssd1306));
    let frame = 128 * 64 / 8;
    // All eight pages: the frame, on each page seven bytes of addresses, and at the end contrast and "on".
    assert_eq!(bytes_for(&mut display, &bus, &seeing(Emotion::Happy, 0.8, 0)), frame + 8 * 7 + 5);
    assert_eq!(bytes_for(&mut display, &bus, &seeing(Emotion::Happy, 0.8, 66)), 0);
}

#[test]
fn a_view_that_may_be_the_last_for_a_second_is_sent_at_once() {
    let (mut display, bus) = oled_on_i2c(&config(PanelController::Ssd1306));
    bytes_for(&mut display, &bus, &seeing(Emotion::Happy, 0.8, 0));
    for view in [View::Paused, View::Covered, View::Starting, View::CameraLost { reason: "unplugged" }] {
        display.show_at(view, Moment { elapsed: Duration::from_millis(2010), ..Moment::default() }).unwrap();
        assert_oled_shows_the_canvas(&display, &bus, 0);
    }
}

#[test]
fn a_silent_address_is_said_with_what_to_look_at() {
    let bus = Bus::new(OledController::new(false));
    let error = start_oled(I2cWire::new(bus, 0x3D), &config(PanelController::Ssd1306)).err().unwrap();
    assert_eq!(
        format!("{error:#}"),
        "nothing answers at address 0x3d: check the wiring and the address (`sudo i2cdetect -y 1` shows who is there)"
    );
}

/// The start sequence that matters: reset, colours, sleep out, on.
#[test]
fn a_tft_is_reset_told_its_format_woken_and_switched_on() {
    // Pixel format: 16 bits 0x55, 18 bits 0x66. Address mode: BGR is bit 3. Inversion on: 0x21.
    for (controller, format, mode, inversion) in [
        (PanelController::Ili9341, 0x55, 0x08, 0x20),
        (PanelController::Ili9488, 0x66, 0x08, 0x20),
        (PanelController::St7789, 0x55, 0x00, 0x21),
        (PanelController::Gc9a01, 0x55, 0x08, 0x21),
    ] {
        let (_display, bus) = tft(&config(controller));
        let connection = bus.0.borrow();
        assert_eq!(connection.resets, [false, true], "{controller:?}");
        let controller = &connection.controller;
        assert_eq!(controller.arguments(0x3A), Some(&[format][..]));
        assert_eq!(controller.arguments(0x36), Some(&[mode][..]));
        assert!(controller.arguments(inversion).is_some());
        let position = |code| controller.commands.iter().position(|(command, _)| *command == code).unwrap();
        assert!(position(0x11) < position(0x29), "out of sleep before on");
    }
}

#[test]
fn what_a_tft_shows_is_the_scene_pixel_for_pixel_however_it_is_turned() {
    for controller in [PanelController::Ili9341, PanelController::Ili9488, PanelController::St7789, PanelController::Gc9a01] {
        for rotation in [0, 90, 180, 270] {
            let config = PanelConfig { rotation, ..config(controller) };
            let (mut display, bus) = tft(&config);
            for observation in &story()[..6] {
                bytes_for(&mut display, &bus, observation);
            }
            assert_tft_shows_the_canvas(&display, &bus, &config);
            assert!(bus.0.borrow().longest <= 4096, "the kernel takes no more at once");
        }
    }
}

#[test]
fn a_glass_that_is_smaller_than_its_memory_shows_the_scene_in_its_place() {
    // The sizes and offsets that are sold: 240×240, 135×240, 170×320, 172×320.
    for (width, height, offset_x, offset_y) in [(240, 240, 0, 0), (135, 240, 52, 40), (170, 320, 35, 0), (172, 320, 34, 0)] {
        for rotation in [0, 90, 180, 270] {
            let config = PanelConfig { width, height, offset_x, offset_y, rotation, ..config(PanelController::St7789) };
            let (mut display, bus) = tft(&config);
            display.show(View::Watching(&story()[0])).unwrap();
            assert_tft_shows_the_canvas(&display, &bus, &config);
        }
    }
}

fn assert_tft_shows_the_canvas(display: &PanelDisplay, bus: &Bus<TftController>, config: &PanelConfig) {
    let connection = bus.0.borrow();
    let (width, height) = config.glass();
    let (width, height) = (width as usize, height as usize);
    let mut seen = 0;
    for (y, row) in display.canvas.rows().enumerate() {
        for (x, pixel) in row.iter().enumerate() {
            let (column, row) = match config.rotation {
                90 => (width - 1 - y, x),
                180 => (width - 1 - x, height - 1 - y),
                270 => (y, height - 1 - x),
                _ => (x, y),
            };
            let expected = match config.controller {
                PanelController::Ili9488 => as_18_bits(Rgb666::from(*pixel)),
                _ => as_16_bits(Rgb565::from(*pixel)),
            };
            let place = (column + config.offset_x as usize, row + config.offset_y as usize);
            let shown = connection.controller.pixel_at(place.0, place.1);
            assert_eq!(shown, expected, "{x}, {y} of {:?} turned by {}", config.controller, config.rotation);
            seen += 1;
        }
    }
    assert_eq!(seen, width * height);
    let written = connection.controller.memory.iter().filter(|value| **value != NOISE).count();
    assert_eq!(written, seen, "nothing is written beside the glass");
}

#[test]
fn the_bytes_of_known_colours_are_those_of_the_data_sheet() {
    // Red is the upper five bits of the first byte, blue the lower five of the second.
    assert_eq!(as_16_bits(Rgb565::from(Rgb888::new(255, 0, 0))), 0xF800);
    assert_eq!(as_16_bits(Rgb565::from(Rgb888::new(0, 0, 255))), 0x001F);
    assert_eq!(as_18_bits(Rgb666::from(Rgb888::new(255, 0, 0))), 0xFC_0000);
    assert_eq!(as_18_bits(Rgb666::from(Rgb888::new(0, 255, 0))), 0x00_FC00);
}

#[test]
fn of_a_tft_too_only_what_changed_is_sent() {
    let (mut display, bus) = tft(&PanelConfig { rotation: 90, ..config(PanelController::Ili9341) });
    let frame = 320 * 240 * 2;
    let bytes: Vec<usize> = story().iter().map(|observation| bytes_for(&mut display, &bus, observation)).collect();
    println!("bytes for each view: {bytes:?}, a frame has {frame}; {} windows", bus.0.borrow().controller.windows);
    assert_eq!(bytes[0], frame + 11);
    assert!(bytes[1] <= frame / 20, "nearly nothing: {}", bytes[1]);
    assert!(bytes[2] <= frame / 20, "a little more confidence: {}", bytes[2]);
    assert!(bytes[3..].iter().all(|bytes| *bytes <= frame / 3), "the face moves: {bytes:?}");
    let before = display.panel.sent();
    display.panel.show(&display.canvas, usize::MAX).unwrap();
    assert_eq!(display.panel.sent(), before, "the same picture again");
    drop(display);
    let connection = bus.0.borrow();
    assert!(connection.controller.memory.iter().all(|pixel| *pixel == 0), "black at the end");
}

#[test]
fn sending_a_picture_allocates_nothing() {
    let (first, second) = (seeing(Emotion::Happy, 0.8, 0), seeing(Emotion::Happy, 0.6, 5000));
    let (mut display, bus) = oled_on_i2c(&config(PanelController::Ssd1306));
    bus.0.borrow_mut().controller.commands.reserve(100_000);
    for observation in [&first, &second, &first] {
        while bytes_for(&mut display, &bus, observation) > 0 {}
    }
    let allocations = allocation_counter::measure(|| while bytes_for(&mut display, &bus, &second) > 0 {});
    assert_eq!(allocations.count_total, 0);
    for controller in [PanelController::Ili9341, PanelController::Ili9488] {
        let (mut display, bus) = tft(&config(controller));
        // The recording must not grow.
        bus.0.borrow_mut().controller.commands.reserve(10_000);
        for observation in [&first, &second, &first] {
            display.show(View::Watching(observation)).unwrap();
        }
        let allocations = allocation_counter::measure(|| display.show(View::Watching(&second)).unwrap());
        assert_eq!(allocations.count_total, 0, "{controller:?}");
    }
}
