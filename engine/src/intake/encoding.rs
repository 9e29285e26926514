//! What the bytes mean, and their way to UTF-8.

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::error::ForeignKind;
use super::options::TextEncoding;
use super::scan::first_bytes;

/// Bytes looked at for the zeros of UTF-16.
const UTF16_SAMPLE: usize = 4 << 10;

/// An encoding found, with the reason in words.
#[derive(Debug)]
pub(super) struct EncodingFound {
    pub(super) encoding: TextEncoding,
    /// Bytes of the byte order mark before the text.
    pub(super) mark_bytes: usize,
    pub(super) evidence: String,
    /// Places of the head that are not text in this encoding.
    pub(super) strays: u64,
}

/// What a file that is not CSV says of itself in its first bytes.
pub(super) fn foreign_kind(head: &[u8]) -> Option<ForeignKind> {
    let magic: [(&[u8], ForeignKind); 4] = [
        (b"PK\x03\x04", ForeignKind::Zip),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ForeignKind::OldExcel),
        (b"%PDF-", ForeignKind::Pdf),
        (b"\x1f\x8b", ForeignKind::NestedGzip),
    ];
    if let Some((_, kind)) = magic.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(*kind);
    }
    match head.trim_ascii_start() {
        [b'<', ..] => Some(ForeignKind::Html),
        [b'{' | b'[', ..] => Some(ForeignKind::Json),
        _ => None,
    }
}

/// The byte order mark of a head, if it has one.
pub(super) fn byte_order_mark(head: &[u8]) -> Option<(TextEncoding, usize)> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => Some((TextEncoding::Utf8, 3)),
        [0xff, 0xfe, ..] => Some((TextEncoding::Utf16Le, 2)),
        [0xfe, 0xff, ..] => Some((TextEncoding::Utf16Be, 2)),
        _ => None,
    }
}

/// Decides the encoding of a file by its head.
pub(super) fn detect(head: &[u8]) -> EncodingFound {
    if let Some((encoding, mark_bytes)) = byte_order_mark(head) {
        return EncodingFound {
            encoding,
            mark_bytes,
            evidence: format!("the file begins with the mark of {}", encoding.name()),
            strays: 0,
        };
    }
    if let Some((encoding, evidence)) = utf16_by_zeros(head) {
        return EncodingFound {
            encoding,
            mark_bytes: 0,
            evidence,
            strays: 0,
        };
    }
    by_validity(head)
}

/// Western text in UTF-16 has a zero in nearly every other byte, on one side.
fn utf16_by_zeros(head: &[u8]) -> Option<(TextEncoding, String)> {
    let sample = head.get(..UTF16_SAMPLE).unwrap_or(head);
    let pairs = sample.len() / 2;
    let zeros = |first: usize| {
        let side = sample.iter().skip(first).step_by(2);
        side.filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let (encoding, count, other) = if odd > even {
        (TextEncoding::Utf16Le, odd, even)
    } else {
        (TextEncoding::Utf16Be, even, odd)
    };
    (pairs >= 4 && count * 10 >= pairs * 7 && other * 10 < pairs).then(|| {
        let name = encoding.name();
        (
            encoding,
            format!("every second byte is zero, as in {name} without its mark"),
        )
    })
}

fn by_validity(head: &[u8]) -> EncodingFound {
    let (mut valid, mut invalid) = (0_u64, 0_u64);
    let mut rest = head;
    loop {
        let (text, stray) = match str::from_utf8(rest) {
            Ok(text) => (text.as_bytes(), None),
            Err(error) => {
                let (text, stray) = rest.split_at(error.valid_up_to());
                // Without a length the head ends within a character.
                (text, stray.get(error.error_len().unwrap_or(stray.len())..))
            }
        };
        valid += first_bytes(text);
        let Some(behind) = stray else { break };
        invalid += 1;
        rest = behind;
    }
    let (encoding, evidence) = match (valid, invalid) {
        (0, 0) => (
            TextEncoding::Utf8,
            "only ASCII at the head of the file, which is UTF-8 too".to_owned(),
        ),
        (_, 0) => (
            TextEncoding::Utf8,
            format!("{valid} characters beyond ASCII at the head, all of them UTF-8"),
        ),
        (_, _) if valid >= invalid => (
            TextEncoding::Utf8,
            format!("{valid} characters beyond ASCII are UTF-8, and {invalid} are not"),
        ),
        (_, _) => (
            TextEncoding::Windows1252,
            format!("{invalid} characters beyond ASCII are not UTF-8"),
        ),
    };
    EncodingFound {
        encoding,
        mark_bytes: 0,
        evidence,
        strays: if encoding == TextEncoding::Utf8 {
            invalid
        } else {
            0
        },
    }
}

/// Turns the bytes of a file into UTF-8, piece by piece.
pub(super) struct Transcoder {
    decoder: Decoder,
}

impl Transcoder {
    /// `None` for UTF-8, which needs none.
    pub(super) fn new(encoding: TextEncoding) -> Option<Self> {
        let encoding = match encoding {
            TextEncoding::Utf8 => return None,
            TextEncoding::Utf16Le => UTF_16LE,
            TextEncoding::Utf16Be => UTF_16BE,
            TextEncoding::Windows1252 => WINDOWS_1252,
        };
        Some(Self {
            decoder: encoding.new_decoder_without_bom_handling(),
        })
    }

    /// Appends the text of `bytes`; `last` at the end of the file.
    pub(super) fn push(&mut self, bytes: &[u8], last: bool, text: &mut Vec<u8>) {
        let start = text.len();
        // The bound is exact for the worst case, so one call takes all bytes; an input beyond
        // the address space is not a thing.
        let room = self
            .decoder
            .max_utf8_buffer_length(bytes.len())
            .unwrap_or(bytes.len());
        text.resize(start + room, 0);
        let target = text.get_mut(start..).unwrap_or_default();
        let (_, _, written, _) = self.decoder.decode_to_utf8(bytes, target, last);
        text.truncate(start + written);
    }
}

/// Bytes that `text` takes in its file.
pub(super) fn encoded_len(text: &[u8], encoding: TextEncoding) -> u64 {
    let count = |range: fn(u8) -> bool| text.iter().filter(|b| range(**b)).count() as u64;
    match encoding {
        TextEncoding::Utf8 => text.len() as u64,
        TextEncoding::Windows1252 => count(|b| b & 0xc0 != 0x80),
        // One unit for each character, and a second one for those of four bytes.
        TextEncoding::Utf16Le | TextEncoding::Utf16Be => {
            2 * (count(|b| b & 0xc0 != 0x80) + count(|b| b >= 0xf0))
        }
    }
}
