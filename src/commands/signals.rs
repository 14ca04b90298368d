//! What signals ask of the service: SIGTERM and SIGINT to end, SIGHUP to read its configuration again, SIGUSR1 to write the statistics now.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result};
use log::{error, info};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator;

use super::{run, stages};
use crate::config::Config;
use crate::health::Health;
use crate::pipeline::Pipeline;
use crate::stop::Stop;

/// A flag that SIGTERM and SIGINT set; a second signal ends the program at once.
pub(super) fn stop_flag() -> Result<Stop> {
    let stop = Stop::default();
    for signal in [SIGTERM, SIGINT] {
        // The order matters: the first signal finds the flag unset, and sets it.
        signal_hook::flag::register_conditional_shutdown(signal, 1, stop.flag())
            .and_then(|_| signal_hook::flag::register(signal, stop.flag()))
            .context("cannot listen for signals")?;
    }
    Ok(stop)
}

/// The service's rounds: one from each configuration to the next.
pub(super) struct Rounds {
    end: Stop,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Of the round that runs.
    stop: Stop,
    /// For the round after it, with what it has loaded: to load it again would be time without a picture.
    next: Option<(Config, Pipeline)>,
}

impl Rounds {
    /// Listens for signals from now on; `path` is the configuration that SIGHUP reads again.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn listen(path: Option<PathBuf>, health: &Health) -> Result<Self> {
        signal_hook::flag::register(SIGUSR1, health.flush_wish()).context("cannot listen for signals")?;
        let rounds = Self { end: stop_flag()?, shared: Arc::default() };
        let mut signals = iterator::Signals::new([SIGTERM, SIGINT, SIGHUP]).context("cannot listen for signals")?;
        let theirs = Arc::clone(&rounds.shared);
        let mut worker = health.workers().start("signals", move || {
            for signal in signals.forever() {
                if signal == SIGHUP {
                    reload(path.as_deref(), &theirs);
                } else {
                    lock(&theirs).stop.ask();
                }
            }
        })?;
        // It listens until the program has ended.
        worker.leave();
        Ok(rounds)
    }

    /// What stops the round that runs now.
    pub(super) fn stop(&self) -> Stop {
        lock(&self.shared).stop.clone()
    }

    /// After a round: the configuration of the next one, if there is one, and its pipeline.
    pub(super) fn next(&self) -> Option<(Config, Pipeline)> {
        let mut shared = lock(&self.shared);
        // Whoever wants the end while a round is over must not wait for the end of the next.
        let next = shared.next.take().filter(|_| !self.end.is_asked())?;
        shared.stop = Stop::default();
        Some(next)
    }
}

/// Ends the round if the configuration is one that the service can run with; else the old one stays in force.
fn reload(path: Option<&Path>, shared: &Mutex<Shared>) {
    let next = stages::load_config(path).and_then(|config| run::open_pipeline(&config).map(|pipeline| (config, pipeline)));
    match next {
        Ok(next) => {
            info!("the configuration is read again");
            let mut shared = lock(shared);
            shared.next = Some(next);
            shared.stop.ask();
        }
        Err(error) => error!("{error:#}; the old configuration stays in force"),
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("no thread panics while it holds the rounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_round() -> Rounds {
        Rounds { end: Stop::default(), shared: Arc::default() }
    }

    #[test]
    fn a_changed_configuration_ends_the_round_and_is_in_force_in_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("visaged.toml");
        std::fs::write(&path, "[camera]\nwidth = 320\n").unwrap();
        let rounds = first_round();
        let stop = rounds.stop();
        reload(Some(&path), &rounds.shared);
        assert!(stop.is_asked());
        assert_eq!(rounds.next().expect("a next round").0.camera.width, 320);
        assert!(!rounds.stop().is_asked());
        assert!(rounds.next().is_none());
    }

    #[test]
    fn a_wrong_configuration_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("visaged.toml");
        std::fs::write(&path, "[camera]\nwidth = 0\n").unwrap();
        let rounds = first_round();
        reload(Some(&path), &rounds.shared);
        assert!(!rounds.stop().is_asked());
        assert!(rounds.next().is_none());
    }

    #[test]
    fn who_asks_for_the_end_between_two_rounds_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("visaged.toml");
        std::fs::write(&path, "").unwrap();
        let rounds = first_round();
        reload(Some(&path), &rounds.shared);
        rounds.end.ask();
        assert!(rounds.next().is_none());
    }
}
