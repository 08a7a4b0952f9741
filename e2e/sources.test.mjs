// What a vendor's webhooks need: the page that tells where to paste the URL, a test event, and the vendor's signature.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { axe, journey, sharedServer, visitors } from './harness.mjs';
import { keysPage, loadUntil, makeKey, open, owner, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });

/** Posts the body as GitHub would, with a signature when there is a secret. */
async function deliver({ key }, body, secret) {
  const signature = secret && `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const response = await fetch(`${server().url}/api/signal-staging/webhook/github/${key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'GitHub-Hookshot/1', 'x-github-event': 'issues', ...(signature && { 'x-hub-signature-256': signature }) },
    body,
  });
  return response.status;
}

for (const visitor of visitors) {
  journey(`a source is connected, tried and secured: ${visitor.name}`, { on: server, ...visitor }, async ({ page }) => {
    const script = visitor.script !== false;
    const made = await makeKey(server(), `GitHub, ${visitor.name}`, '--env', 'test');
    const body = JSON.stringify({ action: 'opened', issue: { number: 7 } });
    const secret = server().keepsSecret('the text that was chosen in GitHub');
    await signIn(page);
    await open(page, 'Sources');
    assert.equal(await page.getByText('/api/signal-staging/webhook/').filter({ hasText: /webhook\/[a-z0-9_-]+\/\{key\}$/ }).count(), 19, 'one URL a vendor');
    await page.getByRole('link', { name: 'GitHub', exact: true }).click();
    await page.getByText(`${server().url}/api/signal-staging/webhook/github/{key}`, { exact: true }).waitFor();

    await page.goto(`${keysPage}/${made.id}`);
    await page.getByRole('link', { name: 'Send a test event' }).click();
    await titled(page, 'Send a test event');
    await page.getByLabel('Sample', { exact: true }).selectOption('GitHub: Issue opened');
    if (visitor.script === false) await page.getByRole('button', { name: 'Load sample' }).click();
    await page.waitForURL(/sample=github/);
    await page.getByText('X-GitHub-Event: issues').waitFor();
    const sample = JSON.parse(await page.getByLabel('Payload', { exact: true }).inputValue());
    await page.getByLabel('Payload', { exact: true }).fill(JSON.stringify({ ...sample, sender: { ...sample.sender, login: 'grace-hopper' } }));
    await page.getByRole('button', { name: 'Send test event' }).click();
    await page.getByRole('status').getByText('200 OK').waitFor();
    const outcome = page.locator('#result');
    assert.match(await outcome.innerText(), /\d(\.\d+)? ?(µs|ms|s)\b/, 'how long it took');
    await outcome.getByText('issues', { exact: false }).first().waitFor();
    await page.getByText('The same with curl').click();
    await outcome.getByText(/curl .*webhook\/github/).waitFor();
    if (script) assert.deepEqual(await axe(page), [], 'the result');
    const request = await page.getByRole('link', { name: 'Request in the log' }).getAttribute('href');
    await page.getByRole('link', { name: 'Open the signal' }).click();
    await titled(page, /issues/);
    await page.getByText('grace-hopper').first().waitFor();
    await page.goto(request);
    await page.getByText('github').first().waitFor();

    assert.equal(await deliver(made, body), 200, 'before a signature is required');
    await page.goto(`${keysPage}/${made.id}/signature`);
    await page.getByRole('radio', { name: /^GitHub/ }).check();
    await page.getByLabel('Signing secret', { exact: true }).fill(secret);
    await page.getByRole('button', { name: 'Require signature' }).click();
    await toast(page, 'Signature required from now on.').waitFor();
    assert.equal(await deliver(made, body, secret), 200, 'with the right signature');
    assert.equal(await deliver(made, body), 401, 'without one');
    await loadUntil(page, page.getByText('The request has no header X-Hub-Signature-256.'));
    assert.equal(await deliver(made, body, 'another text'), 401, 'with a wrong one');
    await loadUntil(page, page.getByText(/X-Hub-Signature-256 (does not|is not|differs)/i));
    assert.ok(!(await page.content()).includes(secret), 'the secret is never shown again');
    await page.goto(`${keysPage}/${made.id}`);
    await page.locator('#signature').getByText('Last failure').waitFor();
    await page.locator('#signature').getByRole('link').first().click();
    await titled(page, 'Source signature');
    await page.getByRole('button', { name: 'Turn off signature' }).click();
    await toast(page, 'Signature no longer required.').waitFor();
    assert.equal(await deliver(made, body), 200, 'turned off again');
  });
}
