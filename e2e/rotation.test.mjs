// A key gets a new value without a gap: both work, people see who still uses the old one, and end it.
import assert from 'node:assert/strict';
import { axe, journey, sharedServer, visitors } from './harness.mjs';
import { call, keyShape, keysPage, loadUntil, makeKey, owner, row, send, signIn, titled, toast, until } from './steps.mjs';

const server = sharedServer({ account: owner });

/** Presses the button of the dialog, or of its page, and returns the new value that is shown then. */
async function confirm(page, grace) {
  if (grace) await page.getByLabel('The old value works').selectOption(grace);
  await page.getByRole('button', { name: 'Rotate key' }).click();
  const key = await page.getByLabel('Key', { exact: true }).inputValue();
  assert.match(key, keyShape);
  page.on('dialog', (dialog) => dialog.accept());
  return { key };
}

/** Walks from the key's page through the dialog, or its page, to the new value. */
async function rotate(page, id, grace) {
  await page.goto(`${keysPage}/${id}`);
  await page.getByRole('link', { name: 'Rotate key' }).click();
  return confirm(page, grace);
}

const answered = async (key) => (await send(server(), key)).status;

for (const [i, { name, ...visitor }] of visitors.entries()) {
  const script = visitor.script !== false;

  journey(`a key is rotated, watched, and its old value ended, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    const made = await makeKey(server(), `Rotated ${i}`);
    await send(server(), made);
    const fresh = await rotate(page, made.id);
    await page.getByText(/^The old value works until /).waitFor();
    assert.notEqual(fresh.key, made.key);
    assert.deepEqual([await answered(made), await answered(fresh)], [200, 200]);
    if (script) await page.locator('.waiting-done').getByText('First request received').waitFor();
    const old = await fetch(`${server().url}/api/signal-staging/webhook/${made.key}`, { method: 'POST', body: '{"event":"x"}', headers: { 'content-type': 'application/json', 'user-agent': 'website/1.0' } });
    assert.match(old.headers.get('deprecation'), /^@\d+$/);
    assert.ok(new Date(old.headers.get('sunset')) > new Date(), 'a sender reads when the old value ends');

    await page.goto(keysPage);
    await row(page, made.name).getByText('Rotating').waitFor();
    await page.goto(`${keysPage}/${made.id}`);
    await loadUntil(page, page.getByText(/Old value still in use: \d requests in the last hour, latest from 127\.0\.0\.1 \(website\/1\.0\)/));
    assert.ok(!(await page.content()).includes(fresh.key));
    if (script) assert.deepEqual(await axe(page), []);

    await page.getByRole('button', { name: 'Extend by 24 hours' }).click();
    await toast(page, /^The old value works until /).waitFor();
    await page.getByText(/It stops in 1 d 23 h/).waitFor();
    await page.getByRole('link', { name: 'End old value now' }).click();
    await page.getByText('will be rejected at once').waitFor();
    await page.getByRole('button', { name: 'End old value' }).click();
    await toast(page, 'The old value has ended.').waitFor();
    assert.deepEqual([await answered(made), await answered(fresh)], [401, 200]);
    assert.equal(await page.getByRole('link', { name: 'End old value now' }).count(), 0);
    await page.getByRole('link', { name: 'Rotate key' }).waitFor();
  });

  journey(`a row's menu rotates with no grace, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    const made = await makeKey(server(), `Rotated from the list ${i}`, '--secret');
    await page.goto(keysPage);
    await row(page, made.name).getByRole('button', { name: `Actions for ${made.name}` }).click();
    await page.getByRole('link', { name: 'Rotate', exact: true }).click();
    await page.getByText('The shared secret stays the same').waitFor();
    const fresh = await confirm(page, 'no longer: it ends now');
    await page.getByText('The old value has ended.').waitFor();
    assert.deepEqual([await answered(made), await answered({ ...fresh, secret: made.secret })], [401, 200]);
    await page.goto(`${keysPage}/${made.id}`);
    assert.equal(await page.getByRole('link', { name: 'End old value now' }).count(), 0, 'there is none to end');
  });

  journey(`an expired key cannot be rotated, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    const made = await makeKey(server(), `Over ${i}`, '--expires', new Date(Date.now() + 3000).toISOString());
    await until('the key has expired', async () => (await answered(made)) === 401);
    await signIn(page);
    await page.goto(`${keysPage}/${made.id}`);
    await page.getByText('Expired', { exact: true }).first().waitFor();
    assert.equal(await page.getByRole('link', { name: 'Rotate key' }).count(), 0);
    await page.goto(`${keysPage}/${made.id}/rotation`);
    await page.getByText('This key is expired.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Rotate key' }).count(), 0);
  });

  journey(`a double click rotates once, ${name}`, { on: server, ...visitor }, async ({ page, expectStatus }) => {
    expectStatus(409);
    await signIn(page);
    const made = await makeKey(server(), `Clicked twice ${i}`);
    await page.goto(`${keysPage}/${made.id}/rotation`);
    await page.getByRole('button', { name: 'Rotate key' }).dblclick({ noWaitAfter: true });
    await page.getByRole('heading', { level: 1, name: /^New value of|^This key was rotated already$/ }).waitFor();
    page.on('dialog', (dialog) => dialog.accept());
    assert.equal(await answered(made), 200, 'the first value would have ended with a second rotation');
    if (script) assert.equal(await answered({ key: await page.getByLabel('Key', { exact: true }).inputValue() }), 200);
    await page.goto(`${keysPage}/${made.id}`);
    const rotated = page.getByRole('table', { name: /^Changes of this key/ }).getByRole('row').filter({ hasText: /rotated/ });
    assert.equal(await rotated.count(), 1);
  });
}

journey("an old value lasts as long as its key, and no longer", { on: server }, async ({ page }) => {
  await signIn(page);
  const made = await makeKey(server(), 'Ends soon', '--expires', new Date(Date.now() + 300_000).toISOString());
  await page.goto(`${keysPage}/${made.id}/rotation`);
  await page.getByText("The old value can't outlast it.").waitFor();
  const fresh = await confirm(page);
  assert.deepEqual([await answered(made), await answered(fresh)], [200, 200]);
  await page.goto(`${keysPage}/${made.id}`);
  assert.ok(await page.getByRole('button', { name: 'Extend by 24 hours' }).isDisabled());
  await page.getByText('The key itself expires then.').waitFor();
});

journey("a program's key is rotated, and its old value ends", { on: server }, async ({ page }) => {
  await signIn(page);
  const made = await makeKey(server(), 'Rotated program', '--type', 'api_access', '--scopes', 'workspace:read');
  const fresh = await rotate(page, made.id, 'for 1 hour');
  assert.equal((await call(server(), fresh, '/workspaces/me')).status, 200);
  await page.locator('.waiting-done').getByText('First request received').waitFor();
  const old = await call(server(), made, '/workspaces/me');
  assert.equal(old.status, 200);
  assert.ok(old.headers.get('deprecation') && old.headers.get('sunset'));
  await page.goto(`${keysPage}/${made.id}/rotation/end`);
  await page.getByRole('button', { name: 'End old value' }).click();
  await toast(page, 'The old value has ended.').waitFor();
  assert.deepEqual([(await call(server(), made, '/me')).status, (await call(server(), fresh, '/me')).status], [401, 200]);
});

journey('reloading the new value says that it was shown', { on: server }, async ({ page }) => {
  await signIn(page);
  const made = await makeKey(server(), 'Reloaded rotation');
  const { key } = await rotate(page, made.id);
  await page.reload();
  await page.getByText('The full key was shown already, when it was rotated.').waitFor();
  assert.ok(!(await page.content()).includes(key));
});

journey('reloading the new value rotates nothing without JavaScript', { on: server, script: false }, async ({ page, expectStatus }) => {
  await signIn(page);
  const made = await makeKey(server(), 'Reloaded rotation without script');
  const { key } = await rotate(page, made.id, 'for 1 hour');
  expectStatus(409);
  await page.reload(); // sends the form again
  await titled(page, 'This key was rotated already');
  assert.ok(!(await page.content()).includes(key));
  assert.equal(await answered({ key }), 200);
});

journey('the dialog shows the choices that go together', { on: server }, async ({ page }) => {
  await signIn(page);
  const made = await makeKey(server(), 'Choices');
  await page.goto(`${keysPage}/${made.id}`);
  await page.getByRole('link', { name: 'Rotate key' }).click();
  const dialog = page.getByRole('dialog');
  const at = dialog.getByLabel('Until'), warning = dialog.getByText('Requests with the old value will be rejected at once');
  await dialog.waitFor();
  assert.deepEqual([await at.isVisible(), await warning.isVisible()], [false, false]);
  await dialog.getByLabel('The old value works').selectOption('until a date and time');
  assert.deepEqual([await at.isVisible(), await warning.isVisible()], [true, false]);
  await dialog.getByLabel('The old value works').selectOption('no longer: it ends now');
  assert.deepEqual([await at.isVisible(), await warning.isVisible()], [false, true]);
  assert.deepEqual(await axe(page), []);
  await dialog.getByRole('link', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'rotate');
});
