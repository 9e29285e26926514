//! Who has the keyboard: the page, a field or a menu on it, or what lies over it.
//!
//! Whose Esc it was cannot be asked in the frame of the key: before anything is drawn, the focus
//! has left the field, and a menu that is drawn first has closed itself. So the end of each frame
//! is remembered for the next one.

use eframe::egui::{Context, Id, Key, Memory, Modifiers, Popup};

/// How a frame ended.
#[derive(Debug, Clone, Copy, Default)]
struct Ended {
    /// The text field that had the keyboard.
    field: Option<Id>,
    /// A menu or list was open.
    menu: bool,
}

fn ended_id() -> Id {
    Id::unique("keyboard at the end of the frame")
}

fn find_id() -> Id {
    Id::unique("to find")
}

/// Gives the keyboard, in the next frame, to the field that filters what is shown.
pub fn ask_to_find(ctx: &Context) {
    ctx.data_mut(|data| data.insert_temp(find_id(), ()));
    ctx.request_repaint();
}

/// Whether a field that filters is asked for. The first that asks is the one.
pub fn is_to_find(ctx: &Context) -> bool {
    ctx.data_mut(|data| data.remove_temp::<()>(find_id()))
        .is_some()
}

/// Whether a dialog lies over the page. Keys are for the dialog then, and none acts behind it.
pub fn is_covered(ctx: &Context) -> bool {
    ctx.memory(|memory| memory.top_modal_layer().is_some())
}

/// Remembers who has the keyboard, at the end of each frame.
pub fn remember_keyboard(ctx: &Context) {
    let field = ctx
        .text_edit_focused()
        .then(|| ctx.memory(Memory::focused))
        .flatten();
    let menu = Popup::is_any_open(ctx);
    ctx.data_mut(|data| data.insert_temp(ended_id(), Ended { field, menu }));
}

/// Whether Esc was pressed and is meant for the page, not for a field, a menu or a dialog. Takes
/// it, so that one press closes one thing.
pub fn escaped(ctx: &Context) -> bool {
    let last: Option<Ended> = ctx.data(|data| data.get_temp(ended_id()));
    let Ended { field, menu } = last.unwrap_or_default();
    let in_field = ctx.text_edit_focused()
        || field.is_some_and(|id| ctx.memory(|memory| memory.had_focus_last_frame(id)));
    let in_menu = menu || Popup::is_any_open(ctx);
    !in_field
        && !in_menu
        && !is_covered(ctx)
        && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Event, Modal, RawInput, TextEdit, Ui};

    use super::*;
    use crate::widgets::TextField;

    /// Draws a frame in which `keys` are pressed; whether the page took Esc after it was drawn.
    fn frame(ctx: &Context, keys: &[Key], mut draw: impl FnMut(&mut Ui)) -> bool {
        let press = |key: &Key| Event::Key {
            key: *key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let input = RawInput {
            events: keys.iter().map(press).collect(),
            ..RawInput::default()
        };
        let mut taken = false;
        // What is drawn for the first time is drawn twice; the keys come once.
        let mut output = ctx.run_ui(input, |ui| {
            draw(ui);
            taken |= escaped(ctx);
            remember_keyboard(ctx);
        });
        // Nothing is painted.
        output.textures_delta.clear();
        taken
    }

    fn context() -> Context {
        let ctx = Context::default();
        crate::theme::install(&ctx);
        ctx
    }

    #[test]
    fn esc_leaves_a_field_before_it_leaves_the_page() {
        let ctx = context();
        let mut text = "7".to_owned();
        frame(&ctx, &[], |ui| {
            ui.add(TextEdit::singleline(&mut text)).request_focus();
        });
        let mut field = |ui: &mut Ui| {
            ui.add(TextEdit::singleline(&mut text));
        };
        frame(&ctx, &[], &mut field);
        assert!(ctx.text_edit_focused());
        assert!(!frame(&ctx, &[Key::Escape], &mut field));
        assert!(!ctx.text_edit_focused());
        assert!(frame(&ctx, &[Key::Escape], &mut field));
    }

    #[test]
    fn esc_closes_a_menu_before_it_leaves_the_page() {
        let ctx = context();
        let id = Id::unique("kinds");
        let menu = |ui: &mut Ui| {
            let button = ui.button("Kind");
            Popup::menu(&button).id(id).show(|ui| ui.label("Link"));
        };
        Popup::open_id(&ctx, id);
        frame(&ctx, &[], menu);
        assert!(Popup::is_any_open(&ctx));
        assert!(!frame(&ctx, &[Key::Escape], menu));
        assert!(!Popup::is_any_open(&ctx));
        assert!(frame(&ctx, &[Key::Escape], menu));
    }

    #[test]
    fn the_field_that_filters_gets_the_keyboard_when_it_is_asked_for() {
        let ctx = context();
        let mut text = String::new();
        let mut page = |ui: &mut Ui| {
            TextField::new("Offset").show(ui, &mut String::new());
            TextField::new("Filter").finds().show(ui, &mut text);
        };
        frame(&ctx, &[], &mut page);
        assert!(!ctx.text_edit_focused());
        ask_to_find(&ctx);
        frame(&ctx, &[], &mut page);
        assert!(ctx.text_edit_focused() && !is_to_find(&ctx));
        ask_to_find(&ctx);
        frame(&ctx, &[], |_| ());
        assert!(is_to_find(&ctx), "nobody took it");
    }

    #[test]
    fn esc_is_for_the_dialog_over_the_page() {
        let ctx = context();
        let dialog = |ui: &mut Ui| {
            Modal::new(Id::unique("dialog")).show(ui.ctx(), |ui| ui.label("Sure?"));
        };
        frame(&ctx, &[], dialog);
        assert!(is_covered(&ctx));
        assert!(!frame(&ctx, &[Key::Escape], dialog));
        frame(&ctx, &[], |_| ());
        assert!(frame(&ctx, &[Key::Escape], |_| ()));
    }
}
