//! docs/dependencies.md against Cargo.toml.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// Name and version of each row whose first column is a name in backquotes.
fn rows(text: &str) -> BTreeMap<String, String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    cells.map(|(name, rest)| (name.into(), rest.split(" | ").next().unwrap_or_default().into())).collect()
}

fn wanted(dependencies: &Value) -> BTreeMap<String, String> {
    let version = |value: &Value| value.get("version").unwrap_or(value).as_str().unwrap().to_owned();
    dependencies.as_table().unwrap().iter().map(|(name, value)| (name.clone(), version(value))).collect()
}

#[test]
fn each_direct_dependency_has_its_row_with_what_it_is_for_and_its_version() {
    let manifest: Table = include_str!("../../Cargo.toml").parse().unwrap();
    let page = include_str!("../../docs/dependencies.md");
    let (in_program, in_tests) = page.split_once("## In the tests only").unwrap();
    assert_eq!(rows(in_program), wanted(&manifest["dependencies"]));
    assert_eq!(rows(in_tests), wanted(&manifest["dev-dependencies"]));
}

#[test]
fn an_advisory_is_passed_over_with_its_reason_only() {
    let deny: Table = include_str!("../../deny.toml").parse().unwrap();
    let page = include_str!("../../docs/dependencies.md");
    for entry in deny["advisories"]["ignore"].as_array().unwrap() {
        assert!(entry["reason"].as_str().unwrap().len() > 10, "{entry}");
        // RUSTSEC-2026-0104 may stand as "-0104" behind another one.
        assert!(page.contains(&entry["id"].as_str().unwrap()[12..]), "{entry} is not in docs/dependencies.md");
    }
}
