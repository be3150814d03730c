//! A valid request of every method, on the chain that the run has made.

use super::rng::Rng;
use serde_json::Value;

/// What the placeholders of the templates stand for.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// An account with transactions.
    pub(super) account: String,
    /// A contract with storage, and logs.
    pub(super) contract: String,
    /// Hash of a block with transactions.
    pub(super) block: String,
    /// Its number.
    pub(super) number: String,
    /// Hash of a transaction in it.
    pub(super) transaction: String,
    /// Call data that the contract understands.
    pub(super) input: String,
    /// Topic of the contract's logs.
    pub(super) topic: String,
    /// Signed transactions, some of which wait for a nonce.
    pub(super) raw: Vec<String>,
}

/// Methods with parameters; `$` marks what [`Facts`] know. A line is a case; without a list the method
/// takes no parameters.
const TEMPLATES: &[&str] = &[
    "net_version",
    "net_listening",
    "net_peerCount",
    "rpc_modules",
    "web3_clientVersion",
    r#"web3_sha3 ["0x1234"]"#,
    "eth_chainId",
    "eth_blockNumber",
    "eth_syncing",
    "eth_accounts",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_baseFee",
    "eth_blobBaseFee",
    "eth_config",
    "eth_capabilities",
    "eth_coinbase",
    "eth_mining",
    "eth_hashrate",
    "eth_protocolVersion",
    r#"eth_feeHistory ["0x5","latest",[10,50,90]]"#,
    r#"eth_feeHistory [4,"$number",[]]"#,
    r#"eth_getBalance ["$account","latest"]"#,
    r#"eth_getBalance ["$account",{"blockHash":"$block","requireCanonical":true}]"#,
    r#"eth_getTransactionCount ["$account","pending"]"#,
    r#"eth_getCode ["$contract","$number"]"#,
    r#"eth_getStorageAt ["$contract","0x0","latest"]"#,
    r#"eth_getStorageValues [{"$contract":["0x0","0x1"]},"latest"]"#,
    r#"eth_getProof ["$contract",["0x0"],"latest"]"#,
    r#"eth_getAccount ["$account","latest"]"#,
    r#"eth_getAccountInfo ["$account","latest"]"#,
    r#"eth_getBlockByNumber ["$number",true]"#,
    r#"eth_getBlockByNumber ["pending",false]"#,
    r#"eth_getBlockByHash ["$block",false]"#,
    r#"eth_getHeaderByNumber ["$number"]"#,
    r#"eth_getHeaderByHash ["$block"]"#,
    r#"eth_getBlockReceipts ["$number"]"#,
    r#"eth_getBlockTransactionCountByNumber ["$number"]"#,
    r#"eth_getBlockTransactionCountByHash ["$block"]"#,
    r#"eth_getUncleCountByBlockNumber ["$number"]"#,
    r#"eth_getUncleCountByBlockHash ["$block"]"#,
    r#"eth_getUncleByBlockNumberAndIndex ["$number","0x0"]"#,
    r#"eth_getUncleByBlockHashAndIndex ["$block","0x0"]"#,
    r#"eth_getTransactionByHash ["$transaction"]"#,
    r#"eth_getTransactionByBlockHashAndIndex ["$block","0x0"]"#,
    r#"eth_getTransactionByBlockNumberAndIndex ["$number","0x0"]"#,
    r#"eth_getRawTransactionByHash ["$transaction"]"#,
    r#"eth_getRawTransactionByBlockHashAndIndex ["$block","0x0"]"#,
    r#"eth_getRawTransactionByBlockNumberAndIndex ["$number","0x0"]"#,
    r#"eth_getTransactionBySenderAndNonce ["$account","0x0"]"#,
    r#"eth_getTransactionReceipt ["$transaction"]"#,
    r#"eth_sendRawTransaction ["$raw"]"#,
    r#"eth_sendRawTransactionSync ["$raw",50]"#,
    r#"eth_call [{"from":"$account","to":"$contract","data":"$input"},"latest"]"#,
    r#"eth_call [{"to":"$contract","input":"$input","gas":"0x100000"},"$number",{"$contract":{"code":"0x60006000fd","balance":"0x1","nonce":"0x2","stateDiff":{"0x0000000000000000000000000000000000000000000000000000000000000000":"0x0000000000000000000000000000000000000000000000000000000000000001"}}},{"number":"0x10","time":"0xffffffff","baseFeePerGas":"0x1"}]"#,
    r#"eth_call [{"data":"0x5b5f56"},"pending"]"#,
    r#"eth_estimateGas [{"from":"$account","to":"$contract","data":"$input","value":"0x0"}]"#,
    r#"eth_fillTransaction [{"from":"$account","to":"$contract","data":"$input"}]"#,
    "hardhat_getAutomine",
    r#"eth_createAccessList [{"from":"$account","to":"$contract","data":"$input"},"latest"]"#,
    r#"eth_simulateV1 [{"blockStateCalls":[{"blockOverrides":{"number":"0x1000","baseFeePerGas":"0x0"},"stateOverrides":{"$account":{"balance":"0xffffffffffff"}},"calls":[{"from":"$account","to":"$contract","input":"$input"}]},{"calls":[{"from":"$account","value":"0x1","to":"$account"}]}],"traceTransfers":true,"validation":false,"returnFullTransactions":true},"latest"]"#,
    r#"eth_getLogs [{"fromBlock":"0x0","toBlock":"latest","address":"$contract","topics":["$topic",null]}]"#,
    r#"eth_getLogs [{"blockHash":"$block"}]"#,
    r#"eth_newFilter [{"address":["$contract"],"topics":[["$topic"]]}]"#,
    "eth_newBlockFilter",
    r#"eth_newPendingTransactionFilter [true]"#,
    r#"eth_getFilterChanges ["0x1"]"#,
    r#"eth_getFilterLogs ["0x1"]"#,
    r#"eth_uninstallFilter ["0x1"]"#,
    r#"eth_subscribe ["newHeads"]"#,
    r#"eth_subscribe ["newHeads",{"fromBlock":"0x0"}]"#,
    r#"eth_subscribe ["logs",{"address":"$contract","topics":["$topic"],"fromBlock":"0x0"}]"#,
    r#"eth_subscribe ["newPendingTransactions",true]"#,
    r#"eth_subscribe ["syncing"]"#,
    r#"eth_unsubscribe ["0x1234"]"#,
    r#"aura_subscribe ["preconfirmations"]"#,
    r#"aura_unsubscribe ["0x1234"]"#,
    r#"aura_stateRoot ["latest"]"#,
    r#"aura_getProof ["$contract",["0x0","0x1"],"latest"]"#,
    r#"aura_transactionStatus ["$transaction"]"#,
    r#"aura_getWithdrawalProof ["0x0","0x1"]"#,
    r#"aura_withdrawalStatus ["$transaction"]"#,
    r#"aura_getExitProof ["$account","$contract"]"#,
    r#"aura_depositStatus ["0x0"]"#,
    "aura_bridgeStatus",
    "txpool_status",
    "txpool_content",
    "txpool_inspect",
    r#"txpool_contentFrom ["$account"]"#,
    r#"debug_getRawHeader ["$number"]"#,
    r#"debug_getRawBlock ["$number"]"#,
    r#"debug_getRawReceipts ["$block"]"#,
    r#"debug_getRawTransaction ["$transaction"]"#,
    "debug_getBadBlocks",
    "debug_chainConfig",
    r#"debug_getRawTransactions ["$number"]"#,
    r#"debug_codeByHash ["$block"]"#,
    "eth_pendingTransactions",
    "eth_txGasLimitCap",
    r#"erigon_getHeaderByNumber ["$number"]"#,
    r#"debug_traceTransaction ["$transaction",{"enableMemory":true,"enableReturnData":true,"limit":50}]"#,
    r#"debug_traceTransaction ["$transaction",{"tracer":"callTracer","tracerConfig":{"withLog":true,"onlyTopCall":false}}]"#,
    r#"debug_traceTransaction ["$transaction",{"tracer":"muxTracer","tracerConfig":{"callTracer":{},"4byteTracer":null,"flatCallTracer":{}}}]"#,
    r#"debug_traceBlockByNumber ["$number",{"tracer":"prestateTracer","tracerConfig":{"diffMode":true}}]"#,
    r#"debug_traceBlockByHash ["$block",{"tracer":"4byteTracer"}]"#,
    r#"debug_traceBlock ["0xf90200"]"#,
    r#"debug_traceCall [{"from":"$account","to":"$contract","data":"$input"},"latest",{"tracer":"callTracer","stateOverrides":{"$contract":{"code":"0x5b5f56"}},"blockOverrides":{"number":"0x10"}}]"#,
    r#"debug_traceCallMany [[{"transactions":[{"to":"$contract","data":"$input"}]}],{"blockNumber":"latest"},{"tracer":"callTracer"}]"#,
    r#"debug_storageRangeAt ["$block",0,"$contract","0x0",10]"#,
    r#"debug_accountRange ["$number","0x0",10,false,false,false]"#,
    r#"trace_block ["$number"]"#,
    r#"trace_transaction ["$transaction"]"#,
    r#"trace_get ["$transaction",["0x0"]]"#,
    r#"trace_call [{"from":"$account","to":"$contract","data":"$input"},["trace","stateDiff","vmTrace"],"latest"]"#,
    r#"trace_callMany [[[{"to":"$contract","data":"$input"},["trace"]]],"latest"]"#,
    r#"trace_rawTransaction ["$raw",["trace"]]"#,
    r#"trace_replayTransaction ["$transaction",["trace","stateDiff"]]"#,
    r#"trace_replayBlockTransactions ["$number",["trace"]]"#,
    r#"trace_filter [{"fromBlock":"0x0","toBlock":"latest","toAddress":["$contract"],"after":0,"count":5}]"#,
    "ots_getApiLevel",
    r#"ots_hasCode ["$contract","latest"]"#,
    r#"ots_getBlockDetails ["$number"]"#,
    r#"ots_getBlockDetailsByHash ["$block"]"#,
    r#"ots_getBlockTransactions ["$number",0,25]"#,
    r#"ots_getHeaderByNumber ["$number"]"#,
    r#"ots_getInternalOperations ["$transaction"]"#,
    r#"ots_getTransactionError ["$transaction"]"#,
    r#"ots_traceTransaction ["$transaction"]"#,
    r#"ots_searchTransactionsBefore ["$account",0,25]"#,
    r#"ots_searchTransactionsAfter ["$account",0,25]"#,
    r#"ots_getTransactionBySenderAndNonce ["$account",0]"#,
    r#"ots_getContractCreator ["$contract"]"#,
    r#"testing_buildBlockV1 ["$block",{"timestamp":"0xffffffff","prevRandao":"$block","suggestedFeeRecipient":"$account","withdrawals":[],"parentBeaconBlockRoot":"$block"},["$raw"],"0x"]"#,
];

/// Requests to start from.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    requests: Vec<(&'static str, Value)>,
}

impl Corpus {
    pub(super) fn new(facts: &Facts) -> Self {
        let mut requests = Vec::new();
        for template in TEMPLATES {
            let (method, params) = template.split_once(' ').unwrap_or((template, "[]"));
            let filled = params
                .replace("$account", &facts.account)
                .replace("$contract", &facts.contract)
                .replace("$block", &facts.block)
                .replace("$number", &facts.number)
                .replace("$transaction", &facts.transaction)
                .replace("$input", &facts.input)
                .replace("$topic", &facts.topic);
            for raw in &facts.raw {
                let filled = filled.replace("$raw", raw);
                let params = serde_json::from_str(&filled).expect("the templates are JSON");
                requests.push((method, params));
                if !params_have_raw(template) {
                    break;
                }
            }
        }
        Self { requests }
    }

    /// One of the requests, as it is.
    pub(super) fn valid(&self, rng: &mut Rng) -> (&'static str, &Value) {
        let (method, params) = rng.pick(&self.requests);
        (method, params)
    }
}

fn params_have_raw(template: &str) -> bool {
    template.contains("$raw")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    impl Corpus {
        pub(in super::super) fn example() -> Self {
            let hash = format!("0x{}", "ab".repeat(32));
            Self::new(&Facts {
                account: format!("0x{}", "11".repeat(20)),
                contract: format!("0x{}", "22".repeat(20)),
                block: hash.clone(),
                number: "0x2".to_owned(),
                transaction: hash.clone(),
                input: "0x1234".to_owned(),
                topic: hash,
                raw: vec!["0x02".to_owned(), "0x03".to_owned()],
            })
        }
    }

    #[test]
    fn the_placeholders_are_all_filled() {
        let corpus = Corpus::example();
        assert!(corpus.requests.len() > TEMPLATES.len());
        for (method, params) in &corpus.requests {
            assert!(!params.to_string().contains('$'), "{method} {params}");
        }
    }

    #[test]
    fn every_documented_method_is_in_the_corpus() {
        let known: BTreeSet<_> = TEMPLATES
            .iter()
            .filter_map(|template| template.split(' ').next())
            .collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rpc");
        let mut checked = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            // They have listeners of their own, which are not for everybody.
            if name == "admin" || name == "engine" {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for heading in text.lines().filter_map(|line| line.strip_prefix("### `")) {
                let method = heading.split('`').next().unwrap();
                assert!(known.contains(method), "{method} of {name}.md");
                checked += 1;
            }
        }
        assert!(checked > 40, "{checked}");
    }
}
