// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IAuraERC20} from "../interfaces/IAuraERC20.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title A token of L1 on L2, with permit (ERC-2612)
/// @dev   {ERC20} comes first: its balances must be in slot 0, for exits prove them there. Each token is a
///        minimal proxy; this contract itself is the genesis', which marks it as initialized.
contract AuraERC20 is ERC20, Nonces, IERC20Permit, IAuraERC20 {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant VERSION = keccak256("1");

    string private _text;
    string private _ticker;
    /// @inheritdoc IAuraERC20
    address public l1Token;
    uint8 private _digits;

    modifier onlyTokenBridge() {
        if (msg.sender != Predeploys.TOKEN_BRIDGE) revert NotTokenBridge();
        _;
    }

    constructor() ERC20("", "") {
        // Nobody names the implementation.
        l1Token = address(this);
    }

    /// @inheritdoc IAuraERC20
    function initialize(address l1Token_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external
        onlyTokenBridge
    {
        if (l1Token != address(0)) revert AlreadyInitialized();
        (l1Token, _text, _ticker, _digits) = (l1Token_, name_, symbol_, decimals_);
    }

    /// @inheritdoc IAuraERC20
    function mint(address to, uint256 amount) external onlyTokenBridge {
        _mint(to, amount);
    }

    /// @inheritdoc IAuraERC20
    function burn(address from, uint256 amount) external onlyTokenBridge {
        _burn(from, amount);
    }

    /// @inheritdoc IERC20Permit
    function permit(
        address owner,
        address spender,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        if (block.timestamp > deadline) revert ERC2612ExpiredSignature(deadline);
        bytes32 structHash = keccak256(abi.encode(PERMIT, owner, spender, value, _useNonce(owner), deadline));
        address signer =
            ECDSA.recover(MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR(), structHash), v, r, s);
        if (signer != owner) revert ERC2612InvalidSigner(signer, owner);
        _approve(owner, spender, value);
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _text;
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _ticker;
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _digits;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(IERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @inheritdoc IERC20Permit
    // forge-lint: disable-next-line(mixed-case-function)
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, keccak256(bytes(name())), VERSION, block.chainid, address(this)));
    }
}
