//! The outputs of the built-in finder. The contract is in `models/FINDER.md`: three grids with one cell for 8, 16 and 32 pixels, four numbers a cell.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use anyhow::Result;

use super::Head;
use super::square::Square;
use crate::network::Network;

/// The version of the contract between model files and this program.
pub(super) const CONTRACT: &str = "face_finder/1";

const STRIDES: [usize; 3] = [8, 16, 32];

/// Score, right, down, size.
const CHANNELS: usize = 4;

/// The size of a face for which the fourth number is 0, in cells.
const SIDE_IN_CELLS: f32 = 4.0;

pub(super) struct Cells;

impl Head for Cells {
    fn channels(&self) -> usize {
        1
    }

    fn multiple(&self) -> usize {
        1
    }

    fn output_names(&self) -> Vec<String> {
        STRIDES.iter().map(|stride| format!("stride{stride}")).collect()
    }

    fn output_shapes(&self, width: usize, height: usize) -> Vec<Vec<usize>> {
        STRIDES.iter().map(|stride| vec![1, CHANNELS, height.div_ceil(*stride), width.div_ceil(*stride)]).collect()
    }

    fn read(&self, network: &Network, (width, height): (usize, usize), threshold: f32, squares: &mut Vec<Square>) -> Result<()> {
        for (index, stride) in STRIDES.into_iter().enumerate() {
            let (columns, rows) = (width.div_ceil(stride), height.div_ceil(stride));
            read_grid(network.output(index)?, (columns, rows), stride as f32, threshold, squares);
        }
        Ok(())
    }
}

/// Reads one grid: its four numbers lie in four planes one after another, row by row.
fn read_grid(values: &[f32], (columns, rows): (usize, usize), stride: f32, threshold: f32, squares: &mut Vec<Square>) {
    let mut planes = values.chunks_exact(columns * rows);
    let mut plane = || planes.next().unwrap_or_default();
    let (scores, right, down, sizes) = (plane(), plane(), plane(), plane());
    // Compared before the sigmoid, which then is computed for the few that pass.
    let least = (threshold / (1.0 - threshold)).ln();
    for (cell, (((score, right), down), size)) in scores.iter().zip(right).zip(down).zip(sizes).enumerate() {
        if *score >= least {
            let (column, row) = ((cell % columns) as f32, (cell / columns) as f32);
            let middle = (stride * (column + right) + 0.5, stride * (row + down) + 0.5);
            let side = SIDE_IN_CELLS * stride * size.exp();
            squares.extend(Square::around(middle, side, 1.0 / (1.0 + (-score).exp())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_where_the_middle_is_and_how_large_the_face() {
        // Three columns, two rows, stride 8; the face is in column 2, row 1: (8·(2 + 0.25) + 0.5, 8·(1 − 0.5) + 0.5) = (18.5, 4.5).
        // Side 4·8·e^ln(1.5) = 48; score 1 / (1 + e^-2) = 0.8808.
        let mut values = [[-9.0; 6], [0.25; 6], [-0.5; 6], [1.5_f32.ln(); 6]];
        values[0][5] = 2.0;
        values[0][4] = f32::NAN;
        let mut squares = vec![];
        read_grid(values.as_flattened(), (3, 2), 8.0, 0.5, &mut squares);
        let [square] = squares[..] else { panic!("{squares:?}") };
        for (value, expected) in [(square.left, -5.5), (square.top, -19.5), (square.side, 48.0), (square.score, 0.880_797)] {
            assert!((value - expected).abs() < 1e-4, "{square:?}");
        }
    }

    #[test]
    fn a_score_of_just_the_threshold_counts() {
        // sigmoid(1.0986) = 0.75.
        let values = [[1.098_612_4], [0.0], [0.0], [0.0]];
        for (threshold, expected) in [(0.7499, 1), (0.7501, 0)] {
            let mut squares = vec![];
            read_grid(values.as_flattened(), (1, 1), 16.0, threshold, &mut squares);
            assert_eq!(squares.len(), expected);
        }
    }
}
