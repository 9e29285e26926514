//! The page Setup, as words.
