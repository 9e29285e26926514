//! What is around every page: the bar at the top, the navigation, the bar at the bottom, and what
//! opens over them.

pub mod event_bar;
pub mod events;
pub mod nav;
pub mod palette;
pub mod passport;
pub mod top_bar;
