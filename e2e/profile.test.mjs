// One's own account: signing in and out, sessions, password, theme and time zone.
import assert from 'node:assert/strict';
import { journey, sharedServer } from './harness.mjs';
import { fillSignIn, home, owner, row, signIn, titled, toast } from './steps.mjs';

journey('signing out ends the session, and signing in leads back to the page one came from', { account: owner }, async ({ page, expectStatus }) => {
  await page.goto(`${home}/settings/members`);
  await titled(page, 'Sign in');
  expectStatus(422);
  await fillSignIn(page, { email: owner.email, password: 'not the password' });
  await page.getByText("That email and password don't match.").waitFor();
  await fillSignIn(page, { email: 'nobody@example.com', password: 'not the password' });
  await page.getByText("That email and password don't match.").waitFor();
  await fillSignIn(page, owner);
  await titled(page, 'Members');

  await page.getByRole('button', { name: /Account:/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await titled(page, 'Sign in');
  await page.goto(`${home}/settings/members`);
  await titled(page, 'Sign in');
  await page.goBack();
  assert.equal(await page.getByText(owner.email).count(), 0, 'nothing of the account is left behind');
});

journey('other sessions are signed out, and this one stays', { account: owner }, async ({ page, visit }) => {
  const other = await visit();
  await signIn(other.page);
  await other.page.goto('/profile'); // nothing there is live, which would leave for the sign-in page by itself
  await signIn(page);
  await page.goto('/profile');
  await row(page, 'This browser').waitFor();
  await page.getByRole('button', { name: 'Sign out other sessions' }).click();
  await toast(page, 'Signed out 1 other session.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Sign out other sessions' }).count(), 0);
  await other.page.reload();
  await titled(other.page, 'Sign in');
});

journey('a new password signs every other browser out and is the one that works', { account: owner }, async ({ page, visit, expectStatus }) => {
  const other = await visit();
  await signIn(other.page);
  await other.page.goto('/profile'); // nothing there is live, which would leave for the sign-in page by itself
  await signIn(page);
  await page.goto('/profile');
  expectStatus(422);
  await page.getByLabel('Current password').fill('not the password');
  await page.getByLabel('New password').fill('another set of words');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Current password').fill(owner.password);
  await page.getByLabel('New password').fill('another set of words');
  await page.getByRole('button', { name: 'Change password' }).click();
  await toast(page, 'Password changed.').waitFor();

  await other.page.reload();
  await titled(other.page, 'Sign in');
  other.expectStatus(422);
  await fillSignIn(other.page, owner);
  await other.page.getByText("That email and password don't match.").waitFor();
  await fillSignIn(other.page, { ...owner, password: 'another set of words' });
  await titled(other.page, 'Profile');
});

const server = sharedServer({ account: owner });

for (const script of [true, false]) {
  journey(`the chosen theme is in the first paint, ${script ? 'with' : 'without'} JavaScript`, { on: server, script }, async ({ page }) => {
    await signIn(page);
    await page.goto('/profile');
    for (const [choice, background] of [['Dark', 'rgb(17, 17, 16)'], ['Light', 'rgb(250, 250, 249)']]) {
      await page.getByLabel('Theme').selectOption(choice);
      await page.getByRole('button', { name: 'Save preferences' }).click();
      await toast(page, 'Preferences saved.').waitFor();
      // The answer itself carries the theme, before any script has run.
      const answer = await page.goto(home);
      assert.match(await answer.text(), new RegExp(`data-theme="${choice.toLowerCase()}"`));
      assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), background);
      await page.goto('/profile');
    }
  });
}

journey('times follow the time zone of the profile', { on: server }, async ({ page, expectStatus }) => {
  await signIn(page);
  await page.goto('/profile');
  const save = async (zone) => {
    await page.getByLabel('Time zone').fill(zone);
    await page.getByRole('button', { name: 'Save preferences' }).click();
  };
  const shown = async () => (await page.goto(`${home}/audit`), page.locator('time').first().innerText());
  await save('Pacific/Kiritimati');
  await toast(page, 'Preferences saved.').waitFor();
  const far = await shown();
  await page.goto('/profile');
  await save('UTC');
  await toast(page, 'Preferences saved.').waitFor();
  assert.notEqual(await shown(), far);

  expectStatus(422);
  await page.goto('/profile');
  await save('Middle/Earth');
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByLabel('Time zone').inputValue(), 'Middle/Earth', 'what was typed is still there');
});
