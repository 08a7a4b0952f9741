// What people do, in the words of the screens; journeys are written with these.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { axe } from './accessibility.mjs';

export const owner = { name: 'Ada Owner', email: 'ada@example.com', password: 'correct horse battery staple', workspace: 'Analytical Engines' };

/** Where the pages of owner's workspace are. */
export const home = '/w/analytical-engines';
export const keysPage = `${home}/settings/api-keys`;

export const keyShape = /^[a-z][a-z0-9]{0,9}_(live|test)_[0-9A-Za-z]{4}_[0-9A-Za-z]{49}$/;

/** Waits for the page with this title. */
export function titled(page, name) {
  return page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Walks the first run from the link that the server printed, and ends signed in on Home. */
export async function firstRun(page, server, account = owner) {
  await page.goto(server.setupLink);
  await page.getByLabel('Your name').fill(account.name);
  await page.getByLabel('Email').fill(account.email);
  await page.getByLabel('Password').fill(account.password);
  await page.getByLabel('Workspace', { exact: true }).fill(account.workspace);
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await titled(page, 'Home');
}

export async function fillSignIn(page, { email, password }) {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Signs in and ends on Home. */
export async function signIn(page, account = owner) {
  await page.goto('/sign-in');
  await fillSignIn(page, account);
  await titled(page, 'Home');
}

/** Follows a line of the navigation, which phones keep behind a button. */
export async function open(page, name) {
  const menu = page.getByRole('button', { name: 'Menu', exact: true });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).click();
  await titled(page, name);
}

/** Creates a signal-staging key through the form and returns what the reveal shows, once: { name, key, secret }. */
export async function createKey(page, name, { secret = false, test = false } = {}) {
  await page.goto(keysPage);
  await page.getByRole('link', { name: 'Create key' }).first().click();
  await page.getByLabel('Name').fill(name);
  if (test) await page.getByRole('radio', { name: 'Test' }).check();
  if (secret) await page.getByRole('checkbox', { name: 'Also require a shared secret' }).check();
  await page.getByRole('button', { name: 'Create key' }).click();
  const key = await page.getByLabel('Key', { exact: true }).inputValue();
  assert.match(key, keyShape);
  return { name, key, secret: secret ? await page.getByLabel('Shared secret', { exact: true }).inputValue() : undefined };
}

/** Makes a key on the command line, beside the running server: the key object with its key and secret. */
export async function makeKey(server, name, ...flags) {
  return JSON.parse(await server.run(['keys', 'create', '--name', name, '--json', ...flags]));
}

/** Makes a Product org key with this template, { rows } as the editor's JSON view has it, or one that waits for a payload. */
export async function makeOrgKey(server, name, template, ...flags) {
  const from = template ? ['--template', '-'] : ['--capture'];
  return JSON.parse(await server.run(['keys', 'create', '--type', 'product_orgs', '--name', name, '--json', ...from, ...flags], template && JSON.stringify(template)));
}

/** Posts an update of an organisation as a sender would; fails unless the answer has this status, and returns its body. */
export async function sendOrg(server, { key }, payload, status = 200) {
  const { status: answered, body } = await send(server, { key }, { path: `/api/product-orgs/webhook/${key}`, item: payload });
  assert.equal(answered, status, JSON.stringify(body));
  return body;
}

/** Posts a form submission as a sender would, outside of the browser. */
export async function send(server, { key, secret }, { path = `/api/signal-staging/webhook/${key}`, item = submission() } = {}) {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'website/1.0', ...(secret && { 'x-api-secret': secret }) },
    body: JSON.stringify(item),
  });
  return { status: response.status, requestId: response.headers.get('x-request-id'), body: await response.json() };
}

/** Calls the management API as a program would, outside of the browser. A text as body is sent as it stands. */
export async function call(server, { key }, path, { method = 'GET', body } = {}) {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { ...(key && { authorization: `Bearer ${key}` }), ...(body && { 'content-type': 'application/json' }) },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
}

/** The SHA-256 of a text, in hex. */
export function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** Asks again until what it says is so; some things happen at a time of their own. */
export async function until(what, isSo) {
  const end = Date.now() + 20_000;
  while (!(await isSo())) assert.ok(Date.now() < end, `${what}: not within 20 seconds`);
}

/** Nobody's eyes or fingers find a fault with the page: see axe, and nothing to scroll sideways. */
export async function fits(page) {
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page scrolls sideways');
  assert.deepEqual(await axe(page), []);
}

export function submission(event = 'form_submitted') {
  return { event, email: 'grace@example.com', properties: { form: 'demo' } };
}

/** Loads the page again until it shows this: uses of a key are written half a second after the event. */
export async function loadUntil(page, shown) {
  const end = Date.now() + 20_000;
  while (!(await shown.isVisible()) && Date.now() < end) await page.reload();
  await shown.waitFor({ timeout: 2000 });
}

/** The row of a table that says this. */
export function row(page, text) {
  return page.getByRole('row').filter({ hasText: text });
}

/** The message about what the last action did. */
export function toast(page, text) {
  return page.locator('#toasts').getByText(text);
}
