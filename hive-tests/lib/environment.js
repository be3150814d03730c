// From a genesis file's `config` back to hive's variables.

const FORKS = {
    chainId: "CHAIN_ID",
    homesteadBlock: "FORK_HOMESTEAD",
    daoForkBlock: "FORK_DAO_BLOCK",
    daoForkSupport: "FORK_DAO_VOTE",
    eip150Block: "FORK_TANGERINE",
    eip155Block: "FORK_SPURIOUS",
    eip158Block: "FORK_SPURIOUS",
    byzantiumBlock: "FORK_BYZANTIUM",
    constantinopleBlock: "FORK_CONSTANTINOPLE",
    petersburgBlock: "FORK_PETERSBURG",
    istanbulBlock: "FORK_ISTANBUL",
    muirGlacierBlock: "FORK_MUIR_GLACIER",
    berlinBlock: "FORK_BERLIN",
    londonBlock: "FORK_LONDON",
    arrowGlacierBlock: "FORK_ARROW_GLACIER",
    grayGlacierBlock: "FORK_GRAY_GLACIER",
    mergeNetsplitBlock: "MERGE_BLOCK_ID",
    terminalTotalDifficulty: "TERMINAL_TOTAL_DIFFICULTY",
    terminalTotalDifficultyPassed: "TERMINAL_TOTAL_DIFFICULTY_PASSED",
    shanghaiTime: "SHANGHAI_TIMESTAMP",
    cancunTime: "CANCUN_TIMESTAMP",
};

/** Implied by every schedule, so there is no variable. */
const IMPLIED = ["frontierBlock", "ethash"];

/** The HIVE_* variables that the mapper turns into `config`. */
export function environmentOf(config) {
    const variables = {};
    for (const [name, value] of Object.entries(config)) {
        if (IMPLIED.includes(name)) continue;
        if (!FORKS[name]) throw new Error(`no variable for ${name}`);
        variables[`HIVE_${FORKS[name]}`] = typeof value === "boolean" ? (value ? "1" : "0") : String(value);
    }
    return variables;
}
