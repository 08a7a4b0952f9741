// The list and the page of a key, beside what has a file of its own: reveal.test.mjs and deactivate.test.mjs.
import assert from 'node:assert/strict';
import { journey, sharedServer } from './harness.mjs';
import { home, keysPage, makeKey, open, owner, row, send, signIn, submission, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

for (const script of [true, false]) {
  const how = script ? 'with' : 'without';
  journey(`a key is renamed and its end is changed, ${how} JavaScript`, { on: server, script }, async ({ page, expectStatus }) => {
    const made = await makeKey(server(), `Old name ${how}`);
    await signIn(page);
    await page.goto(`${keysPage}/${made.id}`);
    await page.getByLabel('Name', { exact: true }).fill(`New name ${how}`);
    await page.getByRole('button', { name: 'Rename key' }).click();
    await toast(page, 'Key renamed.').waitFor();
    await titled(page, `New name ${how}`);

    await page.getByLabel('Expiration').selectOption('30 days');
    await page.getByRole('button', { name: 'Change expiry' }).click();
    await toast(page, 'Expiry changed.').waitFor();
    await page.getByText('in 29 days').first().waitFor();

    expectStatus(422);
    await page.getByLabel('Expiration').selectOption('At a date and time');
    await page.getByLabel('Date and time').fill('2020-01-01T00:00');
    await page.getByRole('button', { name: 'Change expiry' }).click();
    await page.getByText('Choose a time in the future, or no expiry.').first().waitFor();
    assert.equal((await send(server(), made)).status, 200, 'the key still works');
  });
}

journey('test keys and what they bring are kept apart from live ones', { on: server }, async ({ page }) => {
  const live = await makeKey(server(), 'Real thing');
  const test = await makeKey(server(), 'Rehearsal', '--env', 'test');
  await send(server(), live, { item: submission('performed') });
  await send(server(), test, { item: submission('rehearsed') });
  await signIn(page);
  for (const [name, inLive, inTest] of [['API keys', 'Real thing', 'Rehearsal'], ['Signals', 'performed', 'rehearsed'], ['Requests', 'performed', 'rehearsed']]) {
    await open(page, name);
    await row(page, inLive).first().waitFor();
    assert.equal(await row(page, inTest).count(), 0, name);
    const environment = page.getByRole('navigation', { name: 'Environment' });
    await environment.getByRole('link', { name: 'Test' }).click();
    await page.getByText('Test environment.').waitFor();
    await row(page, inTest).first().waitFor();
    assert.equal(await row(page, inLive).count(), 0, name);
    await environment.getByRole('link', { name: 'Live' }).click();
    await row(page, inLive).first().waitFor();
  }
});

journey('the list is narrowed by search and status, and says so when nothing fits', { on: server }, async ({ page }) => {
  const ended = await makeKey(server(), 'Ended long ago');
  await server().run(['keys', 'deactivate', ended.id]);
  await signIn(page);
  await page.goto(keysPage);
  const search = page.getByRole('searchbox', { name: 'Search keys' });
  for (const query of ['ended LONG', ended.key_prefix]) {
    await search.fill(query);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL(/q=/);
    await row(page, 'Ended long ago').waitFor();
    assert.equal(await page.getByRole('row').count(), 2, 'the head and one row');
    await page.getByRole('link', { name: 'Clear filters' }).click();
  }
  await page.getByRole('navigation', { name: 'Status' }).getByRole('link', { name: /^Deactivated/ }).click();
  await row(page, 'Ended long ago').waitFor();
  await search.fill('no such key');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('No keys match.').waitFor();
});

journey("a key's chart has a table with the same numbers", { on: server }, async ({ page }) => {
  const made = await makeKey(server(), 'Charted');
  for (const item of [submission(), submission(), {}]) await send(server(), made, { item });
  await signIn(page);
  await page.goto(`${home}/settings/api-keys/${made.id}`);
  for (const span of ['24 hours', '7 days', '30 days']) {
    await page.getByRole('navigation', { name: 'Time span' }).getByRole('link', { name: span }).click();
    await page.getByText('Accepted 2', { exact: true }).waitFor();
    await page.getByText('Rejected 1', { exact: true }).waitFor();
  }
  await page.getByText('Show as a table').click();
  const cells = await page.locator('.plain-table tbody tr').filter({ hasText: '2' }).last().locator('td').allInnerTexts();
  assert.deepEqual(cells.slice(-2), ['2', '1']);
});
