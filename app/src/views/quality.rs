//! The page Quality, as words.
