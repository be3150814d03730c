// Checks docs/security.md: every attack has a row, and every test and file that it names is there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ATTACKS = 38;
const text = readFileSync('../docs/security.md', 'utf8');
const sources = readdirSync('test', { recursive: true }).filter((name) => name.endsWith('.sol'))
  .map((name) => readFileSync(join('test', name), 'utf8')).join('\n');

const failures = [];
for (const [, name] of text.matchAll(/`((?:test|testFuzz|invariant)_\w+)`/g)) {
  if (!sources.includes(`function ${name}(`)) failures.push(`no test ${name}`);
}
for (const [, path] of text.matchAll(/`([\w/.-]+\.(?:js|mjs|rs|sol))`/g)) {
  if (!existsSync(join('..', path))) failures.push(`no file ${path}`);
}
for (let attack = 1; attack <= ATTACKS; ++attack) {
  const shown = text.match(new RegExp(`^\\| ${attack} \\|[^|]+\\|[^|]+\\|([^|]+)\\|$`, 'm'))?.[1];
  if (!shown) failures.push(`attack ${attack} has no row`);
  else if (!shown.includes('`') && !shown.includes('second stage')) failures.push(`attack ${attack} has no test`);
}
for (const failure of failures) console.error(`docs/security.md: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
