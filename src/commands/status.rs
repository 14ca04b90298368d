//! `visaged status`: how the running service is; and the thread in the service that answers.
//!
//! The service listens on a socket in its runtime directory. Whoever connects gets one line, a JSON object, and nothing is read from them: there is nothing to
//! get wrong. One is served after the other, each within a second.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::exit::NotRunning;
use super::lock;
use crate::health::{Health, Part, Snapshot, State};

/// The socket's name in the runtime directory.
const NAME: &str = "visaged.sock";

/// The service's runtime directory, as its unit has it.
const SERVICE: &str = "/run/visaged";

/// Longer than this neither side waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// No answer is longer.
const LONGEST: u64 = 64 << 10;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    print_answer(&ask()?, args.json, out)
}

/// Prints what a service answered. Where none runs, anybody may have put a socket into the folder for temporary files: nothing of it commands a terminal.
///
/// # Errors
/// If it is no answer of this version's services.
pub fn print_answer(answer: &str, json: bool, out: &mut dyn Write) -> Result<()> {
    let mut snapshot: Snapshot = serde_json::from_str(answer)
        .context("the service answers in a way that this program does not know: are both of one version?")?;
    let of_parts = snapshot.parts.iter_mut().flat_map(|part| [&mut part.name, &mut part.reason]);
    for text in of_parts.chain([&mut snapshot.version]) {
        *text = text.replace(char::is_control, " ");
    }
    if json {
        writeln!(out, "{}", serde_json::to_string(&snapshot)?)?;
    } else {
        print(&snapshot, out)?;
    }
    Ok(())
}

/// The answer of the first service that is found: the system's, else one of this user.
fn ask() -> Result<String> {
    let places = [Some(PathBuf::from(SERVICE)), Some(lock::folder())];
    for place in places.into_iter().flatten() {
        let path = place.join(NAME);
        match answer(&path) {
            Ok(line) => return Ok(line),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(error).with_context(|| {
                    format!("{}: only root and the group \"visaged\" may ask (sudo visaged status)", path.display())
                });
            }
            Err(error) => return Err(error).with_context(|| format!("{}: the service does not answer", path.display())),
        }
    }
    Err(NotRunning.into())
}

fn answer(path: &Path) -> io::Result<String> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    Ok(line)
}

fn print(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let Snapshot {
        version,
        uptime_s,
        frames,
        dropped,
        frames_per_second,
        faces,
        last_expression,
        temperature_c,
        throttled,
        parts,
    } = snapshot;
    writeln!(out, "visaged {version}, running for {}", in_words(*uptime_s))?;
    writeln!(out, "{frames_per_second:.1} frames/s; {frames} looked at, {dropped} passed over")?;
    let expression = last_expression.map_or("none yet".into(), |expression| expression.to_string());
    writeln!(out, "{faces} {} in view; last expression: {expression}", if *faces == 1 { "face" } else { "faces" })?;
    if let Some(temperature) = temperature_c {
        let throttled = if *throttled == Some(true) { ", and the board is throttled" } else { "" };
        writeln!(out, "processor at {temperature:.0} °C{throttled}")?;
    }
    for Part { name, state, reason, for_s } in parts {
        let state = match state {
            State::Ok => "OK",
            State::Degraded => "DEGRADED",
            State::Failed => "FAILED",
        };
        let separator = if reason.is_empty() { "" } else { ": " };
        writeln!(out, "{state:9} {name} (for {}){separator}{reason}", in_words(*for_s))?;
    }
    Ok(())
}

/// `3 d 4 h`, `12 min`, `9 s`: the two largest units at most.
fn in_words(seconds: f64) -> String {
    let seconds = seconds as u64;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Answers as long as it lives; then the socket is gone.
pub(super) struct Answers {
    path: PathBuf,
}

impl Answers {
    /// Begins to answer. To be called by the holder of the lock only: a socket that is there already is that of a service that was killed.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub(super) fn begin(health: &Health) -> Result<Self> {
        Self::begin_in(&lock::folder(), health)
    }

    fn begin_in(folder: &Path, health: &Health) -> Result<Self> {
        let path = folder.join(NAME);
        let listener = listen(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
        let told = health.clone();
        let mut worker = health.workers().start("status", move || {
            for stream in listener.incoming() {
                match stream {
                    // Whoever does not wait for the answer does not get it.
                    Ok(stream) => drop(tell(&stream, &told)),
                    // Out of descriptors, perhaps: it would fail again at once.
                    Err(_) => std::thread::sleep(PATIENCE),
                }
            }
        })?;
        // It answers until the program has ended.
        worker.leave();
        Ok(Self { path })
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => bail!("there is something else than a socket"),
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    // The answer says whether somebody is at home: not for everybody.
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(listener)
}

fn tell(mut stream: &UnixStream, health: &Health) -> Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let line = serde_json::to_string(&health.snapshot())? + "\n";
    Ok(stream.write_all(line.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_connects_gets_one_line_however_many_hang_on_without_reading() {
        let folder = tempfile::tempdir().unwrap();
        let health = Health::default();
        health.tell("camera", State::Degraded, "unplugged");
        let answers = Answers::begin_in(folder.path(), &health).unwrap();
        let path = folder.path().join(NAME);
        let _idle: Vec<_> = (0..64).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let snapshot: Snapshot = serde_json::from_str(&answer(&path).unwrap()).unwrap();
        assert_eq!((snapshot.parts.len(), snapshot.parts[0].reason.as_str()), (1, "unplugged"));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
        drop(answers);
        assert!(!path.exists());
    }

    #[test]
    fn the_socket_of_a_service_that_was_killed_is_replaced_and_anything_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(answer(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let answers = Answers::begin_in(folder.path(), &Health::default()).unwrap();
        answer(&path).unwrap();
        drop(answers);
        fs::write(&path, "mine").unwrap();
        let message = format!("{:#}", Answers::begin_in(folder.path(), &Health::default()).err().expect("a file is in the way"));
        assert!(message.ends_with("there is something else than a socket"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn what_a_stranger_answers_commands_no_terminal() {
        let health = Health::default();
        health.tell("camera\u{1b}[2J", State::Degraded, "two\nlines");
        let snapshot = Snapshot { version: "\u{9b}31m".into(), ..health.snapshot() };
        let answer = serde_json::to_string(&snapshot).unwrap();
        for json in [false, true] {
            let mut out = Vec::new();
            print_answer(&answer, json, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains("two lines") && text.ends_with('\n'), "{text:?}");
            assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
        }
    }

    #[test]
    fn people_read_states_with_their_reasons_and_how_long_they_last() {
        let health = Health::default();
        health.tell("camera", State::Ok, "");
        health.tell("database", State::Degraded, "/var/lib/visaged/statistics.sqlite: database or disk is full");
        let mut out = Vec::new();
        let snapshot = Snapshot { temperature_c: Some(61.3), throttled: Some(true), uptime_s: 273_000.0, ..health.snapshot() };
        print(&snapshot, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = format!(
            "visaged {}, running for 3 d 3 h\n0.0 frames/s; 0 looked at, 0 passed over\n0 faces in view; last expression: none yet\n\
             processor at 61 °C, and the board is throttled\nOK        camera (for 0 s)\n\
             DEGRADED  database (for 0 s): /var/lib/visaged/statistics.sqlite: database or disk is full\n",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(text, expected);
    }
}
