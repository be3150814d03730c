//! A numbered stream whose last items are kept.

use std::collections::VecDeque;

/// The last items of a stream, numbered without gaps and bounded by bytes.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    items: VecDeque<(T, usize)>,
    /// Number of the oldest item that is kept.
    first: u64,
    bytes: usize,
    max_bytes: usize,
}

impl<T: Clone> Ring<T> {
    /// An empty ring whose first item will have the number `first`.
    pub(crate) const fn new(first: u64, max_bytes: usize) -> Self {
        Self {
            items: VecDeque::new(),
            first,
            bytes: 0,
            max_bytes,
        }
    }

    /// Number of the oldest item that is kept.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// Number that the next item will get.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Appends an item of about `bytes` bytes; the oldest make room. The newest is always kept.
    pub(crate) fn push(&mut self, item: T, bytes: usize) {
        self.items.push_back((item, bytes));
        self.bytes += bytes;
        while self.bytes > self.max_bytes && self.items.len() > 1 {
            if let Some((_, freed)) = self.items.pop_front() {
                self.bytes -= freed;
                self.first += 1;
            }
        }
    }

    /// Forgets everything and goes on with `next`, if that is ahead.
    pub(crate) fn restart(&mut self, next: u64) {
        self.first = self.next().max(next);
        self.items = VecDeque::new();
        self.bytes = 0;
    }

    /// At most `max` items from number `from` on; `None` if that one is forgotten, or further
    /// ahead than the next.
    pub(crate) fn since(&self, from: u64, max: usize) -> Option<Vec<T>> {
        let skip = usize::try_from(from.checked_sub(self.first)?).ok()?;
        if skip > self.items.len() {
            return None;
        }
        let items = self.items.range(skip..).take(max);
        Some(items.map(|(item, _)| item.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_have_no_gaps_and_bytes_are_bounded(
            sizes in proptest::collection::vec(1usize..50, 1..100),
            restart in any::<proptest::sample::Index>(),
        ) {
            let mut ring = Ring::new(7, 100);
            let mut number = 7;
            for (index, size) in sizes.iter().enumerate() {
                if index == restart.index(sizes.len()) {
                    number += 5;
                    ring.restart(number);
                }
                prop_assert_eq!(ring.next(), number);
                ring.push(number, *size);
                number += 1;
                prop_assert!(ring.bytes <= 100);
                prop_assert_eq!(ring.since(ring.first(), 1), Some(vec![ring.first()]));
                prop_assert_eq!(ring.since(number, 9), Some(vec![]));
                prop_assert_eq!(ring.since(number + 1, 9), None);
                prop_assert_eq!(ring.since(ring.first() - 1, 9), None);
                let all = ring.since(ring.first(), usize::MAX).unwrap();
                prop_assert!(all.into_iter().eq(ring.first()..number));
            }
        }
    }
}
