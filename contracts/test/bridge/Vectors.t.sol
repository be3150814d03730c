// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {AuraPortal} from "../../src/l1/AuraPortal.sol";
import {AuraRollup} from "../../src/l1/AuraRollup.sol";
import {PortalBase} from "../../src/l1/PortalBase.sol";
import {RollupRoots} from "../../src/l1/RollupRoots.sol";
import {AuraTokenBridge} from "../../src/l2/AuraTokenBridge.sol";
import {MessageQueue} from "../../src/libraries/MessageQueue.sol";
import {Outputs} from "../../src/libraries/Outputs.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {Header, Message, Output, Withdrawal} from "../../src/libraries/Types.sol";
import {WithdrawalTree} from "../../src/libraries/WithdrawalTree.sol";
import {Test} from "../utils/Test.sol";

/// @notice The golden vectors of `testdata/bridge`, which the Rust tests read too.
contract BridgeVectorsTest is Test {
    bytes32 internal constant SOURCE_DOMAIN = "AuraMessageV0";

    AuraPortal internal _portal;
    AuraRollup internal _rollup;
    bytes32[32] internal _branch;

    function setUp() public {
        RollupRoots.Timing memory timing;
        PortalBase.Limits memory limits;
        _portal = new AuraPortal(IAuraRollup(address(1)), 1, limits);
        _rollup = new AuraRollup(IAuraPortal(address(1)), timing);
        VM.etch(Predeploys.TOKEN_BRIDGE, address(new AuraTokenBridge()).code);
    }

    function _read(string memory name) internal view returns (string memory) {
        return VM.readFile(string.concat("../testdata/bridge/", name, ".json"));
    }

    /// @dev Path of element `i` of the list at `list`, and whether it is there.
    function _element(string memory json, string memory list, uint256 i)
        internal
        pure
        returns (string memory path, bool exists)
    {
        path = string.concat(list, "[", VM.toString(i), "]");
        exists = VM.keyExistsJson(json, path);
    }

    function _word(string memory json, string memory path, string memory name)
        internal
        pure
        returns (bytes32)
    {
        return VM.parseJsonBytes32(json, string.concat(path, ".", name));
    }

    function _address(string memory json, string memory path, string memory name)
        internal
        pure
        returns (address)
    {
        return VM.parseJsonAddress(json, string.concat(path, ".", name));
    }

    function _number(string memory json, string memory path, string memory name)
        internal
        pure
        returns (uint256)
    {
        return VM.parseJsonUint(json, string.concat(path, ".", name));
    }

    function _small(string memory json, string memory path, string memory name)
        internal
        pure
        returns (uint64)
    {
        uint256 value = _number(json, path, name);
        _assertTrue(value <= type(uint64).max, name);
        // Just compared.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(value);
    }

    function _kind(string memory json, string memory path, string memory name) internal pure returns (uint8) {
        uint256 value = _number(json, path, name);
        _assertTrue(value <= 4, name);
        // Just compared.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint8(value);
    }

    function _bytes(string memory json, string memory path, string memory name)
        internal
        pure
        returns (bytes memory)
    {
        return VM.parseJsonBytes(json, string.concat(path, ".", name));
    }

    function test_predeploys() external view {
        string memory json = _read("predeploys");
        _assertTrue(_address(json, "", "L1_BLOCK") == Predeploys.L1_BLOCK, "L1 block");
        _assertTrue(_address(json, "", "MESSAGE_PASSER") == Predeploys.MESSAGE_PASSER, "message passer");
        _assertTrue(_address(json, "", "TOKEN_BRIDGE") == Predeploys.TOKEN_BRIDGE, "token bridge");
        _assertTrue(_address(json, "", "ERC20") == Predeploys.ERC20, "token");
        _assertTrue(_address(json, "", "FEE_VAULT") == Predeploys.FEE_VAULT, "fee vault");
        _assertTrue(_address(json, "", "CONFIG") == Predeploys.CONFIG, "configuration");
        _assertTrue(_address(json, "", "SYSTEM") == Predeploys.SYSTEM, "system");
    }

    function test_queue_messagesSlotsAndSources() external view {
        string memory json = _read("queue");
        bytes32 before;
        uint256 count;
        for (;; ++count) {
            (string memory path, bool exists) = _element(json, ".entries", count);
            if (!exists) break;
            bytes32 message = _message(json, string.concat(path, ".message"));
            _assertEq(message, _word(json, path, "hash"), "message");
            if (count < 8) _assertEq(before, _word(json, path, "before"), "the entry before");
            bytes32 slot =
                MessageQueue.link(_word(json, path, "before"), message, _number(json, path, "time"));
            _assertEq(slot, _word(json, path, "slot"), "slot");
            before = MessageQueue.trim(slot);
            // What the transaction on L2 is known by; no contract computes it.
            bytes32 source = keccak256(
                abi.encode(
                    SOURCE_DOMAIN,
                    _number(json, "", "l1ChainId"),
                    _address(json, "", "portal"),
                    _small(json, string.concat(path, ".message"), "id"),
                    message
                )
            );
            _assertEq(source, _word(json, path, "sourceHash"), "source");
        }
        _assertTrue(count == 9, "entries were read");
    }

    function _message(string memory json, string memory path) internal pure returns (bytes32) {
        Message memory m;
        m.id = _small(json, path, "id");
        m.kind = _kind(json, path, "kind");
        m.l1Sender = _address(json, path, "l1Sender");
        m.from = _address(json, path, "from");
        m.to = _address(json, path, "to");
        m.mint = _number(json, path, "mint");
        m.value = _number(json, path, "value");
        m.gasLimit = _small(json, path, "gasLimit");
        m.data = _bytes(json, path, "data");
        return MessageQueue.hash(
            m.id, m.kind, m.l1Sender, m.from, m.to, m.mint, m.value, m.gasLimit, keccak256(m.data)
        );
    }

    function test_batches_slotsAndData() external view {
        string memory json = _read("batches");
        uint256 count;
        for (;; ++count) {
            (string memory path, bool exists) = _element(json, ".cases", count);
            if (!exists) break;
            uint8 kind = _kind(json, path, "daKind");
            bytes32 daHash;
            if (kind == 0) daHash = keccak256(_bytes(json, path, "data"));
            if (kind == 1) {
                string memory list = string.concat(path, ".versionedHashes");
                daHash = keccak256(abi.encodePacked(VM.parseJsonBytes32Array(json, list)));
            }
            _assertEq(daHash, _word(json, path, "daHash"), "data");
            bytes32 slot = _rollup.batchHash(
                _small(json, path, "index"),
                kind,
                daHash,
                _header(json, string.concat(path, ".header")),
                _number(json, path, "l1Block"),
                _number(json, path, "l1Time")
            );
            _assertEq(slot, _word(json, path, "slot"), "slot");
        }
        _assertTrue(count == 5, "batches were read");
    }

    function _header(string memory json, string memory path) internal pure returns (Header memory) {
        return Header({
            parent: _word(json, path, "parent"),
            firstTime: _small(json, path, "firstTime"),
            lastTime: _small(json, path, "lastTime"),
            consumed: _small(json, path, "consumed"),
            queueAcc: _word(json, path, "queueAcc"),
            anchorNumber: _small(json, path, "anchorNumber"),
            anchorHash: _word(json, path, "anchorHash")
        });
    }

    function test_outputs_hashes() external {
        string memory json = _read("outputs");
        uint256 count;
        for (;; ++count) {
            (string memory path, bool exists) = _element(json, ".cases", count);
            if (!exists) break;
            VM.chainId(_number(json, path, "l1ChainId"));
            string memory inner = string.concat(path, ".output");
            Output memory o = Output({
                stateRoot: _word(json, inner, "stateRoot"),
                withdrawalRoot: _word(json, inner, "withdrawalRoot"),
                l2BlockHash: _word(json, inner, "l2BlockHash"),
                l2Block: _small(json, inner, "l2Block"),
                batchIndex: _small(json, inner, "batchIndex"),
                batchHash: _word(json, inner, "batchHash")
            });
            _assertEq(this.hashOf(_address(json, path, "rollup"), o), _word(json, path, "hash"), "hash");
        }
        _assertTrue(count == 3, "outputs were read");
    }

    /// @dev The library takes calldata.
    function hashOf(address rollup, Output calldata o) external view returns (bytes32) {
        return Outputs.hash(rollup, o);
    }

    /// @dev What L2 computes from memory, and the portal from calldata.
    function test_withdrawals_leaves() external view {
        string memory json = _read("withdrawals");
        uint256 count;
        for (;; ++count) {
            (string memory path, bool exists) = _element(json, ".cases", count);
            if (!exists) break;
            string memory inner = string.concat(path, ".withdrawal");
            Withdrawal memory w = Withdrawal({
                index: _small(json, inner, "index"),
                sender: _address(json, inner, "sender"),
                recipient: _address(json, inner, "recipient"),
                token: _address(json, inner, "token"),
                amount: _number(json, inner, "amount"),
                dataHash: _word(json, inner, "dataHash")
            });
            uint256 l1ChainId = _number(json, "", "l1ChainId");
            uint256 l2ChainId = _number(json, "", "l2ChainId");
            address portal = _address(json, "", "portal");
            bytes32 expected = _word(json, path, "leaf");
            _assertEq(WithdrawalTree.leaf(l1ChainId, portal, l2ChainId, w), expected, "leaf on L2");
            _assertEq(this.leafOf(l1ChainId, portal, l2ChainId, w), expected, "leaf on L1");
        }
        _assertTrue(count == 4, "withdrawals were read");
    }

    /// @dev The library takes calldata.
    function leafOf(uint256 l1ChainId, address portal, uint256 l2ChainId, Withdrawal calldata w)
        external
        pure
        returns (bytes32)
    {
        return WithdrawalTree.leafOf(l1ChainId, portal, l2ChainId, w);
    }

    function test_trees_rootsAndProofs() external {
        string memory json = _read("trees");
        uint256 count;
        uint256 proofs;
        for (;; ++count) {
            (string memory path, bool exists) = _element(json, ".trees", count);
            if (!exists) break;
            _appendAll(json, path);
            proofs += _checkProofs(json, path);
        }
        _assertTrue(count == 6 && proofs == 20, "trees and proofs were read");
    }

    function _appendAll(string memory json, string memory path) internal {
        delete _branch;
        bytes32[] memory leaves = VM.parseJsonBytes32Array(json, string.concat(path, ".leaves"));
        bytes32[] memory roots = VM.parseJsonBytes32Array(json, string.concat(path, ".roots"));
        _assertTrue(roots.length == leaves.length + 1, "a root after each leaf");
        _assertEq(WithdrawalTree.emptyRoot(), roots[0], "empty tree");
        for (uint256 i = 0; i < leaves.length; ++i) {
            _assertEq(WithdrawalTree.append(_branch, i, leaves[i]), roots[i + 1], "root");
        }
        _assertEq(roots[leaves.length], _word(json, path, "root"), "last root");
    }

    function _checkProofs(string memory json, string memory tree) internal view returns (uint256 count) {
        bytes32 root = _word(json, tree, "root");
        for (;; ++count) {
            (string memory path, bool exists) = _element(json, string.concat(tree, ".proofs"), count);
            if (!exists) break;
            bytes32[] memory list = VM.parseJsonBytes32Array(json, string.concat(path, ".siblings"));
            bytes32[32] memory siblings;
            _assertTrue(list.length == 32, "siblings");
            for (uint256 i = 0; i < 32; ++i) {
                siblings[i] = list[i];
            }
            uint256 index = _number(json, path, "index");
            _assertEq(this.rootOf(_word(json, path, "leaf"), index, siblings), root, "proof");
        }
    }

    /// @dev The library takes calldata.
    function rootOf(bytes32 leaf, uint256 index, bytes32[32] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return WithdrawalTree.rootOf(leaf, index, siblings);
    }

    function test_tokens_addressesOnL2() external view {
        string memory json = _read("tokens");
        uint256 count;
        for (;; ++count) {
            (string memory path, bool exists) = _element(json, ".cases", count);
            if (!exists) break;
            address token = _address(json, path, "l1Token");
            address expected = _address(json, path, "l2Token");
            _assertTrue(_portal.l2Token(token) == expected, "as the portal computes it");
            _assertTrue(AuraTokenBridge(Predeploys.TOKEN_BRIDGE).l2Token(token) == expected, "as L2 does");
        }
        _assertTrue(count == 4, "tokens were read");
    }
}
