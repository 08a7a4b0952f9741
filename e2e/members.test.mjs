// Who may come in, what each role may open, and how one leaves.
import assert from 'node:assert/strict';
import { axe, journey, sharedServer } from './harness.mjs';
import { fillSignIn, home, keysPage, makeKey, makeOrgKey, open, owner, row, sendOrg, signIn, titled, toast } from './steps.mjs';

const server = sharedServer({ account: owner });
const orgTemplate = { rows: [{ target: 'org_id', from: ['org_id'], required: true }, { target: 'plan', from: ['plan'] }] };

/** Makes an invitation link in the owner's browser. */
async function invite(page, role) {
  await open(page, 'Members');
  await page.getByRole('link', { name: 'Invite member' }).click();
  await page.getByRole('radio', { name: role }).check();
  await page.getByRole('button', { name: 'Create invitation link' }).click();
  const link = await page.getByRole('textbox', { name: 'Invitation link' }).inputValue();
  await page.getByRole('button', { name: 'Copy Invitation link' }).click();
  return link;
}

async function join(page, link, name) {
  const account = { name, email: `${name.toLowerCase().replaceAll(' ', '.')}@example.com`, password: 'a password of some words' };
  await page.goto(link);
  assert.deepEqual(await axe(page), []);
  await page.getByLabel('Your name').fill(account.name);
  await page.getByLabel('Email').fill(account.email);
  await page.getByLabel('Password').fill(account.password);
  await page.getByRole('button', { name: 'Create account and join' }).click();
  await titled(page, 'Home');
  return account;
}

async function lines(page) {
  return page.getByRole('navigation', { name: 'Main' }).getByRole('link').allInnerTexts();
}

journey('an Editor comes in by a link that works once, and cannot open members, settings or audit', { on: server }, async ({ page, visit }) => {
  await signIn(page);
  const link = await invite(page, 'Editor');
  const editor = await visit();
  await join(editor.page, link, 'Ed Editor');
  assert.deepEqual((await lines(editor.page)).map((line) => line.trim()), ['Home', 'Signals', 'Product orgs', 'Requests', 'Uploads', 'API keys', 'Sources', 'API reference']);

  editor.expectStatus(403);
  for (const path of ['settings/members', 'settings/members/invitations/new', 'settings', 'audit', 'audit/export.csv']) {
    assert.equal((await editor.page.goto(`${home}/${path}`)).status(), 403, path);
    await titled(editor.page, "You can't open this page");
    await editor.page.getByText('Your role (Editor) does not allow this.').waitFor();
    await editor.page.getByRole('link', { name: 'Go to Home' }).waitFor();
  }
  const { id } = await makeOrgKey(server(), 'Edited by an Editor', orgTemplate);
  await editor.page.goto(`${keysPage}/${id}/template`);
  await editor.page.getByLabel('Row 2: path', { exact: true }).fill('tier');
  await editor.page.getByRole('button', { name: 'Save template' }).click();
  await toast(editor.page, 'Template saved as version 2.').waitFor();

  const late = await visit();
  late.expectStatus(404);
  assert.equal((await late.page.goto(link)).status(), 404);
  await late.page.getByText('This invitation link is not valid').waitFor();
});

journey('a Viewer sees data, and neither keys nor their templates', { on: server }, async ({ page, visit }) => {
  const made = await makeOrgKey(server(), 'Not for viewers', orgTemplate);
  await sendOrg(server(), made, { org_id: 'hooli', plan: 'team' });
  await signIn(page);
  const link = await invite(page, 'Viewer');
  const viewer = await visit();
  await join(viewer.page, link, 'Vera Viewer');
  assert.deepEqual((await lines(viewer.page)).map((line) => line.trim()), ['Home', 'Signals', 'Product orgs', 'Requests', 'Uploads', 'Sources', 'API reference']);
  await open(viewer.page, 'Product orgs');
  await row(viewer.page, 'hooli').getByRole('link').click();
  await titled(viewer.page, 'hooli');
  await viewer.page.getByRole('table', { name: 'Current values' }).getByText('team', { exact: true }).waitFor();
  const links = await viewer.page.getByRole('main').getByRole('link').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  assert.deepEqual(links.filter((href) => href.includes('/settings/')), [], 'the page offers no key');

  viewer.expectStatus(403);
  const key = `${keysPage}/${made.id}`;
  for (const path of [
    keysPage, `${keysPage}/new`, key, `${key}/deactivation`, `${key}/template`, `${key}/template/versions`, `${key}/template/json`, `${key}/waiting`,
    `${key}/signature`, `${key}/test`, `${home}/settings/templates`,
  ]) {
    assert.equal((await viewer.page.goto(path)).status(), 403, path);
  }
  await viewer.page.goto(`${home}/requests`);
  await titled(viewer.page, 'Requests');
});

journey("another workspace's key is not found, like one that never was", { on: server }, async ({ page, expectStatus }) => {
  await signIn(page);
  await page.goto('/workspaces/new');
  await page.getByLabel('Name').fill('Difference Engines');
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await titled(page, 'Home');
  const { id } = await makeKey(server(), 'Elsewhere', '--workspace', 'analytical-engines');
  expectStatus(404);
  const never = await page.goto('/w/difference-engines/settings/api-keys/01980000-0000-7000-8000-000000000000');
  const seen = [never.status(), await page.getByRole('main').innerText()];
  const foreign = await page.goto(`/w/difference-engines/settings/api-keys/${id}`);
  assert.deepEqual([foreign.status(), await page.getByRole('main').innerText()], seen);
  assert.equal(foreign.status(), 404);
  await page.goto(`${keysPage}/${id}`);
  await titled(page, 'Elsewhere');
});

journey('a removed member is out at once', { on: server }, async ({ page, visit }) => {
  await signIn(page);
  const link = await invite(page, 'Developer');
  const developer = await visit();
  const account = await join(developer.page, link, 'Dan Developer');
  await open(developer.page, 'API keys');

  await page.goto(`${home}/settings/members`);
  await page.getByRole('button', { name: `Actions for ${account.name}` }).click();
  await page.getByRole('link', { name: 'Remove member' }).click();
  await page.getByRole('dialog', { name: `Remove ${account.name}?` }).getByRole('button', { name: 'Remove member' }).click();
  await toast(page, 'Dan Developer was removed and signed out.').waitFor();
  await row(page, account.email).waitFor({ state: 'detached' });

  await developer.page.reload();
  await titled(developer.page, 'Sign in');
  developer.expectStatus(404);
  await fillSignIn(developer.page, account);
  await developer.page.getByText('This workspace does not exist, or you are not a member of it.').waitFor();
});

journey('a role changes in the dialog, and the last Owner stays one', { on: server }, async ({ page, visit, expectStatus }) => {
  await signIn(page);
  const link = await invite(page, 'Viewer');
  const guest = await visit();
  await join(guest.page, link, 'Rae Riser');

  await page.goto(`${home}/settings/members`);
  const change = async (who, role) => {
    await page.getByRole('button', { name: `Actions for ${who}` }).click();
    await page.getByRole('link', { name: 'Change role' }).click();
    const dialog = page.getByRole('dialog', { name: `Change the role of ${who}` });
    await dialog.getByRole('radio', { name: role }).check();
    await dialog.getByRole('button', { name: 'Change role' }).click();
  };
  await change('Rae Riser', 'Admin');
  await toast(page, 'Rae Riser is now an Admin.').waitFor();
  await row(page, 'rae.riser@example.com').getByText('Admin').waitFor();
  await guest.page.goto(`${home}/audit`);
  await titled(guest.page, 'Audit');

  expectStatus(409);
  await change(owner.name, 'Viewer');
  await page.getByText('A workspace needs an Owner, and Ada Owner is the last one.').waitFor();
  await page.reload();
  await row(page, owner.email).getByText('Owner', { exact: true }).waitFor();
});

journey('somebody with an account joins with it, in one more workspace', { account: owner }, async ({ page, visit }) => {
  await signIn(page);
  const guest = await visit();
  const account = await join(guest.page, await invite(page, 'Viewer'), 'Gus Guest');
  await page.goto('/workspaces/new');
  await page.getByLabel('Name').fill('Loom Works');
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await titled(page, 'Home');
  const link = await invite(page, 'Developer');

  // A browser that is signed out is asked to sign in, and comes back to the link.
  const other = await visit();
  await other.page.goto(link);
  await other.page.getByRole('link', { name: 'Sign in' }).click();
  await fillSignIn(other.page, account);
  await other.page.getByText(`You are signed in as ${account.email}.`).waitFor();
  await other.page.getByRole('button', { name: 'Join workspace' }).click();
  await toast(other.page, 'Welcome to the workspace.').waitFor();
  assert.match(other.page.url(), /\/w\/loom-works$/);
  assert.ok((await lines(other.page)).some((line) => line.includes('API keys')), 'a Developer here, a Viewer there');
});

journey('reloading an invitation link makes no second one', { on: server }, async ({ page }) => {
  await signIn(page);
  await open(page, 'Members');
  const invitations = page.getByRole('table', { name: 'Invitations' }).getByRole('row');
  const before = Math.max(await invitations.count(), 1); // with the head
  const link = await invite(page, 'Editor');
  await page.reload();
  await titled(page, 'Members');
  assert.equal(await invitations.count(), before + 1);
  assert.ok(!(await page.content()).includes(link));
});

journey('an invitation can be revoked', { on: server }, async ({ page, visit }) => {
  await signIn(page);
  await invite(page, 'Developer');
  const link = await invite(page, 'Viewer');
  await page.goto(`${home}/settings/members`);
  const invited = page.getByRole('table', { name: 'Invitations' }).getByRole('row').filter({ hasText: 'Viewer' });
  await invited.getByRole('button', { name: /^Revoke/ }).click();
  await toast(page, 'Invitation revoked. Its link no longer works.').waitFor();
  const late = await visit();
  late.expectStatus(404);
  assert.equal((await late.page.goto(link)).status(), 404);
});
