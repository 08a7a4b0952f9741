// A key can be read in exactly one answer, ever, and nobody loses it by accident.
import assert from 'node:assert/strict';
import { journey, sharedServer } from './harness.mjs';
import { createKey, keysPage, owner, row, signIn, titled } from './steps.mjs';

const server = sharedServer({ account: owner });

for (const way of ['reload', 'goBack']) {
  const what = way === 'reload' ? 'reloading the reveal' : 'going back to the reveal';

  journey(`${what} says that the key was shown already`, { on: server }, async ({ page }) => {
    await signIn(page);
    const { name, key } = await createKey(page, `After ${way}`);
    page.on('dialog', (dialog) => dialog.accept());
    if (way === 'goBack') await page.getByRole('link', { name: 'Done, view key' }).click();
    if (way === 'goBack') await titled(page, name);
    await page[way]();
    await page.getByText('The full key was shown already, when it was created.').waitFor();
    assert.ok(!(await page.content()).includes(key));
    await page.getByRole('link', { name: 'Create another like it' }).first().waitFor();
    await page.goto(keysPage);
    assert.equal(await row(page, name).count(), 1);
  });
}

journey('reloading the reveal makes no second key without JavaScript', { on: server, script: false }, async ({ page, expectStatus }) => {
  await signIn(page);
  const { name, key } = await createKey(page, 'Reloaded without script');
  expectStatus(409);
  await page.reload(); // sends the form again
  await titled(page, 'This form has made its key already');
  assert.ok(!(await page.content()).includes(key));
  await page.goto(keysPage);
  assert.equal(await row(page, name).count(), 1);
});

journey('going back to the reveal without JavaScript finds that the browser did not keep it', { on: server, script: false }, async ({ page }) => {
  await signIn(page);
  const { name } = await createKey(page, 'Gone back to without script');
  await page.getByRole('link', { name: 'Done, view key' }).click();
  await titled(page, name);
  await assert.rejects(page.goBack(), /ERR_CACHE_MISS/);
});

journey('leaving the reveal without a copy asks once, and not after a copy', { on: server }, async ({ page }) => {
  const asked = [];
  page.on('dialog', async (dialog) => {
    asked.push(dialog.type());
    await dialog.dismiss();
  });
  await signIn(page);
  await createKey(page, 'Nearly lost');
  await page.getByRole('link', { name: 'API keys' }).first().click();
  await page.getByRole('heading', { name: 'Key created: Nearly lost' }).waitFor();
  assert.deepEqual(asked, ['beforeunload']);
  await page.getByRole('link', { name: 'Done, view key' }).click();
  await titled(page, 'Nearly lost');

  await createKey(page, 'Copied');
  await page.getByRole('button', { name: 'Copy Key' }).click();
  await page.getByRole('link', { name: 'Done, view key' }).click();
  await titled(page, 'Copied');
  assert.deepEqual(asked, ['beforeunload']);
});

for (const script of [true, false]) {
  journey(`a double click makes one key, ${script ? 'with' : 'without'} JavaScript`, { on: server, script }, async ({ page, expectStatus }) => {
    const name = `Clicked twice ${script}`;
    expectStatus(409);
    await signIn(page);
    await page.goto(`${keysPage}/new`);
    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Create key' }).dblclick({ noWaitAfter: true });
    await page.getByRole('heading', { level: 1, name: /^Key created|has made its key already/ }).waitFor();
    await page.goto(keysPage);
    assert.equal(await row(page, name).count(), 1);
  });
}

journey('the reveal sends a test event and turns green', { on: server }, async ({ page }) => {
  await signIn(page);
  await createKey(page, 'Tried at once', { secret: true, test: true });
  await page.getByRole('button', { name: 'Send a test event' }).click();
  await page.getByText('Answered 200: accepted.').waitFor();
  await page.locator('.waiting-done').getByText('First request received').waitFor();
});
