// The watch itself is tested on pages that misbehave on purpose: a watch that sees nothing would pass everything.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { axe } from './accessibility.mjs';
import { launch, openSession } from './browser.mjs';

const document = (body) => `<!doctype html><html lang="en"><title>Page</title><body><main><h1>Page</h1>${body}</main></body></html>`;
const pages = {
  '/good': document('<p>Nothing wrong here.</p>'),
  '/error': document('<script>console.error("broken")</script>'),
  '/exception': document('<script>nothing.here()</script>'),
  '/policy': document('<p style="color:red">Styled in place.</p><script>document.title = "ran"</script>'),
  '/elsewhere': document('<img alt="" src="http://elsewhere.example/pixel.png">'),
  '/pale': document('<p class="pale">Hardly to be read.</p><link rel="stylesheet" href="/pale.css">'),
  '/pale.css': '.pale { color: #ccc; background: #fff; }',
};

let browser;
let server;
let origin;
before(async () => {
  server = createServer((request, response) => {
    const page = pages[request.url];
    const strict = ['/policy', '/pale', '/good'].includes(request.url);
    response.writeHead(page ? 200 : 404, {
      'content-type': request.url.endsWith('.css') ? 'text/css' : 'text/html; charset=utf-8',
      ...(strict && { 'content-security-policy': "default-src 'self'" }),
    });
    response.end(page ?? document('<p>Not found.</p>'));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});

async function problemsOf(path, options) {
  const session = await openSession(browser, origin, options);
  session.expectStatus(...(options?.statuses ?? []));
  // The browser asks for an icon by itself, which these pages do not have.
  await session.context.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
  await session.page.goto(path, { waitUntil: 'networkidle' });
  await session.close();
  return session.problems.join('\n');
}

test('a good page raises no problem', async () => assert.equal(await problemsOf('/good'), ''));
test('a good page raises no problem without JavaScript', async () => assert.equal(await problemsOf('/good', { script: false }), ''));
test('an error in the console is a problem', async () => assert.match(await problemsOf('/error'), /console: broken/));
test('an uncaught exception is a problem', async () => assert.match(await problemsOf('/exception'), /exception: nothing is not defined/));
test('a request to another host is a problem', async () => assert.match(await problemsOf('/elsewhere'), /another host: http:\/\/elsewhere\.example/));
test('a request to another host is a problem without JavaScript', async () => {
  assert.match(await problemsOf('/elsewhere', { script: false }), /another host/);
});
test('an answer of 404 is a problem', async () => assert.match(await problemsOf('/missing'), /answer 404 to GET/));
test('an answer that was expected is none', async () => assert.equal(await problemsOf('/missing', { statuses: [404] }), ''));
test('inline style and script are violations of the policy', async () => {
  const problems = await problemsOf('/policy');
  assert.match(problems, /CSP violation: script-src/);
  assert.match(problems, /CSP violation: style-src/);
});
test('an inline style is a violation of the policy without JavaScript', async () => {
  assert.match(await problemsOf('/policy', { script: false }), /console: .*Content Security Policy/);
});

test('axe finds pale text under a strict policy, and nothing on a good page', async () => {
  const { page, close } = await openSession(browser, origin);
  await page.goto('/pale');
  assert.match((await axe(page)).join('\n'), /color-contrast/);
  await page.goto('/good');
  assert.deepEqual(await axe(page), []);
  await close();
});
