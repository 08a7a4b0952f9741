// Deactivating is final, so it says what it will cut off, and works at once.
import assert from 'node:assert/strict';
import { axe, journey, phone, sharedServer } from './harness.mjs';
import { keysPage, loadUntil, makeKey, owner, row, send, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

async function refusedNow(key) {
  const answer = await send(server(), key);
  assert.deepEqual([answer.status, answer.body.error?.code], [401, 'deactivated_api_key']);
}

// Opens the confirmation from the row's menu.
async function ask(page, name) {
  await row(page, name).getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('link', { name: 'Deactivate', exact: true }).click();
}

for (const viewport of [undefined, phone]) {
  const name = viewport ? 'Ended on a phone' : 'Ended in the dialog';
  journey(`a key with traffic is ended in the dialog by typing its name${viewport ? ', on a phone' : ''}`, { on: server, viewport }, async ({ page }) => {
    const made = await makeKey(server(), name);
    assert.equal((await send(server(), made)).status, 200);
    await signIn(page);
    await page.goto(keysPage);

    await ask(page, name);
    const dialog = page.getByRole('dialog', { name: `Deactivate ${name}` });
    await dialog.getByText(/It received 1 event in the last 24 hours, the latest .* from 127\.0\.0\.1\./).waitFor();
    await dialog.getByText("This can't be undone.").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel', 'the harmless choice has the focus');
    assert.deepEqual(await axe(page), []);

    // The way back changes nothing and returns to where one was.
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), `Actions for ${name}`);
    assert.equal((await send(server(), made)).status, 200);

    await ask(page, name);
    const button = dialog.getByRole('button', { name: 'Deactivate key' });
    assert.ok(await button.isDisabled());
    await dialog.getByLabel(`Type ${name} to confirm`).fill(name.slice(0, -1));
    assert.ok(await button.isDisabled());
    await dialog.getByLabel(`Type ${name} to confirm`).fill(name);
    await button.click();

    await toast(page, `Deactivated ${name}`).waitFor();
    await refusedNow(made);
    await dialog.waitFor({ state: 'hidden' });
    await row(page, name).getByText('Deactivated', { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), `Actions for ${name}`);
  });
}

journey('a key with traffic is ended on a page of its own without JavaScript', { on: server, script: false }, async ({ page, expectStatus }) => {
  const made = await makeKey(server(), 'Ended without script');
  assert.equal((await send(server(), made)).status, 200);
  await signIn(page);
  await page.goto(keysPage);
  await ask(page, made.name);
  await titled(page, `Deactivate ${made.name}`);
  assert.equal(await page.locator(':focus').textContent(), 'Cancel');

  expectStatus(422);
  await page.getByRole('textbox', { name: /to confirm/ }).fill('something else');
  await page.getByRole('button', { name: 'Deactivate key' }).click();
  await page.getByText(`Type the key's name, ${made.name}, exactly as it stands here.`).first().waitFor();
  assert.equal((await send(server(), made)).status, 200);

  await page.getByRole('textbox', { name: /to confirm/ }).fill(made.name);
  await page.getByRole('button', { name: 'Deactivate key' }).click();
  await toast(page, `Deactivated ${made.name}`).waitFor();
  await refusedNow(made);
  await row(page, made.name).getByText('Deactivated', { exact: true }).waitFor();
});

journey('a key that nobody uses is ended without typing, and its page shows the calls that still arrive', { on: server }, async ({ page }) => {
  const made = await makeKey(server(), 'Never used');
  await signIn(page);
  await page.goto(`${keysPage}/${made.id}`);
  await page.getByRole('link', { name: 'Deactivate key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('It has never been used.').waitFor();
  assert.equal(await dialog.getByRole('textbox').count(), 0);
  await dialog.getByRole('button', { name: 'Deactivate key' }).click();
  await toast(page, 'Deactivated Never used').waitFor();
  await page.getByText('No call came with it since.').waitFor();
  await refusedNow(made);
  await loadUntil(page, page.getByText(/Calls still arrive with it and are rejected: the latest .* from 127\.0\.0\.1 with website\/1\.0\./));
});

journey('a whole key that is pasted into the search leads to its page and is repeated nowhere', { on: server }, async ({ page }) => {
  const { key } = await makeKey(server(), 'Found by its value');
  await signIn(page);
  await page.goto(keysPage);
  await page.getByRole('searchbox', { name: 'Search keys' }).fill(key);
  await page.getByRole('button', { name: 'Search' }).click();
  await titled(page, 'Found by its value');
  assert.ok(!page.url().includes(key) && !(await page.content()).includes(key));
});
