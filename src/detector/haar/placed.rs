//! The cascade laid over an integral image: places in a picture become offsets in memory, once for each size of picture.

use std::ops::Range;

use super::cascade::{Child, HaarCascade, Rectangle};
use super::integral::Integral;
use super::lanes::LaneStage;

/// A cascade whose corners are offsets from a window's place in an integral image, for windows a certain step apart.
#[derive(Debug, Default)]
pub(super) struct PlacedCascade {
    pub(super) stages: Vec<PlacedStage>,
    trees: Vec<PlacedTree>,
    nodes: Vec<PlacedNode>,
    leaves: Vec<f32>,
    pub(super) contrast: Contrast,
}

#[derive(Debug)]
pub(super) struct PlacedStage {
    pub(super) threshold: f32,
    trees: Range<usize>,
    /// The same stage for several windows at once.
    pub(super) lanes: LaneStage,
}

#[derive(Clone, Debug)]
pub(super) struct PlacedTree {
    pub(super) nodes: Range<usize>,
    pub(super) leaves: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct PlacedNode {
    pub(super) feature: PlacedFeature,
    pub(super) threshold: f32,
    pub(super) left: Child,
    pub(super) right: Child,
}

#[derive(Clone, Debug)]
pub(super) struct PlacedFeature {
    pub(super) corners: [Corners; 3],
    /// Of the rectangles; the third is often 0, and then not read.
    pub(super) weights: [f32; 3],
}

/// Offsets of a rectangle's top left, top right, bottom left and bottom right.
pub(super) type Corners = [u32; 4];

/// The part of a window that its contrast is measured in: all but a border of one pixel.
#[derive(Clone, Debug, Default)]
pub(super) struct Contrast {
    pub(super) corners: Corners,
    /// In pixels.
    pub(super) area: f64,
}

impl PlacedCascade {
    pub(super) fn new(cascade: &HaarCascade, integral: &Integral, step: usize) -> Self {
        let place = |rectangle: &Rectangle| {
            let (left, top) = (rectangle.x, rectangle.y);
            let (right, bottom) = (left + rectangle.width, top + rectangle.height);
            [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(x, y)| integral.offset(x, y, step) as u32)
        };
        let nodes = cascade.nodes.iter().map(|node| {
            let rectangles = &cascade.features[node.feature].rectangles;
            let feature =
                PlacedFeature { corners: rectangles.each_ref().map(place), weights: rectangles.each_ref().map(|r| r.weight) };
            PlacedNode { feature, threshold: node.threshold, left: node.left, right: node.right }
        });
        let nodes: Vec<PlacedNode> = nodes.collect();

        let (mut node_count, mut leaf_count, mut tree_count) = (0, 0, 0);
        let trees = cascade.trees.iter().map(|tree| PlacedTree {
            nodes: following(&mut node_count, tree.nodes),
            leaves: following(&mut leaf_count, tree.leaves),
        });
        let trees: Vec<PlacedTree> = trees.collect();
        let stages = cascade.stages.iter().map(|stage| {
            let range = following(&mut tree_count, stage.trees);
            let lanes = LaneStage::new(stage.threshold, &trees[range.clone()], &nodes, &cascade.leaves);
            PlacedStage { threshold: stage.threshold, trees: range, lanes }
        });
        let inside = Rectangle { x: 1, y: 1, width: cascade.width - 2, height: cascade.height - 2, weight: 1.0 };
        Self {
            stages: stages.collect(),
            trees,
            nodes,
            leaves: cascade.leaves.clone(),
            contrast: Contrast { corners: place(&inside), area: (inside.width * inside.height) as f64 },
        }
    }

    /// Whether one window passes a stage, step by step as OpenCV computes it. `window` is the integral image from the window's place on.
    pub(super) fn passes(&self, stage: &PlacedStage, window: &[i32], normalisation: f32) -> bool {
        let mut sum = 0.0_f64;
        for tree in &self.trees[stage.trees.clone()] {
            let mut next = Child::Node(0);
            while let Child::Node(number) = next {
                let node = &self.nodes[tree.nodes.start + number];
                let value = node.feature.value(window) * normalisation;
                next = if value < node.threshold { node.left } else { node.right };
            }
            if let Child::Leaf(number) = next {
                sum += f64::from(self.leaves[tree.leaves.start + number]);
            }
        }
        sum >= f64::from(stage.threshold)
    }
}

impl PlacedFeature {
    /// The weighted sum of the rectangles, in 32-bit floating point as OpenCV does it. With the weights of genuine cascades (-1, 2, 3)
    /// all numbers are whole and below 2²⁴: exact.
    fn value(&self, window: &[i32]) -> f32 {
        let sum = |number: usize| {
            let [top_left, top_right, bottom_left, bottom_right] = self.corners[number].map(|corner| window[corner as usize]);
            let sum = bottom_right.wrapping_sub(top_right).wrapping_sub(bottom_left).wrapping_add(top_left);
            sum as f32 * self.weights[number]
        };
        let two = sum(0) + sum(1);
        if self.weights[2] == 0.0 { two } else { two + sum(2) }
    }
}

/// The next `length` indexes; `count` is how many there were before.
fn following(count: &mut usize, length: usize) -> Range<usize> {
    let start = *count;
    *count += length;
    start..*count
}
