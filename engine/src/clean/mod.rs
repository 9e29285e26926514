//! Rows to lines or rejects: the rules, as data.
