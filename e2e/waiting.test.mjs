// What a template cannot map is kept: it waits until the template is right, and is applied once.
import assert from 'node:assert/strict';
import { axe, journey, sharedServer } from './harness.mjs';
import { home, keysPage, loadUntil, makeOrgKey, open, owner, row, sendOrg, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

const template = {
  rows: [
    { target: 'org_id', from: ['account.id'], required: true },
    { target: 'plan', from: ['subscription.plan'], required: true },
    { target: 'occurred_at', from: ['sent_at'] },
  ],
};
const update = (org, plan = 'pro') => ({ account: { id: org }, subscription: { plan }, sent_at: '2026-05-04T08:00:00Z' });

/** Changes where the plan is read from, on the template's page, and saves. */
async function savePlanPath(page, path, version) {
  await page.getByLabel('Row 2: path', { exact: true }).fill(path);
  await page.getByRole('button', { name: 'Save template' }).click();
  await toast(page, `Template saved as version ${version}.`).waitFor();
}

/** Waits on the page of a replay until it has ended with these words. */
async function ended(page, script, text) {
  await titled(page, 'Replay');
  if (script) await page.getByText(text).waitFor();
  else await loadUntil(page, page.getByText(text));
}

/** What the organisations of one journey are, from the export. */
async function exported(context, prefix) {
  const answer = await context.request.get(`${home}/product-orgs/export.ndjson`);
  assert.equal(answer.status(), 200);
  const all = (await answer.text()).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return all.filter((org) => org.org_id.startsWith(prefix));
}

for (const script of [true, false]) {
  const how = `${script ? 'with' : 'without'} JavaScript`;

  journey(`a broken template loses nothing: 20 updates fail, wait, and are applied once when it is right, ${how}`, { on: server, script }, async ({ page, context }) => {
    const made = await makeOrgKey(server(), `Billing ${how}`, template);
    const name = (i) => `acme-${script ? 'js' : 'plain'}-${i}`;
    await signIn(page);
    await page.goto(`${keysPage}/${made.id}/template`);
    await savePlanPath(page, 'subscription.tier', 2);
    for (let i = 1; i <= 20; i++) {
      const { error } = await sendOrg(server(), made, update(name(i)), 422);
      assert.deepEqual([error.code, error.field, error.details.path], ['mapping_failed', 'plan', '$.subscription.tier']);
    }

    await page.goto(`${keysPage}/${made.id}`);
    await page.getByText('20 failed').waitFor();
    await page.getByRole('link', { name: 'Look and replay' }).click();
    await titled(page, 'Waiting updates');
    const waits = page.getByRole('table', { name: /^Updates that wait/ }).getByRole('row').filter({ hasText: 'Failed' });
    await waits.first().waitFor();
    assert.equal(await waits.count(), 20);
    assert.equal(await waits.filter({ hasText: 'subscription.tier' }).count(), 20, 'each says which path had nothing');
    await page.getByRole('link', { name: 'Preview replay' }).click();
    await page.getByText('The template maps none of them yet').waitFor();
    assert.equal(await page.getByRole('button', { name: /^Replay all/ }).count(), 0);

    await page.getByRole('link', { name: 'Edit template' }).click();
    await savePlanPath(page, 'subscription.plan', 3);
    await page.getByRole('link', { name: 'Preview and replay' }).click();
    await page.getByRole('link', { name: 'Preview replay' }).click();
    const preview = page.locator('#preview');
    await preview.locator('.stat').filter({ hasText: 'Would apply' }).getByText('20', { exact: true }).waitFor();
    await preview.getByRole('row').filter({ hasText: name(1) }).getByText('plan').first().waitFor();
    assert.deepEqual(await exported(context, name('')), [], 'a preview changes nothing');
    if (script) assert.deepEqual(await axe(page), [], 'the preview');

    await page.getByRole('button', { name: 'Replay all 20' }).click();
    await ended(page, script, 'Replay finished: 20 of 20 updates.');
    await page.getByText('20 applied.').waitFor();
    if (script) assert.deepEqual(await axe(page), [], 'the replay');
    await page.getByRole('link', { name: 'See what still waits' }).click();
    await page.getByText('Nothing waits.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Preview replay' }).count(), 0, 'nothing is left to be applied twice');

    const orgs = await exported(context, name(''));
    assert.deepEqual(orgs.map((org) => org.org_id).sort(), Array.from({ length: 20 }, (_, i) => name(i + 1)).sort());
    assert.ok(orgs.every((org) => org.values.plan === 'pro' && org.updates === 1), 'each was applied once');
    await page.goto(`${home}/product-orgs?q=${name(7)}`);
    await row(page, name(7)).getByRole('link').click();
    await titled(page, name(7));
    await page.getByText(/^Replayed /).waitFor();
    assert.equal(await page.getByRole('table', { name: /^Updates/ }).getByRole('row').count(), 2, 'the head and one update');
  });

  journey(`a template is made from the first payload, which is then replayed, ${how}`, { on: server, script }, async ({ page }) => {
    const name = `Captured ${script ? 'live' : 'by reloading'}`;
    await signIn(page);
    await page.goto(`${keysPage}/new?type=product_orgs`);
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByRole('radio', { name: /Wait for the first payload/ }).check();
    await page.getByRole('button', { name: 'Create key' }).click();
    const key = await page.getByLabel('Key', { exact: true }).inputValue();
    if (script) await page.getByRole('button', { name: 'Copy Key', exact: true }).click();
    await page.getByRole('link', { name: 'Done, view key' }).click();
    await titled(page, name);
    await page.locator('#template').getByRole('link').first().click();
    await page.getByText('Waiting for a sample…').waitFor();
    if (script) assert.deepEqual(await axe(page), [], 'the page that waits');

    const payload = { company: { id: `${script}-42`, name: 'Soylent', plan: 'team' }, sent_at: '2026-05-04T08:00:00Z' };
    assert.equal((await sendOrg(server(), { key }, payload)).status, 'quarantined');
    if (!script) await page.getByRole('link', { name: 'Look again' }).click();
    await page.getByLabel('Row 1: path', { exact: true }).waitFor();
    assert.equal(await page.getByLabel('Row 1: path', { exact: true }).inputValue(), 'company.id', 'the rows are suggested by the payload');
    await page.getByRole('button', { name: 'Save template' }).click();
    await toast(page, 'Template saved as version 1.').waitFor();

    await page.getByRole('link', { name: 'Preview and replay' }).click();
    await page.getByRole('row').filter({ hasText: 'Quarantined' }).getByRole('link').first().click();
    await titled(page, 'Waiting update');
    await page.getByRole('button', { name: 'Replay this one' }).click();
    await ended(page, script, 'Replay finished: 1 of 1 update.');
    await page.getByRole('link', { name: 'Product orgs', exact: true }).last().click();
    await row(page, `${script}-42`).getByRole('link', { name: 'Soylent' }).click();
    await titled(page, 'Soylent');
    await page.getByRole('table', { name: 'Current values' }).getByRole('row', { name: /^plan team / }).waitFor();
    assert.equal((await sendOrg(server(), { key }, { ...payload, company: { ...payload.company, plan: 'business' }, sent_at: '2026-05-05T08:00:00Z' })).template_version, 1);
  });
}
