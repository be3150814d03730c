//! A hint to the processor, and the only unsafe code of the crate.
#![allow(unsafe_code)]

/// Asks for the cache line at `value` before it is needed. Changes nothing but time.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching needs no more than SSE, which every x86-64 has, and neither reads
        // nor faults; the address is that of a live reference anyway.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
