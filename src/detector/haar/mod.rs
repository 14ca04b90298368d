//! The Haar cascade: finds faces by light and dark rectangles (Viola and Jones 2001; Lienhart and Maydt 2002), with the same boxes and
//! neighbour counts as OpenCV's `CascadeClassifier::detectMultiScale`.
//!
//! ```text
//!  picture ──▶ pyramid ──▶ resize ──▶ integral ──▶ scan ──▶ grouping ──▶ boxes
//!              which       one        images       a window  similar
//!              sizes       level                   at every  windows are
//!                                                  place     one face
//! ```
//!
//! The window never changes; the picture is made smaller instead. Everything that depends on the picture's size alone is computed when
//! the size changes, all buffers are reused.

mod cascade;
mod grouping;
mod integral;
mod lanes;
mod placed;
mod pyramid;
mod regions;
mod resize;
mod scan;
mod xml;

use std::sync::Arc;

use image::GrayImage;

use self::grouping::{Candidate, Grouping};
use self::integral::Integral;
use self::placed::PlacedCascade;
use self::pyramid::Level;
use self::regions::Regions;
use self::resize::{Resize, RowCache};
use self::scan::Scan;
use super::{Detection, FaceDetector, WORTH_IT, same_face};
use crate::config::DetectorConfig;
use crate::frame::BoundingBox;

pub use self::cascade::{CascadeError, HaarCascade};

/// Finds upright faces from the front with a Haar cascade.
#[derive(Debug)]
pub struct HaarDetector {
    cascade: Arc<HaarCascade>,
    config: DetectorConfig,
    prepared: Prepared,
    candidates: Vec<Candidate>,
    grouping: Grouping,
    detections: Vec<Detection>,
    regions: Regions,
    /// What was found in one of them.
    found: Vec<Detection>,
}

/// What depends on the size of the picture, and the buffers that do.
#[derive(Debug, Default)]
struct Prepared {
    picture: (u32, u32),
    levels: Vec<(Level, Resize)>,
    rows: RowCache,
    integral: Integral,
    scan: Scan,
    /// For windows one pixel apart, and for two.
    cascades: [PlacedCascade; 2],
}

impl HaarDetector {
    /// A detector with the parameters of `config`, whose path to the cascade is not looked at.
    ///
    /// # Panics
    /// If the scale factor is not above 1, which [`Config`](crate::config::Config) refuses.
    pub fn new(cascade: HaarCascade, config: &DetectorConfig) -> Self {
        Self::with_shared(Arc::new(cascade), config)
    }

    fn with_shared(cascade: Arc<HaarCascade>, config: &DetectorConfig) -> Self {
        assert!(config.scale_factor > 1.0, "the scale factor must be above 1");
        Self {
            cascade,
            config: config.clone(),
            prepared: Prepared::default(),
            candidates: vec![],
            grouping: Grouping::default(),
            detections: vec![],
            regions: Regions::default(),
            found: vec![],
        }
    }

    /// Makes ready for pictures of this size, if it is not yet.
    fn prepare(&mut self, picture: (u32, u32)) {
        if self.prepared.picture == picture {
            return;
        }
        self.prepared = Prepared::new(picture, &self.cascade, &self.config);
        // Room for the worst case, in which every window is a face. Memory that is never written costs address space only.
        let windows = self.prepared.windows();
        self.candidates = Vec::with_capacity(windows);
        self.grouping = Grouping::with_capacity(windows);
        self.detections = Vec::with_capacity(windows);
    }
}

impl FaceDetector for HaarDetector {
    fn detect(&mut self, image: &GrayImage) -> &[Detection] {
        self.prepare(image.dimensions());
        let Prepared { levels, rows, integral, scan, cascades, .. } = &mut self.prepared;
        self.candidates.clear();
        for (level, resize) in levels {
            rows.clear();
            integral.begin();
            for y in 0..level.height {
                integral.push_row(y, resize.row(image, y, rows), level.step);
            }
            let rounded = |place: usize| ((place * level.step) as f32 * level.scale).round_ties_even() as i32;
            scan.scan(&cascades[level.step - 1], level, integral, |column, row| {
                self.candidates.push(Candidate {
                    x: rounded(column),
                    y: rounded(row),
                    width: level.face_width,
                    height: level.face_height,
                });
            });
        }
        self.detections.clear();
        self.grouping.group(&self.candidates, self.config.min_neighbors, image.dimensions(), &mut self.detections);
        &self.detections
    }

    fn detect_near(&mut self, image: &GrayImage, known: &[BoundingBox]) -> Option<&[Detection]> {
        if known.is_empty() || image.is_empty() {
            return None;
        }
        self.prepare(image.dimensions());
        let Self { cascade, config, prepared, regions, found, detections, .. } = self;
        let near: usize = known.iter().map(|face| regions.windows(cascade, config, image.dimensions(), *face)).sum();
        if near as f64 > WORTH_IT * prepared.windows() as f64 {
            return None;
        }
        detections.clear();
        for &face in known {
            regions.search(cascade, config, image, face, found);
            detections.push(same_face(face, found)?);
        }
        Some(&self.detections)
    }
}

impl Prepared {
    /// How many windows there are on all levels.
    fn windows(&self) -> usize {
        self.levels.iter().map(|(level, _)| level.columns * level.rows).sum()
    }

    fn new(picture: (u32, u32), cascade: &HaarCascade, config: &DetectorConfig) -> Self {
        let size = (picture.0 as usize, picture.1 as usize);
        let levels = pyramid::levels(picture, (cascade.width, cascade.height), config);
        // The first level is the largest.
        let Some((width, height)) = levels.first().map(|level| (level.width, level.height)) else {
            return Self { picture, ..Self::default() };
        };
        let integral = Integral::with_size(width, height, lanes::LANES);
        Self {
            picture,
            cascades: [1, 2].map(|step| PlacedCascade::new(cascade, &integral, step)),
            integral,
            scan: Scan::with_columns(width),
            rows: RowCache::with_width(width),
            levels: levels
                .into_iter()
                .map(|level| {
                    let resize = Resize::new(size, (level.width, level.height));
                    (level, resize)
                })
                .collect(),
        }
    }
}
