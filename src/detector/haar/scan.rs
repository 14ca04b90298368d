//! Moves the window over one level and asks the cascade everywhere.

use super::cascade::Child;
use super::integral::Integral;
use super::placed::{Contrast, PlacedCascade, PlacedNode, PlacedStage};
use super::pyramid::Level;

/// Calls `found` with the column and the row (in windows) of each window of a level that passes all stages, row by row.
pub(super) fn scan(cascade: &PlacedCascade, level: &Level, integral: &Integral, mut found: impl FnMut(usize, usize)) {
    for row in 0..level.rows {
        let start = integral.offset(0, row * level.step, level.step);
        let mut column = 0;
        while column < level.columns {
            let place = start + column;
            if let Some(normalisation) = normalisation(&cascade.contrast, integral, place) {
                let failed = cascade.stages.iter().position(|stage| !passes(cascade, stage, integral, place, normalisation));
                match failed {
                    None => found(column, row),
                    // Where the first stage sees nothing, the next window is left out.
                    Some(0) => column += 1,
                    Some(_) => {}
                }
            }
            column += 1;
        }
    }
}

/// One over (area times standard deviation) of the window, which makes features independent of light; `None` if the standard deviation
/// is 10 grey levels or less: too flat for a face.
fn normalisation(contrast: &Contrast, integral: &Integral, place: usize) -> Option<f32> {
    let sum = f64::from(rectangle_sum(&integral.sums, &contrast.corners, place));
    let squares = f64::from(rectangle_sum(&integral.squares, &contrast.corners, place));
    // All whole numbers below 2⁵³: exact.
    let variance = contrast.area * squares - sum * sum;
    (variance > 100.0 * contrast.area * contrast.area).then(|| (1.0 / variance.sqrt()) as f32)
}

fn passes(cascade: &PlacedCascade, stage: &PlacedStage, integral: &Integral, place: usize, normalisation: f32) -> bool {
    let mut sum = 0.0_f64;
    for tree in &cascade.trees[stage.trees.clone()] {
        let mut next = Child::Node(0);
        while let Child::Node(number) = next {
            let node = &cascade.nodes[tree.first_node + number];
            let value = feature(node, integral, place) * normalisation;
            next = if value < node.threshold { node.left } else { node.right };
        }
        if let Child::Leaf(number) = next {
            sum += f64::from(cascade.leaves[tree.first_leaf + number]);
        }
    }
    sum >= f64::from(stage.threshold)
}

/// The weighted sum of a feature's rectangles, in 32-bit floating point as OpenCV does it. With the weights of genuine cascades (-1, 2, 3)
/// all numbers are whole and below 2²⁴: exact.
fn feature(node: &PlacedNode, integral: &Integral, place: usize) -> f32 {
    let sum = |number: usize| rectangle_sum(&integral.sums, &node.corners[number], place) as f32 * node.weights[number];
    let two = sum(0) + sum(1);
    if node.weights[2] == 0.0 { two } else { two + sum(2) }
}

fn rectangle_sum(sums: &[i32], corners: &[u32; 4], place: usize) -> i32 {
    let [top_left, top_right, bottom_left, bottom_right] = corners.map(|corner| sums[place + corner as usize]);
    bottom_right.wrapping_sub(top_right).wrapping_sub(bottom_left).wrapping_add(top_left)
}
