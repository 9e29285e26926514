//! The page Load, as words.
