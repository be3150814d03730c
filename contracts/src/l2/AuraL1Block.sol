// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraL1Block} from "../interfaces/IAuraL1Block.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title The L1 block that an L2 block refers to
/// @dev   Slots 0 to 4, in the order of the fields; the node reads them.
contract AuraL1Block is IAuraL1Block {
    /// @inheritdoc IAuraL1Block
    uint64 public number;
    /// @inheritdoc IAuraL1Block
    uint64 public timestamp;
    /// @inheritdoc IAuraL1Block
    uint64 public consumed;
    /// @inheritdoc IAuraL1Block
    bytes32 public hash;
    /// @inheritdoc IAuraL1Block
    uint256 public baseFee;
    /// @inheritdoc IAuraL1Block
    uint256 public blobBaseFee;
    /// @inheritdoc IAuraL1Block
    bytes32 public queueAcc;

    /// @inheritdoc IAuraL1Block
    function set(
        uint64 number_,
        uint64 timestamp_,
        bytes32 hash_,
        uint256 baseFee_,
        uint256 blobBaseFee_,
        uint64 consumed_,
        bytes32 queueAcc_
    ) external {
        if (msg.sender != Predeploys.SYSTEM) revert NotSystem();
        number = number_;
        timestamp = timestamp_;
        consumed = consumed_;
        hash = hash_;
        baseFee = baseFee_;
        blobBaseFee = blobBaseFee_;
        queueAcc = queueAcc_;
    }
}
