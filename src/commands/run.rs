//! `visaged run`: the service.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::lock::{self, Lock};
use super::signals::Rounds;
use super::stages;
use super::status::Answers;
use crate::button;
use crate::camera;
use crate::config::{Config, SourceKind};
use crate::daemon::{self, Patience, Pictures};
use crate::health::{Health, State};
use crate::outputs::leds::privacy::{self, PrivacyLight};
use crate::outputs::{Outputs, View};
use crate::pause::Pause;
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
    let mut loaded = None;
    let _lock = Lock::take()?;
    let health = Health::default();
    let _answers = Answers::begin(&health).inspect_err(|error| log::warn!("`visaged status` gets no answer: {error:#}"));
    let rounds = Rounds::listen(args.config.clone(), &health)?;
    // Outlives the rounds: reading the configuration again is no reason to open the camera.
    let pause = Pause::kept_in(&lock::folder().join("visaged.paused"));
    loop {
        let pipeline = loaded.take().map_or_else(|| open_pipeline(&config), Ok)?;
        watch(&config, pipeline, &health, None, &pause, &rounds.stop())?;
        match rounds.next() {
            Some((next, pipeline)) => (config, loaded) = (next, Some(pipeline)),
            None => {
                daemon::tell_of_the_end();
                return Ok(());
            }
        }
    }
}

/// Opens everything and runs until the end.
pub(super) fn watch(
    config: &Config,
    pipeline: Pipeline,
    health: &Health,
    limit: Option<Duration>,
    pause: &Pause,
    stop: &Stop,
) -> Result<()> {
    let mut camera = camera::Opener::new(config.camera.clone(), stop.clone());
    let mut light = PrivacyLight::new(|| privacy::open(&config.leds));
    let lit = config.leds.privacy_line.is_some() && config.camera.source.is_camera();
    let mut open = || if lit { light.under_light(|| camera.open()) } else { camera.open() };
    let pictures = Pictures {
        open: &mut open,
        errors_end: config.camera.source == SourceKind::Replay,
        frozen_after: config.camera.frozen_after(),
        patience: Patience::default(),
    };
    let mut outputs = Outputs::open(config, health, pause);
    if let Some(notice) = config.deployment.notice(config.camera.source) {
        log::warn!("{notice}");
        health.tell("deployment", State::Ok, &notice);
    }
    thread::scope(|scope| {
        button::follow(scope, &config.button, &config.privacy_switch, pause, stop, health.workers())
            .inspect_err(|_| stop.ask())?;
        // At its end, whichever, everybody has been asked to stop.
        daemon::run(
            pictures,
            pipeline.with_stopwatch(health),
            move |view: View<'_>| outputs.show(view),
            limit,
            pause,
            health,
            stop,
        )
    })
}

/// Loads what must be there: detector and, where expressions are named, the network.
pub(super) fn open_pipeline(config: &Config) -> Result<Pipeline> {
    let detector = stages::open_detector(&config.detector)?;
    if !config.deployment.names_expressions(config.camera.source) {
        return Ok(Pipeline::counting(detector, config.tracker.clone()));
    }
    let classifier = stages::open_classifier(&config.classifier)?;
    let pipeline = Pipeline::new(detector, Box::new(classifier), config.tracker.clone());
    Ok(if config.display.outline || config.web.preview { pipeline.with_outlines() } else { pipeline })
}
