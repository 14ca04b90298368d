//! The tracker in the steady state; its rules are tested beside it.

use std::time::Duration;

use visaged::classifier::Probabilities;
use visaged::config::TrackerConfig;
use visaged::frame::{BoundingBox, Frame};
use visaged::tracker::Tracker;

#[test]
fn following_faces_allocates_nothing_once_that_many_were_seen() {
    let probabilities = Probabilities::new([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1]).unwrap();
    let faces: Vec<_> = (0..5).map(|index| BoundingBox { x: 100 * index, y: 0, width: 80, height: 80 }).collect();
    let mut tracker = Tracker::new(TrackerConfig::default());
    let mut frame = Frame::default();
    // Until they are announced.
    for step in 0..4 {
        frame.captured_at = Duration::from_millis(66 * step);
        tracker.update(&frame, &faces, |_| Ok(probabilities)).unwrap();
    }
    let allocations = allocation_counter::measure(|| {
        for step in 4..100 {
            frame.captured_at = Duration::from_millis(66 * step);
            // Faces come and go.
            tracker.update(&frame, &faces[..step as usize % 6], |_| Ok(probabilities)).unwrap();
        }
    });
    assert_eq!(allocations.count_total, 0);
}
