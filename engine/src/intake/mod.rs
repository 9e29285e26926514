//! Bytes to rows: encoding, delimiter, header, dates.
