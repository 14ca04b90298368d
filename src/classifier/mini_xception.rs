//! The network that names the expression.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use image::GrayImage;

use super::equalise::equalise;
use super::preprocess::{CropBox, Cropper, SIDE};
use super::{Emotion, EmotionClassifier, Probabilities};
use crate::config::NetworkSize;
use crate::frame::BoundingBox;
use crate::network::{self, Checksum, ModelError, Network, OnnxFile};

const BASE_MODEL: &[u8] = include_bytes!("../../models/mini_xception_base.onnx");
const BASE_CHECKSUM: &str = include_str!("../../models/mini_xception_base.onnx.sha256");
const NANO_MODEL: &[u8] = include_bytes!("../../models/mini_xception_nano.onnx");
const NANO_CHECKSUM: &str = include_str!("../../models/mini_xception_nano.onnx.sha256");

/// The version of the contract between model files and this program; see `models/README.md`.
const CONTRACT: &str = "1";

/// What gets less as the probability of being a face is none; the networks are trained for this limit.
const LEAST_FACE: f32 = 0.5;

/// A mini-Xception network (Arriaga, Valdenegro-Toro, Plöger 2017) that follows the contract of `models/README.md`.
pub struct MiniXception {
    network: Network,
    /// Whether the network has a second output: the probability that the crop is a face at all.
    tells_faces: bool,
    crop_margin: f64,
    /// How much of a crop is its equalised self, 0 to 1.
    equalisation: f32,
    mirrored: bool,
    cropper: Cropper,
    crop: Box<[f32; SIDE * SIDE]>,
}

impl MiniXception {
    /// One of the networks that are built into the program.
    ///
    /// # Errors
    /// None that an unchanged program could meet.
    pub fn builtin(size: NetworkSize) -> Result<Self, ModelError> {
        match size {
            NetworkSize::Base => Self::from_bytes(BASE_MODEL, BASE_CHECKSUM, "the built-in network base"),
            NetworkSize::Nano => Self::from_bytes(NANO_MODEL, NANO_CHECKSUM, "the built-in network nano"),
        }
    }

    /// Loads an ONNX file; its SHA-256 must stand beside it, in `FILE.sha256` as `sha256sum` writes it.
    ///
    /// # Errors
    /// If one of the two cannot be read, they do not fit, or the network does not keep the contract.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        network::load(path, Checksum::Required, |file| Self::new(&file))
    }

    /// Loads the bytes of an ONNX file, checking them against `checksum` (the text that `sha256sum` prints) first. `name` is for messages.
    ///
    /// # Errors
    /// As [`load`](Self::load), but for reading.
    pub fn from_bytes(bytes: &[u8], checksum: &str, name: &str) -> Result<Self, ModelError> {
        network::from_bytes(bytes, checksum, name, |file| Self::new(&file))
    }

    fn new(file: &OnnxFile) -> Result<Self> {
        file.expect_contract(CONTRACT)?;
        let classes = file.property("visaged.classes")?;
        ensure!(classes == Emotion::ALL.map(Emotion::name).join(","), "its classes are {classes}, which is not FER-2013's order");
        let crop_margin = file.number("visaged.crop_margin", -0.4..=1.0)?;
        let equalisation = file.number("visaged.equalisation", 0.0..=1.0)? as f32;
        let tells_faces = match file.output_names()[..] {
            [_] => false,
            [_, "face"] => true,
            ref names => bail!("its outputs are {names:?}, not \"probabilities\" and perhaps \"face\""),
        };
        let mut outputs = vec![vec![1, Emotion::ALL.len()]];
        if tells_faces {
            outputs.push(vec![1, 1]);
        }
        let mut network = Self {
            network: file.network(&[1, 1, SIDE, SIDE], &outputs)?,
            tells_faces,
            crop_margin,
            equalisation,
            mirrored: false,
            cropper: Cropper::default(),
            crop: Box::new([0.0; SIDE * SIDE]),
        };
        network.run().context("it does not work on a black picture")?;
        Ok(network)
    }

    /// The probabilities for a picture that is already a face crop, of any size.
    ///
    /// # Errors
    /// As [`EmotionClassifier::classify`].
    pub fn classify_crop(&mut self, crop: &GrayImage) -> Result<Probabilities> {
        let (width, height) = crop.dimensions();
        let whole = CropBox { left: 0.0, top: 0.0, right: width.into(), bottom: height.into() };
        self.cropper.crop(crop, whole, &mut self.crop);
        self.run()
    }

    /// Looks at the crop.
    fn run(&mut self) -> Result<Probabilities> {
        equalise(&mut self.crop, self.equalisation);
        self.network.run(self.crop.as_slice())?;
        let values: [f32; 7] =
            self.network.output(0)?.try_into().context("the network's output has another size than at load")?;
        Probabilities::new(values).with_context(|| format!("the network computed {values:?}, which are no probabilities"))
    }
}

impl EmotionClassifier for MiniXception {
    fn classify(&mut self, image: &GrayImage, face: BoundingBox) -> Result<Option<Probabilities>> {
        self.cropper.crop(image, CropBox::around(face, self.crop_margin), &mut self.crop);
        if self.mirrored {
            self.crop.chunks_exact_mut(SIDE).for_each(<[f32]>::reverse);
        }
        let probabilities = self.run()?;
        let is_face = !self.tells_faces || self.network.output(1)?.iter().all(|probability| *probability >= LEAST_FACE);
        Ok(is_face.then_some(probabilities))
    }

    fn set_mirrored(&mut self, mirrored: bool) {
        self.mirrored = mirrored;
    }
}
