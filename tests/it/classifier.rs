//! Crops against Pillow's and probabilities against onnxruntime's, on pictures made from formulas.

use image::{GrayImage, Luma, imageops};
use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use visaged::classifier::EmotionClassifier;
use visaged::classifier::equalise::equalise;
use visaged::classifier::mini_xception::MiniXception;
use visaged::classifier::preprocess::{CropBox, Cropper, SIDE};
use visaged::config::NetworkSize;
use visaged::frame::BoundingBox;

use crate::patterns::Picture;

/// Written by `python -m training.vectors` in `models/`.
#[derive(Deserialize)]
struct Vectors<Case> {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct CropCase {
    name: String,
    #[serde(flatten)]
    picture: Picture,
    #[serde(rename = "box")]
    place: [f64; 4],
    crop: Vec<u8>,
}

#[derive(Deserialize)]
struct EqualiseCase {
    #[serde(flatten)]
    picture: Picture,
    divisor: u8,
    equalised: BTreeMap<String, u8>,
}

#[derive(Deserialize)]
struct NetworkCase {
    #[serde(flatten)]
    picture: Picture,
    probabilities: [f32; 7],
}

#[test]
fn crops_are_those_of_pillow() {
    let vectors: Vectors<CropCase> = serde_json::from_str(include_str!("../data/preprocess_vectors.json")).unwrap();
    assert!(vectors.cases.len() >= 10);
    for case in vectors.cases {
        let [left, top, right, bottom] = case.place;
        let mut crop = [0.0; SIDE * SIDE];
        Cropper::default().crop(&case.picture.draw(), CropBox { left, top, right, bottom }, &mut crop);
        for (index, (ours, pillows)) in crop.iter().zip(&case.crop).enumerate() {
            // Pillow rounds to 8 bits after each of its two passes, we do not: half a grey level each.
            let difference = (ours - f32::from(*pillows)).abs();
            assert!(difference <= 1.01, "{}: pixel {},{} is {ours}, Pillow's {pillows}", case.name, index % SIDE, index / SIDE);
        }
    }
}

#[test]
fn cropping_allocates_nothing_once_a_face_of_that_size_was_seen() {
    let image = GrayImage::from_pixel(640, 480, Luma([99]));
    let mut cropper = Cropper::default();
    let mut crop = [0.0; SIDE * SIDE];
    let mut crop_at = |left: f64| {
        cropper.crop(&image, CropBox { left, top: 20.5, right: left + 240.25, bottom: 260.75 }, &mut crop);
    };
    crop_at(3.5);
    let allocations = allocation_counter::measure(|| (0..50).for_each(|step| crop_at(f64::from(step) * 7.25)));
    assert_eq!(allocations.count_total, 0);
}

#[test]
fn equalised_crops_are_those_of_opencv() {
    let vectors: Vectors<EqualiseCase> = serde_json::from_str(include_str!("../data/equalise_vectors.json")).unwrap();
    assert!(vectors.cases.len() >= 30);
    for EqualiseCase { picture, divisor, equalised } in vectors.cases {
        let greys: Vec<u8> = picture.draw().into_raw().into_iter().map(|value| value / divisor).collect();
        let mut crop: [f32; SIDE * SIDE] = std::array::from_fn(|pixel| greys[pixel].into());
        equalise(&mut crop, 1.0);
        for (ours, grey) in crop.iter().zip(greys) {
            let theirs = f32::from(equalised[&grey.to_string()]);
            assert_eq!(*ours, theirs, "{grey} of {} {} / {divisor}", picture.pattern, picture.seed);
        }
    }
}

/// The small network's file with another equalisation (three characters), and its checksum.
fn with_equalisation(value: &str) -> (Vec<u8>, String) {
    // In the file: the key, the tag of a value, its length, "0.0".
    let key = b"visaged.equalisation\x12\x03";
    let mut bytes = include_bytes!("../../models/mini_xception_nano.onnx").to_vec();
    let place = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    bytes[place..place + 3].copy_from_slice(value.as_bytes());
    let checksum = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (bytes, checksum)
}

#[test]
fn a_network_that_was_trained_on_equalised_faces_sees_them() {
    let dull = GrayImage::from_fn(48, 48, |x, y| Luma([100 + (x * y % 50) as u8]));
    let mut crop: [f32; SIDE * SIDE] = std::array::from_fn(|pixel| dull.as_raw()[pixel].into());
    equalise(&mut crop, 1.0);
    let bright = GrayImage::from_raw(48, 48, crop.map(|value| value as u8).to_vec()).unwrap();
    let expected = MiniXception::builtin(NetworkSize::Nano).unwrap().classify_crop(&bright).unwrap();

    let (bytes, checksum) = with_equalisation("1.0");
    let mut network = MiniXception::from_bytes(&bytes, &checksum, "model.onnx").unwrap();
    assert_eq!(network.classify_crop(&dull).unwrap(), expected);
    assert_ne!(MiniXception::builtin(NetworkSize::Nano).unwrap().classify_crop(&dull).unwrap(), expected);

    for nonsense in ["1.5", "-.1", "NaN", "all"] {
        let (bytes, checksum) = with_equalisation(nonsense);
        let error = MiniXception::from_bytes(&bytes, &checksum, "model.onnx").err().expect("refused").to_string();
        assert!(error.contains("visaged.equalisation"), "{error}");
    }
}

#[test]
fn probabilities_are_those_of_onnxruntime() {
    let files = [
        (NetworkSize::Base, include_str!("../data/base_vectors.json")),
        (NetworkSize::Nano, include_str!("../data/nano_vectors.json")),
    ];
    for (size, vectors) in files {
        let vectors: Vectors<NetworkCase> = serde_json::from_str(vectors).unwrap();
        assert!(vectors.cases.len() >= 10);
        let mut network = MiniXception::builtin(size).unwrap();
        for NetworkCase { picture, probabilities } in vectors.cases {
            let ours = network.classify_crop(&picture.draw()).unwrap();
            for (ours, theirs) in ours.as_array().iter().zip(probabilities) {
                // Both compute in f32, in another order; measured differences are below 1e-5.
                let Picture { pattern, seed, .. } = &picture;
                assert!((ours - theirs).abs() < 1e-4, "{size:?}, {pattern} {seed}: {ours}, onnxruntime's {theirs}");
            }
        }
    }
}

#[test]
fn a_mirrored_look_at_a_face_is_a_look_at_the_mirrored_face() {
    let picture = GrayImage::from_fn(48, 48, |x, y| Luma([(3 * x + (x * x + 5 * y) % 64) as u8]));
    let whole = BoundingBox { x: 0, y: 0, width: 48, height: 48 };
    let mut network = MiniXception::builtin(NetworkSize::Nano).unwrap();
    let straight = network.classify(&imageops::flip_horizontal(&picture), whole).unwrap();
    assert_ne!(network.classify(&picture, whole).unwrap(), straight);
    network.set_mirrored(true);
    assert_eq!(network.classify(&picture, whole).unwrap(), straight);
}

#[test]
fn a_network_that_breaks_the_contract_is_refused_with_the_reason() {
    let file = include_bytes!("../../models/mini_xception_nano.onnx");
    let refused = |bytes: &[u8]| {
        let checksum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        MiniXception::from_bytes(bytes, &checksum, "model.onnx").err().expect("refused").to_string()
    };
    let with = |from: &str, to: &str| {
        let at = file.windows(from.len()).position(|window| window == from.as_bytes()).expect("the text is in the file");
        let mut bytes = file.to_vec();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let cases = [
        (refused(b""), "visaged.contract"),
        (refused(b"no ONNX file at all"), "ONNX"),
        (refused(&with("angry,disgust,fear,happy", "happy,disgust,fear,angry")), "FER-2013's order"),
        (refused(&with("visaged.contract", "visaged.kontract")), "visaged.contract"),
    ];
    for (message, reason) in cases {
        assert!(message.starts_with("model.onnx: ") && message.contains(reason) && !message.contains('\n'), "{message}");
    }
}
