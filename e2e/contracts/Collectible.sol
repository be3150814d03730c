// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721, ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";

/// @notice An ERC-721 that anybody can mint, for the client tests.
contract Collectible is ERC721Enumerable {
    constructor() ERC721("Collectible", "COL") {}

    function mint(address to, uint256 id) external {
        _safeMint(to, id);
    }

    function _baseURI() internal pure override returns (string memory) {
        return "ipfs://collectible/";
    }
}
