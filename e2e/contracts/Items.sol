// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @notice An ERC-1155 that mints a batch to its deployer, for the client tests.
contract Items is ERC1155 {
    constructor(uint256[] memory ids, uint256[] memory amounts) ERC1155("https://items.example/{id}.json") {
        _mintBatch(msg.sender, ids, amounts, "");
    }
}
