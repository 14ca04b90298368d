//! At work and in schools: faces before a camera are counted, and no part of the program names their expression.

use std::time::Duration;

use visaged::camera::puppet::Puppet;
use visaged::config::{Config, DetectorConfig, StatisticsConfig, TrackerConfig};
use visaged::detector::finder::FaceFinder;
use visaged::frame::{Frame, monotonic_now};
use visaged::health::Health;
use visaged::outputs::statistics::Statistics;
use visaged::outputs::{Output, Outputs, View};
use visaged::pause::Pause;
use visaged::pipeline::Pipeline;
use visaged::tracker::{Counted, Observation};

use super::commands::visaged;

/// What is observed of the drawn face, in the middle third of so many frames, by a pipeline that counts.
fn observations(frames: u64) -> Vec<Observation> {
    let detector = FaceFinder::builtin(&DetectorConfig::default()).unwrap();
    let mut pipeline = Pipeline::counting(Box::new(detector), TrackerConfig::default());
    let puppet = Puppet::new(320, 240, 15);
    let begin = monotonic_now();
    let mut frame = Frame::default();
    let mut observe = |number| {
        frame.resize(320, 240);
        frame.image.fill(110);
        let time = Duration::from_millis(66 * number);
        if (frames / 3..2 * frames / 3).contains(&number) {
            puppet.draw(&mut frame.image, time);
        }
        frame.captured_at = begin + time;
        pipeline.process(&frame).unwrap().clone()
    };
    (0..frames).map(&mut observe).collect()
}

#[test]
fn a_face_that_is_only_counted_is_counted_once_and_has_no_expression_anywhere() {
    let observations = observations(90);
    assert!(observations.iter().all(|observation| observation.faces.is_empty() && observation.main_face().is_none()));
    assert_eq!(observations[45].counted, Some(Counted { in_view: 1, new: 0 }));
    assert_eq!(observations[89].counted, Some(Counted::default()));
    assert_eq!(observations.iter().map(|observation| observation.counted.unwrap().new).sum::<u32>(), 1);

    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("statistics.sqlite");
    let statistics = StatisticsConfig { database: database.clone(), events: true, ..StatisticsConfig::default() };
    let config = Config { statistics, ..Config::default() };
    let health = Health::default();
    let mut counted = Statistics::open(&config, &health).unwrap();
    let mut outputs = Outputs::open(&Config::default(), &health, &Pause::default());
    for observation in &observations {
        counted.show(View::Watching(observation)).unwrap();
        outputs.show(View::Watching(observation));
    }
    let snapshot = health.snapshot();
    assert_eq!((snapshot.frames, snapshot.last_expression), (90, None));
    drop(counted);
    let from = database.to_str().unwrap();
    let row: serde_json::Value =
        serde_json::from_str(&visaged(&["export", "--format", "jsonl", "--from", from]).unwrap()).unwrap();
    assert_eq!((&row["faces"], &row["frames"]), (&1.into(), &90.into()));
    for (column, value) in row.as_object().unwrap() {
        let is_expression = visaged::classifier::Emotion::ALL.iter().any(|emotion| *column == format!("{emotion}_s"));
        assert!(!is_expression || value.as_f64() == Some(0.0), "{column}: {value}");
    }
    assert_eq!(visaged(&["export", "--events", "--format", "jsonl", "--from", from]).unwrap(), "");
}
