//! What Prometheus reads, in the OpenMetrics text format; `docs/web.md` lists every name.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use rustix::time::{ClockId, clock_gettime};

use super::live::{Sight, Slot, trouble};
use crate::classifier::Emotion;
use crate::health::{Health, State};
use crate::stopwatch::Histogram;

/// The type of the OpenMetrics text.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The type of the older text, for readers that do not ask for the other.
pub(super) const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures as OpenMetrics text.
pub(super) fn open_metrics(slot: &Slot, health: &Health) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Figures { slot: slot.clone(), health: health.clone() }));
    let mut out = String::new();
    text::encode(&mut out, &registry).expect("writing to a string cannot fail");
    out
}

/// The same in the older format: the samples are alike, but families of counters and facts are called as their samples, and units are not told.
pub(super) fn classic(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let family = line.strip_prefix("# TYPE ").or_else(|| line.strip_prefix("# HELP ")).and_then(|rest| rest.split_once(' '));
        let Some((name, rest)) = family else {
            if !line.starts_with('#') {
                out.extend([line, "\n"]);
            }
            continue;
        };
        let is = |kind: &str| open_metrics.contains(&format!("# TYPE {name} {kind}\n"));
        let suffix = if is("counter") {
            "_total"
        } else if is("info") {
            "_info"
        } else {
            ""
        };
        let rest = if rest == "info" { "gauge" } else { rest };
        out.extend([&line[..7], name, suffix, " ", rest, "\n"]);
    }
    out
}

/// Reads everything when it is asked.
#[derive(Debug)]
struct Figures {
    slot: Slot,
    health: Health,
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (now, reason) = self.slot.read();
        let snapshot = self.health.snapshot();
        let times = self.health.times();
        let counts = now.counts;
        let mut page = Page(encoder);

        let mut build = page.0.encode_descriptor("visaged_build", "The program.", None, MetricType::Info)?;
        build.encode_info(&[("version", snapshot.version.as_str())])?;
        page.gauge("visaged_uptime", "For how long the program runs.", Some(&Unit::Seconds), &snapshot.uptime_s)?;
        let works = i64::from(trouble(&now, &reason).is_none());
        page.gauge(
            "visaged_working",
            "Whether camera and recognition work, or rest because somebody wanted a pause.",
            None,
            &works,
        )?;

        page.counter("visaged_frames", "Pictures that were looked at.", None, &counts.frames)?;
        page.counter("visaged_frames_dropped", "Pictures that were passed over for a newer one.", None, &counts.dropped)?;
        page.counter(
            "visaged_faces_seen",
            "Faces that came into view; who leaves and comes back counts again.",
            None,
            &counts.faces,
        )?;
        page.gauge("visaged_faces_in_view", "Faces in view now.", None, &snapshot.faces)?;
        let seconds = Emotion::ALL.map(|emotion| (emotion.name(), counts.expressions[emotion as usize].as_secs_f64()));
        page.counters(
            "visaged_expression",
            "For how long an expression was shown, summed over faces.",
            &Unit::Seconds,
            "expression",
            &seconds,
        )?;
        let seconds = [("covered", counts.covered), ("paused", counts.paused), ("camera_lost", counts.camera_lost)];
        let seconds = seconds.map(|(reason, time)| (reason, time.as_secs_f64()));
        page.counters("visaged_rest", "For how long nothing was looked at.", &Unit::Seconds, "reason", &seconds)?;

        let mut states =
            page.0.encode_descriptor("visaged_camera_state", "1 for what the camera does now.", None, MetricType::Gauge)?;
        for sight in Sight::ALL {
            states.encode_family(&[("state", sight.name())])?.encode_gauge(&i64::from(sight == now.sight))?;
        }
        let mut states =
            page.0.encode_descriptor("visaged_part_state", "1 for the state that a part is in.", None, MetricType::Gauge)?;
        for part in &snapshot.parts {
            for (name, state) in [("ok", State::Ok), ("degraded", State::Degraded), ("failed", State::Failed)] {
                let labels = [("part", part.name.as_str()), ("state", name)];
                states.encode_family(&labels)?.encode_gauge(&i64::from(part.state == state))?;
            }
        }

        let mut stages = page.0.encode_descriptor(
            "visaged_stage",
            "How long the stages take.",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (name, histogram) in [
            ("detect", &times.detect),
            ("detect_near", &times.detect_near),
            ("classify", &times.classify),
            ("frame", &times.frame),
        ] {
            let (sum, count, buckets) = read(histogram);
            stages.encode_family(&[("stage", name)])?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        let (sum, count, buckets) = read(self.slot.ages());
        page.0
            .encode_descriptor(
                "visaged_picture_age",
                "How old pictures are when they are shown.",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?
            .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;

        if let Some(temperature) = snapshot.temperature_c {
            page.gauge("visaged_temperature", "Of the processor.", Some(&Unit::Celsius), &temperature)?;
        }
        if let Some(throttled) = snapshot.throttled {
            page.gauge(
                "visaged_throttled",
                "Whether the board is slowed down by heat or want of current.",
                None,
                &i64::from(throttled),
            )?;
        }
        page.counter("visaged_throttled", "For how long it was.", Some(&Unit::Seconds), &counts.throttled.as_secs_f64())?;
        page.counter("process_cpu", "Processor time of the program.", Some(&Unit::Seconds), &cpu_seconds())?;
        if let Some(memory) = resident_bytes() {
            page.gauge("process_resident_memory", "Memory of the program.", Some(&Unit::Bytes), &memory)?;
        }
        Ok(())
    }
}

/// An encoder with words for what is told often.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn counter(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: &impl EncodeCounterValue) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit, MetricType::Counter)?.encode_counter::<NoLabelSet, _, f64>(value, None)
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: &impl EncodeGaugeValue) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(value)
    }

    fn counters(&mut self, name: &str, help: &str, unit: &Unit, label: &str, values: &[(&str, f64)]) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, Some(unit), MetricType::Counter)?;
        for (value, seconds) in values {
            family.encode_family(&[(label, *value)])?.encode_counter::<NoLabelSet, _, f64>(seconds, None)?;
        }
        Ok(())
    }
}

/// Sum, number, and how many up to each bound.
fn read(histogram: &Histogram) -> (f64, u64, Vec<(f64, u64)>) {
    let (counts, sum) = histogram.read();
    (sum, counts.iter().sum(), Histogram::BOUNDS.into_iter().zip(counts).collect())
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The resident memory as the kernel counts it (`VmRSS`, in KiB).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn figures() -> String {
        let health = Health::default();
        health.tell("camera", State::Ok, "");
        health.tell("screen \"auto\"", State::Degraded, "no such device");
        health.times().classify.add(Duration::from_millis(4));
        open_metrics(&Slot::default(), &health)
    }

    #[test]
    fn every_family_has_a_help_a_type_and_a_base_unit_in_its_name() {
        let text = figures();
        assert!(text.ends_with("# EOF\n"));
        let families: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
        assert!(families.len() >= 15, "{text}");
        for (name, _) in &families {
            let help = format!("# HELP {name} ");
            assert_eq!(text.lines().filter(|line| line.starts_with(&help)).count(), 1, "{name}");
            assert!(!name.ends_with("_ms") && !name.ends_with("_percent"), "{name}");
        }
        for line in [
            "visaged_camera_state{state=\"starting\"} 1",
            "visaged_part_state{part=\"screen \\\"auto\\\"\",state=\"degraded\"} 1",
            "visaged_stage_seconds_count{stage=\"classify\"} 1",
            "visaged_stage_seconds_bucket{le=\"0.005\",stage=\"classify\"} 1",
            "visaged_expression_seconds_total{expression=\"happy\"} 0.0",
            "# UNIT visaged_expression_seconds seconds",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn the_older_format_names_counters_as_their_samples_and_has_no_units() {
        let text = classic(
            "# HELP a_seconds Time.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1.5\n\
             # HELP b Facts.\n# TYPE b info\nb_info{version=\"1\"} 1\n# HELP c Now.\n# TYPE c gauge\nc 2\n# EOF\n",
        );
        assert_eq!(
            text,
            "# HELP a_seconds_total Time.\n# TYPE a_seconds_total counter\na_seconds_total 1.5\n\
             # HELP b_info Facts.\n# TYPE b_info gauge\nb_info{version=\"1\"} 1\n# HELP c Now.\n# TYPE c gauge\nc 2\n"
        );
    }
}
