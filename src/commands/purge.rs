//! `visaged purge`: deletes everything that was counted.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::exit::Usage;
use super::{records, stages};
use crate::outputs::statistics;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Deletes the rows, the damaged databases that were set aside, and the file of JSON lines. The service may run.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let database = records::database_of(args.config.as_deref())?;
    let lines = stages::load_config(args.config.as_deref())?.statistics.file;
    let lines = Some(lines).filter(|file| file.is_file());
    if !args.yes && !is_wanted(&database.display().to_string(), out)? {
        writeln!(out, "nothing is deleted")?;
        return Ok(());
    }
    let minutes = statistics::purge(&database).map_err(records::with_hint)?;
    if let Some(lines) = lines {
        fs::remove_file(&lines).with_context(|| format!("cannot delete {}", lines.display()))?;
    }
    writeln!(out, "{minutes} minutes and all events are deleted")?;
    Ok(())
}

fn is_wanted(database: &str, out: &mut dyn Write) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage("nobody can be asked here whether everything is to be deleted: say so with --yes".into()).into());
    }
    write!(out, "Delete all statistics in {database}? There is no way back. [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
