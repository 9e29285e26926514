//! Whether the console only reads, and how much it asks before an act, where every control can
//! see it.

use eframe::egui::{Context, Id};

/// Why an act is blocked.
const WHY: &str = "read only: nothing can be changed from this console";

fn id() -> Id {
    Id::unique("read only")
}

fn guard_id() -> Id {
    Id::unique("guard")
}

/// Says for this frame which name is typed before every act that is confirmed; none where the
/// servers are there to be broken.
pub fn set_guard(ctx: &Context, name: Option<&str>) {
    ctx.data_mut(|data| data.insert_temp(guard_id(), name.map(str::to_owned)));
}

/// The name that is typed before every act that is confirmed.
pub fn guard(ctx: &Context) -> Option<String> {
    ctx.data(|data| data.get_temp::<Option<String>>(guard_id()))
        .flatten()
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
