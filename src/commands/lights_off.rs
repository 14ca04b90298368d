//! `visaged lights-off`: what the service manager runs after the service has ended, however it ended.
//!
//! A GPIO line keeps its last level when its program is gone, and a killed program cannot put it out.

use std::path::PathBuf;

use anyhow::Result;

use super::stages;
use crate::outputs::display::framebuffer::Framebuffer;
use crate::outputs::leds;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let config = stages::load_config(args.config.as_deref())?;
    // Both are tried, whatever happens to the first. Opening makes them dark; the lines stay so.
    let lights = leds::put_out(&config.leds);
    let screen = match config.display.framebuffer.as_os_str().is_empty() {
        true => Ok(()),
        false => Framebuffer::open(&config.display.framebuffer).map(drop),
    };
    if let (Err(_), Err(error)) = (&lights, &screen) {
        log::error!("{error:#}");
    }
    lights.and(screen)
}
