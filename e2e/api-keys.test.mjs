// A program gets a key that may do what was ticked and nothing else, from somebody who may grant it.
import assert from 'node:assert/strict';
import { journey, sharedServer, visitors } from './harness.mjs';
import { call, fits, home, keyShape, keysPage, owner, send, sha256, signIn, titled, toast } from './steps.mjs';
import { juniper, people } from './demo.mjs';

const server = sharedServer({ account: owner });
const demo = sharedServer({ seed: 50 });

/** Presses Create key, and returns the value that the reveal shows. */
async function create(page) {
  await page.getByRole('button', { name: 'Create key' }).click();
  const key = await page.getByLabel('Key', { exact: true }).inputValue();
  assert.match(key, keyShape);
  page.on('dialog', (dialog) => dialog.accept());
  return { key };
}

const said = ({ status, body }) => [status, body.code];
const refused = [403, 'insufficient_scope'];

for (const [i, { name, ...visitor }] of visitors.entries()) {
  const script = visitor.script !== false;

  journey(`a program's key is made with a preset and a scope, used, and narrowed, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    await page.goto(`${keysPage}/new`);
    const none = page.getByText('No scope is chosen.'), secret = page.getByRole('checkbox', { name: 'Also require a shared secret' });
    assert.deepEqual([await none.isVisible(), await secret.isVisible()], [false, true]);
    await page.getByRole('radio', { name: 'API access' }).check();
    assert.deepEqual([await none.isVisible(), await secret.isVisible()], [true, false]);
    await page.getByLabel('Name').fill(`Program ${i}`);
    await page.getByRole('radio', { name: 'read:workspace Read' }).check();
    assert.equal(await none.isVisible(), false);
    assert.equal(await page.getByRole('checkbox', { name: 'signals:read' }).isVisible(), false, 'the preset holds it already');
    await page.getByRole('checkbox', { name: 'audit:read' }).check();
    if (script) await fits(page);
    const key = await create(page);

    assert.equal((await call(server(), key, '/me')).body.name, `Program ${i}`);
    if (script) await page.locator('.waiting-done').getByText('First request received from 127.0.0.1').waitFor();
    const { body: workspace } = await call(server(), key, '/workspaces/me');
    assert.equal(workspace.name, owner.workspace);
    assert.equal((await call(server(), key, `/workspaces/${workspace.id}/audit`)).status, 200);
    assert.deepEqual(said(await call(server(), key, `/workspaces/${workspace.id}/members`)), refused);

    await page.getByRole('link', { name: script ? 'Done, view key' : "Check again on the key's page" }).click();
    await titled(page, `Program ${i}`);
    if (script) await fits(page);
    await page.getByRole('link', { name: 'Change scopes' }).click();
    await titled(page, 'Scopes');
    await page.getByRole('radio', { name: 'No preset' }).check();
    await page.getByRole('checkbox', { name: 'signals:read' }).check();
    await page.getByRole('checkbox', { name: 'audit:read' }).uncheck();
    if (script) await fits(page);
    await page.getByRole('button', { name: 'Change scopes' }).click();
    await toast(page, 'Scopes changed. The next call goes by them.').waitFor();
    await page.getByRole('table', { name: 'Scopes of this key' }).getByText('signals:read').waitFor();
    assert.equal((await call(server(), key, `/workspaces/${workspace.id}/signals`)).status, 200);
    assert.deepEqual(said(await call(server(), key, '/workspaces/me')), refused);
    assert.equal((await call(server(), key, '/me')).status, 200);
  });

  journey(`fine scopes grant what they say, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    await page.goto(`${keysPage}/new?type=api_access`);
    await page.getByLabel('Name').fill(`Fine ${i}`);
    for (const scope of ['workspace:read', 'keys:read', 'keys:write']) await page.getByRole('checkbox', { name: scope }).check();
    const key = await create(page);
    const { body: workspace } = await call(server(), key, '/workspaces/me');
    const list = `/workspaces/${workspace.id}/api-keys`;
    const wanted = { name: `Made by a program ${i}`, endpoint_type: 'signal_staging', environment: 'live', expires_at: new Date(Date.now() + 24 * 3600_000).toISOString() };
    const made = await call(server(), key, list, { method: 'POST', body: wanted });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.ok((await call(server(), key, list)).body.some(({ name }) => name === `Made by a program ${i}`));
    assert.deepEqual(said(await call(server(), key, `/workspaces/${workspace.id}/signals`)), refused);
  });

  journey(`a key with no scope may ask who it is and nothing else, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    await page.goto(`${keysPage}/new?type=api_access`);
    await page.getByText('No scope is chosen.').waitFor();
    await page.getByLabel('Name').fill(`Nothing ${i}`);
    const key = await create(page);
    const me = await call(server(), key, '/me');
    assert.deepEqual([me.status, me.body.scopes, me.body.granted_scopes], [200, [], []]);
    for (const path of ['workspaces/me', `workspaces/${me.body.workspace.id}/api-keys`, `workspaces/${me.body.workspace.id}/signals`]) {
      assert.deepEqual(said(await call(server(), key, `/${path}`)), refused, path);
    }
    await page.goto(`${keysPage}/${me.body.key_id}`);
    await page.getByText('No scopes.').waitFor();
  });

  journey(`what a Developer may not grant is there, locked, with the reason, ${name}`, { on: demo, ...visitor }, async ({ page }) => {
    await signIn(page, people(demo()).developer);
    await page.goto(`${juniper}/settings/api-keys/new?type=api_access`);
    const admin = page.getByRole('radio', { name: /^admin:full/ });
    assert.ok(await admin.isDisabled());
    const card = page.locator('label.radio-card').filter({ has: admin });
    assert.match(await card.innerText(), /Your role \(Developer\) does not allow this\. Ask one of: Owner, Admin\./);
    for (const scope of ['members:read', 'audit:read']) {
      const box = page.getByRole('checkbox', { name: scope });
      assert.ok(await box.isDisabled(), scope);
      await page.locator(`[id="${await box.getAttribute('aria-describedby')}"]`).getByText('Your role (Developer) does not allow this.').waitFor();
    }
    assert.ok(await page.getByRole('radio', { name: /^read:write:workspace/ }).isEnabled());
  });

  journey(`an Editor may make no key for a program, and is told so, ${name}`, { on: demo, ...visitor }, async ({ page }) => {
    await signIn(page, people(demo()).editor);
    await page.goto(`${juniper}/settings/api-keys/new?type=api_access`);
    const card = page.getByRole('radio', { name: /^API access/ });
    assert.deepEqual([await card.isDisabled(), await card.isChecked()], [true, false]);
    await page.getByText('Your role (Editor) does not allow this. Ask one of: Owner, Admin, Developer.').first().waitFor();
  });

  journey(`a key in use is imported by its hash, ${name}`, { on: server, ...visitor }, async ({ page, expectStatus }) => {
    await signIn(page);
    const key = server().keepsSecret(`shop-old-key-${i}-0123456789`);
    await page.goto(keysPage);
    await page.getByRole('button', { name: 'More about keys' }).click();
    await page.getByRole('link', { name: 'Import a key' }).click();
    await page.getByLabel('Name').fill(`Imported ${i}`);
    if (script) await fits(page);
    expectStatus(422);
    await page.getByLabel('SHA-256 of the key').fill('not a hash');
    await page.getByRole('button', { name: 'Import key' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('SHA-256 of the key').fill(sha256(key));
    await page.getByLabel('Shown as').fill(`shop-${i}-`);
    await page.getByRole('button', { name: 'Import key' }).click();
    await titled(page, `Imported ${i}`);
    await page.getByText(`shop-${i}-••••`).first().waitFor();
    assert.equal((await send(server(), { key })).status, 200);
    // Whichever way it comes, it is a key, and never taken for a source that is stored and shown.
    const twice = await fetch(`${server().url}/api/signal-staging/webhook/${key}`, {
      method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': key }, body: '{"event":"sent_twice"}',
    });
    assert.equal(twice.status, 200);
    assert.ok(!(await page.content()).includes(key));
    await page.goto(`${home}/signals`);
    assert.ok(!(await page.getByRole('main').innerText()).includes(key), 'the key is shown as a source');
  });
}

journey('on the plan Free the card says why it cannot be chosen, and calls are refused', { account: owner, env: { LATCHKEY_DEFAULT_PLAN: 'free' } }, async ({ page }) => {
  await signIn(page);
  await page.goto(`${keysPage}/new?type=api_access`);
  const card = page.getByRole('radio', { name: /^API access/ });
  assert.deepEqual([await card.isDisabled(), await card.isChecked()], [true, false]);
  await page.getByText('The plan of this workspace, free, has no API access. An Owner can change the plan on the page Workspace.').waitFor();
  await page.getByLabel('Name').fill('Still a webhook key');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByRole('textbox', { name: 'Webhook URL' }).waitFor();
});
