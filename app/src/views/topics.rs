//! The page Topics, as words.
