//! `visaged lights-off`: what the service manager runs after the service has ended, however it ended.
//!
//! A GPIO line keeps its last level when its program is gone, and a killed program cannot put it out.

use std::path::PathBuf;

use anyhow::Result;

use super::stages;
use crate::config::PanelController;
use crate::outputs::display::framebuffer::Framebuffer;
use crate::outputs::display::panel::PanelDisplay;
use crate::outputs::display::style::SceneStyle;
use crate::outputs::{buzzer, leds};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let config = stages::load_config(args.config.as_deref())?;
    // All are tried, whatever happens to the others. Opening makes them dark; the lines stay so.
    let lights = leds::put_out(&config.leds);
    let buzzer = buzzer::put_out(&config.buzzer);
    let style = SceneStyle::default();
    let screen = match config.display.framebuffer.as_os_str().is_empty() {
        true => Ok(()),
        false => Framebuffer::open(&config.display.framebuffer, style).map(drop),
    };
    let panel = match config.display.panel.controller {
        PanelController::None => Ok(()),
        _ => PanelDisplay::open(&config.display.panel, style).map(drop),
    };
    // All but the first error, which is the command's.
    let mut results = [lights, buzzer, screen, panel].into_iter().filter_map(Result::err);
    let first = results.next();
    results.for_each(|error| log::error!("{error:#}"));
    first.map_or(Ok(()), Err)
}
