// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Header, Output} from "../libraries/Types.sol";

/// @title  The order of Aura's batches, and what they evaluate to
/// @notice Batches are a hash chain; a batch names how far it consumes the portal's queue. Roots are claims
///         about batches, each with a state of its own.
interface IAuraRollup {
    /// @notice What became of a root.
    enum Status {
        Pending,
        Final,
        Disputed,
        Invalid
    }

    /// @notice A claim of what the chain evaluates to at the end of a batch.
    /// @param  attested Bit `i` is set if verifier `i` has signed it.
    struct Root {
        bytes32 output;
        uint64 batchIndex;
        uint64 postedAt;
        uint64 attested;
        Status status;
        uint48 disputedAt;
    }

    /// @notice A batch was appended. `h` holds the queue entries it consumes and its L1 anchor.
    event BatchAppended(
        uint64 indexed index, bytes32 indexed batchHash, uint8 daKind, bytes32 daHash, Header h
    );
    /// @notice A root was posted.
    event StateRootUpdated(uint64 indexed rootId, bytes32 indexed stateRoot, bytes32 output, Output o);
    /// @notice Verifiers have signed a root; `bitmap` holds all that have so far.
    event RootAttested(uint64 indexed rootId, uint64 bitmap);
    /// @notice A root is disputed.
    event RootChallenged(uint64 indexed rootId, address by);
    /// @notice A root was found to be wrong, or nobody decided its dispute.
    event RootInvalidated(uint64 indexed rootId);
    /// @notice A dispute was rejected; the root is pending again.
    event DisputeRejected(uint64 indexed rootId);
    /// @notice Withdrawals under this root can be paid, for ever.
    event RootFinalized(uint64 indexed rootId);
    /// @notice No more batches, no more roots.
    event FrozenForever(uint64 time);
    /// @notice A verifier has this place in bitmaps from now on; zero is nobody.
    event VerifierSet(uint8 indexed index, address verifier);
    /// @notice Forfeited bonds go to this account.
    event BondRecipientSet(address indexed recipient);
    /// @notice Released bonds are paid.
    event BondsClaimed(address indexed account, uint256 amount);
    /// @notice A bond can be taken by `to`: {claimBonds}.
    event BondReleased(uint64 indexed rootId, address indexed to, uint256 amount);

    /// @notice The batch does not follow the last one.
    error WrongParent();
    /// @notice Times run backwards, lie in the future or too far in the past.
    error BadTime();
    /// @notice The anchor is no recent block of this L1.
    error BadAnchor();
    /// @notice The queue is not what the batch says.
    error BadQueue();
    /// @notice This entry of the queue has waited too long and is not in the batch.
    error ForcedEntryOverdue(uint64 id);
    /// @notice Batches must be posted by an account without code, so that their data is in the transaction.
    error NotCodelessEOA();
    /// @notice The transaction has no blobs.
    error NoBlobs();
    /// @notice Not yet.
    error TooSoon();
    /// @notice There is no such batch.
    error UnknownBatch();
    /// @notice There is a final root for this batch or a later one.
    error NotIncreasing();
    /// @notice The rollup is frozen.
    error Frozen();
    /// @notice The signer is no verifier.
    error NotVerifier();
    /// @notice The output is not that of the root.
    error WrongOutput();
    /// @notice A root with this status cannot do that.
    error WrongStatus();
    /// @notice No entry of the queue up to there is overdue.
    error NothingOverdue();
    /// @notice A dispute needs exactly this bond.
    error WrongBond(uint256 bond);
    /// @notice There is no such place for a verifier.
    error VerifierRange();
    /// @notice Nothing to pay.
    error NoBonds();
    /// @notice The caller did not take the ether.
    error SendFailed();

    /// @notice Appends a batch whose data is in the calldata.
    function appendBatch(Header calldata h, bytes calldata data) external;

    /// @notice Appends a batch whose data is in the transaction's blobs.
    function appendBatchBlobs(Header calldata h) external;

    /// @notice Appends an empty batch that consumes the queue below `upTo`; anybody may call once the last of
    ///         these entries is overdue.
    function forceBatch(uint64 upTo) external;

    /// @notice Posts a root.
    function updateStateRoot(Output calldata o) external;

    /// @notice Adds signatures of verifiers; anybody may call.
    /// @param  sigs EIP-712 signatures of `RootAttestation(uint64 rootId,bytes32 output)`.
    function attest(uint64 rootId, bytes32 output, bytes[] calldata sigs) external;

    /// @notice Disputes a pending root; the bond comes back unless the dispute is rejected.
    function challenge(uint64 rootId) external payable;

    /// @notice Decides a dispute.
    function resolve(uint64 rootId, bool valid) external;

    /// @notice Ends a dispute that nobody decided in time: the root is invalid.
    function expireDispute(uint64 rootId) external;

    /// @notice Makes a root final if it is old enough and has enough signatures; no more than an assurance
    ///         for one that is final already.
    function finalize(uint64 rootId) external;

    /// @notice {finalize}, and assurance that the root has this output.
    function requireFinal(uint64 rootId, bytes32 output) external;

    /// @notice Ends the rollup for ever if no root became final for long after a batch.
    function freeze() external;

    /// @notice Pays the bonds that are the caller's.
    function claimBonds() external;

    /// @notice Gives place `index` (0 to 63) to a verifier; zero is nobody.
    function setVerifier(uint8 index, address account) external;

    /// @notice Sets who gets forfeited bonds.
    function setBondRecipient(address recipient) external;

    /// @notice Hash of an output of this rollup.
    function outputHash(Output calldata o) external view returns (bytes32);

    /// @notice Hash of a batch with the time of its block: see {MessageQueue-pack}.
    function batchHash(
        uint64 index,
        uint8 daKind,
        bytes32 daHash,
        Header calldata h,
        uint256 l1Block,
        uint256 l1Time
    ) external pure returns (bytes32);

    /// @notice Numbers of batches and roots, queue entries consumed, time of the last L2 block.
    function head()
        external
        view
        returns (uint64 batchCount, uint64 consumed, uint64 lastTime, uint64 rootCount);

    /// @notice Hash and time of a batch.
    function batches(uint256 index) external view returns (bytes32);

    /// @notice A root.
    function roots(uint256 rootId) external view returns (Root memory);

    /// @notice The final root with the highest batch.
    function bestFinal() external view returns (uint64);

    /// @notice That batch.
    function bestFinalBatch() external view returns (uint64);

    /// @notice When the rollup froze; zero if it has not.
    function frozenAt() external view returns (uint64);

    /// @notice Verifier at a place; zero is nobody.
    function verifier(uint8 index) external view returns (address);

    /// @notice Bonds that an account can take.
    function bonds(address account) external view returns (uint256);
}
