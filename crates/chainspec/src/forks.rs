//! Fork activations from a geth-format chain configuration.

use alloy_genesis::{ChainConfig, Genesis};
use alloy_hardforks::{
    EthereumChainHardforks, EthereumHardfork, ForkCondition,
    mainnet::{MAINNET_PARIS_BLOCK, MAINNET_PARIS_TTD},
    sepolia::{SEPOLIA_PARIS_FORK_BLOCK, SEPOLIA_PARIS_TTD},
};
use alloy_primitives::U256;

use crate::ChainSpecError;

/// What a fork is activated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    Block,
    Time,
}

/// One fork of the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForkEntry {
    /// Key in `config`.
    pub(crate) key: &'static str,
    /// Block or time of activation, `None` if the fork is not scheduled.
    at: Option<u64>,
    trigger: Trigger,
    fork: Option<EthereumHardfork>,
    /// A chain may go without it and still have later forks.
    optional: bool,
}

impl ForkEntry {
    const fn new(
        key: &'static str,
        at: Option<u64>,
        trigger: Trigger,
        fork: EthereumHardfork,
    ) -> Self {
        Self {
            key,
            at,
            trigger,
            fork: Some(fork),
            optional: false,
        }
    }

    const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Has a place in the order of forks, but no rules of its own.
    const fn only_ordered(mut self) -> Self {
        self.fork = None;
        self
    }

    const fn condition(&self) -> ForkCondition {
        match (self.at, self.trigger) {
            (None, _) => ForkCondition::Never,
            (Some(block), Trigger::Block) => ForkCondition::Block(block),
            (Some(time), Trigger::Time) => ForkCondition::Timestamp(time),
        }
    }

    /// Returns `true` for Cancun and every mandatory fork before it.
    pub(crate) fn is_required_before_prague(&self) -> bool {
        !self.optional
            && self
                .fork
                .is_none_or(|fork| fork <= EthereumHardfork::Cancun)
    }

    /// Returns `true` if the configuration has a block for the fork.
    pub(crate) fn is_scheduled_by_block(&self) -> bool {
        self.trigger == Trigger::Block && self.at.is_some()
    }

    /// Returns `true` if block 0 runs under the fork.
    pub(crate) fn is_active_at_genesis(&self, genesis: &Genesis) -> bool {
        let now = match self.trigger {
            Trigger::Block => genesis.number.unwrap_or(0),
            Trigger::Time => genesis.timestamp,
        };
        self.at.is_some_and(|at| at <= now)
    }
}

/// Every fork by block but for the DAO fork, oldest first.
fn block_entries(config: &ChainConfig) -> Vec<ForkEntry> {
    use EthereumHardfork as Fork;
    let entry = |key, at, fork| ForkEntry::new(key, at, Trigger::Block, fork);
    // As in geth, a chain that leaves Petersburg out has it together with Constantinople.
    let petersburg = config.petersburg_block.or(config.constantinople_block);
    vec![
        entry("homesteadBlock", config.homestead_block, Fork::Homestead),
        entry("eip150Block", config.eip150_block, Fork::Tangerine),
        entry("eip155Block", config.eip155_block, Fork::SpuriousDragon).only_ordered(),
        entry("eip158Block", config.eip158_block, Fork::SpuriousDragon),
        entry("byzantiumBlock", config.byzantium_block, Fork::Byzantium),
        entry(
            "constantinopleBlock",
            config.constantinople_block,
            Fork::Constantinople,
        ),
        entry("petersburgBlock", petersburg, Fork::Petersburg),
        entry("istanbulBlock", config.istanbul_block, Fork::Istanbul),
        entry(
            "muirGlacierBlock",
            config.muir_glacier_block,
            Fork::MuirGlacier,
        )
        .optional(),
        entry("berlinBlock", config.berlin_block, Fork::Berlin),
        entry("londonBlock", config.london_block, Fork::London),
        entry(
            "arrowGlacierBlock",
            config.arrow_glacier_block,
            Fork::ArrowGlacier,
        )
        .optional(),
        entry(
            "grayGlacierBlock",
            config.gray_glacier_block,
            Fork::GrayGlacier,
        )
        .optional(),
        entry(
            "mergeNetsplitBlock",
            config.merge_netsplit_block,
            Fork::Paris,
        )
        .only_ordered()
        .optional(),
    ]
}

/// Every fork by time, oldest first.
fn time_entries(config: &ChainConfig) -> Vec<ForkEntry> {
    use EthereumHardfork as Fork;
    let entry = |key, at, fork| ForkEntry::new(key, at, Trigger::Time, fork);
    vec![
        entry("shanghaiTime", config.shanghai_time, Fork::Shanghai),
        entry("cancunTime", config.cancun_time, Fork::Cancun),
        entry("pragueTime", config.prague_time, Fork::Prague),
        entry("osakaTime", config.osaka_time, Fork::Osaka),
        entry("bpo1Time", config.bpo1_time, Fork::Bpo1).optional(),
        entry("bpo2Time", config.bpo2_time, Fork::Bpo2).optional(),
        entry("bpo3Time", config.bpo3_time, Fork::Bpo3).optional(),
        entry("bpo4Time", config.bpo4_time, Fork::Bpo4).optional(),
        entry("bpo5Time", config.bpo5_time, Fork::Bpo5).optional(),
        entry("amsterdamTime", config.amsterdam_time, Fork::Amsterdam).optional(),
        entry("bogotaTime", config.bogota_time, Fork::Bogota).optional(),
    ]
}

/// Every fork of the configuration but for the DAO fork and the merge, oldest first.
pub(crate) fn entries(config: &ChainConfig) -> Vec<ForkEntry> {
    let mut entries = block_entries(config);
    entries.extend(time_entries(config));
    entries
}

/// Key of the first fork by time that is scheduled.
pub(crate) fn first_by_time(config: &ChainConfig) -> Option<&'static str> {
    let mut entries = time_entries(config).into_iter();
    entries
        .find(|entry| entry.at.is_some())
        .map(|entry| entry.key)
}

/// Activation of every fork of the configuration.
pub(crate) fn activations(genesis: &Genesis) -> EthereumChainHardforks {
    let config = &genesis.config;
    let mut forks: Vec<_> = entries(config)
        .iter()
        .filter_map(|entry| Some((entry.fork?, entry.condition())))
        .collect();
    forks.push((EthereumHardfork::Frontier, ForkCondition::Block(0)));
    if let (Some(block), true) = (config.dao_fork_block, config.dao_fork_support) {
        forks.push((EthereumHardfork::Dao, ForkCondition::Block(block)));
    }
    forks.push((EthereumHardfork::Paris, paris(genesis)));
    EthereumChainHardforks::new(forks)
}

/// Terminal total difficulty in effect. A fork by time in the past implies that the chain merged.
pub(crate) fn terminal_difficulty(genesis: &Genesis) -> Option<U256> {
    let merged = genesis.config.terminal_total_difficulty_passed
        || time_entries(&genesis.config)
            .iter()
            .any(|entry| entry.is_active_at_genesis(genesis));
    match genesis.config.terminal_total_difficulty {
        Some(terminal) => Some(terminal),
        None => merged.then_some(U256::ZERO),
    }
}

/// The merge. Its block follows from the file only if the chain starts merged or names it, or if
/// the chain is one whose history is known; otherwise it is out of reach.
fn paris(genesis: &Genesis) -> ForkCondition {
    let Some(total_difficulty) = terminal_difficulty(genesis) else {
        return ForkCondition::Never;
    };
    let activation_block_number = if genesis.difficulty >= total_difficulty {
        0
    } else if total_difficulty == MAINNET_PARIS_TTD {
        MAINNET_PARIS_BLOCK
    } else if total_difficulty == SEPOLIA_PARIS_TTD {
        SEPOLIA_PARIS_FORK_BLOCK
    } else {
        genesis.config.merge_netsplit_block.unwrap_or(u64::MAX)
    };
    ForkCondition::TTD {
        activation_block_number,
        fork_block: genesis.config.merge_netsplit_block,
        total_difficulty,
    }
}

/// Refuses a fork that is scheduled without, or before, one that it builds on.
pub(crate) fn check_order(config: &ChainConfig) -> Result<(), ChainSpecError> {
    let mut earlier: Option<ForkEntry> = None;
    for later in entries(config) {
        if let (Some(earlier), Some(later_at)) = (earlier, later.at) {
            let Some(earlier_at) = earlier.at else {
                return Err(ChainSpecError::ForkMissing {
                    earlier: earlier.key,
                    later: later.key,
                });
            };
            // Blocks and times do not compare; a chain changes from one to the other once.
            if earlier.trigger == later.trigger && earlier_at > later_at {
                return Err(ChainSpecError::ForkOrder {
                    earlier: earlier.key,
                    earlier_at,
                    later: later.key,
                    later_at,
                });
            }
        }
        if later.at.is_some() || !later.optional {
            earlier = Some(later);
        }
    }
    Ok(())
}

/// Schedules `last` and every fork before it at block and time 0, and no later one.
pub(crate) fn schedule_until(config: &mut ChainConfig, last: EthereumHardfork) {
    use EthereumHardfork as Fork;
    let at = |fork: EthereumHardfork| (fork <= last).then_some(0);
    config.homestead_block = at(Fork::Homestead);
    config.dao_fork_block = None;
    config.dao_fork_support = false;
    config.eip150_block = at(Fork::Tangerine);
    config.eip155_block = at(Fork::SpuriousDragon);
    config.eip158_block = at(Fork::SpuriousDragon);
    config.byzantium_block = at(Fork::Byzantium);
    config.constantinople_block = at(Fork::Constantinople);
    // "Constantinople without Petersburg" is spelled as a Petersburg that never comes.
    config.petersburg_block =
        at(Fork::Petersburg).or_else(|| config.constantinople_block.map(|_| u64::MAX));
    config.istanbul_block = at(Fork::Istanbul);
    config.muir_glacier_block = at(Fork::MuirGlacier);
    config.berlin_block = at(Fork::Berlin);
    config.london_block = at(Fork::London);
    config.arrow_glacier_block = at(Fork::ArrowGlacier);
    config.gray_glacier_block = at(Fork::GrayGlacier);
    config.merge_netsplit_block = None;
    config.terminal_total_difficulty = (Fork::Paris <= last).then_some(U256::ZERO);
    config.terminal_total_difficulty_passed = Fork::Paris <= last;
    config.shanghai_time = at(Fork::Shanghai);
    config.cancun_time = at(Fork::Cancun);
    config.prague_time = at(Fork::Prague);
    config.osaka_time = at(Fork::Osaka);
    config.bpo1_time = at(Fork::Bpo1);
    config.bpo2_time = at(Fork::Bpo2);
    config.bpo3_time = at(Fork::Bpo3);
    config.bpo4_time = at(Fork::Bpo4);
    config.bpo5_time = at(Fork::Bpo5);
    config.amsterdam_time = at(Fork::Amsterdam);
    config.bogota_time = at(Fork::Bogota);
}
