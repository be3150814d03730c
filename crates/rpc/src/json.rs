//! Large answers as JSON text, written on the thread that computed them.

use std::io;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::errors::Fault;

/// Bytes that are refused as soon as they exceed a limit, so that no answer grows beyond it.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Capped {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if part.len() > self.limit - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `value` as JSON text of at most `limit` bytes.
///
/// Jobs on pool threads return their results in this form: what remains for the thread of the
/// connection is to copy bytes.
pub(crate) fn to_json<T: Serialize>(value: &T, limit: usize) -> Result<Box<RawValue>, Fault> {
    let mut capped = Capped {
        bytes: Vec::with_capacity(1 << 10),
        limit,
    };
    serde_json::to_writer(&mut capped, value).map_err(|error| {
        if error.is_io() {
            Fault::Limit(format!("response exceeds {limit} bytes"))
        } else {
            Fault::Inconsistent("a result that JSON cannot express")
        }
    })?;
    String::from_utf8(capped.bytes)
        .ok()
        .and_then(|text| RawValue::from_string(text).ok())
        .ok_or(Fault::Inconsistent("a result that is no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_over_the_limit_is_refused() {
        let value = ["0x1", "0x2"];
        assert_eq!(to_json(&value, 13).unwrap().get(), r#"["0x1","0x2"]"#);
        assert!(matches!(to_json(&value, 12), Err(Fault::Limit(_))));
        assert!(matches!(to_json(&value, 0), Err(Fault::Limit(_))));
    }
}
