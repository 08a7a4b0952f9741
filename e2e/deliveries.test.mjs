// Issue 5, Shows 6: an endpoint is made, tested and seen to fail; its receiver is repaired; what failed is sent again and watched.
import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { journey, sharedServer, visitors } from './harness.mjs';
import { fits, home, loadUntil, makeKey, open, owner, row, send, signIn, titled, toast, until } from './steps.mjs';

const server = sharedServer({ account: owner, env: { LATCHKEY_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8' } });

/** A customer's system: it takes nothing until it is repaired, and keeps what came. */
async function startReceiver() {
  const got = [];
  let status = 500;
  const app = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      got.push({ headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(status, { 'content-type': 'text/html' }).end(status === 500 ? '<b id="theirs">The database is down</b>' : 'thanks');
    });
  });
  await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${app.address().port}`,
    url: `http://127.0.0.1:${app.address().port}/hooks`,
    got,
    of: (id) => got.filter(({ headers }) => headers['webhook-id'] === id),
    /** Whether a message came; gives the receiver, which lives in this process, a moment to take it. */
    async hears(id) {
      await setTimeout(20);
      return this.of(id).length > 0;
    },
    repair: () => { status = 200; },
    stop: () => new Promise((resolve) => { app.close(resolve); app.closeAllConnections(); }),
  };
}

/** Standard Webhooks, as a receiver would check it. */
function signed({ headers, body }, secret) {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const expected = createHmac('sha256', key).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`).update(body).digest();
  return headers['webhook-signature'].split(' ').some((part) => {
    const given = Buffer.from(part.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** Creates an endpoint for all events through the form; ends on the page with its secret, which it returns. */
async function createEndpoint(page, url, description) {
  await open(page, 'Endpoints');
  await page.getByRole('link', { name: 'Create endpoint' }).first().click();
  await titled(page, 'Create endpoint');
  await page.getByLabel('URL', { exact: true }).fill(url);
  await page.getByLabel('Description').fill(description);
  await page.getByRole('checkbox', { name: 'All events' }).check();
  await page.getByRole('button', { name: 'Create endpoint' }).click();
  const secret = await page.getByLabel('Signing secret', { exact: true }).inputValue();
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  return server().keepsSecret(secret);
}

const tab = (page, name) => page.getByRole('navigation', { name: 'Pages of this endpoint' }).getByRole('link', { name, exact: true });
const idOf = (path) => path.match(/msg_[0-9a-f]{32}/)[0];

for (const { name, script = true, ...visitor } of visitors) {
  journey(`an endpoint fails, is repaired, and gets all that failed: ${name}`, { on: server, script, ...visitor }, async ({ page }) => {
    const receiver = await startReceiver();
    const looks = async (what) => { if (script) await fits(page).catch((error) => { throw new Error(`${what}: ${error.message}`); }); };
    const shown = (text) => (script ? page.getByText(text).first().waitFor() : loadUntil(page, page.getByText(text).first()));
    try {
      await signIn(page);
      const secret = await createEndpoint(page, receiver.url, `Warehouse, ${name}`);
      await looks('the new endpoint');
      await page.getByRole('link', { name: 'Done, view endpoint' }).click();
      await titled(page, receiver.host);

      // It is tested, and fails.
      await tab(page, 'Deliveries').click();
      await page.getByText('Nothing was sent yet.').waitFor();
      await looks('no deliveries');
      await tab(page, 'Send test event').click();
      await page.getByRole('button', { name: 'Send test event' }).waitFor();
      await looks('the form of a test event');
      await page.getByLabel('Type', { exact: true }).selectOption('api_key.expiring');
      if (!script) await page.getByRole('button', { name: 'Load sample' }).click();
      await page.waitForURL(/type=api_key.expiring/);
      const sample = await page.getByLabel('Body', { exact: true }).inputValue();
      assert.equal(JSON.parse(sample).type, 'api_key.expiring');
      const edited = sample.replace('{', '{\n  "note": "Größe 42 €",');
      await page.getByLabel('Body', { exact: true }).fill(edited);
      await page.getByRole('button', { name: 'Send test event' }).click();
      const result = page.locator('#result');
      await result.getByText('500 Internal Server Error', { exact: true }).waitFor();
      await result.getByText('Not delivered.').waitFor();
      await result.getByText('<b id="theirs">The database is down</b>').waitFor();
      assert.equal(await page.locator('#theirs').count(), 0, 'an answer is text');
      await looks('the result of a test event');
      assert.equal(receiver.got.length, 1);
      assert.equal(receiver.got[0].body.toString(), edited.trim());
      assert.ok(signed(receiver.got[0], secret), 'a test is signed');
      await page.getByText('Shell', { exact: true }).click();
      await page.locator('#verification').getByText(`signatures='${receiver.got[0].headers['webhook-signature']}'`).waitFor();

      await result.getByRole('link', { name: 'Open the delivery' }).click();
      await titled(page, 'api_key.expiring');
      await page.getByText('A test event is sent once').waitFor();
      await looks('a delivery that failed');
      const first = idOf(page.url());
      await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
      await page.getByRole('main').getByRole('navigation', { name: 'Status' }).getByRole('link', { name: /^Failed/ }).click();
      await row(page, first).getByText('500').waitFor();
      await looks('deliveries');

      // What really happens fails too, and is tried again by itself.
      const key = await makeKey(server(), `Till, ${name}`);
      const { body } = await send(server(), key);
      const message = `msg_${body.id.replaceAll('-', '')}`;
      await until('the signal is sent', () => receiver.hears(message));
      await page.goto(`${home}/signals/${body.id}`);
      const told = page.locator('#deliveries').getByRole('row').filter({ hasText: receiver.url });
      await loadUntil(page, told.getByText('Waiting to retry'));
      await looks('a signal with its deliveries');
      await told.getByRole('link').click();
      await titled(page, 'signal.received');
      await page.getByText(/Attempt \d of 8/).waitFor();
      await looks('a delivery that waits');
      await page.goto(home);
      await loadUntil(page, page.locator('#failing-endpoints').getByRole('link', { name: receiver.url }));
      await looks('Home with an endpoint that fails');

      // The receiver is repaired; what failed is planned, sent again and watched.
      receiver.repair();
      await page.locator('#failing-endpoints').getByRole('link', { name: receiver.url }).click();
      await titled(page, receiver.host);
      await tab(page, 'Deliveries').click();
      await page.getByRole('link', { name: 'Retry all failed since…' }).click();
      await titled(page, 'Retry failed deliveries');
      await page.getByLabel('Messages from').selectOption('the last hour');
      await page.getByLabel('At most, a second').fill('5');
      await page.getByRole('button', { name: 'Update plan' }).click();
      await page.waitForURL(/rate=5/);
      await looks('the plan');
      await page.getByRole('button', { name: 'Retry 1 failed delivery' }).click();
      await toast(page, 'Started.').waitFor();
      await shown('All of them are delivered.');
      await looks('the progress of a run');
      assert.deepEqual(receiver.of(first).map((one) => one.body.toString()), [edited.trim(), edited.trim()], 'the same bytes, twice');
      assert.ok(receiver.of(first).every((one) => signed(one, secret)), 'each attempt is signed');

      // The signal recovers by itself.
      await page.goto(`${home}/signals/${body.id}`);
      await told.getByRole('link').click();
      await shown('The endpoint took it');
      await looks('a delivery that recovered');
      const bodies = new Set(receiver.of(message).map((one) => one.body.toString()));
      assert.equal(bodies.size, 1, 'every attempt sent the same bytes');
      assert.equal(JSON.parse([...bodies][0]).data.id, body.id);
      assert.ok(receiver.of(message).every((one) => signed(one, secret)));
      await page.goto(home);
      await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
      assert.equal(await page.locator('#failing-endpoints').getByRole('link', { name: receiver.url }).count(), 0, 'it fails no more');
    } finally {
      await receiver.stop();
    }
  });
}
