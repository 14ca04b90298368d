//! `visaged check`: is this configuration one that the service would run with?

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use super::{run, stages};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the whole configuration, defaults included.
    #[arg(long)]
    print: bool,
}

/// Reads the file, and loads the detector and the network that it names.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let config = stages::load_config(args.config.as_deref())?;
    run::open_pipeline(&config)?;
    if args.print {
        write!(out, "{}", config.to_toml())?;
    } else {
        writeln!(out, "the configuration is good")?;
    }
    Ok(())
}
