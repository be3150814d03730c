//! JSON text of bounded length.

use std::io;

use alloy_primitives::{U256, hex};
use serde::Serialize;

use super::TraceError;

/// JSON text that grows until it is too long for an answer.
///
/// Traces are written as they arise: a tree of values would take several times their length.
#[derive(Debug)]
pub struct JsonText {
    bytes: Vec<u8>,
    max_bytes: usize,
}

impl JsonText {
    /// An empty text that may grow to `max_bytes`.
    pub const fn new(max_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            max_bytes,
        }
    }

    /// Bytes that still fit.
    pub const fn left(&self) -> usize {
        self.max_bytes.saturating_sub(self.bytes.len())
    }

    const fn too_large(&self) -> TraceError {
        TraceError::TooLarge {
            max_bytes: self.max_bytes,
        }
    }

    /// Appends JSON that is text already.
    ///
    /// # Errors
    /// [`TraceError::TooLarge`].
    pub fn push(&mut self, json: &[u8]) -> Result<(), TraceError> {
        if json.len() > self.left() {
            return Err(self.too_large());
        }
        self.bytes.extend_from_slice(json);
        Ok(())
    }

    /// Appends `value`.
    ///
    /// # Errors
    /// [`TraceError::TooLarge`].
    pub fn value(&mut self, value: &impl Serialize) -> Result<(), TraceError> {
        // Shapes of traces have string keys, so only the length can make this fail.
        let outcome = serde_json::to_writer(&mut *self, value);
        outcome.map_err(|_| self.too_large())
    }

    /// Appends a list of what `each` writes.
    ///
    /// # Errors
    /// The first of `each`, [`TraceError::TooLarge`].
    pub fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T) -> Result<(), TraceError>,
    ) -> Result<(), TraceError> {
        self.push(b"[")?;
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(b",")?;
            }
            each(self, item)?;
        }
        self.push(b"]")
    }

    /// The finished text.
    pub fn into_string(self) -> String {
        String::from_utf8(self.bytes).expect("only text is written")
    }
}

impl io::Write for JsonText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends a decimal number.
pub(super) fn push_decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        // A digit: the remainder is below ten.
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends `"0x…"` without leading zeros.
pub(super) fn push_quantity(out: &mut Vec<u8>, value: U256) {
    let mut digits = [0; 64];
    encode(&value.to_be_bytes::<32>(), &mut digits);
    let zeros = value.leading_zeros() / 4;
    out.extend_from_slice(b"\"0x");
    out.extend_from_slice(&digits[zeros.min(63)..]);
    out.push(b'"');
}

/// Appends `"0x…"` with all 64 digits; a shorter word is filled with zeros on the right.
pub(super) fn push_word(out: &mut Vec<u8>, word: &[u8]) {
    let mut padded = [0; 32];
    padded[..word.len()].copy_from_slice(word);
    let mut digits = [0; 64];
    encode(&padded, &mut digits);
    out.extend_from_slice(b"\"0x");
    out.extend_from_slice(&digits);
    out.push(b'"');
}

/// Appends `"0x…"` of bytes.
pub(super) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"\"0x");
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    hex::encode_to_slice(bytes, &mut out[start..]).expect("the slice has two digits per byte");
    out.push(b'"');
}

fn encode(bytes: &[u8; 32], digits: &mut [u8; 64]) {
    hex::encode_to_slice(bytes, digits).expect("64 digits hold 32 bytes");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let mut text = JsonText::new(6);
        text.list([1, 2], |text, item| text.value(&item)).unwrap();
        assert_eq!(text.left(), 1);
        assert!(matches!(
            text.value(&12),
            Err(TraceError::TooLarge { max_bytes: 6 })
        ));
        assert!(text.push(b"ab").is_err());
        assert_eq!(text.into_string(), "[1,2]");
    }

    #[test]
    fn zero_is_one_digit_and_words_are_filled_on_the_right() {
        assert_eq!(written(|out| push_quantity(out, U256::ZERO)), "\"0x0\"");
        assert_eq!(written(|out| push_bytes(out, &[])), "\"0x\"");
        let word = written(|out| push_word(out, &[0xab]));
        assert_eq!(word, format!("\"0xab{}\"", "0".repeat(62)));
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_formatted(wide: [u64; 4], small: u64, bytes: Vec<u8>) {
            for value in [U256::from_limbs(wide), U256::from(small)] {
                prop_assert_eq!(
                    written(|out| push_quantity(out, value)),
                    format!("\"{value:#x}\"")
                );
            }
            prop_assert_eq!(written(|out| push_decimal(out, small)), small.to_string());
            prop_assert_eq!(
                written(|out| push_bytes(out, &bytes)),
                format!("\"{}\"", hex::encode_prefixed(&bytes))
            );
        }
    }
}
