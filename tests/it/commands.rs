//! The commands as people call them: what they print, and what they say about bad input.

use std::path::PathBuf;

use clap::Parser;
use serde_json::Value;
use visaged::commands::{Cli, exit};

/// Runs a command; its output, or its exit code and its one line.
pub(super) fn visaged(arguments: &[&str]) -> Result<String, (u8, String)> {
    let cli =
        Cli::try_parse_from(std::iter::once(&"visaged").chain(arguments)).map_err(|error| (exit::USAGE, error.to_string()))?;
    let mut out = Vec::new();
    cli.run(&mut out).map_err(|error| (exit::code(&error), format!("{error:#}")))?;
    Ok(String::from_utf8(out).unwrap())
}

/// The exit code and the message of a command that must fail; the message is one line.
pub(super) fn refused(arguments: &[&str]) -> (u8, String) {
    let (code, message) = visaged(arguments).unwrap_err();
    assert!(!message.contains('\n'), "{message}");
    (code, message)
}

const ASTRONAUT: &str = "tests/data/golden/pictures/astronaut_512x512.png";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn detect_prints_one_json_object_a_picture() {
    let output = visaged(&["detect", "--json", ASTRONAUT, "tests/data/golden/pictures/flat_64x48.png"]).unwrap();
    let reports: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), 2);
    assert_eq!((&reports[0]["file"], &reports[0]["width"], &reports[0]["height"]), (&ASTRONAUT.into(), &512.into(), &512.into()));
    let face = reports[0]["faces"][0].as_object().unwrap();
    assert_eq!(face.keys().collect::<Vec<_>>(), ["height", "score", "width", "x", "y"]);
    assert_eq!(reports[1]["faces"], Value::Array(vec![]));
}

#[test]
fn classify_names_the_most_probable_expression_of_each_face() {
    for arguments in [&["classify", "--json", ASTRONAUT][..], &["classify", "--json", "--crops", ASTRONAUT]] {
        let report: Value = serde_json::from_str(&visaged(arguments).unwrap()).unwrap();
        let face = &report["faces"][0];
        let probabilities = face["probabilities"].as_object().unwrap();
        assert_eq!(probabilities.len(), 7);
        let values = || probabilities.values().map(|value| value.as_f64().unwrap());
        assert!((values().sum::<f64>() - 1.0).abs() < 1e-5);
        let expression = face["expression"].as_str().unwrap();
        assert_eq!(probabilities[expression].as_f64(), values().reduce(f64::max));
    }
}

#[test]
fn evaluate_reports_what_was_counted() {
    let folder = Folder::new();
    // Three flat pictures of 48×48, labelled angry, happy, happy.
    let images = [&[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 48, 0, 0, 0, 48][..], &[0; 2304], &[128; 2304], &[255; 2304]].concat();
    folder.write("few-images-idx3-ubyte", images);
    folder.write("few-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 3, 0, 3, 3]);
    let data = folder.0.path().to_str().unwrap();
    let report: Value =
        serde_json::from_str(&visaged(&["evaluate", "--data", data, "--split", "few", "--json"]).unwrap()).unwrap();
    assert_eq!((&report["split"], &report["images"]), (&"few".into(), &3.into()));
    assert_eq!(report["per_class"]["happy"]["support"], 2);
    let counted: u64 =
        report["confusion"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(counted, 3);
    assert!(visaged(&["evaluate", "--data", data, "--split", "few"]).unwrap().contains("macro-F1"));
}

#[test]
fn a_picture_that_is_missing_damaged_or_too_large_is_named() {
    let folder = Folder::new();
    let (code, message) = refused(&["detect", "no/such/picture.png"]);
    assert_eq!(code, exit::MISSING_INPUT);
    assert!(message.contains("no/such/picture.png"), "{message}");

    let png = std::fs::read(ASTRONAUT).unwrap();
    let cut = folder.write("cut.png", &png[..png.len() / 2]);
    let text = folder.write("text.jpg", "this is no picture");
    // A header that promises 60,000 × 60,000 pixels.
    let mut huge_bytes = png;
    huge_bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let huge = folder.write("huge.png", huge_bytes);
    for path in [&cut, &text, &huge] {
        for command in [&["detect", path][..], &["classify", path], &["classify", "--crops", path]] {
            let (code, message) = refused(command);
            assert_eq!(code, exit::BAD_DATA, "{message}");
            assert!(message.contains(path.as_str()), "{message}");
        }
    }
}

#[test]
fn one_bad_picture_does_not_keep_the_others_from_being_looked_at() {
    let cli = Cli::try_parse_from(["visaged", "detect", "--json", "no/such/picture.png", ASTRONAUT]).unwrap();
    let mut out = Vec::new();
    assert!(cli.run(&mut out).is_err());
    assert!(String::from_utf8(out).unwrap().contains("astronaut"));
}

#[test]
fn a_cascade_that_is_missing_or_damaged_is_named_with_what_helps() {
    let folder = Folder::new();
    let (code, message) = refused(&["detect", "--cascade", "no/such/cascade.xml", ASTRONAUT]);
    assert_eq!(code, exit::MISSING_INPUT);
    assert!(message.contains("no/such/cascade.xml") && message.contains("opencv-data"), "{message}");
    let damaged = folder.write("damaged.xml", "<opencv_storage><cascade>");
    let (code, message) = refused(&["detect", "--cascade", &damaged, ASTRONAUT]);
    assert_eq!(code, exit::BAD_DATA);
    assert!(message.contains(&damaged), "{message}");
}

#[test]
fn a_network_that_is_missing_or_damaged_is_named() {
    let folder = Folder::new();
    let (code, message) = refused(&["classify", "--crops", "--model", "no/such/model.onnx", ASTRONAUT]);
    assert_eq!(code, exit::MISSING_INPUT);
    assert!(message.contains("no/such/model.onnx"), "{message}");

    let model = std::fs::read("models/mini_xception_nano.onnx").unwrap();
    let path = folder.write("model.onnx", &model);
    let (code, message) = refused(&["classify", "--crops", "--model", &path, ASTRONAUT]);
    assert_eq!(code, exit::MISSING_INPUT);
    assert!(message.contains("model.onnx.sha256"), "{message}");

    std::fs::copy("models/mini_xception_nano.onnx.sha256", folder.0.path().join("model.onnx.sha256")).unwrap();
    visaged(&["classify", "--crops", "--model", &path, ASTRONAUT]).unwrap();
    let mut damaged = model;
    damaged[20_000] ^= 1;
    folder.write("model.onnx", damaged);
    let (code, message) = refused(&["classify", "--crops", "--model", &path, ASTRONAUT]);
    assert_eq!(code, exit::BAD_DATA);
    assert!(message.contains("SHA-256"), "{message}");
}

#[test]
fn a_configuration_that_is_missing_or_wrong_is_refused_with_its_own_code() {
    let folder = Folder::new();
    assert_eq!(refused(&["check", "--config", "no/such/visaged.toml"]).0, exit::CONFIGURATION);
    let path = folder.write("visaged.toml", "[tracker]\nleed = 0.2\n");
    let (code, message) = refused(&["run", "--config", &path]);
    assert_eq!(
        (code, message),
        (exit::CONFIGURATION, format!("{path}:2: unknown key `leed` in [tracker] (did you mean `lead`?)"))
    );
    visaged(&["check", "--config", "systemd/visaged.toml"]).unwrap();
}

#[test]
fn a_recording_that_is_missing_or_damaged_ends_the_service() {
    let folder = Folder::new();
    let recording = |path: &str| folder.write("visaged.toml", format!("[camera]\nsource = \"replay\"\nreplay = \"{path}\"\n"));
    let (code, message) = refused(&["run", "--config", &recording("/no/such/clip.y4m")]);
    assert_eq!(code, exit::MISSING_INPUT);
    assert!(message.contains("/no/such/clip.y4m"), "{message}");
    for header in [
        "YUV4MPEG2 W0 H0 F25:1\nFRAME\n",
        "YUV4MPEG2 W99999999 H99999999 F25:1\nFRAME\n",
        "RIFF",
        "",
        "YUV4MPEG2 W64 H48 F25:1 C420p10\nFRAME\n",
    ] {
        let clip = folder.write("clip.y4m", header);
        let (code, message) = refused(&["run", "--config", &recording(&clip)]);
        assert_eq!(code, exit::BAD_DATA, "{header:?}: {message}");
        assert!(message.contains("clip.y4m"), "{message}");
    }
}

#[test]
fn a_camera_that_is_not_there_is_named() {
    let (code, message) = refused(&["demo", "/dev/no-such-camera"]);
    assert_eq!(code, exit::MISSING_INPUT);
    assert!(message.contains("/dev/no-such-camera"), "{message}");
}

#[test]
fn the_demo_shows_itself_on_the_display_that_is_named() {
    let folder = Folder::new();
    let picture = folder.0.path().join("scene.png");
    let display = format!("png={}", picture.display());
    visaged(&["demo", "puppet", "--display", &display, "--seconds", "1"]).unwrap();
    assert!(image::open(&picture).is_ok());
    let (code, message) = visaged(&["demo", "--display", "hdmi"]).unwrap_err();
    assert_eq!(code, exit::USAGE);
    assert!(message.contains("png=FILE, drm, fb, and the panels ili9341"), "{message}");
}

#[test]
fn wrong_arguments_are_usage_errors() {
    assert_eq!(visaged(&["detect"]).unwrap_err().0, exit::USAGE);
    let (code, message) = refused(&["detect", "--scale-factor", "1.0", ASTRONAUT]);
    assert_eq!(code, exit::USAGE);
    assert!(message.contains("scale_factor") && message.contains("1.01 to 4"), "{message}");
}

#[test]
fn options_for_the_cascade_and_for_a_network_do_not_go_together() {
    let (code, message) = refused(&["detect", "--detector", "builtin", "--min-neighbors", "3", ASTRONAUT]);
    assert_eq!(code, exit::USAGE);
    assert!(message.contains("do not go together"), "{message}");
    assert_eq!(refused(&["detect", "--cascade", "c.xml", "--threshold", "0.5", ASTRONAUT]).0, exit::USAGE);
    assert_eq!(refused(&["detect", "--detector", "onnx", ASTRONAUT]).0, exit::USAGE);
    let (code, message) = refused(&["detect", "--detector-model", "no/such/yunet.onnx", ASTRONAUT]);
    assert_eq!(code, exit::MISSING_INPUT);
    assert!(message.contains("no/such/yunet.onnx"), "{message}");
    // An ONNX file of another kind is no YuNet.
    let (code, message) = refused(&["detect", "--detector-model", "models/mini_xception_nano.onnx", ASTRONAUT]);
    assert_eq!(code, exit::BAD_DATA);
    assert!(message.contains("cls_8"), "{message}");
}

#[test]
fn each_kind_of_detector_needs_its_own_file_only() {
    let folder = Folder::new();
    let config = |detector: &str| folder.write("visaged.toml", format!("[detector]\n{detector}\n"));
    let no_cascade = "cascade = \"/no/such/cascade.xml\"";
    let finding = |config: &str| {
        let cli = Cli::try_parse_from(["visaged", "doctor", "--json", "--config", config]).unwrap();
        let mut out = Vec::new();
        let code = cli.run(&mut out).err().map(|error| exit::code(&error));
        let parts = String::from_utf8(out).unwrap();
        let parts = parts.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        (code, parts.into_iter().find(|part| part["part"] == "detector").unwrap())
    };

    let builtin = config(&format!("kind = \"builtin\"\n{no_cascade}"));
    visaged(&["check", "--config", &builtin]).unwrap();
    let (code, part) = finding(&builtin);
    assert_eq!((code, &part["state"], &part["message"]), (None, &"good".into(), &"built in".into()));

    let (code, part) = finding(&config(&format!("kind = \"haar\"\n{no_cascade}")));
    assert_eq!((code, &part["state"]), (Some(exit::MISSING_INPUT), &"error".into()));
    assert!(part["message"].as_str().unwrap().contains("opencv-data"), "{part}");

    let (code, part) = finding(&config("kind = \"onnx\"\nmodel = \"/no/such/yunet.onnx\""));
    assert_eq!((code, &part["state"]), (Some(exit::MISSING_INPUT), &"error".into()));
    assert!(part["message"].as_str().unwrap().contains("/no/such/yunet.onnx"), "{part}");
}

#[test]
fn the_manual_names_every_command_and_the_completions_are_for_the_shell() {
    let manual = visaged(&["man"]).unwrap();
    for command in ["run", "demo", "doctor", "check", "detect", "classify", "evaluate", "bench"] {
        assert!(manual.contains(&format!("VISAGED {}", command.to_uppercase())), "{command}");
    }
    assert!(visaged(&["completions", "bash"]).unwrap().contains("complete -F _visaged"));
}

#[test]
fn doctor_prints_json_that_names_each_part() {
    let output = visaged(&["doctor", "--json"]).unwrap();
    let parts: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for part in ["detector", "network", "camera"] {
        assert!(parts.iter().any(|finding| finding["part"] == part), "{part}: {output}");
    }
}

#[test]
fn lights_test_and_lights_off_have_nothing_to_do_where_nothing_is_wired_and_lights_test_says_how() {
    let folder = Folder::new();
    let config = folder.write("visaged.toml", "");
    let said = visaged(&["lights-test", "--config", &config]).unwrap();
    assert!(said.contains("GPIO16") && said.contains("[leds.rgb]\n    lines = [16, 20, 21]"), "{said}");
    assert_eq!(visaged(&["lights-off", "--config", &config]).unwrap(), "");
}

#[test]
fn lights_off_tries_every_kind_of_light_and_names_the_first_that_fails() {
    let folder = Folder::new();
    let config = folder.write(
        "visaged.toml",
        "[leds]\nchip = \"/nonexistent/gpiochip0\"\nprivacy_line = 4\n[buzzer]\nchip = \"/nonexistent/gpiochip1\"\nline = 19\n[leds.strip]\nkind = \"ws2812\"\ndevice = \"/nonexistent/spidev0.0\"\n",
    );
    let (_, message) = refused(&["lights-off", "--config", &config]);
    assert!(message.contains("/nonexistent/spidev0.0"), "{message}");
}
