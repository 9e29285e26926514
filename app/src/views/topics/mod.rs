//! Topics and replay, as words: the tree of partitions, the plan of a replay, messages.

pub mod form;
pub mod messages;
pub mod plan;
pub mod tree;
