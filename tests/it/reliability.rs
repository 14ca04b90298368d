//! The page about faults and promises names tests and runs: each must exist.

use std::fs;
use std::path::Path;

/// The places between backquotes of the form `FILE::NAME`.
fn named(page: &str) -> Vec<(&str, &str)> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).filter(|(file, _)| file.contains('/')).collect()
}

/// Whether the file has a test of this name, or, if it is no Rust, this text.
fn exists(file: &str, name: &str) -> bool {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default();
    if !file.ends_with(".rs") {
        return text.contains(name);
    }
    let mut attribute = false;
    text.lines().map(str::trim).any(|line| {
        let is_it = attribute && line.strip_prefix("fn ").is_some_and(|rest| rest.starts_with(&format!("{name}(")));
        attribute = line == "#[test]" || attribute && line.starts_with("#[");
        is_it
    })
}

#[test]
fn every_test_and_run_that_the_page_names_exists() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md")).unwrap();
    let named = named(&page);
    assert!(named.len() > 100, "only {}", named.len());
    let missing: Vec<_> = named.iter().filter(|(file, name)| !exists(file, name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(!exists("tests/it/reliability.rs", "no_such_test") && !exists("tests/it/reliability.rs", "named"));
}

#[test]
fn each_promise_and_each_fault_has_its_row_with_a_test_a_run_or_the_word_that_there_is_none() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md")).unwrap();
    let numbers = (1..=21).map(|number| format!("R{number}")).chain((1..=52).map(|number| number.to_string()));
    for number in numbers {
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with(&format!("| {number} |"))).collect();
        let [row] = rows[..] else { panic!("{number}: {rows:?}") };
        let is_honest = row.contains("::") || row.contains("](") || row.contains("not built") || row.contains("not measured");
        assert!(is_honest && row.split('|').all(|cell| row.ends_with('|') && !cell.contains("TODO")), "{row}");
    }
}
