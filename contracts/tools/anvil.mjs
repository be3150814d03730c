// Deploys to an anvil with deploy.sh, once for each profile, looks at what is there, and measures what a batch
// costs as a transaction: forge has no blobs in a transaction of its own. Fails if a batch costs more than it may.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPublicClient, encodeFunctionData, getAddress, getContractAddress, http, pad, toHex } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';

const DIRECTORY = 'cache/anvil';
const L2_CHAIN_ID = 13371;
const ZERO = pad('0x', { size: 20 });
// Gas of a batch's transaction, at most: BRIDGE.md's budget.
const BUDGETS = { 'no data': 90_000n, '1 KB of calldata': 107_000n, '1 blob': 90_000n, '6 blobs': 90_000n };

const accounts = Array.from({ length: 10 }, (_, addressIndex) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex }));
const keyOf = (address) => toHex(accounts.find((a) => a.address === address).getHdKey().privateKey);
const artifact = (name) => JSON.parse(readFileSync(`artifacts/${name}.json`, 'utf8'));
const written = (name, value) => {
  writeFileSync(join(DIRECTORY, name), typeof value === 'string' ? value : JSON.stringify(value));
  return join(DIRECTORY, name);
};

function check(condition, what) {
  if (!condition) throw new Error(`anvil.mjs: ${what}`);
}

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

async function startAnvil() {
  const port = await freePort();
  const child = spawn('node_modules/.bin/anvil', ['--quiet', '--port', String(port), '--chain-id', '1337'], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  const client = createPublicClient({ transport: http(url), pollingInterval: 50 });
  for (let tries = 0; ; ++tries) {
    try {
      await client.getChainId();
      return { child, url, client };
    } catch (error) {
      if (tries === 200 || child.exitCode !== null) {
        child.kill();
        throw error;
      }
      await sleep(50);
    }
  }
}

const genesis = { stateRoot: pad('0x1'), withdrawalRoot: pad('0x2'), l2BlockHash: pad('0x3'), l2Block: 0, batchIndex: 0, batchHash: pad('0x') };

/** A deployment by deploy.sh, from `deployer`; returns its file. */
async function deploy({ url, client }, profile, roles, deployer) {
  const nonce = await client.getTransactionCount({ address: deployer });
  const env = {
    ...process.env, PROFILE: profile, ROLES: written(`${profile}-roles.json`, roles), OUT: join(DIRECTORY, `${profile}.json`),
    GENESIS_OUTPUT: written('genesis.json', genesis), L2_CHAIN_ID: String(L2_CHAIN_ID),
  };
  const { status, stderr } = spawnSync('./deploy.sh', ['--rpc-url', url, '--private-key', keyOf(deployer)], { env, encoding: 'utf8' });
  check(status === 0, `deploy.sh with ${profile}\n${stderr}`);
  const made = JSON.parse(readFileSync(env.OUT, 'utf8'));
  await inspect(client, made, { profile, roles, deployer, nonce });
  return made;
}

/** The addresses that the nonce gives, the artifacts' code there, and each proxy's code behind it. */
async function inspect(client, made, { profile, roles, deployer, nonce }) {
  const hasTimelock = roles.admin !== deployer;
  const order = ['rollupImplementation', 'portalImplementation', 'rollup', 'portal'];
  if (hasTimelock) order.unshift('timelock');
  else check(made.timelock === ZERO, 'no timelock');
  for (const [i, name] of order.entries()) {
    check(made[name] === getContractAddress({ from: deployer, nonce: BigInt(nonce + i) }), `address: ${name}`);
  }
  const codes = { rollupImplementation: 'AuraRollup', portalImplementation: 'AuraPortal', rollup: 'ERC1967Proxy', portal: 'ERC1967Proxy' };
  if (hasTimelock) codes.timelock = 'AuraTimelock';
  for (const [member, name] of Object.entries(codes)) {
    const { deployedBytecode, immutables } = artifact(name);
    const code = Buffer.from((await client.getCode({ address: made[member] })).slice(2), 'hex');
    for (const start of immutables) code.fill(0, start, start + 32);
    check(`0x${code.toString('hex')}` === deployedBytecode, `code: ${name}`);
  }
  const slot = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc';
  for (const name of ['rollup', 'portal']) {
    const behind = await client.getStorageAt({ address: made[name], slot });
    check(behind === pad(made[`${name}Implementation`]).toLowerCase(), `behind the proxy: ${name}`);
    const { abi } = artifact(name === 'rollup' ? 'AuraRollup' : 'AuraPortal');
    const holds = (account) => client.readContract({ address: made[name], abi, functionName: 'hasRole', args: [pad('0x'), account] });
    check(await holds(hasTimelock ? made.timelock : deployer), `admin: ${name}`);
    check(await holds(deployer) === !hasTimelock, `deployer: ${name}`);
  }
  check(made.profile === profile && made.l1ChainId === 1337 && made.l2ChainId === L2_CHAIN_ID, 'names in the file');
  check(made.deployBlock <= await client.getBlockNumber(), 'block in the file');
}

/** Sends a transaction with cast, which can make blobs, and returns the receipt. */
function send(url, from, line) {
  const all = ['send', '--json', '--rpc-url', url, '--private-key', keyOf(from), ...line];
  const receipt = JSON.parse(execFileSync('node_modules/.bin/cast', all, { encoding: 'utf8' }));
  check(receipt.status === '0x1', `taken: ${line.join(' ').slice(0, 80)}`);
  return receipt;
}

/** Makes a deposit, appends a batch that consumes it, and returns the batch's receipt. */
async function append({ url, client }, { portal, rollup }, sequencer, { data, blobs }) {
  send(url, sequencer, [portal, '--value', '1']);
  const { abi } = artifact('AuraRollup');
  const read = (functionName, args = []) => client.readContract({ address: rollup, abi, functionName, args });
  const [count, consumed, lastTime] = await read('head');
  const queue = { address: portal, abi: artifact('AuraPortal').abi, functionName: 'queueView', args: [consumed + 1n] };
  const [, queueAcc] = await client.readContract(queue);
  const anchor = await client.getBlock();
  const time = anchor.timestamp > lastTime ? anchor.timestamp : lastTime;
  const header = {
    parent: `${(await read('batches', [count - 1n])).slice(0, -8)}00000000`, firstTime: time, lastTime: time,
    consumed: consumed + 1n, queueAcc, anchorNumber: anchor.number, anchorHash: anchor.hash,
  };
  const [functionName, args] = blobs ? ['appendBatchBlobs', [header]] : ['appendBatch', [header, data]];
  const line = [rollup, encodeFunctionData({ abi, functionName, args })];
  // A blob of cast's holds 31 bytes in each of 4,096 elements, and the length.
  if (blobs) line.push('--blob', '--path', written('blobs', 'x'.repeat(31 * 4095 + 31 * 4096 * (blobs - 1))));
  const receipt = send(url, sequencer, line);
  check((await read('head'))[0] === count + 1n, 'the batch counts');
  return receipt;
}

async function measure(anvil, made, sequencer) {
  const noise = `0x${Array.from({ length: 1024 }, (_, i) => (1 + (i * 37) % 255).toString(16).padStart(2, '0')).join('')}`;
  const batches = { 'no data': { data: '0x' }, '1 KB of calldata': { data: noise }, '1 blob': { blobs: 1 }, '6 blobs': { blobs: 6 } };
  const gas = {};
  for (const [name, batch] of Object.entries(batches)) {
    const receipt = await append(anvil, made, sequencer, batch);
    gas[name] = BigInt(receipt.gasUsed);
    const blobGas = BigInt(receipt.blobGasUsed ?? 0);
    check(blobGas === 131_072n * BigInt(batch.blobs ?? 0), `blobs of ${name}: ${blobGas}`);
    console.log(`batch, ${name}: ${gas[name]} gas, ${blobGas} blob gas`);
    check(gas[name] <= BUDGETS[name], `a batch with ${name} may cost ${BUDGETS[name]} gas`);
  }
}

rmSync(DIRECTORY, { recursive: true, force: true });
mkdirSync(DIRECTORY, { recursive: true });
const anvil = await startAnvil();
try {
  const [me, admin, council, guardian, sequencer, proposer, ...others] = accounts.map(({ address }) => getAddress(address));
  await deploy(anvil, 'mainnet', { admin, council, guardian, sequencer, proposer, verifiers: others.slice(0, 3), challengers: others.slice(3) }, me);
  const devRoles = JSON.parse(readFileSync('profiles/dev-roles.json', 'utf8'));
  const made = await deploy(anvil, 'dev', devRoles, me);
  await measure(anvil, made, devRoles.sequencer);
} finally {
  anvil.child.kill();
}
