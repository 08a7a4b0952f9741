// Keys in need of care, each with the one click that mends it.
import assert from 'node:assert/strict';
import { axe, journey, readers } from './harness.mjs';
import { fits, home, keysPage, makeKey, owner, row, send, signIn, titled, toast } from './steps.mjs';
import { juniper, people } from './demo.mjs';

const hygiene = `${juniper}/settings/api-keys/hygiene`;
const nothing = 'Nothing to tidy up here';

/** Shows the findings of one kind, by its tab. */
async function kind(page, title) {
  await page.goto(hygiene);
  await page.getByRole('navigation', { name: 'Finding' }).getByRole('link', { name: new RegExp(`^${title} \\d+$`) }).click();
  await page.locator('[aria-current=page]').getByText(title).waitFor();
}

const fix = (page, label, key) => page.getByRole('button', { name: new RegExp(`^${label}.*: ${key}$`) });

/** Opens the question before a fix that cannot be taken back, and answers it. */
async function confirmed(page, label, key, button) {
  await page.getByRole('link', { name: `${label}: ${key}` }).click();
  await page.getByText("This can't be undone.").waitFor();
  const typed = page.getByLabel(`Type ${key} to confirm`);
  if (await typed.count()) await typed.fill(key);
  await page.getByRole('button', { name: button }).click();
}

for (const { name, ...visitor } of readers) {
  const script = visitor.script !== false;

  journey(`each finding of the demo is mended by its button, ${name}`, { seed: 50, ...visitor }, async ({ page, server }) => {
    await signIn(page, people(server).owner);
    await page.goto(hygiene);
    if (script) await fits(page);

    // One button, and the list without the finding; the focus stays in the list.
    await kind(page, 'Not used for 30 days');
    await fix(page, 'Let it end on', 'Webflow trial').click();
    await toast(page, /^Webflow trial ends on/).waitFor();
    await page.getByText(nothing).waitFor();
    if (script) assert.equal(await page.evaluate(() => document.activeElement.id), 'findings');
    await page.getByRole('link', { name: 'Show all findings' }).click();
    assert.equal(await row(page, 'Webflow trial').count(), 0, 'its finding about no expiry is mended too');

    await kind(page, 'More scopes than it uses');
    await fix(page, 'Remove what it never used', 'CI pipeline').click();
    await toast(page, 'CI pipeline has keys:read, analytics:read now.').waitFor();
    await page.getByText(nothing).waitFor();

    await kind(page, 'No expiry');
    const before = await page.getByRole('row').count();
    await fix(page, 'Let it end on', 'Mobile app').click();
    await toast(page, /^Mobile app ends on/).waitFor();
    await row(page, 'Mobile app').waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('row').count(), before - 1);

    await kind(page, 'Old value still used');
    if (script) {
      await fix(page, 'Give it 24 hours more', 'Segment').click();
      await toast(page, /^The old value of Segment works until/).waitFor();
    } else {
      await confirmed(page, 'End the old value', 'Segment', 'End old value');
      await toast(page, 'The old value of Segment has ended.').waitFor();
    }
    await page.getByText(nothing).waitFor();

    await kind(page, 'Seen from a browser');
    await confirmed(page, 'Deactivate', 'Marketing website', 'Deactivate key');
    await toast(page, 'Marketing website was deactivated.').waitFor();
    await page.getByText(nothing).waitFor();
    if (script) assert.deepEqual(await axe(page), []);
  });

  journey(`keys of someone who left are taken over or ended, ${name}`, { seed: 50, ...visitor }, async ({ page, server }) => {
    await signIn(page, people(server).owner);
    await page.goto(`${juniper}/settings/members`);
    await page.getByRole('button', { name: 'Actions for Dana Whitfield' }).click();
    await page.getByRole('link', { name: 'Remove member' }).click();
    await page.getByRole('radio', { name: /^Keep them/ }).check();
    await page.getByRole('button', { name: 'Remove member' }).click();
    await toast(page, /^Dana Whitfield was removed/).waitFor();

    await kind(page, 'Made by someone who left');
    await fix(page, 'Take it over', 'Reporting notebook').click();
    await toast(page, 'You answer for Reporting notebook now.').waitFor();
    await row(page, 'Reporting notebook').waitFor({ state: 'detached' });
    await confirmed(page, 'Deactivate', 'Product backend', 'Deactivate key');
    await toast(page, 'Product backend was deactivated.').waitFor();
    await row(page, 'Product backend').waitFor({ state: 'detached' });
  });

  journey(`keys that the policy forbids are brought to an end that it allows, ${name}`, { account: owner, ...visitor }, async ({ page, server }) => {
    for (const key of ['First', 'Second', 'Third']) await makeKey(server, key);
    await signIn(page);
    await page.goto(`${home}/settings`);
    for (const rule of ['Enforce a maximum key age', 'Require an expiry', 'Require a shared secret for webhook keys']) await page.getByLabel(rule).check();
    await page.getByLabel('Maximum age (days)').fill('60');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await toast(page, 'Settings saved.').waitFor();
    await page.getByText('3 live keys have no expiry.').waitFor();
    await page.getByText('3 live keys have no shared secret.').waitFor();
    await page.getByRole('link', { name: 'Show' }).first().click();
    await titled(page, 'Key hygiene');

    await page.goto(`${keysPage}/hygiene?kind=policy_expiry`);
    await fix(page, 'Let it end on', 'First').click();
    await toast(page, /^First ends on/).waitFor();
    await row(page, 'First').waitFor({ state: 'detached' });
    await page.goto(`${keysPage}/hygiene?kind=policy_secret`);
    await fix(page, 'Let it end on', 'Second').click();
    await toast(page, /^Second ends on/).waitFor();
    await row(page, 'Second').waitFor({ state: 'detached' });

    // A rule that is stricter than the ends which were set.
    await page.goto(`${home}/settings`);
    await page.getByLabel('Maximum age (days)').fill('20');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await page.goto(`${keysPage}/hygiene?kind=policy_age`);
    await fix(page, 'Let it end on', 'First').click();
    await toast(page, /^First ends on/).waitFor();
    await row(page, 'First').waitFor({ state: 'detached' });
  });

  journey(`tidy keys are said to be tidy, ${name}`, { account: owner, ...visitor }, async ({ page, server }) => {
    const made = await makeKey(server, 'Well kept', '--expires', '90d');
    assert.equal((await send(server, made)).status, 200);
    await signIn(page);
    await page.getByRole('link', { name: 'Tidy' }).click();
    await titled(page, 'Key hygiene');
    await page.getByText('Nothing to tidy up', { exact: true }).waitFor();
    await page.getByText('Every active live key is in use, has an end and belongs to a member.').waitFor();
    await page.goto(`${keysPage}/hygiene?env=test`);
    await page.getByText('Every active test key is in use, has an end and belongs to a member.').waitFor();
  });
}
