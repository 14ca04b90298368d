//! How old is a picture when its result is shown? `cargo run --release --example freshness -- SECONDS`, also with a processor that is held back.

use std::time::Duration;

use visaged::camera::puppet::Puppet;
use visaged::classifier::mini_xception::MiniXception;
use visaged::config::{DetectorConfig, NetworkSize, TrackerConfig};
use visaged::daemon::{self, Patience, Pictures};
use visaged::detector::finder::FaceFinder;
use visaged::frame::monotonic_now;
use visaged::{health::Health, outputs::View, pause::Pause, pipeline::Pipeline, stop::Stop};

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(20), |text| text.parse())?;
    let finder = FaceFinder::builtin(&DetectorConfig::default())?;
    let network = Box::new(MiniXception::builtin(NetworkSize::Base)?);
    let pipeline = Pipeline::new(Box::new(finder), network, TrackerConfig::default());
    let mut open = || Ok(Box::new(Puppet::new(640, 480, 15)) as Box<_>);
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
    let (mut ages, mut steps, mut dropped, mut last) = (Vec::new(), Vec::new(), 0, monotonic_now());
    let show = |view: View<'_>| {
        if let View::Watching(seen) = view {
            let now = monotonic_now();
            ages.push(now.saturating_sub(seen.captured_at));
            steps.push(now.saturating_sub(std::mem::replace(&mut last, now)));
            dropped += seen.dropped;
        }
    };
    let limit = Some(Duration::from_secs(seconds));
    daemon::run(pictures, pipeline, show, limit, &Pause::default(), &Health::default(), &Stop::default())?;
    println!("{} pictures shown, {dropped} passed over", ages.len());
    for (what, mut times) in [("age when shown", ages), ("from one to the next", steps)] {
        times.sort_unstable();
        let at = |share: usize| times.get(share * times.len().saturating_sub(1) / 100);
        println!("{what}: median {:?}, 95 % {:?}, most {:?}", at(50), at(95), at(100));
    }
    Ok(())
}
