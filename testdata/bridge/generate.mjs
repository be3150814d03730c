// Writes the golden vectors of the bridge: `node generate.mjs DIRECTORY`. The definitions are spelled out here,
// word by word, and share no code with the contracts or the node. Needs scripts/setup.sh to have run.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keccak_256 } from '../../e2e/node_modules/@noble/hashes/sha3.js';

// ---- bytes ------------------------------------------------------------------------------------------------
const unhex = (text) => Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`;
const concat = (...parts) => Uint8Array.from(Buffer.concat(parts));
const keccak = (...parts) => keccak_256(concat(...parts));

/** One word of the ABI: a number, a hash, or an address. */
function word(value) {
  if (typeof value === 'bigint') return unhex(`0x${value.toString(16).padStart(64, '0')}`);
  if (value.length === 32) return value;
  if (value.length === 20) return concat(new Uint8Array(12), value);
  throw new Error('neither a number, nor a hash, nor an address');
}
const hashOfWords = (...values) => keccak(...values.map(word));
/** A literal of bytes32. */
const text = (literal) => concat(Buffer.from(literal), new Uint8Array(32 - literal.length));
const ZERO = new Uint8Array(32);

// ---- random values, the same each time ----------------------------------------------------------------------
let draws = 0n;
const hash = () => keccak(Buffer.from('aura bridge vectors'), word(draws++));
const address = () => hash().slice(12);
const number = (bits) => BigInt(hex(hash())) & ((1n << BigInt(bits)) - 1n);
const bytes = (length) => {
  let out = new Uint8Array(0);
  while (out.length < length) out = concat(out, hash());
  return out.slice(0, length);
};

// ---- definitions ---------------------------------------------------------------------------------------------
/** The first 28 bytes of a hash. */
const trim = (digest) => concat(digest.slice(0, 28), new Uint8Array(4));
const withTime = (digest, time) => concat(digest.slice(0, 28), word(time).slice(28));

const messageHash = (m) =>
  hashOfWords(m.id, m.kind, m.l1Sender, m.from, m.to, m.mint, m.value, m.gasLimit, keccak(m.data));
const queueSlot = (before, message, time) => withTime(hashOfWords(before, message, time), time);
const sourceHash = (l1ChainId, portal, id, m) => hashOfWords(text('AuraMessageV0'), l1ChainId, portal, id, m);

const batchSlot = (index, daKind, daHash, h, l1Block, l1Time) => withTime(
  hashOfWords(index, daKind, daHash, h.parent, h.firstTime, h.lastTime, h.consumed, h.queueAcc, h.anchorNumber,
    h.anchorHash, l1Block, l1Time),
  l1Time,
);

const outputHash = (l1ChainId, rollup, o) => hashOfWords(
  text('AuraOutputV0'), l1ChainId, rollup, o.stateRoot, o.withdrawalRoot, o.l2BlockHash, o.l2Block, o.batchIndex,
  o.batchHash,
);

const withdrawalLeaf = ({ l1ChainId, portal, l2ChainId }, w) => keccak(hashOfWords(
  text('AuraWithdrawalV0'), l1ChainId, portal, l2ChainId, w.index, w.sender, w.recipient, w.token, w.amount,
  w.dataHash,
));

/** Levels of the tree above `leaves`: level 0 has the leaves, level 32 the root. What is not there is empty. */
function levels(leaves) {
  const all = [leaves];
  let empty = ZERO;
  for (let level = 0; level < 32; ++level) {
    const below = all[level];
    const above = [];
    for (let i = 0; i < below.length; i += 2) above.push(keccak(below[i], below[i + 1] ?? empty));
    empty = keccak(empty, empty);
    all.push(above);
  }
  return { all, root: all[32][0] ?? empty };
}

function proof(all, index) {
  const siblings = [];
  let empty = ZERO;
  for (let level = 0; level < 32; ++level) {
    siblings.push(all[level][Math.floor(index / 2 ** level) ^ 1] ?? empty);
    empty = keccak(empty, empty);
  }
  return siblings;
}

const PREDEPLOYS = Object.fromEntries(
  ['L1_BLOCK', 'MESSAGE_PASSER', 'TOKEN_BRIDGE', 'ERC20', 'FEE_VAULT', 'CONFIG'].map((name, i) => [name, predeploy(i + 1)]),
);
PREDEPLOYS.SYSTEM = predeploy(0xff);

function predeploy(last) {
  const at = new Uint8Array(20);
  at[0] = 0xaa;
  at[19] = last;
  return at;
}

/** CREATE2 of an EIP-1167 clone of the implementation, by the token bridge. */
function l2Token(l1Token) {
  const clone = concat(unhex('0x3d602d80600a3d3981f3363d3d373d3d3d363d73'), PREDEPLOYS.ERC20, unhex('0x5af43d82803e903d91602b57fd5bf3'));
  return keccak(Uint8Array.of(0xff), PREDEPLOYS.TOKEN_BRIDGE, keccak(word(l1Token)), keccak(clone)).slice(12);
}

// ---- vectors ---------------------------------------------------------------------------------------------------
const UINT64 = (1n << 64n) - 1n;
const UINT256 = (1n << 256n) - 1n;
const domain = () => ({ l1ChainId: number(32), portal: address(), l2ChainId: number(32) });

function queue() {
  const { l1ChainId, portal } = domain();
  const kinds = [0n, 1n, 2n, 3n, 4n, 0n, 2n, 2n];
  let before = ZERO;
  let time = 1_800_000_000n;
  const entries = kinds.map((kind, i) => {
    const isSystem = kind === 1n || kind >= 3n;
    const m = {
      id: BigInt(i), kind, l1Sender: address(), from: isSystem ? PREDEPLOYS.SYSTEM : address(), to: address(),
      mint: isSystem ? 0n : number(96), value: kind === 2n ? number(96) : 0n,
      gasLimit: kind === 0n ? 0n : 21_000n + number(22), data: kind === 0n ? new Uint8Array(0) : bytes(Number(number(7))),
    };
    // The ends of each range.
    if (i === 6) Object.assign(m, { mint: UINT256, value: UINT256, gasLimit: UINT64 });
    if (i === 7) Object.assign(m, { data: bytes(32 * 1024), mint: 0n, value: 0n });
    time += number(6);
    const message = messageHash(m);
    const slot = queueSlot(before, message, time);
    const entry = { message: m, hash: message, before, time, slot, sourceHash: sourceHash(l1ChainId, portal, m.id, message) };
    before = trim(slot);
    return entry;
  });
  // Another place in the queue, and a time beyond 32 bits: the preimage has all of it.
  const m = { ...entries[2].message, id: UINT64 };
  const late = (1n << 32n) + 5n;
  const message = messageHash(m);
  entries.push({
    message: m, hash: message, before: trim(hash()), time: late, slot: null, sourceHash: sourceHash(l1ChainId, portal, m.id, message),
  });
  const last = entries.at(-1);
  last.slot = queueSlot(last.before, message, late);
  return { description: 'messages of the queue; the first eight are a queue from its beginning', l1ChainId, portal, entries };
}

function batches() {
  const data = bytes(100);
  const hashes = Array.from({ length: 6 }, () => concat(Uint8Array.of(1), hash().slice(1)));
  const kinds = [
    { daKind: 0n, data, daHash: keccak(data) },
    { daKind: 0n, data: new Uint8Array(0), daHash: keccak() },
    { daKind: 1n, versionedHashes: hashes.slice(0, 1), daHash: keccak(hashes[0]) },
    { daKind: 1n, versionedHashes: hashes, daHash: keccak(...hashes) },
    { daKind: 2n, daHash: ZERO },
  ];
  const cases = kinds.map((kind, i) => {
    const time = 1_800_000_000n + number(20);
    const header = {
      parent: trim(hash()), firstTime: time, lastTime: time + number(9), consumed: number(20), queueAcc: trim(hash()),
      anchorNumber: number(25), anchorHash: hash(),
    };
    const [index, l1Block, l1Time] = [BigInt(i) + 1n, header.anchorNumber + 1n, header.lastTime + 12n];
    return { ...kind, index, header, l1Block, l1Time, slot: batchSlot(index, kind.daKind, kind.daHash, header, l1Block, l1Time) };
  });
  return { description: 'batches of each kind, as the rollup stores them', cases };
}

function outputs() {
  const cases = Array.from({ length: 3 }, (_, i) => {
    const output = i === 0
      ? { stateRoot: hash(), withdrawalRoot: levels([]).root, l2BlockHash: hash(), l2Block: 0n, batchIndex: 0n, batchHash: ZERO }
      : { stateRoot: hash(), withdrawalRoot: hash(), l2BlockHash: hash(), l2Block: number(30), batchIndex: number(20), batchHash: trim(hash()) };
    const [l1ChainId, rollup] = [number(32), address()];
    return { l1ChainId, rollup, output, hash: outputHash(l1ChainId, rollup, output) };
  });
  return { description: 'outputs and their hashes; the first is of a genesis', cases };
}

function withdrawal(index, kind) {
  const w = { index: BigInt(index), sender: address(), recipient: address(), token: new Uint8Array(20), amount: 0n, dataHash: ZERO };
  if (kind === 0) w.amount = number(80);
  if (kind === 1) Object.assign(w, { token: address(), amount: number(256) });
  if (kind === 2) w.dataHash = keccak(bytes(40));
  return w;
}

function withdrawals() {
  const between = domain();
  const cases = [0, 1, 2].map((kind) => withdrawal(kind, kind));
  cases.push({ ...withdrawal(2 ** 32 - 1, 1), amount: UINT256 });
  return { description: 'ether, tokens, a message, and the last place', ...between, cases: cases.map((w) => ({ withdrawal: w, leaf: withdrawalLeaf(between, w) })) };
}

/** The root after each leaf, and proofs of some under the last root. */
function tree(description, leaves, proven) {
  const roots = Array.from({ length: leaves.length + 1 }, (_, count) => levels(leaves.slice(0, count)).root);
  const { all, root } = levels(leaves);
  const proofs = proven.map((index) => ({ index: BigInt(index), leaf: leaves[index], siblings: proof(all, index) }));
  return { description, leaves, roots, root, proofs };
}

function trees() {
  const upTo = (count) => Array.from({ length: count }, (_, i) => i);
  const random = (count) => upTo(count).map(() => hash());
  return {
    description: 'withdrawal trees: `roots` has the root after none, one, two … leaves',
    trees: [
      tree('empty', [], []), tree('one leaf', random(1), [0]), tree('two leaves', random(2), [0, 1]),
      tree('three leaves', random(3), upTo(3)), tree('eight leaves', random(8), upTo(8)),
      tree('thirty-three leaves', random(33), [0, 1, 15, 16, 31, 32]),
    ],
  };
}

const tokens = () => ({
  description: 'tokens of L1 and where they are on L2',
  cases: [new Uint8Array(20).fill(255), unhex('0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48'), address(), address()]
    .map((l1Token) => ({ l1Token, l2Token: l2Token(l1Token) })),
});

// ---- files -----------------------------------------------------------------------------------------------------
/** Numbers are hex without leading zeros, as in JSON-RPC; everything else is bytes. */
const plain = (_, value) => {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  return value instanceof Uint8Array ? hex(value) : value;
};

const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: generate.mjs DIRECTORY');
const files = { predeploys: PREDEPLOYS, queue: queue(), batches: batches(), outputs: outputs(), withdrawals: withdrawals(), trees: trees(), tokens: tokens() };
for (const [name, content] of Object.entries(files)) {
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(content, plain, 1)}\n`);
}
