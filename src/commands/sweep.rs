//! `visaged bench --sweep`: how the processor time grows with the size of the picture and the number of faces.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use image::{GrayImage, imageops};
use plotters::coord::Shift;
use plotters::prelude::*;
use serde::Serialize;

use super::bench::cpu_time;
use super::stages;
use crate::camera::puppet::Puppet;
use crate::config::{Config, DetectorConfig, DetectorKind};
use crate::frame::Frame;
use crate::pipeline::Pipeline;

const SIZES: [(u32, u32); 6] = [(320, 240), (480, 360), (640, 480), (960, 720), (1280, 720), (1920, 1080)];

/// The picture in which the faces are counted up.
const CROWD: (u32, u32) = (640, 480);
const MOST_FACES: u32 = 8;

/// The first frames make the buffers.
const WARM_UP: u32 = 5;
const FRAMES: u32 = 60;
const SEARCHES: u32 = 20;
const PERIOD: Duration = Duration::from_nanos(1_000_000_000 / 15);

#[derive(Serialize)]
struct Point {
    detector: DetectorKind,
    width: u32,
    height: u32,
    /// How many faces are drawn.
    faces: u32,
    /// How many have a label, in the mean over the frames.
    labelled: f64,
    /// Processor time for searching the whole picture, mean.
    detect_ms: f64,
    /// Processor time for detecting, classifying and tracking, mean over the frames at 15 frames/s.
    cpu_ms_per_frame: f64,
}

/// Measures the configured detector and, if its file is there, the cascade.
pub(super) fn run(config: &Config, plot: Option<&Path>, json: bool, out: &mut dyn Write) -> Result<()> {
    let mut kinds = vec![config.detector.kind];
    if config.detector.kind != DetectorKind::Haar && config.detector.cascade.exists() {
        kinds.push(DetectorKind::Haar);
    }
    let one_face = SIZES.map(|size| (size, 1));
    let crowds = (2..=MOST_FACES).map(|faces| (CROWD, faces));
    if !json {
        writeln!(out, "detector      size px  faces  labelled  detect ms  processor ms per frame")?;
    }
    let mut points = Vec::new();
    for kind in kinds {
        for (size, faces) in one_face.into_iter().chain(crowds.clone()) {
            let point = measure(config, kind, size, faces)?;
            if json {
                writeln!(out, "{}", serde_json::to_string(&point)?)?;
            } else {
                let Point { width, height, faces, labelled, detect_ms, cpu_ms_per_frame, .. } = point;
                let size = format!("{width}×{height}");
                let kind = name(kind);
                writeln!(out, "{kind:9} {size:>11} {faces:>6} {labelled:>9.1} {detect_ms:>10.2} {cpu_ms_per_frame:>23.2}")?;
            }
            points.push(point);
        }
    }
    plot.map_or(Ok(()), |path| draw(&points, path).with_context(|| format!("cannot draw {}", path.display())))
}

fn name(kind: DetectorKind) -> &'static str {
    match kind {
        DetectorKind::Builtin => "builtin",
        DetectorKind::Haar => "haar",
        DetectorKind::Onnx => "onnx",
    }
}

fn measure(config: &Config, kind: DetectorKind, (width, height): (u32, u32), faces: u32) -> Result<Point> {
    let config = Config { detector: DetectorConfig { kind, ..config.detector.clone() }, ..config.clone() };
    let mut detector = stages::open_detector(&config.detector)?;
    let mut pipeline = Pipeline::new(
        stages::open_detector(&config.detector)?,
        Box::new(stages::open_classifier(&config.classifier)?),
        config.tracker.clone(),
    );
    let crowd = Crowd::new(width, height, faces);
    let mut frame = Frame::default();
    let (mut cpu, mut labelled) = (Duration::ZERO, 0);
    for number in 0..WARM_UP + FRAMES {
        crowd.draw(&mut frame, number);
        let start = cpu_time();
        let observation = pipeline.process(&frame)?;
        if number >= WARM_UP {
            cpu += cpu_time() - start;
            labelled += observation.faces.len();
        }
    }
    detector.detect(&frame.image);
    let start = cpu_time();
    for _ in 0..SEARCHES {
        detector.detect(&frame.image);
    }
    let detect = cpu_time() - start;
    Ok(Point {
        detector: kind,
        width,
        height,
        faces,
        labelled: labelled as f64 / f64::from(FRAMES),
        detect_ms: 1e3 * detect.as_secs_f64() / f64::from(SEARCHES),
        cpu_ms_per_frame: 1e3 * cpu.as_secs_f64() / f64::from(FRAMES),
    })
}

/// Drawn faces side by side and one above the other, each before its own piece of background.
struct Crowd {
    size: (u32, u32),
    faces: u32,
    columns: u32,
    puppet: Puppet,
    tile: (u32, u32),
}

impl Crowd {
    fn new(width: u32, height: u32, faces: u32) -> Self {
        let columns = f64::from(faces).sqrt().ceil() as u32;
        let tile = (width / columns, height / faces.div_ceil(columns));
        Self { size: (width, height), faces, columns, puppet: Puppet::new(tile.0, tile.1, 15), tile }
    }

    fn draw(&self, frame: &mut Frame, number: u32) {
        const GREY: u8 = 110;
        frame.resize(self.size.0, self.size.1);
        frame.image.fill(GREY);
        frame.captured_at = PERIOD * number;
        let mut tile = GrayImage::new(self.tile.0, self.tile.1);
        for face in 0..self.faces {
            // Each at another place of the programme.
            self.puppet.draw(&mut tile, frame.captured_at + Duration::from_millis(3500) * face);
            let (column, row) = (face % self.columns, face / self.columns);
            imageops::replace(&mut frame.image, &tile, (column * self.tile.0).into(), (row * self.tile.1).into());
        }
    }
}

/// The points of one detector that belong to one curve, as (x, milliseconds).
type Curve = (String, RGBColor, Vec<(f64, f64)>);

fn draw(points: &[Point], path: &Path) -> Result<()> {
    let area = SVGBackend::new(path, (1000, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(500);
    let colour = |kind| if kind == DetectorKind::Haar { RGBColor(200, 90, 30) } else { RGBColor(20, 90, 170) };
    let mut kinds: Vec<DetectorKind> = points.iter().map(|point| point.detector).collect();
    kinds.dedup();
    let mut by_size: Vec<Curve> = Vec::new();
    let mut by_faces: Vec<Curve> = Vec::new();
    for kind in kinds {
        let of_kind = || points.iter().filter(|point| point.detector == kind);
        let one_face = || of_kind().filter(|point| point.faces == 1);
        let megapixels = |point: &Point| f64::from(point.width * point.height) / 1e6;
        let everywhere = one_face().map(|point| (megapixels(point), point.detect_ms)).collect();
        by_size.push((format!("{}: whole picture", name(kind)), lighter(colour(kind)), everywhere));
        let mean = one_face().map(|point| (megapixels(point), point.cpu_ms_per_frame)).collect();
        by_size.push((format!("{}: mean, one face", name(kind)), colour(kind), mean));
        let crowd = of_kind().filter(|point| (point.width, point.height) == CROWD);
        by_faces.push((
            name(kind).into(),
            colour(kind),
            crowd.map(|point| (point.faces.into(), point.cpu_ms_per_frame)).collect(),
        ));
    }
    chart(&left, "size of the picture, megapixels", &by_size)?;
    chart(&right, &format!("faces in {}×{} pixels", CROWD.0, CROWD.1), &by_faces)?;
    area.present()?;
    Ok(())
}

fn chart(area: &DrawingArea<SVGBackend<'_>, Shift>, x_label: &str, curves: &[Curve]) -> Result<()> {
    let most = |value: fn(&(f64, f64)) -> f64| curves.iter().flat_map(|curve| &curve.2).map(value).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..1.05 * most(|point| point.0), 0.0..1.1 * most(|point| point.1))?;
    chart.configure_mesh().x_desc(x_label).y_desc("processor time, ms per frame").light_line_style(WHITE).draw()?;
    for (label, colour, points) in curves {
        let style = ShapeStyle { color: colour.to_rgba(), filled: true, stroke_width: 2 };
        let series = chart.draw_series(LineSeries::new(points.iter().copied(), style).point_size(3))?;
        series.label(label.as_str()).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

/// A lighter tone of the same colour, for the second curve of a detector.
fn lighter(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let lighter = |value: u8| value / 2 + 127;
    RGBColor(lighter(red), lighter(green), lighter(blue))
}
