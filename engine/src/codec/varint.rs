//! Numbers and text in few bytes: LEB128, zig-zag, decimals, length-prefixed text.

use rust_decimal::Decimal;
use thiserror::Error;

/// The bytes end early or are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DecodeError(pub &'static str);

/// Appends an unsigned number, 7 bits a byte, low bits first.
#[expect(clippy::cast_possible_truncation, reason = "the low 7 bits are taken")]
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number; small ones of either sign are short.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, zigzag(value));
}

/// Appends text with its length before it.
pub fn put_str(out: &mut Vec<u8>, text: &str) {
    put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a decimal: its scale with a flag for a mantissa beyond 64 bits, and the mantissa.
pub fn put_decimal(out: &mut Vec<u8>, value: Decimal) {
    let mantissa = value.mantissa();
    #[expect(clippy::cast_possible_truncation, reason = "a scale is at most 28")]
    let scale = value.scale() as u8;
    if let Ok(small) = i64::try_from(mantissa) {
        out.push(scale);
        put_i64(out, small);
    } else {
        out.push(scale | WIDE);
        out.extend_from_slice(&mantissa.to_le_bytes());
    }
}

/// Flag on the scale byte: a 128-bit mantissa follows.
const WIDE: u8 = 0x80;

#[expect(
    clippy::cast_sign_loss,
    reason = "zig-zag maps the sign to the low bit"
)]
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[expect(
    clippy::cast_possible_wrap,
    reason = "zig-zag maps the low bit to the sign"
)]
const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Reads what the `put` functions wrote, from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all was read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `n` bytes.
    pub const fn bytes(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(n) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => Err(DecodeError("the bytes end early")),
        }
    }

    /// The next byte.
    pub const fn u8(&mut self) -> Result<u8, DecodeError> {
        match self.rest.split_first() {
            Some((byte, tail)) => {
                self.rest = tail;
                Ok(*byte)
            }
            None => Err(DecodeError("the bytes end early")),
        }
    }

    /// An unsigned number.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError("a number has more than 64 bits"))
    }

    /// An unsigned number that fits 32 bits.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.u64()?).map_err(|_wide| DecodeError("a number has more than 32 bits"))
    }

    /// A length or count: a number that is not larger than the bytes left allow for (one byte
    /// each at least), so that damage never asks for all memory.
    pub fn count(&mut self) -> Result<usize, DecodeError> {
        match usize::try_from(self.u64()?) {
            Ok(count) if count <= self.rest.len() => Ok(count),
            _ => Err(DecodeError("a count is larger than the bytes left")),
        }
    }

    /// A signed number.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(unzigzag(self.u64()?))
    }

    /// A little-endian 64-bit number of fixed length.
    pub fn fixed_u64(&mut self) -> Result<u64, DecodeError> {
        match self.rest.split_first_chunk() {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(u64::from_le_bytes(*head))
            }
            None => Err(DecodeError("the bytes end early")),
        }
    }

    /// Text with its length before it.
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        let len = self.count()?;
        let bytes = self.bytes(len)?;
        str::from_utf8(bytes).map_err(|_utf8| DecodeError("text is not UTF-8"))
    }

    /// Several texts in a row. Cheaper than one by one: what is UTF-8 as a whole, lengths
    /// included, is cut without being checked again.
    pub fn strs<const N: usize>(&mut self) -> Result<[&'a str; N], DecodeError> {
        let all = self.rest;
        let mut spans = [(0, 0); N];
        for span in &mut spans {
            let len = self.count()?;
            let from = all.len() - self.rest.len();
            self.bytes(len)?;
            *span = (from, from + len);
        }
        let whole = all.get(..all.len() - self.rest.len()).unwrap_or_default();
        let checked = str::from_utf8(whole).ok();
        let mut texts = [""; N];
        for (text, (from, to)) in texts.iter_mut().zip(spans) {
            *text = match checked.and_then(|whole| whole.get(from..to)) {
                Some(text) => text,
                // A length above 127 is not UTF-8 by itself, and so is not the whole.
                None => str::from_utf8(whole.get(from..to).unwrap_or_default())
                    .map_err(|_utf8| DecodeError("text is not UTF-8"))?,
            };
        }
        Ok(texts)
    }

    /// A decimal.
    pub fn decimal(&mut self) -> Result<Decimal, DecodeError> {
        let scale = self.u8()?;
        let mantissa = if scale & WIDE == 0 {
            i128::from(self.i64()?)
        } else {
            let mut wide = [0; 16];
            wide.copy_from_slice(self.bytes(16)?);
            i128::from_le_bytes(wide)
        };
        Decimal::try_from_i128_with_scale(mantissa, u32::from(scale & !WIDE))
            .map_err(|_range| DecodeError("a decimal is out of range"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_is_read_back(
            a: u64,
            b: i64,
            text: String,
            mantissa in -(1_i128 << 95)..(1_i128 << 95),
            scale in 0_u32..=28,
        ) {
            let decimal = Decimal::from_i128_with_scale(mantissa, scale);
            let mut out = Vec::new();
            put_u64(&mut out, a);
            put_i64(&mut out, b);
            put_str(&mut out, &text);
            put_decimal(&mut out, decimal);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.u64(), Ok(a));
            prop_assert_eq!(reader.i64(), Ok(b));
            prop_assert_eq!(reader.str(), Ok(text.as_str()));
            prop_assert_eq!(reader.decimal(), Ok(decimal));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while !reader.is_empty() {
                if reader.str().is_err() || reader.decimal().is_err() {
                    break;
                }
            }
        }
    }
}
