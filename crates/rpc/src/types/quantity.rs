//! Numbers as JSON-RPC writes them: hex without leading zeros.

use alloy_primitives::U256;
use serde::{Serialize, Serializer};

/// A number that serialises as `"0x…"` without allocating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity<T>(pub(crate) T);

/// Writes `value` as hex at the end of `buffer` and returns the used part.
fn write_hex(mut value: u128, buffer: &mut [u8; 34]) -> &str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut at = buffer.len();
    loop {
        at -= 1;
        // Widening from a nibble; the index is below 16.
        buffer[at] = DIGITS[(value & 0xf) as usize];
        value >>= 4;
        if value == 0 {
            break;
        }
    }
    at -= 2;
    buffer[at..at + 2].copy_from_slice(b"0x");
    std::str::from_utf8(&buffer[at..]).expect("hex is ascii")
}

impl Serialize for Quantity<u64> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Quantity(u128::from(self.0)).serialize(serializer)
    }
}

impl Serialize for Quantity<usize> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Quantity(self.0 as u128).serialize(serializer)
    }
}

impl Serialize for Quantity<u128> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(write_hex(self.0, &mut [0; 34]))
    }
}

impl Serialize for Quantity<U256> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u128::try_from(self.0) {
            Ok(small) => Quantity(small).serialize(serializer),
            // ruint writes minimal hex too, but through `fmt`.
            Err(_) => self.0.serialize(serializer),
        }
    }
}

impl<T: Copy> Serialize for Quantity<Option<T>>
where
    Quantity<T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(value) => Quantity(value).serialize(serializer),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_is_one_digit() {
        assert_eq!(serde_json::to_string(&Quantity(0u64)).unwrap(), "\"0x0\"");
        assert_eq!(
            serde_json::to_string(&Quantity(Option::<u64>::None)).unwrap(),
            "null"
        );
    }

    proptest! {
        #[test]
        fn equals_minimal_hex(value: u128, wide: [u64; 4]) {
            prop_assert_eq!(
                serde_json::to_string(&Quantity(value)).unwrap(),
                format!("\"{value:#x}\"")
            );
            let wide = U256::from_limbs(wide);
            prop_assert_eq!(
                serde_json::to_string(&Quantity(wide)).unwrap(),
                format!("\"{wide:#x}\"")
            );
        }
    }
}
