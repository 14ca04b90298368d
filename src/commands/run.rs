//! `visaged run`: the service.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::lock::Lock;
use super::signals::Rounds;
use super::stages;
use super::status::Answers;
use crate::camera;
use crate::config::{Config, SourceKind};
use crate::daemon::{self, Patience, Pictures};
use crate::health::Health;
use crate::outputs::{Outputs, View};
use crate::pipeline::Pipeline;
use crate::stop::Stop;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let mut config = stages::load_config(args.config.as_deref())?;
    let _lock = Lock::take()?;
    let health = Health::default();
    let _answers = Answers::begin(&health).inspect_err(|error| log::warn!("`visaged status` gets no answer: {error:#}"));
    let rounds = Rounds::listen(args.config.clone(), &health)?;
    loop {
        watch(&config, &health, None, &rounds.stop())?;
        match rounds.next() {
            Some(next) => config = next,
            None => return Ok(()),
        }
    }
}

/// Opens everything and runs until the end.
pub(super) fn watch(config: &Config, health: &Health, limit: Option<Duration>, stop: &Stop) -> Result<()> {
    let pipeline = open_pipeline(config)?;
    let mut camera = camera::Opener::new(config.camera.clone(), stop.clone());
    let pictures = Pictures {
        open: &mut || camera.open(),
        errors_end: config.camera.source == SourceKind::Replay,
        patience: Patience::default(),
    };
    let mut outputs = Outputs::open(config, health);
    daemon::run(pictures, pipeline, move |view: View<'_>| outputs.show(view), limit, stop)
}

/// Loads what must be there: detector and network.
pub(super) fn open_pipeline(config: &Config) -> Result<Pipeline> {
    let detector = stages::open_detector(&config.detector)?;
    let classifier = stages::open_classifier(&config.classifier)?;
    Ok(Pipeline::new(detector, Box::new(classifier), config.tracker.clone()))
}
