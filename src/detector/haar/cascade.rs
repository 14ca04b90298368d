//! The cascade file: stages of boosted trees over Haar features, as OpenCV's training programs write them (XML, `opencv-cascade-classifier`).
//!
//! A file is foreign input: everything the scan relies on is checked here once, so that the scan need not.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::xml::{Fault, Result, Walker, shortened};

/// A larger file is refused; the largest that OpenCV ships has 2.7 MB.
const MOST_BYTES: u64 = 16 << 20;
/// The side of a window in pixels. Below 3 no pixel is left inside the border that the contrast is measured in; up to 128 the sum of
/// the squares of a window's pixels is below 2³¹, and all feature sums are whole numbers that 32-bit floating point holds exactly.
const WINDOW_SIDES: std::ops::RangeInclusive<usize> = 3..=128;
const MOST_STAGES: usize = 1 << 10;
const MOST_FEATURES: usize = 1 << 16;
const MOST_NODES: usize = 1 << 16;
/// A tree is evaluated without recursion, in buffers of this length; genuine ones have 1 to 3 nodes.
pub(super) const MOST_NODES_OF_A_TREE: usize = 64;

/// A boosted cascade over upright Haar features, checked: every index is in range, every number finite, every rectangle inside the window.
#[derive(Clone, Debug, PartialEq)]
pub struct HaarCascade {
    /// Width of the search window in pixels, 3 to 128.
    pub(super) width: usize,
    /// Height of the search window.
    pub(super) height: usize,
    pub(super) stages: Vec<Stage>,
    pub(super) trees: Vec<Tree>,
    pub(super) nodes: Vec<Node>,
    pub(super) leaves: Vec<f32>,
    pub(super) features: Vec<Feature>,
}

/// A window goes on to the next stage if the leaves that its trees come to sum up to at least the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stage {
    pub(super) threshold: f32,
    /// Number of trees; they follow those of the stage before in [`HaarCascade::trees`].
    pub(super) trees: usize,
}

/// A decision tree. Its root is its first node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// Number of nodes, at least 1; they follow those of the tree before in [`HaarCascade::nodes`].
    pub(super) nodes: usize,
    /// Number of leaves; they follow those of the tree before in [`HaarCascade::leaves`].
    pub(super) leaves: usize,
}

/// Goes left if the feature, divided by the window's contrast, is below the threshold; else right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) left: Child,
    pub(super) right: Child,
    pub(super) feature: usize,
    pub(super) threshold: f32,
}

/// Where a tree goes on, counted within the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    Leaf(usize),
    /// Always greater than the number of the node that goes there, so no tree has a loop.
    Node(usize),
}

/// A weighted sum of the pixels in two or three rectangles; a third that is missing has the weight 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Feature {
    pub(super) rectangles: [Rectangle; 3],
}

/// An upright rectangle of the search window, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rectangle {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) weight: f32,
}

/// Why a cascade cannot be used, in one line that names the file, the line and what helps.
#[derive(Debug, thiserror::Error)]
pub enum CascadeError {
    /// The file could not be read.
    #[error("{}: cannot read the face cascade: {source}{}", path.display(), remedy(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no cascade, a damaged one, or one of a kind that is not known here.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            " (install Debian's package opencv-data, or say where it is: `cascade` in [detector], or --cascade)"
        }
        _ => "",
    }
}

impl HaarCascade {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// If it cannot be read, has more than 16 MiB, or is not a boosted cascade of upright Haar features in OpenCV's XML format.
    pub fn load(path: &Path) -> std::result::Result<Self, CascadeError> {
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text))
            .map_err(|source| CascadeError::Read { path: path.into(), source })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a file; `path` is for the messages.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &[u8], path: &Path) -> std::result::Result<Self, CascadeError> {
        let invalid = |fault: Fault| {
            let line = 1 + text.iter().take(fault.offset).filter(|byte| **byte == b'\n').count();
            CascadeError::Invalid { path: path.into(), line, message: fault.message }
        };
        if text.len() as u64 > MOST_BYTES {
            return Err(invalid(Fault { offset: 0, message: format!("larger than {} MiB: not a cascade", MOST_BYTES >> 20) }));
        }
        Draft::read(text).and_then(Draft::check).map_err(invalid)
    }

    /// Width and height of the search window, the smallest face that can be found, in pixels.
    pub fn window(&self) -> (u32, u32) {
        (self.width as u32, self.height as u32)
    }
}

/// What was read, before the parts have been compared with each other; the elements may come in any order.
struct Draft {
    /// What is there so far; what refers to other parts is not yet checked.
    cascade: HaarCascade,
    /// Offset of each tree and each feature in the text, for messages.
    tree_offsets: Vec<usize>,
    feature_offsets: Vec<usize>,
    /// What the file says about its number of stages.
    stage_count: Option<usize>,
    is_boosted: bool,
    is_haar: bool,
    end: usize,
}

impl Draft {
    fn read(text: &[u8]) -> Result<Self> {
        let mut draft = Self {
            cascade: HaarCascade {
                width: 0,
                height: 0,
                stages: vec![],
                trees: vec![],
                nodes: vec![],
                leaves: vec![],
                features: vec![],
            },
            tree_offsets: vec![],
            feature_offsets: vec![],
            stage_count: None,
            is_boosted: false,
            is_haar: false,
            end: 0,
        };
        let mut found = false;
        let mut walker = Walker::new(text);
        walker.children(|walker, root| {
            if root.name().as_ref() != "opencv_storage" {
                return walker.fault("not a cascade: the outermost element must be <opencv_storage>");
            }
            walker.children(|walker, element| {
                // Only the first is the cascade, whatever its name.
                if std::mem::replace(&mut found, true) {
                    return walker.skip();
                }
                match element.try_get_attribute("type_id").map(|kind| kind.map(|kind| kind.value)) {
                    // OpenCV's own trainer leaves the attribute out.
                    Ok(None) => draft.cascade(walker),
                    Ok(Some(kind)) if kind == "opencv-cascade-classifier" => draft.cascade(walker),
                    Ok(Some(kind)) if kind == "opencv-haar-classifier" => walker.fault(
                        "a cascade in OpenCV's old format (opencv-haar-classifier), which is not read; use one of today's format",
                    ),
                    Ok(Some(kind)) => walker.fault(format!("not a cascade: type_id is `{}`", shortened(&kind))),
                    Err(error) => walker.fault(format!("not well-formed XML: {error}")),
                }
            })
        })?;
        draft.end = walker.offset();
        if found { Ok(draft) } else { walker.fault("not a cascade: there is no element in <opencv_storage>, or not even that") }
    }

    /// Reads the cascade's own element.
    fn cascade(&mut self, walker: &mut Walker<'_>) -> Result<()> {
        walker.children(|walker, element| match element.name().as_ref() {
            "stageType" => expect_kind(walker, "stageType", "BOOST").map(|()| self.is_boosted = true),
            "featureType" => expect_kind(walker, "featureType", "HAAR").map(|()| self.is_haar = true),
            "width" => walker.count("width", 1 << 20).map(|width| self.cascade.width = width),
            "height" => walker.count("height", 1 << 20).map(|height| self.cascade.height = height),
            "stageNum" => walker.count("stageNum", MOST_STAGES).map(|count| self.stage_count = Some(count)),
            "featureParams" => walker.children(|walker, element| match element.name().as_ref() {
                "maxCatCount" => match walker.count("maxCatCount", 1 << 20)? {
                    0 => Ok(()),
                    _ => walker.fault("maxCatCount must be 0: Haar features have no categories"),
                },
                _ => walker.skip(),
            }),
            "stages" if !self.cascade.stages.is_empty() => walker.fault("a second <stages>"),
            "stages" => walker.list(|walker| self.stage(walker)),
            "features" if !self.cascade.features.is_empty() => walker.fault("a second <features>"),
            "features" => walker.list(|walker| self.feature(walker)),
            _ => walker.skip(),
        })
    }

    fn stage(&mut self, walker: &mut Walker<'_>) -> Result<()> {
        let number = self.cascade.stages.len();
        if number == MOST_STAGES {
            return walker.fault(format!("more than {MOST_STAGES} stages"));
        }
        let mut threshold = None;
        let mut count = None;
        let trees_before = self.cascade.trees.len();
        walker.children(|walker, element| match element.name().as_ref() {
            // The subtraction is OpenCV's, when it reads the file.
            "stageThreshold" => {
                walker.word("stageThreshold").and_then(|word| walker.number(&word)).map(|value| threshold = Some(value - 1e-5))
            }
            "maxWeakCount" => walker.count("maxWeakCount", MOST_NODES).map(|value| count = Some(value)),
            "weakClassifiers" => walker.list(|walker| self.tree(walker)),
            _ => walker.skip(),
        })?;
        let trees = self.cascade.trees.len() - trees_before;
        let Some(threshold) = threshold else { return walker.fault(format!("stage {number} has no stageThreshold")) };
        if trees == 0 {
            return walker.fault(format!("stage {number} has no weak classifiers"));
        }
        if let Some(count) = count.filter(|count| *count != trees) {
            return walker.fault(format!("stage {number} has {trees} weak classifiers, but its maxWeakCount is {count}"));
        }
        self.cascade.stages.push(Stage { threshold, trees });
        Ok(())
    }

    fn tree(&mut self, walker: &mut Walker<'_>) -> Result<()> {
        let HaarCascade { trees, nodes, leaves, .. } = &mut self.cascade;
        self.tree_offsets.push(walker.offset());
        let (nodes_before, leaves_before) = (nodes.len(), leaves.len());
        walker.children(|walker, element| match element.name().as_ref() {
            "internalNodes" => {
                let (mut left, mut right) = (Child::Leaf(0), Child::Leaf(0));
                let mut feature = 0;
                let mut filled = 0;
                walker.words(|walker, word| {
                    match filled {
                        0 | 1 => {
                            let value = walker.integer(word)?;
                            let index = value.unsigned_abs() as usize;
                            let child = if value > 0 { Child::Node(index) } else { Child::Leaf(index) };
                            *(if filled == 0 { &mut left } else { &mut right }) = child;
                        }
                        2 => match usize::try_from(walker.integer(word)?) {
                            Ok(index) => feature = index,
                            Err(_) => return walker.fault(format!("a feature's index cannot be negative (`{word}`)")),
                        },
                        _ if nodes.len() == MOST_NODES => return walker.fault(format!("more than {MOST_NODES} tree nodes")),
                        _ => nodes.push(Node { left, right, feature, threshold: walker.number(word)? }),
                    }
                    filled = (filled + 1) % 4;
                    Ok(())
                })?;
                if filled == 0 { Ok(()) } else { walker.fault("internalNodes must hold 4 numbers a node") }
            }
            "leafValues" => walker.words(|walker, word| {
                if leaves.len() == 2 * MOST_NODES {
                    return walker.fault(format!("more than {} leaves", 2 * MOST_NODES));
                }
                walker.number(word).map(|value| leaves.push(value))
            }),
            _ => walker.skip(),
        })?;
        trees.push(Tree { nodes: nodes.len() - nodes_before, leaves: leaves.len() - leaves_before });
        Ok(())
    }

    fn feature(&mut self, walker: &mut Walker<'_>) -> Result<()> {
        let number = self.cascade.features.len();
        if number == MOST_FEATURES {
            return walker.fault(format!("more than {MOST_FEATURES} features"));
        }
        self.feature_offsets.push(walker.offset());
        let mut feature = Feature::default();
        let mut rectangles = 0;
        walker.children(|walker, element| match element.name().as_ref() {
            "rects" => walker.list(|walker| {
                let Some(rectangle) = feature.rectangles.get_mut(rectangles) else {
                    return walker.fault(format!("feature {number} has more than 3 rectangles"));
                };
                rectangles += 1;
                *rectangle = read_rectangle(walker)?;
                Ok(())
            }),
            "tilted" => match walker.count("tilted", 1)? {
                0 => Ok(()),
                _ => walker.fault(format!("feature {number} is tilted; only cascades of upright features can be used")),
            },
            _ => walker.skip(),
        })?;
        if rectangles < 2 {
            return walker.fault(format!("feature {number} must have 2 or 3 rectangles"));
        }
        self.cascade.features.push(feature);
        Ok(())
    }

    /// Compares the parts with each other.
    fn check(self) -> Result<HaarCascade> {
        let HaarCascade { width, height, stages, trees, nodes, features, .. } = &self.cascade;
        let at_end = |message: String| Err(Fault { offset: self.end, message });
        if !(self.is_boosted && self.is_haar) {
            return at_end("not a cascade: stageType or featureType is missing".into());
        }
        if !WINDOW_SIDES.contains(width) || !WINDOW_SIDES.contains(height) {
            let (least, most) = WINDOW_SIDES.into_inner();
            return at_end(format!("the window is {width}×{height} pixels; <width> and <height> must be from {least} to {most}"));
        }
        if stages.is_empty() {
            return at_end("the cascade has no stages".into());
        }
        if let Some(count) = self.stage_count.filter(|count| *count != stages.len()) {
            return at_end(format!("the cascade has {} stages, but its stageNum is {count}", stages.len()));
        }
        for (number, (feature, offset)) in features.iter().zip(&self.feature_offsets).enumerate() {
            let fits = |r: &Rectangle| r.x < *width && r.y < *height && r.x + r.width <= *width && r.y + r.height <= *height;
            if !feature.rectangles.iter().all(fits) {
                let message = format!("feature {number} has a rectangle outside the window of {width}×{height} pixels");
                return Err(Fault { offset: *offset, message });
            }
        }
        let mut nodes = nodes.iter();
        for (tree, offset) in trees.iter().zip(&self.tree_offsets) {
            check_tree(tree, nodes.by_ref().take(tree.nodes), features.len())
                .map_err(|message| Fault { offset: *offset, message })?;
        }
        Ok(self.cascade)
    }
}

fn expect_kind(walker: &mut Walker<'_>, name: &str, wanted: &str) -> Result<()> {
    let kind = walker.word(name)?;
    if kind == wanted {
        return Ok(());
    }
    walker.fault(format!("{name} is `{}`; only {wanted} can be used", shortened(&kind)))
}

fn read_rectangle(walker: &mut Walker<'_>) -> Result<Rectangle> {
    let mut sides = [0; 4];
    let mut weight = 0.0;
    let mut filled = 0;
    walker.words(|walker, word| {
        match sides.get_mut(filled) {
            Some(side) => match usize::try_from(walker.integer(word)?) {
                Ok(value) => *side = value,
                Err(_) => return walker.fault(format!("a rectangle cannot have a negative place or size (`{word}`)")),
            },
            None if filled == 4 => weight = walker.number(word)?,
            None => return walker.fault("a rectangle has 5 numbers: x, y, width, height, weight"),
        }
        filled += 1;
        Ok(())
    })?;
    if filled != 5 {
        return walker.fault("a rectangle has 5 numbers: x, y, width, height, weight");
    }
    let [x, y, width, height] = sides;
    Ok(Rectangle { x, y, width, height, weight })
}

fn check_tree<'a>(tree: &Tree, nodes: impl Iterator<Item = &'a Node>, features: usize) -> std::result::Result<(), String> {
    if tree.nodes == 0 || tree.nodes > MOST_NODES_OF_A_TREE {
        return Err(format!("a weak classifier must have 1 to {MOST_NODES_OF_A_TREE} nodes, not {}", tree.nodes));
    }
    for (number, node) in nodes.enumerate() {
        if node.feature >= features {
            return Err(format!("feature {} does not exist: there are {features}", node.feature));
        }
        for child in [node.left, node.right] {
            match child {
                Child::Leaf(leaf) if leaf >= tree.leaves => {
                    return Err(format!("leaf {leaf} does not exist: the tree has {}", tree.leaves));
                }
                Child::Node(next) if next >= tree.nodes => {
                    return Err(format!("node {next} does not exist: the tree has {}", tree.nodes));
                }
                Child::Node(next) if next <= number => return Err(format!("node {number} goes back to node {next}")),
                _ => {}
            }
        }
    }
    Ok(())
}
