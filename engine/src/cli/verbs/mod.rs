//! One file per verb.

pub(crate) mod analytics;
pub(crate) mod bench;
pub(crate) mod connect;
pub(crate) mod consume;
pub(crate) mod drill;
pub(crate) mod export;
pub(crate) mod fix;
pub(crate) mod lab;
pub(crate) mod load;
pub(crate) mod preview;
pub(crate) mod produce;
pub(crate) mod rejects;
pub(crate) mod repair;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod route;
pub(crate) mod setup;
pub(crate) mod status;
pub(crate) mod verify;
