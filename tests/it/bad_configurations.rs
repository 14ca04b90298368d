//! Some five hundred configurations that are wrong in one place: each key of the sample file with values of another type, too small, too large, misspelt and
//! doubled, and those that only people think of.

use std::path::Path;
use std::time::{Duration, Instant};

use toml::Value;
use visaged::commands::exit;

use super::commands::visaged;

const SAMPLE: &str = include_str!("../../systemd/visaged.toml");

/// Keys that name a GPIO line, by number or name.
fn names_a_line(table: &str, key: &str) -> bool {
    table == "leds.lines" || ["data_command", "reset", "backlight", "privacy_line", "line"].contains(&key)
}

/// Keys that are one of a few words, or another text of one form.
fn has_few_values(table: &str, key: &str) -> bool {
    ["source", "pixel_format", "replay_speed", "kind", "language", "night", "controller", "driver", "setting"].contains(&key)
        || (table, key) == ("classifier", "size")
}

/// What cannot stand where `good` stands.
fn wrong_values(table: &str, key: &str, good: &Value) -> &'static [&'static str] {
    match good {
        _ if names_a_line(table, key) => &["true", "1.5", "[17]", "-1", "4294967296", "1979-05-27"],
        Value::Boolean(_) => &["1", "\"true\"", "[true]"],
        Value::Integer(_) => &["\"wide\"", "true", "1.5", "-1", "4294967296", "99999999999999999999", "nan", "[1]", "{ a = 1 }"],
        Value::Float(_) => &["\"wide\"", "true", "-0.01", "1e12", "nan", "inf", "-inf", "[1.0]"],
        Value::Array(_) => &["3", "\"16, 20, 21\"", "[16, 20]", "[16, 20, true]", "[1, 1, 1]"],
        _ if has_few_values(table, key) => &["17", "true", "\"nonsense\"", "[\"auto\"]"],
        _ => &["17", "true", "[\"auto\"]", "{ path = \"a\" }"],
    }
}

/// Files that are wrong in line 3, with what they are to say about it.
fn generated() -> Vec<(String, String)> {
    let mut cases = Vec::new();
    let mut pending = vec![(String::new(), SAMPLE.parse::<toml::Table>().unwrap())];
    while let Some((table, keys)) = pending.pop() {
        for (key, value) in keys {
            if let Value::Table(inner) = value {
                pending.push((if table.is_empty() { key } else { format!("{table}.{key}") }, inner));
                continue;
            }
            for wrong in wrong_values(&table, &key, &value) {
                cases.push((format!("[{table}]\n# Wrong:\n{key} = {wrong}\n"), format!("{key} in [{table}] must be ")));
            }
            let misspelt = format!("{}x{}", &key[..1], &key[1..]);
            cases.push((
                format!("[{table}]\n# Wrong:\n{misspelt} = {value}\n"),
                format!("unknown key `{misspelt}` in [{table}] (did you mean "),
            ));
            cases.push((
                format!("[{table}]\n{key} = {value}\n{key} = {value}\n"),
                format!("`{key}` stands here a second time: leave one of them out"),
            ));
        }
    }
    cases
}

/// A value at the wrong side of each limit, in line 3.
#[rustfmt::skip]
const OUT_OF_RANGE: &[(&str, &str, &[&str])] = &[
    ("camera", "width", &["15", "4097"]),
    ("camera", "height", &["15", "4097"]),
    ("camera", "frames_per_second", &["0", "121"]),
    ("camera", "frozen_after_s", &["3600.1"]),
    ("detector", "scale_factor", &["1.0", "4.01"]),
    ("detector", "min_neighbors", &["101"]),
    ("detector", "min_size", &["4097"]),
    ("detector", "max_size", &["4097", "47"]),
    ("detector", "threshold", &["1.0"]),
    ("tracker", "smoothing_s", &["60.1"]),
    ("tracker", "announce_after_s", &["60.1"]),
    ("tracker", "lead", &["1.01"]),
    ("tracker", "forget_after_s", &["60.1"]),
    ("tracker", "min_overlap", &["0.0", "1.01"]),
    ("display", "dim_after_s", &["86401"]),
    ("display", "night", &["\"24:00-07:00\"", "\"22:00\"", "\"22:60-07:00\"", "\"-\""]),
    ("display.panel", "address", &["7", "120"]),
    ("display.panel", "speed_hz", &["99999", "125000001"]),
    ("display.panel", "rotation", &["1", "360"]),
    ("leds", "brightness", &["1.01"]),
    ("leds", "idle_brightness", &["1.01"]),
    ("leds", "transition_s", &["60.1"]),
    ("leds", "privacy_line", &["1024"]),
    ("leds.lines", "happy", &["1024"]),
    ("leds.strip", "pixels", &["0", "151"]),
    ("buzzer", "line", &["1024"]),
    ("button", "line", &["1024"]),
    ("button", "long_press_s", &["0.4", "60.1"]),
    ("privacy_switch", "line", &["1024"]),
    ("statistics", "flush_s", &["59", "86401"]),
    ("statistics", "retention_days", &["0", "36501"]),
    ("statistics", "max_mib", &["3", "4097"]),
    ("statistics", "interval_s", &["0", "86401"]),
    ("mqtt", "state_every_s", &["0", "3601"]),
    ("mqtt", "prefix", &["\"\"", "\"visaged/#\"", "\"a//b\""]),
    ("device", "name", &["\"two\\nlines\"", "\"\\u001b[2J\""]),
];

/// Wrong in line 3, in ways of their own.
const WRITTEN: &[(&str, &str)] = &[
    ("[camera]\nsource = \"replay\"\nreplay = \"\"", "replay in [camera] must be a file or folder"),
    ("[camera]\nreplay = \"-\"\nreplay_loop = true", "replay_loop in [camera] must be false"),
    ("[detector]\nkind = \"onnx\"\nmodel = \"\"", "model in [detector] must be a YuNet file"),
    ("[leds.lines]\nhappy = 17\nsad = \"GPIO17\"", "sad in [leds.lines] must be another line"),
    ("[display.panel]\ncontroller = \"ssd1306\"\nwidth = 129", "width in [display.panel] must be from 32 to 128"),
    ("[display.panel]\ncontroller = \"ssd1306\"\nheight = 48", "height in [display.panel] must be 32 or 64"),
    ("[display.panel]\ncontroller = \"gc9a01\"\noffset_x = 1", "offset_x in [display.panel] must be from 0 to 0"),
    ("[display.panel]\ncontroller = \"gc9a01\"\nbus = \"/dev/i2c-1\"", "bus in [display.panel] must be an SPI device"),
    ("[display.panel]\ncontroller = \"gc9a01\"\ndata_command = \"\"", "data_command in [display.panel] must be a line"),
    ("\n\ncamera = 3", "camera must be a table"),
    ("\n\ncamera = []", "camera must be a table"),
    ("\n\n[[camera]]", "camera must be a table"),
    ("[display]\n\npanel = \"ili9341\"", "panel in [display] must be a table"),
    ("[display]\n\npanel = { rotation = 5 }", "rotation in [display.panel] must be 0, 90, 180 or 270"),
    ("[leds]\n\nrgb.lines = [1, 2]", "lines in [leds.rgb] must be three lines"),
    ("\n\n[kamera]", "unknown table `kamera` (did you mean `camera`?)"),
    ("\n\nwidth = 640", "unknown key `width` (did you mean "),
    ("\n\n[camera.width]", "width in [camera] must be a whole number"),
    ("[camera]\n\nwidth.height = 3", "width in [camera] must be a whole number"),
    ("[camera]\nwidth = 640\n[camera]", "`camera` stands here a second time"),
    ("\n\n\"\" = 3", "unknown key `` (did you mean "),
    ("[camera]\n\nwidth 640", "key with no value, expected `=`"),
    ("[camera]\n\nwidth = ", "string values must be quoted"),
    ("[camera]\n\nwidth = = 640", "expected"),
    ("[camera]\n\nwidth = 640 480", "expected"),
    ("[camera]\n\nsource = auto", "string values must be quoted"),
    ("[camera]\n\nsource = \"auto", "expected `\"`"),
    ("[camera]\n\nsource = 'auto", "expected `'`"),
    ("[camera]\n\nsource = \"\\q\"", "expected"),
    ("[camera]\n\nreplay_loop = True", "expected"),
    ("[camera]\n\nwidth = 0640", "unexpected leading zero"),
    ("[camera]\n\nwidth = 6_40_", "expected"),
    ("[camera]\n\nwidth = 0x", "width in [camera]: "),
    ("\n\n[camera", "expected `]`"),
    ("\n\n[]", "unquoted keys cannot be empty"),
    ("\n\n= 3", "expected"),
    ("\n\n{\"camera\": {\"width\": 640}}", "expected"),
    ("\n\n<camera/>", "expected"),
    ("\n\n\u{1}", "expected"),
    ("[leds.rgb]\n\nlines = [16, 20, 21", "expected"),
];

#[test]
fn each_bad_configuration_is_refused_with_file_line_key_and_remedy_in_no_time_and_with_its_own_code() {
    let ranged = OUT_OF_RANGE.iter().flat_map(|(table, key, values)| {
        values.iter().map(move |value| (format!("[{table}]\n\n{key} = {value}"), format!("{key} in [{table}] must be ")))
    });
    let written = WRITTEN.iter().map(|(text, said)| ((*text).to_owned(), (*said).to_owned()));
    let cases: Vec<_> = generated().into_iter().chain(ranged).chain(written).collect();
    assert!(cases.len() >= 500, "{}", cases.len());
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (number, (text, expected)) in cases.iter().enumerate() {
        let path = folder.path().join(format!("{number}.toml"));
        std::fs::write(&path, text).unwrap();
        let begin = Instant::now();
        let (code, message) = refused_or_taken(&path);
        assert!(begin.elapsed() < Duration::from_millis(200), "{text}");
        let place = format!("{}:3: ", path.display());
        if code != exit::CONFIGURATION || !message.strip_prefix(&place).is_some_and(|said| said.contains(expected)) {
            wrong.push(format!("{text:?}\n    should say: {expected}\n    says: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The exit code and what is said.
fn refused_or_taken(path: &Path) -> (u8, String) {
    visaged(&["check", "--config", path.to_str().unwrap()]).map_or_else(|refusal| refusal, |said| (0, said))
}

#[test]
fn a_configuration_that_is_no_text_is_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("visaged.toml");
    std::fs::write(&path, b"[camera]\nwidth = \xff\n").unwrap();
    let (code, message) = refused_or_taken(&path);
    assert!(code == exit::CONFIGURATION && message.contains("visaged.toml"), "{message}");
    let (code, _) = refused_or_taken(folder.path());
    assert_eq!(code, exit::CONFIGURATION);
}
