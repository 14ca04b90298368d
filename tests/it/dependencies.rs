//! What the program is built on: docs/dependencies.md against Cargo.toml, and where `unsafe` is allowed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn unsafe_is_allowed_for_the_framebuffers_two_system_calls_and_nowhere_else() {
    let manifest: Table = include_str!("../../Cargo.toml").parse().unwrap();
    assert_eq!(manifest["lints"]["rust"]["unsafe_code"].as_str(), Some("deny"));
    let allowed = |path: &PathBuf| std::fs::read(path).unwrap().windows(14).any(|bytes| bytes == b"w(unsafe_code)");
    let found: Vec<_> = sources(Path::new("src")).into_iter().filter(allowed).collect();
    assert_eq!(found, [Path::new("src/outputs/display/fb_geometry.rs")]);
}
