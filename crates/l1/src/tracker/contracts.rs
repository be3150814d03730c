//! Are these our contracts, and what do they say?

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use aura_bindings::{portal::AuraPortal as portal, rollup::AuraRollup as rollup};
use aura_primitives::bridge::QueueSlot;
use tokio::time::sleep;

use super::{Tracker, chunk::Numbered};
use crate::{L1Error, Session};

/// Numbers of what the contracts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) entries: u64,
    /// With the genesis.
    pub(super) batches: u64,
    /// With the genesis.
    pub(super) roots: u64,
}

impl Counts {
    /// What there is less of than in `other`.
    pub(super) fn fewer_than(&self, other: &Self) -> Vec<Numbered> {
        let mut fewer = Vec::new();
        if self.entries < other.entries {
            fewer.push(Numbered::Entries);
        }
        if self.batches < other.batches {
            fewer.push(Numbered::Batches);
        }
        if self.roots < other.roots {
            fewer.push(Numbered::Roots);
        }
        fewer
    }
}

/// Calls a contract and decodes what it returns.
async fn ask<C: SolCall>(
    session: &Session,
    to: Address,
    call: C,
    block: BlockId,
) -> Result<C::Return, L1Error> {
    let answer = session.call(to, call.abi_encode().into(), block).await?;
    C::abi_decode_returns(&answer)
        .map_err(|error| session.malformed("eth_call", format!("{}: {error}", C::SIGNATURE)))
}

impl Tracker {
    /// Fails if an endpoint serves another chain or the contracts are not those of this chain.
    ///
    /// # Errors
    /// [`L1Error::WrongChain`], [`L1Error::NoContract`], [`L1Error::WrongDeployment`]; transient ones if no
    /// endpoint answers.
    pub async fn check(&self) -> Result<(), L1Error> {
        self.provider.check_chain_ids().await?;
        self.provider
            .with_retries(|session| async move { self.check_contracts(&session).await })
            .await
    }

    /// As [`check`](Self::check), but waits for an endpoint that answers and a head that has the contracts.
    pub(super) async fn await_contracts(&self) -> Result<(), L1Error> {
        self.provider.check_chain_ids().await?;
        let mut waits = false;
        loop {
            let session = self.provider.session().await;
            match session.head().await {
                Ok(head) if head.inner().number < self.config.deploy_block => {
                    if !std::mem::replace(&mut waits, true) {
                        let (head, deploy_block) = (head.inner().number, self.config.deploy_block);
                        tracing::warn!(
                            head,
                            deploy_block,
                            "L1 is behind the block of the deployment; waiting"
                        );
                    }
                    sleep(self.config.poll_interval).await;
                }
                Ok(_) => match self.check_contracts(&session).await {
                    Ok(()) => return Ok(()),
                    Err(error) => self.report(&session, error)?,
                },
                Err(error) => self.report(&session, error)?,
            }
            // Refusals do not put an endpoint aside.
            sleep(super::SHORT_PAUSE).await;
        }
    }

    async fn check_contracts(&self, session: &Session) -> Result<(), L1Error> {
        let latest = BlockId::latest();
        let (portal_at, rollup_at) = (self.config.portal, self.config.rollup);
        for (name, address) in [("portal", portal_at), ("rollup", rollup_at)] {
            if session.code(address, latest).await?.is_empty() {
                return Err(L1Error::NoContract { name, address });
            }
        }
        let is = |what, found: &dyn std::fmt::Display, expected: &dyn std::fmt::Display| {
            let (found, expected) = (found.to_string(), expected.to_string());
            if found == expected {
                return Ok(());
            }
            Err(L1Error::WrongDeployment {
                what,
                found,
                expected,
            })
        };
        // A contract of another kind reverts or answers with something else.
        let foreign = |what, error| match error {
            L1Error::Rpc { .. } | L1Error::Malformed { .. } => L1Error::WrongDeployment {
                what,
                found: format!("unreadable ({error})"),
                expected: "a contract of Aura".to_owned(),
            },
            other => other,
        };
        let portal_of_rollup = ask(session, rollup_at, rollup::PORTALCall {}, latest).await;
        let portal_of_rollup = portal_of_rollup.map_err(|error| foreign("rollup", error))?;
        is("portal of the rollup", &portal_of_rollup, &portal_at)?;
        let rollup_of_portal = ask(session, portal_at, portal::ROLLUPCall {}, latest).await;
        let rollup_of_portal = rollup_of_portal.map_err(|error| foreign("portal", error))?;
        is("rollup of the portal", &rollup_of_portal, &rollup_at)?;
        let l2 = ask(session, portal_at, portal::L2_CHAIN_IDCall {}, latest).await?;
        is("chain id of L2", &l2, &self.contracts.l2_chain_id)?;
        let genesis = self.root_output(session, 0, latest).await?;
        let output = &self.contracts.genesis_output;
        let expected = output.hash(self.config.chain_id, rollup_at);
        is("genesis output", &genesis, &expected)
    }

    pub(super) async fn counts(
        &self,
        session: &Session,
        block: BlockId,
    ) -> Result<Counts, L1Error> {
        let (portal_at, rollup_at) = (self.config.portal, self.config.rollup);
        let entries = ask(session, portal_at, portal::messageCountCall {}, block).await?;
        let head = ask(session, rollup_at, rollup::headCall {}, block).await?;
        Ok(Counts {
            entries,
            batches: head.batchCount,
            roots: head.rootCount,
        })
    }

    pub(super) async fn queue_slot(
        &self,
        session: &Session,
        id: u64,
        block: BlockId,
    ) -> Result<QueueSlot, L1Error> {
        let call = portal::queueSlotCall { id };
        let slot = ask(session, self.config.portal, call, block).await?;
        Ok(QueueSlot(slot))
    }

    pub(super) async fn batch_slot(
        &self,
        session: &Session,
        index: u64,
        block: BlockId,
    ) -> Result<QueueSlot, L1Error> {
        let call = rollup::batchesCall {
            index: U256::from(index),
        };
        let slot = ask(session, self.config.rollup, call, block).await?;
        Ok(QueueSlot(slot))
    }

    pub(super) async fn root_output(
        &self,
        session: &Session,
        id: u64,
        block: BlockId,
    ) -> Result<B256, L1Error> {
        let call = rollup::rootsCall {
            rootId: U256::from(id),
        };
        let root = ask(session, self.config.rollup, call, block).await?;
        Ok(root.output)
    }
}
