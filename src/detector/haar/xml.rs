//! The little of XML that a cascade file needs: elements inside elements, and lists of numbers.
//!
//! A thin layer on quick-xml's pull parser. Recursion is as deep as the elements are nested, so that depth is limited; what XML can do beyond
//! elements, text and comments (document types, entities, CDATA) is refused, because no genuine cascade has it.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use quick_xml::events::{BytesStart, Event};

/// Elements may be nested this deep; a genuine cascade needs 8.
const MOST_NESTED: usize = 32;

/// Why a text is no cascade, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// Offset in bytes from the beginning of the text.
    pub(super) offset: usize,
    pub(super) message: String,
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// What comes next inside an element.
enum Item<'a> {
    Open(BytesStart<'a>),
    Text(String),
    Close,
    EndOfText,
}

/// Walks through a text from its beginning to its end.
pub(super) struct Walker<'a> {
    reader: quick_xml::Reader<&'a [u8]>,
    depth: usize,
    /// Where the item that was read last begins.
    offset: usize,
}

impl<'a> Walker<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let mut reader = quick_xml::Reader::from_reader(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0, offset: 0 }
    }

    /// Where the item that was read last begins, in bytes.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// A fault at the item that was read last.
    pub(super) fn fault<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(Fault { offset: self.offset, message: message.into() })
    }

    /// Calls `visit` for each element in the one that is open, until that is closed (or the text ends, if none is open).
    /// `visit` must read each element to its end, for instance with [`skip`](Self::skip).
    pub(super) fn children(&mut self, mut visit: impl FnMut(&mut Self, &BytesStart<'a>) -> Result<()>) -> Result<()> {
        loop {
            match self.next()? {
                Item::Open(element) => visit(self, &element)?,
                Item::Text(text) => return self.fault(format!("unexpected text `{}`", shortened(&text))),
                Item::Close | Item::EndOfText => return Ok(()),
            }
        }
    }

    /// Calls `visit` for each element of a list, whose elements are all named `_`.
    pub(super) fn list(&mut self, mut visit: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.children(|walker, element| match element.name().as_ref() {
            "_" => visit(walker),
            name => walker.fault(format!("unexpected element <{}> in a list", shortened(name))),
        })
    }

    /// Reads on to the end of the element that is open.
    pub(super) fn skip(&mut self) -> Result<()> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// Calls `visit` for each word of the text in the element that is open, and reads on to its end.
    pub(super) fn words(&mut self, mut visit: impl FnMut(&Self, &str) -> Result<()>) -> Result<()> {
        loop {
            match self.next()? {
                Item::Text(text) => text.split_ascii_whitespace().try_for_each(|word| visit(self, word))?,
                Item::Open(element) => {
                    return self.fault(format!("unexpected element <{}> among numbers", shortened(element.name().as_ref())));
                }
                Item::Close | Item::EndOfText => return Ok(()),
            }
        }
    }

    /// The only word in the element that is open, `name`; reads on to its end.
    pub(super) fn word(&mut self, name: &str) -> Result<String> {
        let mut only = None;
        self.words(|walker, word| match only.replace(word.to_owned()) {
            None => Ok(()),
            Some(_) => walker.fault(format!("<{name}> has more than one value")),
        })?;
        only.map_or_else(|| self.fault(format!("<{name}> is empty")), Ok)
    }

    /// The only number in the element that is open, `name`: whole, from 0 to `most`.
    pub(super) fn count(&mut self, name: &str, most: usize) -> Result<usize> {
        let word = self.word(name)?;
        match word.parse::<i64>().ok().and_then(|value| usize::try_from(value).ok()) {
            Some(value) if value <= most => Ok(value),
            _ => self.fault(format!("<{name}> must be a whole number from 0 to {most}, not `{}`", shortened(&word))),
        }
    }

    /// `word` as a number that 32-bit floating point can hold. Rounded twice, by way of 64 bits, as OpenCV does.
    pub(super) fn number(&self, word: &str) -> Result<f32> {
        // Rust would read "inf" and "nan" as numbers, and 1e999 as infinity.
        match word.parse::<f64>().map(|value| value as f32) {
            Ok(value) if value.is_finite() => Ok(value),
            _ => self.fault(format!("`{}` is not a finite number", shortened(word))),
        }
    }

    /// `word` as a whole number.
    pub(super) fn integer(&self, word: &str) -> Result<i32> {
        word.parse().or_else(|_| self.fault(format!("`{}` is not a whole number (or is far too large)", shortened(word))))
    }

    fn next(&mut self) -> Result<Item<'a>> {
        loop {
            self.offset = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let offset = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                    return Err(Fault { offset: offset.max(self.offset), message: format!("not well-formed XML: {error}") });
                }
            };
            match event {
                Event::Start(element) => {
                    self.depth += 1;
                    if self.depth > MOST_NESTED {
                        return self.fault(format!("elements are nested more than {MOST_NESTED} deep"));
                    }
                    return Ok(Item::Open(element));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Item::Close);
                }
                Event::Text(text) => {
                    let blank = text.len() - text.trim_ascii_start().len();
                    if blank < text.len() {
                        self.offset += blank;
                        return Ok(Item::Text(text.into_inner().into_owned()));
                    }
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::DocType(_) => return self.fault("a document type (<!DOCTYPE>) has no place in a cascade"),
                Event::GeneralRef(_) => return self.fault("entities (&...;) have no place in a cascade"),
                Event::CData(_) => return self.fault("CDATA has no place in a cascade"),
                // It is expanded into a start and an end.
                Event::Empty(_) => return self.fault("an empty element"),
                Event::Eof if self.depth > 0 => return self.fault("the file ends in the middle"),
                Event::Eof => return Ok(Item::EndOfText),
            }
        }
    }
}

/// Foreign text for a message: one line, not long, nothing that a terminal would obey.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 32;
    let mut short: String = text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}
