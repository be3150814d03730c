//! Compression: any stream within the limits in, one setting out.

use alloc::{boxed::Box, vec, vec::Vec};

use alloc_no_stdlib::{Allocator, SliceWrapper, SliceWrapperMut};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState};

use crate::BatchFault;

/// Most bytes of a payload.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;
/// Most bytes of a body.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// The body grows by this much while it is decompressed.
const STEP: usize = 64 << 10;

/// Memory of the decoder.
struct Memory<T>(Box<[T]>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> SliceWrapper<T> for Memory<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Memory<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

#[derive(Clone, Copy)]
struct Heap;

impl<T: Clone + Default> Allocator<T> for Heap {
    type AllocatedMemory = Memory<T>;

    fn alloc_cell(&mut self, len: usize) -> Memory<T> {
        Memory(vec![T::default(); len].into_boxed_slice())
    }

    fn free_cell(&mut self, _: Memory<T>) {}
}

/// Whether the stream's first bits declare a window of 23 or 24 bits. (Larger ones are an extension
/// that the decoder refuses.)
fn has_large_window(stream: &[u8]) -> bool {
    matches!(stream.first().map(|first| first & 0x0f), Some(0x0d | 0x0f))
}

/// Decompresses a stream that ends exactly where `stream` ends.
pub(crate) fn decompress(stream: &[u8]) -> Result<Vec<u8>, BatchFault> {
    if has_large_window(stream) {
        return Err(BatchFault::Window);
    }
    let mut state = BrotliState::<Heap, Heap, Heap>::new_strict(Heap, Heap, Heap);
    let mut available_in = stream.len();
    let mut at_in = 0;
    let mut total = 0;
    let mut body = Vec::new();
    loop {
        // One byte more than may come, so that a body that is too long shows.
        let grown = (body.len() + STEP).min(MAX_BODY_BYTES + 1);
        let mut available_out = grown - body.len();
        let mut at_out = body.len();
        body.resize(grown, 0);
        let result = BrotliDecompressStream(
            &mut available_in,
            &mut at_in,
            stream,
            &mut available_out,
            &mut at_out,
            &mut body,
            &mut total,
            &mut state,
        );
        body.truncate(at_out);
        if body.len() > MAX_BODY_BYTES {
            return Err(BatchFault::BodyLength);
        }
        match result {
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultSuccess if available_in == 0 => return Ok(body),
            BrotliResult::ResultSuccess => return Err(BatchFault::TrailingInput(available_in)),
            // All of the input was there from the start.
            BrotliResult::NeedsMoreInput | BrotliResult::ResultFailure => {
                return Err(BatchFault::Brotli);
            }
        }
    }
}

/// Appends the compressed `body` to `out`.
#[cfg(feature = "std")]
pub(crate) fn compress(mut body: &[u8], out: &mut Vec<u8>) {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 10,
        lgwin: 22,
        size_hint: body.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut body, out, &params).expect("memory takes and gives every byte");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(body: &[u8], quality: i32, window: i32) -> Vec<u8> {
        let params = brotli::enc::BrotliEncoderParams {
            quality,
            lgwin: window,
            ..Default::default()
        };
        let mut out = Vec::new();
        brotli::BrotliCompress(&mut &body[..], &mut out, &params).unwrap();
        out
    }

    #[test]
    fn every_quality_and_window_up_to_22_is_read() {
        let body: Vec<u8> = (0..200_000_u32)
            .flat_map(|i| (i / 7).to_le_bytes())
            .collect();
        for quality in [0, 1, 5, 9, 10] {
            assert_eq!(decompress(&compressed(&body, quality, 22)).unwrap(), body);
        }
        for window in [10, 16, 17, 18, 21] {
            assert_eq!(decompress(&compressed(&body, 5, window)).unwrap(), body);
        }
        assert_eq!(decompress(&compressed(&[], 10, 22)), Ok(Vec::new()));
    }

    #[test]
    fn larger_windows_are_refused() {
        let body = vec![7; 9 << 20];
        for window in [23, 24] {
            let stream = compressed(&body, 5, window);
            assert_eq!(decompress(&stream), Err(BatchFault::Window), "{window}");
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit_and_not_below() {
        let exact = compressed(&vec![0; MAX_BODY_BYTES], 5, 22);
        assert_eq!(decompress(&exact).unwrap().len(), MAX_BODY_BYTES);
        for more in [1, 48 << 20] {
            let bomb = compressed(&vec![0; MAX_BODY_BYTES + more], 5, 22);
            assert!(bomb.len() < 1_000);
            assert_eq!(decompress(&bomb), Err(BatchFault::BodyLength));
        }
    }

    #[test]
    fn a_stream_is_read_whole_and_alone() {
        let stream = compressed(b"the quick brown fox", 10, 22);
        let longer = [&stream[..], &[0, 0]].concat();
        assert_eq!(decompress(&longer), Err(BatchFault::TrailingInput(2)));
        for len in 0..stream.len() {
            assert_eq!(decompress(&stream[..len]), Err(BatchFault::Brotli), "{len}");
        }
    }
}
