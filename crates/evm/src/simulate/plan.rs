//! From the blocks of a request to the blocks that are executed.

use alloy_primitives::U256;
use aura_primitives::SealedHeader;

use super::{SimulateBlock, SimulateError};

/// Seconds from one simulated block to the next, unless the request says otherwise.
const BLOCK_TIME: u64 = 12;

/// A block whose place in the chain is settled.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) block: SimulateBlock,
}

/// Numbers and dates the blocks and fills the gaps between them with empty ones.
pub(super) fn plan(
    base: &SealedHeader,
    blocks: Vec<SimulateBlock>,
    max_blocks: u64,
) -> Result<Vec<Planned>, SimulateError> {
    let mut planned = Vec::with_capacity(blocks.len());
    let (mut number, mut timestamp) = (base.number, base.timestamp);
    for block in blocks {
        let wanted = match block.overrides.number {
            Some(wanted) => to_u64(wanted)?,
            None => number.saturating_add(1),
        };
        if wanted <= number {
            return Err(SimulateError::BlockNumberOrder {
                number: wanted,
                previous: number,
            });
        }
        if wanted - base.number > max_blocks {
            return Err(SimulateError::TooManyBlocks { limit: max_blocks });
        }
        for number in number + 1..wanted {
            timestamp = timestamp.saturating_add(BLOCK_TIME);
            planned.push(Planned {
                number,
                timestamp,
                block: SimulateBlock::default(),
            });
        }
        let time = block.overrides.time;
        let time = time.unwrap_or_else(|| timestamp.saturating_add(BLOCK_TIME));
        if time <= timestamp {
            return Err(SimulateError::TimestampOrder {
                timestamp: time,
                previous: timestamp,
            });
        }
        (number, timestamp) = (wanted, time);
        planned.push(Planned {
            number,
            timestamp,
            block,
        });
    }
    Ok(planned)
}

fn to_u64(number: U256) -> Result<u64, SimulateError> {
    number
        .try_into()
        .map_err(|_| SimulateError::InvalidRequest("block number exceeds 64 bits".to_owned()))
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{Header, Sealable};
    use alloy_rpc_types_eth::BlockOverrides;

    use super::*;

    fn base() -> SealedHeader {
        Header {
            number: 10,
            timestamp: 100,
            ..Header::default()
        }
        .seal_slow()
    }

    fn block(number: Option<u64>, time: Option<u64>) -> SimulateBlock {
        SimulateBlock {
            overrides: BlockOverrides {
                number: number.map(U256::from),
                time,
                ..BlockOverrides::default()
            },
            ..SimulateBlock::default()
        }
    }

    fn planned(blocks: &[(Option<u64>, Option<u64>)]) -> Result<Vec<(u64, u64)>, SimulateError> {
        let blocks = blocks.iter().map(|(number, time)| block(*number, *time));
        let planned = plan(&base(), blocks.collect(), 256)?;
        Ok(planned.iter().map(|b| (b.number, b.timestamp)).collect())
    }

    #[test]
    fn numbers_count_up_and_gaps_are_filled() {
        let blocks = [(None, None), (Some(14), Some(200)), (None, None)];
        let want = [(11, 112), (12, 124), (13, 136), (14, 200), (15, 212)];
        assert_eq!(planned(&blocks).unwrap(), want);
    }

    #[test]
    fn a_block_is_never_before_the_one_it_follows() {
        assert!(matches!(
            planned(&[(Some(12), None), (Some(12), None)]).unwrap_err(),
            SimulateError::BlockNumberOrder {
                number: 12,
                previous: 12
            }
        ));
        // The empty blocks of a gap take time as well.
        assert!(matches!(
            planned(&[(Some(13), Some(124))]).unwrap_err(),
            SimulateError::TimestampOrder {
                timestamp: 124,
                previous: 124
            }
        ));
        assert!(planned(&[(None, Some(u64::MAX)), (None, None)]).is_err());
    }

    #[test]
    fn empty_blocks_count_towards_the_limit() {
        assert_eq!(planned(&[(Some(266), None)]).unwrap().len(), 256);
        assert!(matches!(
            planned(&[(Some(267), None)]).unwrap_err(),
            SimulateError::TooManyBlocks { limit: 256 }
        ));
        let mut huge = block(None, None);
        huge.overrides.number = Some(U256::MAX);
        assert!(plan(&base(), vec![huge], 256).is_err());
    }
}
