//! Failover, as words: the data centres, what a fault will do, what a drill has seen, the scenes
//! of the presenter.

pub mod card;
pub mod compared;
pub mod dcs;
pub mod ended;
pub mod map;
pub mod plan;
mod rows;
pub mod scenes;

pub use card::Card;
