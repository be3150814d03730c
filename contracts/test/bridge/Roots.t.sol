// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {Output} from "../../src/libraries/Types.sol";
import {BridgeTest} from "./BridgeTest.sol";

contract RootsTest is BridgeTest {
    function _batchAndRoot(bytes32 stateRoot) internal returns (uint64 id, Output memory o) {
        _append(_header());
        o = _output(stateRoot, keccak256("withdrawals"));
        id = _post(o);
    }

    function _status(uint64 id) internal view returns (IAuraRollup.Status) {
        return rollup.roots(id).status;
    }

    function _isFinal(uint64 id) internal view returns (bool) {
        return _status(id) == IAuraRollup.Status.Final;
    }

    function _challenge(uint64 id) internal {
        VM.prank(CHALLENGER, CHALLENGER);
        rollup.challenge{value: BOND}(id);
    }

    function _resolve(uint64 id, bool valid) internal {
        VM.prank(COUNCIL, COUNCIL);
        rollup.resolve(id, valid);
    }

    function _threeVerifiers() internal {
        VM.startPrank(TIMELOCK, TIMELOCK);
        rollup.setVerifier(0, VM.addr(1));
        rollup.setVerifier(63, VM.addr(2));
        VM.stopPrank();
    }

    function test_genesis_isFinal() external view {
        _assertTrue(_isFinal(0), "final");
        _assertEq(rollup.roots(0).output, rollup.outputHash(_genesis()), "output");
    }

    /// @dev Attack 21.
    function test_root_noAttestation_neverFinal() external {
        (uint64 id,) = _batchAndRoot("good");
        VM.warp(block.timestamp + 365 days);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.finalize(id);
    }

    function test_root_oneAttestation_finalAfterTheWindow() external {
        (uint64 id, Output memory o) = _batchAndRoot("good");
        _attest(id, o);
        VM.warp(block.timestamp + 7 days - 1);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.finalize(id);
        VM.warp(block.timestamp + 1);
        rollup.finalize(id);
        rollup.finalize(id);
        _assertTrue(_isFinal(id) && rollup.bestFinal() == id && rollup.bestFinalBatch() == 1, "final");
    }

    /// @dev Attack 35.
    function test_root_threeAttestations_finalAfterAnHour() external {
        _threeVerifiers();
        (uint64 id, Output memory o) = _batchAndRoot("good");
        bytes32 output = rollup.outputHash(o);
        bytes[] memory sigs = new bytes[](3);
        sigs[0] = _attestation(VERIFIER_KEY, id, output);
        sigs[1] = _attestation(1, id, output);
        sigs[2] = _attestation(1, id, output);
        rollup.attest(id, output, sigs);
        VM.warp(block.timestamp + 1 hours);
        // The same signer twice counts once.
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.finalize(id);
        sigs = new bytes[](1);
        sigs[0] = _attestation(2, id, output);
        rollup.attest(id, output, sigs);
        _assertTrue(rollup.roots(id).attested == (1 << 63) | (1 << 3) | 1, "bitmap");
        rollup.finalize(id);
    }

    /// @dev Attacks 2 and 22.
    function test_attest_forAnotherRootOrByAStranger_reverts() external {
        (uint64 first, Output memory o) = _batchAndRoot("good");
        bytes32 output = rollup.outputHash(o);
        uint64 second = _post(o);
        bytes[] memory sigs = new bytes[](1);
        sigs[0] = _attestation(VERIFIER_KEY, first, output);
        VM.expectRevert(IAuraRollup.NotVerifier.selector);
        rollup.attest(second, output, sigs);
        VM.expectRevert(IAuraRollup.WrongOutput.selector);
        rollup.attest(first, keccak256("other"), sigs);
        VM.expectRevert(IAuraRollup.WrongOutput.selector);
        rollup.attest(second + 1, 0, sigs);
        sigs[0] = _attestation(77, first, output);
        VM.expectRevert(IAuraRollup.NotVerifier.selector);
        rollup.attest(first, output, sigs);
        sigs[0] = hex"00";
        VM.expectRevert(IAuraRollup.NotVerifier.selector);
        rollup.attest(first, output, sigs);
        // The chain's id is part of what is signed.
        sigs[0] = _attestation(VERIFIER_KEY, first, output);
        VM.chainId(block.chainid + 1);
        VM.expectRevert(IAuraRollup.NotVerifier.selector);
        rollup.attest(first, output, sigs);
    }

    /// @dev Attack 35: the same signature in its other form is nobody's.
    function test_attest_malleableSignature_reverts() external {
        (uint64 id, Output memory o) = _batchAndRoot("good");
        bytes32 output = rollup.outputHash(o);
        bytes memory sig = _attestation(VERIFIER_KEY, id, output);
        bytes32 s;
        assembly ("memory-safe") {
            s := mload(add(sig, 0x40))
        }
        s = bytes32(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141 - uint256(s));
        assembly ("memory-safe") {
            mstore(add(sig, 0x40), s)
        }
        sig[64] = sig[64] == 0x1b ? bytes1(0x1c) : bytes1(0x1b);
        bytes[] memory sigs = new bytes[](1);
        sigs[0] = sig;
        VM.expectRevert(IAuraRollup.NotVerifier.selector);
        rollup.attest(id, output, sigs);
    }

    function test_updateStateRoot_unknownBatchOrBehindAFinalOne_reverts() external {
        (uint64 id, Output memory o) = _batchAndRoot("good");
        VM.startPrank(PROPOSER, PROPOSER);
        Output memory wrong = _output("good", 0);
        wrong.batchIndex = 2;
        VM.expectRevert(IAuraRollup.UnknownBatch.selector);
        rollup.updateStateRoot(wrong);
        wrong = _output("good", 0);
        wrong.batchHash = keccak256("another chain");
        VM.expectRevert(IAuraRollup.UnknownBatch.selector);
        rollup.updateStateRoot(wrong);
        VM.stopPrank();
        _attest(id, o);
        VM.warp(block.timestamp + 7 days);
        rollup.finalize(id);
        VM.prank(PROPOSER, PROPOSER);
        VM.expectRevert(IAuraRollup.NotIncreasing.selector);
        rollup.updateStateRoot(o);
    }

    function test_updateStateRoot_makesTheOldestFinal() external {
        (uint64 id, Output memory o) = _batchAndRoot("good");
        _attest(id, o);
        VM.warp(block.timestamp + 7 days);
        (uint64 next,) = _batchAndRoot("next");
        _assertTrue(_isFinal(id) && _status(next) == IAuraRollup.Status.Pending, "poked");
    }

    /// @dev Attack 36.
    function test_badRoot_beforeAGoodOne_isNeverFinal() external {
        _append(_header());
        Output memory bad = _output("bad", 0);
        Output memory good = _output("good", 0);
        uint64 badId = _post(bad);
        uint64 goodId = _post(good);
        _attest(goodId, good);
        VM.warp(block.timestamp + 30 days);
        rollup.finalize(goodId);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.finalize(badId);
    }

    /// @dev Attack 37.
    function test_challenge_olderAfterNewerIsFinal_newerStays() external {
        (uint64 older,) = _batchAndRoot("older");
        (uint64 newer, Output memory o) = _batchAndRoot("newer");
        _attest(newer, o);
        VM.warp(block.timestamp + 7 days);
        rollup.finalize(newer);
        _challenge(older);
        _resolve(older, false);
        _assertTrue(_isFinal(newer) && rollup.bestFinal() == newer, "newer stays");
        _assertTrue(_status(older) == IAuraRollup.Status.Invalid, "older is invalid");
    }

    function test_challenge_needsRoleBondAndAPendingRoot() external {
        (uint64 id, Output memory o) = _batchAndRoot("good");
        VM.prank(ALICE, ALICE);
        VM.expectRevert();
        rollup.challenge{value: BOND}(id);
        VM.prank(CHALLENGER, CHALLENGER);
        VM.expectRevert(abi.encodeWithSelector(IAuraRollup.WrongBond.selector, BOND));
        rollup.challenge{value: BOND - 1}(id);
        VM.prank(CHALLENGER, CHALLENGER);
        VM.expectRevert(IAuraRollup.WrongOutput.selector);
        rollup.challenge{value: BOND}(id + 1);
        _attest(id, o);
        VM.warp(block.timestamp + 7 days);
        rollup.finalize(id);
        VM.prank(CHALLENGER, CHALLENGER);
        VM.expectRevert(IAuraRollup.WrongStatus.selector);
        rollup.challenge{value: BOND}(id);
    }

    /// @dev Attack 23.
    function test_resolve_rejected_rootGoesOnWithItsAge() external {
        (uint64 id, Output memory o) = _batchAndRoot("good");
        _attest(id, o);
        VM.warp(block.timestamp + 6 days);
        _challenge(id);
        VM.expectRevert(IAuraRollup.WrongStatus.selector);
        rollup.finalize(id);
        VM.warp(block.timestamp + 1 days);
        _resolve(id, true);
        rollup.finalize(id);
        _assertTrue(rollup.bonds(PROPOSER) == BOND && rollup.bonds(CHALLENGER) == 0, "bond");
        VM.prank(PROPOSER, PROPOSER);
        rollup.claimBonds();
        _assertTrue(PROPOSER.balance == BOND, "paid");
        VM.prank(PROPOSER, PROPOSER);
        VM.expectRevert(IAuraRollup.NoBonds.selector);
        rollup.claimBonds();
    }

    function test_resolve_upheld_bondComesBack() external {
        (uint64 id, Output memory o) = _batchAndRoot("bad");
        _attest(id, o);
        _challenge(id);
        _resolve(id, false);
        VM.warp(block.timestamp + 30 days);
        VM.expectRevert(IAuraRollup.WrongStatus.selector);
        rollup.finalize(id);
        uint256 before = CHALLENGER.balance;
        VM.prank(CHALLENGER, CHALLENGER);
        rollup.claimBonds();
        _assertTrue(CHALLENGER.balance == before + BOND, "bond");
        // Another root for the same batch.
        uint64 next = _post(_output("good", 0));
        _assertTrue(next == id + 1, "next");
    }

    function test_expireDispute_anyCaller_afterTheTimeout() external {
        (uint64 id,) = _batchAndRoot("bad");
        VM.expectRevert(IAuraRollup.WrongStatus.selector);
        rollup.expireDispute(id);
        _challenge(id);
        VM.warp(block.timestamp + 7 days);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.expireDispute(id);
        VM.warp(block.timestamp + 1);
        rollup.expireDispute(id);
        _assertTrue(_status(id) == IAuraRollup.Status.Invalid, "invalid");
        _assertTrue(rollup.bonds(CHALLENGER) == BOND, "bond");
    }

    /// @dev Attack 35.
    function test_setVerifier_onePlaceEach() external {
        VM.startPrank(TIMELOCK, TIMELOCK);
        address existing = VM.addr(VERIFIER_KEY);
        VM.expectRevert(IAuraRollup.VerifierRange.selector);
        rollup.setVerifier(5, existing);
        VM.expectRevert(IAuraRollup.VerifierRange.selector);
        rollup.setVerifier(64, ALICE);
        rollup.setVerifier(3, address(0));
        rollup.setVerifier(5, existing);
        VM.stopPrank();
        _assertTrue(rollup.verifier(3) == address(0) && rollup.verifier(5) == existing, "places");
        VM.prank(ALICE, ALICE);
        VM.expectRevert();
        rollup.setVerifier(6, ALICE);
    }
}
