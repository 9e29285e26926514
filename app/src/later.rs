//! Work that would hold a frame up, on a thread of its own, and what came of it.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use eframe::egui::Context;

/// Something that is being worked out.
#[derive(Debug)]
pub(crate) struct Later<T>(Receiver<T>);

/// What became of it.
#[derive(Debug)]
pub(crate) enum Came<T> {
    /// It is not over.
    NotYet,
    /// This.
    Value(T),
    /// Its thread ended without a word.
    Lost,
}

impl<T: Send + 'static> Later<T> {
    /// Begins; the window is woken when it is over.
    pub(crate) fn begin(
        ctx: &Context,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<Self> {
        // One value comes.
        let (sender, receiver) = sync_channel(1);
        let ctx = ctx.clone();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                if sender.send(work()).is_err() {
                    tracing::debug!("nobody waits for this any more");
                }
                ctx.request_repaint();
            })?;
        Ok(Self(receiver))
    }

    /// Waits for it; none where its thread ended without a word.
    pub(crate) fn wait(self) -> Option<T> {
        self.0.recv().ok()
    }

    /// Looks.
    pub(crate) fn poll(&self) -> Came<T> {
        match self.0.try_recv() {
            Ok(value) => Came::Value(value),
            Err(TryRecvError::Empty) => Came::NotYet,
            Err(TryRecvError::Disconnected) => Came::Lost,
        }
    }
}
