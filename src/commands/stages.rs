//! What several commands need: the stages opened from a configuration or from arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::exit::Usage;
use crate::classifier::mini_xception::MiniXception;
use crate::config::{ClassifierConfig, Config, DetectorConfig};
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

/// Reads the cascade file.
pub(super) fn open_detector(config: &DetectorConfig) -> Result<HaarDetector> {
    Ok(HaarDetector::new(HaarCascade::load(&config.cascade)?, config))
}

/// Loads the configured network, or the built-in one.
pub(super) fn open_classifier(config: &ClassifierConfig) -> Result<MiniXception> {
    let network = if config.model.as_os_str().is_empty() { MiniXception::builtin() } else { MiniXception::load(&config.model) };
    network.context("cannot load the network")
}

/// The detector's parameters as options, with OpenCV's names.
#[derive(Debug, clap::Args)]
pub(super) struct DetectorArgs {
    /// Cascade file (OpenCV's XML) [default: where Debian's package opencv-data puts the frontal face]
    #[arg(long, value_name = "FILE")]
    cascade: Option<PathBuf>,
    /// Ratio between two face sizes, above 1 [default: 1.1]
    #[arg(long, value_name = "F")]
    scale_factor: Option<f64>,
    /// How many windows must agree on a face; 0: every window that passes [default: 3]
    #[arg(long, value_name = "N")]
    min_neighbors: Option<u32>,
    /// Smallest face in pixels; 0: no limit [default: 48]
    #[arg(long, value_name = "PIXELS")]
    min_size: Option<u32>,
    /// Largest face in pixels; 0: no limit [default: 0]
    #[arg(long, value_name = "PIXELS")]
    max_size: Option<u32>,
}

impl DetectorArgs {
    /// The options over the defaults.
    pub(super) fn open(&self) -> Result<HaarDetector> {
        let default = DetectorConfig::default();
        let detector = DetectorConfig {
            cascade: self.cascade.clone().unwrap_or(default.cascade),
            scale_factor: self.scale_factor.unwrap_or(default.scale_factor),
            min_neighbors: self.min_neighbors.unwrap_or(default.min_neighbors),
            min_size: self.min_size.unwrap_or(default.min_size),
            max_size: self.max_size.unwrap_or(default.max_size),
        };
        let config = Config { detector, ..Config::default() };
        config.check().map_err(|rule| Usage(format!("{rule} (see --help)")))?;
        open_detector(&config.detector)
    }
}
