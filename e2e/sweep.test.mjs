// Every screen, in both themes and both widths: nothing serious for axe, nothing noted by the watch, nothing to scroll sideways.
import assert from 'node:assert/strict';
import { axe, desktop, journey, phone, sharedServer } from './harness.mjs';
import { home, makeOrgKey, owner, signIn } from './steps.mjs';
import { people, juniper } from './demo.mjs';

const demo = sharedServer({ seed: 400 });
const empty = sharedServer({ account: owner });

const lists = [
  '', '/signals', '/signals?q=matches-nothing', '/product-orgs', '/product-orgs?q=matches-nothing', '/requests', '/requests?status=rejected&source=partner', '/requests?live=1', '/uploads',
  '/settings/api-keys', '/settings/api-keys?env=test', '/settings/api-keys?status=expired&q=matches-nothing', '/settings/api-keys/new',
  '/settings/api-keys/new?type=product_orgs', '/settings/api-keys/new?type=api_access', '/settings/api-keys/import', '/settings/templates',
  '/settings/api-keys/hygiene', '/settings/api-keys/hygiene?env=test', '/settings/api-keys/leaks',
  '/settings/endpoints', '/settings/endpoints?env=test', '/settings/endpoints?status=failing', '/settings/endpoints?status=disabled&q=matches-nothing', '/settings/endpoints/new',
  '/settings/members', '/settings/members/invitations/new', '/audit', '/settings', '/settings/plan', '/settings/plan/change?to=free', '/leaving',
];
const own = ['/profile', '/workspaces/new', '/docs/sources', '/docs/api'];

/** The address of the first row's page. */
async function first(page, list, pattern) {
  await page.goto(list);
  const hrefs = await page.locator('main a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  const found = hrefs.find((href) => pattern.test(href));
  assert.ok(found, `${list} leads to ${pattern}`);
  return found;
}

async function details(page, base) {
  const key = await first(page, `${base}/settings/api-keys`, /api-keys\/[0-9a-f-]{36}$/);
  return [
    key,
    `${key}/deactivation`,
    `${key}/signature`,
    `${key}/test`,
    `${key}/test?sample=segment/batch`,
    await first(page, `${base}/settings/api-keys?status=deactivated`, /api-keys\/[0-9a-f-]{36}$/),
    await first(page, `${base}/signals`, /signals\/[0-9a-f-]{36}$/),
    await first(page, `${base}/requests?status=rejected`, /requests\/[0-9a-f-]{36}$/),
    await first(page, `${base}/requests?status=accepted`, /requests\/[0-9a-f-]{36}$/),
    await first(page, `${base}/settings/members`, /members\/[0-9a-f-]{36}\/role$/),
    await first(page, `${base}/settings/members`, /members\/[0-9a-f-]{36}\/removal$/),
  ];
}

/** The address of the page of the key with this name. */
async function keyNamed(page, base, name) {
  await page.goto(`${base}/settings/api-keys`);
  return page.getByRole('main').getByRole('link', { name, exact: true }).getAttribute('href');
}

/** What the product orgs of the demo bring: organisations, templates, and updates that wait. */
async function orgDetails(page, base) {
  const key = await keyNamed(page, base, 'Segment groups');
  const billing = await keyNamed(page, base, 'Billing system');
  const saved = await first(page, `${base}/settings/templates`, /templates\/[0-9a-f-]{36}$/);
  return [
    `${base}/product-orgs?sort=mrr-desc&col=custom.industry`,
    await first(page, `${base}/product-orgs`, /product-orgs\/[0-9a-f-]{36}$/),
    await first(page, `${base}/requests?key=${key.split('/').at(-1)}`, /requests\/[0-9a-f-]{36}$/),
    await first(page, `${base}/requests?key=${billing.split('/').at(-1)}`, /requests\/[0-9a-f-]{36}$/),
    key, `${key}/test`, `${key}/template`, `${key}/template/versions`, `${key}/template/versions/2`, `${key}/template/json`,
    saved, `${saved}/versions/1`,
    billing, `${billing}/waiting`, `${billing}/waiting?preview=1`,
    await first(page, `${billing}/waiting`, /waiting\/[0-9a-f-]{36}$/),
    `${base}/settings/api-keys/new?type=product_orgs&sample=vendor:segment/group`,
  ];
}

/** What programs, rotations and the care for keys bring: scopes, limits, addresses, an old value, findings and their questions. */
async function careDetails(page, base) {
  const keys = `${base}/settings/api-keys`, hygiene = `${keys}/hygiene`;
  const program = await keyNamed(page, base, 'CI pipeline'), rotating = await keyNamed(page, base, 'Segment');
  const watched = await keyNamed(page, base, 'Product backend'), seen = await keyNamed(page, base, 'Marketing website');
  return [
    program, `${program}/scopes`, `${program}/protection`, `${program}/addresses`, `${program}/rotation`, `${keys}/new?like=${program.split('/').at(-1)}`,
    rotating, `${rotating}?span=7d`, `${rotating}/rotation`, `${rotating}/rotation/end`, `${rotating}?shown=rotated`, watched, `${watched}/addresses`, `${watched}/rotation`, `${watched}/protection`,
    ...['old_value', 'browser', 'idle_30', 'idle_90', 'scopes_unused', 'no_expiry'].map((kind) => `${hygiene}?kind=${kind}`),
    `${rotating}/hygiene?fix=old_value:end`, `${seen}/hygiene?fix=browser`,
    await first(page, `${keys}?type=api_access`, /api-keys\/[0-9a-f-]{36}$/), `${keys}?type=api_access`,
  ];
}

/** What outbound webhooks bring: endpoints in each state, and the questions about them. */
async function endpointDetails(page, base) {
  const list = `${base}/settings/endpoints`, one = /endpoints\/[0-9a-f-]{36}$/;
  const failing = await first(page, `${list}?status=failing`, one), disabled = await first(page, `${list}?status=disabled`, one);
  return [
    failing, `${failing}?span=7d`, `${failing}/edit`, `${failing}/rotation`, `${failing}/status`, `${failing}/deletion`,
    disabled, `${disabled}/status`, await first(page, `${list}?env=test`, one), await first(page, list, one),
  ];
}

/** What was sent to endpoints, and what is still to be: deliveries in every state, plans, and the form of a test event. */
async function deliveryDetails(page, base) {
  const live = `${base}/settings/endpoints`, one = /\/deliveries\/msg_[0-9a-f]{32}$/;
  const failing = await endpointNamed(page, live, 'Product catalogue');
  const gone = await endpointNamed(page, live, 'Old analytics pipeline');
  const rotating = await endpointNamed(page, `${live}?env=test`, 'Staging');
  return [
    ...[failing, gone, rotating].map((endpoint) => `${endpoint}/deliveries`),
    `${failing}/deliveries?status=failed&from=2020-01-01T00:00`, `${failing}/deliveries?type=webhook.test`,
    await first(page, `${failing}/deliveries?status=failed`, one), await first(page, `${failing}/deliveries?status=pending`, one),
    await first(page, `${failing}/deliveries?status=delivered`, one), await first(page, `${gone}/deliveries?status=skipped`, one),
    await first(page, `${rotating}/deliveries`, one),
    `${failing}/replays/new?kind=failed&since=all&rate=5`, `${gone}/replays/new?kind=skipped`,
    `${failing}/test`, `${gone}/test?type=signal.received`, `${rotating}/test`,
  ];
}

/** The address of the page of the endpoint with this description. */
async function endpointNamed(page, list, description) {
  await page.goto(list);
  return page.getByRole('main').getByRole('row').filter({ hasText: description }).getByRole('link').first().getAttribute('href');
}

/** Looks at each page in both themes and at each width, and fails with all that is wrong with any. */
async function sweep(page, paths, widths) {
  const wrong = [];
  for (const path of paths) {
    await page.goto(path);
    wrong.push(...(await axe(page)).map((violation) => `${path}: ${violation}`));
    const light = await background(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)));
    assert.notEqual(await background(page), light, `${path} has a dark theme`);
    wrong.push(...(await axe(page, { coloursOnly: true })).map((violation) => `${path}, dark: ${violation}`));
    await page.emulateMedia({ colorScheme: 'light' });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 844 });
      // A table may scroll inside of its frame, but should not have to on a wide window.
      const over = await page.evaluate(() => Math.max(
        document.documentElement.scrollWidth - innerWidth,
        ...[...document.querySelectorAll('.table-wrap')].map((table) => table.scrollWidth - table.clientWidth),
      ));
      if (over > 0) wrong.push(`${path}: ${over} px too wide at ${width} px`);
    }
  }
  assert.deepEqual(wrong, []);
}

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

for (const [viewport, widths] of [[desktop, [1280]], [phone, [320, 390]]]) {
  journey(`every screen of the demo is accessible and clean at ${viewport.width} px, light and dark`, { on: demo, viewport }, async ({ page, expectStatus }) => {
    const base = juniper;
    await page.goto('/sign-in');
    await sweep(page, ['/sign-in', '/docs/api'], widths);
    await signIn(page, people(demo()).owner);
    await sweep(page, [...lists.map((path) => base + path), ...(await details(page, base)), ...(await orgDetails(page, base)), ...own], widths);
    expectStatus(404);
    await sweep(page, [`${base}/nothing-here`], widths);
  });

  journey(`every screen about programs, rotations and the care for keys is accessible and clean at ${viewport.width} px, light and dark`, { on: demo, viewport }, async ({ page }) => {
    await signIn(page, people(demo()).owner);
    await sweep(page, await careDetails(page, juniper), widths);
  });

  journey(`every screen about deliveries is accessible and clean at ${viewport.width} px, light and dark`, { on: demo, viewport }, async ({ page }) => {
    await signIn(page, people(demo()).owner);
    await sweep(page, await deliveryDetails(page, juniper), widths);
  });

  journey(`every screen about endpoints is accessible and clean at ${viewport.width} px, light and dark`, { on: demo, viewport }, async ({ page }) => {
    await signIn(page, people(demo()).owner);
    await sweep(page, await endpointDetails(page, juniper), widths);
  });
}

for (const dark of [false, true]) {
  journey(`what opens and what is refused is accessible on a phone, ${dark ? 'dark' : 'light'}`, { on: empty, viewport: phone, dark }, async ({ page, expectStatus }) => {
    await signIn(page);
    await page.getByRole('button', { name: 'Menu', exact: true }).click();
    assert.deepEqual(await axe(page), [], 'the menu');
    await page.getByRole('button', { name: /Account:/ }).click();
    assert.deepEqual(await axe(page), [], 'the menu of the account');
    await page.goto(home);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await axe(page), [], 'the sheet of shortcuts');

    expectStatus(422);
    await page.goto('/profile');
    await page.getByLabel('Time zone').fill('Middle/Earth');
    await page.getByRole('button', { name: 'Save preferences' }).click();
    await page.getByRole('alert').waitFor();
    assert.deepEqual(await axe(page), [], 'a form with an error');
  });
}

journey('every screen of an empty workspace is accessible and clean', { on: empty, viewport: phone }, async ({ page }) => {
  await signIn(page);
  const { id } = await makeOrgKey(empty(), 'Waits for a payload');
  const key = `${home}/settings/api-keys/${id}`;
  await sweep(page, [...lists.map((path) => home + path), `${key}/template`, `${key}/template?start=1`, `${key}/template/versions`, `${key}/template/json`, `${key}/waiting`], [320, 390]);
});

for (const [role, who, more] of [
  ['developer', 'a Developer', ['/settings/api-keys', '/settings/api-keys/new?type=api_access', '/settings/api-keys/hygiene', '/settings/api-keys/leaks', '/settings/endpoints', '/settings/endpoints/new', 'CI pipeline', 'Segment']],
  ['editor', 'an Editor', ['/settings/api-keys', '/settings/api-keys/new', '/settings/api-keys/hygiene', '/settings/api-keys/leaks', 'Segment', 'Product backend']],
  ['viewer', 'a Viewer', []],
]) {
  journey(`no screen of ${who} offers what the role may not open`, { on: demo }, async ({ page, context }) => {
    await signIn(page, people(demo())[role]);
    const paths = ['', '/signals', '/product-orgs', '/requests'].map((path) => juniper + path);
    for (const one of more) paths.push(one.startsWith('/') ? juniper + one : await keyNamed(page, juniper, one));
    for (const path of paths) {
      await page.goto(path);
      const hrefs = new Set(await page.locator('a[href^="/"]').evaluateAll((links) => links.map((link) => link.getAttribute('href').split('#')[0])));
      for (const href of [...hrefs].filter((href) => !/export|body$/.test(href)).slice(0, 40)) {
        const answer = await context.request.get(href, { maxRedirects: 3 });
        assert.ok(answer.status() < 400, `${path} offers ${href}, which answers ${answer.status()}`);
      }
    }
  });
}
