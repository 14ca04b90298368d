//! How well the shown expression follows a labelled recording: frame by frame, and event by event.
//!
//! A person in front of the light does not see frames, but expressions that come and go. An **event** is a run of frames with one and the same
//! expression other than neutral. A shown event *finds* a true one of the same expression if they overlap by half or more: intersection over union in
//! time, as for boxes in pictures. So an expression that flickers counts as several events, of which at most one is right, although
//! most of its frames are.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::confusion::ClassReport;
use crate::classifier::Emotion;

/// From this overlap in time on, a shown event finds a true one.
const FOUND: f64 = 0.5;

/// One frame of a labelled recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedFrame {
    /// What the face shows; none: nobody said, and the frame is not judged.
    pub truth: Option<Emotion>,
    /// What is shown for it; none: no face.
    pub shown: Option<Emotion>,
}

/// A run of frames with the same expression, which is not neutral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Event {
    expression: Emotion,
    /// Its first frame.
    start: usize,
    /// The first frame after it.
    end: usize,
}

impl Event {
    /// Intersection over union, 0 to 1. (Frames are evenly spaced, so counting them is measuring time.)
    fn overlap(&self, other: &Self) -> f64 {
        let shared = self.end.min(other.end).saturating_sub(self.start.max(other.start));
        let either = (self.end - self.start) + (other.end - other.start) - shared;
        shared as f64 / either as f64
    }
}

/// Precision, recall and F1 over all classes together, each class, and the mean F1 of the classes that occur.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// All classes counted together.
    pub all: ClassReport,
    /// The mean F1 of the classes that occur, 0 to 1; 0 if none does.
    pub macro_f1: f64,
    /// Class by class; those that neither occur nor are shown are left out.
    pub per_class: BTreeMap<Emotion, ClassReport>,
}

/// What there is to say about a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SequenceReport {
    /// How many frames have a label.
    pub labelled_frames: usize,
    /// By frames: every labelled frame is one case, its answer what is shown; a frame without a face answers nothing.
    pub frames: Scores,
    /// By events; never neutral.
    pub events: Scores,
    /// How often a minute the shown label changes from one frame to the next. That no face is shown counts as a label.
    pub changes_per_minute: f64,
    /// The same for the true labels.
    pub true_changes_per_minute: f64,
    /// By how much events are shown later than they begin (negative: earlier), in seconds: the median of those found; none if none was.
    pub median_onset_delay_s: Option<f64>,
}

/// Judges a recording with one frame every `interval`. Frames without a true label count for nothing and end every event.
pub fn judge(frames: &[JudgedFrame], interval: Duration) -> SequenceReport {
    let mut counts = [Counts::default(); 7];
    for frame in frames {
        let Some(truth) = frame.truth else { continue };
        counts[truth as usize].true_ones += 1;
        if let Some(shown) = frame.shown {
            counts[shown as usize].shown += 1;
            counts[truth as usize].right += u32::from(shown == truth);
        }
    }

    let true_events = events(frames.iter().map(|frame| frame.truth));
    // Without a label nobody knows whether what is shown is right.
    let shown_events = events(frames.iter().map(|frame| frame.truth.and(frame.shown)));
    let found = pair_up(&true_events, &shown_events);
    let mut event_counts = [Counts::default(); 7];
    true_events.iter().for_each(|event| event_counts[event.expression as usize].true_ones += 1);
    shown_events.iter().for_each(|event| event_counts[event.expression as usize].shown += 1);
    found.iter().for_each(|(event, _)| event_counts[event.expression as usize].right += 1);

    let delays = found.iter().map(|(truth, shown)| (shown.start as f64 - truth.start as f64) * interval.as_secs_f64());
    SequenceReport {
        labelled_frames: frames.iter().filter(|frame| frame.truth.is_some()).count(),
        frames: scores(&counts),
        events: scores(&event_counts),
        changes_per_minute: changes_per_minute(frames, |frame| frame.shown, interval),
        true_changes_per_minute: changes_per_minute(frames, |frame| frame.truth, interval),
        median_onset_delay_s: median(delays.collect()),
    }
}

#[derive(Clone, Copy, Default)]
struct Counts {
    right: u32,
    shown: u32,
    true_ones: u32,
}

fn scores(counts: &[Counts; 7]) -> Scores {
    let report = |counts: &Counts| ClassReport::from_counts(counts.right, counts.shown, counts.true_ones);
    let sum = |pick: fn(&Counts) -> u32| counts.iter().map(pick).sum();
    let all = ClassReport::from_counts(sum(|c| c.right), sum(|c| c.shown), sum(|c| c.true_ones));
    let occurring = Emotion::ALL.into_iter().zip(counts).filter(|(_, counts)| counts.shown + counts.true_ones > 0);
    let per_class: BTreeMap<_, _> = occurring.map(|(emotion, counts)| (emotion, report(counts))).collect();
    let present = per_class.values().filter(|report| report.support > 0);
    let macro_f1 = present.clone().map(|report| report.f1).sum::<f64>() / present.count().max(1) as f64;
    Scores { all, macro_f1, per_class }
}

/// The runs of one expression other than neutral, in the order of time.
fn events(labels: impl Iterator<Item = Option<Emotion>>) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for (frame, label) in labels.enumerate() {
        let Some(expression) = label.filter(|label| *label != Emotion::Neutral) else { continue };
        match events.last_mut() {
            Some(last) if last.expression == expression && last.end == frame => last.end += 1,
            _ => events.push(Event { expression, start: frame, end: frame + 1 }),
        }
    }
    events
}

/// True events with the shown one that finds each.
///
/// They are one to one by themselves: between two events of one expression and one list there is a frame that belongs to neither, so not both can share half
/// of their time with the same event of the other list.
fn pair_up(true_events: &[Event], shown_events: &[Event]) -> Vec<(Event, Event)> {
    let finds = |shown: &Event, truth: &Event| shown.expression == truth.expression && shown.overlap(truth) >= FOUND;
    let found = |truth: &Event| shown_events.iter().find(|shown| finds(shown, truth)).map(|shown| (*truth, *shown));
    true_events.iter().filter_map(found).collect()
}

/// Between frames that both have a true label.
fn changes_per_minute(frames: &[JudgedFrame], label: fn(&JudgedFrame) -> Option<Emotion>, interval: Duration) -> f64 {
    let judged = || frames.windows(2).filter(|pair| pair.iter().all(|frame| frame.truth.is_some()));
    let changes = judged().filter(|pair| label(&pair[0]) != label(&pair[1])).count();
    let minutes = judged().count() as f64 * interval.as_secs_f64() / 60.0;
    if minutes > 0.0 { changes as f64 / minutes } else { 0.0 }
}

/// The middle value; of an even number, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_A_SECOND: Duration = Duration::from_millis(500);

    /// A letter a frame: h(appy), s(ad), n(eutral), `.`: none.
    fn report(truth: &str, shown: &str) -> SequenceReport {
        let label = |letter| match letter {
            'h' => Some(Emotion::Happy),
            's' => Some(Emotion::Sad),
            'n' => Some(Emotion::Neutral),
            _ => None,
        };
        assert_eq!(truth.len(), shown.len());
        let frames: Vec<_> =
            truth.chars().zip(shown.chars()).map(|(t, s)| JudgedFrame { truth: label(t), shown: label(s) }).collect();
        judge(&frames, HALF_A_SECOND)
    }

    /// Precision, recall and support of the events.
    fn found(truth: &str, shown: &str) -> (f64, f64, u32) {
        let all = report(truth, shown).events.all;
        (all.precision, all.recall, all.support)
    }

    #[test]
    fn frames_by_pencil() {
        // Ten frames: neutral 3 of 4 right, happy 2 of 4, sad 1 of 2 (one without a face); once happy is shown for neutral.
        let report = report("nnnnhhhhss", "nnnhsshhs.");
        let Scores { all, macro_f1, .. } = report.frames;
        assert_eq!(
            report.frames.per_class[&Emotion::Neutral],
            ClassReport { precision: 1.0, recall: 0.75, f1: 6.0 / 7.0, support: 4 }
        );
        assert_eq!(
            report.frames.per_class[&Emotion::Happy],
            ClassReport { precision: 2.0 / 3.0, recall: 0.5, f1: 4.0 / 7.0, support: 4 }
        );
        assert_eq!(
            report.frames.per_class[&Emotion::Sad],
            ClassReport { precision: 1.0 / 3.0, recall: 0.5, f1: 0.4, support: 2 }
        );
        assert_eq!(all, ClassReport { precision: 6.0 / 9.0, recall: 0.6, f1: 12.0 / 19.0, support: 10 });
        assert!((macro_f1 - (6.0 / 7.0 + 4.0 / 7.0 + 0.4) / 3.0).abs() < 1e-12);
        assert_eq!(report.labelled_frames, 10);
    }

    #[test]
    fn an_event_is_found_from_half_an_overlap_on() {
        // 3 shared of 6 in either; 2 of 6.
        assert_eq!(found("nhhhhhhn", "nnnnhhhn"), (1.0, 1.0, 1));
        assert_eq!(found("nhhhhhhn", "nnnnnhhn"), (0.0, 0.0, 1));
        // Too long is as bad as too short: 3 shared of 7.
        assert_eq!(found("nnnnhhhn", "hhhhhhhn"), (0.0, 0.0, 1));
    }

    #[test]
    fn an_event_of_another_expression_finds_nothing() {
        assert_eq!(found("nhhhhn", "nssssn"), (0.0, 0.0, 1));
    }

    #[test]
    fn an_event_that_flickers_is_found_once_at_most() {
        // As near to two halves as it goes: 3 shared of 6, and 2 of 6.
        assert_eq!(found("hhhhhh", "hhhnhh"), (0.5, 1.0, 1));
        let report = report("hhhhhhhhh", "hhhhhnhhh");
        assert_eq!((report.events.all.precision, report.events.all.recall), (0.5, 1.0));
        // By frames this is nearly perfect.
        assert!(report.frames.per_class[&Emotion::Happy].recall > 0.88);
    }

    #[test]
    fn one_shown_event_finds_one_true_event_at_most() {
        // Two of 3 frames with a neutral one between them. Shown as one of 7: it shares 3 of 7 with each. As one of 5: 3 of 5 with the first, 1 of 7
        // with the second.
        assert_eq!(found("hhhnhhh", "hhhhhhh"), (0.0, 0.0, 2));
        assert_eq!(found("hhhnhhh", "hhhhhnn"), (1.0, 0.5, 2));
    }

    #[test]
    fn neutral_is_no_event_and_an_expression_after_it_is_a_new_one() {
        assert!(report("nnnn", "nnnn").events.per_class.is_empty());
        assert_eq!(found("hhnnhh", "hhnnhh"), (1.0, 1.0, 2));
        assert_eq!(found("hhhsss", "hhhsss"), (1.0, 1.0, 2));
    }

    #[test]
    fn what_is_shown_where_nobody_labelled_is_not_judged() {
        let judged = report("..hhhh..", "sshhhhss");
        assert_eq!((judged.events.all.precision, judged.events.all.recall, judged.labelled_frames), (1.0, 1.0, 4));
        assert_eq!((judged.changes_per_minute, judged.true_changes_per_minute), (0.0, 0.0));
    }

    #[test]
    fn a_recording_without_a_face_finds_nothing() {
        let nothing = report("hhss", "....");
        assert_eq!((nothing.frames.all.recall, nothing.events.all.recall, nothing.median_onset_delay_s), (0.0, 0.0, None));
        let empty = judge(&[], HALF_A_SECOND);
        assert_eq!((empty.labelled_frames, empty.changes_per_minute, empty.events.macro_f1), (0, 0.0, 0.0));
    }

    #[test]
    fn the_onset_delay_is_the_median_of_the_events_found() {
        // Happy 2 frames late, sad 1 frame early, happy in time: 1.0, −0.5 and 0 s.
        let report = report("nnhhhhhhnnnssssnnhhhh", "nnnnhhhhnnssssnnnhhhh");
        assert_eq!(report.median_onset_delay_s, Some(0.0));
        assert_eq!(median(vec![1.0, -0.5, 0.0, 0.25]), Some(0.125));
    }

    #[test]
    fn changes_are_counted_per_minute_of_recording() {
        // From the first to the last of 7 frames there are 3 s; 3 changes shown (a lost face is one), 1 true.
        let report = report("nnnnhhh", "nnnhh.h");
        assert_eq!((report.changes_per_minute, report.true_changes_per_minute), (60.0, 20.0));
    }
}
