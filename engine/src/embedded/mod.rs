//! Log and Store inside the process.

pub mod log;
pub mod store;
