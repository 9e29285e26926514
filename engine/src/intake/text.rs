//! The text of a file as a stream of UTF-8, with its head kept.

use super::encoding::Transcoder;
use super::error::IntakeError;
use super::options::TextEncoding;
use super::source::Source;

/// Unpacked and transcoded bytes, read in pieces.
pub(super) struct TextStream {
    source: Source,
    transcoder: Option<Transcoder>,
    /// Bytes of the file before transcoding.
    raw: Vec<u8>,
    ended: bool,
}

impl TextStream {
    pub(super) fn new(source: Source, encoding: TextEncoding) -> Self {
        Self {
            source,
            transcoder: Transcoder::new(encoding),
            raw: Vec::new(),
            ended: false,
        }
    }

    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    /// The text of bytes that were read before the encoding was known.
    pub(super) fn text_of_head(&mut self, mut head: Vec<u8>, mark_bytes: usize) -> Vec<u8> {
        head.drain(..mark_bytes.min(head.len()));
        let Some(transcoder) = &mut self.transcoder else {
            return head;
        };
        let mut text = Vec::new();
        transcoder.push(&head, false, &mut text);
        text
    }

    /// Appends some `wanted` bytes of text to the first `end` of `buf`, which grows as needed.
    /// Returns the new end; the old one at the end of the file.
    pub(super) fn read(
        &mut self,
        buf: &mut Vec<u8>,
        end: usize,
        wanted: usize,
    ) -> Result<usize, IntakeError> {
        if self.transcoder.is_none() {
            if buf.len() < end + wanted {
                buf.resize(end + wanted, 0);
            }
            let room = buf.get_mut(end..end + wanted).unwrap_or_default();
            return Ok(end + self.source.read(room)?);
        }
        buf.truncate(end);
        while buf.len() == end && !self.ended {
            self.raw.resize(wanted, 0);
            let len = self.source.read(&mut self.raw)?;
            self.ended = len == 0;
            if let Some(transcoder) = &mut self.transcoder {
                let raw = self.raw.get(..len).unwrap_or_default();
                transcoder.push(raw, self.ended, buf);
            }
        }
        Ok(buf.len())
    }
}
