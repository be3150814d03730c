//! What the CPU can do.

/// The instructions that compute the hashes. The digests are the same with all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// One message at a time, in safe code, everywhere.
    Scalar,
    /// Four messages at a time, on x86-64 CPUs with AVX2.
    Avx2,
    /// Eight messages at a time, on x86-64 CPUs with AVX-512F.
    Avx512,
}

impl Backend {
    /// All backends, the one with the fewest lanes first.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// Returns the backend with the most lanes that this CPU can run.
    ///
    /// The CPU is asked once per process; later calls cost a load. Without the feature `std` it is
    /// always [`Scalar`](Self::Scalar).
    #[inline]
    pub fn detect() -> Self {
        if Self::Avx512.is_available() {
            Self::Avx512
        } else if Self::Avx2.is_available() {
            Self::Avx2
        } else {
            Self::Scalar
        }
    }

    /// Returns `true` if this CPU can run the backend.
    #[inline]
    pub fn is_available(self) -> bool {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        match self {
            Self::Scalar => true,
            Self::Avx2 => crate::avx2::Token::new().is_some(),
            Self::Avx512 => crate::avx512::Token::new().is_some(),
        }
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        matches!(self, Self::Scalar)
    }

    /// Messages that are hashed at a time.
    #[inline]
    pub const fn lanes(self) -> usize {
        match self {
            Self::Scalar => 1,
            Self::Avx2 => 4,
            Self::Avx512 => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Backend;

    #[test]
    fn detects_the_widest_available_backend() {
        let detected = Backend::detect();
        assert!(detected.is_available());
        for backend in Backend::ALL {
            assert!(!backend.is_available() || backend.lanes() <= detected.lanes());
        }
        assert!(Backend::Scalar.is_available());
    }
}
