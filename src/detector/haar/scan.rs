//! Moves the window over one level and asks the cascade everywhere.
//!
//! A row of windows at a time: first the contrast of all, then the first stage for all, then each further stage for those that are left.

use super::integral::Integral;
use super::lanes::{LANES, Verdicts};
use super::placed::{Contrast, PlacedCascade, PlacedStage};
use super::pyramid::Level;

/// Buffers of the scan, for rows of windows.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// For each window of the row what its features are multiplied with; 0 if it is refused. Zeros follow, one for each lane.
    normalisations: Vec<f32>,
    /// The columns of the windows that are left.
    alive: Vec<usize>,
}

impl Scan {
    /// Room for rows of up to `columns` windows.
    pub(super) fn with_columns(columns: usize) -> Self {
        Self { normalisations: vec![0.0; columns + LANES], alive: Vec::with_capacity(columns) }
    }

    /// Calls `found` with the column and the row (in windows) of each window of a level that passes all stages, row by row.
    ///
    /// The integral image must have [`LANES`] values to spare at its end.
    pub(super) fn scan(
        &mut self,
        cascade: &PlacedCascade,
        level: &Level,
        integral: &Integral,
        mut found: impl FnMut(usize, usize),
    ) {
        let (first, rest) = cascade.stages.split_first().expect("a cascade has at least one stage");
        for row in 0..level.rows {
            let start = integral.offset(0, row * level.step, level.step);
            let normalisations = &mut self.normalisations[..level.columns + LANES];
            normalisations[level.columns..].fill(0.0);
            measure_contrast(&cascade.contrast, integral, start, &mut normalisations[..level.columns]);

            let row_of_windows = Row { cascade, normalisations, sums: &integral.sums[start..] };
            row_of_windows.first_stage(first, &mut self.alive);
            for stage in rest {
                if self.alive.is_empty() {
                    break;
                }
                row_of_windows.later_stage(stage, &mut self.alive);
            }
            self.alive.iter().for_each(|column| found(*column, row));
        }
    }
}

/// What a stage needs to know about a row of windows.
struct Row<'a> {
    cascade: &'a PlacedCascade,
    normalisations: &'a [f32],
    /// The integral image from the first window on.
    sums: &'a [i32],
}

impl Row<'_> {
    /// Sets `alive` to the windows that pass. After one that fails the next one is left out: where the first stage sees nothing, its
    /// neighbour hardly does. A window that was refused for its contrast has no such effect.
    fn first_stage(&self, stage: &PlacedStage, alive: &mut Vec<usize>) {
        alive.clear();
        let mut leave_out = false;
        for (block, normalisations) in self.normalisations.as_chunks::<LANES>().0.iter().enumerate() {
            if normalisations == &[0.0; LANES] {
                leave_out = false;
                continue;
            }
            let passed = self.passed(stage, block * LANES, normalisations);
            for (lane, normalisation) in normalisations.iter().enumerate() {
                let passes = passed >> lane & 1 == 1;
                if leave_out {
                    leave_out = false;
                } else if *normalisation != 0.0 {
                    leave_out = !passes;
                    if passes {
                        alive.push(block * LANES + lane);
                    }
                }
            }
        }
    }

    /// Removes from `alive` the windows that fail. Blocks of lanes begin at windows that are alive, wherever these are.
    fn later_stage(&self, stage: &PlacedStage, alive: &mut Vec<usize>) {
        let (mut begin, mut passed) = (0, 0);
        let mut end = 0;
        alive.retain(|column| {
            if *column >= end {
                begin = *column;
                end = begin + LANES;
                let normalisations = self.normalisations[begin..].first_chunk().expect("zeros follow the last window");
                passed = self.passed(stage, begin, normalisations);
            }
            passed >> (*column - begin) & 1 == 1
        });
    }

    /// Which windows of the block that begins at `column` pass, bit by bit. What refused windows do is of no meaning.
    fn passed(&self, stage: &PlacedStage, column: usize, normalisations: &[f32; LANES]) -> u32 {
        let Verdicts { mut passed, mut open } = stage.lanes.verdicts(&self.sums[column..], normalisations);
        while open != 0 {
            let lane = open.trailing_zeros() as usize;
            open &= open - 1;
            if self.cascade.passes(stage, &self.sums[column + lane..], normalisations[lane]) {
                passed |= 1 << lane;
            }
        }
        passed
    }
}

/// Sets each window's normalisation to one over (area times standard deviation), which makes features independent of light, or to 0 if the
/// standard deviation is 10 grey levels or less: too flat for a face.
fn measure_contrast(contrast: &Contrast, integral: &Integral, start: usize, normalisations: &mut [f32]) {
    let Contrast { corners, area } = contrast;
    let count = normalisations.len();
    let sums = corners.map(|corner| &integral.sums[start + corner as usize..][..count]);
    let squares = corners.map(|corner| &integral.squares[start + corner as usize..][..count]);
    let total = |[top_left, top_right, bottom_left, bottom_right]: [&[i32]; 4], window: usize| {
        let sum = bottom_right[window].wrapping_sub(top_right[window]).wrapping_sub(bottom_left[window]);
        f64::from(sum.wrapping_add(top_left[window]))
    };
    for (window, normalisation) in normalisations.iter_mut().enumerate() {
        let sum = total(sums, window);
        // All whole numbers below 2⁵³: exact.
        let variance = area * total(squares, window) - sum * sum;
        let inverse = (1.0 / variance.sqrt()) as f32;
        *normalisation = if variance > 100.0 * area * area { inverse } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::super::cascade::{Child, Feature, HaarCascade, Node, Rectangle, Stage, Tree};
    use super::*;

    /// A cascade of one stump in a window of 3×3: passes if the centre is brighter than the mean.
    fn bright_centre() -> HaarCascade {
        let whole = Rectangle { x: 0, y: 0, width: 3, height: 3, weight: -1.0 };
        let centre = Rectangle { x: 1, y: 1, width: 1, height: 1, weight: 9.0 };
        HaarCascade {
            width: 3,
            height: 3,
            stages: vec![Stage { threshold: 0.5, trees: 1 }],
            trees: vec![Tree { nodes: 1, leaves: 2 }],
            nodes: vec![Node { left: Child::Leaf(0), right: Child::Leaf(1), feature: 0, threshold: 0.0 }],
            leaves: vec![0.0, 1.0],
            features: vec![Feature { rectangles: [whole, centre, Rectangle::default()] }],
        }
    }

    /// Which columns of a picture of three equal rows pass; the contrast is taken as given.
    fn first_stage(normalisations: &[f32], row: &[u8]) -> Vec<usize> {
        let mut integral = Integral::with_size(row.len(), 3, LANES);
        integral.begin();
        (0..3).for_each(|y| integral.push_row(y, row, 1));
        let cascade = PlacedCascade::new(&bright_centre(), &integral, 1);
        let mut padded = normalisations.to_vec();
        padded.extend([0.0; LANES]);
        let mut alive = vec![];
        Row { cascade: &cascade, normalisations: &padded, sums: &integral.sums }.first_stage(&cascade.stages[0], &mut alive);
        alive
    }

    // Windows 1, 3, 5, 6, 8 and 10 have a centre brighter than their mean.
    const ROW: [u8; 13] = [0, 0, 9, 0, 9, 0, 9, 8, 0, 9, 0, 9, 0];

    #[test]
    fn after_a_window_that_fails_the_first_stage_the_next_one_is_left_out() {
        // 0 fails, 1 is left out; 2 fails, 3 is left out; 4 fails, 5 is left out; 6 passes; 7 fails, 8 is left out; 9 fails, 10 is left out.
        assert_eq!(first_stage(&[1.0; 11], &ROW), [6]);
    }

    #[test]
    fn a_window_without_contrast_has_no_such_effect() {
        // 0 is refused: 1 is asked, 2 fails, 3 is left out …; 7 is refused, which is in the first block, and 8 in the second is asked.
        let mut normalisations = [1.0; 11];
        normalisations[0] = 0.0;
        normalisations[7] = 0.0;
        assert_eq!(first_stage(&normalisations, &ROW), [1, 6, 8]);
    }

    #[test]
    fn windows_of_a_standard_deviation_of_ten_are_refused_and_of_a_little_more_are_not() {
        // Inside the border of a 4×4 window 2×2 pixels: 90, 90, 110, 110 have a standard deviation of 10.
        for (bright, expected) in [(110, 0.0), (111, (1.0 / 42.0_f64) as f32)] {
            let mut integral = Integral::with_size(4, 4, 0);
            integral.begin();
            for (y, row) in [[7; 4], [7, 90, 90, 7], [7, bright, bright, 7], [7; 4]].iter().enumerate() {
                integral.push_row(y, row, 1);
            }
            let corners = [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| integral.offset(x, y, 1) as u32);
            let mut normalisations = [9.0];
            // Area 4, standard deviation 10.5: one over 42.
            measure_contrast(&Contrast { corners, area: 4.0 }, &integral, 0, &mut normalisations);
            assert_eq!(normalisations, [expected]);
        }
    }
}
