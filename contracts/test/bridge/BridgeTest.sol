// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {AuraPortal} from "../../src/l1/AuraPortal.sol";
import {AuraRollup} from "../../src/l1/AuraRollup.sol";
import {PortalBase} from "../../src/l1/PortalBase.sol";
import {RollupRoots} from "../../src/l1/RollupRoots.sol";
import {MessageQueue} from "../../src/libraries/MessageQueue.sol";
import {Header, Output, Withdrawal} from "../../src/libraries/Types.sol";
import {WithdrawalTree} from "../../src/libraries/WithdrawalTree.sol";
import {Test} from "../utils/Test.sol";

/// @notice The bridge behind its proxies, with the mainnet's times.
abstract contract BridgeTest is Test {
    uint256 internal constant L2_CHAIN_ID = 13371;
    uint256 internal constant VERIFIER_KEY = 0xbeef;
    uint256 internal constant BOND = 1 ether;

    address internal constant TIMELOCK = address(0x71);
    address internal constant COUNCIL = address(0xC0);
    address internal constant GUARDIAN = address(0x60);
    address internal constant SEQUENCER = address(0x5E);
    address internal constant PROPOSER = address(0x90);
    address internal constant CHALLENGER = address(0xC1);
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);

    AuraPortal internal portal;
    AuraRollup internal rollup;
    bytes32 internal genesisRoot = keccak256("genesis");

    function setUp() public virtual {
        VM.warp(1_800_000_000);
        VM.roll(1_000_000);
        _deploy(_timing());
        VM.startPrank(TIMELOCK, TIMELOCK);
        rollup.grantRole(rollup.SEQUENCER(), SEQUENCER);
        rollup.grantRole(rollup.PROPOSER(), PROPOSER);
        rollup.grantRole(rollup.CHALLENGER(), CHALLENGER);
        rollup.setVerifier(3, VM.addr(VERIFIER_KEY));
        rollup.setBondRecipient(PROPOSER);
        portal.setOutflowFloor(address(0), type(uint192).max);
        VM.stopPrank();
        VM.deal(ALICE, 1_000 ether);
        VM.deal(BOB, 1_000 ether);
        VM.deal(CHALLENGER, 10 ether);
    }

    function _timing() internal pure virtual returns (RollupRoots.Timing memory) {
        return RollupRoots.Timing({
            forceDelay: 12 hours,
            window: 7 days,
            fast: 1 hours,
            disputeTimeout: 7 days,
            freezeDelay: 7 days,
            maxBatchAge: 24 hours,
            anchorDepth: 255,
            kSlow: 1,
            kFast: 3,
            bond: BOND
        });
    }

    function _limits() internal pure returns (PortalBase.Limits memory) {
        return PortalBase.Limits({
            forcedGasMax: 5_000_000,
            forcedDataMax: 32 * 1024,
            pauseMax: 7 days,
            pauseCooldown: 30 days,
            settleDelay: 1 days
        });
    }

    /// @dev Each implementation names the other's proxy, so the addresses are computed first.
    function _deploy(RollupRoots.Timing memory timing) internal {
        uint64 nonce = VM.getNonce(address(this));
        IAuraPortal portalProxy = IAuraPortal(VM.computeCreateAddress(address(this), nonce + 2));
        IAuraRollup rollupProxy = IAuraRollup(VM.computeCreateAddress(address(this), nonce + 3));
        address portalCode = address(new AuraPortal(rollupProxy, L2_CHAIN_ID, _limits()));
        address rollupCode = address(new AuraRollup(portalProxy, timing));
        bytes memory start =
            abi.encodeCall(AuraPortal.initialize, (TIMELOCK, COUNCIL, GUARDIAN, type(uint256).max));
        portal = AuraPortal(payable(new ERC1967Proxy(portalCode, start)));
        start = abi.encodeCall(AuraRollup.initialize, (TIMELOCK, COUNCIL, _genesis()));
        rollup = AuraRollup(address(new ERC1967Proxy(rollupCode, start)));
        _assertTrue(address(portal) == address(portalProxy), "address of the portal");
        _assertTrue(address(rollup) == address(rollupProxy), "address of the rollup");
    }

    function _genesis() internal view returns (Output memory) {
        return Output({
            stateRoot: genesisRoot,
            withdrawalRoot: WithdrawalTree.emptyRoot(),
            l2BlockHash: keccak256("genesis block"),
            l2Block: 0,
            batchIndex: 0,
            batchHash: 0
        });
    }

    /// @dev The next batch, consuming the whole queue.
    function _header() internal view returns (Header memory) {
        return _header(portal.messageCount());
    }

    function _header(uint64 consumed) internal view returns (Header memory h) {
        (uint64 count,,,) = rollup.head();
        (, bytes32 acc,) = portal.queueView(consumed);
        h = Header({
            parent: MessageQueue.trim(rollup.batches(count - 1)),
            firstTime: uint64(block.timestamp),
            lastTime: uint64(block.timestamp),
            consumed: consumed,
            queueAcc: acc,
            anchorNumber: uint64(block.number - 1),
            anchorHash: blockhash(block.number - 1)
        });
    }

    function _append(Header memory h) internal {
        VM.prank(SEQUENCER, SEQUENCER);
        rollup.appendBatch(h, "payload");
    }

    /// @dev What the last batch evaluates to.
    function _output(bytes32 stateRoot, bytes32 withdrawalRoot) internal view returns (Output memory) {
        (uint64 count,,,) = rollup.head();
        return Output({
            stateRoot: stateRoot,
            withdrawalRoot: withdrawalRoot,
            l2BlockHash: keccak256(abi.encode(stateRoot, withdrawalRoot)),
            l2Block: count,
            batchIndex: count - 1,
            batchHash: MessageQueue.trim(rollup.batches(count - 1))
        });
    }

    function _post(Output memory o) internal returns (uint64 rootId) {
        (,,, rootId) = rollup.head();
        VM.prank(PROPOSER, PROPOSER);
        rollup.updateStateRoot(o);
    }

    /// @dev A batch of the whole queue and its root, signed, and old enough to be final.
    function _finalRoot(bytes32 stateRoot, bytes32 withdrawalRoot)
        internal
        returns (uint64 rootId, Output memory o)
    {
        _append(_header());
        o = _output(stateRoot, withdrawalRoot);
        rootId = _post(o);
        _attest(rootId, o);
        VM.warp(block.timestamp + 7 days);
    }

    function _attest(uint64 rootId, Output memory o) internal {
        bytes32 output = rollup.outputHash(o);
        bytes[] memory sigs = new bytes[](1);
        sigs[0] = _attestation(VERIFIER_KEY, rootId, output);
        rollup.attest(rootId, output, sigs);
    }

    function _attestation(uint256 key, uint64 rootId, bytes32 output) internal view returns (bytes memory) {
        bytes32 kind = keccak256("RootAttestation(uint64 rootId,bytes32 output)");
        return _signTyped(key, "AuraRollup", address(rollup), keccak256(abi.encode(kind, rootId, output)));
    }

    /// @dev EIP-712, spelled out.
    function _signTyped(uint256 key, string memory name, address verifying, bytes32 structHash)
        internal
        view
        returns (bytes memory)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifying
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            VM.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, structHash)));
        return abi.encodePacked(r, s, v);
    }

    function _leaf(Withdrawal memory w) internal view returns (bytes32) {
        return WithdrawalTree.leaf(block.chainid, address(portal), L2_CHAIN_ID, w);
    }

    function _ether(uint64 index, address recipient, uint256 amount)
        internal
        pure
        returns (Withdrawal memory)
    {
        return Withdrawal({
            index: index, sender: ALICE, recipient: recipient, token: address(0), amount: amount, dataHash: 0
        });
    }
}
