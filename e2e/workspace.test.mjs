// The workspace itself: its settings, its audit log, and others beside it.
import assert from 'node:assert/strict';
import { journey, sharedServer } from './harness.mjs';
import { home, makeKey, open, owner, row, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

journey('every change is in the audit log, can be filtered and exported, and holds no key', { on: server }, async ({ page, context }) => {
  const made = await makeKey(server(), 'Audited', '--secret');
  await signIn(page);
  await page.goto(`${home}/settings/api-keys/${made.id}`);
  await page.getByLabel('Name', { exact: true }).fill('Audited and renamed');
  await page.getByRole('button', { name: 'Rename key' }).click();
  await toast(page, 'Key renamed.').waitFor();

  await open(page, 'Audit');
  const change = row(page, 'renamed the API key Audited and renamed');
  await change.locator('summary').click();
  await change.getByText(/^Audited$/).waitFor();
  await page.getByLabel('Who').selectOption(owner.email);
  await page.getByRole('button', { name: 'Filter' }).click();
  await change.waitFor();
  assert.equal(await row(page, 'command line').count(), 0);

  await page.goto(`${home}/audit`);
  for (const name of ['Export CSV', 'Export NDJSON']) {
    const answer = await context.request.get(new URL(await page.getByRole('link', { name }).getAttribute('href'), page.url()).href);
    assert.equal(answer.status(), 200);
    const text = await answer.text();
    assert.match(text, /Audited/);
    assert.ok(!text.includes(made.key) && !text.includes(made.secret) && !text.includes(owner.password));
  }
});

journey('settings are saved, and refused with a sentence', { on: server }, async ({ page, expectStatus }) => {
  await signIn(page);
  await open(page, 'Workspace');
  await page.getByLabel('Keep rejected requests for (days)').fill('14');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await toast(page, /saved/i).waitFor();
  assert.equal(await page.getByLabel('Keep rejected requests for (days)').inputValue(), '14');
  expectStatus(422);
  await page.getByLabel('Keep rejected requests for (days)').fill('for ever');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByLabel('Keep rejected requests for (days)').inputValue(), 'for ever');
});

for (const script of [true, false]) {
  journey(`one moves between workspaces, ${script ? 'with' : 'without'} JavaScript`, { account: owner, script }, async ({ page, server: own }) => {
    await makeKey(own, 'Of the first');
    await signIn(page);
    await page.getByRole('button', { name: /^Workspace:/ }).click();
    await page.getByRole('link', { name: 'New workspace' }).click();
    await page.getByLabel('Name').fill('Second');
    await page.getByRole('button', { name: 'Create workspace' }).click();
    await titled(page, 'Home');
    assert.match(page.url(), /\/w\/second$/);
    await page.goto('/settings/api-keys');
    assert.match(page.url(), /\/w\/second\//, 'a path without a workspace leads to the last one used');
    await page.getByText('No live keys yet.').waitFor();
    await page.getByRole('button', { name: /^Workspace:/ }).click();
    await page.getByRole('link', { name: owner.workspace }).click();
    await open(page, 'API keys');
    await row(page, 'Of the first').waitFor();
  });
}
