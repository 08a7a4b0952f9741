// What holds a key back that does too much, comes from elsewhere, or was found.
import assert from 'node:assert/strict';
import { journey, sharedServer, readers } from './harness.mjs';
import { call, fits, keysPage, loadUntil, makeKey, owner, send, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

const said = ({ status, body }) => [status, body.code ?? body.error?.code];

for (const [i, { name, ...visitor }] of readers.entries()) {
  const script = visitor.script !== false;

  journey(`an address list is watched before it is enforced, ${name}`, { on: server, ...visitor }, async ({ page, expectStatus }) => {
    await signIn(page);
    const made = await makeKey(server(), `Listed ${i}`);
    await send(server(), made);
    await page.goto(`${keysPage}/${made.id}`);
    await page.getByRole('link', { name: 'Change address list' }).click();
    await titled(page, 'Address list');
    const save = page.getByRole('button', { name: 'Save address list' });

    expectStatus(422);
    await page.getByLabel('Addresses').fill('10.4.0.0/16\n300.1.2.3');
    await page.getByRole('radio', { name: 'Watch' }).check();
    await save.click();
    await page.getByRole('alert').getByText('300.1.2.3').first().waitFor();
    await page.getByLabel('Addresses').fill('10.4.0.0/16');
    await save.click();
    await toast(page, 'What it would refuse is counted from now on.').waitFor();
    assert.equal((await send(server(), made)).status, 200, 'a list that is watched refuses nothing');
    await loadUntil(page, page.getByText('It would have refused 1 request'));
    await page.getByText('from 127.0.0.1.').first().waitFor();
    if (script) await fits(page);

    await page.getByRole('radio', { name: 'Enforce' }).check();
    await save.click();
    await page.getByText('which is not on the list. Requests from there will be refused.').waitFor();
    if (script) await fits(page);
    await page.getByRole('checkbox', { name: 'Enforce it all the same' }).check();
    await save.click();
    await toast(page, 'Requests from other addresses are refused from now on.').waitFor();
    assert.deepEqual(said(await send(server(), made)), [403, 'ip_not_allowed']);

    await page.getByLabel('Addresses').fill('10.4.0.0/16\n127.0.0.0/8');
    await save.click();
    await toast(page, 'Address list saved.').waitFor();
    assert.equal((await send(server(), made)).status, 200);
    await page.goto(`${keysPage}/${made.id}`);
    await page.getByText('Only 10.4.0.0/16, 127.0.0.0/8').waitFor();
  });

  journey(`an address list holds for a program's key too, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    const made = await makeKey(server(), `Listed program ${i}`, '--type', 'api_access', '--scopes', 'workspace:read');
    await page.goto(`${keysPage}/${made.id}/addresses`);
    await page.getByLabel('Addresses').fill('2001:db8::/32');
    await page.getByRole('radio', { name: 'Enforce' }).check();
    await page.getByRole('button', { name: 'Save address list' }).click();
    await toast(page, 'Requests from other addresses are refused from now on.').waitFor();
    assert.deepEqual(said(await call(server(), made, '/workspaces/me')), [403, 'ip_not_allowed']);
    await page.getByRole('radio', { name: 'Off' }).check();
    await page.getByRole('button', { name: 'Save address list' }).click();
    await toast(page, 'It refuses nothing.').waitFor();
    assert.equal((await call(server(), made, '/workspaces/me')).status, 200);
  });

  journey(`a key has a limit of its own, and says what a leak does to it, ${name}`, { on: server, ...visitor }, async ({ page, expectStatus }) => {
    await signIn(page);
    const made = await makeKey(server(), `Limited ${i}`);
    await page.goto(`${keysPage}/${made.id}`);
    await page.getByText('None of its own').waitFor();
    await page.getByRole('link', { name: 'Change limit and leaks' }).click();
    await titled(page, 'Limit and leaks');
    if (script) await fits(page);
    const limit = page.getByLabel('Requests a minute');
    expectStatus(422);
    await limit.fill('many');
    await page.getByRole('button', { name: 'Save protection' }).click();
    await page.getByText('Enter a whole number of requests a minute, or leave it empty for no limit.').first().waitFor();
    assert.equal(await limit.inputValue(), 'many');
    await limit.fill('2');
    await page.getByRole('radio', { name: 'Only raise the alarm' }).check();
    await page.getByRole('button', { name: 'Save protection' }).click();
    await toast(page, 'Protection changed.').waitFor();
    await page.getByText('2 requests a minute').waitFor();
    await page.getByText('Only an alarm').waitFor();

    assert.deepEqual([(await send(server(), made)).status, (await send(server(), made)).status], [200, 200]);
    const path = `${server().url}/api/signal-staging/webhook/${made.key}`;
    const third = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"event":"x"}' });
    assert.deepEqual([third.status, (await third.json()).error.code], [429, 'rate_limited']);
    const wait = Number(third.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 60, `Retry-After: ${wait}`);

    await page.getByRole('link', { name: 'Change limit and leaks' }).click();
    await limit.fill('');
    await page.getByRole('button', { name: 'Save protection' }).click();
    await page.getByText('None of its own').waitFor();
    assert.equal((await send(server(), made)).status, 200, 'a limit that is gone refuses nothing');
  });
}

journey('a form that was loaded before somebody else changed the key overwrites nothing', { on: server }, async ({ page, context, expectStatus }) => {
  await signIn(page);
  const made = await makeKey(server(), 'Changed twice');
  await page.goto(`${keysPage}/${made.id}/protection`);
  const other = await context.newPage();
  await other.goto(`${keysPage}/${made.id}/protection`);
  await other.getByLabel('Requests a minute').fill('70');
  await other.getByRole('button', { name: 'Save protection' }).click();
  await other.getByText('70 requests a minute').waitFor();
  expectStatus(409);
  await page.getByLabel('Requests a minute').fill('7');
  await page.getByRole('button', { name: 'Save protection' }).click();
  await page.getByRole('alert').waitFor();
  await page.goto(`${keysPage}/${made.id}`);
  await page.getByText('70 requests a minute').waitFor();
});
