// Whoever sends a large file, or waits for one, sees how far it is.
import assert from 'node:assert/strict';
import http from 'node:http';
import { axe, journey, sharedServer, visitors } from './harness.mjs';
import { home, makeKey, open, owner, row, signIn } from './steps.mjs';

const server = sharedServer({ account: owner });

/** A bulk upload whose body is written as the test goes on, under a length that is named. */
function upload({ url }, { key }, length) {
  const target = new URL('/api/signal-staging/bulk', url);
  const request = http.request(target, { method: 'POST', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/x-ndjson', 'Content-Length': length } });
  const answer = new Promise((resolve, reject) => {
    request.on('response', (response) => { response.resume().on('end', () => resolve(response)); }).on('error', reject);
  });
  return { answer, send: (text) => request.write(text), end: (text) => request.end(text) };
}

const lines = (n) => '{"event":"imported_row","userId":"u-1"}\n'.repeat(n);

journey('the page without uploads says how to send one', { on: server }, async ({ page, shot }) => {
  await signIn(page);
  await open(page, 'Uploads');
  await page.getByText('latchkey import').first().waitFor();
  assert.deepEqual(await axe(page), []);
  await shot('uploads none');
});

for (const visitor of visitors) {
  journey(`a running upload is seen until it has ended, ${visitor.name}`, { on: server, ...visitor }, async ({ page, shot }) => {
    const made = await makeKey(server(), `Import ${visitor.name}`);
    const first = lines(3000), rest = `bad\n${lines(4000)}`;
    const running = upload(server(), made, first.length + rest.length);
    running.send(first);
    await signIn(page);
    const mine = () => row(page, `Import ${visitor.name}`);
    const shows = async (text) => {
      for (let i = 0; i < 60; i++) {
        if ((await mine().count()) && (await mine().innerText()).includes(text)) return;
        if (visitor.script === false) await page.reload(); // nothing moves by itself
        else await page.waitForTimeout(250);
      }
      assert.fail(`${text} is not shown: ${await page.locator('#uploads').innerText()}`);
    };
    await page.goto(`${home}/uploads`);
    await shows('Running');
    await shows('3,000');
    await mine().getByRole('progressbar').waitFor();
    if (visitor.script !== false) assert.deepEqual(await axe(page), []);
    await shot(`uploads running ${visitor.name}`);
    await page.goto(home);
    await page.getByRole('heading', { name: 'Uploads that run now' }).waitFor({ timeout: 10_000 });
    await page.goto(`${home}/settings/api-keys/${made.id}`);
    await page.getByRole('heading', { name: 'Uploads that run now' }).waitFor();
    await shot(`uploads key ${visitor.name}`);

    await page.goto(`${home}/uploads`);
    await page.evaluate(() => { window.sameDocument = true; });
    running.end(rest);
    assert.equal((await running.answer).statusCode, 207);
    await shows('Done');
    await shows('7,000');
    if (visitor.script !== false) assert.ok(await page.evaluate(() => window.sameDocument), 'the page was not loaded again');
    await shot(`uploads done ${visitor.name}`);
    await mine().getByRole('link').first().click();
    await page.getByText('not valid JSON').first().waitFor();
  });
}
