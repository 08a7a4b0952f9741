// The reference of the management API, for whoever comes by.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { journey, sharedServer, readers } from './harness.mjs';
import { fits, makeKey, owner, signIn, titled, until } from './steps.mjs';

const server = sharedServer({ account: owner });

/** The operations of the contract, by their ids. */
const operations = (yaml) => [...yaml.matchAll(/^\s+operationId: (\w+)$/gm)].map(([, id]) => id);

for (const { name, ...visitor } of readers) {
  const script = visitor.script !== false;

  journey(`the API reference reads without signing in, and each link in it leads somewhere, ${name}`, { on: server, ...visitor }, async ({ page, context }) => {
    assert.equal((await page.goto('/docs/api')).status(), 200);
    await titled(page, 'API reference');
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    if (script) await fits(page);
    const dead = await page.evaluate(() => [...document.querySelectorAll('a[href^="#"]')].map((a) => a.getAttribute('href').slice(1)).filter((id) => id && !document.getElementById(id)));
    assert.deepEqual(dead, []);
    const twice = await page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id).filter((id, i, all) => all.indexOf(id) !== i));
    assert.deepEqual(twice, [], 'an id stands once');
    const others = await page.evaluate(() => [...new Set([...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href')).filter((href) => !href.startsWith('#')))]);
    assert.ok(others.length >= 2);
    for (const href of others) assert.ok((await context.request.get(href)).status() < 400, href);

    const file = await context.request.get('/openapi.yaml');
    assert.deepEqual([file.status(), file.headers()['content-type']], [200, 'application/yaml']);
    const yaml = await file.text();
    assert.match(yaml, /^openapi: ["']?3\.1/m);
    const ids = operations(yaml);
    assert.ok(ids.length >= 25, `${ids.length} operations`);
    for (const id of ids) assert.equal(await page.locator(`section[id="${id}"]`).count(), 1, `${id} is in the reference`);
  });

  journey(`one jumps from the contents to an operation, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await page.goto('/docs/api');
    const contents = page.getByRole('navigation', { name: 'Contents' });
    const summary = contents.getByText('Contents', { exact: true });
    if (await summary.isVisible()) await summary.click();
    await contents.getByRole('link', { name: 'Errors', exact: true }).locator('visible=true').click();
    await page.waitForURL(/#errors$/);
    await until('the errors are in sight', () => page.evaluate(() => document.getElementById('errors').getBoundingClientRect().top < innerHeight));
    const error = page.locator('section[id="getMe"]').getByRole('link', { name: '429' });
    await error.click();
    await page.waitForURL(/#error-429$/);
  });
}

journey('the first call of the reference works as it stands', { on: server }, async ({ page }) => {
  const { key } = await makeKey(server(), 'Reader of the reference', '--type', 'api_access');
  await page.goto('/docs/api');
  const line = await page.getByRole('region', { name: 'A first call' }).innerText();
  assert.ok(line.includes(server().url), 'it calls this instance');
  const answer = JSON.parse(execFileSync('bash', ['-c', line], { encoding: 'utf8', env: { ...process.env, LATCHKEY_TOKEN: key }, stdio: ['ignore', 'pipe', 'ignore'] }));
  assert.equal(answer.name, 'Reader of the reference');
});

journey('a member reads it in the frame that they know', { on: server }, async ({ page }) => {
  await signIn(page);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'API reference' }).click();
  await titled(page, 'API reference');
  await page.getByRole('button', { name: /Account:/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Sign in' }).count(), 0);
});
