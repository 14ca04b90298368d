//! What of a change is sent with which picture, on a panel whose bus is slow: a face, a word or a bar at a time, each in its turn.
//!
//! What changes is seen as *pieces*: the runs of bytes that differ on one page, and which of them touch those of the page above. Pieces that touch are a
//! *group*: a word, a bar with its name, the face. Groups are sent from where the eye begins to read (the face), and what finds no room goes on with the
//! next picture where this one stopped. So nothing waits for ever, however much the face moves, and no word is seen half old and half new.

use std::ops::Range;

use super::changes::runs;

/// Bytes that differ on one page of the panel's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) page: usize,
    pub(super) columns: Range<usize>,
    group: usize,
    place: Place,
}

/// Where a piece comes in the order of reading: the beginning of its group, its page, and its own beginning, as the panel is turned.
type Place = (usize, usize, usize);

impl Piece {
    /// Bytes on the wire.
    fn cost(&self) -> usize {
        ADDRESSING + self.columns.len()
    }
}

/// How a panel is turned: where in its memory reading begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// At the last column: the picture's left or upper edge lies there.
    pub(super) from_last_column: bool,
    /// At the last page.
    pub(super) from_last_page: bool,
}

/// Naming page and column takes seven bytes on I²C: as many that did not change may be sent along with others.
pub(super) const ADDRESSING: usize = 7;

/// A piece that must be cut is cut only if so many bytes find room: fewer are not worth their addressing.
const LEAST: usize = 8;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    reading: Reading,
    pieces: Vec<Piece>,
    /// What found no room last time begins here.
    next: Place,
}

impl Turns {
    pub(super) fn new(reading: Reading) -> Self {
        Self { reading, ..Self::default() }
    }

    /// Pieces of what differs between two memories of `width` columns, `most` bytes at most with their addressing.
    pub(super) fn take(&mut self, shown: &[u8], drawn: &[u8], width: usize, most: usize) -> &[Piece] {
        self.find(shown, drawn, width);
        let Self { pieces, next, .. } = self;
        pieces.sort_unstable_by_key(|piece| (piece.place < *next, piece.place));
        let (mut left, mut waiting) = (most, None);
        let (mut taken, mut begin) = (0, 0);
        while let Some(first) = pieces.get(begin) {
            let end = begin + pieces[begin..].iter().take_while(|piece| piece.group == first.group).count();
            let cost: usize = pieces[begin..end].iter().map(Piece::cost).sum();
            if cost > left && cost <= most / 2 {
                // A word or a bar is seen as a whole, or not yet.
                waiting.get_or_insert(first.place);
                begin = end;
                continue;
            }
            // A face, which moves anyway, goes as far as there is room.
            for index in begin..end {
                let piece = &mut pieces[index];
                if piece.cost() > left {
                    waiting.get_or_insert(piece.place);
                    let is_longer_than_any_room = piece.cost() > most;
                    if !is_longer_than_any_room || left < ADDRESSING + LEAST {
                        break;
                    }
                    piece.columns.end = piece.columns.start + left - ADDRESSING;
                }
                left -= piece.cost();
                pieces.swap(taken, index);
                taken += 1;
            }
            begin = end;
        }
        *next = waiting.unwrap_or_default();
        &pieces[..taken]
    }

    fn find(&mut self, shown: &[u8], drawn: &[u8], width: usize) {
        let Self { reading, pieces, .. } = self;
        pieces.clear();
        let pages = drawn.len() / width;
        let mut above = 0..0;
        for (page, (shown, drawn)) in shown.chunks_exact(width).zip(drawn.chunks_exact(width)).enumerate() {
            let begin = pieces.len();
            for columns in runs(shown, drawn, ADDRESSING) {
                let group = pieces.len();
                pieces.push(Piece { page, columns: columns.clone(), group, place: Place::default() });
                for index in above.clone() {
                    let other = &pieces[index];
                    if other.columns.start < columns.end && columns.start < other.columns.end {
                        let other = other.group;
                        pieces.iter_mut().filter(|piece| piece.group == other).for_each(|piece| piece.group = group);
                    }
                }
            }
            above = begin..pieces.len();
        }
        let start = |columns: &Range<usize>| if reading.from_last_column { width - columns.end } else { columns.start };
        for index in 0..pieces.len() {
            let group = pieces[index].group;
            let begin = pieces.iter().filter(|piece| piece.group == group).map(|piece| start(&piece.columns)).min();
            let piece = &mut pieces[index];
            let page = if reading.from_last_page { pages - 1 - piece.page } else { piece.page };
            piece.place = (begin.unwrap_or_default(), page, start(&piece.columns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent, picture after picture, until `drawn` is there: page, first column and length of each piece.
    fn pictures(drawn: &[u8], width: usize, most: usize, reading: Reading) -> Vec<Vec<(usize, usize, usize)>> {
        let mut shown = vec![0; drawn.len()];
        let mut turns = Turns::new(reading);
        let mut pictures = Vec::new();
        while shown != drawn {
            let taken = turns.take(&shown, drawn, width, most).to_vec();
            assert!(taken.iter().map(Piece::cost).sum::<usize>() <= most);
            assert!(!taken.is_empty(), "something is sent with each picture");
            for Piece { page, columns, .. } in &taken {
                let place = page * width + columns.start..page * width + columns.end;
                shown[place.clone()].copy_from_slice(&drawn[place]);
            }
            pictures.push(taken.iter().map(|piece| (piece.page, piece.columns.start, piece.columns.len())).collect());
        }
        pictures
    }

    fn memory(width: usize, pages: usize, pieces: &[(usize, usize, usize)]) -> Vec<u8> {
        let mut memory = vec![0; width * pages];
        for (page, column, length) in pieces {
            memory[page * width + column..page * width + column + length].fill(0xFF);
        }
        memory
    }

    #[test]
    fn without_a_limit_all_goes_at_once() {
        let pieces = [(0, 3, 10), (1, 50, 20), (3, 0, 100)];
        let mut sent = pictures(&memory(100, 4, &pieces), 100, usize::MAX, Reading::default());
        sent.iter_mut().for_each(|pieces| pieces.sort_unstable());
        assert_eq!(sent, [pieces]);
    }

    #[test]
    fn a_word_over_two_pages_is_never_seen_by_half() {
        // They cost 2 × (7 + 23) = 60 and 2 × (7 + 13) = 40 bytes.
        let (face, word) = ([(0, 0, 23), (1, 0, 23)], [(0, 60, 13), (1, 60, 13)]);
        let sent = pictures(&memory(100, 2, &[face, word].concat()), 100, 90, Reading::default());
        assert_eq!(sent, [face, word]);
    }

    #[test]
    fn what_is_small_goes_along_when_something_larger_has_to_wait() {
        let (face, word, dot) = ([(0, 0, 40), (1, 0, 23)], [(0, 60, 13)], [(1, 90, 2)]);
        // 47 + 30 for the face; 20 for the word; 9 for the dot.
        let sent = pictures(&memory(100, 2, &[&face[..], &word, &dot].concat()), 100, 90, Reading::default());
        assert_eq!(sent, [[face[0], face[1], dot[0]].to_vec(), word.to_vec()]);
    }

    #[test]
    fn something_that_changes_all_the_time_does_not_keep_the_rest_from_its_turn() {
        let width = 100;
        let mut turns = Turns::new(Reading::default());
        let mut shown = vec![0; 2 * width];
        let mut restless = 0;
        for picture in 0..3 {
            restless += 1;
            let mut drawn = memory(width, 2, &[(1, 70, 20)]);
            drawn[..40].fill(restless);
            let taken = turns.take(&shown, &drawn, width, 50).to_vec();
            for Piece { page, columns, .. } in taken {
                shown[page * width + columns.start..page * width + columns.end]
                    .copy_from_slice(&drawn[page * width + columns.start..page * width + columns.end]);
            }
            assert_eq!((shown[0], shown[width + 70]), [(1, 0), (1, 0xFF), (3, 0xFF)][picture]);
        }
    }

    #[test]
    fn reading_begins_at_the_pictures_own_left_and_top_however_the_panel_is_turned() {
        let pieces = [(0, 0, 10), (0, 80, 10), (2, 0, 10), (2, 80, 10)];
        let first = |reading| pictures(&memory(100, 3, &pieces), 100, 20, reading)[0][0];
        let reading = |from_last_column, from_last_page| Reading { from_last_column, from_last_page };
        assert_eq!(first(reading(false, false)), (0, 0, 10));
        assert_eq!(first(reading(true, false)), (0, 80, 10));
        assert_eq!(first(reading(true, true)), (2, 80, 10));
        assert_eq!(first(reading(false, true)), (2, 0, 10));
    }

    #[test]
    fn a_run_that_never_fits_is_cut() {
        let sent = pictures(&memory(100, 1, &[(0, 0, 100)]), 100, 57, Reading::default());
        assert_eq!(sent, [[(0, 0, 50)], [(0, 50, 50)]]);
    }
}
