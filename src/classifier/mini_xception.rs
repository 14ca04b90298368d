//! The network, run by `tract-onnx`. The only module that knows tract.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use image::GrayImage;
use sha2::{Digest, Sha256};
use tract_onnx::prelude::*;

use super::equalise::equalise;
use super::preprocess::{CropBox, Cropper, SIDE};
use super::{Emotion, EmotionClassifier, Probabilities};
use crate::frame::BoundingBox;

const BUILTIN_MODEL: &[u8] = include_bytes!("../../models/mini_xception_nano.onnx");
const BUILTIN_CHECKSUM: &str = include_str!("../../models/mini_xception_nano.onnx.sha256");

/// A model file larger than this is none of ours (the largest we allow ourselves is 1.2 MiB).
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The version of the contract between model files and this program; see `models/README.md`.
const CONTRACT: &str = "1";

type Plan = TypedSimpleState;

/// A mini-Xception network (Arriaga, Valdenegro-Toro, Plöger 2017) that follows the contract of `models/README.md`.
pub struct MiniXception {
    state: Plan,
    crop_margin: f64,
    /// How much of a crop is its equalised self, 0 to 1.
    equalisation: f32,
    cropper: Cropper,
    crop: Box<[f32; SIDE * SIDE]>,
}

/// Why a model file is refused, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file or its checksum could not be read.
    #[error("cannot read {}: {source}{hint}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What may help; may be empty.
        hint: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The file's SHA-256 is not the one beside it. Of damaged files tract loads and runs a quarter to a half without complaint, so only this protects.
    #[error("{name}: damaged, or not the file that its .sha256 was made for (SHA-256 is {actual}, should be {expected})")]
    Checksum {
        /// The file.
        name: String,
        /// What the file has.
        actual: String,
        /// What stands in the `.sha256`.
        expected: String,
    },
    /// It is no network that this program can use.
    #[error("{name}: {reason}")]
    Contract {
        /// The file.
        name: String,
        /// What is missing or wrong.
        reason: String,
    },
}

impl MiniXception {
    /// The network that is built into the program.
    ///
    /// # Errors
    /// None that an unchanged program could meet.
    pub fn builtin() -> Result<Self, ModelError> {
        Self::from_bytes(BUILTIN_MODEL, BUILTIN_CHECKSUM, "the built-in network")
    }

    /// Loads an ONNX file; its SHA-256 must stand beside it, in `FILE.sha256` as `sha256sum` writes it.
    ///
    /// # Errors
    /// If one of the two cannot be read, they do not fit, or the network does not keep the contract.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let too_large = || std::io::Error::new(std::io::ErrorKind::FileTooLarge, format!("larger than {MAX_FILE_BYTES} bytes"));
        let bytes = std::fs::metadata(path)
            .and_then(|metadata| if metadata.len() > MAX_FILE_BYTES { Err(too_large()) } else { std::fs::read(path) })
            .map_err(|source| ModelError::Read { path: path.into(), hint: "", source })?;
        let mut checksum_path = path.as_os_str().to_owned();
        checksum_path.push(".sha256");
        let checksum_path = PathBuf::from(checksum_path);
        let checksum = std::fs::read_to_string(&checksum_path).map_err(|source| ModelError::Read {
            path: checksum_path,
            hint: " (make it where the model comes from: sha256sum MODEL.onnx > MODEL.onnx.sha256)",
            source,
        })?;
        Self::from_bytes(&bytes, &checksum, &path.display().to_string())
    }

    /// Loads the bytes of an ONNX file, checking them against `checksum` (the text that `sha256sum` prints) first. `name` is for messages.
    ///
    /// # Errors
    /// As [`load`](Self::load), but for reading.
    pub fn from_bytes(bytes: &[u8], checksum: &str, name: &str) -> Result<Self, ModelError> {
        let expected = checksum.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let actual: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if actual != expected {
            return Err(ModelError::Checksum { name: name.into(), actual, expected });
        }
        // The one place that catches a panic: a model file is foreign input, and tract panics on some (2 of 3,000 damaged copies).
        let loaded = catch_unwind(AssertUnwindSafe(|| Self::from_checked_bytes(bytes)));
        let refused = |reason: String| ModelError::Contract { name: name.into(), reason };
        match loaded {
            Ok(Ok(network)) => Ok(network),
            Ok(Err(error)) => Err(refused(format!("{error:#}").replace('\n', " "))),
            Err(_) => Err(refused("the network cannot be run (tract panicked on it)".into())),
        }
    }

    fn from_checked_bytes(bytes: &[u8]) -> Result<Self> {
        let onnx = tract_onnx::onnx().with_ignore_value_info(true);
        let proto = onnx.proto_model_for_read(&mut Cursor::new(bytes)).context("no ONNX file")?;
        let optional = |key: &str| proto.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let property = |key: &str| optional(key).with_context(|| format!("not made for visaged: it has no property {key}"));
        let contract = property("visaged.contract")?;
        anyhow::ensure!(
            contract == CONTRACT,
            "made for another version of visaged (contract {contract}, this program knows {CONTRACT})"
        );
        let classes = property("visaged.classes")?;
        anyhow::ensure!(
            classes == Emotion::ALL.map(Emotion::name).join(","),
            "its classes are {classes}, which is not FER-2013's order"
        );
        let crop_margin: f64 = property("visaged.crop_margin")?.parse().context("visaged.crop_margin is no number")?;
        anyhow::ensure!((-0.4..=1.0).contains(&crop_margin), "visaged.crop_margin is {crop_margin}, out of −0.4 to 1");
        let equalisation = optional("visaged.equalisation").unwrap_or("0");
        let equalisation: f32 = equalisation.parse().context("visaged.equalisation is no number")?;
        anyhow::ensure!((0.0..=1.0).contains(&equalisation), "visaged.equalisation is {equalisation}, out of 0 to 1");

        let shape = [1, 1, SIDE, SIDE];
        let model = onnx.model_for_proto_model(&proto)?.with_input_fact(0, f32::fact(shape).into())?.into_optimized()?;
        anyhow::ensure!(model.input_outlets()?.len() == 1, "it has more than one input");
        anyhow::ensure!(model.output_outlets()?.len() == 1, "it has more than one output");
        let output = model.output_fact(0)?;
        anyhow::ensure!(
            output.datum_type == f32::datum_type() && output.shape.as_concrete() == Some(&[1, Emotion::ALL.len()]),
            "its output is {output:?}, not seven numbers"
        );
        let mut network = Self {
            state: Arc::new(model.into_runnable()?).spawn()?,
            crop_margin,
            equalisation,
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
        let input = Tensor::from_shape(&[1, 1, SIDE, SIDE], self.crop.as_slice())?;
        let output = self.state.run(tvec!(input.into()))?;
        let values: &[f32] = output[0].try_as_plain_ram()?.as_slice()?;
        let values: [f32; 7] = values.try_into().context("the network's output has another size than at load")?;
        Probabilities::new(values).with_context(|| format!("the network computed {values:?}, which are no probabilities"))
    }
}

impl EmotionClassifier for MiniXception {
    fn classify(&mut self, image: &GrayImage, face: BoundingBox) -> Result<Probabilities> {
        self.cropper.crop(image, CropBox::around(face, self.crop_margin), &mut self.crop);
        self.run()
    }
}
