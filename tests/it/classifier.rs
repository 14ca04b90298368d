//! Crops against Pillow's and probabilities against onnxruntime's, on pictures made from formulas.

use image::{GrayImage, Luma};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use visaged::classifier::mini_xception::MiniXception;
use visaged::classifier::preprocess::{CropBox, Cropper, SIDE};

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
fn probabilities_are_those_of_onnxruntime() {
    let vectors: Vectors<NetworkCase> = serde_json::from_str(include_str!("../data/nano_vectors.json")).unwrap();
    assert!(vectors.cases.len() >= 10);
    let mut network = MiniXception::builtin().unwrap();
    for NetworkCase { picture, probabilities } in vectors.cases {
        let ours = network.classify_crop(&picture.draw()).unwrap();
        for (ours, theirs) in ours.as_array().iter().zip(probabilities) {
            // Both compute in f32, in another order; measured differences are below 1e-5.
            assert!((ours - theirs).abs() < 1e-4, "{} {}: {ours}, onnxruntime's {theirs}", picture.pattern, picture.seed);
        }
    }
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
