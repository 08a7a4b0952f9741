// Whose key was found in public, how to end it, and how others may.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { journey, sharedServer, visitors } from './harness.mjs';
import { call, fits, home, keysPage, makeKey, owner, row, send, sha256, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

async function find(page, text) {
  await page.goto(`${keysPage}/leaks`);
  await page.getByLabel('Text with keys').fill(text);
  await page.getByRole('button', { name: 'Find keys' }).click();
}

/** Ends values for whoever has them. */
const revoke = (on, ...values) => call(on, {}, '/credentials/revoke', { method: 'POST', body: values });

for (const [i, { name, ...visitor }] of visitors.entries()) {
  const script = visitor.script !== false;

  journey(`keys are found in pasted lines, echoed nowhere, and ended from there, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    const whole = await makeKey(server(), `Whole ${i}`), hashed = await makeKey(server(), `Hashed ${i}`), begun = await makeKey(server(), `Begun ${i}`);
    const rotated = await makeKey(server(), `Rotated ${i}`);
    const { key: fresh } = JSON.parse(await server().run(['keys', 'rotate', rotated.id, '--json']));
    const stranger = server().keepsSecret(`a-password-of-somebody-${i}`);
    await signIn(page);
    await find(page, [
      '-- main.py', `TOKEN = "${whole.key}"  # ${stranger}`, `sha256: ${sha256(hashed.key)}`, `see ${begun.key_prefix} in the list`,
      `curl -H 'Authorization: Bearer ${rotated.key}'`, `curl https://x.example/hook/${fresh}`, `sk_live_zzzz_${'0'.repeat(49)}`,
    ].join('\n'));
    await page.getByText('Found 4 keys of this workspace. 1 text has the shape of a key, but is none of this workspace.').waitFor();
    const found = page.getByRole('table', { name: 'What was found' });
    const line = (text) => found.getByRole('row').filter({ hasText: text });
    await line('line 2').getByText('The present value').waitFor();
    await line('line 2').getByText('Whole value').waitFor();
    await line('line 3').getByText(`Hashed ${i}`).waitFor();
    await line('line 3').getByText('SHA-256 of a value').waitFor();
    await line('line 4').getByText('Prefix only').waitFor();
    await line('line 5').getByText('The value before the last rotation, which still works').waitFor();
    await line('line 6').getByText('The present value').waitFor();
    await line('line 7').getByText('No key of this workspace').waitFor();

    const content = await page.content();
    for (const secret of [whole.key, rotated.key, fresh, sha256(hashed.key), stranger]) assert.ok(!content.includes(secret), 'what was pasted is not shown again');
    assert.equal(await page.getByLabel('Text with keys').inputValue(), '');
    assert.match(page.url(), /\/leaks$/);
    if (script) {
      assert.equal(await page.evaluate(() => document.activeElement.id), 'leaks-found');
      await fits(page);
    }

    await line('line 5').getByRole('link', { name: /^End/ }).click();
    await page.getByRole('button', { name: 'End old value' }).click();
    await toast(page, 'The old value has ended.').waitFor();
    assert.deepEqual([(await send(server(), rotated)).status, (await send(server(), { key: fresh })).status], [401, 200]);

    await find(page, `TOKEN=${whole.key}`);
    await row(page, `Whole ${i}`).getByRole('link', { name: /^Deactivate/ }).click();
    await page.getByRole('button', { name: 'Deactivate key' }).click();
    await toast(page, `Deactivated Whole ${i}`).waitFor();
    assert.equal((await send(server(), whole)).status, 401);
    await find(page, whole.key);
    await row(page, `Whole ${i}`).getByText('Deactivated').waitFor();
    assert.equal(await row(page, `Whole ${i}`).getByRole('link', { name: /^Deactivate/ }).count(), 0);
  });

  journey(`a text without a key is said to have none, ${name}`, { on: server, ...visitor }, async ({ page, expectStatus }) => {
    await signIn(page);
    await find(page, 'nothing to see here\nnor here');
    await page.getByText('Nothing in this text is a key of this workspace, its prefix or its SHA-256.').waitFor();
    expectStatus(422);
    await find(page, ' \n ');
    await page.getByText('Paste a key, the beginning of one, or its SHA-256.').first().waitFor();
  });

  journey(`the scanner rule is downloaded and finds keys of this instance, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    const { key } = await makeKey(server(), `Scanned for ${i}`, '--env', 'test');
    await signIn(page);
    await page.goto(`${keysPage}/leaks`);
    const waiting = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download scanner-rule.toml' }).click();
    const download = await waiting;
    assert.equal(download.suggestedFilename(), 'scanner-rule.toml');
    const rule = readFileSync(await download.path(), 'utf8');
    const regex = rule.match(/^\s*regex = '''(.*)'''$/m)?.[1];
    assert.ok(regex, rule);
    assert.match(`export TOKEN="${key}"\n`, new RegExp(regex));
    await page.getByRole('region', { name: 'Regular expression, for any scanner' }).waitFor();
  });

  journey(`a key that somebody found is ended by its value, and Home tells of it once, ${name}`, { account: owner, ...visitor }, async ({ page, server }) => {
    const made = await makeKey(server, 'Found in public');
    const answer = await revoke(server, made.key, 'sk_live_none');
    assert.deepEqual([answer.status, answer.body], [202, {}]);
    assert.equal((await revoke(server, made.key)).status, 202);
    assert.equal((await revoke(server, 'nobody knows this one')).status, 202, 'the answer tells nobody what is a key');
    assert.equal((await send(server, made)).status, 401);

    await signIn(page);
    const title = 'Key Found in public was reported as leaked and is deactivated';
    assert.equal(await page.getByRole('listitem').filter({ hasText: title }).count(), 1);
    await page.getByText('Reported by Revocation by possession.').waitFor();
    await page.goto(`${home}/signals`);
    await page.getByRole('region', { name: 'Keys that cannot wait' }).getByText(title).waitFor();
    if (script) await fits(page);
    await page.getByRole('link', { name: 'Show key' }).click();
    await titled(page, 'Found in public');
    await page.goto(home);
    if (script) await fits(page);
    await page.getByRole('button', { name: `Dismiss: ${title}` }).click();
    await toast(page, 'Notice dismissed.').waitFor();
    await page.getByText(title).waitFor({ state: 'detached' });
    await revoke(server, made.key);
    await page.goto(`${home}/signals`);
    assert.equal(await page.getByRole('region', { name: 'Keys that cannot wait' }).count(), 0);
    await page.goto(home);
    assert.equal(await page.getByText(title).count(), 0, 'one value is told of once');
  });
}
