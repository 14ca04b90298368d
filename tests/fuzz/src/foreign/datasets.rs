//! Data sets and labels, which come from other people.

use visaged::dataset::Dataset;
use visaged::dataset::timetable::Timetable;

use super::cameras::file;
use super::refusal;

/// A byte that says which of the two files are compressed, one with the length of the labels' file, that file, and the rest is the pictures'.
pub(super) fn idx(bytes: &[u8]) {
    let [compressed, length, files @ ..] = bytes else { return };
    let Some((labels, images)) = files.split_at_checked((*length).into()) else { return };
    let ending = |bit: u8| if compressed & bit == 0 { "" } else { ".gz" };
    let written = [
        file(&format!("few-images-idx3-ubyte{}", ending(1)), images),
        file(&format!("few-labels-idx1-ubyte{}", ending(2)), labels),
    ];
    load(&written[0], "few");
    for path in written {
        std::fs::remove_file(path).expect("it was just written");
    }
}

pub(super) fn fer_csv(bytes: &[u8]) {
    load(&file("fer2013.csv", bytes), "train");
}

fn load(file: &std::path::Path, split: &str) {
    match Dataset::load(file.parent().expect("a file is in a folder"), split) {
        Ok(dataset) => assert!(!dataset.faces.is_empty()),
        Err(error) => drop(refusal(error)),
    }
}

pub(super) fn timetable(bytes: &[u8]) {
    match Timetable::load(&file("labels.csv", bytes)) {
        Ok(timetable) => {
            assert_eq!(timetable.at(timetable.end()), None);
            let _ = timetable.at(timetable.end() / 2);
        }
        Err(error) => drop(refusal(error)),
    }
}
