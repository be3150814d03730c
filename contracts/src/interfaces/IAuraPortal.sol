// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Account, Header, Message, Output, Proof, Withdrawal} from "../libraries/Types.sol";

/// @title  Escrow of Aura on L1: the queue to L2, withdrawals, exits after a freeze
/// @notice A zero address as token means ether.
interface IAuraPortal {
    /// @notice A credit of ether was queued: {MessageEnqueued} has the details.
    event Deposit(address indexed user, uint256 amount, uint256 indexed depositId);
    /// @notice An entry was added to the queue.
    event MessageEnqueued(
        uint64 indexed id,
        uint8 indexed kind,
        address indexed from,
        address l1Sender,
        address to,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bytes data,
        uint64 time
    );
    /// @notice A token can be deposited from now on.
    event TokenRegistered(address indexed token, uint64 indexed id);
    /// @notice A withdrawal was paid.
    event Withdrawn(uint64 indexed index, address indexed recipient, address indexed token, uint256 amount);
    /// @notice A message from L2 was taken by its recipient.
    event MessageConsumed(
        uint64 indexed index, address indexed sender, address indexed recipient, bytes32 dataHash
    );
    /// @notice The output that exits are proven against is fixed.
    event EscapeSettled(uint64 indexed rootId, bytes32 output);
    /// @notice A balance on L2 was paid out after the freeze.
    event Exited(address indexed user, address indexed token, uint256 amount);
    /// @notice An entry that L2 never saw was paid back.
    event Reclaimed(uint64 indexed id, address indexed to, address token, uint256 amount);
    /// @notice Payouts stop until `until`, or until the council ends the pause.
    event PausedUntil(uint64 until);
    /// @notice The council ended a pause.
    event Unpaused();
    /// @notice The most of a token that the escrow takes was set.
    event MaxEscrowSet(address indexed token, uint256 cap);
    /// @notice The cap of tokens that are registered from now on was changed.
    event DefaultMaxEscrowSet(uint256 cap);
    /// @notice What of a token may leave in a day, however little is there, was changed.
    event OutflowFloorSet(address indexed token, uint256 floor);

    /// @notice Nothing to move.
    error ZeroAmount();
    /// @notice Nothing can be sent to the zero address.
    error ZeroAddress();
    /// @notice A contract must name who is credited on L2: {depositTo}.
    error ContractCaller();
    /// @notice The queue has 2^32 - 1 entries.
    error QueueFull();
    /// @notice The escrow would hold more than `cap`.
    error OverCap(uint256 cap);
    /// @notice The token is not registered: {registerToken}.
    error NotRegistered();
    /// @notice The token is registered already.
    error AlreadyRegistered();
    /// @notice There is no contract at this address.
    error NotAContract();
    /// @notice The gas limit is below a transaction's 21,000 or above the limit of forced transactions.
    error BadGas();
    /// @notice The data is longer than a forced transaction may have.
    error DataTooLong();
    /// @notice Payouts are paused.
    error Paused(uint64 until);
    /// @notice The last pause was not long enough ago.
    error PauseCooldown(uint64 readyAt);
    /// @notice The output is not the one that was posted.
    error WrongOutput();
    /// @notice The root is not final.
    error NotFinal();
    /// @notice The proof does not show this.
    error BadProof();
    /// @notice This withdrawal was paid, or this message taken.
    error AlreadyClaimed();
    /// @notice No leaf has this index.
    error IndexRange();
    /// @notice As much of this token has left today as may; try again later.
    error OutflowLimited(uint64 until);
    /// @notice The recipient did not take the ether; nothing is lost, try again later.
    error SendFailed();
    /// @notice Only its recipient takes a message.
    error NotRecipient();
    /// @notice The rollup is not frozen, or not for long enough.
    error NotFrozen();
    /// @notice The escape output is fixed already.
    error AlreadySettled();
    /// @notice Only the holder of the account's key may leave with its balance.
    error NotOwner();
    /// @notice This balance was paid out.
    error AlreadyExited();
    /// @notice L2 has consumed this entry, or it was paid back.
    error AlreadyConsumed();
    /// @notice The message is not the entry of the queue.
    error WrongMessage();
    /// @notice There is no such parameter.
    error UnknownParameter(uint8 parameter);
    /// @notice The parameter cannot have this value.
    error BadValue(uint8 parameter, uint256 value);

    /// @notice Credits the ether to the caller on L2. Contracts must use {depositTo}.
    function deposit() external payable;

    /// @notice Credits the ether to `to` on L2. No code runs there.
    /// @return id Its place in the queue.
    function depositTo(address to) external payable returns (uint64 id);

    /// @notice Takes tokens and mints their L2 token to `to`: what has arrived, not what was asked for.
    /// @return id Its place in the queue.
    function depositERC20(address token, address to, uint256 amount) external returns (uint64 id);

    /// @notice Makes a token known to L2, with what it says of name, symbol and decimals.
    /// @return id Its place in the queue.
    function registerToken(address token) external returns (uint64 id);

    /// @notice Queues a transaction that no sequencer can leave out for longer than the force delay. The
    ///         ether is credited to the sender on L2 first and stays there whatever becomes of the call.
    /// @param  value Wei that the call sends, from the balance on L2.
    /// @return id    Its place in the queue.
    function forceTransaction(address to, uint256 value, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 id);

    /// @notice Pays out a withdrawal; anybody may call. Its root becomes final on the way if it can.
    function withdraw(Withdrawal calldata w, uint64 rootId, Output calldata o, bytes32[32] calldata proof)
        external;

    /// @notice Marks a message from L2 as taken; its recipient calls.
    function consumeMessage(
        Withdrawal calldata w,
        uint64 rootId,
        Output calldata o,
        bytes32[32] calldata proof
    ) external;

    /// @notice Fixes the output that exits are proven against, after the rollup froze: that of the best final
    ///         root. The other arguments are the preimage of its batch's hash.
    function settleEscape(
        Output calldata o,
        uint8 daKind,
        bytes32 daHash,
        Header calldata h,
        uint256 l1Block,
        uint256 l1Time
    ) external;

    /// @notice Pays the whole ether balance that `user` had at the escape output.
    /// @param  sig Empty if `user` itself calls; else its EIP-712 signature of
    ///             `Exit(address user,address token,address payee)`.
    function exitETH(
        Output calldata o,
        Account calldata account,
        Proof calldata proof,
        address payee,
        bytes calldata sig,
        address user
    ) external;

    /// @notice Pays the whole balance of a token that `user` had at the escape output: see {exitETH}.
    function exitToken(
        Output calldata o,
        address token,
        uint256 amount,
        Proof calldata proof,
        address payee,
        bytes calldata sig,
        address user
    ) external;

    /// @notice Pays an entry that L2 had not consumed at the escape output back to its sender.
    function reclaim(uint64 id, Message calldata m) external;

    /// @notice Stops payouts for a limited time. Deposits and the forced path stay open.
    function pause() external;

    /// @notice Ends a pause.
    function unpause() external;

    /// @notice Sets the most of a token that the escrow takes; zero stands for the default.
    function setMaxEscrow(address token, uint256 cap) external;

    /// @notice Sets the cap of tokens that are registered from now on.
    function setDefaultMaxEscrow(uint256 cap) external;

    /// @notice Sets what of a token may leave in a day, however little is there.
    function setOutflowFloor(address token, uint256 floor) external;

    /// @notice Queues a change of a parameter of L2: see {Parameters}.
    function configure(uint8 parameter, uint256 value) external returns (uint64 id);

    /// @notice What the rollup has to know of the queue before entry `k`.
    /// @return count     Number of entries.
    /// @return accBefore Trimmed accumulator of entry `k - 1`; zero if `k` is zero.
    /// @return nextTime  Time of entry `k`; zero if there is none.
    function queueView(uint64 k) external view returns (uint64 count, bytes32 accBefore, uint64 nextTime);

    /// @notice Accumulator and time of an entry: see {MessageQueue}; zero if there is none.
    function queueSlot(uint64 id) external view returns (bytes32);

    /// @notice Number of entries in the queue.
    function messageCount() external view returns (uint64);

    /// @notice Payouts are stopped until then.
    function pausedUntil() external view returns (uint64);

    /// @notice The next pause may begin then.
    function pauseReadyAt() external view returns (uint64);

    /// @notice The most of a token that the escrow takes.
    function maxEscrow(address token) external view returns (uint256);

    /// @notice The cap that a token gets when it is registered.
    function defaultMaxEscrow() external view returns (uint256);

    /// @notice Start of the current day of a token's payouts, and what may still leave.
    function outflow(address token) external view returns (uint64 start, uint192 left);

    /// @notice What of a token may leave in a day, however little is there.
    function outflowFloor(address token) external view returns (uint256);

    /// @notice Whether a token can be deposited.
    function registered(address token) external view returns (bool);

    /// @notice The output that exits are proven against; zero before {settleEscape}.
    function escapeOutput() external view returns (bytes32);

    /// @notice Queue entries consumed at that output.
    function escapeConsumed() external view returns (uint64);

    /// @notice Whether a user has left with its balance of a token.
    function exited(address user, address token) external view returns (bool);

    /// @notice Whether the withdrawal or message with this index was paid or taken.
    function isClaimed(uint64 index) external view returns (bool);

    /// @notice Leaf of a withdrawal in the tree of L2: see {WithdrawalTree}.
    function withdrawalLeaf(Withdrawal calldata w) external view returns (bytes32);

    /// @notice Address of an L1 token's token on L2.
    function l2Token(address token) external view returns (address);
}
