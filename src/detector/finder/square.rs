//! Squares with scores: of several on one face the best is kept.

use crate::detector::Detection;
use crate::frame::BoundingBox;

/// From this share of the smaller square on, it lies inside the larger one. Boxes of twice the face's size, and of half of it, are the network's most
/// frequent mistake: on the marked clips this leaves a third of the false ones, at the price of 0.4 % of the faces.
const INSIDE: f32 = 0.7;

/// Where a face may be; may leave the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Square {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) side: f32,
    /// 0 to 1.
    pub(super) score: f32,
}

impl Square {
    /// A square around a middle; `None` unless it has a size that means something.
    pub(super) fn around((x, y): (f32, f32), side: f32, score: f32) -> Option<Self> {
        let square = Self { left: x - side / 2.0, top: y - side / 2.0, side, score };
        (side >= 1.0 && side.is_finite() && square.left.is_finite() && square.top.is_finite()).then_some(square)
    }

    /// Whether both mean one face: they overlap by more than `overlap` (intersection over union), or the smaller one lies mostly inside the larger.
    fn is_same_face(&self, other: &Self, overlap: f32) -> bool {
        let shared = |start: f32, other_start: f32| (start + self.side).min(other_start + other.side) - start.max(other_start);
        let shared = shared(self.left, other.left).max(0.0) * shared(self.top, other.top).max(0.0);
        let union = self.side * self.side + other.side * other.side - shared;
        let smaller = self.side.min(other.side).powi(2);
        shared > overlap * union || shared > INSIDE * smaller
    }

    /// The part of it that lies in a picture of this width and height, to whole pixels; `None` if there is none.
    pub(super) fn clipped(&self, picture: (u32, u32)) -> Option<Detection> {
        let side = self.side.round();
        let clip = |start: f32, length: u32| {
            let (start, end) = (start.round(), start.round() + side);
            // As casts: below 0 becomes 0, and beyond u32 its largest value.
            ((start as u32).min(length), (end as u32).min(length))
        };
        let ((left, right), (top, bottom)) = (clip(self.left, picture.0), clip(self.top, picture.1));
        let bounding_box = BoundingBox { x: left, y: top, width: right - left, height: bottom - top };
        (bounding_box.area() > 0).then_some(Detection { bounding_box, score: self.score })
    }
}

/// Greedy non-maximum suppression: best first, a square goes that overlaps a kept one by more than `overlap` (intersection over union), or lies inside it
/// or around it. What is left is in the order of the scores.
pub(super) fn suppress(squares: &mut Vec<Square>, overlap: f32) {
    squares.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = 0;
    for index in 0..squares.len() {
        let square = squares[index];
        if squares[..kept].iter().all(|better| !better.is_same_face(&square, overlap)) {
            squares[kept] = square;
            kept += 1;
        }
    }
    squares.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn square(left: f32, top: f32, side: f32, score: f32) -> Square {
        Square { left, top, side, score }
    }

    #[test]
    fn of_overlapping_squares_the_best_is_kept() {
        // 10×10 each. Shifted by 4: 60 / 140 = 0.43; by 5: 50 / 150 = 0.33. The third overlaps only the second, which has gone.
        let mut squares = vec![square(4.0, 0.0, 10.0, 0.8), square(0.0, 0.0, 10.0, 0.9), square(9.0, 0.0, 10.0, 0.7)];
        suppress(&mut squares, 0.4);
        assert_eq!(squares, [square(0.0, 0.0, 10.0, 0.9), square(9.0, 0.0, 10.0, 0.7)]);
        suppress(&mut squares, 0.05);
        assert_eq!(squares.len(), 1);
    }

    #[test]
    fn of_a_square_inside_another_the_better_is_kept() {
        // 20×20 and 10×10: all 100 of the smaller are shared, 100 / 400 of both. Half outside: 50 of 100.
        let (large, inside, half_inside) =
            (square(0.0, 0.0, 20.0, 0.8), square(5.0, 5.0, 10.0, 0.9), square(15.0, 0.0, 10.0, 0.7));
        let mut squares = vec![large, inside];
        suppress(&mut squares, 0.4);
        assert_eq!(squares, [inside]);
        let mut squares = vec![large, half_inside];
        suppress(&mut squares, 0.4);
        assert_eq!(squares, [large, half_inside]);
    }

    #[test]
    fn a_box_ends_where_the_picture_ends() {
        let clipped = |square: Square| square.clipped((100, 80)).map(|face| face.bounding_box);
        assert_eq!(clipped(square(-5.4, 70.2, 20.0, 1.0)), Some(BoundingBox { x: 0, y: 70, width: 15, height: 10 }));
        assert_eq!(clipped(square(10.6, 10.4, 20.4, 1.0)), Some(BoundingBox { x: 11, y: 10, width: 20, height: 20 }));
        for outside in [square(100.0, 0.0, 20.0, 1.0), square(-30.0, 0.0, 20.0, 1.0), square(3e38, 3e38, 5.0, 1.0)] {
            assert_eq!(clipped(outside), None);
        }
        assert_eq!(clipped(square(-1e6, -1e6, 3e38, 1.0)), Some(BoundingBox { x: 0, y: 0, width: 100, height: 80 }));
    }

    #[test]
    fn a_square_without_a_size_is_none() {
        for side in [0.0, -3.0, f32::NAN, f32::INFINITY] {
            assert_eq!(Square::around((5.0, 5.0), side, 0.9), None);
        }
        assert_eq!(Square::around((f32::NAN, 5.0), 4.0, 0.9), None);
        assert_eq!(Square::around((5.0, 6.0), 4.0, 0.9), Some(square(3.0, 4.0, 4.0, 0.9)));
    }
}
