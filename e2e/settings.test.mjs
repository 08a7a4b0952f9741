// What a workspace asks of its keys, what its plan allows, and how much its programs may call.
import assert from 'node:assert/strict';
import { journey, readers } from './harness.mjs';
import { call, fits, home, keysPage, makeKey, owner, signIn, toast } from './steps.mjs';
import { juniper, people } from './demo.mjs';

async function save(page) {
  await page.getByRole('button', { name: 'Save settings' }).click();
}

async function changePlan(page, to) {
  await page.goto(`${home}/settings/plan`);
  await page.getByRole('link', { name: `Change to ${to}` }).click();
  await page.getByText('Webhook keys go on as they are. Nothing is deleted.').waitFor();
  await page.getByRole('button', { name: `Change to ${to}` }).click();
  await toast(page, `The plan is ${to} now.`).waitFor();
}

const program = (server) => makeKey(server, 'Program', '--type', 'api_access', '--scopes', 'workspace:read');

for (const { name, ...visitor } of readers) {
  const script = visitor.script !== false;

  journey(`the key policy decides what a new key may be, ${name}`, { account: owner, ...visitor }, async ({ page, expectStatus }) => {
    await signIn(page);
    await page.goto(`${keysPage}/new`);
    const expires = page.getByLabel('Expiration');
    const choices = () => expires.getByRole('option').allInnerTexts();
    assert.deepEqual(await choices(), ['30 days', '90 days', '1 year', 'At a date and time', 'Never']);

    await page.goto(`${home}/settings`);
    const days = page.getByLabel('Maximum age (days)');
    if (script) assert.ok(!(await days.isVisible()), 'a rule that is off asks for nothing');
    for (const rule of ['Enforce a maximum key age', 'Require an expiry', 'Require a shared secret for webhook keys']) await page.getByLabel(rule).check();
    assert.equal(await days.inputValue(), '90', 'the proposal');
    expectStatus(422);
    await days.fill('0');
    await save(page);
    await page.getByText('Enter a number of days from 1 to 3650, or switch the maximum age off.').first().waitFor();
    await days.fill('45');
    if (script) await fits(page);
    await save(page);
    await toast(page, 'Settings saved.').waitFor();

    await page.goto(`${keysPage}/new`);
    assert.deepEqual(await choices(), ['30 days', '45 days', 'At a date and time']);
    await page.getByText('The key policy of this workspace lets a key live for 45 days at most.').waitFor();
    const secret = page.getByRole('checkbox', { name: 'Also require a shared secret' });
    assert.deepEqual([await secret.isChecked(), await secret.isDisabled()], [true, true]);
    await page.getByText('The policy of this workspace asks for one.').waitFor();
    if (script) await fits(page);

    await page.getByLabel('Name').fill('By the policy');
    await expires.selectOption('At a date and time');
    await page.getByLabel('Date and time').fill('2099-01-01T00:00');
    await page.getByRole('button', { name: 'Create key' }).click();
    await page.getByRole('alert').waitFor();
    await expires.selectOption('45 days');
    await page.getByRole('button', { name: 'Create key' }).click();
    assert.match(await page.getByLabel('Shared secret', { exact: true }).inputValue(), /^lks_/);
    page.on('dialog', (dialog) => dialog.accept());
    await page.getByRole('link', { name: 'Done, view key' }).click();
    await page.getByText('in 44 days').first().waitFor();
  });

  journey(`a plan takes API access away at once and gives it back, ${name}`, { account: owner, ...visitor }, async ({ page, server }) => {
    const made = await program(server);
    assert.equal((await call(server, made, '/workspaces/me')).body.plan, 'enterprise');
    await signIn(page);
    await page.goto(`${home}/settings`);
    await page.getByLabel('Enforce a maximum key age').check();
    await save(page);
    await toast(page, 'Settings saved.').waitFor();

    await page.getByRole('link', { name: 'Change plan' }).click();
    if (script) await fits(page);
    await page.getByRole('link', { name: 'Change to Free' }).click();
    await page.getByText('API access keys are refused from now on: 1 active key will stop working at once, and none can be created.').waitFor();
    await page.getByText('The key policy no longer applies (at most 90 days old)').waitFor();
    if (script) await fits(page);
    await page.getByRole('button', { name: 'Change to Free' }).click();
    await toast(page, 'The plan is Free now.').waitFor();
    const refused = await call(server, made, '/workspaces/me');
    assert.deepEqual([refused.status, refused.body.code], [403, 'plan_required']);
    assert.ok(await page.getByLabel('Enforce a maximum key age').isDisabled());
    await page.goto(`${keysPage}/${made.id}`);
    await page.getByText('The plan of this workspace has no API access.').waitFor();
    await page.goto(`${keysPage}/new?type=api_access`);
    assert.ok(await page.getByRole('radio', { name: /^API access/ }).isDisabled());
    await page.getByText('The plan of this workspace, free, has no API access.').waitFor();

    await changePlan(page, 'Team');
    assert.equal((await call(server, made, '/workspaces/me')).body.plan, 'team');
    await changePlan(page, 'Enterprise');
    assert.ok(await page.getByLabel('Enforce a maximum key age').isChecked(), 'what was set is kept');
  });

  journey(`the workspace's limit counts from the next call on, ${name}`, { account: owner, ...visitor }, async ({ page, server, expectStatus }) => {
    const made = await program(server);
    const first = await call(server, made, '/me');
    assert.deepEqual([first.headers.get('x-ratelimit-limit'), first.headers.get('x-ratelimit-remaining')], ['600', '599']);
    await signIn(page);
    await page.goto(`${home}/settings`);
    const limit = page.getByLabel('Management API requests a minute');
    assert.equal(await limit.inputValue(), '600');
    expectStatus(422);
    await limit.fill('0');
    await save(page);
    await page.getByText('Enter a number of requests from 1 to 1000000.').first().waitFor();
    await limit.fill('3');
    await save(page);
    await toast(page, 'Settings saved.').waitFor();

    const answers = [];
    for (let n = 0; n < 3; n++) answers.push(await call(server, made, '/me'));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 429]);
    assert.deepEqual(answers.map(({ headers }) => headers.get('x-ratelimit-limit')), ['3', '3', '3']);
    assert.deepEqual(answers.map(({ headers }) => headers.get('x-ratelimit-remaining')), ['1', '0', '0']);
    const wait = Number(answers[2].headers.get('retry-after'));
    assert.ok(answers[2].body.code === 'rate_limited' && wait >= 1 && wait <= 60, `Retry-After: ${wait}`);
    await limit.fill('4');
    await save(page);
    await toast(page, 'Settings saved.').waitFor();
    assert.equal((await call(server, made, '/me')).status, 200, 'refused calls were not counted');
  });
}

journey('an Admin changes the settings and not the plan', { seed: 50 }, async ({ page, server, expectStatus }) => {
  await signIn(page, people(server).admin);
  await page.goto(`${juniper}/settings`);
  await page.getByText('Only an Owner may change the plan.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Change plan' }).count(), 0);
  expectStatus(403);
  assert.equal((await page.goto(`${juniper}/settings/plan`)).status(), 403);
});
