//! The console: a window over the engine.
//!
//! Data flows one way: [`link::Link`] takes the engine's newest snapshot and events, `views` make
//! words and flags of them, `pages` draw those and push [`actions::Action`]s, and [`app::Console`]
//! carries the actions out as commands of the engine. Drawing never waits for the engine.
//!
//! What is not here: any rule of the business. Whatever the console shows or starts, the headless
//! program and the tests can too.

pub mod actions;
pub mod app;
pub mod files;
pub mod frame;
pub mod headless;
mod later;
pub mod link;
pub mod notices;
pub mod pages;
pub mod picture;
pub mod prefs;
pub mod runbook;
pub mod sample;
pub mod screenshot;
pub mod start;
mod taken;
pub mod theme;
pub mod views;
pub mod widgets;
