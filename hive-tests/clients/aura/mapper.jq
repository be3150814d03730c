# Rewrites `config` of a genesis file from hive's HIVE_* variables.
# Usage: jq -f mapper.jq genesis.json, with the variables in the environment.

# Above 2^53 jq's numbers are no longer exact; the node takes decimal strings too.
def number: if . == null or . == "" then null elif length < 16 then tonumber else (tonumber | if . < 9007199254740992 then . else null end) // . end;
def flag: if . == null or . == "" then null else . == "1" end;

# An object without what was not set; `null` if nothing was.
def given: with_entries(select(.value != null)) | if length == 0 then null else . end;

def blobs($fork):
    { target: env["HIVE_\($fork)_BLOB_TARGET"] | number,
      max: env["HIVE_\($fork)_BLOB_MAX"] | number,
      baseFeeUpdateFraction: env["HIVE_\($fork)_BLOB_BASE_FEE_UPDATE_FRACTION"] | number }
    | given;

.config = ({
    chainId: (env.HIVE_CHAIN_ID | number),
    homesteadBlock: (env.HIVE_FORK_HOMESTEAD | number),
    daoForkBlock: (env.HIVE_FORK_DAO_BLOCK | number),
    daoForkSupport: (env.HIVE_FORK_DAO_VOTE | flag),
    eip150Block: (env.HIVE_FORK_TANGERINE | number),
    eip155Block: (env.HIVE_FORK_SPURIOUS | number),
    eip158Block: (env.HIVE_FORK_SPURIOUS | number),
    byzantiumBlock: (env.HIVE_FORK_BYZANTIUM | number),
    constantinopleBlock: (env.HIVE_FORK_CONSTANTINOPLE | number),
    petersburgBlock: (env.HIVE_FORK_PETERSBURG | number),
    istanbulBlock: (env.HIVE_FORK_ISTANBUL | number),
    muirGlacierBlock: (env.HIVE_FORK_MUIR_GLACIER | number),
    berlinBlock: (env.HIVE_FORK_BERLIN | number),
    londonBlock: (env.HIVE_FORK_LONDON | number),
    arrowGlacierBlock: (env.HIVE_FORK_ARROW_GLACIER | number),
    grayGlacierBlock: (env.HIVE_FORK_GRAY_GLACIER | number),
    mergeNetsplitBlock: (env.HIVE_MERGE_BLOCK_ID | number),
    terminalTotalDifficulty: (env.HIVE_TERMINAL_TOTAL_DIFFICULTY | number),
    terminalTotalDifficultyPassed: (env.HIVE_TERMINAL_TOTAL_DIFFICULTY_PASSED | flag),
    shanghaiTime: (env.HIVE_SHANGHAI_TIMESTAMP | number),
    cancunTime: (env.HIVE_CANCUN_TIMESTAMP | number),
    pragueTime: (env.HIVE_PRAGUE_TIMESTAMP | number),
    osakaTime: (env.HIVE_OSAKA_TIMESTAMP | number),
    amsterdamTime: (env.HIVE_AMSTERDAM_TIMESTAMP | number),
    bpo1Time: (env.HIVE_BPO1_TIMESTAMP | number),
    bpo2Time: (env.HIVE_BPO2_TIMESTAMP | number),
    bpo3Time: (env.HIVE_BPO3_TIMESTAMP | number),
    bpo4Time: (env.HIVE_BPO4_TIMESTAMP | number),
    bpo5Time: (env.HIVE_BPO5_TIMESTAMP | number),
    depositContractAddress: env.HIVE_DEPOSIT_CONTRACT_ADDRESS,
    ethash: {},
    blobSchedule: ({
        cancun: blobs("CANCUN"),
        prague: blobs("PRAGUE"),
        osaka: blobs("OSAKA"),
        amsterdam: blobs("AMSTERDAM"),
        bpo1: blobs("BPO1"),
        bpo2: blobs("BPO2"),
        bpo3: blobs("BPO3"),
        bpo4: blobs("BPO4"),
        bpo5: blobs("BPO5")
    } | given)
} | given)
