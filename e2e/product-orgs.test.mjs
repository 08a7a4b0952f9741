// From a payload never seen before to an organisation that the team can look up, and what order of arrival does to it.
import assert from 'node:assert/strict';
import { axe, journey, visitors } from './harness.mjs';
import { firstRun, home, keyShape, makeOrgKey, open, owner, row, sendOrg, signIn, titled, toast } from './steps.mjs';

const group = {
  type: 'group', groupId: 'org_2207', userId: 'u-118', messageId: 'group-2207-1', timestamp: '2026-10-20T09:30:00.000Z',
  traits: { name: 'Vandelay Imports', industry: 'Latex', employees: 329, plan: 'enterprise', 'total billed': 830, website: 'vandelay.example' },
};

/** A row of the editor's result panel. */
const result = (page, name) => page.getByRole('table', { name: 'What the sample becomes' }).getByRole('row', { name });

/** The targets of the editor's rows, in their order. */
const targets = (page) => page.locator('.template-row select[name$="_target"]').evaluateAll((all) => all.map((select) => select.value));

/** Waits until the editor's rows have these targets, on a page that has come to rest: without script each button loads it again. */
async function rowsAre(page, wanted) {
  // Not waitForFunction, which now and then stays asleep on a page without script.
  for (const [i, target] of wanted.entries()) {
    await page.locator(`#row-${i + 1}-target option[value="${target}"]:checked`).waitFor({ state: 'attached' });
  }
  await page.locator(`#row-${wanted.length + 1}-target`).waitFor({ state: 'detached' });
  await page.waitForLoadState();
}

for (const visitor of visitors) {
  const script = visitor.script !== false;

  journey(`a new user maps a payload and finds its organisation: ${visitor.name}`, visitor, async ({ page, server, expectStatus }) => {
    await firstRun(page, server);
    await open(page, 'Product orgs');
    await page.getByText('No product orgs yet.').waitFor();
    if (script) assert.deepEqual(await axe(page), []);
    await page.getByRole('link', { name: /^Create/ }).click();
    await titled(page, 'Create key');
    assert.ok(await page.getByRole('radio', { name: /Product org updates/ }).isChecked(), 'the link leads to the right type of key');

    await page.getByLabel('Name', { exact: true }).fill('Segment groups');
    await page.getByLabel('JSON of one payload').fill(JSON.stringify(group, null, 2));
    await page.getByRole('button', { name: 'Suggest from sample' }).click();
    for (const [target, value] of [['org_id', 'org_2207'], ['name', 'Vandelay Imports'], ['plan', 'enterprise'], ['user_count', '329'], ['mrr', '830']]) {
      await result(page, new RegExp(`^${target} ${value} `)).waitFor();
    }
    assert.equal((await targets(page))[0], 'org_id');
    if (script) assert.deepEqual(await axe(page), [], 'the editor with suggestions');

    await edit(page, script);
    expectStatus(422);
    await refused(page, script);
    await page.getByRole('button', { name: 'Create key' }).click();
    await titled(page, /^Key created/);
    const made = { key: script ? await copied(page) : await page.getByLabel('Key', { exact: true }).inputValue() };
    assert.match(made.key, keyShape);
    const { applied, warnings } = await sendOrg(server, made, group);
    assert.deepEqual([['name', 'plan', 'user_count', 'mrr'].filter((field) => !applied.includes(field)), warnings], [[], []]);

    await page.getByRole('link', { name: 'Done, view key' }).click();
    await titled(page, 'Segment groups');
    await open(page, 'Product orgs');
    await row(page, 'Vandelay Imports').getByRole('link').click();
    await titled(page, 'Vandelay Imports');
    for (const [field, value] of [['plan', 'enterprise'], ['user_count', '329'], ['mrr', '830'], ['custom.industry', 'Latex']]) {
      const cells = page.getByRole('table', { name: 'Current values' }).getByRole('row', { name: new RegExp(`^${field.replace('.', '\\.')} `) });
      await cells.getByText(value, { exact: true }).waitFor();
    }
    if (script) assert.deepEqual(await axe(page), [], "the organisation's page");
  });
}

/** Every way to change the rows; ends with those of the suggestions and custom.industry. */
async function edit(page, script) {
  const before = await targets(page);
  const plan = before.indexOf('plan') + 1;
  const path = page.getByLabel(`Row ${plan}: path`, { exact: true });
  const typed = async (text) => {
    await path.fill(text);
    if (!script) await page.getByRole('button', { name: 'Test mapping' }).click();
  };

  await typed('traits.tier');
  await page.getByText("traits.tier isn't in this sample.").waitFor();
  await result(page, /^plan /).waitFor({ state: 'detached' });
  await rowsAre(page, before);
  if (script) {
    assert.ok(await path.evaluate((field) => field === document.activeElement), 'the focus stays where one types');
    await page.getByRole('button', { name: 'Use traits.plan:' }).click();
    assert.equal(await path.inputValue(), 'traits.plan', 'a value of the sample fills the path that had the focus');
  } else {
    await typed('traits.plan');
  }
  await result(page, /^plan enterprise /).waitFor();
  await rowsAre(page, before);

  await page.getByRole('button', { name: 'Move up row 3' }).click();
  await rowsAre(page, before.with(1, before[2]).with(2, before[1]));
  await page.getByRole('button', { name: 'Move down row 2' }).click();
  await rowsAre(page, before);

  const name = page.getByLabel('Name', { exact: true });
  await name.focus(); // away from the paths, a value of the sample adds a row
  await page.getByRole('button', { name: 'Use traits.industry:' }).click();
  await rowsAre(page, [...before, 'custom']);
  await result(page, /^custom\.industry Latex /).waitFor();
  await name.focus();
  await page.getByRole('button', { name: 'Use userId:' }).click();
  await rowsAre(page, [...before, 'custom', 'custom']);
  await page.getByRole('button', { name: `Remove row ${before.length + 2}` }).click();
  await rowsAre(page, [...before, 'custom']);
  assert.equal(await name.inputValue(), 'Segment groups', 'the rest of the form is as it was');
}

/** A row that cannot be: said at the row, and nothing is made of it. */
async function refused(page, script) {
  const plan = (await targets(page)).indexOf('plan') + 1;
  const path = page.getByLabel(`Row ${plan}: path`, { exact: true });
  await path.fill('traits..plan');
  await page.getByRole('button', { name: script ? 'Create key' : 'Test mapping' }).click();
  if (!script) {
    await page.getByText("It can't be saved like this.").waitFor();
    await page.getByRole('button', { name: 'Create key' }).click();
  }
  await page.getByRole('alert').getByText(`Row ${plan}:`).waitFor();
  await page.locator(`#field-row-${plan}`).getByText('Error:').waitFor();
  assert.equal(await path.inputValue(), 'traits..plan');
  await path.fill('traits.plan');
}

async function copied(page) {
  await page.getByRole('button', { name: 'Copy Key', exact: true }).click();
  await toast(page, 'Copied').waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

const template = { rows: ['org_id', 'plan', 'mrr', 'user_count', 'occurred_at'].map((target) => ({ target, from: [target], required: target === 'org_id' })) };

journey('of each field the newest event wins, whatever order they arrive in', { account: owner }, async ({ page, server }) => {
  const made = await makeOrgKey(server, 'Billing', template);
  const at = (day) => `2026-03-0${day}T12:00:00Z`;
  const update = (day, fields) => ({ org_id: 'acme', occurred_at: at(day), message_id: `acme-${day}-${Object.keys(fields)}`, ...fields });
  const newest = update(5, { plan: 'enterprise', mrr: 830 });
  await sendOrg(server, made, newest);
  assert.deepEqual((await sendOrg(server, made, update(2, { plan: 'starter' }))).stale, ['plan']);
  const both = await sendOrg(server, made, update(3, { mrr: 100, user_count: 329 }));
  assert.deepEqual([both.applied, both.stale], [['user_count'], ['mrr']]);
  assert.equal((await sendOrg(server, made, newest)).status, 'duplicate');

  await signIn(page);
  await page.goto(`${home}/product-orgs`);
  await row(page, 'acme').getByRole('link').click();
  await titled(page, 'acme');
  const current = page.getByRole('table', { name: 'Current values' });
  for (const [field, value] of [['plan', 'enterprise'], ['mrr', '830'], ['user_count', '329']]) {
    await current.getByRole('row', { name: new RegExp(`^${field} `) }).getByText(value, { exact: true }).waitFor();
  }
  const history = page.getByRole('table', { name: /^Updates/ });
  const late = history.getByRole('row').filter({ hasText: 'starter' });
  await late.getByText('Older than what was known: kept, not applied.').waitFor();
  await late.getByText('was not applied: newer is enterprise').waitFor();
  const mixed = history.getByRole('row').filter({ hasText: '329' });
  await mixed.getByText('Applied', { exact: true }).waitFor();
  await mixed.getByText('was not applied: newer is 830').waitFor();
  await late.getByRole('link', { name: /^Request of the update/ }).click();
  const mapped = page.getByRole('table', { name: 'What the payload template made of it' });
  await mapped.getByText('Older than what was known: kept, not applied.').waitFor();
  await mapped.getByRole('link', { name: 'acme' }).click();
  await titled(page, 'acme');
});

for (const script of [true, false]) {
  journey(`a test event shows what the template makes of it, ${script ? 'with' : 'without'} JavaScript`, { account: owner, script }, async ({ page, server }) => {
    const { id } = await makeOrgKey(server, 'Billing', template, '--env', 'test');
    await signIn(page);
    await page.goto(`${home}/settings/api-keys/${id}`);
    await page.getByRole('link', { name: 'Send a test event' }).click();
    const outcome = page.locator('#result');
    const press = (payload) => page.getByLabel('Payload', { exact: true }).fill(payload).then(() => page.getByRole('button', { name: 'Send test event' }).click());
    await press('{"org_id": "acme", "plan": "team", "user_count": "many"}');
    await outcome.getByText('200 OK').waitFor();
    await outcome.getByText('team', { exact: true }).waitFor();
    await outcome.getByText('Warning partly_mapped.').waitFor();
    await outcome.getByText(/user_count.*many/).first().waitFor();
    await press('{"plan": "team"}');
    await outcome.getByText('422').first().waitFor();
    await outcome.getByText('mapping_failed').first().waitFor();
    await outcome.getByRole('link', { name: 'Edit the template' }).waitFor();
    await press('{"plan": ');
    await outcome.getByText('400').first().waitFor();
    await page.goto(`${home}/product-orgs?env=test`);
    await row(page, 'acme').getByText('team').waitFor();
    await page.goto(`${home}/product-orgs`);
    await page.getByText('No product orgs yet.').waitFor();
  });
}
