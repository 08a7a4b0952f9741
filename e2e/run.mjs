// Runs the journeys: node e2e/run.mjs [part of a file's name ...]
// Builds the server once, reports as node's own runner does, and ends with one line of counts.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { build, temporaryFolder } from './server.mjs';

const wanted = process.argv.slice(2);
const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.mjs') && (!wanted.length || wanted.some((part) => name.includes(part))))
  // The longest goes first, so that it does not run alone at the end.
  .sort((a, b) => b.startsWith('sweep') - a.startsWith('sweep'))
  .map((name) => join(import.meta.dirname, name));

const dir = temporaryFolder('e2e');
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
process.env.LATCHKEY_E2E_BINARY = build(dir);

const count = { passed: 0, failed: 0 };
const stream = run({ files, concurrency: 2 })
  .on('test:pass', ({ details, skip }) => { if (details.type !== 'suite' && !skip) count.passed++; })
  .on('test:fail', () => { count.failed++; });
stream.on('end', () => process.on('exit', () => {
  console.log(`${count.passed} passed, ${count.failed} failed`);
  // No test at all is a mistake in how this was called, not a success.
  if (count.failed || !count.passed) process.exitCode = 1;
}));
stream.compose(new spec()).pipe(process.stdout);
