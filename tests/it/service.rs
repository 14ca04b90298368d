//! The program itself, started as systemd starts it, for tests that look at it from outside.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A running service; everything that it writes goes into its folder.
pub(super) struct Service {
    process: Child,
    pub(super) folder: TempDir,
    /// What it tells systemd.
    notify: Receiver<String>,
}

impl Service {
    /// Starts it with this configuration, in which `FOLDER` stands for its folder, by the words of `wrapper` if there are any. None where programs of this kind
    /// cannot be started (a test that was built for another processor).
    pub(super) fn start(config: &str, wrapper: &[&str]) -> Option<Self> {
        Self::start_in(tempfile::tempdir().unwrap(), config, wrapper)
    }

    pub(super) fn start_in(folder: TempDir, config: &str, wrapper: &[&str]) -> Option<Self> {
        let path = folder.path().to_str().unwrap().to_owned();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("visaged.toml"), config.replace("FOLDER", &path)).unwrap();
        let notify = listen(UnixDatagram::bind(at("notify")).unwrap());
        let program = [env!("CARGO_BIN_EXE_visaged"), "--verbose", "run", "--config"];
        let words: Vec<String> = wrapper.iter().map(|word| word.replace("FOLDER", &path)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).chain(program).collect();
        let started = Command::new(words[0])
            .args(&words[1..])
            .arg(at("visaged.toml"))
            .env("RUNTIME_DIRECTORY", folder.path())
            .env("NOTIFY_SOCKET", at("notify"))
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stderr(File::create(at("log")).unwrap())
            .stdout(File::create(at("out")).unwrap())
            .spawn();
        match started {
            Ok(process) => Some(Self { process, folder, notify }),
            Err(error) => {
                eprintln!("NOT RUN: {} cannot be started here: {error}", words[0]);
                None
            }
        }
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// What `visaged status` would be told; none while nobody answers.
    pub(super) fn status(&self) -> Option<Value> {
        let mut answer = String::new();
        BufReader::new(UnixStream::connect(self.at("visaged.sock")).ok()?).read_line(&mut answer).ok()?;
        serde_json::from_str(&answer).ok()
    }

    /// The state of a part, `OK` or `DEGRADED`, and its reason; empty while it is not known.
    pub(super) fn part(&self, name: &str) -> (String, String) {
        let status = self.status().unwrap_or_default();
        let part = status["parts"].as_array().and_then(|parts| parts.iter().find(|part| part["name"] == name));
        let text = |key: &str| part.and_then(|part| part[key].as_str()).unwrap_or_default().to_owned();
        (text("state"), text("reason"))
    }

    /// Waits until this is so.
    pub(super) fn wait_for(&mut self, what: &str, seconds: u64, mut is_so: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !is_so(self) {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none() && begin.elapsed() < limit(seconds), "{what} ({ended:?}):\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has told systemd since the last question, each message in a line.
    pub(super) fn told(&self) -> Vec<String> {
        self.notify.try_iter().collect()
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self, seconds: u64) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < limit(seconds), "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks it to end; how it did, and how long that took.
    pub(super) fn end(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        self.signal(Signal::TERM);
        (self.wait(20), begin.elapsed())
    }
}

/// Reads as systemd does, all the time and until the tests end: a socket that nobody reads is full after ten messages, and holds up whoever sends.
fn listen(notify: UnixDatagram) -> Receiver<String> {
    let (heard, told) = channel();
    std::thread::spawn(move || {
        let mut message = [0; 4096];
        while let Ok(length) = notify.recv(&mut message)
            && heard.send(String::from_utf8_lossy(&message[..length]).into_owned()).is_ok()
        {}
    });
    told
}

/// How long at most is waited for what takes so many seconds at most; an emulated processor (tests/cross.sh) is slower.
fn limit(seconds: u64) -> Duration {
    Duration::from_secs(if std::env::var_os("VISAGED_EMULATED").is_some() { 20 * seconds } else { seconds })
}

impl Drop for Service {
    fn drop(&mut self) {
        // After a test that has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A recording of a wall at a picture a second, for a service to which minutes are to pass in no time.
pub(super) fn wall(folder: &TempDir) {
    let mut file = File::create(folder.path().join("wall.y4m")).unwrap();
    writeln!(file, "YUV4MPEG2 W64 H48 F1:1 Cmono").unwrap();
    for frame in 0..15 {
        writeln!(file, "FRAME").unwrap();
        file.write_all(&[110 + frame; 64 * 48]).unwrap();
    }
}
