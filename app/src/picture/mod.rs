//! Pictures of the console without a display.

mod panel;
mod raster;
mod stage;

pub use panel::{Sheet, panel, png};
pub use raster::Raster;
pub use stage::Stage;
