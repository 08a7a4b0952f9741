// A sender whose request was refused asks why. Whoever looks it up by its request id finds the reason in words.
import assert from 'node:assert/strict';
import { journey, sharedServer } from './harness.mjs';
import { home, makeKey, owner, row, send, signIn, titled } from './steps.mjs';

const server = sharedServer({ account: owner });
const wrong = 'sk_live_0000_' + '0'.repeat(49);

/** Each sends one request that must be refused, and says how it is explained. */
const refusals = {
  'a wrong key': {
    code: 'invalid_api_key', status: 401, why: 'No key of this instance equals the one that was sent.',
    attempt: (on) => send(on, { key: wrong }),
  },
  'a missing secret': {
    code: 'missing_api_secret', status: 401, why: 'the request had no X-Api-Secret header.',
    attempt: async (on) => send(on, { key: (await makeKey(on, 'Missing secret', '--secret')).key }),
  },
  'a wrong secret': {
    code: 'invalid_api_secret', status: 401, why: 'does not hold the shared secret of this key.',
    attempt: async (on) => send(on, { key: (await makeKey(on, 'Wrong secret', '--secret')).key, secret: 'guessed' }),
  },
  'a deactivated key': {
    code: 'deactivated_api_key', status: 401, why: 'The key was deactivated.',
    attempt: async (on) => {
      const { id, key } = await makeKey(on, 'Deactivated');
      await on.run(['keys', 'deactivate', id]);
      return send(on, { key });
    },
  },
  'an expired key': {
    code: 'expired_api_key', status: 401, why: "The key's expiry has passed, or the request carried the value that the key had before it was rotated, whose time is over.",
    attempt: async (on) => {
      const at = new Date(Date.now() + 3000);
      const made = await makeKey(on, 'Expired', '--expires', at.toISOString().replace(/\.\d+/, ''));
      let answer;
      do answer = await send(on, made); while (answer.status === 200 && Date.now() < at.getTime() + 5000);
      return answer;
    },
  },
  'a key of another type': {
    code: 'endpoint_type_mismatch', status: 403, why: 'The key is for another kind of endpoint than the URL it was sent to.',
    attempt: async (on) => {
      const { key } = await makeKey(on, 'Wrong type');
      return send(on, { key }, { path: `/api/product-orgs/webhook/${key}` });
    },
  },
};

for (const [name, { code, status, why, attempt }] of Object.entries(refusals)) {
  journey(`${name} is refused with ${code}, and its reason is found by request id`, { on: server }, async ({ page }) => {
    const answer = await attempt(server());
    assert.deepEqual([answer.status, answer.body.error.code], [status, code]);
    assert.equal(answer.body.request_id, answer.requestId);

    await signIn(page);
    await page.goto(`${home}/requests`);
    await page.getByRole('searchbox').fill(answer.requestId);
    await page.getByRole('button', { name: 'Search' }).click();
    await row(page, code).getByRole('link').first().click();

    await titled(page, /Rejected request|form_submitted/);
    await page.getByRole('heading', { name: 'Why was this rejected?' }).waitFor();
    await page.getByText(why).waitFor();
    await page.getByText(answer.body.error.message).waitFor();
    await page.getByText(answer.requestId).first().waitFor();
  });
}
