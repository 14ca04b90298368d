//! What a report says about the machine that it was made on. No name, number or address that would tell one machine of a kind from another.

use std::fs;
use std::io::{self, Write};

/// Writes the head of a report, Markdown, one fact a line; what the machine does not tell is left out.
pub(super) fn describe(title: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## visaged {}: {title}\n", env!("CARGO_PKG_VERSION"))?;
    for (name, value) in facts() {
        writeln!(out, "* {name}: {value}")?;
    }
    writeln!(out)
}

fn facts() -> impl Iterator<Item = (&'static str, String)> {
    [
        ("board", read("/proc/device-tree/model").map(|model| model.trim_end_matches('\0').to_owned())),
        ("system", read("/etc/os-release").and_then(|text| field(&text, "PRETTY_NAME="))),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("program for", Some(std::env::consts::ARCH.to_owned())),
        ("processor", read("/proc/cpuinfo").and_then(|text| field(&text, "model name").or_else(|| field(&text, "Model")))),
        ("cores", std::thread::available_parallelism().ok().map(|cores| cores.to_string())),
        ("memory", read("/proc/meminfo").and_then(|text| field(&text, "MemTotal:"))),
        ("temperature", read("/sys/class/thermal/thermal_zone0/temp").and_then(|text| degrees(&text))),
        ("governor", read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?.trim().to_owned())))
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The rest of the first line that begins with `name`, without separators and quotes.
fn field(text: &str, name: &str) -> Option<String> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim_matches(|c: char| c.is_whitespace() || c == ':' || c == '"').to_owned())
}

/// The kernel gives thousandths of a degree Celsius.
fn degrees(text: &str) -> Option<String> {
    let thousandths: f64 = text.trim().parse().ok()?;
    Some(format!("{:.1} °C", thousandths / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_the_files_of_the_kernel_and_the_system() {
        assert_eq!(
            field("PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=x\n", "PRETTY_NAME=").unwrap(),
            "Debian GNU/Linux 13 (trixie)"
        );
        assert_eq!(field("processor\t: 0\nmodel name\t: ARMv7 rev 4\n", "model name").unwrap(), "ARMv7 rev 4");
        assert_eq!(field("MemTotal:         949444 kB\n", "MemTotal:").unwrap(), "949444 kB");
        assert_eq!(field("", "Model"), None);
        assert_eq!(degrees("48312\n").unwrap(), "48.3 °C");
        assert_eq!(degrees("hot"), None);
    }

    #[test]
    fn a_report_begins_with_version_and_kernel() {
        let mut report = Vec::new();
        describe("how fast it is", &mut report).unwrap();
        let report = String::from_utf8(report).unwrap();
        assert!(report.starts_with(&format!("## visaged {}: how fast it is\n\n", env!("CARGO_PKG_VERSION"))), "{report}");
        assert!(report.contains("\n* kernel: "), "{report}");
    }
}
