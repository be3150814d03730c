//! x
/// Version of the table layouts.
pub const SCHEMA_VERSION: u32 = 1;
