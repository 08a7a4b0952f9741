// From nothing to the first signal: what the two commands of the README promise.
import assert from 'node:assert/strict';
import { axe, journey, visitors } from './harness.mjs';
import { createKey, firstRun, loadUntil, makeKey, open, owner, row, send, signIn, titled } from './steps.mjs';

for (const visitor of visitors) {
  const script = visitor.script !== false;

  journey(`first run to first signal: ${visitor.name}`, visitor, async ({ page, server, expectStatus }) => {
    await page.goto(server.setupLink);
    if (script) assert.deepEqual(await axe(page), []);
    await firstRun(page, server);
    const made = await createKey(page, 'Website forms', { secret: true });
    if (script) await copies(page, made.key);
    if (script) assert.deepEqual(await axe(page), []);
    await page.getByText('Waiting for the first request').waitFor();

    const answer = await send(server, made);
    assert.deepEqual([answer.status, answer.body.status], [200, 'accepted']);
    if (script) await page.locator('.waiting-done').getByText('First request received').waitFor();
    else await page.getByRole('link', { name: "Check again on the key's page" }).click();
    if (script) await page.getByRole('link', { name: 'Done, view key' }).click();

    await titled(page, 'Website forms');
    await loadUntil(page, page.getByText('from 127.0.0.1 with website/1.0').first());
    await page.getByRole('table', { name: 'Recent requests' }).getByText('form_submitted').waitFor();

    await open(page, 'Signals');
    await row(page, 'grace@example.com').getByRole('link', { name: 'form_submitted' }).click();
    await page.getByRole('region', { name: 'Payload' }).first().getByText('grace@example.com').first().waitFor();

    await open(page, 'API keys');
    await row(page, 'Website forms').getByText(/just now|seconds ago/).first().waitFor();
    assert.ok(!(await page.content()).includes(made.key), 'the key is shown once');

    // Who holds the link a second time gets nothing.
    expectStatus(404);
    assert.equal((await page.goto(server.setupLink)).status(), 404);
  });
}

async function copies(page, key) {
  await page.getByRole('button', { name: 'Copy Key' }).click();
  await page.locator('#toasts').getByText('Copied').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
}

journey("Home's checklist ticks by itself when the first key is made and the first event arrives", { account: owner }, async ({ page, server }) => {
  await signIn(page);
  const steps = page.getByRole('list', { name: 'Getting started' });
  await steps.waitFor();
  const made = await makeKey(server, 'Website');
  await steps.locator('li').first().getByText('Done').waitFor();
  await send(server, made);
  await page.locator('.waiting-done').waitFor();
  await page.getByRole('link', { name: 'See the signal' }).click();
  await titled(page, 'form_submitted');
});

journey('copying tells the truth where there is no clipboard', { account: owner }, async ({ page, context }) => {
  await signIn(page);
  // Plain HTTP on another host than localhost has no navigator.clipboard, and a browser may refuse the old way too.
  await context.addInitScript(() => {
    Object.defineProperty(window, 'isSecureContext', { value: false });
    document.execCommand = () => false;
  });
  const { key } = await createKey(page, 'Website');
  await page.getByRole('button', { name: 'Copy Key' }).click();
  await page.locator('#toasts').getByText(/Press (Ctrl\+C|⌘C)/).waitFor();
  assert.equal(await page.getByText('Copied').count(), 0);
  assert.equal(await page.evaluate(() => getSelection().toString() || document.activeElement.value), key, 'the key is selected, ready to copy by hand');
});
