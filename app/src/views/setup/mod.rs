//! The setup page, as words: profiles, the plan, alert rules, faults, settings.

pub mod faults;
pub mod lab;
pub mod plan;
pub mod profile;
pub mod rules;
pub mod settings;
pub mod test;
