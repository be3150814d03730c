// Writes what others need of a build: `artifacts.mjs DIRECTORY` makes DIRECTORY/artifacts and DIRECTORY/layout
// from ./out. The same sources give the same files.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONTRACTS = [
  'AuraPortal', 'AuraRollup', 'AuraTimelock', 'ERC1967Proxy',
  'AuraL1Block', 'AuraMessagePasser', 'AuraTokenBridge', 'AuraERC20', 'AuraFeeVault', 'AuraConfig',
];
// Storage that a compiler sees at its place, and storage in a namespace, which a variable in Layouts.sol shows.
const PLAIN = ['AuraL1Block', 'AuraMessagePasser', 'AuraTokenBridge', 'AuraERC20', 'AuraFeeVault', 'AuraConfig'];
const NAMESPACED = { AuraPortal: 'aura.portal', AuraRollup: 'aura.rollup' };

const built = (source, name) => JSON.parse(readFileSync(join('out', `${source}.sol`, `${name}.json`), 'utf8'));

/** One entry of the ABI on a line, so that a difference can be read. */
function artifact(name) {
  const { abi, bytecode, deployedBytecode } = built(name, name);
  for (const code of [bytecode, deployedBytecode]) {
    if (Object.keys(code.linkReferences).length > 0) throw new Error(`${name} needs linking`);
  }
  const immutables = Object.values(deployedBytecode.immutableReferences ?? {}).flat()
    .map(({ start }) => start).sort((a, b) => a - b);
  const members = [
    `"contractName": ${JSON.stringify(name)}`,
    `"abi": [\n${abi.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n ]`,
    `"immutables": ${JSON.stringify(immutables)}`,
    `"bytecode": ${JSON.stringify(bytecode.object)}`,
    `"deployedBytecode": ${JSON.stringify(deployedBytecode.object)}`,
  ];
  return `{\n ${members.join(',\n ')}\n}\n`;
}

const row = (...cells) => cells.map((cell, i) => (i < 3 ? String(cell).padEnd(7) : cell)).join('').trimEnd();

const rows = (variables, types) => variables.map(({ slot, offset, type, label }) =>
  row(slot, offset, types[type].numberOfBytes, `${label}: ${types[type].label}`));

function layout(name) {
  const namespace = NAMESPACED[name];
  const { storage, types } = (namespace ? built('Layouts', `${name}Layout`) : built(name, name)).storageLayout;
  const header = row('slot', 'offset', 'bytes', '');
  const variables = namespace ? types[storage[0].type].members : storage;
  const sections = [[
    namespace ? `${name}, from the slot of erc7201:${namespace}` : name,
    ...(variables.length > 0 ? [header, ...rows(variables, types)] : ['nothing']),
  ]];
  // Names of types have numbers of the compiler's in them: those they are listed by are without.
  const structs = Object.values(types ?? {})
    .filter(({ members }) => members && !(namespace && members === variables))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
  for (const { label, members } of structs) sections.push([label, header, ...rows(members, types)]);
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: artifacts.mjs DIRECTORY');
mkdirSync(join(directory, 'artifacts'), { recursive: true });
mkdirSync(join(directory, 'layout'), { recursive: true });
for (const name of CONTRACTS) writeFileSync(join(directory, 'artifacts', `${name}.json`), artifact(name));
for (const name of [...Object.keys(NAMESPACED), ...PLAIN]) {
  writeFileSync(join(directory, 'layout', `${name}.txt`), layout(name));
}
