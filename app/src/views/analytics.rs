//! The page Analytics, as words.
