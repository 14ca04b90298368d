//! The report on the terminal.

use std::io::{self, Write};

use super::super::records::Length;
use super::tally::{Bin, Events, Sums, Tally};
use crate::classifier::Emotion;

/// The longest bar, in letters.
const WIDTH: f64 = 30.0;

pub(super) fn print(tally: &Tally, accuracy: &str, out: &mut dyn Write) -> io::Result<()> {
    let Tally { period, time_zone, devices, total, elapsed_ms, rows, events, .. } = tally;
    let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
    writeln!(out, "{period} ({time_zone}): {}", names.join(", "))?;
    let Sums { recorded_ms, covered_ms, paused_ms, camera_lost_ms, throttled_ms, frames, dropped, faces, expressions_ms } = total;
    writeln!(out, "recorded {} of {}", duration(*recorded_ms), duration(*elapsed_ms))?;
    for (time, what) in [
        (camera_lost_ms, "without a camera"),
        (covered_ms, "with the lens covered"),
        (paused_ms, "paused"),
        (throttled_ms, "slowed down by heat or want of current"),
    ] {
        if *time > 0 {
            writeln!(out, "    {} {what}", duration(*time))?;
        }
    }
    let word = if *faces == 1 { "face" } else { "faces" };
    writeln!(out, "{faces} {word} came into view; {frames} frames looked at, {dropped} passed over")?;
    for device in devices.iter().filter(|device| device.undated_minutes > 0) {
        writeln!(out, "{} minutes of {} have no date and are in no report", device.undated_minutes, device.name)?;
    }

    if let Some(shares) = total.shares() {
        writeln!(out, "\n{:10} {:>12} {:>8}", "expression", "time", "share")?;
        for ((emotion, time), share) in Emotion::ALL.into_iter().zip(expressions_ms).zip(shares) {
            writeln!(out, "{emotion:10} {:>12} {:>6.1} %  {}", duration(*time), 100.0 * share, bar(share))?;
        }
        writeln!(out, "The network is right about {accuracy}. It names expressions on faces, not what people feel.")?;
    }

    let unit = if tally.length == Length::Day { "hour" } else { "day" };
    let most = rows.iter().map(|row| row.sums.faces).max().unwrap_or(0).max(1);
    writeln!(out, "\n{unit:14} {:>6}", "faces")?;
    for Bin { label, sums, .. } in rows {
        if sums.watching_ms() > 0 {
            writeln!(out, "{label:14} {:>6}  {}", sums.faces, bar(sums.faces as f64 / most as f64))?;
        } else {
            writeln!(out, "{label:14} {:>6}", "-")?;
        }
    }
    writeln!(out, "-: the camera did not watch")?;

    if !events.is_empty() {
        writeln!(out, "\n{:10} {:>8} {:>8} {:>9} {:>8}", "events", "≥ 0.5 s", "shorter", "mean", "peak")?;
        for Events { expression, macros, micros, mean_duration_ms, highest_peak } in events {
            let mean = *mean_duration_ms as f64 / 1000.0;
            writeln!(out, "{expression:10} {macros:>8} {micros:>8} {mean:>7.1} s {:>6.0} %", 100.0 * highest_peak)?;
        }
    }
    Ok(())
}

/// `3 d 4 h`, `2 h 5 min`, `12 min`, `9 s`.
pub(super) fn duration(milliseconds: i64) -> String {
    let seconds = (milliseconds + 500) / 1000;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A bar for a share of 0 to 1, to an eighth of a letter.
fn bar(share: f64) -> String {
    const PARTS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * WIDTH * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.extend((eighths % 8).checked_sub(1).and_then(|part| PARTS.get(part)));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_the_share_to_an_eighth() {
        assert_eq!(bar(1.0).chars().count(), 30);
        assert_eq!(bar(0.1), "███");
        assert_eq!(bar(0.1 + 4.0 / 240.0), "███▌");
        assert_eq!(bar(0.0), "");
    }
}
