//! What several commands need: the stages opened from a configuration or from arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::exit::Usage;
use crate::classifier::mini_xception::MiniXception;
use crate::config::{ClassifierConfig, Config, DetectorConfig, DetectorKind, NetworkSize};
use crate::detector::FaceDetector;
use crate::detector::finder::FaceFinder;
use crate::detector::haar::{HaarCascade, HaarDetector};

/// Where the service finds its configuration.
pub(super) const DEFAULT_CONFIG: &str = "/etc/visaged/visaged.toml";

/// The configuration in `path`; without one, the service's; without that, the defaults.
pub(super) fn load_config(path: Option<&Path>) -> Result<Config> {
    match path {
        Some(path) => Ok(Config::load(path)?),
        None if Path::new(DEFAULT_CONFIG).exists() => Ok(Config::load(Path::new(DEFAULT_CONFIG))?),
        None => Ok(Config::default()),
    }
}

/// Makes the detector ready, with the file that its kind needs.
pub(super) fn open_detector(config: &DetectorConfig) -> Result<Box<dyn FaceDetector>> {
    let finder = match config.kind {
        DetectorKind::Haar => return Ok(Box::new(HaarDetector::new(HaarCascade::load(&config.cascade)?, config))),
        DetectorKind::Builtin if config.model.as_os_str().is_empty() => FaceFinder::builtin(config),
        DetectorKind::Builtin => FaceFinder::load(&config.model, config),
        DetectorKind::Onnx => FaceFinder::yunet(&config.model, config),
    };
    Ok(Box::new(finder.context("cannot load the face finder")?))
}

/// Loads the configured network, from its file or from the program.
pub(super) fn open_classifier(config: &ClassifierConfig) -> Result<MiniXception> {
    let from_program = config.model.as_os_str().is_empty();
    let network = if from_program { MiniXception::builtin(config.size) } else { MiniXception::load(&config.model) };
    network.context("cannot load the network")
}

/// The network as options.
#[derive(Debug, clap::Args)]
pub(super) struct ClassifierArgs {
    /// Which of the program's networks names the expressions [default: base]
    #[arg(long, value_name = "SIZE")]
    size: Option<NetworkSize>,
    /// Another network, an ONNX file made for visaged.
    #[arg(long, value_name = "FILE", conflicts_with = "size")]
    model: Option<PathBuf>,
}

impl ClassifierArgs {
    /// The options over the defaults.
    pub(super) fn open(&self) -> Result<MiniXception> {
        open_classifier(&self.over(ClassifierConfig::default()))
    }

    /// The options over `config`.
    pub(super) fn over(&self, config: ClassifierConfig) -> ClassifierConfig {
        match (self.size, &self.model) {
            (Some(size), _) => ClassifierConfig { size, model: PathBuf::new() },
            (None, Some(model)) => ClassifierConfig { model: model.clone(), ..config },
            (None, None) => config,
        }
    }
}

/// The detector's parameters as options, with OpenCV's names.
#[derive(Debug, clap::Args)]
pub(super) struct DetectorArgs {
    /// What finds the faces: the program's own network, OpenCV's cascade, or a YuNet file [default: builtin; haar or onnx where an option of theirs is
    /// given]
    #[arg(long = "detector", value_name = "KIND")]
    kind: Option<DetectorKind>,
    /// Smallest face in pixels; 0: the smallest that the detector knows [default: 48; of evaluate-detector: 0]
    #[arg(long, value_name = "PIXELS")]
    min_size: Option<u32>,
    /// Largest face in pixels; 0: no limit [default: 0]
    #[arg(long, value_name = "PIXELS")]
    max_size: Option<u32>,
    /// Networks: the probability from which on a face counts [default: what suits the network]
    #[arg(long, value_name = "P")]
    threshold: Option<f64>,
    /// Networks: the YuNet file; with `--detector builtin` another network made for visaged
    #[arg(long, value_name = "FILE")]
    detector_model: Option<PathBuf>,
    /// Cascade: its file (OpenCV's XML) [default: where Debian's package opencv-data puts the frontal face]
    #[arg(long, value_name = "FILE")]
    cascade: Option<PathBuf>,
    /// Cascade: ratio between two face sizes, above 1 [default: 1.1]
    #[arg(long, value_name = "F")]
    scale_factor: Option<f64>,
    /// Cascade: how many windows must agree on a face; 0: every window that passes [default: 3]
    #[arg(long, value_name = "N")]
    min_neighbors: Option<u32>,
}

impl DetectorArgs {
    /// The options over the defaults.
    pub(super) fn open(&self) -> Result<Box<dyn FaceDetector>> {
        open_detector(&self.over(DetectorConfig::default())?)
    }

    /// The options over `config`.
    pub(super) fn over(&self, config: DetectorConfig) -> Result<DetectorConfig> {
        let for_haar = self.cascade.is_some() || self.scale_factor.is_some() || self.min_neighbors.is_some();
        let for_network = self.threshold.is_some() || self.detector_model.is_some();
        let kind = self.kind.unwrap_or(match config.kind {
            _ if for_haar => DetectorKind::Haar,
            _ if self.detector_model.is_some() => DetectorKind::Onnx,
            kind => kind,
        });
        if (kind == DetectorKind::Haar && for_network) || (kind != DetectorKind::Haar && for_haar) {
            return Err(Usage("an option for the cascade and one for a network do not go together (see --help)".into()).into());
        }
        let detector = DetectorConfig {
            kind,
            min_size: self.min_size.unwrap_or(config.min_size),
            max_size: self.max_size.unwrap_or(config.max_size),
            threshold: self.threshold.unwrap_or(config.threshold),
            model: self.detector_model.clone().unwrap_or(config.model),
            cascade: self.cascade.clone().unwrap_or(config.cascade),
            scale_factor: self.scale_factor.unwrap_or(config.scale_factor),
            min_neighbors: self.min_neighbors.unwrap_or(config.min_neighbors),
        };
        let config = Config { detector, ..Config::default() };
        config.check().map_err(|rule| Usage(format!("{rule} (see --help)")))?;
        Ok(config.detector)
    }
}
