//! HaarCascade files: the genuine ones are read, and each way to be none is refused in one line that says where and why.

use std::path::Path;

use visaged::detector::haar::{CascadeError, HaarCascade};

/// A whole cascade of one stage and one tree with two nodes; one thing a line, so that a test can replace one.
const GOOD: &str = r#"<?xml version="1.0"?>
<!-- a comment -->
<opencv_storage>
<cascade type_id="opencv-cascade-classifier">
<stageType>BOOST</stageType>
<featureType>HAAR</featureType>
<height>20</height>
<width>24</width>
<stageParams><maxWeakCount>1</maxWeakCount></stageParams>
<featureParams><maxCatCount>0</maxCatCount></featureParams>
<stageNum>1</stageNum>
<stages><_>
<maxWeakCount>1</maxWeakCount>
<stageThreshold>-0.5</stageThreshold>
<weakClassifiers><_>
<internalNodes>0 1 0 -3.15e-02 -1 -2 1 1.</internalNodes>
<leafValues>2.08 -2.21 0.5</leafValues>
</_></weakClassifiers>
</_></stages>
<features>
<_><rects><_>6 4 12 9 -1.</_><_>6 7 12 3 3.</_></rects><tilted>0</tilted></_>
<_><rects><_>0 0 24 20 -1.</_><_>0 0 12 10 2.</_><_>12 10 12 10 2.</_></rects></_>
</features>
</cascade>
</opencv_storage>
"#;

fn parse(text: &str) -> Result<HaarCascade, CascadeError> {
    HaarCascade::parse(text.as_bytes(), Path::new("face.xml"))
}

/// What is said about [`GOOD`] with `from` replaced by `to`.
#[track_caller]
fn refusal(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "the good cascade has no `{from}`");
    let message = parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn a_good_cascade_is_read() {
    assert_eq!(parse(GOOD).unwrap().window(), (24, 20));
}

#[test]
fn opencvs_frontal_cascades_are_read_and_have_their_windows() {
    let folder = visaged::config::DetectorConfig::default().cascade;
    for (name, side) in [("default", 24), ("alt", 20), ("alt2", 20), ("alt_tree", 20)] {
        let path = folder.with_file_name(format!("haarcascade_frontalface_{name}.xml"));
        let cascade = HaarCascade::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cascade.window(), (side, side), "{name}");
    }
}

#[test]
fn a_missing_file_is_told_with_its_remedy_and_keeps_its_kind() {
    let error = HaarCascade::load(Path::new("/nowhere/face.xml")).unwrap_err();
    let message = error.to_string();
    for part in ["/nowhere/face.xml", "opencv-data", "`cascade` in [detector]", "--cascade"] {
        assert!(message.contains(part), "{message}");
    }
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<std::io::Error>());
    assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
}

#[test]
fn a_folder_is_no_cascade() {
    let message = HaarCascade::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err().to_string();
    assert!(message.contains("cannot read the face cascade"), "{message}");
}

#[test]
fn an_endless_file_is_left_at_sixteen_mebibytes() {
    let message = HaarCascade::load(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(message.contains("larger than 16 MiB"), "{message}");
}

#[test]
fn messages_name_file_line_and_reason() {
    assert_eq!(refusal("-3.15e-02", "1e999"), "face.xml:16: `1e999` is not a finite number");
    assert_eq!(refusal("2.08", "two"), "face.xml:17: `two` is not a finite number");
    assert_eq!(
        refusal("6 7 12 3 3.", "6 7 12 30 3."),
        "face.xml:21: feature 0 has a rectangle outside the window of 24×20 pixels"
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    for number in ["1e999", "-1e999", "1e39", "inf", "-infinity", "nan", "NaN"] {
        for place in ["-3.15e-02", "2.08", "-0.5", "3."] {
            assert!(refusal(place, number).contains("is not a finite number"), "{number} for {place}");
        }
    }
}

#[test]
fn negative_and_huge_counts_are_refused() {
    let huge = ["-1", "4294967297", "99999999999999999999", "1e3", "0x10", ""];
    for count in huge {
        for element in ["height>20<", "width>24<", "maxCatCount>0<", "stageNum>1<", "\n<maxWeakCount>1<"] {
            let from = element.trim_start();
            let (name, rest) = element.split_once('>').unwrap();
            let message = refusal(element, &format!("{name}>{count}{}", &rest[rest.len() - 1..]));
            assert!(message.contains("must be a whole number") || message.contains("is empty"), "{from}: {message}");
        }
    }
}

#[test]
fn counts_that_are_not_true_are_refused() {
    assert!(refusal("<stageNum>1<", "<stageNum>2<").contains("the cascade has 1 stages, but its stageNum is 2"));
    assert!(
        refusal("\n<maxWeakCount>1<", "\n<maxWeakCount>9<").contains("stage 0 has 1 weak classifiers, but its maxWeakCount is 9")
    );
}

#[test]
fn windows_that_are_too_small_or_too_large_are_refused() {
    assert!(refusal("<width>24<", "<width>2<").contains("the window is 2×20 pixels"));
    assert!(refusal("<height>20<", "<height>129<").contains("the window is 24×129 pixels"));
    assert!(refusal("<height>20</height>", "").contains("the window is 24×0 pixels"));
}

#[test]
fn rectangles_outside_the_window_are_refused() {
    for rectangle in ["24 4 12 9 -1.", "6 20 12 9 -1.", "13 4 12 9 -1.", "6 12 12 9 -1.", "6 4 2147483647 9 -1."] {
        assert!(refusal("6 4 12 9 -1.", rectangle).contains("outside the window"), "{rectangle}");
    }
    assert!(refusal("6 4 12 9 -1.", "-6 4 12 9 -1.").contains("negative"));
    assert!(refusal("6 4 12 9 -1.", "6 4 12 99999999999 -1.").contains("far too large"));
}

#[test]
fn rectangles_of_another_number_of_numbers_are_refused() {
    for rectangle in ["6 4 12 9", "6 4 12 9 -1. 5", ""] {
        assert!(refusal("6 4 12 9 -1.", rectangle).contains("a rectangle has 5 numbers"), "{rectangle}");
    }
}

#[test]
fn features_of_one_or_four_rectangles_are_refused() {
    assert!(refusal("<_>6 7 12 3 3.</_>", "").contains("feature 0 must have 2 or 3 rectangles"));
    let four = "<_>6 4 12 9 -1.</_><_>6 4 12 9 -1.</_><_>6 4 12 9 -1.</_>";
    assert!(refusal("<_>6 4 12 9 -1.</_>", four).contains("more than 3 rectangles"));
}

#[test]
fn tilted_features_are_refused() {
    assert!(refusal("<tilted>0<", "<tilted>1<").contains("feature 0 is tilted"));
}

#[test]
fn a_feature_that_does_not_exist_is_refused() {
    assert!(refusal("0 1 0 -3.15e-02", "0 1 2 -3.15e-02").contains("face.xml:15: feature 2 does not exist: there are 2"));
    assert!(refusal("0 1 0 -3.15e-02", "0 1 -1 -3.15e-02").contains("negative"));
}

#[test]
fn a_leaf_that_does_not_exist_is_refused() {
    assert!(refusal("-1 -2 1 1.", "-1 -3 1 1.").contains("leaf 3 does not exist: the tree has 3"));
    assert!(refusal("-1 -2 1 1.", "-1 -2147483648 1 1.").contains("leaf 2147483648 does not exist"));
}

#[test]
fn a_tree_that_leaves_itself_or_goes_in_circles_is_refused() {
    assert!(refusal("0 1 0 -3.15e-02", "0 2 0 -3.15e-02").contains("node 2 does not exist: the tree has 2"));
    assert!(refusal("-1 -2 1 1.", "-1 1 1 1.").contains("node 1 goes back to node 1"));
}

#[test]
fn a_tree_without_whole_nodes_is_refused() {
    assert!(refusal(" -1 -2 1 1.", " -1 -2 1").contains("4 numbers a node"));
    assert!(refusal("0 1 0 -3.15e-02 -1 -2 1 1.", "").contains("1 to 64 nodes, not 0"));
    assert!(refusal("<leafValues>2.08 -2.21 0.5</leafValues>", "").contains("leaf 0 does not exist: the tree has 0"));
}

#[test]
fn other_kinds_of_cascade_are_refused() {
    assert!(refusal(">HAAR<", ">LBP<").contains("face.xml:6: featureType is `LBP`; only HAAR can be used"));
    assert!(refusal(">BOOST<", ">TREE<").contains("stageType is `TREE`"));
    assert!(refusal("<featureType>HAAR</featureType>", "").contains("featureType is missing"));
    assert!(refusal("opencv-cascade-classifier", "opencv-haar-classifier").contains("old format"));
    assert!(refusal("opencv-cascade-classifier", "opencv-matrix").contains("type_id is `opencv-matrix`"));
    assert!(refusal("<maxCatCount>0<", "<maxCatCount>256<").contains("maxCatCount must be 0"));
}

#[test]
fn missing_parts_are_refused() {
    assert!(refusal("<stageThreshold>-0.5</stageThreshold>", "").contains("stage 0 has no stageThreshold"));
    let tree = &GOOD[GOOD.find("<weakClassifiers>").unwrap()..GOOD.find("</_></stages>").unwrap()];
    assert!(refusal(tree, "").contains("stage 0 has no weak classifiers"));
    let stages = &GOOD[GOOD.find("<stages>").unwrap()..GOOD.find("<features>").unwrap()];
    assert!(refusal(stages, "").contains("the cascade has no stages"));
    assert!(refusal(stages, &stages.repeat(2)).contains("a second <stages>"));
    assert!(refusal("</features>", "</features><features><_></_></features>").contains("a second <features>"));
}

#[test]
fn what_is_no_cascade_at_all_is_refused() {
    for text in
        ["", "hello", "\u{feff}", "{\"faces\": []}", "<html></html>", "<opencv_storage></opencv_storage>", "<opencv_storage/>"]
    {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.starts_with("face.xml:1: "), "{text}: {message}");
    }
    assert!(HaarCascade::parse(b"<opencv_storage>\xff\xfe</opencv_storage>", Path::new("face.xml")).is_err());
}

#[test]
fn entities_document_types_and_cdata_are_refused() {
    assert!(refusal(">BOOST<", ">&boost;<").contains("entities"));
    assert!(refusal(">BOOST<", ">B&#79;OST<").contains("entities"));
    assert!(refusal(">BOOST<", "><![CDATA[BOOST]]><").contains("CDATA"));
    let bomb = "<!DOCTYPE bomb [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>\n<opencv_storage>";
    assert!(refusal("<opencv_storage>", bomb).contains("document type"));
}

#[test]
fn deep_nesting_is_refused_before_it_costs_anything() {
    let deep = "<a>".repeat(100_000);
    let message = refusal("<stageType>", &deep);
    assert!(message.contains("face.xml:5: elements are nested more than 32 deep"), "{message}");
    // Also where elements are passed over that are not known.
    assert!(parse(&format!("<opencv_storage>{}", "<_>".repeat(100_000))).unwrap_err().to_string().contains("more than 32 deep"));
}

#[test]
fn a_file_that_ends_early_or_is_not_closed_well_is_refused() {
    for end in (0..GOOD.len() - 2).filter(|end| GOOD.is_char_boundary(*end)) {
        assert!(parse(&GOOD[..end]).is_err(), "{end} bytes");
    }
    assert!(refusal("</leafValues>", "</internalNodes>").contains("face.xml:17: not well-formed XML"));
}

#[test]
fn damaged_bytes_are_read_or_refused_and_never_panic() {
    // Each byte replaced by some that mean something to XML or to numbers.
    for index in 0..GOOD.len() {
        for byte in [b'<', b'>', b'&', b'/', b'-', b'9', b'.', b' ', 0, 0xff] {
            let mut text = GOOD.as_bytes().to_vec();
            text[index] = byte;
            let _ = HaarCascade::parse(&text, Path::new("face.xml"));
        }
    }
}

#[test]
fn foreign_words_are_shortened_and_cannot_control_the_terminal() {
    let message = refusal("2.08", &format!("\u{1b}[31m{}", "x".repeat(1000)));
    assert!(message.len() < 200 && !message.contains('\u{1b}'), "{message}");
}
