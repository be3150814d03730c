//! Both chains, and what is asked of them.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use alloy_sol_types::SolCall;
use aura_bindings::{Deployment, RootState, portal::AuraPortal, revert_text, rollup::AuraRollup};
use aura_l1::tx::{L1Rpc, RpcFault};
use aura_primitives::bridge::predeploys::{MESSAGE_PASSER, passer_slots};
use eyre::{WrapErr, ensure, eyre};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::args::Chains;

/// Time between two looks.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// One chain.
#[derive(Clone)]
pub(super) struct ChainRpc {
    name: &'static str,
    url: String,
    pub(super) rpc: DynProvider,
    pub(super) chain_id: u64,
}

/// The newest block of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) timestamp: u64,
}

impl ChainRpc {
    async fn connect(name: &'static str, url: &str) -> eyre::Result<Self> {
        let connected = ProviderBuilder::default().connect(url).await;
        let rpc = connected
            .map_err(|error| eyre!("{name} at {url}: {error}"))?
            .erased();
        let mut chain = Self {
            name,
            url: url.to_owned(),
            rpc,
            chain_id: 0,
        };
        let id: U64 = chain.ask("eth_chainId", json!([])).await?;
        chain.chain_id = id.to();
        Ok(chain)
    }

    async fn request(&self, method: &'static str, params: Value) -> Result<Value, RpcFault> {
        L1Rpc::request(&self.rpc, method, params).await
    }

    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> eyre::Result<T> {
        let answer = self.request(method, params).await;
        let answer = answer.wrap_err_with(|| format!("{} at {}: {method}", self.name, self.url))?;
        serde_json::from_value(answer)
            .wrap_err_with(|| format!("{} answers {method} with something else", self.name))
    }

    /// Calls a view function.
    pub(super) async fn view<C: SolCall>(&self, to: Address, call: C) -> eyre::Result<C::Return> {
        let params = json!([{ "to": to, "input": Bytes::from(call.abi_encode()) }, "latest"]);
        let data: Bytes = self.ask("eth_call", params).await?;
        C::abi_decode_returns(&data).wrap_err_with(|| {
            format!(
                "no such contract at {to} on {} ({})",
                self.name,
                C::SIGNATURE
            )
        })
    }

    /// What a call of `from` would be refused with; `None` if it would succeed.
    pub(super) async fn refusal(
        &self,
        from: Address,
        to: Address,
        data: &Bytes,
    ) -> eyre::Result<Option<Bytes>> {
        let params = json!([{ "from": from, "to": to, "input": data }, "pending"]);
        match self.request("eth_call", params).await {
            Ok(_) => Ok(None),
            Err(RpcFault::Refused { data, message, .. })
                if !data.is_empty() || message.contains("revert") =>
            {
                Ok(Some(data))
            }
            Err(fault) => Err(eyre!(fault).wrap_err(format!("{} at {}", self.name, self.url))),
        }
    }

    pub(super) async fn balance(&self, account: Address) -> eyre::Result<U256> {
        self.ask("eth_getBalance", json!([account, "latest"])).await
    }

    pub(super) async fn head(&self) -> eyre::Result<Head> {
        let block: Value = self
            .ask("eth_getBlockByNumber", json!(["latest", false]))
            .await?;
        let quantity = |name: &str| number(&block[name]);
        match (quantity("number"), quantity("timestamp")) {
            (Some(number), Some(timestamp)) => Ok(Head { number, timestamp }),
            _ => Err(eyre!("{} has a block without number", self.name)),
        }
    }
}

/// A quantity, a plain number or decimal digits.
pub(super) fn number(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Number(number) => return number.as_u64(),
        Value::String(text) => text,
        _ => return None,
    };
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A root, as far as withdrawals are concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct RootView {
    pub(super) state: RootState,
    /// When nothing stands against it any more, L1 time; `None` if signatures are missing.
    pub(super) final_at: Option<u64>,
}

/// Both chains and the contracts between them.
pub(super) struct Session {
    pub(super) l1: ChainRpc,
    pub(super) l2: ChainRpc,
    pub(super) portal: Address,
    pub(super) rollup: Address,
}

impl Session {
    pub(super) async fn open(chains: &Chains) -> eyre::Result<Self> {
        let l2 = ChainRpc::connect("L2", &chains.l2_rpc).await?;
        let l1 = ChainRpc::connect("L1", &chains.l1_rpc).await?;
        let (l1_chain_id, portal) = match &chains.deployment {
            Some(path) => {
                let deployment = Deployment::from_file(path)?;
                ensure!(
                    deployment.l2_chain_id == l2.chain_id,
                    "{} has chain id {}, the deployment is for {}",
                    chains.l2_rpc,
                    l2.chain_id,
                    deployment.l2_chain_id
                );
                (deployment.l1_chain_id, deployment.portal)
            }
            None => bridge_of(&l2).await?,
        };
        ensure!(
            l1_chain_id == l1.chain_id,
            "{} has chain id {}, the bridge is on L1 chain {l1_chain_id}",
            chains.l1_rpc,
            l1.chain_id
        );
        let of = l1.view(portal, AuraPortal::L2_CHAIN_IDCall {}).await?;
        ensure!(
            of == U256::from(l2.chain_id),
            "the portal {portal} is that of L2 chain {of}, not {}",
            l2.chain_id
        );
        let rollup = l1.view(portal, AuraPortal::ROLLUPCall {}).await?;
        Ok(Self {
            l1,
            l2,
            portal,
            rollup,
        })
    }

    /// The state of root `id` and when it can be final.
    pub(super) async fn root(&self, id: u64) -> eyre::Result<RootView> {
        let call = AuraRollup::rootsCall {
            rootId: U256::from(id),
        };
        let state = RootState::try_from(self.l1.view(self.rollup, call).await?)?;
        let signatures = state.attested.count_ones();
        let (rollup, l1) = (self.rollup, &self.l1);
        let fast = u32::from(l1.view(rollup, AuraRollup::K_FASTCall {}).await?);
        let slow = u32::from(l1.view(rollup, AuraRollup::K_SLOWCall {}).await?);
        let delay = if signatures >= fast {
            Some(l1.view(rollup, AuraRollup::FASTCall {}).await?)
        } else if signatures >= slow {
            Some(l1.view(rollup, AuraRollup::WINDOWCall {}).await?)
        } else {
            None
        };
        let final_at = delay.map(|delay| state.posted_at.saturating_add(delay));
        Ok(RootView { state, final_at })
    }
}

/// What L2 itself says its bridge is: the message passer binds each withdrawal to it.
async fn bridge_of(l2: &ChainRpc) -> eyre::Result<(u64, Address)> {
    let slot = async |slot: U256| {
        let params = json!([MESSAGE_PASSER, slot, "latest"]);
        l2.ask::<B256>("eth_getStorageAt", params).await
    };
    let l1_chain_id = U256::from_be_bytes(slot(passer_slots::L1_CHAIN_ID).await?.0);
    let portal = Address::from_word(slot(passer_slots::PORTAL).await?);
    ensure!(
        !l1_chain_id.is_zero() && !portal.is_zero(),
        "{} has no bridge",
        l2.url
    );
    Ok((l1_chain_id.saturating_to(), portal))
}

/// The words for revert data.
pub(super) fn reason(data: &[u8]) -> String {
    revert_text(data)
}

/// Asks again and again until there is an answer.
pub(super) async fn until<T>(
    mut ask: impl AsyncFnMut() -> eyre::Result<Option<T>>,
) -> eyre::Result<T> {
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        sleep(POLL).await;
    }
}
