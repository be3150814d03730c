//! What it means that the rollup contract refuses something.

use alloy_primitives::Address;
use alloy_sol_types::SolError;
use aura_bindings::{is_error, revert_text, rollup::AuraRollup};

/// Why a transaction of ours was refused, by what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another batch, or another root, came first: what the watcher sees next says more.
    Overtaken,
    /// The batch is too old, or its last block younger than the L1 block.
    Time,
    /// The anchor is too old, or not of this L1 chain.
    Anchor,
    /// The queue is another one.
    Queue,
    /// An entry must be consumed first.
    Overdue(u64),
    /// No more batches, no more roots.
    Frozen,
    /// Not final yet, or final already.
    NotNow,
    /// The operator has to do something.
    Operator,
}

impl Refusal {
    /// The word in logs and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Overtaken => "overtaken",
            Self::Time => "time",
            Self::Anchor => "anchor",
            Self::Queue => "queue",
            Self::Overdue(_) => "overdue",
            Self::Frozen => "frozen",
            Self::NotNow => "not_now",
            Self::Operator => "operator",
        }
    }

    /// Reads revert data.
    pub(crate) fn read(data: &[u8]) -> Self {
        use AuraRollup as R;
        type Is = fn(&[u8]) -> bool;
        if let Ok(overdue) = R::ForcedEntryOverdue::abi_decode(data) {
            return Self::Overdue(overdue.id);
        }
        let names: [(Is, Self); 10] = [
            (is_error::<R::WrongParent>, Self::Overtaken),
            (is_error::<R::UnknownBatch>, Self::Overtaken),
            (is_error::<R::NotIncreasing>, Self::Overtaken),
            (is_error::<R::BadTime>, Self::Time),
            (is_error::<R::BadAnchor>, Self::Anchor),
            (is_error::<R::BadQueue>, Self::Queue),
            (is_error::<R::Frozen>, Self::Frozen),
            (is_error::<R::TooSoon>, Self::NotNow),
            (is_error::<R::WrongStatus>, Self::NotNow),
            (is_error::<R::NotCodelessEOA>, Self::Operator),
        ];
        names
            .into_iter()
            .find(|(matches, _)| matches(data))
            .map_or(Self::Operator, |(_, refusal)| refusal)
    }
}

/// Says in the log what was refused and, where the operator has to act, what to do.
pub(crate) fn report(
    what: &'static str,
    account: Address,
    rollup: Address,
    data: &[u8],
    message: &str,
) {
    let refusal = Refusal::read(data);
    let reason = revert_text(data);
    crate::metrics::refused(what, refusal);
    if refusal == Refusal::Frozen {
        tracing::error!(what, %rollup, "the rollup is frozen for ever: nothing is posted any more");
    } else if is_error::<AuraRollup::AccessControlUnauthorizedAccount>(data) {
        tracing::error!(
            what, %account, %rollup, reason,
            "the account has no role on the rollup: grant it, or configure another key"
        );
    } else if is_error::<AuraRollup::NotCodelessEOA>(data) {
        tracing::error!(
            what, %account, %rollup,
            "the account has code (EIP-7702): batches are taken of plain accounts only"
        );
    } else if refusal == Refusal::Operator {
        tracing::error!(what, %account, %rollup, reason, message, "refused by the contract on L1");
    } else {
        tracing::warn!(what, reason, "refused by the contract on L1");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_contract_say_what_helps() {
        use AuraRollup as R;
        let cases = [
            (R::WrongParent {}.abi_encode(), Refusal::Overtaken),
            (R::UnknownBatch {}.abi_encode(), Refusal::Overtaken),
            (R::BadTime {}.abi_encode(), Refusal::Time),
            (R::BadAnchor {}.abi_encode(), Refusal::Anchor),
            (R::BadQueue {}.abi_encode(), Refusal::Queue),
            (R::Frozen {}.abi_encode(), Refusal::Frozen),
            (R::TooSoon {}.abi_encode(), Refusal::NotNow),
            (R::NotCodelessEOA {}.abi_encode(), Refusal::Operator),
            (
                R::ForcedEntryOverdue { id: 9 }.abi_encode(),
                Refusal::Overdue(9),
            ),
            (Vec::new(), Refusal::Operator),
            (vec![1, 2, 3, 4], Refusal::Operator),
        ];
        for (data, want) in cases {
            assert_eq!(Refusal::read(&data), want, "{data:?}");
        }
    }
}
