//! Pictures of the console without a display.

mod raster;
mod stage;

pub use raster::Raster;
pub use stage::Stage;
