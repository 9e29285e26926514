//! The engine of the Distributed Retail Analytics Platform.
//!
//! It takes a retailer's invoice CSV, cleans it, routes every line to its region, appends it to
//! the regional topics of a durable log, stores it in three data centres, keeps the analytics up
//! to date, and survives the loss of a data centre without losing or double-counting a line.
//!
//! Start reading at `handle`, the public surface; `flow` is where everything is put together.
//! The engine never draws: the console is a crate of its own on top of the handle.

pub mod analytics;
pub mod clean;
pub mod cli;
pub mod codec;
pub mod config;
pub mod connect;
pub mod embedded;
pub mod failover;
pub mod flow;
pub mod handle;
pub mod intake;
pub mod lab;
pub mod ledger;
pub mod live;
pub mod model;
pub mod ports;
pub mod replay;
pub mod route;
pub mod telemetry;
pub mod watch;
mod wire;
