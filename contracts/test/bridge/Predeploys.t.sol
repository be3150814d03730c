// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IAuraConfig} from "../../src/interfaces/IAuraConfig.sol";
import {IAuraERC20} from "../../src/interfaces/IAuraERC20.sol";
import {IAuraFeeVault} from "../../src/interfaces/IAuraFeeVault.sol";
import {IAuraL1Block} from "../../src/interfaces/IAuraL1Block.sol";
import {IAuraMessagePasser} from "../../src/interfaces/IAuraMessagePasser.sol";
import {IAuraTokenBridge} from "../../src/interfaces/IAuraTokenBridge.sol";
import {AuraConfig} from "../../src/l2/AuraConfig.sol";
import {AuraERC20} from "../../src/l2/AuraERC20.sol";
import {AuraFeeVault} from "../../src/l2/AuraFeeVault.sol";
import {AuraL1Block} from "../../src/l2/AuraL1Block.sol";
import {AuraMessagePasser} from "../../src/l2/AuraMessagePasser.sol";
import {AuraTokenBridge} from "../../src/l2/AuraTokenBridge.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {Output, Withdrawal} from "../../src/libraries/Types.sol";
import {WithdrawalTree} from "../../src/libraries/WithdrawalTree.sol";
import {BridgeTest} from "./BridgeTest.sol";
import {LeafTree} from "./LeafTree.sol";

/// @notice The contracts of L2 at their addresses, as a genesis puts them there.
contract PredeploysTest is BridgeTest {
    address internal constant L1_TOKEN = address(0x601D);
    uint256 internal constant OWNER_KEY = 0x0e1;

    AuraMessagePasser internal constant PASSER = AuraMessagePasser(Predeploys.MESSAGE_PASSER);
    AuraTokenBridge internal constant BRIDGE = AuraTokenBridge(Predeploys.TOKEN_BRIDGE);
    AuraConfig internal constant CONFIG = AuraConfig(Predeploys.CONFIG);
    AuraL1Block internal constant L1_BLOCK = AuraL1Block(Predeploys.L1_BLOCK);

    AuraERC20 internal token;

    function setUp() public override {
        super.setUp();
        VM.etch(Predeploys.L1_BLOCK, address(new AuraL1Block()).code);
        VM.etch(Predeploys.MESSAGE_PASSER, address(new AuraMessagePasser()).code);
        VM.etch(Predeploys.TOKEN_BRIDGE, address(new AuraTokenBridge()).code);
        VM.etch(Predeploys.ERC20, address(new AuraERC20()).code);
        VM.etch(Predeploys.FEE_VAULT, address(new AuraFeeVault()).code);
        VM.etch(Predeploys.CONFIG, address(new AuraConfig()).code);
        // Slots that the genesis sets; l1Token of the implementation marks it as used.
        VM.store(Predeploys.MESSAGE_PASSER, bytes32(uint256(33)), WithdrawalTree.emptyRoot());
        VM.store(Predeploys.MESSAGE_PASSER, bytes32(uint256(34)), bytes32(block.chainid));
        VM.store(Predeploys.MESSAGE_PASSER, bytes32(uint256(35)), bytes32(uint256(uint160(address(portal)))));
        VM.store(Predeploys.FEE_VAULT, 0, bytes32(uint256(uint160(BOB))));
        VM.startPrank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        BRIDGE.register(L1_TOKEN, "Gold", "AU", 6);
        VM.stopPrank();
        token = AuraERC20(BRIDGE.l2Token(L1_TOKEN));
    }

    function _mint(address to, uint256 amount) internal {
        VM.prank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        BRIDGE.finalizeDeposit(L1_TOKEN, to, amount);
    }

    /// @dev As on L2, where leaves name L2's chain id.
    function _onL2() internal returns (uint256 l1ChainId) {
        l1ChainId = block.chainid;
        VM.chainId(L2_CHAIN_ID);
    }

    function test_passer_leavesAreWhatThePortalPays() external {
        uint256 l1ChainId = _onL2();
        VM.prank(ALICE, ALICE);
        PASSER.withdrawETH{value: 3 ether}(BOB);
        _mint(ALICE, 50);
        VM.startPrank(ALICE, ALICE);
        BRIDGE.withdraw(L1_TOKEN, BOB, 20);
        PASSER.sendMessage(BOB, "hello");
        VM.stopPrank();
        VM.chainId(l1ChainId);

        bytes32[] memory leaves = new bytes32[](3);
        Withdrawal memory w = _ether(0, BOB, 3 ether);
        leaves[0] = portal.withdrawalLeaf(w);
        w.index = 1;
        (w.token, w.amount) = (L1_TOKEN, 20);
        leaves[1] = portal.withdrawalLeaf(w);
        w.index = 2;
        (w.token, w.amount, w.dataHash) = (address(0), 0, keccak256("hello"));
        leaves[2] = portal.withdrawalLeaf(w);
        _assertEq(PASSER.root(), LeafTree.root(leaves), "root");
        _assertTrue(PASSER.count() == 3 && address(PASSER).balance == 3 ether, "locked");
        _assertTrue(token.balanceOf(ALICE) == 30 && token.totalSupply() == 30, "burnt");

        portal.depositTo{value: 5 ether}(ALICE);
        (uint64 rootId,) = _finalRoot("state", PASSER.root());
        uint256 before = BOB.balance;
        portal.withdraw(_ether(0, BOB, 3 ether), rootId, _lastOutput(), LeafTree.proof(leaves, 0));
        _assertTrue(BOB.balance == before + 3 ether, "paid");
    }

    function _lastOutput() internal view returns (Output memory) {
        return _output("state", PASSER.root());
    }

    function testFuzz_passer_rootIsThatOfAllLeaves(uint256 seed) external {
        uint256 l1ChainId = _onL2();
        uint256 count = 1 + seed % 33;
        bytes32[] memory leaves = new bytes32[](count);
        for (uint64 i = 0; i < count; ++i) {
            VM.prank(ALICE, ALICE);
            PASSER.withdrawETH{value: i + 1}(BOB);
            leaves[i] = WithdrawalTree.leaf(l1ChainId, address(portal), L2_CHAIN_ID, _ether(i, BOB, i + 1));
        }
        _assertEq(PASSER.root(), LeafTree.root(leaves), "root");
    }

    function test_passer_emptyTree() external view {
        _assertEq(PASSER.root(), LeafTree.root(new bytes32[](0)), "root");
    }

    function test_passer_nothingOrToNobodyOrByAStranger_reverts() external {
        VM.expectRevert(IAuraMessagePasser.ZeroAmount.selector);
        PASSER.withdrawETH(BOB);
        VM.expectRevert(IAuraMessagePasser.ZeroAddress.selector);
        PASSER.withdrawETH{value: 1}(address(0));
        VM.expectRevert(IAuraMessagePasser.NotTokenBridge.selector);
        PASSER.initiate(ALICE, BOB, L1_TOKEN, 1);
    }

    function test_bridge_onlyTheSystemMints() external {
        VM.expectRevert(IAuraTokenBridge.NotSystem.selector);
        BRIDGE.finalizeDeposit(L1_TOKEN, ALICE, 1);
        VM.expectRevert(IAuraTokenBridge.NotSystem.selector);
        BRIDGE.register(address(1), "", "", 0);
        VM.expectRevert(IAuraERC20.NotTokenBridge.selector);
        token.mint(ALICE, 1);
        VM.expectRevert(IAuraERC20.NotTokenBridge.selector);
        token.burn(ALICE, 1);
        VM.expectRevert(IAuraERC20.NotTokenBridge.selector);
        token.initialize(address(1), "", "", 0);
        VM.prank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        VM.expectRevert(IAuraTokenBridge.NotRegistered.selector);
        BRIDGE.finalizeDeposit(address(1), ALICE, 1);
    }

    function test_bridge_registeredTwice_keepsTheToken() external {
        _mint(ALICE, 5);
        VM.prank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        BRIDGE.register(L1_TOKEN, "Lead", "PB", 0);
        _assertEq(keccak256(bytes(token.name())), keccak256("Gold"), "name");
        _assertTrue(token.decimals() == 6 && token.balanceOf(ALICE) == 5, "token");
    }

    function test_bridge_moreThanThereIs_reverts() external {
        _mint(ALICE, 5);
        VM.startPrank(ALICE, ALICE);
        VM.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, ALICE, 5, 6));
        BRIDGE.withdraw(L1_TOKEN, BOB, 6);
        VM.expectRevert(IAuraTokenBridge.ZeroAmount.selector);
        BRIDGE.withdraw(L1_TOKEN, BOB, 0);
        VM.expectRevert(IAuraTokenBridge.NotRegistered.selector);
        BRIDGE.withdraw(address(1), BOB, 1);
        VM.stopPrank();
    }

    /// @dev Attack 29.
    function test_token_addressIsWhatThePortalComputes() external view {
        _assertTrue(portal.l2Token(L1_TOKEN) == address(token), "address");
        _assertTrue(token.l1Token() == L1_TOKEN, "l1 token");
    }

    /// @dev Exits prove balances there.
    function test_token_balancesAreInSlotZero() external {
        _mint(ALICE, 77);
        bytes32 slot = keccak256(abi.encode(ALICE, uint256(0)));
        _assertEq(VM.load(address(token), slot), bytes32(uint256(77)), "slot");
    }

    function test_token_permit() external {
        address owner = VM.addr(OWNER_KEY);
        bytes32 kind =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        uint256 deadline = block.timestamp + 1;
        bytes memory sig = _signTyped(
            OWNER_KEY, "Gold", address(token), keccak256(abi.encode(kind, owner, BOB, 9, 0, deadline))
        );
        (bytes32 r, bytes32 s, uint8 v) = _split(sig);
        token.permit(owner, BOB, 9, deadline, v, r, s);
        _assertTrue(token.allowance(owner, BOB) == 9 && token.nonces(owner) == 1, "allowed");
        VM.expectRevert();
        token.permit(owner, BOB, 9, deadline, v, r, s);
        VM.warp(deadline + 1);
        VM.expectRevert(abi.encodeWithSelector(IAuraERC20.ERC2612ExpiredSignature.selector, deadline));
        token.permit(owner, BOB, 9, deadline, v, r, s);
    }

    function _split(bytes memory sig) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(sig, 0x20))
            s := mload(add(sig, 0x40))
            v := byte(0, mload(add(sig, 0x60)))
        }
    }

    function test_l1Block_onlyTheSystemWrites() external {
        VM.expectRevert(IAuraL1Block.NotSystem.selector);
        L1_BLOCK.set(1, 2, "h", 3, 4, 5, "q");
        VM.prank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        L1_BLOCK.set(1, 2, "h", 3, 4, 5, "q");
        _assertTrue(L1_BLOCK.number() == 1 && L1_BLOCK.timestamp() == 2, "number and time");
        _assertTrue(L1_BLOCK.hash() == "h" && L1_BLOCK.queueAcc() == "q", "hashes");
        _assertTrue(L1_BLOCK.baseFee() == 3 && L1_BLOCK.blobBaseFee() == 4, "fees");
        _assertTrue(L1_BLOCK.consumed() == 5, "consumed");
    }

    function test_feeVault_feesLeaveForItsRecipient() external {
        AuraFeeVault vault = AuraFeeVault(payable(Predeploys.FEE_VAULT));
        VM.deal(address(vault), 2 ether);
        uint256 l1ChainId = _onL2();
        vault.withdraw();
        Withdrawal memory w = _ether(0, BOB, 2 ether);
        w.sender = address(vault);
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = WithdrawalTree.leaf(l1ChainId, address(portal), L2_CHAIN_ID, w);
        _assertEq(PASSER.root(), LeafTree.root(leaves), "leaf");
        VM.expectRevert(IAuraMessagePasser.ZeroAmount.selector);
        vault.withdraw();
        VM.prank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        VM.expectRevert(IAuraFeeVault.NotConfig.selector);
        vault.setRecipient(ALICE);
        VM.prank(Predeploys.CONFIG, Predeploys.SYSTEM);
        vault.setRecipient(ALICE);
        _assertTrue(vault.recipient() == ALICE, "recipient");
    }

    /// @dev What the portal queues, called as the node calls it.
    function test_config_takesWhatThePortalQueues_withinItsGas() external {
        uint256[4] memory values = [uint256(45_000_000), uint160(ALICE), 1_368, 810_949];
        uint256 gasLeft = portal.CONFIGURATION_GAS() - 21_000;
        for (uint8 i = 0; i < values.length; ++i) {
            VM.prank(Predeploys.SYSTEM, Predeploys.SYSTEM);
            (bool ok,) = Predeploys.CONFIG.call{gas: gasLeft}(abi.encodeCall(IAuraConfig.set, (i, values[i])));
            _assertTrue(ok && CONFIG.get(i) == values[i], "value");
        }
        _assertTrue(AuraFeeVault(payable(Predeploys.FEE_VAULT)).recipient() == ALICE, "recipient");
        _assertEq(VM.load(Predeploys.CONFIG, bytes32(0)), bytes32(values[0]), "slot of the gas limit");
        _assertEq(VM.load(Predeploys.CONFIG, bytes32(uint256(1))), 0, "the vault has it");
        _assertEq(VM.load(Predeploys.CONFIG, bytes32(uint256(2))), bytes32(values[2]), "slot of a scalar");
        _assertEq(VM.load(Predeploys.CONFIG, bytes32(uint256(3))), bytes32(values[3]), "slot of a scalar");
    }

    function test_config_strangersAndBadValues_revert() external {
        VM.expectRevert(IAuraConfig.NotSystem.selector);
        CONFIG.set(0, 30_000_000);
        VM.expectRevert(abi.encodeWithSelector(IAuraConfig.UnknownParameter.selector, uint8(4)));
        CONFIG.get(4);
        VM.startPrank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        VM.expectRevert(abi.encodeWithSelector(IAuraConfig.UnknownParameter.selector, uint8(4)));
        CONFIG.set(4, 1);
        _refuses(0, 9_999_999);
        _refuses(0, 10_000_000_001);
        _refuses(1, 0);
        _refuses(1, uint256(type(uint160).max) + 1);
        _refuses(2, uint256(type(uint32).max) + 1);
        _refuses(3, uint256(type(uint32).max) + 1);
        VM.stopPrank();
    }

    function _refuses(uint8 parameter, uint256 value) internal {
        VM.expectRevert(abi.encodeWithSelector(IAuraConfig.BadValue.selector, parameter, value));
        CONFIG.set(parameter, value);
    }
}
