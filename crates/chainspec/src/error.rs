//! Why a genesis file is refused.

/// Why a genesis file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainSpecError {
    /// The file cannot be read.
    #[error("cannot read genesis file {path}")]
    Read {
        /// Path as given.
        path: std::path::PathBuf,
        /// Reason.
        #[source]
        source: std::io::Error,
    },
}
