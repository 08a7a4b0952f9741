// An endpoint is made, looked at, changed, given another secret, disabled and deleted.
import assert from 'node:assert/strict';
import { journey, sharedServer, visitors } from './harness.mjs';
import { fits, home, owner, row, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner, env: { LATCHKEY_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8' } });
const endpoints = `${home}/settings/endpoints`;

// Nothing listens there, and nothing is sent: these journeys are about the pages.
const address = (name) => `http://127.0.0.1:9/${name}`;

/** Creates a live endpoint through the form; ends on the page with its secret, which it returns. */
async function create(page, name, fill = async () => {}) {
  await page.goto(`${endpoints}/new`);
  await page.getByLabel('URL', { exact: true }).fill(address(name));
  await page.getByRole('checkbox', { name: 'All events' }).check();
  await fill();
  await page.getByRole('button', { name: 'Create endpoint' }).click();
  await titled(page, /^Endpoint created/);
  return server().keepsSecret(await page.getByLabel('Signing secret', { exact: true }).inputValue());
}

async function view(page, name) {
  await page.goto(endpoints);
  await row(page, address(name)).getByRole('link', { name: address(name) }).click();
  await titled(page, '127.0.0.1:9');
}

/** Opens the part of the form that is closed at first. */
const advanced = (page) => page.getByText(/^Advanced:/).click();

for (const [i, { name, ...visitor }] of visitors.entries()) {
  const script = visitor.script !== false;
  const looks = async (page) => { if (script) await fits(page); };

  journey(`an endpoint is created, after its mistakes are corrected, ${name}`, { on: server, ...visitor }, async ({ page, expectStatus }) => {
    expectStatus(422);
    await signIn(page);
    await page.goto(`${endpoints}/new`);
    await page.getByLabel('URL', { exact: true }).fill('http://10.0.0.1/private');
    await page.getByLabel('Description').fill(`Made ${i}`);
    await page.getByRole('button', { name: 'Create endpoint' }).click();
    await page.getByRole('alert').getByText('Choose at least one event type.').waitFor();
    await page.getByRole('alert').getByText('LATCHKEY_WEBHOOK_ALLOW_CIDRS').waitFor();
    await looks(page);

    const form = page.locator('form.endpoint-form');
    assert.equal(await form.getByLabel('Description').inputValue(), `Made ${i}`);
    await form.getByLabel('URL', { exact: true }).fill(address(`made-${i}`));
    await form.getByRole('checkbox', { name: /^API keys/ }).check();
    assert.equal(await form.getByRole('checkbox', { name: 'api_key.rotated' }).isVisible(), false, 'the group holds it already');
    await form.getByRole('checkbox', { name: 'signal.received' }).check();
    await form.getByText('Sample of product_org.updated').click();
    await form.getByRole('region', { name: 'Body of product_org.updated' }).getByText('"type": "product_org.updated"').waitFor();
    await advanced(page);
    for (const [header, value] of [['X-Tenant', 'acme'], ['Authorization', 'Bearer t0ken-of-the-gateway']]) {
      const n = header === 'X-Tenant' ? 1 : 3;
      await form.getByLabel(`Name of header ${n}`).fill(header);
      await form.getByLabel(`Value of header ${n}`).fill(value);
    }
    server().keepsSecret('t0ken-of-the-gateway');
    await form.getByRole('button', { name: 'More rows' }).click();
    await form.getByLabel('Name of header 6').waitFor();
    assert.equal(await form.getByLabel('Value of header 3').inputValue(), 'Bearer t0ken-of-the-gateway');
    await looks(page);
    await form.getByRole('button', { name: 'Create endpoint' }).click();

    await titled(page, 'Endpoint created: 127.0.0.1:9');
    const secret = server().keepsSecret(await page.getByLabel('Signing secret', { exact: true }).inputValue());
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    await page.getByRole('radio', { name: 'Python' }).check({ force: true });
    await page.getByRole('region', { name: 'Python example' }).getByText(secret).waitFor();
    await looks(page);
    await page.getByRole('link', { name: 'Done, view endpoint' }).click();

    await titled(page, '127.0.0.1:9');
    await page.getByText(`Made ${i}`).first().waitFor();
    await page.getByText('signal.received, api_key.*').waitFor();
    await page.getByText('Authorization: ••••').waitFor();
    assert.ok(!(await page.content()).includes(secret));
    await looks(page);
    await page.goto(endpoints);
    await row(page, address(`made-${i}`)).getByText('Active').waitFor();
    await row(page, address(`made-${i}`)).getByText('no attempts').waitFor();
    await looks(page);
  });

  journey(`a secret is revealed, rotated, and the old one ended, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    const first = await create(page, `rotated-${i}`);
    await view(page, `rotated-${i}`);
    await page.getByRole('button', { name: 'Reveal secret' }).click();
    assert.equal(await page.getByLabel('Signing secret', { exact: true }).inputValue(), first);
    if (script) {
      await titled(page, '127.0.0.1:9'); // the same page
      await fits(page);
    }
    await view(page, `rotated-${i}`);
    assert.ok(!(await page.content()).includes(first));
    await page.getByText('looked at the signing secret').first().waitFor();

    await page.getByRole('link', { name: 'Rotate secret' }).click();
    await page.getByLabel('The old secret signs too').selectOption('for 7 days');
    await looks(page);
    await page.getByRole('button', { name: 'Rotate secret' }).click();
    await titled(page, 'New signing secret of 127.0.0.1:9');
    const fresh = server().keepsSecret(await page.getByLabel('Signing secret', { exact: true }).inputValue());
    assert.notEqual(fresh, first);
    await page.getByText(/^The old secret signs too until /).waitFor();

    await view(page, `rotated-${i}`);
    await page.getByText(/^Two secrets sign until /).waitFor();
    await page.getByText(/^The old one stops in 6 d 23 h/).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Rotate secret' }).count(), 0);
    await looks(page);
    await page.getByRole('link', { name: 'End old secret now' }).click();
    await page.getByRole('button', { name: 'End old secret' }).click();
    await toast(page, 'The old secret has ended.').waitFor();
    await page.getByRole('button', { name: 'Reveal secret' }).click();
    assert.equal(await page.getByLabel('Signing secret', { exact: true }).inputValue(), fresh);
    assert.equal(await page.getByLabel('Old signing secret').count(), 0);
  });

  journey(`an endpoint is edited, disabled, enabled and deleted, ${name}`, { on: server, ...visitor }, async ({ page }) => {
    await signIn(page);
    await create(page, `edited-${i}`, async () => {
      await advanced(page);
      await page.getByLabel('Name of header 1').fill('X-Kept');
      await page.getByLabel('Value of header 1').fill('stays');
    });
    await view(page, `edited-${i}`);
    await page.getByRole('link', { name: 'Edit endpoint' }).click();
    await titled(page, 'Edit endpoint');
    assert.equal(await page.getByLabel('Value of header 1').inputValue(), '');
    await page.getByLabel('Description').fill('Warehouse');
    await page.getByRole('checkbox', { name: 'One after the other, in order' }).check();
    await looks(page);
    await page.getByRole('button', { name: 'Save changes' }).click();
    await toast(page, 'Endpoint saved.').waitFor();
    await page.getByText('One after the other').waitFor();
    await page.getByText('X-Kept: ••••').waitFor();

    await page.goto(endpoints);
    await row(page, address(`edited-${i}`)).getByRole('button', { name: /^Actions for/ }).click();
    await page.getByRole('link', { name: 'Disable', exact: true }).click();
    await page.getByText('Nothing waits to be sent.').waitFor();
    await page.getByRole('button', { name: 'Disable endpoint' }).click();
    await toast(page, 'Nothing is sent to it any more.').waitFor();
    await row(page, address(`edited-${i}`)).getByText('Disabled: by hand').waitFor();
    await page.getByRole('link', { name: /^Disabled/ }).click();
    await row(page, address(`edited-${i}`)).waitFor();
    await row(page, address(`edited-${i}`)).getByRole('link', { name: address(`edited-${i}`) }).click();
    await page.getByText('Somebody disabled it.').waitFor();
    await looks(page);
    await page.getByRole('link', { name: 'Enable endpoint' }).click();
    await page.getByRole('button', { name: 'Enable endpoint' }).click();
    await toast(page, 'New messages are sent to it from now on.').waitFor();

    await page.getByRole('link', { name: 'Delete endpoint' }).click();
    const button = page.getByRole('button', { name: 'Delete endpoint' });
    if (script) {
      assert.ok(await button.isDisabled(), 'the name is not typed yet');
      await fits(page);
    }
    await page.getByLabel('Type 127.0.0.1:9 to confirm').fill('127.0.0.1:9');
    await button.click();
    await toast(page, 'Deleted the endpoint 127.0.0.1:9.').waitFor();
    assert.equal(await row(page, address(`edited-${i}`)).count(), 0);
  });

  journey(`a double click makes one endpoint, ${name}`, { on: server, ...visitor }, async ({ page, expectStatus }) => {
    expectStatus(409);
    await signIn(page);
    await page.goto(`${endpoints}/new`);
    await page.getByLabel('URL', { exact: true }).fill(address(`twice-${i}`));
    await page.getByRole('checkbox', { name: 'All events' }).check();
    await page.getByRole('button', { name: 'Create endpoint' }).dblclick({ noWaitAfter: true });
    await page.getByRole('heading', { level: 1, name: /^Endpoint created|^This form has made its endpoint already/ }).waitFor();
    await page.goto(`${endpoints}?q=twice-${i}`);
    await page.getByText('Showing 1 of 1').waitFor();
  });
}

journey('the keyboard goes to the endpoints, and creates one', { on: server }, async ({ page }) => {
  await signIn(page);
  await page.keyboard.press('g');
  await page.keyboard.press('e');
  await titled(page, 'Endpoints');
  await page.keyboard.press('c');
  await titled(page, 'Create endpoint');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'url');
});

journey('a revealed secret takes the focus of the button that is gone', { on: server }, async ({ page }) => {
  await signIn(page);
  await create(page, 'focus');
  await view(page, 'focus');
  await page.getByRole('button', { name: 'Reveal secret' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Signing secret', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Revealed secret');
});
