//! The outputs of YuNet (W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023), read as OpenCV's `FaceDetectorYN` reads them.
//!
//! Three grids with one cell for 8, 16 and 32 pixels. A cell has the probabilities of a face and of an object, whose geometric mean is the score, a
//! box, and five landmarks: eyes, nose, corners of the mouth. The box is not used: YuNet frames the whole head, and the expression network was
//! trained on the cascade's framing, which the landmarks give.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use anyhow::Result;

use super::square::Square;
use super::{Habits, Head};
use crate::network::Network;

const STRIDES: [usize; 3] = [8, 16, 32];

/// The outputs of each stride, and how many numbers a cell has in them.
const OUTPUTS: [(&str, usize); 4] = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)];

/// OpenCV's default for the overlap. Its default for the score, 0.9, finds 48 % of the faces in the marked clips (NRC-IIT), 0.7 finds 96 %, both
/// without a false one.
pub(super) const HABITS: Habits = Habits { threshold: 0.7, overlap: 0.3, smallest_side: 24.0 };

pub(super) struct YuNet;

impl Head for YuNet {
    fn channels(&self) -> usize {
        3
    }

    fn multiple(&self) -> usize {
        STRIDES[2]
    }

    fn output_names(&self) -> Vec<String> {
        OUTPUTS.iter().flat_map(|(name, _)| STRIDES.map(|stride| format!("{name}_{stride}"))).collect()
    }

    fn output_shapes(&self, width: usize, height: usize) -> Vec<Vec<usize>> {
        let cells = |stride: usize| (width / stride) * (height / stride);
        OUTPUTS.iter().flat_map(|&(_, numbers)| STRIDES.map(|stride| vec![1, cells(stride), numbers])).collect()
    }

    fn read(&self, network: &Network, (width, _): (usize, usize), threshold: f32, squares: &mut Vec<Square>) -> Result<()> {
        for (grid, stride) in STRIDES.into_iter().enumerate() {
            let output = |kind: usize| network.output(STRIDES.len() * kind + grid);
            read_grid([output(0)?, output(1)?, output(3)?], width / stride, stride as f32, threshold, squares);
        }
        Ok(())
    }
}

/// Reads one grid: face and object probabilities, and landmarks as five pairs of offsets from the cell's corner, in cells.
fn read_grid([faces, objects, landmarks]: [&[f32]; 3], columns: usize, stride: f32, threshold: f32, squares: &mut Vec<Square>) {
    let (points, _) = landmarks.as_chunks::<2>();
    let (landmarks, _) = points.as_chunks::<5>();
    for (cell, ((face, object), landmarks)) in faces.iter().zip(objects).zip(landmarks).enumerate() {
        let score = (face.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
        if score >= threshold {
            let (column, row) = ((cell % columns) as f32, (cell / columns) as f32);
            let [eye, other_eye, _, corner, other_corner] = landmarks.map(|[x, y]| (stride * (column + x), stride * (row + y)));
            squares.extend(cascade_square([eye, other_eye], [corner, other_corner], score));
        }
    }
}

/// The square with which OpenCV's frontal cascade frames a face with these eyes and corners of the mouth: its side is 1.35 times the distance between
/// the eyes and from them to the mouth together, its middle 0.294 of the way from the eyes to the mouth (medians over 451 of the cascade's boxes).
fn cascade_square(eyes: [(f32, f32); 2], mouth: [(f32, f32); 2], score: f32) -> Option<Square> {
    let middle = |[a, b]: [(f32, f32); 2]| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let distance = |a: (f32, f32), b: (f32, f32)| (a.0 - b.0).hypot(a.1 - b.1);
    let (between_eyes, on_mouth) = (middle(eyes), middle(mouth));
    let side = 1.35 * (distance(eyes[0], eyes[1]) + distance(between_eyes, on_mouth));
    let towards = |from: f32, to: f32| from + 0.294 * (to - from);
    Square::around((towards(between_eyes.0, on_mouth.0), towards(between_eyes.1, on_mouth.1)), side, score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landmarks_become_the_square_that_the_cascade_would_give() {
        // Eyes 40 apart at a height of 50, mouth 40 below: side 1.35 · 80 = 108, middle (60, 50 + 0.294 · 40) = (60, 61.76).
        let square = cascade_square([(40.0, 50.0), (80.0, 50.0)], [(50.0, 90.0), (70.0, 90.0)], 0.9).unwrap();
        for (value, expected) in [(square.side, 108.0), (square.left, 6.0), (square.top, 7.76)] {
            assert!((value - expected).abs() < 1e-4, "{square:?}");
        }
    }

    #[test]
    fn the_score_is_the_geometric_mean_and_points_are_counted_from_their_cell() {
        // Two columns; the face is in row 1, column 1 of stride 16. Probabilities above 1 count as 1.
        let mut landmarks = [0.0; 40];
        landmarks[30..].copy_from_slice(&[0.0, 0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0]);
        let mut squares = vec![];
        read_grid([&[0.0, 0.9, 0.0, 1.2], &[0.9, 0.0, 0.9, 0.81], &landmarks], 2, 16.0, 0.9, &mut squares);
        let [square] = squares[..] else { panic!("{squares:?}") };
        // Eyes at (16, 16) and (32, 16), mouth at 32: side 1.35 · 32 = 43.2, middle (24, 16 + 0.294 · 16).
        let expected = [(square.score, 0.9), (square.side, 43.2), (square.left, 2.4), (square.top, 20.704 - 21.6)];
        for (value, expected) in expected {
            assert!((value - expected).abs() < 1e-4, "{square:?}");
        }
    }
}
