// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SparseMerkle} from "../../src/libraries/SparseMerkle.sol";
import {Account, Header, Message, Output, Proof} from "../../src/libraries/Types.sol";
import {Leaf, NaiveTree, Proof as Path} from "../utils/NaiveTree.sol";
import {BridgeTest} from "./BridgeTest.sol";
import {LeafTree} from "./LeafTree.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice A bridge with people on L2, whose operator can go.
abstract contract FrozenBridge is BridgeTest {
    uint256 internal constant CAROL_KEY = 0xca201;
    bytes32 internal constant EMPTY_CODE = keccak256("");

    address internal carol = VM.addr(CAROL_KEY);
    PlainToken internal token;
    Leaf[] internal state;
    bytes32[] internal leaves;
    uint64 internal escapeRoot;
    Output internal o;
    Header internal h;
    uint256 internal l1Block;
    uint256 internal l1Time;
    Message internal unconsumed;

    function setUp() public override {
        super.setUp();
        token = new PlainToken("Gold", "AU", 6);
        portal.registerToken(address(token));
        token.mint(ALICE, 1_000);
        VM.startPrank(ALICE, ALICE);
        token.approve(address(portal), 1_000);
        portal.depositERC20(address(token), ALICE, 100);
        portal.deposit{value: 10 ether}();
        VM.stopPrank();
        VM.prank(TIMELOCK, TIMELOCK);
        portal.setOutflowFloor(address(token), type(uint192).max);
    }

    function _account(uint64 nonce, uint256 balance) internal pure returns (Account memory) {
        return Account({nonce: nonce, balance: balance, codeHash: EMPTY_CODE});
    }

    function _put(bytes32 key, bytes32 value) internal {
        state.push(Leaf({key: key, value: value}));
    }

    function _putAccount(address user, Account memory a) internal {
        _put(SparseMerkle.accountKey(user), SparseMerkle.accountValue(a.nonce, a.balance, a.codeHash));
    }

    function _balanceKey(address user) internal view returns (bytes32) {
        return SparseMerkle.slotKey(portal.l2Token(address(token)), keccak256(abi.encode(user, uint256(0))));
    }

    function _prove(bytes32 key) internal view returns (Proof memory) {
        Path memory path = NaiveTree.prove(state, key);
        return Proof({depths: path.depths, siblings: path.siblings});
    }

    /// @dev Alice has 4 ether and 60 tokens on L2, Carol 3 ether; Bob's withdrawal of 2 ether is debited.
    function _lastFinalState() internal {
        _putAccount(ALICE, _account(7, 4 ether));
        _putAccount(carol, _account(1, 3 ether));
        _put(_balanceKey(ALICE), bytes32(uint256(60)));
        for (uint256 i = 0; i < 20; ++i) {
            _put(keccak256(abi.encode("others", i)), bytes32(i + 1));
        }
        leaves.push(_leaf(_ether(0, BOB, 2 ether)));
        h = _header();
        (l1Block, l1Time) = (block.number, block.timestamp);
        _append(h);
        o = _output(NaiveTree.root(state), LeafTree.root(leaves));
        escapeRoot = _post(o);
        _attest(escapeRoot, o);
        VM.warp(block.timestamp + 7 days);
        rollup.finalize(escapeRoot);
    }

    /// @dev The operator goes after one more deposit, which a forced batch consumes too late.
    function _freeze() internal {
        _lastFinalState();
        unconsumed = Message({
            id: portal.messageCount(),
            kind: 0,
            l1Sender: BOB,
            from: BOB,
            to: carol,
            mint: 1 ether,
            value: 0,
            gasLimit: 0,
            data: ""
        });
        VM.prank(BOB, BOB);
        portal.depositTo{value: 1 ether}(carol);
        VM.warp(block.timestamp + 12 hours + 1);
        rollup.forceBatch(portal.messageCount());
        VM.warp(block.timestamp + 14 days + 1);
        rollup.freeze();
    }

    function _settle() internal {
        _freeze();
        VM.warp(block.timestamp + 1 days);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);
    }

    function _exitAlice() internal {
        portal.exitETH(o, _account(7, 4 ether), _prove(SparseMerkle.accountKey(ALICE)), ALICE, "", ALICE);
    }
}
