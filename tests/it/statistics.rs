//! The statistics as people meet them: counted by the output, reported, exported and purged by the commands.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use visaged::classifier::{Emotion, Probabilities};
use visaged::config::{Config, StatisticsConfig};
use visaged::frame::{BoundingBox, monotonic_now};
use visaged::health::Health;
use visaged::outputs::statistics::Statistics;
use visaged::outputs::{Output, View};
use visaged::tracker::{Observation, TrackedFace};

use super::commands::{refused, visaged};

/// `date -u -d @1772323200`: 2026-03-01 00:00:00, a Sunday.
const MIDNIGHT: i64 = 1_772_323_200;

fn config(database: &Path, device: &str) -> Config {
    let statistics = StatisticsConfig { database: database.into(), events: true, ..StatisticsConfig::default() };
    let mut config = Config { statistics, ..Config::default() };
    config.device.name = device.into();
    config
}

/// A face that shows `expression` since the beginning.
fn observation(at: Duration, expression: Emotion, begin: Duration) -> Observation {
    let mut values = [0.05; 7];
    values[expression as usize] = 0.7;
    let face = TrackedFace {
        id: 1,
        bounding_box: BoundingBox::default(),
        probabilities: Probabilities::new(values).unwrap(),
        expression,
        expression_since: begin,
        first_seen: begin,
        last_seen: at,
    };
    Observation { captured_at: at, faces: vec![face], ..Observation::default() }
}

/// A database with these hours of 2026-03-01, each with so many faces, one a minute, all happy for half a minute.
fn database(folder: &Path, device: &str, hours: &[(i64, i64)]) -> PathBuf {
    let path = folder.join(format!("{device}.sqlite"));
    drop(Statistics::open(&config(&path, device), &Health::default()).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.execute("INSERT INTO boots VALUES (1, 'boot', ?1)", [MIDNIGHT]).unwrap();
    for (hour, faces) in hours {
        for minute in 0..60 {
            let uptime = hour * 3600 + minute * 60;
            let face = i64::from(minute < *faces);
            connection
                .execute(
                    "INSERT INTO minutes (boot, uptime, start, length_ms, covered_ms, paused_ms, camera_lost_ms, throttled_ms, frames, dropped,
                         faces, angry_ms, disgust_ms, fear_ms, happy_ms, sad_ms, surprise_ms, neutral_ms)
                     VALUES (1, ?1, ?2, 60000, 0, 0, 6000, 0, 900, 9, ?3, 0, 0, 0, ?3 * 30000, 0, 0, 0)",
                    [uptime, MIDNIGHT + uptime, face],
                )
                .unwrap();
        }
    }
    path
}

fn report(arguments: &[&str]) -> Value {
    serde_json::from_str(&visaged(&[&["report", "--json"], arguments].concat()).unwrap()).unwrap()
}

#[test]
fn what_the_camera_saw_is_in_the_database_when_the_service_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statistics.sqlite");
    let mut statistics = Statistics::open(&config(&path, "kiosk"), &Health::default()).unwrap();
    let begin = monotonic_now();
    for step in 0..=1300 {
        let now = begin + Duration::from_millis(100 * step);
        statistics.show(View::Watching(&observation(now, Emotion::Happy, begin))).unwrap();
    }
    drop(statistics);
    let rows = visaged(&["export", "--format", "jsonl", "--from", path.to_str().unwrap()]).unwrap();
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let column = |name: &str| rows.iter().map(|row| row[name].as_f64().unwrap()).collect::<Vec<_>>();
    assert_eq!(column("seconds"), [60.0, 60.0, 10.0]);
    assert_eq!(column("happy_s"), [60.0, 60.0, 10.0]);
    assert_eq!(column("frames"), [600.0, 600.0, 101.0]);
    assert_eq!(column("faces"), [1.0, 0.0, 0.0]);
    assert_eq!(column("sequence"), [1.0, 2.0, 3.0]);
    let events = visaged(&["export", "--events", "--format", "jsonl", "--from", path.to_str().unwrap()]).unwrap();
    let event: Value = serde_json::from_str(&events).unwrap();
    assert_eq!((&event["expression"], &event["duration_s"], &event["peak"]), (&"happy".into(), &130.0.into(), &0.7.into()));
}

#[test]
fn a_wish_to_flush_writes_the_minute_that_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statistics.sqlite");
    let health = Health::default();
    let mut statistics = Statistics::open(&config(&path, "kiosk"), &health).unwrap();
    let begin = monotonic_now();
    let mut show = |seconds| {
        let now = begin + Duration::from_secs(seconds);
        statistics.show(View::Watching(&observation(now, Emotion::Sad, begin))).unwrap();
    };
    show(0);
    show(2);
    health.flush_wish().store(true, std::sync::atomic::Ordering::Relaxed);
    show(4);
    let rows = || {
        Connection::open(&path)
            .ok()?
            .query_row("SELECT length_ms, sad_ms FROM minutes", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .ok()
    };
    let row = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        rows()
    });
    assert_eq!(row, Some((4000, 4000)));
}

#[test]
fn counting_a_frame_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut statistics =
        Statistics::open(&config(&folder.path().join("statistics.sqlite"), "kiosk"), &Health::default()).unwrap();
    let begin = monotonic_now();
    let frames: Vec<_> =
        (0..500).map(|step| observation(begin + Duration::from_millis(66 * step), Emotion::Fear, begin)).collect();
    let mut show = |frames: &[Observation]| frames.iter().for_each(|frame| statistics.show(View::Watching(frame)).unwrap());
    show(&frames[..10]);
    assert_eq!(allocation_counter::measure(|| show(&frames[10..])).count_total, 0);
}

#[test]
fn a_report_adds_up_the_hours_of_a_day_in_the_machine_s_time_zone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), "entrance", &[(9, 3), (10, 0), (15, 12)]);
    // In every time zone the three hours lie in the month around the day.
    let report = report(&["--week", "2026-03-01", "--from", path.to_str().unwrap()]);
    assert_eq!((&report["total"]["faces"], &report["total"]["recorded_ms"]), (&15.into(), &(3 * 3_600_000).into()));
    assert_eq!(report["total"]["expressions_ms"][Emotion::Happy as usize], 15 * 30_000);
    assert_eq!(report["total"]["camera_lost_ms"], 180 * 6000);
    assert_eq!(report["elapsed_ms"], 7 * 24 * 3_600_000);
    let faces: Vec<_> =
        report["bins"].as_array().unwrap().iter().filter_map(|bin| bin["faces"].as_u64().filter(|n| *n > 0)).collect();
    assert_eq!(faces, [3, 12]);
    assert_eq!(report["devices"][0]["name"], "entrance");

    let text = visaged(&["report", "--week", "2026-03-01", "--from", path.to_str().unwrap()]).unwrap();
    for expected in
        ["recorded 3 h 0 min of 7 d 0 h", "15 faces came into view", "happy", "100.0 %", "70.86 %", "18 min without a camera"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn devices_are_reported_together_but_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["entrance", "exit"].map(|name| database(folder.path(), name, &[(9, 5)]).to_str().unwrap().to_owned());
    let report = report(&["--week", "2026-03-01", "--from", &one, &two]);
    assert_eq!((&report["total"]["faces"], report["devices"].as_array().unwrap().len()), (&10.into(), 2));
    let copy = folder.path().join("copy.sqlite");
    std::fs::copy(&one, &copy).unwrap();
    let (code, message) = refused(&["report", "--from", &one, copy.to_str().unwrap()]);
    assert!(code == 65 && message.contains("are of the same device"), "{code}: {message}");
}

#[test]
fn the_page_needs_nothing_else_and_a_hostile_name_stays_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), "entrance", &[(9, 5)]);
    let name = "<script>alert(\"&'</script>";
    Connection::open(&path).unwrap().execute("UPDATE meta SET value = ?1 WHERE key = 'device_name'", [name]).unwrap();
    let page = folder.path().join("report.html");
    let arguments = ["report", "--week", "2026-03-01", "--html", page.to_str().unwrap(), "--from", path.to_str().unwrap()];
    assert_eq!(visaged(&arguments).unwrap(), "");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&quot;&amp;&#39;&lt;/script&gt;"));
    assert_eq!(page.matches("<svg ").count(), 4);
    for outside in ["http://", "https://", "url(", "@import", "src=", "href="] {
        let own = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!own.contains(outside), "{outside}");
    }
}

#[test]
fn an_export_is_a_table_with_a_header_that_names_every_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), "entrance", &[(9, 5)]);
    let text = visaged(&["export", "--from", path.to_str().unwrap()]).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "device,device_id,sequence,boot,uptime_s,utc,seconds,covered_s,paused_s,camera_lost_s,throttled_s,frames,dropped,faces,\
         angry_s,disgust_s,fear_s,happy_s,sad_s,surprise_s,neutral_s"
    );
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("entrance,")
            && first.ends_with(",1,boot,32400,2026-03-01T09:00:00Z,60.0,0.0,0.0,6.0,0.0,900,9,1,0.0,0.0,0.0,30.0,0.0,0.0,0.0"),
        "{first}"
    );
    assert_eq!(lines.count(), 59);
    let document = include_str!("../../docs/statistics.md");
    let header = text.lines().next().unwrap();
    for column in header.split(',') {
        assert!(document.contains(&format!("| `{column}` |")), "docs/statistics.md does not explain {column}");
    }
}

#[test]
fn purge_deletes_everything_but_only_if_one_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path(), "entrance", &[(9, 5)]);
    let lines = folder.path().join("lines.jsonl");
    std::fs::write(&lines, "{}\n").unwrap();
    let config = folder.path().join("visaged.toml");
    std::fs::write(&config, format!("[statistics]\ndatabase = {path:?}\nfile = {lines:?}\n")).unwrap();
    let config = config.to_str().unwrap();
    assert_eq!(visaged(&["purge", "--yes", "--config", config]).unwrap(), "60 minutes and all events are deleted\n");
    assert!(!lines.exists());
    let exported = visaged(&["export", "--config", config]).unwrap();
    assert_eq!(exported, "");
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("letter"), "Dear reader, ".repeat(100)).unwrap();
    let (code, message) = refused(&["report", "--from", &at("none")]);
    assert!(code == 66 && message.contains("there are no statistics (has the service run?)"), "{code}: {message}");
    let (code, message) = refused(&["report", "--from", &at("letter")]);
    assert!(code == 65 && message.contains("file is not a database"), "{code}: {message}");
    let good = database(folder.path(), "entrance", &[(9, 5)]);
    let (code, message) = refused(&["report", "--day", "yesteryear", "--from", good.to_str().unwrap()]);
    assert!(code == 64 && message.contains("\"yesteryear\" is no date"), "{code}: {message}");
}
