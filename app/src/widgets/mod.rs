//! Pieces that several pages share. They draw and report clicks; they know no engine.

mod access;
mod badge;
pub mod bars;
mod button;
mod cells;
pub mod chart;
pub mod columns;
mod dialog;
mod drop;
mod export_menu;
pub mod heat;
mod input;
mod layout;
mod link;
mod marker;
mod paint;
mod panel;
mod radio;
mod text;

pub use access::{read_only, set_read_only};
pub use badge::{Status, badge, status_icon};
pub use button::{Btn, Look, segmented, select, switch};
pub use cells::{Align, ColumnSpec, header_cell, table, text_cell};
pub use dialog::{Confirm, Decision};
pub use drop::drop_down;
pub use export_menu::{Take, export_menu};
pub use input::{TextField, value_field};
pub use layout::{Split, rect_ui, split_columns, split_rows};
pub use link::link;
pub use marker::{dc_label, marker, region_label};
pub use paint::{bar, dashed_rect, hatch, sparkline};
pub(crate) use panel::surface;
pub use panel::{Panel, empty_state, error_state};
pub use radio::{notice_line, progress_bar, radio};
pub use text::{Line, icon, line, reading};
