//! The drawn face through the real stages: the detector finds it, the built-in network names what it means, and drawing costs no memory.

use std::time::Duration;

use image::GrayImage;
use visaged::camera::FrameSource;
use visaged::camera::puppet::Puppet;
use visaged::classifier::mini_xception::MiniXception;
use visaged::classifier::{Emotion, EmotionClassifier};
use visaged::config::{DetectorConfig, NetworkSize};
use visaged::detector::haar::{HaarCascade, HaarDetector};
use visaged::detector::{Detection, FaceDetector};
use visaged::frame::Frame;

/// The default configuration's detector.
fn detector() -> HaarDetector {
    let config = DetectorConfig::default();
    HaarDetector::new(HaarCascade::load(&config.cascade).unwrap_or_else(|error| panic!("{error}")), &config)
}

/// The one face that must be in the picture.
fn only_face(detector: &mut HaarDetector, image: &GrayImage, what: &str) -> Detection {
    match detector.detect(image) {
        [face] => *face,
        faces => panic!("{what}: {faces:?}"),
    }
}

#[test]
fn the_detector_finds_exactly_one_face_in_each_expression_at_several_sizes() {
    let mut detector = detector();
    for (width, height) in [(320, 240), (640, 480), (240, 320)] {
        let puppet = Puppet::new(width, height, 15);
        let mut image = GrayImage::new(width, height);
        for emotion in Emotion::ALL {
            puppet.draw_expression(&mut image, emotion);
            let face = only_face(&mut detector, &image, emotion.name()).bounding_box;
            // The middle of the drawn face is the middle of the picture's width.
            let middle = face.x as f32 + face.width as f32 / 2.0;
            assert!((middle / width as f32 - 0.5).abs() < 0.05, "{emotion}: {face:?}");
        }
    }
}

#[test]
fn the_detector_finds_it_while_it_moves_and_the_network_names_nearly_every_expression_right() {
    for size in [NetworkSize::Base, NetworkSize::Nano] {
        let right = named_rightly(size);
        let named = right.iter().filter(|count| **count >= 3).count();
        assert!(named >= 6, "{size:?}: right of 4, in the order of Emotion::ALL: {right:?}");
    }
}

/// Of four moments of each expression, how many the network names rightly.
fn named_rightly(size: NetworkSize) -> [u32; 7] {
    let (mut detector, mut network) = (detector(), MiniXception::builtin(size).unwrap());
    let puppet = Puppet::new(320, 240, 15);
    let mut image = GrayImage::new(320, 240);
    let mut right = [0; 7];
    for turn in 0..7 {
        // Four moments of the three seconds for which each expression is held.
        for moment in [0, 900, 1800, 2700] {
            let time = Duration::from_millis(turn * 3500 + moment);
            let emotion = Puppet::expression_at(time);
            puppet.draw(&mut image, time);
            let face = only_face(&mut detector, &image, emotion.name());
            let probabilities = network.classify(&image, face.bounding_box).unwrap().expect("a face");
            right[emotion as usize] += u32::from(probabilities.top() == emotion);
        }
    }
    right
}

#[test]
fn the_same_time_gives_the_same_picture_and_another_time_another() {
    let mut pictures = [(); 3].map(|()| GrayImage::new(160, 120));
    for (picture, milliseconds) in pictures.iter_mut().zip([4000, 4000, 4066]) {
        Puppet::new(160, 120, 15).draw(picture, Duration::from_millis(milliseconds));
    }
    assert_eq!(pictures[0], pictures[1]);
    assert_ne!(pictures[0], pictures[2]);
}

#[test]
fn frames_come_at_their_rate_with_their_number_and_time() {
    let mut puppet = Puppet::new(64, 48, 100);
    let mut frame = Frame::default();
    let mut before: Option<(u64, Duration)> = None;
    for _ in 0..4 {
        assert!(puppet.next_frame(&mut frame).unwrap());
        assert_eq!(frame.image.dimensions(), (64, 48));
        if let Some((sequence, captured_at)) = before {
            // On a busy machine a frame may be missed; its time is then missing too.
            assert!(frame.sequence > sequence);
            assert_eq!(frame.captured_at - captured_at, Duration::from_millis(10) * (frame.sequence - sequence) as u32);
        }
        before = Some((frame.sequence, frame.captured_at));
    }
}

#[test]
fn drawing_allocates_nothing() {
    let puppet = Puppet::new(160, 120, 15);
    let mut image = GrayImage::new(160, 120);
    let allocations = allocation_counter::measure(|| {
        for second in 0..25 {
            puppet.draw(&mut image, Duration::from_secs(second));
        }
    });
    assert_eq!(allocations.count_total, 0);
}

#[test]
fn it_can_be_drawn_at_any_size_and_time() {
    for (width, height) in [(1, 1), (16, 16), (4096, 16), (16, 512), (333, 255)] {
        let puppet = Puppet::new(width, height, 120);
        let mut image = GrayImage::new(1, 1);
        for time in [Duration::ZERO, Duration::from_millis(3499), Duration::from_secs(10 * 365 * 86_400)] {
            puppet.draw(&mut image, time);
            assert_eq!(image.dimensions(), (width, height));
        }
    }
}
