//! The cascade laid over an integral image: places in a picture become offsets in memory, once for each size of picture.

use super::cascade::{Child, Feature, HaarCascade, Rectangle};
use super::integral::Integral;

/// A cascade whose corners are offsets from a window's place in an integral image, for windows a certain step apart.
#[derive(Debug, Default)]
pub(super) struct PlacedCascade {
    pub(super) stages: Vec<PlacedStage>,
    pub(super) trees: Vec<PlacedTree>,
    pub(super) nodes: Vec<PlacedNode>,
    pub(super) leaves: Vec<f32>,
    pub(super) contrast: Contrast,
}

#[derive(Clone, Debug)]
pub(super) struct PlacedStage {
    pub(super) threshold: f32,
    /// Where its trees are.
    pub(super) trees: std::ops::Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct PlacedTree {
    pub(super) first_node: usize,
    pub(super) first_leaf: usize,
}

#[derive(Clone, Debug)]
pub(super) struct PlacedNode {
    /// Offsets of top left, top right, bottom left and bottom right of each rectangle.
    pub(super) corners: [[u32; 4]; 3],
    /// Of the rectangles; the third is often 0, and then not read.
    pub(super) weights: [f32; 3],
    pub(super) threshold: f32,
    pub(super) left: Child,
    pub(super) right: Child,
}

/// The part of a window that its contrast is measured in: all but a border of one pixel.
#[derive(Clone, Debug, Default)]
pub(super) struct Contrast {
    pub(super) corners: [u32; 4],
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
        let mut trees_before = 0;
        let stages = cascade.stages.iter().map(|stage| {
            let first = trees_before;
            trees_before += stage.trees;
            PlacedStage { threshold: stage.threshold, trees: first..trees_before }
        });
        let (mut nodes_before, mut leaves_before) = (0, 0);
        let trees = cascade.trees.iter().map(|tree| {
            let placed = PlacedTree { first_node: nodes_before, first_leaf: leaves_before };
            nodes_before += tree.nodes;
            leaves_before += tree.leaves;
            placed
        });
        let nodes = cascade.nodes.iter().map(|node| {
            let Feature { rectangles } = &cascade.features[node.feature];
            PlacedNode {
                corners: [0, 1, 2].map(|number| place(&rectangles[number])),
                weights: [0, 1, 2].map(|number| rectangles[number].weight),
                threshold: node.threshold,
                left: node.left,
                right: node.right,
            }
        });
        let inside = Rectangle { x: 1, y: 1, width: cascade.width - 2, height: cascade.height - 2, weight: 1.0 };
        Self {
            stages: stages.collect(),
            trees: trees.collect(),
            nodes: nodes.collect(),
            leaves: cascade.leaves.clone(),
            contrast: Contrast { corners: place(&inside), area: (inside.width * inside.height) as f64 },
        }
    }
}
