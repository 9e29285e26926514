//! Sums and products of money where half a million lines need them.
//!
//! The same values as the operators of [`Decimal`], digit for digit. Those are made for any two
//! numbers; prices and sums of a file have few digits and few scales, which a whole number
//! multiplies and adds at a fraction of the cost.

use rust_decimal::Decimal;

/// Powers of ten that bring one scale to another.
const POWERS: [i128; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Quantity times price.
pub(crate) fn amount(quantity: i32, unit_price: Decimal) -> Decimal {
    let units = unit_price
        .mantissa()
        .checked_mul(i128::from(quantity))
        .filter(|units| *units != 0);
    let product =
        units.and_then(|units| Decimal::try_from_i128_with_scale(units, unit_price.scale()).ok());
    // Zero has rules of its own, and so has what needs rounding.
    product.unwrap_or_else(|| Decimal::from(quantity) * unit_price)
}

/// Adds to a sum.
pub(crate) fn add(sum: &mut Decimal, amount: Decimal) {
    *sum = quick_sum(*sum, amount).unwrap_or_else(|| *sum + amount);
}

/// The sum, if the added amount is as coarse as the sum or a little coarser.
fn quick_sum(sum: Decimal, amount: Decimal) -> Option<Decimal> {
    let finer = sum.scale().checked_sub(amount.scale())?;
    let power = POWERS.get(finer as usize)?;
    let units = sum
        .mantissa()
        .checked_add(amount.mantissa().checked_mul(*power)?)?;
    if units == 0 {
        return None;
    }
    Decimal::try_from_i128_with_scale(units, sum.scale()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any decimal, most of them like money.
    fn decimals() -> impl Strategy<Value = Decimal> {
        let money = (any::<i32>(), 0..6_u32).prop_map(|(m, s)| Decimal::new(m.into(), s));
        let limit = (1_i128 << 96) - 1;
        let any = (-limit..=limit, 0..=28_u32);
        let any = any.prop_map(|(m, s)| Decimal::from_i128_with_scale(m, s));
        prop_oneof![8 => money, 1 => Just(Decimal::ZERO), 2 => any]
    }

    /// Value and digits: `1.0` and `1.00` are different here.
    fn digits(decimal: Option<Decimal>) -> Option<String> {
        decimal.map(|decimal| decimal.to_string())
    }

    proptest! {
        #[test]
        fn a_sum_is_that_of_the_operator(a in decimals(), b in decimals()) {
            prop_assume!(a.checked_add(b).is_some());
            let mut sum = a;
            add(&mut sum, b);
            prop_assert_eq!(digits(Some(sum)), digits(a.checked_add(b)));
        }

        #[test]
        fn an_amount_is_that_of_the_operator(quantity: i32, price in decimals()) {
            let right = Decimal::from(quantity).checked_mul(price);
            prop_assume!(right.is_some());
            prop_assert_eq!(digits(Some(amount(quantity, price))), digits(right));
        }
    }
}
