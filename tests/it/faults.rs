//! Faults that only the program itself can meet: errors of the card (`strace -e inject`), full and read-only file systems, signals, a second instance.
//! `make test-faults` runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use rustix::process::Signal;
use tempfile::TempDir;

use super::service::{Service, wall};

/// Looks at a wall as fast as it can, so that minutes pass in a second or so, and writes each.
const BUSY: &str = "[camera]\nsource = \"replay\"\nreplay = \"FOLDER/wall.y4m\"\nreplay_loop = true\nreplay_speed = \"full\"\n\
                    [statistics]\ndatabase = \"FOLDER/state/statistics.sqlite\"\nflush_s = 60\nfile = \"FOLDER/lines.jsonl\"\n";

/// A drawn face at 15 frames/s.
const PUPPET: &str = "[camera]\nsource = \"puppet\"\nwidth = 320\nheight = 240\n\
                      [statistics]\ndatabase = \"FOLDER/state/statistics.sqlite\"\n[display]\npng = \"FOLDER/scene.png\"\n";

fn busy(wrapper: &[&str]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    wall(&folder);
    Service::start_in(folder, BUSY, wrapper).expect("the program can be started here")
}

fn lines(service: &Service) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(service.at("lines.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// After the end: every minute that was counted is in the database, once, and the log has said what was to say and no more.
fn nothing_is_lost(service: &mut Service, reason: &str) {
    let (status, _) = service.end();
    assert!(status.success(), "{}", service.log());
    let counted: Vec<_> = lines(service).iter().map(|line| line["frames"].as_i64().unwrap()).collect();
    let connection = Connection::open(service.at("state/statistics.sqlite")).unwrap();
    let mut rows = connection.prepare("SELECT frames FROM minutes ORDER BY sequence").unwrap();
    let rows: Vec<i64> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!((rows.as_slice(), sound.as_str()), (counted.as_slice(), "ok"));
    let log = service.log();
    let said: Vec<_> =
        log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR") || line.contains("again")).collect();
    println!("{} minutes, {} lines of trouble: {said:#?}", rows.len(), said.len());
    assert!(said.iter().any(|line| line.contains(reason)) && log.contains("can be written again"), "{log}");
    assert!(said.len() <= 20, "{log}");
}

/// Runs under `strace -e inject=WHAT` until the database has failed and works again.
fn under_injection(inject: &str, reason: &str) {
    let inject = format!("inject={inject}");
    let trace = "trace=fsync,fdatasync,pwrite64,ftruncate,unlink";
    let strace = ["strace", "-D", "-f", "-qq", "-e", trace, "-e", &inject, "-o", "FOLDER/strace"];
    let mut service = busy(&strace);
    service.wait_for("the database fails", 120, |service| service.log().contains("stay in memory"));
    service.wait_for("the database works again", 120, |service| service.log().contains("can be written again"));
    let minutes = lines(&service).len();
    service.wait_for("minutes are counted", 120, |service| lines(service).len() > minutes + 2);
    nothing_is_lost(&mut service, reason);
    assert!(fs::read_to_string(service.at("strace")).unwrap().contains("(INJECTED)"));
}

#[test]
#[ignore = "needs strace: make test-faults"]
fn a_card_that_fails_to_store_costs_no_minute() {
    under_injection("fsync,fdatasync:error=EIO:when=12..40", "disk I/O error");
}

#[test]
#[ignore = "needs strace: make test-faults"]
fn a_card_that_fails_every_third_write_for_a_while_costs_no_minute() {
    under_injection("pwrite64:error=EIO:when=20..200+3", "disk I/O error");
}

#[test]
#[ignore = "needs strace: make test-faults"]
fn a_write_that_is_refused_for_want_of_room_costs_no_minute() {
    under_injection("pwrite64:error=ENOSPC:when=20..120", "full");
}

#[test]
#[ignore = "needs strace: make test-faults"]
fn a_write_that_stores_nothing_costs_no_minute() {
    under_injection("pwrite64:retval=0:when=20..120", "full");
}

#[test]
#[ignore = "needs strace: make test-faults"]
fn writes_that_are_interrupted_are_made_again_and_nobody_notices() {
    let strace = [
        "strace",
        "-D",
        "-f",
        "-qq",
        "-e",
        "trace=pwrite64",
        "-e",
        "inject=pwrite64:error=EINTR:when=5+2",
        "-o",
        "FOLDER/strace",
    ];
    let mut service = busy(&strace);
    service.wait_for("minutes are counted", 120, |service| lines(service).len() > 5);
    assert!(service.end().0.success());
    let rows: i64 = Connection::open(service.at("state/statistics.sqlite"))
        .unwrap()
        .query_row("SELECT count(*) FROM minutes", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, lines(&service).len() as i64);
    assert!(!service.log().contains("WARN"), "{}", service.log());
    assert!(fs::read_to_string(service.at("strace")).unwrap().contains("(INJECTED)"));
}

#[test]
#[ignore = "takes a minute: make test-faults"]
fn a_camera_that_comes_and_goes_all_the_time_fills_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("rpicam-vid");
    // Five bright pictures of 64×48, then it breaks.
    fs::write(&program, "#!/bin/sh\necho >>$0.started\nhead -c 23040 /dev/zero | tr '\\0' n\necho it broke >&2\nexit 1\n")
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let config =
        "[camera]\nsource = \"rpicam\"\nwidth = 64\nheight = 48\n[statistics]\ndatabase = \"FOLDER/statistics.sqlite\"\n";
    let mut service = Service::start_in(folder, config, &["env", "PATH=FOLDER:/usr/bin:/bin"]).unwrap();
    let begin = Instant::now();
    service.wait_for("a minute", 70, |_| begin.elapsed() > Duration::from_secs(60));
    let log = service.log();
    let started = fs::read(service.at("rpicam-vid.started")).unwrap().len();
    println!("started {started} times, {} lines:\n{log}", log.lines().count());
    assert!(started > 20);
    assert!(log.contains("it broke") && log.lines().count() <= 20, "{log}");
}

#[test]
#[ignore = "needs strace: make test-faults"]
fn a_panic_ends_the_service_at_once_with_70_and_writes_what_was_counted() {
    // The standard library takes a folder that cannot be closed for a mistake of ours: looking for cameras panics, here the fourth time, 3.5 s after the
    // start. By then something has been counted: 2 s without a camera.
    let inject = "inject=close:error=EIO:when=4";
    let strace = ["strace", "-D", "-f", "-qq", "-e", "trace=close", "-e", inject, "-P", "/dev", "-o", "FOLDER/strace"];
    let config = "[camera]\nsource = \"v4l2\"\n[statistics]\ndatabase = \"FOLDER/state/statistics.sqlite\"\n";
    let mut service = Service::start(config, &strace).unwrap();
    let status = service.wait(60);
    assert!(fs::read_to_string(service.at("strace")).unwrap().contains("(INJECTED)"));
    assert_eq!(status.code(), Some(70), "{}", service.log());
    assert!(service.log().contains("panicked at"), "{}", service.log());
    let rows: i64 = Connection::open(service.at("state/statistics.sqlite"))
        .unwrap()
        .query_row("SELECT count(*) FROM minutes", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

fn as_root(words: &[&str]) {
    let root = rustix::process::geteuid().is_root();
    let mut words = words.to_vec();
    if !root {
        words.insert(0, "sudo");
    }
    let status = Command::new(words[0]).args(&words[1..]).status().unwrap();
    assert!(status.success(), "{words:?}: {status}");
}

/// A small file system in memory, at `state` in a folder.
struct Mounted(String);

impl Mounted {
    fn in_folder(folder: &TempDir) -> Self {
        let place = folder.path().join("state").to_str().unwrap().to_owned();
        fs::create_dir(&place).unwrap();
        as_root(&["mount", "-t", "tmpfs", "-o", "size=512k,mode=1777", "visaged-test", &place]);
        Self(place)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        as_root(&["umount", "--lazy", &self.0]);
    }
}

/// Runs on a small file system until the database has failed by `spoil`, and works again by `mend`.
fn on_a_small_file_system(spoil: fn(&Path), mend: fn(&Path), reason: &str) {
    let folder = tempfile::tempdir().unwrap();
    wall(&folder);
    let mounted = Mounted::in_folder(&folder);
    let place = Path::new(&mounted.0);
    let mut service = Service::start_in(folder, BUSY, &[]).expect("the program can be started here");
    service.wait_for("minutes are written", 120, |service| lines(service).len() > 3 && service.part("database").0 == "OK");
    spoil(place);
    service.wait_for("the database fails", 120, |service| service.part("database").0 == "DEGRADED");
    assert!(service.part("database").1.contains(reason), "{:?}", service.part("database"));
    let minutes = lines(&service).len();
    service.wait_for("it counts all the same", 120, |service| lines(service).len() > minutes + 5);
    mend(place);
    service.wait_for("the database works again", 120, |service| service.part("database").0 == "OK");
    nothing_is_lost(&mut service, reason);
    drop(service);
}

#[test]
#[ignore = "needs root, for a small file system: make test-faults"]
fn a_file_system_that_is_full_is_written_to_again_when_there_is_room() {
    let fill = |place: &Path| {
        let mut size = 1 << 20;
        while size >= 512 {
            let grown = fs::read(place.join("filler")).map_or(0, |bytes| bytes.len());
            if fs::write(place.join("filler"), vec![1; grown + size]).is_err() {
                size /= 2;
            }
        }
    };
    on_a_small_file_system(fill, |place| fs::remove_file(place.join("filler")).unwrap(), "full");
}

#[test]
#[ignore = "needs strace: make test-faults"]
fn a_file_system_that_becomes_read_only_is_written_to_again_when_it_may_be() {
    // As when the kernel sees a card fail and writes no more, whoever has files open.
    under_injection("pwrite64,ftruncate,unlink:error=EROFS:when=20..60", "disk I/O error");
}

#[test]
#[ignore = "needs faketime: make test-faults"]
fn a_clock_that_begins_in_1970_is_set_and_jumps_costs_no_minute_and_makes_none() {
    const WEEK: i64 = 7 * 86_400;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    // When the system was started.
    let boot = now - fs::read_to_string("/proc/uptime").unwrap().split('.').next().unwrap().parse::<i64>().unwrap();
    let folder = tempfile::tempdir().unwrap();
    wall(&folder);
    let clock = folder.path().join("clock");
    // Seconds from the true time.
    let set = |offset: i64| fs::write(&clock, format!("{offset:+}\n")).unwrap();
    // As on a board without a battery and without a network; only the date is false, as with a clock that somebody sets.
    set(600 - now);
    let faketime = [
        "env",
        "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "FAKETIME_CACHE_DURATION=1",
        "FAKETIME_TIMESTAMP_FILE=FOLDER/clock",
    ];
    let mut service = Service::start_in(folder, BUSY, &faketime).expect("the program can be started here");
    let rows = |service: &Service| -> Vec<(i64, Option<i64>)> {
        let Ok(connection) = Connection::open(service.at("state/statistics.sqlite")) else { return Vec::new() };
        let Ok(mut rows) = connection.prepare("SELECT uptime, utc FROM dated_minutes ORDER BY sequence") else {
            return Vec::new();
        };
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    service.wait_for("minutes are written", 120, |service| rows(service).len() >= 3);
    assert!(rows(&service).iter().all(|(_, date)| date.is_none()), "{:?}", rows(&service));
    // A time server answers; somebody sets the clock a week ahead, and an hour and some seconds back.
    for offset in [0, WEEK, -3607, 0] {
        set(offset);
        let is_near = |(uptime, date): &(i64, Option<i64>)| date.is_some_and(|date| (date - uptime - boot - offset).abs() <= 2);
        service.wait_for("minutes have the new date", 120, |service| rows(service).last().is_some_and(is_near));
        // All have the same distance from the uptime, that of the last: none is without a date, out of order, twice or longer.
        let dated = rows(&service);
        let shifts: Vec<_> = dated.iter().map(|(uptime, date)| date.map(|date| date - uptime)).collect();
        assert!(shifts.iter().all(|shift| *shift == shifts[0]), "{dated:?}");
    }
    let (status, _) = service.end();
    assert!(status.success(), "{}", service.log());
    assert_eq!(rows(&service).len(), lines(&service).len());
}

#[test]
#[ignore = "starts the program: make test-faults"]
fn systemd_is_told_of_the_start_the_beats_and_the_end_which_comes_within_a_second() {
    let mut service = Service::start(PUPPET, &[]).unwrap();
    let mut told = Vec::new();
    service.wait_for("beats", 60, |service| {
        told.extend(service.told());
        told.iter().filter(|message| message.contains("WATCHDOG=1")).count() >= 3
    });
    service.wait_for("a face", 60, |service| service.status().is_some_and(|status| status["faces"] == 1));
    let (status, took) = service.end();
    told.extend(service.told());
    println!("the end took {took:?}; told: {told:?}");
    assert!(status.success() && took < Duration::from_secs(1), "{status}, {took:?}");
    let place = |what: &str| told.iter().position(|message| message.contains(what)).unwrap_or_else(|| panic!("{what}: {told:?}"));
    assert!(place("READY=1") < place("WATCHDOG=1") && place("WATCHDOG=1") < place("STOPPING=1"), "{told:?}");
    assert!(told[place("STATUS=")].contains("watching: drawn face"), "{told:?}");
    // The minute that was begun is written.
    let rows: i64 = Connection::open(service.at("state/statistics.sqlite"))
        .unwrap()
        .query_row("SELECT count(*) FROM minutes WHERE frames > 0", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

#[test]
#[ignore = "starts the program: make test-faults"]
fn a_second_instance_ends_with_75_within_a_second_and_names_the_first() {
    let mut service = Service::start(PUPPET, &[]).unwrap();
    service.wait_for("the first runs", 60, |service| service.status().is_some());
    let begin = Instant::now();
    let second = Command::new(env!("CARGO_BIN_EXE_visaged"))
        .args(["run", "--config"])
        .arg(service.at("visaged.toml"))
        .env("RUNTIME_DIRECTORY", service.folder.path())
        .output()
        .unwrap();
    println!("refused after {:?}", begin.elapsed());
    let process = fs::read_to_string(service.at("visaged.pid")).unwrap();
    let message = String::from_utf8(second.stderr).unwrap();
    assert_eq!((second.status.code(), begin.elapsed() < Duration::from_secs(1)), (Some(75), true), "{message}");
    assert!(message.contains(&format!("process {}", process.trim())), "{message}");
}

#[test]
#[ignore = "starts the program: make test-faults"]
fn what_cannot_be_run_ends_at_once_with_its_own_code() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.onnx");
    fs::write(&damaged, &fs::read("models/mini_xception_nano.onnx").unwrap()[..50_000]).unwrap();
    fs::copy("models/mini_xception_nano.onnx.sha256", folder.path().join("damaged.onnx.sha256")).unwrap();
    for (text, code, most) in [
        ("[classifier]\nmodel = \"/no/such/model.onnx\"\n".to_owned(), 66, 1000),
        (format!("[classifier]\nmodel = {damaged:?}\n"), 65, 5000),
        ("[camera]\nwidth = 0\n".to_owned(), 78, 200),
    ] {
        let begin = Instant::now();
        let mut service = Service::start(&text, &[]).unwrap();
        let status = service.wait(60);
        println!("{code} after {:?}: {}", begin.elapsed(), service.log().trim());
        assert_eq!(status.code(), Some(code), "{}", service.log());
        assert!(begin.elapsed() < Duration::from_millis(most), "{code}: {:?}", begin.elapsed());
    }
}

#[test]
#[ignore = "starts the program: make test-faults"]
fn a_reload_and_a_flush_interrupt_the_pictures_for_less_than_a_second() {
    let mut service = Service::start(PUPPET, &[]).unwrap();
    service.wait_for("pictures", 60, |service| service.status().is_some_and(|status| status["frames"].as_u64() > Some(15)));
    for signal in [Signal::USR1, Signal::HUP] {
        service.signal(signal);
        let (mut since, mut last, mut frames, mut gap) = (Instant::now(), Instant::now(), 0, Duration::ZERO);
        while since.elapsed() < Duration::from_secs(3) {
            if signal == Signal::HUP && !service.log().contains("the configuration is read again") {
                since = Instant::now();
            }
            let now = service.status().and_then(|status| status["frames"].as_u64()).unwrap_or(frames);
            if now != frames {
                gap = gap.max(last.elapsed());
                (last, frames) = (Instant::now(), now);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        println!("{signal:?}: longest time without a picture {gap:?}");
        assert!(gap.max(last.elapsed()) < Duration::from_secs(1), "{signal:?}: {gap:?}");
    }
    assert!(service.log().contains("the configuration is read again"), "{}", service.log());
}
