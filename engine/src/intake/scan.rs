//! Looking for bytes in short texts.
//!
//! Eight bytes at a time, as numbers: the rows of a file and their fields are so short that
//! calling `memchr` for each costs several times what the looking does.

/// The low seven bits of each byte.
const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// The high bit of each byte.
const HIGH: u64 = !LOW;

/// Bytes of a block: as many as a number has bits.
const BLOCK: usize = 64;

/// Tells `found` each place of `byte` in `text`, in order.
#[inline]
pub(super) fn each_place(byte: u8, text: &[u8], mut found: impl FnMut(usize)) {
    let wanted = u64::from_le_bytes([byte; 8]);
    for (block, start) in text.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        let (words, rest) = block.as_chunks::<8>();
        let mut mask = 0_u64;
        let mut at = 0;
        for word in words {
            mask |= places_of_zeros(u64::from_le_bytes(*word) ^ wanted) << at;
            at += 8;
        }
        if let (false, Some(last)) = (rest.is_empty(), text.last_chunk::<8>()) {
            // The rest are the last bytes of the text; those before them are looked at again.
            let seen = 8 * (8 - rest.len());
            let word = (u64::from_le_bytes(*last) ^ wanted) >> seen;
            mask |= (places_of_zeros(word) & ((1 << rest.len()) - 1)) << at;
        } else {
            for other in rest {
                mask |= u64::from(*other == byte) << at;
                at += 1;
            }
        }
        // One loop over the hits of a block: how many a row has the processor can foresee, how
        // many each eight bytes have it cannot.
        while mask != 0 {
            found(start + mask.trailing_zeros() as usize);
            mask &= mask - 1;
        }
    }
}

/// One bit for each byte that is zero, the first byte's lowest.
const fn places_of_zeros(word: u64) -> u64 {
    // The high bit of each zero byte and no other bit: no carry goes from a byte to the next.
    let zeros = !(((word & LOW) + LOW) | word | LOW);
    // Adds the eight bits, each moved to its place, in the highest byte.
    (zeros >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Whether a byte below space is in `text`.
pub(super) fn has_byte_below_space(text: &[u8]) -> bool {
    const TO_HIGH: u64 = 0x6060_6060_6060_6060;
    let (words, rest) = text.as_chunks::<8>();
    let enough = words.iter().fold(HIGH, |enough, word| {
        let word = u64::from_le_bytes(*word);
        // The high bit of each byte of 0x20 or more.
        enough & (((word & LOW) + TO_HIGH) | word)
    });
    enough != HIGH || rest.iter().any(|byte| *byte < b' ')
}

/// How many bytes of `text` are 0xc0 or more: the first ones of characters of several bytes.
pub(super) fn first_bytes(text: &[u8]) -> u64 {
    // Counts that fit a byte are added sixteen at a time.
    let counts = text.chunks(255).map(|part| {
        let count: u8 = part.iter().map(|byte| u8::from(*byte >= 0xc0)).sum();
        u64::from(count)
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Over few values, and those next to each other in their bits, so that hits are many.
        #[test]
        fn every_place_is_found_once_and_in_order(
            text in proptest::collection::vec(prop_oneof![Just(b','), Just(b'-'), Just(b','+ 0x80), any::<u8>()], 0..200),
            byte in prop_oneof![Just(b','), any::<u8>()],
        ) {
            let mut places = Vec::new();
            each_place(byte, &text, |place| places.push(place));
            let expected: Vec<usize> = memchr::memchr_iter(byte, &text).collect();
            prop_assert_eq!(places, expected);
        }

        #[test]
        fn bytes_below_space_are_seen_wherever_they_are(
            mut text in proptest::collection::vec(0x20_u8..=0xff, 1..100),
            place: prop::sample::Index,
            byte in 0x1e_u8..=0x21,
        ) {
            prop_assert!(!has_byte_below_space(&text));
            let place = place.index(text.len());
            text[place] = byte;
            prop_assert_eq!(has_byte_below_space(&text), byte < b' ');
        }

        #[test]
        fn first_bytes_are_counted(text in proptest::collection::vec(0xb0_u8..=0xd0, 0..1_000)) {
            let expected = text.iter().filter(|byte| **byte >= 0xc0).count() as u64;
            prop_assert_eq!(first_bytes(&text), expected);
        }
    }
}
