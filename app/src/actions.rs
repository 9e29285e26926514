//! Every act of a person that has a key or a place in the palette: its words, its key, once.

use std::borrow::Cow;
use std::path::PathBuf;

use eframe::egui::{Event, InputState, Key, KeyboardShortcut, Modifiers};
use retail_engine::flow::PassportQuery;
use retail_engine::handle::Snapshot;
use retail_engine::model::{LoadId, Region};

use crate::pages::Page;
use crate::prefs::ThemeChoice;
use crate::start::Access;
use crate::theme::Contrast;
use crate::views::format::TimeStyle;

/// What a person wants. Pages and bars push these; the app carries them out after the frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Show a page.
    Go(Page),
    /// Choose a file in a dialog.
    OpenDialog,
    /// Check a file before it is loaded.
    Open(PathBuf),
    /// Check the sample that ships with the console.
    OpenSample,
    /// Show or hide the events.
    ToggleEvents,
    /// Show the alerts, and the events that are warnings or worse.
    ShowAlerts,
    /// Find anything.
    Palette,
    /// Type into the field that filters what is shown.
    Find,
    /// Show the newest, whatever time was held or chosen.
    Newest,
    /// What the keys do.
    Keys,
    /// Hold what is on the screen, or let it move again.
    ToggleFreeze,
    /// End every fault.
    EndAllFaults,
    /// Plan a replay.
    PlanReplay(Region),
    /// Plan a replay of the topic that is looked at.
    Replay,
    /// Show the topic of a region.
    ShowRegion(Region),
    /// Show a load.
    ShowLoad(LoadId),
    /// Show the settings.
    Settings,
    /// Dark, light, as the system.
    Theme(ThemeChoice),
    /// How strongly text and borders stand out.
    Contrast(Contrast),
    /// Size of the text in percent.
    TextScale(u16),
    /// How times are shown.
    Times(TimeStyle),
    /// Whether what changes something may be done.
    Access(Access),
    /// Large type, one scene after the other.
    TogglePresenter,
    /// Save what the page shows.
    Export,
    /// Take the last act back.
    Undo,
    /// Show the path of the row that is chosen on the page, or ask for one.
    RowPath,
    /// Show the path of a row; without one, ask for it.
    Passport(Option<PassportQuery>),
    /// Work with the settings of a profile from now on.
    UseProfile(String),
    /// Open the engine once more, by the same settings.
    Reopen,
    /// End the program.
    Quit,
}

/// An act with its words and its key.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it does.
    pub action: Action,
    /// In words, as in the palette.
    pub label: Cow<'static, str>,
    /// Its key, if it has one.
    pub key: Option<KeyboardShortcut>,
}

const fn entry(action: Action, label: &'static str, key: Option<KeyboardShortcut>) -> Entry {
    let label = Cow::Borrowed(label);
    Entry { action, label, key }
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const PAGE_KEYS: [Key; 7] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
];
const STOP: KeyboardShortcut =
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::X);

/// All acts, in the order of the palette.
pub fn entries() -> Vec<Entry> {
    let mut all = vec![
        entry(Action::OpenDialog, "Open CSV\u{2026}", Some(ctrl(Key::O))),
        entry(Action::OpenSample, "Check the sample", None),
        entry(Action::EndAllFaults, "End all faults", Some(STOP)),
        entry(Action::ToggleFreeze, "Freeze view", Some(plain(Key::Space))),
        entry(Action::Newest, "Show the newest", Some(plain(Key::F5))),
    ];
    all.extend(
        Page::ALL
            .into_iter()
            .zip(PAGE_KEYS)
            .map(|(page, key)| entry(Action::Go(page), page.title(), Some(ctrl(key)))),
    );
    all.extend(Region::ALL.map(|region| {
        let label = match region {
            Region::Europe => "Replay Europe\u{2026}",
            Region::Americas => "Replay Americas\u{2026}",
            Region::AsiaPacific => "Replay Asia-Pacific\u{2026}",
        };
        entry(Action::PlanReplay(region), label, None)
    }));
    all.extend([
        entry(Action::Replay, "Replay\u{2026}", Some(plain(Key::R))),
        entry(Action::ToggleEvents, "Events", Some(ctrl(Key::J))),
        entry(Action::ShowAlerts, "Alerts", None),
        entry(
            Action::Export,
            "Export this page\u{2026}",
            Some(ctrl(Key::S)),
        ),
        entry(Action::Undo, "Undo", Some(ctrl(Key::Z))),
        entry(Action::RowPath, "Path of a row", Some(plain(Key::P))),
        entry(Action::Settings, "Settings", Some(ctrl(Key::Comma))),
        entry(Action::Theme(ThemeChoice::Dark), "Theme: dark", None),
        entry(Action::Theme(ThemeChoice::Light), "Theme: light", None),
        entry(
            Action::Theme(ThemeChoice::System),
            "Theme: as the system",
            None,
        ),
        entry(Action::Contrast(Contrast::Normal), "Contrast: normal", None),
        entry(Action::Contrast(Contrast::High), "Contrast: high", None),
        entry(Action::Times(TimeStyle::Local), "Times: local", None),
        entry(Action::Times(TimeStyle::Utc), "Times: UTC", None),
        entry(Action::Times(TimeStyle::Ago), "Times: how long ago", None),
        entry(Action::Access(Access::ReadOnly), "Read only", None),
        entry(Action::Access(Access::ReadWrite), "Read and write", None),
        entry(
            Action::TogglePresenter,
            "Presenter mode",
            Some(plain(Key::F11)),
        ),
        entry(Action::Palette, "Find anything", Some(ctrl(Key::K))),
        entry(Action::Find, "Find on this page", Some(ctrl(Key::F))),
        entry(Action::Keys, "Keys", Some(plain(Key::Questionmark))),
        entry(Action::Quit, "Quit", Some(ctrl(Key::Q))),
    ]);
    all
}

/// What there is to be shown beside the acts: the regions, the loads, newest first, sizes of text,
/// the profiles that come with the program.
pub fn places(snapshot: Option<&Snapshot>) -> Vec<Entry> {
    let named = |action, label: String| Entry {
        action,
        label: Cow::Owned(label),
        key: None,
    };
    let regions = Region::ALL.map(|region| {
        let label = format!("Region {}: topic and lag", region.name());
        named(Action::ShowRegion(region), label)
    });
    let loads = snapshot.iter().flat_map(|snapshot| &snapshot.loads).rev();
    let loads = loads.map(|load| {
        let file = load.file.file_name().unwrap_or_default().to_string_lossy();
        named(
            Action::ShowLoad(load.id),
            format!("Load {}: {file}", load.id),
        )
    });
    let sizes = [80, 100, 125, 150, 175, 200];
    let sizes =
        sizes.map(|percent| named(Action::TextScale(percent), format!("Text size {percent} %")));
    let profiles = ["embedded", "lab", "docker"].map(|name| {
        let label = format!("Use the profile {name}");
        named(Action::UseProfile(name.to_owned()), label)
    });
    let others = sizes.into_iter().chain(profiles);
    regions.into_iter().chain(loads).chain(others).collect()
}

/// The acts whose keys were pressed. What is meant for what has the keyboard is left to it.
pub fn pressed(input: &mut InputState, keyboard: Keyboard) -> Vec<Action> {
    entries()
        .into_iter()
        .filter(|entry| {
            entry
                .key
                .is_some_and(|key| keyboard.spares(entry, key) && take(input, key))
        })
        .map(|entry| entry.action)
        .collect()
}

/// Takes the presses of a key out of the input; whether there was one.
fn take(input: &mut InputState, key: KeyboardShortcut) -> bool {
    let before = input.events.len();
    input.events.retain(|event| !is_press(event, key));
    input.events.len() < before
}

/// Whether this is a press of the key with its modifiers and no others. Shift says something of its
/// own: with it, the key that undoes is the one that does again, which undoes nothing.
fn is_press(event: &Event, wanted: KeyboardShortcut) -> bool {
    let Event::Key {
        key,
        pressed: true,
        modifiers,
        ..
    } = event
    else {
        return false;
    };
    let mut held = *modifiers;
    if *key == Key::Questionmark {
        // Most keyboards have it on a key that needs Shift.
        held.shift = false;
    }
    *key == wanted.logical_key && held.matches_exact(wanted.modifiers)
}

/// What has the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyboard {
    /// The page: every key acts.
    Page,
    /// A control, such as a button: Space presses it.
    Control,
    /// A text field: letters are typed, and what was typed is taken back there.
    Field,
    /// A dialog over the page: nothing acts behind it.
    Dialog,
    /// The list of what the keys do; its own key closes it.
    Keys,
}

impl Keyboard {
    /// Whether the key of an act is not for what has the keyboard. Faults can be ended, and the
    /// program left, whatever is on the screen.
    fn spares(self, entry: &Entry, key: KeyboardShortcut) -> bool {
        let always = matches!(entry.action, Action::EndAllFaults | Action::Quit);
        match self {
            Self::Page => true,
            Self::Control => key.logical_key != Key::Space,
            Self::Field => !key.modifiers.is_none() && entry.action != Action::Undo,
            Self::Dialog => always,
            Self::Keys => always || entry.action == Action::Keys,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a press of a key does.
    fn press(modifiers: Modifiers, key: Key, keyboard: Keyboard) -> Vec<Action> {
        let mut input = InputState::default();
        input.events.push(Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers,
        });
        let acts = pressed(&mut input, keyboard);
        assert_eq!(acts.is_empty(), !input.events.is_empty(), "{key:?}");
        acts
    }

    #[test]
    fn what_is_typed_is_taken_back_by_its_field() {
        let undo = [Action::Undo];
        assert_eq!(press(Modifiers::COMMAND, Key::Z, Keyboard::Page), undo);
        assert!(press(Modifiers::COMMAND, Key::Z, Keyboard::Field).is_empty());
        let open = [Action::OpenDialog];
        assert_eq!(press(Modifiers::COMMAND, Key::O, Keyboard::Field), open);
    }

    #[test]
    fn a_key_with_more_modifiers_is_another_key() {
        let shift = Modifiers::COMMAND | Modifiers::SHIFT;
        assert!(press(shift, Key::Z, Keyboard::Page).is_empty());
        let alt = Modifiers::COMMAND | Modifiers::ALT;
        assert!(press(alt, Key::Q, Keyboard::Page).is_empty());
        assert_eq!(press(shift, Key::X, Keyboard::Page), [Action::EndAllFaults]);
        let asked = press(Modifiers::SHIFT, Key::Questionmark, Keyboard::Page);
        assert_eq!(asked, [Action::Keys]);
    }

    #[test]
    fn space_presses_the_control_that_has_the_keyboard() {
        let space = |keyboard| press(Modifiers::NONE, Key::Space, keyboard);
        assert_eq!(space(Keyboard::Page), [Action::ToggleFreeze]);
        assert!(space(Keyboard::Control).is_empty());
        assert!(space(Keyboard::Dialog).is_empty());
        let replay = press(Modifiers::NONE, Key::R, Keyboard::Control);
        assert_eq!(replay, [Action::Replay]);
    }

    #[test]
    fn behind_a_dialog_only_the_emergency_stop_and_the_end_act() {
        for entry in entries() {
            let Some(key) = entry.key else { continue };
            let acts = press(key.modifiers, key.logical_key, Keyboard::Dialog);
            let acted = matches!(entry.action, Action::EndAllFaults | Action::Quit);
            assert_eq!(!acts.is_empty(), acted, "{}", entry.label);
        }
        let again = press(Modifiers::SHIFT, Key::Questionmark, Keyboard::Keys);
        assert_eq!(again, [Action::Keys]);
    }

    #[test]
    fn no_two_acts_share_a_key_or_a_label() {
        let all = entries();
        for (place, one) in all.iter().enumerate() {
            for other in &all[place + 1..] {
                assert_ne!(one.label, other.label);
                if let (Some(a), Some(b)) = (one.key, other.key) {
                    assert_ne!(a, b, "{} and {}", one.label, other.label);
                }
            }
        }
    }
}
