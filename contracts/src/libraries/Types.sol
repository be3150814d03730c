// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice An entry of the queue from L1 to L2.
/// @param  id       Position in the queue, from 0, without gaps.
/// @param  kind     One of {MessageKinds}.
/// @param  l1Sender Caller on L1; a reclaimed entry is paid to it.
/// @param  from     Sender on L2: the caller, aliased if it is a contract.
/// @param  mint     Wei credited to `to` (credit) or `from` (forced transaction) on L2.
/// @param  value    Wei that a forced transaction sends.
struct Message {
    uint64 id;
    uint8 kind;
    address l1Sender;
    address from;
    address to;
    uint256 mint;
    uint256 value;
    uint64 gasLimit;
    bytes data;
}

/// @notice What the poster of a batch says about it.
/// @param  parent       Trimmed hash of the batch before.
/// @param  firstTime    Timestamp of the batch's first L2 block, seconds.
/// @param  lastTime     Timestamp of its last L2 block.
/// @param  consumed     Queue entries consumed by all batches up to and including this one.
/// @param  queueAcc     Trimmed accumulator of the last of these entries; zero if there is none.
/// @param  anchorNumber Newest L1 block that a block of the batch refers to.
/// @param  anchorHash   Its hash.
struct Header {
    bytes32 parent;
    uint64 firstTime;
    uint64 lastTime;
    uint64 consumed;
    bytes32 queueAcc;
    uint64 anchorNumber;
    bytes32 anchorHash;
}

/// @notice What the chain evaluates to at the end of a batch.
struct Output {
    bytes32 stateRoot;
    bytes32 withdrawalRoot;
    bytes32 l2BlockHash;
    uint64 l2Block;
    uint64 batchIndex;
    bytes32 batchHash;
}

/// @notice A leaf of the withdrawal tree: value that leaves L2, or a message.
/// @param  index    Position in the tree, from 0.
/// @param  token    L1 token, or zero for ether.
/// @param  amount   Zero for a message.
/// @param  dataHash keccak256 of a message's data; zero for value.
struct Withdrawal {
    uint64 index;
    address sender;
    address recipient;
    address token;
    uint256 amount;
    bytes32 dataHash;
}

/// @notice An account as the state tree commits to it.
struct Account {
    uint64 nonce;
    uint256 balance;
    bytes32 codeHash;
}

/// @notice A path in the state tree: see {SparseMerkle}.
struct Proof {
    bytes depths;
    bytes32[] siblings;
}
