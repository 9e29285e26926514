//! Whether the console only reads, where every control can see it.

use eframe::egui::{Context, Id};

/// Why an act is blocked.
const WHY: &str = "read only: nothing can be changed from this console";

fn id() -> Id {
    Id::unique("read only")
}

/// Says for this frame whether the console only reads.
pub fn set_read_only(ctx: &Context, on: bool) {
    ctx.data_mut(|data| data.insert_temp(id(), on));
}

/// Why what changes something is blocked; `None` where it is not.
pub fn read_only(ctx: &Context) -> Option<&'static str> {
    let on: Option<bool> = ctx.data(|data| data.get_temp(id()));
    on.unwrap_or_default().then_some(WHY)
}
