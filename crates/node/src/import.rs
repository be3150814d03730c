//! Taking a chain from files of blocks.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use aura_chain::{
    BlockDecodeError, Chain, ChainConfig, ChainError, UnrecoveredBlock, decode_block, recover_block,
};
use aura_chainspec::Commitment;
use aura_primitives::{BlockNumHash, HeadLabel};
use aura_storage::StoreConfig;

use crate::{
    BlockFileError, ChainSource, GenesisAccounts, NodeError, OpenedChain, block_file::BlockFile,
    open_chain,
};

/// Blocks that wait for the disk, and that share a transaction, at most: an import can wait longer
/// for its blocks to be durable than a user for a receipt.
const GROUP_BLOCKS: usize = 64;
/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    /// The newest block of the chain.
    pub head: BlockNumHash,
    /// Blocks that were added.
    pub imported: u64,
    /// Blocks that the chain had already.
    pub known: u64,
    /// Transactions in the added blocks.
    pub transactions: u64,
    /// Gas used by the added blocks.
    pub gas: u64,
}

/// Which blocks are taken for final after an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// The head on an Ethereum chain, none on a chain of our own.
    ByChain,
    /// The head.
    Head,
}

/// Why a block of a file is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// The file does not go on with a block.
    #[error("block after number {after}")]
    File {
        /// Number of the block before.
        after: u64,
        /// What is wrong.
        #[source]
        source: BlockFileError,
    },
    /// The bytes are not a block.
    #[error("block after number {after} does not decode")]
    Decode {
        /// Number of the block before.
        after: u64,
        /// What is wrong.
        #[source]
        source: BlockDecodeError,
    },
    /// The chain refuses the block.
    #[error(transparent)]
    Refused(ChainError),
}

/// Imports the blocks of `files`, in their order, into a data directory; initialises an empty one if
/// `source` names a chain. Blocks that the chain has already are passed over.
///
/// The first block that is refused ends the import. All before it are kept, and `finality` applies
/// to them; nothing is kept of the refused one. `report` is called about once a second and, unless
/// the chain itself fails, at the end.
///
/// # Errors
/// [`NodeError::Import`] names file and block; otherwise as [`open_chain`].
pub fn import(
    datadir: &Path,
    source: &ChainSource,
    store: &StoreConfig,
    files: &[PathBuf],
    finality: Finality,
    mut report: impl FnMut(&ImportProgress),
) -> Result<ImportProgress, NodeError> {
    let config = ChainConfig {
        max_uncommitted_blocks: GROUP_BLOCKS,
        max_group_blocks: GROUP_BLOCKS,
        ..ChainConfig::default()
    };
    let opened = open_chain(datadir, source, store, config, GenesisAccounts::Drop)?;
    let OpenedChain { chain, writer } = opened;
    thread::scope(|scope| {
        let writing = scope.spawn(move || writer.run());
        let ending = EndWriter(&chain);
        let mut import = Import::new(&chain);
        let outcome = import.run(files, &mut report);
        let outcome = outcome.and(import.finish(finality));
        drop(ending);
        // A failed commit is the cause of whatever the importer says.
        writing.join().expect("the chain's writer does not panic")?;
        report(&import.progress);
        outcome.map(|()| import.progress)
    })
}

/// Lets the writer end, also where the import panics: a scope waits for its threads.
struct EndWriter<'a>(&'a Chain);

impl Drop for EndWriter<'_> {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

fn head(chain: &Chain) -> BlockNumHash {
    let tip = chain.tip();
    BlockNumHash {
        number: tip.number,
        hash: tip.seal(),
    }
}

struct Import<'a> {
    chain: &'a Chain,
    progress: ImportProgress,
    reported: Instant,
}

impl<'a> Import<'a> {
    fn new(chain: &'a Chain) -> Self {
        Self {
            chain,
            progress: ImportProgress {
                head: head(chain),
                imported: 0,
                known: 0,
                transactions: 0,
                gas: 0,
            },
            reported: Instant::now(),
        }
    }

    fn run(
        &mut self,
        files: &[PathBuf],
        report: &mut impl FnMut(&ImportProgress),
    ) -> Result<(), NodeError> {
        for path in files {
            let file = File::open(path).map_err(|source| NodeError::File {
                path: path.clone(),
                source,
            })?;
            let mut blocks = BlockFile::new(BufReader::new(file));
            // Number of the last block of the file, for those that cannot be read.
            let mut after = 0;
            let refused = |source| NodeError::Import {
                path: path.clone(),
                source: Box::new(source),
            };
            loop {
                let next = blocks.next();
                let next = next.map_err(|source| refused(ImportFault::File { after, source }))?;
                let Some(rlp) = next else { break };
                after = self.block(rlp, after).map_err(refused)?;
                if self.reported.elapsed() >= REPORT_EVERY {
                    self.reported = Instant::now();
                    report(&self.progress);
                }
            }
        }
        Ok(())
    }

    /// Takes one block and returns its number.
    fn block(&mut self, rlp: &[u8], after: u64) -> Result<u64, ImportFault> {
        let decode = |source| ImportFault::Decode { after, source };
        let block = decode_block(rlp).map_err(decode)?;
        let number = block.header.number;
        if self.is_known(&block).map_err(ImportFault::Refused)? {
            self.progress.known += 1;
            return Ok(number);
        }
        let block = recover_block(block).map_err(decode)?;
        let (transactions, gas) = (block.transactions.len() as u64, block.header.gas_used);
        self.chain.import(block).map_err(ImportFault::Refused)?;
        self.progress.imported += 1;
        self.progress.transactions += transactions;
        self.progress.gas += gas;
        self.progress.head = head(self.chain);
        Ok(number)
    }

    fn is_known(&self, block: &UnrecoveredBlock) -> Result<bool, ChainError> {
        let number = block.header.number;
        if number > self.progress.head.number {
            return Ok(false);
        }
        let known = self.chain.tip_view()?.block_hash(number)?;
        Ok(known == Some(block.header.hash_slow()))
    }

    /// Moves the heads, durably.
    fn finish(&self, finality: Finality) -> Result<(), NodeError> {
        let is_ethereum = self.chain.spec().commitment() == Commitment::Mpt;
        if finality == Finality::Head || is_ethereum {
            for label in [HeadLabel::Safe, HeadLabel::Finalized] {
                self.chain.set_head(label, self.progress.head)?;
            }
        }
        Ok(())
    }
}
