//! What is said about a value that the TOML reader or serde refuses: which key it is, and in plain words what may stand there.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// The place of the error in the text, and what to say. `document` is the text as far as it is TOML.
pub(super) fn explain(error: &toml::de::Error, text: &str, document: Option<&DeTable<'_>>) -> (usize, String) {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().lines().next().unwrap_or("not valid");
    let said = match document.and_then(|document| key_at(document, span.start, None)) {
        _ if message == "duplicate key" => {
            let key = text.get(span.clone()).unwrap_or_default();
            format!("`{key}` stands here a second time: leave one of them out")
        }
        Some(key) => match rule(message) {
            Some(rule) => format!("{key} must be {rule}"),
            None => format!("{key}: {message}"),
        },
        None => message.to_owned(),
    };
    (span.start, said)
}

/// The key whose value stands at `offset`: `width in [camera]`.
fn key_at(table: &DeTable<'_>, offset: usize, name: Option<&str>) -> Option<String> {
    let stands_in = |place: Range<usize>| place.contains(&offset) || place.start == offset;
    table.iter().find_map(|(key, value)| {
        let within = match value.get_ref() {
            DeValue::Table(inner) => {
                let path = name.map_or_else(|| key.get_ref().to_string(), |name| format!("{name}.{}", key.get_ref()));
                key_at(inner, offset, Some(&path))
            }
            _ => None,
        };
        let here = stands_in(key.span()) || stands_in(value.span());
        within.or_else(|| here.then(|| named(key.get_ref(), name)))
    })
}

/// A key for people: `width in [camera]`.
pub(super) fn named(key: &str, table: Option<&str>) -> String {
    table.map_or_else(|| key.to_owned(), |table| format!("{key} in [{table}]"))
}

/// `invalid type: string "wide", expected u32` → `a whole number from 0 to 4294967295, not "wide"`.
fn rule(message: &str) -> Option<String> {
    if let Some((found, known)) = message.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected ")) {
        return Some(format!("{known}, not {found}").replace('`', "\""));
    }
    if let Some(rule) = message.strip_prefix("must be ") {
        return Some(rule.to_owned());
    }
    if message.starts_with("wanted ") {
        return Some("a word in quotation marks".into());
    }
    let (found, expected) =
        message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: "))?.rsplit_once(", expected ")?;
    let expected = match expected {
        "u32" => "a whole number from 0 to 4294967295",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "path string" => "text in quotation marks",
        "a sequence" => "a list in brackets",
        expected => expected,
    };
    // string "wide", integer `-1`, map
    let found = match (found.strip_prefix("string "), found) {
        (Some(text), _) => text,
        (None, "map") => "a table",
        (None, "sequence") => "a list",
        (None, number) => number.split('`').nth(1).unwrap_or(number),
    };
    Some(format!("{expected}, not {found}"))
}
