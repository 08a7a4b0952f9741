// The keyboard does what the sheet says, and nothing while somebody types.
import assert from 'node:assert/strict';
import { journey, sharedServer } from './harness.mjs';
import { home, keysPage, owner, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

journey('the keyboard goes, searches and creates, and ? shows how', { on: server }, async ({ page }) => {
  await signIn(page);
  for (const [key, name] of [['k', 'API keys'], ['s', 'Signals'], ['o', 'Product orgs'], ['r', 'Requests'], ['m', 'Members'], ['a', 'Audit'], ['w', 'Workspace settings'], ['d', 'Sources'], ['e', 'Endpoints'], ['h', 'Home']]) {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    await titled(page, name);
  }
  await page.goto(keysPage);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Search keys');

  await page.goto(keysPage);
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await sheet.getByText('Go to API keys').waitFor();
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'hidden' });

  await page.keyboard.press('c');
  await titled(page, 'Create key');
});

journey('no shortcut acts while somebody types', { on: server }, async ({ page }) => {
  await signIn(page);
  await page.goto(keysPage);
  const search = page.getByRole('searchbox', { name: 'Search keys' });
  await search.pressSequentially('c?gk/');
  assert.equal(await search.inputValue(), 'c?gk/');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await titled(page, 'API keys');
});

journey('the profile turns shortcuts off', { account: owner }, async ({ page }) => {
  await signIn(page);
  await page.goto('/profile');
  await page.getByRole('checkbox', { name: 'Keyboard shortcuts' }).uncheck();
  await page.getByRole('button', { name: 'Save preferences' }).click();
  await toast(page, 'Preferences saved.').waitFor();
  await page.goto(home);
  await page.keyboard.press('?');
  await page.keyboard.press('g');
  await page.keyboard.press('k');
  await titled(page, 'Home');
  assert.equal(await page.getByRole('dialog').count(), 0);
});

for (const script of [true, false]) {
  journey(`a page begins at its ${script ? 'title' : 'link to the content'} for the keyboard, ${script ? 'with' : 'without'} JavaScript`, { on: server, script }, async ({ page }) => {
    await signIn(page);
    await page.goto(keysPage);
    if (!script) await page.keyboard.press('Tab');
    assert.equal(await page.locator(':focus').innerText(), script ? 'API keys' : 'Skip to content');
  });
}
