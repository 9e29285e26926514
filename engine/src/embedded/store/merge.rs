//! Walks the same table of several replicas at once, key group by key group.

use std::iter::Peekable;

use bytes::Bytes;

use super::kv::{KvError, Row, Rows};

/// Rows of several replicas, grouped by the first bytes of their keys.
pub(super) struct Groups {
    sources: Vec<Peekable<Rows>>,
    /// Bytes of a key that make the group; `None` for the whole key.
    key_len: Option<usize>,
}

/// A group: the rows of each source in it.
pub(super) struct Group {
    /// By source; empty for one that has none.
    pub(super) rows: Vec<Vec<Row>>,
}

impl Group {
    /// Whether all sources have the same bytes.
    pub(super) fn is_same_everywhere(&self) -> bool {
        self.rows.windows(2).all(|pair| match pair {
            [a, b] => a == b,
            _ => true,
        })
    }
}

impl Groups {
    /// Groups over scans of several replicas.
    pub(super) fn new(sources: Vec<Rows>, key_len: Option<usize>) -> Self {
        Self {
            sources: sources.into_iter().map(Iterator::peekable).collect(),
            key_len,
        }
    }

    fn group_key(&self, key: &Bytes) -> Bytes {
        match self.key_len {
            Some(len) => key.slice(..len.min(key.len())),
            None => key.clone(),
        }
    }

    /// The key of the next group, with the place of a source that failed in place of it.
    pub(super) fn peek(&mut self) -> Result<Option<Bytes>, (usize, KvError)> {
        let mut smallest: Option<Bytes> = None;
        for place in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(place) else {
                continue;
            };
            let key = match source.peek() {
                None => continue,
                Some(Err(error)) => return Err((place, error.clone())),
                Some(Ok((key, _))) => key.clone(),
            };
            let key = self.group_key(&key);
            smallest = Some(smallest.map_or_else(|| key.clone(), |least| least.min(key.clone())));
        }
        Ok(smallest)
    }

    /// The rows of a group; those before it must have been taken.
    pub(super) fn take(&mut self, key: &Bytes) -> Group {
        let whole = self.key_len.is_none();
        let in_group = |row: &Result<Row, KvError>| match row {
            Ok((found, _)) if whole => found == key,
            Ok((found, _)) => found.starts_with(key),
            Err(_) => false,
        };
        let rows = self.sources.iter_mut().map(|source| {
            let mut rows = Vec::new();
            while let Some(Ok(row)) = source.next_if(in_group) {
                rows.push(row);
            }
            rows
        });
        Group {
            rows: rows.collect(),
        }
    }
}
