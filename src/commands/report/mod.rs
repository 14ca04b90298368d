//! `visaged report`: what was counted on a day, in a week or in a month, of one device or of many together.

mod page;
mod tally;
mod text;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use self::tally::Tally;
use super::records::{self, Days, Length, Sources};

/// Said beside every figure; a test compares it with the model card.
const ACCURACY: &str = "70.86 % of the faces of its test set (FER-2013, PrivateTest, network base)";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    days: Days,
    #[command(flatten)]
    sources: Sources,
    /// Write it as a page with pictures into this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Without a choice of days: today.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let readings = args.sources.open()?;
    let now = records::now();
    let period = match args.days.period(&now)? {
        Some(period) => period,
        None => records::period(Length::Day, "today", &now)?,
    };
    let mut minutes = 0;
    for reading in &readings {
        minutes += reading.count_minutes(&Some(period.seconds()))?;
    }
    let progress = records::progress(minutes);
    let tally = Tally::of(&readings, &period, &now, &progress)?;
    progress.finish_and_clear();
    if let Some(path) = &args.html {
        let page = page::html(&tally, ACCURACY, &now.strftime("%F %H:%M").to_string())?;
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&tally)?)?;
    } else if args.html.is_none() {
        text::print(&tally, ACCURACY, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accuracy_beside_the_figures_is_that_of_the_model_card() {
        let card = include_str!("../../../models/README.md");
        let percent = ACCURACY.split(" of ").next().unwrap();
        assert!(card.contains(&format!("| **PrivateTest accuracy** | **{percent}** |")), "{percent}");
    }
}
