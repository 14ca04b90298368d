//! Finds faces with a small convolutional network that looks at the whole picture at once and says for each cell of a grid whether the middle of a
//! face lies there, and how large it is.
//!
//! ```text
//!  picture ──▶ shrink ──▶ network ──▶ head ──▶ suppression ──▶ boxes
//!              so that     grid of    cells     of several
//!              min_size    numbers    become    squares on one
//!              is the                 squares   face the best
//!              smallest               with a    is kept
//!              it knows               score
//! ```
//!
//! The network is the built-in one (`cells`) or a YuNet file (`yunet`); only the head differs.

mod cells;
mod plan;
mod square;
mod yunet;

use std::path::Path;

use anyhow::{Result, ensure};
use image::GrayImage;

use self::plan::{Plan, Window};
use self::square::Square;
use super::{Detection, FaceDetector, WORTH_IT, same_face};
use crate::config::DetectorConfig;
use crate::frame::BoundingBox;
use crate::network::{self, Checksum, ModelError, Network, OnnxFile};

const BUILTIN_MODEL: &[u8] = include_bytes!("../../../models/face_finder.onnx");
const BUILTIN_CHECKSUM: &str = include_str!("../../../models/face_finder.onnx.sha256");

/// No network is given a picture with a smaller side; beyond its border a smaller one goes on as it ends.
const LEAST_SIDE: usize = 32;

/// Side of the neighbourhood in which a known face is looked for, in network pixels: one size, so that one plan serves all.
const REGION: usize = 96;

/// How large the known face then is. The neighbourhood is 2.4 times as wide: its middle may move by 0.7 of its width.
const FACE_IN_REGION: f64 = 40.0;

/// Near a known face the score may be lower than elsewhere by this factor: that there is a face is no news.
const KNOWN_FACE: f32 = 0.7;

/// A face of just `min_size` pixels gets boxes that are a little larger and a little smaller; those from this share of it on count.
const SIZE_TOLERANCE: f64 = 0.8;

/// Pictures come in one size, and neighbourhoods in another: more plans than these are needed only when pictures of many sizes are looked at.
const PLANS: usize = 3;

/// Finds faces with a network.
pub struct FaceFinder {
    file: OnnxFile,
    head: &'static dyn Head,
    /// The score from which on a square counts.
    threshold: f32,
    /// Of squares that overlap more than this (intersection over union) the best is kept.
    overlap: f32,
    /// By how much the whole picture is made smaller, 1 or less.
    scale: f64,
    min_size: f64,
    max_size: f64,
    /// Last used first.
    plans: Vec<Plan>,
    squares: Vec<Square>,
    found: Vec<Detection>,
    detections: Vec<Detection>,
}

/// What a family of networks has of its own: its input, and how its outputs are read.
trait Head: Sync {
    /// How many times the network takes the grey picture.
    fn channels(&self) -> usize;

    /// The sides of its input are multiples of this.
    fn multiple(&self) -> usize;

    /// Its outputs, in their order.
    fn output_names(&self) -> Vec<String>;

    /// Their shapes for an input of `width`×`height`.
    fn output_shapes(&self, width: usize, height: usize) -> Vec<Vec<usize>>;

    /// Appends the squares with a score of at least `threshold`, in pixels of the network's input, in any order, several on one face.
    fn read(&self, network: &Network, size: (usize, usize), threshold: f32, squares: &mut Vec<Square>) -> Result<()>;
}

/// What a network file says, or what is known, about how to use it.
struct Habits {
    threshold: f64,
    overlap: f64,
    /// The smallest face that it finds well, in its own pixels.
    smallest_side: f64,
}

impl FaceFinder {
    /// The finder that is built into the program.
    ///
    /// # Errors
    /// None that an unchanged program could meet.
    pub fn builtin(config: &DetectorConfig) -> Result<Self, ModelError> {
        Self::from_bytes(BUILTIN_MODEL, BUILTIN_CHECKSUM, "the built-in face finder", config)
    }

    /// A finder of the same contract (`models/FINDER.md`) from a file, with its SHA-256 in `FILE.sha256` beside it.
    ///
    /// # Errors
    /// If one of the two cannot be read, they do not fit, or the network does not keep the contract.
    pub fn load(path: &Path, config: &DetectorConfig) -> Result<Self, ModelError> {
        network::load(path, Checksum::Required, |file| Self::with_contract(file, config))
    }

    /// As [`load`](Self::load), from bytes and the text that `sha256sum` prints; `name` is for messages.
    ///
    /// # Errors
    /// As [`load`](Self::load), but for reading.
    pub fn from_bytes(bytes: &[u8], checksum: &str, name: &str, config: &DetectorConfig) -> Result<Self, ModelError> {
        network::from_bytes(bytes, checksum, name, |file| Self::with_contract(file, config))
    }

    /// A YuNet network (Wu, Peng, Yu 2023) from the file that OpenCV's `FaceDetectorYN` uses; its SHA-256 is checked if it stands beside it.
    ///
    /// # Errors
    /// If the file cannot be read, does not fit its SHA-256, or is no YuNet.
    pub fn yunet(path: &Path, config: &DetectorConfig) -> Result<Self, ModelError> {
        network::load(path, Checksum::IfThere, |file| Self::new(file, &yunet::YuNet, &yunet::HABITS, config))
    }

    fn with_contract(file: OnnxFile, config: &DetectorConfig) -> Result<Self> {
        file.expect_contract(cells::CONTRACT)?;
        let habits = Habits {
            threshold: file.number("visaged.threshold", 0.01..=0.99)?,
            overlap: file.number("visaged.overlap", 0.05..=0.95)?,
            smallest_side: file.number("visaged.smallest_side", 4.0..=200.0)?,
        };
        Self::new(file, &cells::Cells, &habits, config)
    }

    fn new(file: OnnxFile, head: &'static dyn Head, habits: &Habits, config: &DetectorConfig) -> Result<Self> {
        let names = head.output_names();
        ensure!(file.output_names() == names, "its outputs are {:?}, not {names:?}", file.output_names());
        let threshold = if config.threshold > 0.0 { config.threshold } else { habits.threshold };
        let min_size = f64::from(config.min_size);
        let mut finder = Self {
            file,
            head,
            threshold: threshold as f32,
            overlap: habits.overlap as f32,
            scale: (habits.smallest_side / min_size).min(1.0),
            min_size: SIZE_TOLERANCE * min_size,
            max_size: if config.max_size == 0 { f64::INFINITY } else { config.max_size.into() },
            plans: Vec::new(),
            squares: Vec::new(),
            found: Vec::new(),
            detections: Vec::new(),
        };
        // A first picture, here where a panic is caught, and no square one.
        let mut plan = Plan::new(&finder.file, finder.head, (REGION, LEAST_SIDE))?;
        let window = Window { left: 0.0, top: 0.0, scale: 1.0 };
        plan.look(&GrayImage::new(64, 64), window, finder.head, finder.threshold, &mut finder.squares)?;
        finder.squares.clear();
        Ok(finder)
    }

    /// The size of the network's picture for a whole picture of this size.
    fn whole(&self, image: &GrayImage) -> (usize, usize) {
        // A rounding error must not cost a column.
        let side = |pixels: u32| ((f64::from(pixels) * self.scale - 1e-6).ceil() as usize).max(LEAST_SIDE);
        (side(image.width()), side(image.height()))
    }

    /// Appends what the network sees in a window of `size` network pixels to the squares, in pixels of the picture.
    fn look(&mut self, image: &GrayImage, window: Window, size: (usize, usize), threshold: f32) {
        let plan = match self.plans.iter().position(|plan| plan.size() == size) {
            Some(index) => {
                self.plans[..=index].rotate_right(1);
                self.plans.first_mut()
            }
            None => match Plan::new(&self.file, self.head, size) {
                Ok(plan) => {
                    self.plans.truncate(PLANS - 1);
                    self.plans.insert(0, plan);
                    self.plans.first_mut()
                }
                Err(error) => {
                    log::error!("no face is found: the network cannot be made ready for {}×{} pixels: {error:#}", size.0, size.1);
                    None
                }
            },
        };
        if let Some(plan) = plan
            && let Err(error) = plan.look(image, window, self.head, threshold, &mut self.squares)
        {
            log::error!("no face is found: the network does not run: {error:#}");
        }
    }

    /// Turns the squares into detections: those of a wanted size, one for each face, as far as they lie in the picture.
    fn collect(&mut self, image: &GrayImage) {
        let sizes = self.min_size as f32..=self.max_size as f32;
        self.squares.retain(|square| sizes.contains(&square.side));
        square::suppress(&mut self.squares, self.overlap);
        self.found.clear();
        self.found.extend(self.squares.iter().filter_map(|square| square.clipped(image.dimensions())));
        self.squares.clear();
    }
}

impl FaceDetector for FaceFinder {
    fn detect(&mut self, image: &GrayImage) -> &[Detection] {
        self.detections.clear();
        if !image.is_empty() {
            self.look(image, Window { left: 0.0, top: 0.0, scale: self.scale }, self.whole(image), self.threshold);
            self.collect(image);
            self.detections.extend_from_slice(&self.found);
        }
        &self.detections
    }

    fn detect_near(&mut self, image: &GrayImage, known: &[BoundingBox]) -> Option<&[Detection]> {
        let (width, height) = self.whole(image);
        let cost = (known.len() * REGION * REGION) as f64;
        if known.is_empty() || image.is_empty() || cost > WORTH_IT * (width * height) as f64 {
            return None;
        }
        self.detections.clear();
        for &face in known {
            self.look(image, Window::around(face, image), (REGION, REGION), KNOWN_FACE * self.threshold);
            self.collect(image);
            let again = same_face(face, &self.found)?;
            self.detections.push(again);
        }
        Some(&self.detections)
    }
}

impl Window {
    /// The neighbourhood of a face; inside the picture, if that is large enough.
    fn around(face: BoundingBox, image: &GrayImage) -> Self {
        let scale = (FACE_IN_REGION / f64::from(face.width.max(face.height).max(1))).min(1.0);
        let side = REGION as f64 / scale;
        let start = |middle: f64, length: u32| (middle - side / 2.0).min(f64::from(length) - side).max(0.0);
        let middle = |start: u32, length: u32| f64::from(start) + f64::from(length) / 2.0;
        Self {
            left: start(middle(face.x, face.width), image.width()),
            top: start(middle(face.y, face.height), image.height()),
            scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbourhood_is_as_large_as_the_face_asks_and_stays_in_the_picture() {
        let image = GrayImage::new(640, 480);
        // 96 network pixels at 40 for 80 pixels of face: 192 pixels, 96 to each side of the middle.
        let face = |x, y, side| BoundingBox { x, y, width: side, height: side };
        let around = |face| Window::around(face, &image);
        assert_eq!(around(face(200, 160, 80)), Window { left: 144.0, top: 104.0, scale: 0.5 });
        assert_eq!(around(face(0, 400, 80)), Window { left: 0.0, top: 288.0, scale: 0.5 });
        // A small face is not enlarged.
        assert_eq!(around(face(310, 230, 20)), Window { left: 272.0, top: 192.0, scale: 1.0 });
        // A neighbourhood larger than the picture begins at its corner.
        assert_eq!(around(face(100, 50, 400)), Window { left: 0.0, top: 0.0, scale: 0.1 });
    }
}
