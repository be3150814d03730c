//! Accounts of senders, read from the database.

use alloy_primitives::Address;
use aura_primitives::HeadLabel;
use aura_storage::{Reader, StorageError, Store};

use crate::queue::SenderAccount;

/// Reads the account of a sender at the newest durable block, and that block's number.
pub(crate) fn read_sender(
    store: &Store,
    sender: Address,
) -> Result<(SenderAccount, u64), StorageError> {
    let reader = store.reader()?;
    let head = reader.head(HeadLabel::Unsafe)?.number;
    Ok((sender_account(&reader, sender)?, head))
}

/// Reads the account of a sender from a snapshot.
pub(crate) fn sender_account(
    reader: &Reader,
    sender: Address,
) -> Result<SenderAccount, StorageError> {
    let account = reader.account(sender)?.unwrap_or_default();
    let is_eoa = !account.has_code()
        || reader
            .code(account.code_hash)?
            .is_some_and(|code| is_delegation(&code));
    Ok(SenderAccount {
        nonce: account.nonce,
        balance: account.balance,
        is_eoa,
    })
}

/// Returns `true` if the code only names another account's (EIP-7702).
pub(crate) fn is_delegation(code: &[u8]) -> bool {
    code.len() == 23 && code.starts_with(&[0xef, 0x01, 0x00])
}
