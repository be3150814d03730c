// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Probe} from "../contracts/Probe.sol";
import {Token} from "../contracts/Token.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// @notice Deploys a token and a probe (the latter by CREATE2 through the keyless factory), then
///         uses both: four transactions.
contract Deploy {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external returns (address token, address probe) {
        vm.startBroadcast();
        Token deployed = new Token("Scripted", "SCR", 1_000_000 ether);
        Probe salted = new Probe{salt: bytes32(uint256(1))}();
        deployed.transfer(address(0xBEEF), 5 ether);
        salted.ping(7, "from a script");
        vm.stopBroadcast();
        return (address(deployed), address(salted));
    }
}
