//! A set of months, a bit each: every customer has one, and it grows with the calendar.

use super::month::Month;

/// Months, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Months {
    /// Number of the first word.
    from: i32,
    /// The first and the last are never zero, so that equal sets are equal.
    words: Vec<u64>,
}

const BITS: i32 = u64::BITS.cast_signed();

impl Months {
    /// Puts a month in.
    pub fn insert(&mut self, month: Month) {
        let (word, bit) = place(month);
        if self.words.is_empty() {
            self.from = word;
        }
        let before = usize::try_from(self.from - word).unwrap_or(0);
        if before > 0 {
            self.words.splice(0..0, std::iter::repeat_n(0, before));
            self.from = word;
        }
        // Not negative: the set begins here or before.
        let index = usize::try_from(word - self.from).unwrap_or(0);
        if self.words.len() <= index {
            self.words.resize(index + 1, 0);
        }
        self.words[index] |= bit;
    }

    /// Whether a month is in it.
    pub fn contains(&self, month: Month) -> bool {
        let (word, bit) = place(month);
        let index = usize::try_from(word - self.from).ok();
        index
            .and_then(|index| self.words.get(index))
            .is_some_and(|word| word & bit != 0)
    }

    /// The first of them.
    pub fn first(&self) -> Option<Month> {
        self.iter().next()
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Month> {
        (self.from..).zip(&self.words).flat_map(|(at, word)| {
            let bits = (0..BITS).filter(move |bit| word >> bit & 1 == 1);
            bits.map(move |bit| Month::at(at * BITS + bit))
        })
    }
}

/// The word of a month, and its bit there.
const fn place(month: Month) -> (i32, u64) {
    let at = month.index();
    (at.div_euclid(BITS), 1 << at.rem_euclid(BITS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_answers_as_a_set_does_and_the_order_leaves_no_trace(
            months in prop::collection::vec(-300_i32..300, 0..40),
            asked in -310_i32..310,
        ) {
            let (mut forth, mut back) = (Months::default(), Months::default());
            for (one, other) in months.iter().zip(months.iter().rev()) {
                forth.insert(Month::at(*one));
                back.insert(Month::at(*other));
            }
            let expect: BTreeSet<Month> = months.iter().copied().map(Month::at).collect();
            prop_assert!(forth.iter().eq(expect.iter().copied()));
            prop_assert_eq!(forth.first(), expect.first().copied());
            prop_assert_eq!(forth.contains(Month::at(asked)), expect.contains(&Month::at(asked)));
            prop_assert_eq!(forth, back);
        }
    }
}
