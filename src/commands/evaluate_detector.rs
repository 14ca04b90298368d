//! `visaged evaluate-detector`: how many faces the detector finds, how many false ones, and in what time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::exit::BadData;
use super::stages::{self, DetectorArgs};
use crate::camera::picture;
use crate::config::DetectorConfig;
use crate::detector::{Detection, FaceDetector};
use crate::metrics::matching::{Place, hits};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with the sets nrc_iit, cmu_mit, voc_groups and negatives, or some of them.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    detector: DetectorArgs,
    /// Print one JSON object a set.
    #[arg(long)]
    json: bool,
}

/// A picture and the faces in it.
struct Marked {
    picture: PathBuf,
    faces: Vec<Place>,
    /// Belongs to the nearly frontal part of its set: |yaw_proxy| < 0.2, |roll| < 15°.
    nearly_frontal: bool,
}

#[derive(Serialize)]
struct Report {
    set: String,
    pictures: usize,
    faces: usize,
    found: usize,
    /// `found / faces`; none for a set without faces.
    #[serde(skip_serializing_if = "Option::is_none")]
    recall: Option<f64>,
    /// Detections that hit no face.
    #[serde(rename = "false")]
    false_faces: usize,
    /// For one picture, without reading it.
    median_ms: f64,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    // The sets have far smaller faces than a room before a camera.
    let config = DetectorConfig { min_size: 0, ..DetectorConfig::default() };
    let mut detector = stages::open_detector(&args.detector.over(config)?)?;
    let readers: [(&str, Reader); 4] =
        [("nrc_iit", read_clips), ("cmu_mit", read_stills), ("voc_groups", read_boxes), ("negatives", read_negatives)];
    let present: Vec<_> = readers.into_iter().filter(|(set, _)| args.data.join(set).is_dir()).collect();
    if present.is_empty() {
        let names = readers.map(|(set, _)| set).join(", ");
        let message = format!("{}: no folder {names} in it", args.data.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, message).into());
    }
    if !args.json {
        writeln!(
            out,
            "{:24} {:>8} {:>6} {:>6} {:>7} {:>6} {:>10}",
            "set", "pictures", "faces", "found", "recall", "false", "median ms"
        )?;
    }
    for (set, read) in present {
        let marked = read(&args.data.join(set))?;
        let looked_at = look(set, &marked, detector.as_mut())?;
        report(set, &looked_at, args.json, out)?;
        if marked.iter().any(|picture| !picture.nearly_frontal) {
            let frontal: Vec<_> = looked_at.into_iter().filter(|picture| picture.nearly_frontal).collect();
            report(&format!("{set} nearly frontal"), &frontal, args.json, out)?;
        }
    }
    Ok(())
}

/// Reads the list of a set in its folder.
type Reader = fn(&Path) -> Result<Vec<Marked>>;

/// What came out of one picture.
struct LookedAt {
    faces: usize,
    detections: usize,
    hits: usize,
    time: Duration,
    nearly_frontal: bool,
}

fn look(set: &str, marked: &[Marked], detector: &mut dyn FaceDetector) -> Result<Vec<LookedAt>> {
    let progress = ProgressBar::new(marked.len() as u64)
        .with_style(ProgressStyle::with_template("{msg:10} {bar:40} {pos}/{len}, {eta} left").expect("the template is valid"))
        .with_message(set.to_owned());
    let (mut looked_at, mut size) = (Vec::new(), None);
    for Marked { picture, faces, nearly_frontal } in progress.wrap_iter(marked.iter()) {
        let image = picture::load_grey(picture)?;
        // The first picture of a size makes the buffers.
        if size != Some(image.dimensions()) {
            detector.detect(&image);
            size = Some(image.dimensions());
        }
        let start = Instant::now();
        let detections = detector.detect(&image);
        let time = start.elapsed();
        let places: Vec<_> = detections.iter().map(place).collect();
        looked_at.push(LookedAt {
            faces: faces.len(),
            detections: places.len(),
            hits: hits(faces, &places),
            time,
            nearly_frontal: *nearly_frontal,
        });
    }
    progress.finish_and_clear();
    Ok(looked_at)
}

fn place(detection: &Detection) -> Place {
    let found = detection.bounding_box;
    Place { x: found.x.into(), y: found.y.into(), width: found.width.into(), height: found.height.into() }
}

fn report(set: &str, pictures: &[LookedAt], json: bool, out: &mut dyn Write) -> Result<()> {
    let mut times: Vec<_> = pictures.iter().map(|picture| picture.time).collect();
    times.sort_unstable();
    let faces = pictures.iter().map(|picture| picture.faces).sum();
    let found = pictures.iter().map(|picture| picture.hits).sum();
    let report = Report {
        set: set.to_owned(),
        pictures: pictures.len(),
        faces,
        found,
        recall: (faces > 0).then(|| found as f64 / faces as f64),
        false_faces: pictures.iter().map(|picture| picture.detections - picture.hits).sum(),
        median_ms: times.get(times.len() / 2).map_or(0.0, |time| 1e3 * time.as_secs_f64()),
    };
    if json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        let Report { set, pictures, faces, found, false_faces, median_ms, .. } = &report;
        let recall = report.recall.map(|recall| format!("{:.1} %", 100.0 * recall)).unwrap_or_default();
        writeln!(out, "{set:24} {pictures:>8} {faces:>6} {found:>6} {recall:>7} {false_faces:>6} {median_ms:>10.2}")?;
    }
    Ok(())
}

fn read_csv<Row: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<Row>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = csv::Reader::from_reader(file).into_deserialize().collect::<Result<_, _>>();
    Ok(rows.map_err(|error| BadData(format!("{}: {error}", path.display())))?)
}

#[derive(Deserialize)]
struct ClipRow {
    file: PathBuf,
    sq_x: f64,
    sq_y: f64,
    sq_side: f64,
    yaw_proxy: f64,
    roll_deg: f64,
}

fn read_clips(folder: &Path) -> Result<Vec<Marked>> {
    let rows: Vec<ClipRow> = read_csv(&folder.join("frames.csv"))?;
    let marked = |row: ClipRow| Marked {
        picture: folder.join(row.file),
        faces: vec![Place { x: row.sq_x, y: row.sq_y, width: row.sq_side, height: row.sq_side }],
        nearly_frontal: row.yaw_proxy.abs() < 0.2 && row.roll_deg.abs() < 15.0,
    };
    Ok(rows.into_iter().map(marked).collect())
}

#[derive(Deserialize)]
struct ImageRow {
    file: PathBuf,
}

#[derive(Deserialize)]
struct SquareRow {
    file: PathBuf,
    x: f64,
    y: f64,
    side: f64,
}

fn read_stills(folder: &Path) -> Result<Vec<Marked>> {
    // Pictures without a face are in the first list only.
    let images: Vec<ImageRow> = read_csv(&folder.join("images.csv"))?;
    let squares: Vec<SquareRow> = read_csv(&folder.join("faces.csv"))?;
    let mut faces: BTreeMap<PathBuf, Vec<Place>> = images.into_iter().map(|image| (image.file, Vec::new())).collect();
    for SquareRow { file, x, y, side } in squares {
        faces.entry(file).or_default().push(Place { x, y, width: side, height: side });
    }
    Ok(all_frontal(folder, faces))
}

#[derive(Deserialize)]
struct BoxRow {
    file: PathBuf,
    x: f64,
    y: f64,
    w: f64,
    h: f64,
}

fn read_boxes(folder: &Path) -> Result<Vec<Marked>> {
    let rows: Vec<BoxRow> = read_csv(&folder.join("faces.csv"))?;
    let mut faces: BTreeMap<PathBuf, Vec<Place>> = BTreeMap::new();
    for BoxRow { file, x, y, w, h } in rows {
        faces.entry(file).or_default().push(Place { x, y, width: w, height: h });
    }
    Ok(all_frontal(folder, faces))
}

fn read_negatives(folder: &Path) -> Result<Vec<Marked>> {
    let mut pictures = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if picture::EXTENSIONS.iter().any(|known| extension == *known) {
            pictures.insert(path, Vec::new());
        }
    }
    Ok(all_frontal(folder, pictures))
}

fn all_frontal(folder: &Path, pictures: BTreeMap<PathBuf, Vec<Place>>) -> Vec<Marked> {
    pictures.into_iter().map(|(file, faces)| Marked { picture: folder.join(file), faces, nearly_frontal: true }).collect()
}
