//! The error of this crate. Written by hand so that the crate needs no other.

use core::{error::Error, fmt};

use crate::MAX_LEN;

/// Why [`keccak256_slices`](crate::keccak256_slices) refused its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LengthError {
    /// There is not one place for each digest.
    Outputs {
        /// Number of messages.
        messages: usize,
        /// Number of places for digests.
        outputs: usize,
    },
    /// The messages are longer than [`MAX_LEN`].
    TooLong {
        /// Length of the first message in bytes.
        length: usize,
    },
    /// A message is not as long as the first one.
    Unequal {
        /// Index of the message.
        index: usize,
        /// Its length in bytes.
        length: usize,
        /// Length of the first message in bytes.
        expected: usize,
    },
}

impl fmt::Display for LengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outputs { messages, outputs } => {
                write!(f, "{messages} messages, but room for {outputs} digests")
            }
            Self::TooLong { length } => {
                write!(
                    f,
                    "messages of {length} bytes, at most {MAX_LEN} are possible"
                )
            }
            Self::Unequal {
                index,
                length,
                expected,
            } => {
                write!(
                    f,
                    "message {index} has {length} bytes, the first one {expected}"
                )
            }
        }
    }
}

impl Error for LengthError {}
