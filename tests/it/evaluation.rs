//! `visaged evaluate` and `visaged evaluate-sequence` on made-up data.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use image::{GrayImage, Luma};
use serde_json::Value;
use visaged::camera::puppet::Puppet;
use visaged::classifier::Emotion;
use visaged::commands::exit;

use super::commands::{refused, visaged};

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&visaged(arguments).unwrap()).unwrap()
}

/// Draws the puppet's face in each expression, once, into folders `SPLIT/EXPRESSION`.
fn drawn_faces(folder: &Path, split: &str) {
    let puppet = Puppet::new(96, 96, 15);
    for emotion in Emotion::ALL {
        let class = folder.join(split).join(emotion.name());
        fs::create_dir_all(&class).unwrap();
        let mut image = GrayImage::new(96, 96);
        puppet.draw_expression(&mut image, emotion);
        image.save(class.join("face.png")).unwrap();
    }
}

#[test]
fn evaluate_says_how_far_probabilities_can_be_trusted() {
    let folder = tempfile::tempdir().unwrap();
    drawn_faces(folder.path(), "drawn");
    let report = json(&["evaluate", "--data", folder.path().to_str().unwrap(), "--split", "drawn", "--json"]);
    assert!(report.get("mirrored").is_none() && report.get("without_copies").is_none());
    let bins = report["reliability"].as_array().unwrap();
    assert_eq!(bins.len(), 15);
    // The error by its definition (Guo et al. 2017), from the bins.
    let number = |bin: &Value, key: &str| bin.get(key).map_or(0.0, |value| value.as_f64().unwrap());
    let distance = |bin: &Value| number(bin, "answers") / 7.0 * (number(bin, "accuracy") - number(bin, "confidence")).abs();
    let error: f64 = bins.iter().map(distance).sum();
    assert!((report["calibration_error"].as_f64().unwrap() - error).abs() < 1e-9);
    assert_eq!(bins.iter().map(|bin| number(bin, "answers")).sum::<f64>(), 7.0);
}

#[test]
fn evaluate_leaves_out_what_another_split_has_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    drawn_faces(folder.path(), "test");
    // The same pictures under other names, but for one, of which a single pixel differs.
    drawn_faces(folder.path(), "train");
    let changed = folder.path().join("train/happy/face.png");
    let mut image = image::open(&changed).unwrap().into_luma8();
    image.put_pixel(3, 4, Luma([image.get_pixel(3, 4).0[0] ^ 1]));
    image.save(&changed).unwrap();
    let report = json(&["evaluate", "--data", path, "--split", "test", "--without-copies-of", "train", "--json"]);
    assert_eq!((&report["images"], &report["without_copies"]["images"]), (&7.into(), &1.into()));
    assert_eq!(report["without_copies"]["of"], "train");
    let text = visaged(&["evaluate", "--data", path, "--split", "test", "--without-copies-of", "train"]).unwrap();
    assert!(text.contains("without those that are also in train: 1 faces"), "{text}");
}

#[test]
fn a_second_look_at_the_mirror_image_changes_nothing_for_symmetric_faces() {
    let folder = tempfile::tempdir().unwrap();
    let class = folder.path().join("test/sad");
    fs::create_dir_all(&class).unwrap();
    for (name, step) in [("a.png", 3), ("b.png", 5), ("c.png", 7)] {
        GrayImage::from_fn(48, 48, |x, y| Luma([(step * x.min(47 - x) + y) as u8])).save(class.join(name)).unwrap();
    }
    let report = json(&["evaluate", "--data", folder.path().to_str().unwrap(), "--split", "test", "--mirror", "--json"]);
    for key in ["images", "accuracy", "macro_f1"] {
        assert_eq!(report["mirrored"][key], report[key], "{key}");
    }
    let error = |report: &Value| report["calibration_error"].as_f64().unwrap();
    assert!((error(&report["mirrored"]) - error(&report)).abs() < 1e-6);
}

#[test]
fn the_plots_are_svg_files_that_need_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    drawn_faces(folder.path(), "a<b&c");
    let plots = folder.path().join("new/plots");
    let data = folder.path().to_str().unwrap();
    visaged(&["evaluate", "--data", data, "--split", "a<b&c", "--plots", plots.to_str().unwrap()]).unwrap();
    for (name, words) in [
        ("confusion.svg", ["Confusion matrix", "answer", "disgust"]),
        ("classes.svg", ["precision", "recall", "surprise"]),
        ("reliability.svg", ["Reliability diagram", "confidence", "expected calibration error"]),
    ] {
        let svg = fs::read_to_string(plots.join(name)).unwrap();
        let mut reader = quick_xml::Reader::from_str(&svg);
        while reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}")) != quick_xml::events::Event::Eof {}
        assert!(svg.starts_with("<svg ") && svg.contains("a&lt;b&amp;c: 7 faces"), "{name}");
        assert!(words.iter().all(|word| svg.contains(word)), "{name}");
        assert!(!svg.contains("href") && svg.contains("font-family=\"sans-serif\""), "{name}");
    }
    let occupied = folder.path().join("file");
    fs::write(&occupied, "").unwrap();
    let (_, message) = refused(&["evaluate", "--data", data, "--split", "a<b&c", "--plots", occupied.to_str().unwrap()]);
    assert!(message.contains(occupied.to_str().unwrap()), "{message}");
}

/// Frames per second of the drawn recording.
const RATE: u64 = 10;

/// Each of the seven expressions once; a tenth of a second later the programme is half way to its beginning.
const FRAMES: u64 = 242;

/// The puppet's whole programme as y4m, and its timetable.
fn programme(folder: &Path) -> (String, String) {
    let puppet = Puppet::new(320, 240, RATE as u32);
    let mut clip = b"YUV4MPEG2 W320 H240 F10:1 Cmono\n".to_vec();
    let mut labels = "start,end,expression\n".to_owned();
    let mut image = GrayImage::new(320, 240);
    let mut since = (0, Puppet::expression_at(Duration::ZERO));
    for number in 0..=FRAMES {
        let time = Duration::from_millis(1000 * number / RATE);
        let expression = Puppet::expression_at(time);
        if number == FRAMES || expression != since.1 {
            writeln!(labels, "{},{},{}", since.0 as f64 / RATE as f64, time.as_secs_f64(), since.1).unwrap();
            since = (number, expression);
        }
        if number < FRAMES {
            puppet.draw(&mut image, time);
            clip.extend_from_slice(b"FRAME\n");
            clip.extend_from_slice(image.as_raw());
        }
    }
    let paths = (folder.join("clip.y4m"), folder.join("labels.csv"));
    fs::write(&paths.0, clip).unwrap();
    fs::write(&paths.1, labels).unwrap();
    (paths.0.to_str().unwrap().to_owned(), paths.1.to_str().unwrap().to_owned())
}

#[test]
fn the_shown_expression_follows_the_puppets_programme() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, labels) = programme(folder.path());
    let report = json(&["evaluate-sequence", &clip, &labels, "--json"]);
    assert_eq!((&report["labelled_frames"], &report["frame_interval_s"]), (&FRAMES.into(), &0.1.into()));
    // Six events and one neutral stretch, each changing into the next.
    assert_eq!(report["events"]["all"]["support"], 6);
    assert!((report["true_changes_per_minute"].as_f64().unwrap() - 60.0 * 6.0 / 24.1).abs() < 1e-9);
    let number = |path: &str| report.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {report}"));
    // The network takes one drawn expression for another now and then; the tracker follows within its time constant of half a second.
    assert!(number("/events/all/recall") >= 4.0 / 6.0, "{report}");
    assert!(number("/frames/all/recall") >= 0.6, "{report}");
    assert!((0.0..1.5).contains(&number("/median_onset_delay_s")), "{report}");
    assert!(number("/changes_per_minute") < 3.0 * number("/true_changes_per_minute"), "{report}");
}

#[test]
fn a_sequence_that_cannot_be_judged_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let clip = write("clip.y4m", b"YUV4MPEG2 W1 H1 F10:1 Cmono\nFRAME\n\x05FRAME\n\x06");
    let labels = write("labels.csv", b"start,end,expression\n0,1,happy\n");
    let text = visaged(&["evaluate-sequence", &clip, &labels]).unwrap();
    assert!(text.contains("2 labelled frames") && text.contains("by events") && text.contains("no event was found"), "{text}");

    let (code, message) = refused(&["evaluate-sequence", &clip, "no/such/labels.csv"]);
    assert!(code == exit::MISSING_INPUT && message.contains("no/such/labels.csv"), "{message}");
    let (code, message) = refused(&["evaluate-sequence", "no/such/clip.y4m", &labels]);
    assert!(code == exit::MISSING_INPUT && message.contains("no/such/clip.y4m"), "{message}");
    let wrong = write("wrong.csv", b"start,end,expression\n0,1,glad\n");
    let (code, message) = refused(&["evaluate-sequence", &clip, &wrong]);
    assert!(code == exit::BAD_DATA && message.contains("wrong.csv: line 2: unknown variant `glad`"), "{message}");
    let late = write("late.csv", b"start,end,expression\n5,6,happy\n");
    let (code, message) = refused(&["evaluate-sequence", &clip, &late]);
    assert!(code == exit::BAD_DATA && message.contains("late.csv: no label is within the 2 frames"), "{message}");
    let (code, message) = refused(&["evaluate-sequence", &clip, &labels, "--frames-per-second", "0"]);
    assert!(code == exit::USAGE && message.contains("frames_per_second"), "{message}");
}
