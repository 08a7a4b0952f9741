// A payload template as it is worked on: tried while one types, kept in versions, shared between keys. How a new user makes one is in
// product-orgs.test.mjs.
import assert from 'node:assert/strict';
import { axe, journey, sharedServer } from './harness.mjs';
import { home, keysPage, makeOrgKey, owner, row, sendOrg, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

const group = {
  type: 'group', groupId: 'org_1042', messageId: 'm-7f3a', timestamp: '2026-10-20T09:30:00.000Z',
  traits: { name: 'Initech', plan: 'enterprise', user_count: 329, mrr: 830, 'odd name': true },
};

const result = (page, name) => page.getByRole('table', { name: 'What the sample becomes' }).getByRole('row', { name });

journey('the first payload opens the editor, and what is typed is tried at once', { on: server }, async ({ page }) => {
  await signIn(page);
  const made = await makeOrgKey(server(), 'Capture');
  await page.goto(`${keysPage}/${made.id}/template`);
  await page.getByText('Waiting for a sample…').waitFor();
  await sendOrg(server(), made, group);
  const path = page.getByLabel('Row 2: path', { exact: true });
  await path.waitFor();

  await path.focus();
  await page.getByRole('button', { name: 'Use traits.plan:' }).click();
  assert.equal(await path.inputValue(), 'traits.plan', 'a value of the sample fills the path that had the focus');
  await result(page, /^name enterprise/).waitFor();

  await path.fill('traits.nam');
  await page.getByText("traits.nam isn't in this sample.").waitFor();
  await path.press('e');
  await result(page, /^name Initech/).waitFor();
  const caret = await page.evaluate(() => [document.activeElement.id, document.activeElement.selectionStart]);
  assert.deepEqual(caret, ['row-2-path1', 11], 'the caret stays where it was');

  await page.getByRole('button', { name: 'Move up row 3' }).press('Enter');
  await page.waitForFunction(() => document.getElementById('row-2-target').value === 'plan' && document.activeElement.id === 'row-2-up');

  await page.getByLabel('What changed').focus();
  await page.getByRole('button', { name: "Use traits['odd name']:" }).click();
  await page.getByLabel('Row 7: name of the custom target').waitFor();
  assert.equal(await page.getByLabel('Row 7: name of the custom target').inputValue(), 'odd_name');

  await page.getByLabel('Where the sample comes from').selectOption('paste');
  await page.getByLabel('JSON of one payload').fill(JSON.stringify({ ...group, traits: { ...group.traits, mrr: '49 USD' } }));
  await page.getByRole('listitem').filter({ hasText: 'mrr' }).getByText('"49 USD"').first().waitFor();
  await page.getByLabel('JSON of one payload').fill('{\n  "groupId": 7,\n  plan\n}');
  await page.getByText('Line 3, column 3').waitFor();
  assert.deepEqual(await axe(page), []);

  await page.getByRole('button', { name: 'Save template' }).click();
  await page.getByText('Template saved as version 1.').waitFor();
  await page.getByRole('link', { name: 'Preview and replay' }).waitFor();
});

const template = { rows: [{ target: 'org_id', from: ['groupId'], required: true }, { target: 'plan', from: ['traits.plan'] }] };

for (const script of [true, false]) {
  const how = `${script ? 'with' : 'without'} JavaScript`;

  journey(`a template under a name serves two keys, and two who edit it do not undo each other, ${how}`, { on: server, script }, async ({ page, context, expectStatus }) => {
    const name = `Groups ${how}`;
    const path = (tab, row) => tab.getByLabel(`Row ${row}: path`, { exact: true });
    const first = await makeOrgKey(server(), `First ${how}`, template);
    await signIn(page);
    await page.goto(`${keysPage}/${first.id}/template`);
    await page.getByLabel('Save under a name').fill(name);
    await page.getByRole('button', { name: 'Save under this name' }).click();
    await toast(page, 'Template saved under a name.').waitFor();

    await page.goto(`${keysPage}/new?type=product_orgs`);
    await page.getByLabel('Name', { exact: true }).fill(`Second ${how}`);
    await page.getByRole('radio', { name: /saved template/i }).check();
    await page.getByLabel('Saved template', { exact: true }).selectOption(name);
    await page.getByRole('button', { name: 'Create key' }).click();
    const second = { key: await page.getByLabel('Key', { exact: true }).inputValue() };
    if (script) await page.getByRole('button', { name: 'Copy Key', exact: true }).click();
    await page.getByRole('link', { name: 'Done, view key' }).click();
    await titled(page, `Second ${how}`);
    await page.locator('#template').getByRole('link').first().click();
    await page.getByText('2 keys use this template.').waitFor();

    const other = await context.newPage();
    await other.goto(`${keysPage}/${first.id}/template`);
    await path(other, 2).fill('traits.tier');
    await other.getByLabel('What changed').fill('Tiers instead of plans');
    await other.getByRole('button', { name: 'Save template' }).click();
    await toast(other, 'Template saved as version 2.').waitFor();

    expectStatus(409);
    await path(page, 2).fill('traits.mine');
    await page.getByRole('button', { name: 'Save template' }).click();
    await page.getByRole('alert').getByText('Not saved: the template was changed meanwhile.').waitFor();
    assert.equal(await path(page, 2).inputValue(), 'traits.mine', 'what was typed is still there');
    if (script) assert.deepEqual(await axe(page), [], 'a conflict');
    await page.getByRole('button', { name: 'Save my rows as version 3' }).click();
    await toast(page, 'Template saved as version 3.').waitFor();
    for (const key of [first, second]) assert.equal((await sendOrg(server(), key, { ...group, messageId: key.key.slice(-8) })).template_version, 3);

    await page.goto(`${home}/settings/templates`);
    const keys = row(page, name).getByRole('list', { name: 'Keys that use it' });
    assert.deepEqual((await keys.getByRole('link').allInnerTexts()).sort(), [`First ${how}`, `Second ${how}`]);
    await row(page, name).getByRole('link', { name, exact: true }).click();
    await titled(page, `Payload template: ${name}`);
  });

  journey(`versions are compared and restored, and pasted JSON becomes one, ${how}`, { on: server, script }, async ({ page, expectStatus }) => {
    const made = await makeOrgKey(server(), `Versions ${how}`, template);
    const editor = `${keysPage}/${made.id}/template`;
    const tabs = page.getByRole('navigation', { name: 'Payload template' });
    const clean = async (what) => { if (script) assert.deepEqual(await axe(page), [], what); };
    await signIn(page);
    await page.goto(editor);
    expectStatus(422);
    await page.getByLabel('Row 2: path', { exact: true }).fill('traits..plan');
    await page.getByRole('button', { name: 'Save template' }).click();
    await page.getByRole('alert').getByText('Not saved. 1 problem in the rows:').waitFor();
    await page.locator('#field-row-2').getByText('Error:').waitFor();
    await clean('a row with an error');
    await page.getByLabel('Row 2: path', { exact: true }).fill('traits.tier');
    await page.getByLabel('What changed').fill('Tiers instead of plans');
    await page.getByRole('button', { name: 'Save template' }).click();
    await toast(page, 'Template saved as version 2.').waitFor();

    await tabs.getByRole('link', { name: 'JSON' }).click();
    const shown = page.getByRole('region', { name: 'Template as JSON' });
    const rows = JSON.parse(await shown.innerText()).rows;
    assert.deepEqual(rows.map((one) => one.target), ['org_id', 'plan']);
    await clean('the JSON view');
    const paste = page.getByLabel('Template as JSON', { exact: true }).and(page.locator('textarea'));
    await paste.fill('{"rows": [{"target": "org_id", "form": ["groupId"]}]}');
    await page.getByRole('button', { name: 'Replace with this JSON' }).click();
    await page.getByRole('alert').getByText(/form/).first().waitFor();
    await paste.fill(JSON.stringify({ rows: [...rows, { target: 'name', from: ['traits.name'] }] }));
    await page.getByRole('button', { name: 'Replace with this JSON' }).click();
    await page.getByText('These are the pasted rows.').waitFor();
    await page.getByRole('button', { name: 'Save template' }).click();
    await toast(page, 'Template saved as version 3.').waitFor();

    await tabs.getByRole('link', { name: /^Versions/ }).click();
    await row(page, 'Tiers instead of plans').getByText(owner.email).waitFor();
    await clean('the list of versions');
    await page.getByLabel('Compare', { exact: true }).selectOption('Version 1');
    await page.getByLabel('with', { exact: true }).selectOption('Version 3');
    await page.getByRole('button', { name: 'Compare versions' }).click();
    await page.getByText('What changed from version 1 to version 3.').waitFor();
    await page.locator('#changes').getByText('name is new').waitFor();
    await page.locator('#changes').getByText('plan differs').waitFor();
    await clean('two versions');
    await page.getByRole('button', { name: 'Restore version 1' }).click();
    await toast(page, 'Version 1 restored as version 4.').waitFor();
    const answer = await sendOrg(server(), made, { ...group, groupId: how, messageId: how });
    assert.deepEqual([answer.template_version, answer.applied], [4, ['plan']], 'the restored rows count at once');
  });
}
