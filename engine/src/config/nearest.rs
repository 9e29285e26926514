//! The known name that a mistyped one was most likely meant to be.

/// The candidate with the fewest edits to `name`, if those are no more than a third of its
/// letters: further away a guess misleads.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edits(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and substitutions between two words (Levenshtein, 1966).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let substituted = diagonal + usize::from(from != *to);
            left = substituted.min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, n) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flush_line", "flush_lines", 1),
        ] {
            assert_eq!(edits(a, b), n, "{a} to {b}");
        }
    }

    #[test]
    fn a_far_name_is_no_guess() {
        assert_eq!(nearest("prot", ["port", "mode"]), None);
        assert_eq!(nearest("parts", ["port", "part"]), Some("part"));
        assert_eq!(nearest("xyz", ["port", "mode"]), None);
    }
}
