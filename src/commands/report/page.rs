//! The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere.

use std::fmt::Write;

use anyhow::Result;

use super::super::records::Length;
use super::tally::{Sums, Tally};
use super::text::duration;
use crate::classifier::Emotion;
use crate::plots;

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 0 auto; padding: 1rem; color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { text-align: right; padding: .15rem .6rem; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 0; overflow-x: auto; } figure svg { width: 100%; min-width: 36rem; height: auto; }
.note { color: #555; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #000; } .note { color: #bbb; } th, td { border-color: #444; }
  figure svg { filter: invert(1) hue-rotate(180deg); }
}
@media print { figure { break-inside: avoid; } }
";

/// The whole file.
pub(super) fn html(tally: &Tally, accuracy: &str, written: &str) -> Result<String> {
    let Tally { period, length, time_zone, devices, total, elapsed_ms, bins, by_weekday_and_hour, events, .. } = tally;
    let title = format!("Expressions, {}", escaped(period));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n"
    );
    let zone = escaped(time_zone);
    writeln!(page, "<p>Times are those of {zone}. Written {} by visaged {}.</p>", escaped(written), env!("CARGO_PKG_VERSION"))?;
    let Sums { recorded_ms, covered_ms, paused_ms, camera_lost_ms, throttled_ms, frames, dropped, faces, .. } = total;
    page += "<table>\n";
    for (what, value) in [
        ("Faces that came into view", faces.to_string()),
        ("Recorded", format!("{} of {}", duration(*recorded_ms), duration(*elapsed_ms))),
        ("Without a camera", duration(*camera_lost_ms)),
        ("With the lens covered", duration(*covered_ms)),
        ("Paused", duration(*paused_ms)),
        ("Slowed down by heat or want of current", duration(*throttled_ms)),
        ("Frames looked at", frames.to_string()),
        ("Frames passed over", dropped.to_string()),
    ] {
        writeln!(page, "<tr><th scope=\"row\">{what}</th><td>{value}</td></tr>")?;
    }
    page += "</table>\n<h2>Expressions</h2>\n";
    match total.shares() {
        Some(shares) => {
            page +=
                "<table>\n<tr><th scope=\"col\">Expression</th><th scope=\"col\">Time</th><th scope=\"col\">Share</th></tr>\n";
            for ((emotion, time), share) in Emotion::ALL.into_iter().zip(total.expressions_ms).zip(shares) {
                writeln!(
                    page,
                    "<tr><th scope=\"row\">{emotion}</th><td>{}</td><td>{:.1} %</td></tr>",
                    duration(time),
                    100.0 * share
                )?;
            }
            page += "</table>\n";
        }
        None => page += "<p>No face was seen.</p>\n",
    }
    writeln!(
        page,
        "<p class=\"note\">Times are summed over faces: two happy faces make two seconds a second. The network is right about {}. It names \
         expressions on faces, not what people feel.</p>",
        escaped(accuracy)
    )?;

    let unit = if *length == Length::Month { "day" } else { "hour" };
    let labels: Vec<_> = bins.iter().map(|bin| bin.label.as_str()).collect();
    let shares: Vec<_> = bins.iter().map(|bin| bin.sums.shares()).collect();
    let svg = plots::shares_over_time(
        &labels,
        &shares,
        &format!("share of the time with a face, each {unit}, {time_zone}; a gap: no face"),
    )?;
    figure(&mut page, &format!("Share of each expression, {unit} by {unit}"), &svg)?;

    let faces: Vec<_> = bins.iter().map(|bin| (bin.sums.watching_ms() > 0).then_some(bin.sums.faces as f64)).collect();
    let svg = plots::bars_over_time(
        &labels,
        &faces,
        &format!("faces that came into view, each {unit}, {time_zone}; a line below: the camera did not watch"),
    )?;
    figure(&mut page, &format!("Faces per {unit}"), &svg)?;

    let per_hour = |sums: &Sums| (sums.watching_ms() > 0).then(|| sums.faces as f64 * 3.6e6 / sums.watching_ms() as f64);
    let cells = by_weekday_and_hour.each_ref().map(|day| day.each_ref().map(per_hour));
    let svg = plots::week_map(&cells, &format!("faces per hour in which the camera watched, {time_zone}; a dot: it did not"))?;
    figure(&mut page, "Faces by weekday and hour", &svg)?;

    let states: Vec<_> = bins
        .iter()
        .map(|bin| {
            let Sums { covered_ms, paused_ms, camera_lost_ms, .. } = bin.sums;
            let all = bin.elapsed_ms.max(bin.sums.recorded_ms);
            (all > 0)
                .then(|| [bin.sums.watching_ms(), covered_ms, paused_ms, camera_lost_ms].map(|time| time as f64 / all as f64))
        })
        .collect();
    let svg = plots::states_over_time(&labels, &states, &format!("share of each {unit}, {time_zone}; white: not recorded"))?;
    figure(&mut page, "The camera", &svg)?;

    page += "<h2>Events</h2>\n";
    if events.is_empty() {
        page += "<p>None were written down (<code>[statistics] events</code>).</p>\n";
    } else {
        page += "<table>\n<tr><th scope=\"col\">Expression</th><th scope=\"col\">0.5 s and longer</th><th scope=\"col\">Shorter</th>\
                 <th scope=\"col\">Mean length</th><th scope=\"col\">Highest peak</th></tr>\n";
        for event in events {
            writeln!(
                page,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{:.1} s</td><td>{:.0} %</td></tr>",
                event.expression,
                event.macros,
                event.micros,
                event.mean_duration_ms as f64 / 1000.0,
                100.0 * event.highest_peak
            )?;
        }
        page += "</table>\n";
    }

    page += "<h2>Devices</h2>\n<table>\n<tr><th scope=\"col\">Name</th><th scope=\"col\">Id</th><th scope=\"col\">Minutes</th>\
             <th scope=\"col\">Without a date</th></tr>\n";
    for device in devices {
        let (name, id) = (escaped(&device.name), escaped(&device.id));
        writeln!(page, "<tr><td>{name}</td><td>{id}</td><td>{}</td><td>{}</td></tr>", device.minutes, device.undated_minutes)?;
    }
    page += "</table>\n<p class=\"note\">These are sums of whole minutes. No picture and nothing that tells people apart was stored.</p>\n</html>\n";
    Ok(page)
}

/// A picture under a heading, with a name for those who do not see it.
fn figure(page: &mut String, title: &str, svg: &str) -> Result<()> {
    let svg = svg.trim().replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{}\" ", escaped(title)), 1);
    Ok(writeln!(page, "<h2>{}</h2>\n<figure>{svg}</figure>", escaped(title))?)
}

/// Safe as text and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            _ => safe.push(letter),
        }
    }
    safe
}
