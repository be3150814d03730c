//! Deployments on anvil.

#![allow(clippy::disallowed_methods, reason = "a thread of the test")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_provider::{Provider, ProviderBuilder, RootProvider};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use alloy_sol_types::SolCall;
use aura_bindings::{
    Profile, Roles, RootState, RootStatus, portal::AuraPortal, rollup::AuraRollup,
};
use aura_chainspec::ChainSpec;
use aura_node::bridge::{DeployError, DeployRequest, Deployed, genesis_output};

struct Anvil {
    child: Child,
    endpoint: String,
}

impl Anvil {
    fn start(args: &[&str]) -> Self {
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/node_modules/.bin/anvil");
        let mut child = Command::new(program)
            .args(["--port", "0", "--hardfork", "prague"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("anvil is installed by scripts/setup.sh");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("anvil says where it listens").unwrap();
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.trim().to_owned();
            }
        };
        // anvil must not wait for somebody to read what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            endpoint: format!("http://{address}"),
        }
    }

    fn provider(&self) -> RootProvider {
        ProviderBuilder::default().connect_http(self.endpoint.parse().unwrap())
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn account(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::english()
        .phrase("test test test test test test test test test test test junk")
        .index(index)
        .unwrap()
        .build()
        .unwrap()
}

fn request(endpoint: &str) -> DeployRequest {
    DeployRequest {
        endpoint: endpoint.to_owned(),
        l1_chain_id: None,
        profile: Profile::dev(),
        roles: Roles::dev(),
        signer: account(0),
        genesis_json: ChainSpec::dev_genesis_json().to_owned(),
    }
}

async fn deploy(request: DeployRequest) -> Result<(Deployed, String), DeployError> {
    let prepared = request.prepare().await?;
    let genesis = prepared.genesis_json().to_owned();
    Ok((prepared.run().await?, genesis))
}

async fn ask<C: SolCall>(provider: &RootProvider, to: Address, call: C) -> C::Return {
    let request = TransactionRequest::default()
        .to(to)
        .input(Bytes::from(call.abi_encode()).into());
    let answer = provider.call(request).await.unwrap();
    C::abi_decode_returns(&answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_deployment_on_a_new_l1_is_the_development_chains() {
    let anvil = Anvil::start(&["--chain-id", "1337"]);
    let (deployed, genesis) = deploy(request(&anvil.endpoint)).await.unwrap();
    let deployment = &deployed.deployment;
    deployment.validate().unwrap();
    // The genesis that is built in, unchanged.
    assert_eq!(genesis, ChainSpec::dev_genesis_json());
    let dev = ChainSpec::dev();
    let bridge = dev.bridge().unwrap();
    assert_eq!(
        (deployment.portal, deployment.rollup),
        (bridge.portal, bridge.rollup)
    );
    assert_eq!(deployed.created.len(), 4);
    assert_eq!(deployment.deploy_block, 1);
    assert_eq!(deployment.timelock, Address::ZERO);

    let provider = anvil.provider();
    let output = genesis_output(&dev).unwrap();
    assert_eq!(deployment.genesis_output, output);
    let hash = ask(
        &provider,
        deployment.rollup,
        AuraRollup::outputHashCall {
            o: (&output).into(),
        },
    )
    .await;
    assert_eq!(hash, output.hash(1337, deployment.rollup));
    let id = U256::ZERO;
    let root = ask(
        &provider,
        deployment.rollup,
        AuraRollup::rootsCall { rootId: id },
    )
    .await;
    let root = RootState::try_from(root).unwrap();
    assert_eq!((root.output_hash, root.status), (hash, RootStatus::Final));
    let head = ask(&provider, deployment.rollup, AuraRollup::headCall {}).await;
    assert_eq!((head.batchCount, head.rootCount), (1, 1));
    let l2_chain = ask(&provider, deployment.portal, AuraPortal::L2_CHAIN_IDCall {}).await;
    assert_eq!(l2_chain, U256::from(13371));
    let sequencer = AuraRollup::hasRoleCall {
        role: alloy_primitives::keccak256("SEQUENCER"),
        account: Roles::dev().sequencer,
    };
    assert!(ask(&provider, deployment.rollup, sequencer).await);

    // A second run finds everything, the first block included.
    let (again, _) = deploy(request(&anvil.endpoint)).await.unwrap();
    assert!(again.created.is_empty() && again.called.is_empty());
    assert_eq!(again.gas_used, 0);
    let mut expected = deployment.clone();
    // The log of the rollup is the third creation's.
    expected.deploy_block = 3;
    assert_eq!(again.deployment, expected);

    // The same contracts with another window are refused.
    let mut other = request(&anvil.endpoint);
    other.profile.window = 61;
    let error = deploy(other).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Parameter { name, .. } if name == "WINDOW"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_another_l1_the_genesis_names_other_contracts_and_the_timelock_takes_over() {
    let anvil = Anvil::start(&[]);
    let mut wanted = request(&anvil.endpoint);
    wanted.profile = Profile::mainnet();
    wanted.signer = account(5);
    wanted.roles.verifiers = vec![account(1).address(), account(2).address()];
    let (deployed, genesis) = deploy(wanted).await.unwrap();
    let deployment = &deployed.deployment;
    let spec = ChainSpec::from_genesis_json(&genesis).unwrap();
    let hash = genesis_output(&spec).unwrap().l2_block_hash;
    deployment.check_genesis(&spec, hash).unwrap();
    assert!(deployment.check_genesis(&ChainSpec::dev(), hash).is_err());
    assert_eq!(spec.bridge().unwrap().l1_chain_id, 31337);
    assert_eq!(deployed.created.len(), 5);

    let provider = anvil.provider();
    for contract in [deployment.portal, deployment.rollup] {
        for (account, holds) in [(deployment.timelock, true), (account(5).address(), false)] {
            let call = AuraRollup::hasRoleCall {
                role: B256::ZERO,
                account,
            };
            assert_eq!(ask(&provider, contract, call).await, holds, "{contract}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_before_anything_is_sent() {
    let anvil = Anvil::start(&[]);
    let mut wrong_chain = request(&anvil.endpoint);
    wrong_chain.l1_chain_id = Some(1);
    let error = deploy(wrong_chain).await.unwrap_err();
    assert!(matches!(
        error,
        DeployError::WrongChain {
            expected: 1,
            found: 31337
        }
    ));

    let mut poor = request(&anvil.endpoint);
    poor.signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
    let error = deploy(poor).await.unwrap_err();
    assert!(
        matches!(
            error,
            DeployError::Funds {
                balance: U256::ZERO,
                ..
            }
        ),
        "{error}"
    );

    let mut keeps_a_role = request(&anvil.endpoint);
    keeps_a_role.profile = Profile::mainnet();
    assert!(matches!(
        deploy(keeps_a_role).await.unwrap_err(),
        DeployError::Roles(_)
    ));

    let deployer = account(0).address();
    let nonce = anvil
        .provider()
        .get_transaction_count(deployer)
        .await
        .unwrap();
    assert_eq!(nonce, 0);
}
