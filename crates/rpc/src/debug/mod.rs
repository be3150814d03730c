//! `debug_*`: traces in geth's forms, and blocks as bytes.

mod options;
mod raw;
mod traces;

use jsonrpsee::core::RegisterMethodError;

use crate::methods::Table;

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.wait("debug_traceTransaction", 2, traces::transaction)?;
    table.wait("debug_traceBlockByNumber", 2, traces::block_by_number)?;
    table.wait("debug_traceBlockByHash", 2, traces::block_by_hash)?;
    table.wait("debug_traceBlock", 2, traces::block_by_rlp)?;
    table.wait("debug_traceCall", 3, traces::call)?;
    table.wait("debug_traceCallMany", 3, traces::call_many)?;
    table.read("debug_getRawHeader", 1, raw::header)?;
    table.wait("debug_getRawBlock", 1, raw::block)?;
    table.wait("debug_getRawReceipts", 1, raw::receipts)?;
    table.read("debug_getRawTransaction", 1, raw::transaction)?;
    table.wait("debug_getRawTransactions", 1, raw::transactions)?;
    table.read("debug_chainConfig", 0, raw::chain_config)?;
    table.read("debug_getBadBlocks", 0, raw::bad_blocks)?;
    table.read("debug_codeByHash", 2, raw::code_by_hash)
}
