//! Ranks, shares of rank and quartiles. Floats are fine here: nothing of it is money.

/// Mean ranks of values, from 1 for the smallest; equal values share the mean of their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranks {
    /// Twice the mean rank, which is whole.
    doubled: Vec<u64>,
}

impl Ranks {
    /// Ranks the values, in time n log n.
    pub(super) fn of<T: Ord>(values: &[T]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|a, b| values[*a].cmp(&values[*b]));
        let mut doubled = vec![0; values.len()];
        let mut place = 0;
        for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
            // Places place+1 ..= place+tied: their mean, twice.
            let mean = 2 * place + tied.len() + 1;
            for index in tied {
                doubled[*index] = mean as u64;
            }
            place += tied.len();
        }
        Self { doubled }
    }

    /// Mean rank divided by the number of values: above 0, at most 1.
    pub(super) fn share(&self, index: usize) -> f64 {
        self.doubled[index] as f64 / (2 * self.doubled.len()) as f64
    }

    /// Which fifth of the ranks a value is in, 1 to 5: `ceil(5 x share)`, in whole numbers so
    /// that a share on the border never falls to the wrong side of it.
    pub(super) fn fifth(&self, index: usize) -> u8 {
        let fifth = (5 * self.doubled[index]).div_ceil(2 * self.doubled.len() as u64);
        u8::try_from(fifth).unwrap_or(5).clamp(1, 5)
    }
}

/// The three cuts between quarters of the values, by linear interpolation between order
/// statistics; `None` for no values.
pub(super) fn quartile_cuts(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some([1, 2, 3].map(|quarter| {
        let at = quarter * last;
        let (low, rest) = (at / 4, at % 4);
        let below = sorted[low];
        let above = sorted[(low + 1).min(last)];
        below + (above - below) * (rest as f64 / 4.0)
    }))
}

/// Which quarter a value is in, 0 to 3. A value equal to a cut belongs below it.
pub(super) fn quarter(value: f64, cuts: &[f64; 3]) -> usize {
    cuts.iter().filter(|cut| value > **cut).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        let ranks = Ranks::of(&[10, 20, 20, 30]);
        let shares: Vec<f64> = (0..4).map(|i| ranks.share(i)).collect();
        assert_eq!(shares, [0.25, 0.625, 0.625, 1.0]);
        let fifths: Vec<u8> = (0..4).map(|i| ranks.fifth(i)).collect();
        assert_eq!(fifths, [2, 4, 4, 5]);
        assert_eq!(Ranks::of(&[7]).fifth(0), 5);
    }

    #[test]
    fn a_share_on_the_border_of_a_fifth_belongs_below() {
        let ranks = Ranks::of(&(0..10).collect::<Vec<_>>());
        let fifths: Vec<u8> = (0..10).map(|i| ranks.fifth(i)).collect();
        assert_eq!(fifths, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    }

    #[test]
    fn quartiles_interpolate_and_a_value_on_a_cut_belongs_below() {
        assert_eq!(quartile_cuts(&[]), None);
        assert_eq!(quartile_cuts(&[5.0]), Some([5.0; 3]));
        assert_eq!(
            quartile_cuts(&[4.0, 1.0, 3.0, 2.0]),
            Some([1.75, 2.5, 3.25])
        );
        let cuts = quartile_cuts(&[0.0, 1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(
            quartile_cuts(&[0.0, 1.0, 2.0, 3.0, 4.0]),
            Some([1.0, 2.0, 3.0])
        );
        let quarters = [0.0, 1.0, 1.5, 2.0, 3.0, 4.0].map(|v| quarter(v, &cuts));
        assert_eq!(quarters, [0, 0, 1, 1, 2, 3]);
    }
}
