// Makes the picture of the README from the running product: node e2e/screenshot.mjs
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { desktop, launch, openSession } from './browser.mjs';
import { juniper, people } from './demo.mjs';
import { build, startLatchkey, temporaryFolder } from './server.mjs';
import { signIn } from './steps.mjs';

const file = join(import.meta.dirname, '..', 'docs', 'images', 'console.png');
const atMost = 200 * 1024;

const dir = temporaryFolder('screenshot');
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
process.env.LATCHKEY_E2E_BINARY ??= build(dir);
const server = await startLatchkey({ seed: 20_000 });
const browser = await launch();
try {
  const { page, problems } = await openSession(browser, server.url, { viewport: desktop });
  await signIn(page, people(server).owner);
  await page.goto(`${juniper}/settings/api-keys`);
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate(() => document.activeElement.blur());
  if (problems.length) throw new Error(problems.join('\n'));
  mkdirSync(join(file, '..'), { recursive: true });
  await page.screenshot({ path: file });
} finally {
  await browser.close();
  await server.stop();
}

const { size } = statSync(file);
console.log(`${file}: ${Math.round(size / 1024)} KiB`);
if (size > atMost) throw new Error('The picture is larger than 200 KiB.');
