// What senders write is somebody else's text: it is shown as it is, live if one likes, and never runs.
import assert from 'node:assert/strict';
import { journey, sharedServer } from './harness.mjs';
import { home, makeKey, open, owner, row, send, signIn, submission, titled } from './steps.mjs';

const server = sharedServer({ account: owner });

journey('the live log shows a new request without a reload, and can be paused', { on: server }, async ({ page, context }) => {
  const made = await makeKey(server(), 'Watched');
  await send(server(), made, { item: submission('before') });
  await signIn(page);
  await open(page, 'Requests');
  await page.getByRole('main').getByRole('link', { name: /live/i }).click();
  await page.locator('[data-live-stream]').waitFor({ state: 'attached' });
  await page.evaluate(() => { window.sameDocument = true; });

  await send(server(), made, { item: submission('while watching') });
  await row(page, 'while watching').waitFor();
  const refused = await send(server(), { key: 'sk_live_nonsense' });
  assert.equal(refused.status, 401);
  await send(server(), made, { item: { properties: {} } });
  await row(page, 'missing_event').waitFor();
  assert.ok(await page.evaluate(() => window.sameDocument), 'the page was not loaded again');
  assert.equal(await row(page, 'while watching').count(), 1);

  await page.getByRole('link', { name: 'Stop' }).click();
  await page.getByRole('main').getByRole('link', { name: /live/i }).waitFor();
  await send(server(), made, { item: submission('after the pause') });
  // Nothing moves while it is off; the other page of the same browser proves that the request has arrived.
  const fresh = await context.newPage();
  await fresh.goto(`${home}/requests`);
  await row(fresh, 'after the pause').waitFor();
  assert.equal(await row(page, 'after the pause').count(), 0);
});

journey('a live log that is forgotten pauses itself, and resumes', { on: server }, async ({ page }) => {
  const made = await makeKey(server(), 'Forgotten');
  await signIn(page);
  await page.clock.install();
  await page.goto(`${home}/requests?live=1`);
  await send(server(), made, { item: submission('before pausing') });
  await row(page, 'before pausing').waitFor(); // the stream is open, so the clock may jump
  await page.clock.fastForward('05:01');
  await page.getByText('Paused after 5 minutes').waitFor();
  await page.clock.resume();
  await page.getByRole('button', { name: 'Resume' }).click();
  await send(server(), made, { item: submission('after resuming') });
  await row(page, 'after resuming').waitFor();
});

for (const script of [true, false]) {
  journey(`markup in an event, an email or a payload stays text, ${script ? 'with' : 'without'} JavaScript`, { on: server, script }, async ({ page }) => {
    const bad = `<img src=x onerror="document.title='ran'"><script>document.title='ran'</script>`;
    const made = await makeKey(server(), bad.slice(0, 60));
    const evil = { event: `${bad}${script}`, email: `"${bad.slice(0, 20)}"@example.com`, userId: bad, properties: { [bad]: bad, html: '</script></pre><svg onload=alert(1)>' } };
    const answer = await send(server(), made, { item: evil, path: `/api/signal-staging/webhook/${made.key}` });
    assert.ok([200, 400].includes(answer.status), 'an address with markup may be refused, or kept');
    const { body } = await send(server(), made, { item: { ...evil, email: 'evil@example.com' } });
    await signIn(page);
    const pages = ['', '/signals', `/signals/${body.id}`, '/requests', `/requests/${answer.requestId}`, '/settings/api-keys', `/settings/api-keys/${made.id}`, '/audit'];
    for (const path of pages.map((page) => home + page)) {
      assert.equal((await page.goto(path)).status(), 200, path);
      assert.notEqual(await page.title(), 'ran', path);
      assert.equal(await page.locator('img[src="x"], svg[onload], main script').count(), 0, `${path} has markup of a sender`);
    }
    await page.goto(`${home}/signals/${body.id}`);
    await titled(page, evil.event);
  });
}

journey('search, tabs and filters find a signal, and say so when nothing fits', { on: server }, async ({ page }) => {
  const made = await makeKey(server(), 'Searched');
  await send(server(), made, { item: { event: 'needle_found', email: 'needle@example.com' }, path: `/api/signal-staging/webhook/haystack/${made.key}` });
  await signIn(page);
  await open(page, 'Signals');
  for (const query of ['needle_found', 'needle@example.com']) {
    await page.getByRole('searchbox').fill(query);
    await page.getByRole('button', { name: 'Search' }).click();
    await row(page, 'needle@example.com').waitFor();
    assert.equal(await page.getByRole('row').count(), 2, 'the head and one row');
  }
  await page.goto(`${home}/signals?source=haystack`);
  await row(page, 'needle_found').waitFor();
  await page.getByRole('searchbox').fill('not in here');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('link', { name: 'Clear filters' }).first().click();
  await row(page, 'needle_found').waitFor();
});

journey('signals are exported as CSV and NDJSON', { on: server }, async ({ page, context }) => {
  const made = await makeKey(server(), 'Exported');
  await send(server(), made, { item: { event: '=HYPERLINK("http://evil.example")', email: 'sheet@example.com' } });
  await signIn(page);
  await open(page, 'Signals');
  const read = async (name) => {
    const response = await context.request.get(new URL(await page.getByRole('link', { name }).getAttribute('href'), page.url()).href);
    assert.equal(response.status(), 200);
    assert.match(response.headers()['content-disposition'], /^attachment/);
    return response.text();
  };
  const csv = await read('Export CSV');
  assert.match(csv, /sheet@example\.com/);
  assert.doesNotMatch(csv, /(^|,)"?=HYPERLINK/m, 'a formula would run in a spreadsheet');
  const lines = (await read('Export NDJSON')).trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.some((line) => JSON.stringify(line).includes('sheet@example.com')));
});
