//! `visaged run`: the service.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::stages;
use crate::camera;
use crate::config::{Config, SourceKind};
use crate::daemon::{self, Patience, Pictures};
use crate::outputs::{Outputs, View};
use crate::pipeline::Pipeline;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let config = stages::load_config(args.config.as_deref())?;
    let stop = stop_flag()?;
    watch(&config, None, &stop)
}

/// Opens everything and runs until the end.
pub(super) fn watch(config: &Config, limit: Option<Duration>, stop: &AtomicBool) -> Result<()> {
    let pipeline = open_pipeline(config)?;
    let mut camera = camera::Opener::new(config.camera.clone());
    let pictures = Pictures {
        open: &mut || camera.open(),
        errors_end: config.camera.source == SourceKind::Replay,
        patience: Patience::default(),
    };
    let mut outputs = Outputs::open(config);
    daemon::run(pictures, pipeline, move |view: View<'_>| outputs.show(view), limit, stop)
}

/// Loads what must be there: detector and network.
pub(super) fn open_pipeline(config: &Config) -> Result<Pipeline> {
    let detector = stages::open_detector(&config.detector)?;
    let classifier = stages::open_classifier(&config.classifier)?;
    Ok(Pipeline::new(detector, Box::new(classifier), config.tracker.clone()))
}

/// A flag that SIGTERM and SIGINT set; a second signal ends the program at once.
pub(super) fn stop_flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // The order matters: the first signal finds the flag unset, and sets it.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .context("cannot listen for signals")?;
    }
    Ok(stop)
}
