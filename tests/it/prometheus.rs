//! The figures as a real Prometheus reads them.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use visaged::classifier::Emotion;
use visaged::outputs::web::Patience;

use super::web::{Device, TOKEN, free_port, is_installed, request, try_request};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs promtool: make test-network"]
fn promtool_has_nothing_to_say_about_the_figures() {
    if !is_installed("promtool", "prometheus") {
        return;
    }
    let mut device = Device::open();
    device.show(Emotion::Happy);
    let (_, figures) = request(device.address(), "GET", "/metrics", &[], "");
    let mut promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut promtool.stdin.take().unwrap(), figures.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs prometheus: make test-network"]
fn a_real_prometheus_with_the_token_scrapes_the_figures_and_one_without_does_not() {
    if !is_installed("prometheus", "prometheus") {
        return;
    }
    let mut device = Device::new(true, Patience::default());
    let folder = tempfile::tempdir().unwrap();
    let job = |name: &str, token: &str| {
        format!(
            "  - job_name: {name}\n    scrape_interval: 200ms\n    scrape_timeout: 200ms\n    authorization: {{credentials: {token}}}\n    \
             static_configs: [{{targets: ['{}']}}]\n",
            device.address()
        )
    };
    let text = format!("scrape_configs:\n{}{}", job("ours", TOKEN), job("stranger", "wrong-wrong-wrong"));
    let path = folder.path().join("prometheus.yml");
    std::fs::write(&path, text).unwrap();
    let port = free_port();
    let _prometheus = Program(
        Command::new("prometheus")
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut values = |query: &str| -> Vec<(String, f64)> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(30) {
            device.show(Emotion::Happy);
            std::thread::sleep(Duration::from_millis(50));
            let path = format!("/api/v1/query?query={query}");
            let Ok((200, answer)) = try_request(([127, 0, 0, 1], port).into(), "GET", &path, &[], "") else { continue };
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let results = answer["data"]["result"].as_array().unwrap();
            if !results.is_empty() {
                let value = |result: &Value| {
                    let job = result["metric"]["job"].as_str().unwrap().to_owned();
                    (job, result["value"][1].as_str().unwrap().parse().unwrap())
                };
                return results.iter().map(value).collect();
            }
        }
        panic!("Prometheus has no {query}");
    };
    let frames = values("visaged_frames_total");
    assert_eq!(frames.len(), 1);
    assert!(frames[0].0 == "ours" && frames[0].1 >= 1.0, "{frames:?}");
    assert_eq!(values("up{job=\"ours\"}"), [("ours".into(), 1.0)]);
    assert_eq!(values("up{job=\"stranger\"}"), [("stranger".into(), 0.0)]);
    assert_eq!(values("visaged_expression_seconds_total{expression=\"happy\"}").len(), 1);
}
