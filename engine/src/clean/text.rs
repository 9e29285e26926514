//! Text fields: trimming, lengths, customers.

/// Bytes that a text of a line may have. Longer is a defect of the file (a lost quote, most
/// often), and keys must stay small enough for a clustering column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLimits {
    /// Invoice number; the data has 7.
    pub invoice_no: usize,
    /// Stock code; the data has 12.
    pub stock_code: usize,
    /// Description; the data has 35.
    pub description: usize,
    /// Customer; the data has 5.
    pub customer: usize,
    /// Country; the data has 20.
    pub country: usize,
}

/// The limits in force.
pub const CODE_LIMITS: CodeLimits = CodeLimits {
    invoice_no: 32,
    stock_code: 64,
    description: 1_024,
    customer: 32,
    country: crate::route::COUNTRY_BYTES_MAX,
};

/// The field without the spaces and tabs around it. Other white space (a no-break space) is text.
pub fn trim(mut field: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = field {
        field = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = field {
        field = rest;
    }
    field
}

/// Text in the customer column that is not a customer number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotACustomer;

/// The customer of a trimmed field: `Ok(None)` for nobody known, `Err` for text that is not a
/// customer number.
///
/// Letters, digits, `-` and `_` make a number; a fraction of zeros is dropped, because table
/// programs write numbers beside empty cells that way.
pub fn parse_customer(field: &str) -> Result<Option<&str>, NotACustomer> {
    if field.is_empty() {
        return Ok(None);
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let number = if field.bytes().all(fits) {
        field
    } else {
        let (whole, zeros) = field.split_once('.').ok_or(NotACustomer)?;
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !zeros.bytes().all(|b| b == b'0') {
            return Err(NotACustomer);
        }
        whole
    };
    let nobody = number.len() <= 4
        && ["nan", "null", "none"]
            .iter()
            .any(|word| number.eq_ignore_ascii_case(word));
    Ok((!nobody).then_some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_its_number_however_it_was_saved() {
        for (written, customer) in [
            ("17850", Ok(Some("17850"))),
            ("17850.0", Ok(Some("17850"))),
            ("17850.", Ok(Some("17850"))),
            ("017850", Ok(Some("017850"))),
            ("AB-1_2", Ok(Some("AB-1_2"))),
            ("", Ok(None)),
            ("nan", Ok(None)),
            ("NaN", Ok(None)),
            ("NULL", Ok(None)),
            ("none", Ok(None)),
            ("17850.5", Err(NotACustomer)),
            ("1.785E4", Err(NotACustomer)),
            (".0", Err(NotACustomer)),
            ("17 850", Err(NotACustomer)),
            ("a.0", Err(NotACustomer)),
        ] {
            assert_eq!(parse_customer(written), customer, "{written:?}");
        }
    }

    #[test]
    fn only_spaces_and_tabs_are_trimmed() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim("\u{a0}a".as_bytes()), "\u{a0}a".as_bytes());
        assert_eq!(trim(b"   "), b"");
    }
}
