//! Revert data to text.

use alloy_primitives::{U256, hex};

/// Selector of `Error(string)`.
const ERROR: [u8; 4] = hex!("08c379a0");
/// Selector of `Panic(uint256)`.
const PANIC: [u8; 4] = hex!("4e487b71");

/// Text of `Error(string)` and `Panic(uint256)` revert data, as geth gives it; `None` for custom
/// errors and anything malformed.
///
/// # Examples
/// Data of `revert("no")` gives `no`, of a failed assertion `assert(false)`.
pub fn decode_revert_reason(data: &[u8]) -> Option<String> {
    let (selector, body) = data.split_first_chunk::<4>()?;
    match *selector {
        ERROR => {
            let offset = usize::try_from(word(body, 0)?).ok()?;
            let len = usize::try_from(word(body, offset)?).ok()?;
            let start = offset.checked_add(32)?;
            let text = body.get(start..start.checked_add(len)?)?;
            Some(String::from_utf8_lossy(text).into_owned())
        }
        PANIC => Some(describe_panic(word(body, 0)?)),
        _ => None,
    }
}

fn word(body: &[u8], offset: usize) -> Option<U256> {
    let bytes = body.get(offset..offset.checked_add(32)?)?;
    Some(U256::from_be_slice(bytes))
}

fn describe_panic(code: U256) -> String {
    let known = match u8::try_from(code).ok() {
        Some(0x00) => "generic panic",
        Some(0x01) => "assert(false)",
        Some(0x11) => "arithmetic underflow or overflow",
        Some(0x12) => "division or modulo by zero",
        Some(0x21) => "enum overflow",
        Some(0x22) => "invalid encoded storage byte array accessed",
        Some(0x31) => "out-of-bounds array access; popping on an empty array",
        Some(0x32) => "out-of-bounds access of an array or bytesN",
        Some(0x41) => "out of memory",
        Some(0x51) => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_data(offset: u64, len: u64, text: &[u8]) -> Vec<u8> {
        let mut data = ERROR.to_vec();
        data.extend(U256::from(offset).to_be_bytes::<32>());
        data.extend(U256::from(len).to_be_bytes::<32>());
        data.extend(text);
        data
    }

    #[test]
    fn decodes_error_and_panic() {
        let data = error_data(32, 5, b"sorry");
        assert_eq!(decode_revert_reason(&data).as_deref(), Some("sorry"));
        let mut panic = PANIC.to_vec();
        panic.extend(U256::from(0x11).to_be_bytes::<32>());
        let reason = decode_revert_reason(&panic);
        assert_eq!(reason.as_deref(), Some("arithmetic underflow or overflow"));
    }

    #[test]
    fn malformed_or_custom_data_has_no_reason() {
        assert_eq!(decode_revert_reason(&[]), None);
        assert_eq!(decode_revert_reason(&[1, 2, 3, 4, 5]), None);
        assert_eq!(decode_revert_reason(&error_data(32, 6, b"sorry")), None);
        assert_eq!(
            decode_revert_reason(&error_data(u64::MAX, 5, b"sorry")),
            None
        );
        let mut huge = error_data(32, 5, b"sorry");
        huge[4..36].fill(0xff);
        assert_eq!(decode_revert_reason(&huge), None);
    }
}
