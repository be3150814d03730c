//! What a call costs its client, in units of one point read.
//!
//! The weights follow what calls cost at their worst within their own limits, not on average: a
//! client that is let through must not be able to keep a pool's threads busy alone. The same table
//! stands in `docs/rpc/limits.md`, and a test compares the two.

use std::collections::HashMap;

/// Weight of a request that names no method which the node has.
pub(crate) const UNKNOWN: u32 = 1;

/// Methods by weight. A name that ends with `_` stands for all methods of the namespace that are
/// not named.
#[rustfmt::skip]
const TABLE: &[(u32, &[&str])] = &[
    // A few µs on the connection's thread.
    (1, &["eth_", "net_", "web3_", "rpc_", "admin_", "engine_", "hardhat_"]),
    // An object per request, kept for as long as the client likes, or several reads.
    (2, &[
        "aura_", "txpool_", "eth_getStorageValues", "eth_newFilter", "eth_newBlockFilter",
        "eth_newPendingTransactionFilter",
    ]),
    // A signature to recover, an execution, or a whole block to read and write down.
    (5, &[
        "ots_", "eth_call", "eth_sendRawTransaction", "eth_sendRawTransactionSync",
        "eth_getBlockByHash", "eth_getBlockByNumber", "eth_subscribe", "debug_getRawBlock",
        "debug_getRawHeader", "debug_getRawTransaction", "eth_getProof", "aura_getProof",
        "txpool_contentFrom", "eth_getFilterChanges", "eth_getAccount",
        "eth_getTransactionBySenderAndNonce", "aura_subscribe",
    ]),
    // Several executions, or all receipts of a block or of many blocks.
    (10, &[
        "eth_estimateGas", "eth_createAccessList", "eth_fillTransaction", "eth_getBlockReceipts",
        "eth_feeHistory",
        "debug_getRawReceipts", "ots_getBlockDetails", "ots_getBlockDetailsByHash",
        "ots_getBlockTransactions",
    ]),
    // A search, the whole pool, or many executions.
    (25, &[
        "debug_", "eth_getLogs", "eth_getFilterLogs", "eth_simulateV1", "txpool_content",
        "txpool_inspect",
    ]),
    // One transaction traced, with those before it in its block; or a search by account.
    (50, &[
        "trace_", "testing_", "debug_traceTransaction", "debug_traceCall", "ots_getInternalOperations",
        "ots_getTransactionError", "ots_traceTransaction", "ots_searchTransactionsAfter",
        "ots_searchTransactionsBefore", "ots_getTransactionBySenderAndNonce",
        "ots_getContractCreator",
    ]),
    // Whole blocks traced.
    (200, &[
        "debug_traceBlock", "debug_traceBlockByHash", "debug_traceBlockByNumber",
        "debug_traceCallMany", "debug_traceChain", "trace_block", "trace_callMany", "trace_filter",
        "trace_replayBlockTransactions",
    ]),
];

/// Weights of the methods that a server has.
#[derive(Debug)]
pub(crate) struct Weights(HashMap<&'static str, u32>);

impl Weights {
    pub(crate) fn new(methods: impl Iterator<Item = &'static str>) -> Self {
        Self(methods.map(|name| (name, weight(name))).collect())
    }

    /// What a call of `method` costs.
    pub(crate) fn of(&self, method: &str) -> u64 {
        u64::from(self.0.get(method).copied().unwrap_or(UNKNOWN))
    }
}

fn weight(method: &str) -> u32 {
    let namespace = method.find('_').map_or("", |end| &method[..=end]);
    let listed = |wanted: &str| {
        let mut rows = TABLE.iter();
        rows.find_map(|(weight, names)| names.contains(&wanted).then_some(*weight))
    };
    listed(method)
        .or_else(|| listed(namespace))
        .unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_has_its_own_weight_or_that_of_its_namespace() {
        assert_eq!(weight("eth_getBalance"), 1);
        assert_eq!(weight("eth_getLogs"), 25);
        assert_eq!(weight("debug_traceBlockByNumber"), 200);
        assert_eq!(weight("debug_setHead"), 25);
        assert_eq!(weight("nonsense"), UNKNOWN);
        let weights = Weights::new(["eth_call"].into_iter());
        assert_eq!((weights.of("eth_call"), weights.of("eth_none")), (5, 1));
    }

    #[test]
    fn no_name_stands_twice_and_weights_rise() {
        let mut seen = std::collections::HashSet::new();
        for name in TABLE.iter().flat_map(|(_, names)| *names) {
            assert!(seen.insert(name), "{name}");
        }
        assert!(TABLE.is_sorted_by_key(|(weight, _)| *weight));
        assert!(TABLE[0].0 > 0, "nothing is free");
    }

    #[test]
    fn the_documentation_has_the_same_table() {
        let page = include_str!("../../../docs/rpc/limits.md");
        for (weight, names) in TABLE {
            let names: Vec<_> = names
                .iter()
                .map(|name| match name.strip_suffix('_') {
                    Some(_) => format!("`{name}*`"),
                    None => format!("`{name}`"),
                })
                .collect();
            let row = format!("| {weight} | {} |", names.join(", "));
            assert!(
                page.contains(&row),
                "docs/rpc/limits.md lacks the row\n{row}"
            );
        }
        let rows = page.lines().filter(|line| {
            let first = line.strip_prefix("| ").and_then(|rest| rest.chars().next());
            first.is_some_and(|c| c.is_ascii_digit())
        });
        assert_eq!(
            rows.count(),
            TABLE.len(),
            "rows of weights that are not true"
        );
    }
}
